#include "imageadapt/kernels/window_median.h"

#include <cstdint>
#include <type_traits>

#include "imageadapt/kernels/histogram_median.h"
#include "imageadapt/kernels/median_network.h"
#include "imageadapt/kernels/rank_median.h"

namespace imageadapt {

size_t WindowMedianScratchBytes(const ImageSpec& spec,
                                const MedianOptions& options) {
  if (HasMedianNetwork(options, spec.shape.width, spec.shape.height)) {
    return NetworkMedianScratchBytes(spec, options);
  }
  return spec.sample_type == SampleType::kF32
             ? RankMedianScratchBytes(spec, options)
             : HistogramMedianScratchBytes(spec, options);
}

template <Sample T>
void WindowMedian(const RowBand<ImageView<const T>>& source,
                  const MedianOptions& options,
                  const RowBand<ImageView<T>>& target,
                  std::span<std::byte> scratch) {
  const uint32_t width = source.rows.shape().width;
  if (HasMedianNetwork(options, width, source.image_height)) {
    NetworkMedian(source, options, target, scratch);
  } else if constexpr (std::is_same_v<T, float>) {
    RankMedian(source, options, target, scratch);
  } else {
    HistogramMedian(source, options, target, scratch);
  }
}

#define INSTANTIATE(T)                                          \
  template void WindowMedian(                                   \
      const RowBand<ImageView<const T>>&, const MedianOptions&, \
      const RowBand<ImageView<T>>&, std::span<std::byte>)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
