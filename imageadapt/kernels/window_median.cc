#include "imageadapt/kernels/window_median.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "imageadapt/kernels/median_network.h"

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

// The columns of the windows of one row of medians, for one channel. Positions
// may be outside the image.
template <typename T>
class Columns {
 public:
  Columns(const RowBand<ImageView<const T>>& source,
          const MedianOptions& options, int64_t y, uint32_t channel)
      : border_(options.border),
        width_(source.rows.shape().width),
        channels_(source.rows.shape().channels),
        channel_(channel) {
    const int64_t radius = options.window.height / 2;
    for (int64_t v = y - radius; v <= y + radius; ++v) {
      int64_t from = v;
      if (v < 0 || v >= source.image_height) {
        if (border_ == BorderMode::kClip) continue;
        from = BorderPosition(v, source.image_height, border_);
      }
      const auto row = static_cast<uint32_t>(from) - source.first_row;
      rows_[count_++] = source.rows.row(row).data();
    }
  }

  uint32_t width() const { return width_; }
  size_t SampleAt(uint32_t x) const { return size_t{x} * channels_ + channel_; }

  template <typename Work>
  void ForEach(int64_t x, Work&& work) const {
    if (x < 0 || x >= width_) {
      if (border_ == BorderMode::kClip) return;
      x = BorderPosition(x, width_, border_);
    }
    const size_t sample = SampleAt(static_cast<uint32_t>(x));
    for (size_t i = 0; i < count_; ++i) work(rows_[i][sample]);
  }

 private:
  static constexpr size_t kMostRows = 255;

  BorderMode border_;
  uint32_t width_;
  uint32_t channels_;
  uint32_t channel_;
  size_t count_ = 0;
  std::array<const T*, kMostRows> rows_;
};

template <typename T>
void MedianRow(const Columns<T>& columns, int64_t radius,
               Histogram<T>& histogram, std::span<T> target) {
  const auto add = [&](int64_t x) {
    columns.ForEach(x, [&](T value) { histogram.Add(value); });
  };
  const auto remove = [&](int64_t x) {
    columns.ForEach(x, [&](T value) { histogram.Remove(value); });
  };
  for (int64_t x = -radius; x < radius; ++x) add(x);
  for (uint32_t x = 0; x < columns.width(); ++x) {
    add(x + radius);
    target[columns.SampleAt(x)] = histogram.Median();
    remove(x - radius);
  }
  // Left empty for the next row.
  const int64_t width = columns.width();
  for (int64_t x = width - radius; x < width + radius; ++x) remove(x);
}

void MedianRow(const Columns<float>& columns, int64_t radius,
               std::span<float> values, std::span<float> target) {
  for (uint32_t x = 0; x < columns.width(); ++x) {
    size_t count = 0;
    for (int64_t u = x - radius; u <= x + radius; ++u) {
      columns.ForEach(u, [&](float value) {
        if (!std::isnan(value)) values[count++] = value;
      });
    }
    float& result = target[columns.SampleAt(x)];
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

// Windows without a network, one row and channel after the other.
template <typename T, typename State>
void MedianRows(const RowBand<ImageView<const T>>& source,
                const MedianOptions& options,
                const RowBand<ImageView<T>>& target, State& state) {
  const ImageShape shape = target.rows.shape();
  for (uint32_t y = 0; y < shape.height; ++y) {
    for (uint32_t c = 0; c < shape.channels; ++c) {
      const Columns<T> columns(source, options, int64_t{target.first_row} + y,
                               c);
      MedianRow(columns, options.window.width / 2, state, target.rows.row(y));
    }
  }
}

size_t LargeMedianScratchBytes(const ImageSpec& spec,
                               const MedianOptions& options) {
  switch (spec.sample_type) {
    case SampleType::kU8:
      return Histogram<uint8_t>::kBytes;
    case SampleType::kU16:
      return Histogram<uint16_t>::kBytes;
    case SampleType::kF32:
      return size_t{options.window.width} * options.window.height *
             sizeof(float);
  }
  return 0;
}

template <typename T>
void LargeMedian(const RowBand<ImageView<const T>>& source,
                 const MedianOptions& options,
                 const RowBand<ImageView<T>>& target,
                 std::span<std::byte> scratch) {
  if constexpr (std::is_same_v<T, float>) {
    std::span<float> values(reinterpret_cast<float*>(scratch.data()),
                            scratch.size() / sizeof(float));
    MedianRows(source, options, target, values);
  } else {
    Histogram<T> histogram(scratch);
    MedianRows(source, options, target, histogram);
  }
}

}  // namespace

size_t WindowMedianScratchBytes(const ImageSpec& spec,
                                const MedianOptions& options) {
  if (HasMedianNetwork(options, spec.shape.width, spec.shape.height)) {
    return NetworkMedianScratchBytes(spec, options);
  }
  return LargeMedianScratchBytes(spec, options);
}

template <Sample T>
void WindowMedian(const RowBand<ImageView<const T>>& source,
                  const MedianOptions& options,
                  const RowBand<ImageView<T>>& target,
                  std::span<std::byte> scratch) {
  const uint32_t width = source.rows.shape().width;
  if (HasMedianNetwork(options, width, source.image_height)) {
    NetworkMedian(source, options, target, scratch);
  } else {
    LargeMedian(source, options, target, scratch);
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
