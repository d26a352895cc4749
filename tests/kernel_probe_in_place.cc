#include <algorithm>

#include "imageadapt/kernels/in_place_turn.h"
#include "tests/kernel_probe.h"

namespace imageadapt {

ProbeImage ProbeTurnInPlace(const ProbeFields& fields,
                            const ProbeImage& source) {
  const auto turns = static_cast<int>(fields.Count("turns"));
  // A copy whose padding may become pixels.
  const ProbeImage image(source.spec(), fields.Count("padding"));
  for (uint32_t y = 0; y < source.spec().shape.height; ++y) {
    std::ranges::copy(source.view().row_bytes(y),
                      image.view().row_bytes(y).begin());
  }
  AnyConstImageView turned;
  image.view().Visit([&]<typename T>(ImageView<T> view) {
    turned = ImageView<const T>(QuarterTurnInPlace(
        view, turns, ProbeScratch(InPlaceTurnScratchBytes(source.spec()))));
  });
  ProbeImage result(turned.spec(), 0);
  for (uint32_t y = 0; y < turned.shape().height; ++y) {
    std::ranges::copy(turned.row_bytes(y), result.view().row_bytes(y).begin());
  }
  return result;
}

}  // namespace imageadapt
