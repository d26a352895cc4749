#include <cmath>
#include <numbers>

#include "bench/ours.h"
#include "imageadapt/kernels/warp.h"

namespace imageadapt::bench {
namespace {

// Whether the kernel takes an interpolation; if not, it is bilinear.
template <typename R>
constexpr bool kInterpolates = requires(R rotation) { rotation.interpolation; };

template <typename R>
bool SetInterpolation(Resampling resampling, R& rotation) {
  if constexpr (kInterpolates<R>) {
    using Interpolation = decltype(rotation.interpolation);
    rotation.interpolation =
        resampling == Resampling::kBilinear  ? Interpolation::kBilinear
        : resampling == Resampling::kBicubic ? Interpolation::kBicubic
                                             : Interpolation::kLanczos3;
    return true;
  }
  return resampling == Resampling::kBilinear;
}

}  // namespace

std::optional<Contender> OurRotate(const Job& job) {
  const double angle = job.operation.parameter * std::numbers::pi / 180;
  Rotation rotation = {.cosine = std::cos(angle), .sine = std::sin(angle)};
  if (!SetInterpolation(job.operation.resampling, rotation)) {
    return std::nullopt;
  }
  return InBands(
      job, 0,
      [source = job.source, rotation](const RowBand<AnyImageView>& target,
                                      std::span<std::byte> /*scratch*/) {
        target.rows.Visit([&]<typename T>(ImageView<T> rows) {
          Rotate(source.As<T>(), rotation, source.shape(),
                 TypedBand(target, rows));
        });
      });
}

}  // namespace imageadapt::bench
