#include <cstring>
#include <functional>
#include <memory>
#include <utility>

#include "bench/ours.h"
#include "imageadapt/kernels/in_place_turn.h"

namespace imageadapt::bench {
namespace {

// Works on the image and returns what it became, in the same memory.
using InPlaceWork = std::function<AnyConstImageView(
    const AnyImageView& image, std::span<std::byte> scratch)>;

std::optional<Contender> InPlace(const Job& job, size_t scratch_bytes,
                                 InPlaceWork work) {
  struct State {
    Image image;
    Buffer scratch;
    AnyConstImageView result;
  };
  const auto state = std::make_shared<State>();
  state->image = TakeImage(job.source.spec(), job.buffers);
  if (scratch_bytes > 0) {
    absl::StatusOr<Buffer> scratch = job.buffers.Take(scratch_bytes);
    if (!scratch.ok()) return std::nullopt;
    state->scratch = *std::move(scratch);
  }
  const auto prepare = [state, source = job.source] {
    std::memcpy(state->image.view().row_bytes(0).data(),
                source.row_bytes(0).data(),
                RowBytes(source.spec()) * source.shape().height);
  };
  const auto run = [state, work = std::move(work)] {
    state->result = work(state->image.view(), state->scratch.span());
  };
  return Contender{.prepare = prepare,
                   .run = run,
                   .result = [state] { return state->result; },
                   .agreement = {}};
}

}  // namespace

std::optional<Contender> OurQuarterTurnInPlace(const Job& job) {
  const auto quarters = static_cast<int>(job.operation.parameter);
  const size_t scratch_bytes =
      quarters == 2 ? 0 : InPlaceTurnScratchBytes(job.source.spec());
  return InPlace(
      job, scratch_bytes,
      [quarters](const AnyImageView& image, std::span<std::byte> scratch) {
        AnyConstImageView turned;
        image.Visit([&]<typename T>(ImageView<T> view) {
          turned =
              ImageView<const T>(QuarterTurnInPlace(view, quarters, scratch));
        });
        return turned;
      });
}

std::optional<Contender> OurMirrorInPlace(const Job& job) {
  return InPlace(
      job, 0, [](const AnyImageView& image, std::span<std::byte> /*scratch*/) {
        image.Visit(
            []<typename T>(ImageView<T> view) { MirrorColumnsInPlace(view); });
        return AnyConstImageView(image);
      });
}

}  // namespace imageadapt::bench
