#include "imageadapt/kernels/warp.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "imageadapt/kernels/channels.h"

namespace imageadapt {
namespace {

template <typename T>
T ToSample(double value) {
  if constexpr (std::is_same_v<T, float>) {
    return static_cast<float>(value);
  } else {
    constexpr double kMost = std::numeric_limits<T>::max();
    return static_cast<T>(std::clamp(std::floor(value + 0.5), 0.0, kMost));
  }
}

// A point between four pixels, in pixels from the first one's centre.
struct Point {
  double x;
  double y;
};

template <int kChannels, typename T>
class BilinearSampler {
 public:
  BilinearSampler(const ImageView<const T>& source, const Rotation& rotation)
      : source_(source), rotation_(rotation) {}

  void Sample(Point point, T* target) const {
    const double left = std::floor(point.x);
    const double top = std::floor(point.y);
    const double right_share = point.x - left;
    const double bottom_share = point.y - top;
    double sums[kChannels] = {};
    double weight_of_color = 0;
    for (int dy = 0; dy < 2; ++dy) {
      for (int dx = 0; dx < 2; ++dx) {
        const double weight = (dx == 0 ? 1 - right_share : right_share) *
                              (dy == 0 ? 1 - bottom_share : bottom_share);
        // Not only for speed: nothing times infinity is not nothing.
        if (weight == 0) continue;
        double pixel[kChannels];
        Fetch(left + dx, top + dy, pixel);
        const double color_weight =
            HasAlpha(kChannels) ? weight * pixel[kChannels - 1] : weight;
        weight_of_color += color_weight;
        for (int c = 0; c < kColors; ++c) sums[c] += color_weight * pixel[c];
        if (HasAlpha(kChannels)) {
          sums[kChannels - 1] += weight * pixel[kChannels - 1];
        }
      }
    }
    for (int c = 0; c < kColors; ++c) {
      if (HasAlpha(kChannels)) {
        sums[c] = weight_of_color == 0 ? rotation_.background[c]
                                       : sums[c] / weight_of_color;
      }
      target[c] = ToSample<T>(sums[c]);
    }
    if (HasAlpha(kChannels)) {
      target[kChannels - 1] = ToSample<T>(sums[kChannels - 1]);
    }
  }

 private:
  static constexpr int kColors =
      HasAlpha(kChannels) ? kChannels - 1 : kChannels;

  void Fetch(double x, double y, double* pixel) const {
    const ImageShape& shape = source_.shape();
    if (x < 0 || y < 0 || x >= shape.width || y >= shape.height) {
      std::copy_n(rotation_.background.data(), kChannels, pixel);
      return;
    }
    const T* from = source_.row(static_cast<uint32_t>(y)).data() +
                    static_cast<size_t>(x) * kChannels;
    for (int c = 0; c < kChannels; ++c) pixel[c] = double{1} * from[c];
  }

  const ImageView<const T>& source_;
  const Rotation& rotation_;
};

}  // namespace

template <Sample T>
void Rotate(const ImageView<const T>& source, const Rotation& rotation,
            const ImageShape& canvas, const RowBand<ImageView<T>>& target) {
  const double middle_x = source.shape().width / 2.0;
  const double middle_y = source.shape().height / 2.0;
  WithChannels(source.shape().channels, [&](auto channels) {
    constexpr int kChannels = decltype(channels)::value;
    const BilinearSampler<kChannels, T> sampler(source, rotation);
    for (uint32_t y = 0; y < target.rows.shape().height; ++y) {
      const double v = target.first_row + y + 0.5 - canvas.height / 2.0;
      T* to = target.rows.row(y).data();
      for (uint32_t x = 0; x < canvas.width; ++x, to += kChannels) {
        const double u = x + 0.5 - canvas.width / 2.0;
        sampler.Sample(
            {.x = rotation.cosine * u - rotation.sine * v + middle_x - 0.5,
             .y = rotation.sine * u + rotation.cosine * v + middle_y - 0.5},
            to);
      }
    }
  });
}

template <Sample T>
void QuarterTurnOntoSameCanvas(
    const ImageView<const T>& source, int quarter_turns,
    const std::array<double, kMaxChannels>& background,
    const RowBand<ImageView<T>>& target) {
  const int64_t width = source.shape().width;
  const int64_t height = source.shape().height;
  const uint32_t channels = source.shape().channels;
  // The turned image is `height` wide; half a pixel that is left over goes to
  // the right or the bottom.
  const int64_t offset = (height - width) >> 1;
  for (uint32_t y = 0; y < target.rows.shape().height; ++y) {
    const int64_t turned_y = int64_t{target.first_row} + y - offset;
    T* to = target.rows.row(y).data();
    for (int64_t x = 0; x < width; ++x, to += channels) {
      const int64_t turned_x = x + offset;
      if (turned_x < 0 || turned_x >= height || turned_y < 0 ||
          turned_y >= width) {
        for (uint32_t c = 0; c < channels; ++c) {
          to[c] = ToSample<T>(background[c]);
        }
        continue;
      }
      const int64_t row = quarter_turns == 1 ? turned_x : height - 1 - turned_x;
      const int64_t column =
          quarter_turns == 1 ? width - 1 - turned_y : turned_y;
      std::copy_n(
          source.row(static_cast<uint32_t>(row)).data() + column * channels,
          channels, to);
    }
  }
}

#define INSTANTIATE(T)                                                         \
  template void Rotate(const ImageView<const T>&, const Rotation&,             \
                       const ImageShape&, const RowBand<ImageView<T>>&);       \
  template void QuarterTurnOntoSameCanvas(                                     \
      const ImageView<const T>&, int, const std::array<double, kMaxChannels>&, \
      const RowBand<ImageView<T>>&)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
