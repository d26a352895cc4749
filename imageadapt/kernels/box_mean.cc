#include "imageadapt/kernels/box_mean.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "imageadapt/kernels/channels.h"
#include "imageadapt/kernels/small_sums.h"

namespace imageadapt {
namespace {

// Float rows: sums and counts of columns, and their prefixes and suffixes.
constexpr size_t kFloatRows = 6;

// Rows of 16-bit sums for small windows: sums of columns, and two for work. Two
// of them hold the 32-bit sums of large windows.
constexpr size_t kSmallRows = 3;

// Divides by one number many times: by multiplication with its reciprocal where
// that is exact. With m = ceil(2^40 / n), floor(s * m / 2^40) is floor(s / n)
// as long as s * n < 2^40.
class Divider {
 public:
  Divider(uint64_t count, uint64_t largest_sum)
      : count_(count),
        multiplier_(largest_sum < (uint64_t{1} << 40) / count &&
                            largest_sum < (uint64_t{1} << 24)
                        ? ((uint64_t{1} << 40) + count - 1) / count
                        : 0) {}

  uint64_t Divide(uint64_t sum) const {
    return multiplier_ != 0 ? (sum * multiplier_) >> 40 : sum / count_;
  }

 private:
  uint64_t count_;
  uint64_t multiplier_;
};

template <typename T>
void AddRow(std::span<const T> row, std::span<uint32_t> sums) {
  for (size_t i = 0; i < row.size(); ++i) sums[i] += row[i];
}

template <typename T>
void SubtractRow(std::span<const T> row, std::span<uint32_t> sums) {
  for (size_t i = 0; i < row.size(); ++i) sums[i] -= row[i];
}

// One output row from the sums of its columns.
template <int kChannels, typename T>
void MeanOfSums(std::span<const uint32_t> sums, uint32_t rows,
                uint32_t window_width, MeanRounding rounding,
                std::span<T> target) {
  const auto width = static_cast<uint32_t>(target.size() / kChannels);
  const uint32_t radius = window_width / 2;
  uint64_t window[kChannels] = {};
  const auto enter = [&](uint32_t x) {
    for (int c = 0; c < kChannels; ++c) {
      window[c] += sums[size_t{x} * kChannels + c];
    }
  };
  for (uint32_t x = 0; x < std::min(radius, width); ++x) enter(x);

  uint64_t count = 0;
  Divider divider(1, 0);
  for (uint32_t x = 0; x < width; ++x) {
    if (radius < width - x) enter(x + radius);
    if (x > radius) {
      const size_t left = size_t{x - radius - 1} * kChannels;
      for (int c = 0; c < kChannels; ++c) window[c] -= sums[left + c];
    }
    const uint64_t columns = ClippedExtent(x, window_width, width).size();
    if (columns * rows != count) {
      count = columns * rows;
      divider = Divider(count, count * std::numeric_limits<T>::max() + count);
    }
    const uint64_t half = rounding == MeanRounding::kNearest ? count / 2 : 0;
    for (int c = 0; c < kChannels; ++c) {
      target[size_t{x} * kChannels + c] =
          static_cast<T>(divider.Divide(window[c] + half));
    }
  }
}

template <typename T>
void IntegerMean(const RowBand<ImageView<const T>>& source, WindowSize window,
                 MeanRounding rounding, const RowBand<ImageView<T>>& target,
                 std::span<std::byte> scratch) {
  const ImageShape shape = target.rows.shape();
  // A column has at most 65535 rows of at most 65535: below 2^32.
  const std::span<uint32_t> sums(reinterpret_cast<uint32_t*>(scratch.data()),
                                 RowSamples(shape));
  const auto source_row = [&](uint32_t row) {
    return source.rows.row(row - source.first_row);
  };
  Extent summed =
      ClippedExtent(target.first_row, window.height, source.image_height);
  std::fill(sums.begin(), sums.end(), 0);
  for (uint32_t row = summed.first; row < summed.end; ++row) {
    AddRow(source_row(row), sums);
  }
  WithChannels(shape.channels, [&](auto channels) {
    for (uint32_t y = 0; y < shape.height; ++y) {
      const Extent wanted = ClippedExtent(target.first_row + y, window.height,
                                          source.image_height);
      for (; summed.end < wanted.end; ++summed.end) {
        AddRow(source_row(summed.end), sums);
      }
      for (; summed.first < wanted.first; ++summed.first) {
        SubtractRow(source_row(summed.first), sums);
      }
      MeanOfSums<decltype(channels)::value>(std::span<const uint32_t>(sums),
                                            wanted.size(), window.width,
                                            rounding, target.rows.row(y));
    }
  });
}

// The columns at the edge of an image, where windows are clipped.
void EdgeMeans(std::span<const uint16_t> sums, Extent columns, uint32_t rows,
               uint32_t window_width, MeanRounding rounding, uint32_t channels,
               std::span<uint8_t> target) {
  const auto width = static_cast<uint32_t>(target.size() / channels);
  for (uint32_t x = columns.first; x < columns.end; ++x) {
    const Extent window = ClippedExtent(x, window_width, width);
    const uint32_t count = window.size() * rows;
    const uint32_t half = rounding == MeanRounding::kNearest ? count / 2 : 0;
    for (uint32_t c = 0; c < channels; ++c) {
      uint32_t sum = half;
      for (size_t u = window.first; u < window.end; ++u) {
        sum += sums[u * channels + c];
      }
      // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): x is in its window
      target[size_t{x} * channels + c] = static_cast<uint8_t>(sum / count);
    }
  }
}

// For windows of at most kMaxSmallWindow samples.
void SmallMean(const RowBand<ImageView<const uint8_t>>& source,
               WindowSize window, MeanRounding rounding,
               const RowBand<ImageView<uint8_t>>& target,
               std::span<std::byte> scratch) {
  const ImageShape shape = target.rows.shape();
  const size_t samples = RowSamples(shape);
  const size_t padded = samples + kSmallSumsPadding;
  auto* const columns = reinterpret_cast<uint16_t*>(scratch.data());
  const std::span<uint16_t> sums(columns, samples);
  const auto source_row = [&](uint32_t row) {
    return source.rows.row(row - source.first_row);
  };
  Extent summed =
      ClippedExtent(target.first_row, window.height, source.image_height);
  std::fill(sums.begin(), sums.end(), 0);
  for (uint32_t row = summed.first; row < summed.end; ++row) {
    AddToSums(source_row(row), sums);
  }
  const uint32_t radius = window.width / 2;
  const uint32_t inner_end = shape.width - std::min(radius, shape.width);
  const uint32_t inner_first = std::min(radius, inner_end);
  for (uint32_t y = 0; y < shape.height; ++y) {
    const Extent wanted =
        ClippedExtent(target.first_row + y, window.height, source.image_height);
    if (wanted.end > summed.end && wanted.first > summed.first) {
      SlideSums(source_row(summed.end), source_row(summed.first), sums);
    } else if (wanted.end > summed.end) {
      AddToSums(source_row(summed.end), sums);
    } else if (wanted.first > summed.first) {
      SubtractFromSums(source_row(summed.first), sums);
    }
    summed = wanted;
    const std::span<uint8_t> row = target.rows.row(y);
    const auto edge = [&](Extent extent) {
      EdgeMeans(sums, extent, wanted.size(), window.width, rounding,
                shape.channels, row);
    };
    edge({.first = 0, .end = inner_first});
    edge({.first = std::max(inner_end, inner_first), .end = shape.width});
    if (inner_end == inner_first) continue;
    const uint32_t count = window.width * wanted.size();
    MeansOfSums(columns, shape.channels, window.width,
                MakeSmallDivision(
                    count, rounding == MeanRounding::kNearest ? count / 2 : 0),
                columns + padded, columns + 2 * padded,
                row.subspan(size_t{inner_first} * shape.channels,
                            size_t{inner_end - inner_first} * shape.channels));
  }
}

struct FloatScratch {
  std::span<double> sums;
  std::span<double> prefix;
  std::span<double> suffix;
};

// Within blocks of `block` columns: sums from the block's left to each column,
// and from each column to the block's right.
void BlockSums(const FloatScratch& scratch, uint32_t channels, uint32_t width,
               uint32_t block) {
  for (uint32_t first = 0; first < width; first += block) {
    const uint32_t end = std::min(width, first + block);
    for (uint32_t c = 0; c < channels; ++c) {
      double sum = 0;
      for (size_t x = first; x < end; ++x) {
        sum += scratch.sums[x * channels + c];
        scratch.prefix[x * channels + c] = sum;
      }
      sum = 0;
      for (size_t x = end; x-- > first;) {
        sum += scratch.sums[x * channels + c];
        scratch.suffix[x * channels + c] = sum;
      }
    }
    if (end == width) break;  // first + block may not fit in 32 bits
  }
}

// The sum over columns [extent.first, extent.end), which touch at most two
// blocks: a clipped window is shorter than a block or starts or ends with one.
double WindowSum(const FloatScratch& scratch, uint32_t channels, uint32_t c,
                 Extent extent, uint32_t width, uint32_t block) {
  const uint32_t last = extent.end - 1;
  const auto at = [&](std::span<const double> row, uint32_t x) {
    return row[size_t{x} * channels + c];
  };
  if (extent.first / block != last / block) {
    return at(scratch.suffix, extent.first) + at(scratch.prefix, last);
  }
  if (extent.first % block == 0) return at(scratch.prefix, last);
  // What is clipped on the right ends where the last block does.
  if (extent.end == width) return at(scratch.suffix, extent.first);
  double sum = 0;
  for (uint32_t x = extent.first; x < extent.end; ++x) {
    sum += at(scratch.sums, x);
  }
  return sum;
}

void FloatMean(const RowBand<ImageView<const float>>& source, WindowSize window,
               const RowBand<ImageView<float>>& target,
               std::span<std::byte> bytes) {
  const ImageShape shape = target.rows.shape();
  const size_t samples = RowSamples(shape);
  auto* const doubles = reinterpret_cast<double*>(bytes.data());
  const auto part = [&](size_t i) {
    return std::span<double>(doubles + i * samples, samples);
  };
  const FloatScratch value = {part(0), part(1), part(2)};
  const FloatScratch count = {part(3), part(4), part(5)};
  for (uint32_t y = 0; y < shape.height; ++y) {
    const Extent rows =
        ClippedExtent(target.first_row + y, window.height, source.image_height);
    std::fill(value.sums.begin(), value.sums.end(), 0.0);
    std::fill(count.sums.begin(), count.sums.end(), 0.0);
    for (uint32_t row = rows.first; row < rows.end; ++row) {
      const std::span<const float> from =
          source.rows.row(row - source.first_row);
      for (size_t i = 0; i < samples; ++i) {
        const bool is_number = !std::isnan(from[i]);
        value.sums[i] += is_number ? double{from[i]} : 0.0;
        count.sums[i] += is_number ? 1.0 : 0.0;
      }
    }
    BlockSums(value, shape.channels, shape.width, window.width);
    BlockSums(count, shape.channels, shape.width, window.width);
    const std::span<float> to = target.rows.row(y);
    for (uint32_t x = 0; x < shape.width; ++x) {
      const Extent columns = ClippedExtent(x, window.width, shape.width);
      for (uint32_t c = 0; c < shape.channels; ++c) {
        const double sum = WindowSum(value, shape.channels, c, columns,
                                     shape.width, window.width);
        const double numbers = WindowSum(count, shape.channels, c, columns,
                                         shape.width, window.width);
        to[size_t{x} * shape.channels + c] =
            numbers == 0 ? std::numeric_limits<float>::quiet_NaN()
                         : static_cast<float>(sum / numbers);
      }
    }
  }
}

}  // namespace

size_t BoxMeanScratchBytes(const ImageSpec& spec,
                           const MeanOptions& /*options*/) {
  const size_t samples = RowSamples(spec.shape);
  return spec.sample_type == SampleType::kF32
             ? kFloatRows * samples * sizeof(double)
             : kSmallRows * (samples + kSmallSumsPadding) * sizeof(uint16_t);
}

template <Sample T>
void BoxMean(const RowBand<ImageView<const T>>& source,
             const MeanOptions& options, const RowBand<ImageView<T>>& target,
             std::span<std::byte> scratch) {
  const WindowSize window = options.window;
  const MeanRounding rounding = options.rounding;
  if constexpr (std::is_same_v<T, float>) {
    FloatMean(source, window, target, scratch);
    return;
  }
  if constexpr (std::is_same_v<T, uint8_t>) {
    if (uint64_t{window.width} * window.height <= kMaxSmallWindow) {
      SmallMean(source, window, rounding, target, scratch);
      return;
    }
  }
  if constexpr (!std::is_same_v<T, float>) {
    IntegerMean(source, window, rounding, target, scratch);
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
