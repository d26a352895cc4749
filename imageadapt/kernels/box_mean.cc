#include "imageadapt/kernels/box_mean.h"

#include <algorithm>
#include <type_traits>

#include "imageadapt/kernels/box_float.h"
#include "imageadapt/kernels/box_large.h"
#include "imageadapt/kernels/box_short.h"
#include "imageadapt/kernels/box_sliding.h"
#include "imageadapt/kernels/box_small.h"

namespace imageadapt {
namespace {

// What lies beyond the image changes nothing for clipped windows.
MeanOptions Tightened(const ImageShape& shape, uint32_t image_height,
                      MeanOptions options) {
  if (options.border != BorderMode::kClip) return options;
  const auto tighten = [](uint32_t side, uint32_t length) {
    return static_cast<uint32_t>(
        std::min<uint64_t>(side, 2 * uint64_t{length} - 1));
  };
  options.window.width = tighten(options.window.width, shape.width);
  options.window.height = tighten(options.window.height, image_height);
  return options;
}

}  // namespace

size_t BoxMeanScratchBytes(const ImageSpec& spec, const MeanOptions& given) {
  const MeanOptions options = Tightened(spec.shape, spec.shape.height, given);
  if (spec.sample_type == SampleType::kF32) {
    return FloatBoxScratchBytes(spec.shape, options);
  }
  if (spec.sample_type == SampleType::kU8 &&
      SmallBoxFits(spec.shape, options)) {
    return SmallBoxScratchBytes(spec.shape);
  }
  if (spec.sample_type == SampleType::kU8 &&
      ShortBoxFits(spec.shape, options)) {
    return ShortBoxScratchBytes(spec.shape, options);
  }
  return SlidingBoxFits(spec, options) ? SlidingBoxScratchBytes(spec, options)
                                       : LargeBoxScratchBytes(spec.shape);
}

template <Sample T>
void BoxMean(const RowBand<ImageView<const T>>& source,
             const MeanOptions& given, const RowBand<ImageView<T>>& target,
             std::span<std::byte> scratch) {
  const MeanOptions options =
      Tightened(target.rows.shape(), source.image_height, given);
  if constexpr (std::is_same_v<T, float>) {
    MeanOfFloatBoxes(source, options, target, scratch);
  } else {
    if constexpr (std::is_same_v<T, uint8_t>) {
      if (SmallBoxFits(target.rows.shape(), options)) {
        MeanOfSmallBoxes(source, options, target, scratch);
        return;
      }
      if (ShortBoxFits(target.rows.shape(), options)) {
        MeanOfShortBoxes(source, options, target, scratch);
        return;
      }
    }
    if (SlidingBoxFits({target.rows.shape(), kSampleTypeOf<T>}, options)) {
      MeanOfSlidingBoxes(source, options, target, scratch);
    } else {
      MeanOfLargeBoxes(source, options, target, scratch);
    }
  }
}

#define INSTANTIATE(T)                                                    \
  template void BoxMean(const RowBand<ImageView<const T>>&,               \
                        const MeanOptions&, const RowBand<ImageView<T>>&, \
                        std::span<std::byte>)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
