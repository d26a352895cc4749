#include <cstring>
#include <memory>
#include <utility>

#include "bench/ours.h"
#include "imageadapt/kernels/in_place_turn.h"

namespace imageadapt::bench {

std::optional<Contender> OurQuarterTurnInPlace(const Job& job) {
  struct State {
    Image image;
    Buffer scratch;
    AnyConstImageView turned;
  };
  const auto state = std::make_shared<State>();
  state->image = TakeImage(job.source.spec(), job.buffers);
  absl::StatusOr<Buffer> scratch =
      job.buffers.Take(InPlaceTurnScratchBytes(job.source.spec()));
  if (!scratch.ok()) return std::nullopt;
  state->scratch = *std::move(scratch);
  const auto prepare = [state, source = job.source] {
    std::memcpy(state->image.view().row_bytes(0).data(),
                source.row_bytes(0).data(),
                RowBytes(source.spec()) * source.shape().height);
  };
  const auto run = [state,
                    quarters = static_cast<int>(job.operation.parameter)] {
    state->image.view().Visit([&]<typename T>(ImageView<T> view) {
      state->turned = ImageView<const T>(
          QuarterTurnInPlace(view, quarters, state->scratch.span()));
    });
  };
  return Contender{.prepare = prepare,
                   .run = run,
                   .result = [state] { return state->turned; },
                   .agreement = {}};
}

}  // namespace imageadapt::bench
