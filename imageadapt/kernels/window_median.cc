#include "imageadapt/kernels/window_median.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "imageadapt/kernels/median_3x3.h"

namespace imageadapt {
namespace {

// How often each value occurs in a window, with a pointer to the median that
// moves only as far as the median does. Coarse counts of 256 values each let it
// skip what is empty.
template <typename T>
class Histogram {
 public:
  static constexpr size_t kValues = size_t{1} << (8 * sizeof(T));
  static constexpr size_t kCoarse = kValues / 256;
  // A window has at most 255 * 255 samples, so 16 bits hold each count.
  static constexpr size_t kBytes = (kValues + kCoarse) * sizeof(uint16_t);

  explicit Histogram(std::span<std::byte> scratch)
      : fine_(reinterpret_cast<uint16_t*>(scratch.data())),
        coarse_(fine_ + kValues) {
    std::fill_n(fine_, kValues + kCoarse, uint16_t{0});
  }

  void Add(T value) {
    ++fine_[value];
    ++coarse_[value / 256];
    below_ += value < median_;
    ++size_;
  }

  void Remove(T value) {
    --fine_[value];
    --coarse_[value / 256];
    below_ -= value < median_;
    --size_;
  }

  // The lower median. Requires that there is a value.
  T Median() {
    const uint32_t rank = (size_ - 1) / 2;
    while (below_ > rank) StepDown();
    while (below_ + fine_[median_] <= rank) StepUp();
    return static_cast<T>(median_);
  }

 private:
  void StepUp() {
    below_ += fine_[median_];
    ++median_;
    while (median_ % 256 == 0 && coarse_[median_ / 256] == 0) median_ += 256;
  }

  void StepDown() {
    while (median_ % 256 == 0 && coarse_[median_ / 256 - 1] == 0) {
      median_ -= 256;
    }
    --median_;
    below_ -= fine_[median_];
  }

  uint16_t* fine_;
  uint16_t* coarse_;
  uint32_t size_ = 0;
  uint32_t median_ = 0;  // some value
  uint32_t below_ = 0;   // samples less than it
};

// The rows of one window, for one channel.
template <typename T>
struct Column {
  const RowBand<ImageView<const T>>& source;
  Extent rows;
  uint32_t channels;
  uint32_t channel;

  template <typename Work>
  void ForEach(uint32_t x, Work&& work) const {
    const size_t sample = size_t{x} * channels + channel;
    for (uint32_t row = rows.first; row < rows.end; ++row) {
      work(source.rows.row(row - source.first_row)[sample]);
    }
  }
};

template <typename T>
void MedianRow(const Column<T>& column, uint32_t window_width,
               Histogram<T>& histogram, std::span<T> target) {
  const auto width = static_cast<uint32_t>(target.size() / column.channels);
  Extent held;
  for (uint32_t x = 0; x < width; ++x) {
    const Extent wanted = ClippedExtent(x, window_width, width);
    for (; held.end < wanted.end; ++held.end) {
      column.ForEach(held.end, [&](T value) { histogram.Add(value); });
    }
    for (; held.first < wanted.first; ++held.first) {
      column.ForEach(held.first, [&](T value) { histogram.Remove(value); });
    }
    target[size_t{x} * column.channels + column.channel] = histogram.Median();
  }
  // Left empty for the next row.
  for (; held.first < held.end; ++held.first) {
    column.ForEach(held.first, [&](T value) { histogram.Remove(value); });
  }
}

void MedianRow(const Column<float>& column, uint32_t window_width,
               std::span<float> values, std::span<float> target) {
  const auto width = static_cast<uint32_t>(target.size() / column.channels);
  for (uint32_t x = 0; x < width; ++x) {
    const Extent columns = ClippedExtent(x, window_width, width);
    size_t count = 0;
    for (uint32_t at = columns.first; at < columns.end; ++at) {
      column.ForEach(at, [&](float value) {
        if (!std::isnan(value)) values[count++] = value;
      });
    }
    float& result = target[size_t{x} * column.channels + column.channel];
    if (count == 0) {
      result = std::numeric_limits<float>::quiet_NaN();
      continue;
    }
    const auto middle = values.begin() + static_cast<long>((count - 1) / 2);
    std::nth_element(values.begin(), middle,
                     values.begin() + static_cast<long>(count));
    result = *middle;
  }
}

// The median of the few samples of a window of 3 columns that is clipped to 1
// or 2.
template <typename T>
T EdgeMedian(const Column<T>& column, Extent columns) {
  constexpr size_t kMost = 9;
  std::array<T, kMost> values = {};
  size_t count = 0;
  for (uint32_t x = columns.first; x < columns.end; ++x) {
    column.ForEach(x, [&](T value) { values[count++] = value; });
  }
  std::sort(values.begin(), values.begin() + count);
  return values[(count - 1) / 2];
}

// A row of 3 x 3 windows whose three rows exist.
template <typename T>
void Median3x3Row(const RowBand<ImageView<const T>>& source, Extent rows,
                  std::span<T> target) {
  const ImageShape& shape = source.rows.shape();
  const size_t channels = shape.channels;
  const auto row = [&](uint32_t i) {
    return source.rows.row(rows.first + i - source.first_row);
  };
  for (uint32_t c = 0; c < channels; ++c) {
    const Column<T> column = {source, rows, shape.channels, c};
    target[c] = EdgeMedian(column, ClippedExtent(0, 3, shape.width));
    target[target.size() - channels + c] =
        EdgeMedian(column, ClippedExtent(shape.width - 1, 3, shape.width));
  }
  if (shape.width < 3) return;
  MediansOf3x3(row(0), row(1), row(2), channels,
               target.subspan(channels, target.size() - 2 * channels));
}

}  // namespace

size_t WindowMedianScratchBytes(const ImageSpec& spec,
                                const MedianOptions& options) {
  const WindowSize window = options.window;
  switch (spec.sample_type) {
    case SampleType::kU8:
      return Histogram<uint8_t>::kBytes;
    case SampleType::kU16:
      return Histogram<uint16_t>::kBytes;
    case SampleType::kF32:
      return size_t{window.width} * window.height * sizeof(float);
  }
  return 0;
}

template <Sample T>
void WindowMedian(const RowBand<ImageView<const T>>& source,
                  const MedianOptions& options,
                  const RowBand<ImageView<T>>& target,
                  std::span<std::byte> scratch) {
  const WindowSize window = options.window;
  const ImageShape shape = target.rows.shape();
  const auto for_each_row = [&](auto&& work) {
    for (uint32_t y = 0; y < shape.height; ++y) {
      const Extent rows = ClippedExtent(target.first_row + y, window.height,
                                        source.image_height);
      if constexpr (!std::is_same_v<T, float>) {
        if (window == WindowSize{.width = 3, .height = 3} && rows.size() == 3) {
          Median3x3Row<T>(source, rows, target.rows.row(y));
          continue;
        }
      }
      for (uint32_t c = 0; c < shape.channels; ++c) {
        work(Column<T>{source, rows, shape.channels, c}, target.rows.row(y));
      }
    }
  };
  if constexpr (std::is_same_v<T, float>) {
    const std::span<float> values(reinterpret_cast<float*>(scratch.data()),
                                  scratch.size() / sizeof(float));
    for_each_row([&](const Column<float>& column, std::span<float> to) {
      MedianRow(column, window.width, values, to);
    });
  } else {
    Histogram<T> histogram(scratch);
    for_each_row([&](const Column<T>& column, std::span<T> to) {
      MedianRow(column, window.width, histogram, to);
    });
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
