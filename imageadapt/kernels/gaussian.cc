#include "imageadapt/kernels/gaussian.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "imageadapt/kernels/weighted_rows.h"
#include "imageadapt/kernels/window_size.h"

namespace imageadapt {
namespace {

constexpr size_t kMostRadius = 400;
constexpr size_t kMostTaps = EvenCount(2 * kMostRadius + 1);

// One side of the window, from the middle outwards; not divided by the sum.
double GaussianAt(double sigma, int64_t distance) {
  const double x = static_cast<double>(distance) / sigma;
  return std::exp(-0.5 * x * x);
}

// Weights of the positions `taps` of a window of a radius, which sum to one.
class Weights {
 public:
  Weights(double sigma, uint32_t radius, Extent taps) : count_(taps.size()) {
    double sum = 0;
    for (uint32_t i = 0; i < count_; ++i) {
      values_[i] = GaussianAt(sigma, int64_t{taps.first} + i - int64_t{radius});
      sum += values_[i];
    }
    for (double& value : std::span(values_).first(count_)) {
      value = ShortWeight(value / sum);
    }
  }

  std::span<const double> values() const {
    return std::span(values_).first(count_);
  }

 private:
  size_t count_;
  std::array<double, kMostTaps> values_;
};

// What is left between the axes: whole numbers from 8 bits, float otherwise.
template <typename T>
using Between = std::conditional_t<std::is_same_v<T, uint8_t>, int16_t, float>;

template <typename T>
class Blur {
  static constexpr bool kIsFixed = std::is_same_v<T, uint8_t>;

 public:
  Blur(const RowBand<ImageView<const T>>& source,
       const GaussianOptions& options, const RowBand<ImageView<T>>& target,
       std::span<std::byte> scratch)
      : source_(source),
        options_(options),
        target_(target),
        radius_(GaussianRadius(options.sigma)),
        weights_(options.sigma, radius_, {0, 2 * radius_ + 1}),
        samples_(RowSamples(source.rows.shape())),
        margin_(size_t{radius_} * source.rows.shape().channels),
        middle_(reinterpret_cast<Between<T>*>(scratch.data()),
                samples_ + 2 * margin_) {
    if constexpr (kIsFixed) {
      fixed_rows_ = MakeFixedWeights(weights_.values(), kMostShiftOf8Bits,
                                     fixed_row_values_);
      fixed_columns_ = MakeFixedWeights(
          weights_.values(), kMostShiftOfFixedMeans, fixed_column_values_);
    }
  }

  void Run() {
    std::fill(middle_.begin(), middle_.end(), Between<T>{});
    for (uint32_t y = 0; y < target_.rows.shape().height; ++y) {
      BlurColumns(target_.first_row + y);
      if (options_.border != BorderMode::kClip) FillMargins();
      const std::span<T> row = target_.rows.row(y);
      BlurRow(0, row);
      if (options_.border == BorderMode::kClip) BlurClippedEdges(row);
    }
  }

 private:
  // The row of the target at `y`, blurred along columns.
  void BlurColumns(uint32_t y) {
    const uint32_t height = source_.image_height;
    Extent taps = {.first = 0, .end = 2 * radius_ + 1};
    if (options_.border == BorderMode::kClip) {
      taps = {.first = radius_ - std::min(radius_, y),
              .end = radius_ + std::min(radius_, height - 1 - y) + 1};
    }
    std::array<const T*, kMostTaps> rows;
    for (uint32_t t = taps.first; t < taps.end; ++t) {
      const uint32_t row = BorderPosition(int64_t{y} + t - int64_t{radius_},
                                          height, options_.border);
      rows[t - taps.first] = source_.rows.row(row - source_.first_row).data();
    }
    const auto sums = middle_.subspan(margin_, samples_);
    if (taps.size() == 2 * radius_ + 1) {
      SumRows(rows, weights_.values(), fixed_rows_, sums);
      return;
    }
    const Weights clipped(options_.sigma, radius_, taps);
    if constexpr (kIsFixed) {
      std::array<int16_t, kMostTaps> values;
      const FixedWeights fixed =
          MakeFixedWeights(clipped.values(), kMostShiftOf8Bits, values);
      SumRows(rows, clipped.values(), fixed, sums);
    } else {
      SumRows(rows, clipped.values(), {}, sums);
    }
  }

  static void SumRows(std::array<const T*, kMostTaps>& rows,
                      std::span<const double> weights,
                      const FixedWeights& fixed, std::span<Between<T>> sums) {
    const size_t taps = weights.size();
    if constexpr (kIsFixed) {
      rows[EvenCount(taps) - 1] = rows[taps - 1];
      WeightedRows(std::span<const T* const>(rows).first(EvenCount(taps)),
                   fixed, sums);
    } else {
      WeightedRows<T>(std::span<const T* const>(rows).first(taps), weights,
                      sums);
    }
  }

  // Beyond the first and last pixel of the row between.
  void FillMargins() {
    const uint32_t channels = source_.rows.shape().channels;
    const uint32_t width = source_.rows.shape().width;
    const auto copy = [&](int64_t x, size_t to) {
      const size_t from = BorderPosition(x, width, options_.border);
      std::copy_n(&middle_[margin_ + from * channels], channels, &middle_[to]);
    };
    for (uint32_t i = 0; i < radius_; ++i) {
      copy(int64_t{i} - radius_, size_t{i} * channels);
      copy(int64_t{width} + i, margin_ + samples_ + size_t{i} * channels);
    }
  }

  // Samples from `first` on of the row between, blurred along the row.
  template <typename Sum>
  void BlurRow(size_t first, std::span<Sum> sums) {
    const size_t taps = 2 * size_t{radius_} + 1;
    std::array<const Between<T>*, kMostTaps> columns;
    for (size_t t = 0; t < taps; ++t) {
      columns[t] = &middle_[first + t * source_.rows.shape().channels];
    }
    if constexpr (kIsFixed) {
      columns[taps] = columns[taps - 1];
      WeightedRows(std::span<const int16_t* const>(columns).first(taps + 1),
                   fixed_columns_, sums);
    } else {
      WeightedRows(std::span<const float* const>(columns).first(taps),
                   weights_.values(), sums);
    }
  }

  // Again where windows reach beyond the row: divides by the sum of the weights
  // inside.
  void BlurClippedEdges(std::span<T> row) {
    const uint32_t width = source_.rows.shape().width;
    const uint32_t left_end = std::min(radius_, width);
    BlurClipped({.first = 0, .end = left_end}, row);
    BlurClipped({.first = std::max(left_end, width - left_end), .end = width},
                row);
  }

  void BlurClipped(Extent pixels, std::span<T> row) {
    const uint32_t channels = source_.rows.shape().channels;
    const uint32_t width = source_.rows.shape().width;
    std::array<float, kMostRadius * kMaxChannels> sums;
    const size_t first = size_t{pixels.first} * channels;
    BlurRow(first, std::span(sums).first(size_t{pixels.size()} * channels));
    double inside = 0;
    Extent summed;
    for (uint32_t x = pixels.first; x < pixels.end; ++x) {
      const Extent taps = {
          .first = radius_ - std::min(radius_, x),
          .end = radius_ + std::min(radius_, width - 1 - x) + 1};
      // Windows grow into the row, or out of it.
      if (x == pixels.first) {
        for (uint32_t t = taps.first; t < taps.end; ++t) inside += Weight(t);
      } else {
        for (uint32_t t = taps.first; t < summed.first; ++t) {
          inside += Weight(t);
        }
        for (uint32_t t = taps.end; t < summed.end; ++t) inside -= Weight(t);
      }
      summed = taps;
      for (uint32_t c = 0; c < channels; ++c) {
        const size_t i = size_t{x} * channels + c;
        row[i] = ToSample(double{sums[i - first]} / inside);
      }
    }
  }

  double Weight(uint32_t tap) const {
    if constexpr (kIsFixed) {
      return std::ldexp(double{1} * fixed_columns_.values[tap],
                        -fixed_columns_.shift);
    } else {
      return weights_.values()[tap];
    }
  }

  static T ToSample(double value) {
    if constexpr (std::is_same_v<T, float>) {
      return static_cast<float>(value);
    } else {
      return static_cast<T>(std::min<double>(std::floor(value + 0.5),
                                             std::numeric_limits<T>::max()));
    }
  }

  const RowBand<ImageView<const T>>& source_;
  const GaussianOptions& options_;
  const RowBand<ImageView<T>>& target_;
  const uint32_t radius_;
  const Weights weights_;
  FixedWeights fixed_rows_;  // where the window is whole
  FixedWeights fixed_columns_;
  std::array<int16_t, kMostTaps> fixed_row_values_;
  std::array<int16_t, kMostTaps> fixed_column_values_;
  const size_t samples_;
  const size_t margin_;  // samples on each side of a row
  const std::span<Between<T>> middle_;
};

}  // namespace

uint32_t GaussianRadius(double sigma) {
  return static_cast<uint32_t>(std::lround(4 * sigma));
}

size_t GaussianBlurScratchBytes(const ImageSpec& spec,
                                const GaussianOptions& options) {
  const size_t pixels =
      size_t{spec.shape.width} + 2 * size_t{GaussianRadius(options.sigma)};
  return pixels * spec.shape.channels *
         (spec.sample_type == SampleType::kU8 ? sizeof(int16_t)
                                              : sizeof(float));
}

template <Sample T>
void GaussianBlur(const RowBand<ImageView<const T>>& source,
                  const GaussianOptions& options,
                  const RowBand<ImageView<T>>& target,
                  std::span<std::byte> scratch) {
  Blur<T>(source, options, target, scratch).Run();
}

#define INSTANTIATE(T)                                            \
  template void GaussianBlur(                                     \
      const RowBand<ImageView<const T>>&, const GaussianOptions&, \
      const RowBand<ImageView<T>>&, std::span<std::byte>)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
