#include <cmath>
#include <numbers>

#include "bench/ours.h"
#include "imageadapt/kernels/warp.h"

namespace imageadapt::bench {
namespace {

Interpolation InterpolationOf(Resampling resampling) {
  return resampling == Resampling::kBilinear  ? Interpolation::kBilinear
         : resampling == Resampling::kBicubic ? Interpolation::kBicubic
                                              : Interpolation::kLanczos3;
}

}  // namespace

std::optional<Contender> OurRotate(const Job& job) {
  const double angle = job.operation.parameter * std::numbers::pi / 180;
  const Rotation rotation = {
      .cosine = std::cos(angle),
      .sine = std::sin(angle),
      .interpolation = InterpolationOf(job.operation.resampling)};
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
