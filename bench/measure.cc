#include "bench/measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "bench/ours.h"
#include "bench/peers.h"

namespace imageadapt::bench {
namespace {

// What would take longer, is estimated from the middle of the image.
constexpr double kLongestSeconds = 4;
// A part that takes less says too little.
constexpr double kPartSeconds = 0.2;
// No smaller than the largest window, which libvips wants to fit in.
constexpr uint32_t kFirstPartSide = 128;
// What takes longer, runs once.
constexpr double kRunsOnceSeconds = 1;
// What takes longer, need not be run again to find its caches warm.
constexpr double kWarmSeconds = 0.05;
constexpr size_t kFewestRounds = 3;

double RunOnce(const Contender& contender) {
  using Clock = std::chrono::steady_clock;
  if (contender.prepare != nullptr) contender.prepare();
  const Clock::time_point start = Clock::now();
  contender.run();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// A contender that has run, on the whole image or on a part of it.
struct Entry {
  Contender contender;
  std::shared_ptr<Image> part;  // null if it is the whole
  double seconds = 0;           // for the whole image
  std::vector<double> samples;
  double spent = 0;

  void Take() {
    if (seconds < kWarmSeconds) spent += RunOnce(contender);
    samples.push_back(RunOnce(contender));
    spent += samples.back();
  }

  bool WantsMore(double share) const {
    if (part != nullptr || seconds >= kRunsOnceSeconds) return false;
    return samples.size() < kFewestRounds || spent < share;
  }

  Time Result() {
    if (samples.empty()) {
      return {.milliseconds = seconds * 1000, .is_estimate = part != nullptr};
    }
    const size_t quartile = (samples.size() - 1) / 4;
    std::ranges::nth_element(
        samples, samples.begin() + static_cast<ptrdiff_t>(quartile));
    return {.milliseconds = samples[quartile] * 1000};
  }
};

std::shared_ptr<Image> MiddleOf(const AnyConstImageView& image, uint32_t side,
                                BufferPool& buffers) {
  ImageSpec spec = image.spec();
  const size_t pixel_bytes =
      spec.shape.channels * SampleBytes(spec.sample_type);
  const size_t left = (spec.shape.width - side) / 2 * pixel_bytes;
  const uint32_t top = (spec.shape.height - side) / 2;
  spec.shape.width = side;
  spec.shape.height = side;
  auto part = std::make_shared<Image>(TakeImage(spec, buffers));
  for (uint32_t y = 0; y < side; ++y) {
    const auto row = image.row_bytes(top + y).subspan(left, RowBytes(spec));
    std::ranges::copy(row, part->view().row_bytes(y).begin());
  }
  return part;
}

// Runs it once on the whole image, unless its parts say that it takes too long.
std::optional<Entry> Enter(ContenderMaker make, const Job& job) {
  if (make == nullptr) return std::nullopt;
  const ImageShape shape = job.source.shape();
  Job part_job = job;
  for (uint32_t side = kFirstPartSide;
       side < std::min(shape.width, shape.height); side *= 2) {
    auto part = MiddleOf(job.source, side, job.buffers);
    part_job.source = part->view();
    std::optional<Contender> contender = make(part_job);
    if (!contender) return std::nullopt;
    const double part_seconds = RunOnce(*contender);
    const double seconds =
        part_seconds / side / side * shape.width * shape.height;
    if (seconds <= kLongestSeconds) break;
    if (part_seconds > kPartSeconds) {
      return Entry{.contender = *std::move(contender),
                   .part = std::move(part),
                   .seconds = seconds,
                   .samples = {}};
    }
  }
  std::optional<Contender> contender = make(job);
  if (!contender) return std::nullopt;
  const double seconds = RunOnce(*contender);
  return Entry{.contender = *std::move(contender),
               .part = nullptr,
               .seconds = seconds,
               .samples = {}};
}

// Differences as parts of full scale.
Agreement Difference(const AnyConstImageView& a, const AnyConstImageView& b,
                     bool has_hue) {
  Agreement found = {.most = 0, .mean = 0};
  const ImageShape shape = a.shape();
  const size_t samples = RowSamples(shape);
  const bool is_float = a.sample_type() == SampleType::kF32;
  const double scale = is_float ? 1 : OneStep(a.sample_type());
  a.Visit([&]<typename T>(ImageView<T> left) {
    const auto right = b.As<T>();
    for (uint32_t y = 0; y < shape.height; ++y) {
      const auto l = left.row(y);
      const auto r = right.row(y);
      for (size_t i = 0; i < samples; ++i) {
        double apart =
            std::abs(static_cast<double>(l[i]) - static_cast<double>(r[i])) *
            scale;
        if (has_hue && i % 3 == 0) {
          // Hues lie on a circle.
          if (is_float) apart /= 360;
          apart = std::min(apart, 1 - apart);
        }
        found.most = std::max(found.most, apart);
        found.mean += apart;
      }
    }
  });
  found.mean /= static_cast<double>(samples) * shape.height;
  return found;
}

// "" or how far apart they are.
std::string Compare(const BenchmarkRow& row, const AnyConstImageView& ours,
                    const AnyConstImageView& theirs, const Agreement& asked) {
  if (ours.spec() != theirs.spec()) return "has another shape";
  const Agreement found =
      Difference(ours, theirs, row.operation.kind == Kind::kRgbToHsv);
  if (found.most <= asked.most && found.mean <= asked.mean) return "";
  const double in_samples = 1 / OneStep(row.spec.sample_type);
  return absl::StrCat("differs by up to ", found.most * in_samples, ", ",
                      found.mean * in_samples, " on average");
}

// Compares on what the peer has done.
std::string CompareWith(const BenchmarkRow& row, const Job& job,
                        const Entry& ours, const Entry& peer) {
  const Kind kind = row.operation.kind;
  // We are timed with clipped windows, but the peers replicate the border.
  const bool other_border = kind == Kind::kMean || kind == Kind::kMedian;
  const AnyConstImageView theirs = peer.contender.result();
  const Agreement& asked = peer.contender.agreement;
  if (ours.part == nullptr && peer.part == nullptr && !other_border) {
    return Compare(row, ours.contender.result(), theirs, asked);
  }
  if (ours.part != nullptr && peer.part == nullptr) return "";
  Job same = job;
  if (peer.part != nullptr) same.source = peer.part->view();
  if (other_border) same.border = BorderMode::kReplicate;
  const std::optional<Contender> again = MakeOurs(same);
  if (!again) return "";
  RunOnce(*again);
  return Compare(row, again->result(), theirs, asked);
}

void TakeTurns(const std::vector<Entry*>& entries, double seconds) {
  const double share = seconds / static_cast<double>(entries.size());
  for (bool goes_on = true; goes_on;) {
    goes_on = false;
    for (Entry* const entry : entries) {
      if (!entry->WantsMore(share)) continue;
      entry->Take();
      goes_on = true;
    }
  }
}

std::optional<Time> ResultOf(std::optional<Entry>& entry) {
  if (!entry) return std::nullopt;
  return entry->Result();
}

}  // namespace

RowTimes Measure(const BenchmarkRow& row, AnyConstImageView source,
                 double seconds, WorkerPool* workers, BufferPool& buffers) {
  const Job job = {.operation = row.operation,
                   .source = source,
                   .workers = workers,
                   .buffers = buffers};
  RowTimes times;
  std::optional<Entry> ours = Enter(MakeOurs, job);
  std::optional<Entry> copy = Enter(MakeMemcpy, job);
  std::vector<std::optional<Entry>> peers;
  for (const Peer& peer : Peers()) {
    const bool takes_part = workers == nullptr || peer.has_threads;
    peers.push_back(takes_part ? Enter(peer.make, job) : std::nullopt);
    if (!ours || !peers.back()) continue;
    const std::string difference = CompareWith(row, job, *ours, *peers.back());
    if (difference.empty()) continue;
    times.disagreements.push_back(absl::StrCat(peer.name, ": ", difference));
  }
  std::vector<Entry*> entries;
  if (ours) entries.push_back(&*ours);
  entries.push_back(&*copy);
  for (std::optional<Entry>& peer : peers) {
    if (peer) entries.push_back(&*peer);
  }
  TakeTurns(entries, seconds);
  times.ours = ResultOf(ours);
  times.copy = ResultOf(copy);
  for (std::optional<Entry>& peer : peers)
    times.peers.push_back(ResultOf(peer));
  return times;
}

}  // namespace imageadapt::bench
