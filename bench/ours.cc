#include "bench/ours.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace imageadapt::bench {
namespace {

struct OurOperation {
  Kind kind;
  ContenderMaker make;
};

constexpr OurOperation kOurs[] = {
    {Kind::kQuarterTurn, OurQuarterTurn},
    {Kind::kMirror, OurMirror},
    {Kind::kMean, OurMean},
    {Kind::kMedian, OurMedian},
    {Kind::kRotate, OurRotate},
    {Kind::kQuarterTurnInPlace, OurQuarterTurnInPlace},
    {Kind::kMirrorInPlace, OurMirrorInPlace},
    {Kind::kRgbToHsv, OurRgbToHsv},
    {Kind::kHsvToRgb, OurHsvToRgb},
};

Buffer TakeScratch(size_t size, BufferPool& buffers) {
  absl::StatusOr<Buffer> scratch = buffers.Take(size);
  if (!scratch.ok()) {
    std::fprintf(stderr, "bench: %s\n", scratch.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(scratch);
}

}  // namespace

std::optional<Contender> MakeOurs(const Job& job) {
  for (const OurOperation& ours : kOurs) {
    if (ours.kind == job.operation.kind) return ours.make(job);
  }
  return std::nullopt;
}

Contender InBands(const Job& job, size_t scratch_bytes, BandWork work) {
  struct State {
    Image target;
    std::vector<Buffer> scratch;
  };
  const auto state = std::make_shared<State>();
  state->target = TakeImage(job.result_spec(), job.buffers);
  const uint32_t bands = job.workers == nullptr ? 1 : 2;
  for (uint32_t i = 0; i < bands; ++i) {
    state->scratch.push_back(scratch_bytes == 0
                                 ? Buffer()
                                 : TakeScratch(scratch_bytes, job.buffers));
  }
  const auto run = [state, bands, work = std::move(work),
                    workers = job.workers] {
    const AnyImageView target = state->target.view();
    const uint32_t rows = target.shape().height;
    const auto run_band = [&](size_t band) {
      const auto first = static_cast<uint32_t>(uint64_t{rows} * band / bands);
      const auto end =
          static_cast<uint32_t>(uint64_t{rows} * (band + 1) / bands);
      work({.rows = target.Rows(first, end - first),
            .first_row = first,
            .image_height = rows},
           state->scratch[band].span());
    };
    if (bands == 1) {
      run_band(0);
    } else {
      workers->ParallelFor(bands, run_band);
    }
  };
  return {.prepare = nullptr,
          .run = run,
          .result = [state] { return AnyConstImageView(state->target.view()); },
          .agreement = {}};
}

std::optional<Contender> MakeMemcpy(const Job& job) {
  Job copy = job;
  copy.operation = {.name = "memcpy", .kind = Kind::kMirror};
  return InBands(copy, 0,
                 [source = job.source](const RowBand<AnyImageView>& target,
                                       std::span<std::byte> /*scratch*/) {
                   std::memcpy(
                       target.rows.row_bytes(0).data(),
                       source.row_bytes(target.first_row).data(),
                       RowBytes(source.spec()) * target.rows.shape().height);
                 });
}

}  // namespace imageadapt::bench
