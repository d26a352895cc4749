#include "imageadapt/kernels/box_large.h"

#include <algorithm>

#include "imageadapt/kernels/box_border.h"
#include "imageadapt/kernels/channels.h"

namespace imageadapt {
namespace {

// Sums over the columns of one row from the left edge to any position, also
// beyond the image. Differences of two are right even where they wrap around.
template <int kChannels>
class Prefixes {
 public:
  Prefixes(uint32_t width, BorderMode mode, uint64_t* sums)
      : width_(width), mode_(mode), sums_(sums) {}

  void Set(const uint64_t* columns) {
    std::fill_n(sums_, kChannels, 0);
    for (size_t i = 0; i < size_t{width_} * kChannels; ++i) {
      sums_[i + kChannels] = sums_[i] + columns[i];
    }
  }

  // Columns [0, x), less those of [x, 0) if x is negative.
  uint64_t At(int64_t x, size_t channel) const {
    if (x >= 0 && x <= int64_t{width_}) return Inside(x, channel);
    const int64_t last = int64_t{width_} - 1;
    if (mode_ == BorderMode::kClip) {
      return x < 0 ? 0 : Inside(width_, channel);
    }
    if (mode_ == BorderMode::kReflect101 && last > 0) {
      const int64_t period = 2 * last;
      const int64_t whole = x / period - (x % period < 0 ? 1 : 0);
      const int64_t rest = x - whole * period;
      const uint64_t sum =
          Inside(width_, channel) + Inside(last, channel) - Inside(1, channel);
      const uint64_t part =
          rest <= last + 1 ? Inside(rest, channel)
                           : Inside(width_, channel) + Inside(last, channel) -
                                 Inside(period - rest + 1, channel);
      return static_cast<uint64_t>(whole) * sum + part;
    }
    if (x < 0) return static_cast<uint64_t>(x) * Inside(1, channel);
    const uint64_t edge = Inside(width_, channel) - Inside(last, channel);
    return Inside(width_, channel) + static_cast<uint64_t>(x - width_) * edge;
  }

 private:
  uint64_t Inside(int64_t x, size_t channel) const {
    return sums_[static_cast<size_t>(x) * kChannels + channel];
  }

  const uint32_t width_;
  const BorderMode mode_;
  uint64_t* const sums_;
};

template <int kChannels, typename T>
void StoreMeans(const Prefixes<kChannels>& prefixes, const MeanOptions& options,
                uint64_t rows, std::span<T> target) {
  const auto width = static_cast<uint32_t>(target.size() / kChannels);
  const int64_t radius = options.window.width / 2;
  for (uint32_t x = 0; x < width; ++x) {
    const uint64_t columns =
        options.border == BorderMode::kClip
            ? ClippedExtent(x, options.window.width, width).size()
            : options.window.width;
    const uint64_t count = columns * rows;
    const uint64_t half =
        options.rounding == MeanRounding::kNearest ? count / 2 : 0;
    for (size_t c = 0; c < kChannels; ++c) {
      const uint64_t sum =
          prefixes.At(x + radius + 1, c) - prefixes.At(x - radius, c);
      target[size_t{x} * kChannels + c] = static_cast<T>((sum + half) / count);
    }
  }
}

template <typename T>
void AddTimes(const T* row, uint64_t times, std::span<uint64_t> sums) {
  for (size_t i = 0; i < sums.size(); ++i) sums[i] += times * row[i];
}

}  // namespace

size_t LargeBoxScratchBytes(const ImageShape& shape) {
  return (2 * RowSamples(shape) + shape.channels) * sizeof(uint64_t);
}

template <typename T>
void MeanOfLargeBoxes(const RowBand<ImageView<const T>>& source,
                      const MeanOptions& options,
                      const RowBand<ImageView<T>>& target,
                      std::span<std::byte> scratch) {
  const ImageShape shape = target.rows.shape();
  const uint32_t side = options.window.height;
  const int64_t radius = side / 2;
  auto* const numbers = reinterpret_cast<uint64_t*>(scratch.data());
  const std::span<uint64_t> columns(numbers, RowSamples(shape));
  std::fill(columns.begin(), columns.end(), 0);
  const Extent first_rows =
      ClippedExtent(target.first_row, side, source.image_height);
  for (uint32_t row = first_rows.first; row < first_rows.end; ++row) {
    AddTimes(
        source.rows.row(row - source.first_row).data(),
        TimesSeen(row, target.first_row - radius, target.first_row + radius,
                  source.image_height, options.border),
        columns);
  }
  WithChannels(shape.channels, [&](auto channels) {
    Prefixes<decltype(channels)::value> prefixes(shape.width, options.border,
                                                 numbers + columns.size());
    for (uint32_t y = 0; y < shape.height; ++y) {
      const uint32_t row = target.first_row + y;
      if (y > 0) {
        const T* const leaving =
            BorderRow(source, row - 1 - radius, options.border);
        const T* const entering =
            BorderRow(source, row + radius, options.border);
        if (leaving != nullptr) AddTimes(leaving, ~uint64_t{0}, columns);
        if (entering != nullptr) AddTimes(entering, 1, columns);
      }
      prefixes.Set(columns.data());
      StoreMeans(prefixes, options,
                 options.border == BorderMode::kClip
                     ? ClippedExtent(row, side, source.image_height).size()
                     : side,
                 target.rows.row(y));
    }
  });
}

#define INSTANTIATE(T)                                        \
  template void MeanOfLargeBoxes(                             \
      const RowBand<ImageView<const T>>&, const MeanOptions&, \
      const RowBand<ImageView<T>>&, std::span<std::byte>)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
#undef INSTANTIATE

}  // namespace imageadapt
