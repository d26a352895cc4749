// Measures our kernels against memcpy and other libraries.
// SPDX-License-Identifier: Apache-2.0
#include <hwy/targets.h>
#include <malloc.h>
#include <sched.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "bench/codec_contender.h"
#include "bench/codec_measure.h"
#include "bench/machine.h"
#include "bench/peers.h"
#include "bench/photograph.h"
#include "bench/report.h"
#include "hwy/highway.h"

namespace imageadapt::bench {
namespace {

struct Flags {
  std::string json;
  std::string filter;
  std::string target;
  double seconds = 1;
  bool lists = false;
  bool describes = false;
};

// Photographs, and the same in hue, saturation and value, made once.
class Sources {
 public:
  explicit Sources(BufferPool& buffers) : buffers_(buffers) {}

  AnyConstImageView Get(const BenchmarkRow& row) {
    const bool is_hsv = row.operation.kind == Kind::kHsvToRgb;
    BenchmarkRow source = row;
    source.operation = {.name = is_hsv ? "hsv" : "rgb"};
    source.threads = 1;
    const auto [place, is_new] = images_.try_emplace(source.Name());
    if (is_new) {
      place->second = MakePhotograph(row.spec, buffers_);
      if (is_hsv) PhotographToHsv(place->second);
    }
    return place->second.view();
  }

 private:
  BufferPool& buffers_;
  std::map<std::string, Image> images_;
};

// Makes our kernels act as on the named kind of processor ("" for the best) and
// returns its name; "" if there is no such kind.
std::string ChooseTarget(const std::string& name) {
  std::vector<std::string> known;
  // The best one comes first.
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const std::string known_name = hwy::TargetName(target);
    if (name.empty() ||
        absl::AsciiStrToUpper(name) == absl::AsciiStrToUpper(known_name)) {
      if (!name.empty()) hwy::SetSupportedTargetsForTest(target);
      return known_name;
    }
    known.push_back(absl::AsciiStrToLower(known_name));
  }
  std::fprintf(stderr, "bench: --target must be one of %s\n",
               absl::StrJoin(known, ", ").c_str());
  return "";
}

int ProcessorsAllowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return CPU_COUNT(&set);
}

std::regex PatternOf(const std::string& filter) {
  try {
    return std::regex(filter);
  } catch (const std::regex_error& error) {
    std::fprintf(stderr, "bench: --filter is no regular expression: %s\n",
                 error.what());
    std::exit(2);
  }
}

bool IsInWholeRun(const CodecRow& /*row*/) { return true; }

// Those of `all` that run here.
template <typename Row>
std::vector<Row> ChosenRows(const std::vector<Row>& all,
                            const std::string& filter) {
  std::vector<Row> rows;
  const std::regex pattern = PatternOf(filter);
  const bool has_two = ProcessorsAllowed() > 1;
  bool says_one = false;
  for (const Row& row : all) {
    const bool is_chosen = filter.empty()
                               ? IsInWholeRun(row)
                               : std::regex_search(row.Name(), pattern);
    if (!is_chosen) continue;
    if (row.threads > 1 && !has_two) {
      says_one = true;
      continue;
    }
    rows.push_back(row);
  }
  if (says_one) {
    std::fprintf(stderr,
                 "bench: one processor only, so no rows of two threads\n");
  }
  return rows;
}

bool WriteFile(const std::string& name, const std::string& text) {
  std::ofstream file(name);
  file << text << std::flush;
  if (file.good()) return true;
  std::fprintf(stderr, "bench: cannot write %s\n", name.c_str());
  return false;
}

int Run(const Flags& flags) {
  if (flags.describes) {
    std::fputs(MachineText().c_str(), stdout);
    return 0;
  }
  const auto rows = ChosenRows(AllRows(), flags.filter);
  const auto codec_rows = ChosenRows(AllCodecRows(), flags.filter);
  if (flags.lists) {
    for (const BenchmarkRow& row : rows) std::puts(row.Name().c_str());
    for (const CodecRow& row : codec_rows) std::puts(row.Name().c_str());
    return 0;
  }
  const std::string target = ChooseTarget(flags.target);
  if (target.empty()) return 2;
  if (rows.empty() && codec_rows.empty()) {
    std::fprintf(stderr, "bench: no row matches; see --list\n");
    return 2;
  }
  // Peers keep their memory, as we do: fresh pages would cost more than work.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, INT32_MAX);
  for (const Peer& peer : Peers()) {
    if (peer.make == nullptr) {
      std::fprintf(stderr, "bench: built without %s: its column is n/a\n",
                   peer.name);
    }
  }
  BufferPool buffers(size_t{2} << 30);
  Sources sources(buffers);
  std::unique_ptr<WorkerPool> workers;
  std::vector<ReportRow> report;
  // Adds a row; after each the file, so that a run that is broken off leaves
  // something.
  const auto add = [&](const std::string& name, RowTimes times) {
    report.push_back(
        {.name = name, .target = target, .times = std::move(times)});
    std::fputs(TableLine(report.back()).c_str(), stdout);
    std::fflush(stdout);
    return flags.json.empty() || WriteFile(flags.json, ToJson(report));
  };
  std::printf("%s\ntarget %s; lower quartiles of %g s a row; ~ from a part\n%s",
              MachineText().c_str(), target.c_str(), flags.seconds,
              TableHead().c_str());
  for (const BenchmarkRow& row : rows) {
    if (row.threads > 1 && workers == nullptr) {
      workers = std::make_unique<WorkerPool>(2);
    }
    if (!add(row.Name(),
             Measure(row, sources.Get(row), flags.seconds,
                     row.threads > 1 ? workers.get() : nullptr, buffers))) {
      return 1;
    }
  }
  for (const CodecRow& row : codec_rows) {
    const AnyConstImageView source = sources.Get(
        {.operation = {.name = "", .kind = Kind::kMirror}, .spec = row.spec});
    if (!add(row.Name(), MeasureCodec(row, source, flags.seconds, buffers))) {
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace imageadapt::bench

int main(int argc, char** argv) {
  imageadapt::bench::Flags flags;
  CLI::App app("Measures our kernels against memcpy and other libraries.",
               "bench_kernels");
  app.add_option("--json", flags.json, "Write the times to this file, too");
  app.add_option("--filter", flags.filter,
                 "Rows whose name has this regular expression, also those that "
                 "a whole run leaves out");
  app.add_option("--target", flags.target,
                 "Kind of processor for our kernels: avx3_dl, avx2, sse4, "
                 "scalar");
  app.add_option("--seconds", flags.seconds, "Time for each row")
      ->check(CLI::PositiveNumber);
  app.add_flag("--list", flags.lists, "Only print the names of the rows");
  app.add_flag("--machine", flags.describes, "Only describe the machine");
  CLI11_PARSE(app, argc, argv);
  return imageadapt::bench::Run(flags);
}
