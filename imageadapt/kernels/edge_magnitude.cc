#include "imageadapt/kernels/edge_magnitude.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/edge_magnitude.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

#ifndef IMAGEADAPT_KERNELS_EDGE_MAGNITUDE_ROWS_
#define IMAGEADAPT_KERNELS_EDGE_MAGNITUDE_ROWS_
namespace imageadapt {
namespace {

// The rows that a row of magnitudes is made of.
template <typename T>
struct ThreeRows {
  const T* above;
  const T* middle;
  const T* below;
};

// The magnitude at a sample whose neighbours are `left` and `right`. Integers
// are exact: squares are whole numbers below 2^38, and none of them lies so
// close to a half's square that the root would be rounded to the half.
template <typename T>
T PlainMagnitude(const ThreeRows<T>& rows, size_t left, size_t middle,
                 size_t right) {
  const auto column = [&](size_t i) {
    return double{1} * rows.above[i] + 2.0 * rows.middle[i] + rows.below[i];
  };
  const auto row = [&](const T* samples) {
    return double{1} * samples[left] + 2.0 * samples[middle] + samples[right];
  };
  const double gx = column(right) - column(left);
  const double gy = row(rows.below) - row(rows.above);
  const double magnitude = std::sqrt(gx * gx + gy * gy);
  if constexpr (std::is_same_v<T, float>) {
    return static_cast<float>(magnitude);
  } else {
    constexpr double kMost = std::numeric_limits<T>::max();
    return static_cast<T>(std::lrint(std::min(magnitude, kMost)));
  }
}

}  // namespace
}  // namespace imageadapt
#endif  // IMAGEADAPT_KERNELS_EDGE_MAGNITUDE_ROWS_

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

template <typename T>
void Magnitudes(const ThreeRows<T>& rows, size_t channels, size_t first,
                size_t end, T* magnitudes) {
  for (size_t i = first; i < end; ++i) {
    magnitudes[i] = PlainMagnitude(rows, i - channels, i, i + channels);
  }
}

#else

// Both parts of a gradient.
template <class V>
struct Gradient {
  V x;
  V y;
};

// load(samples) is a vector that the differences fit in.
template <class D, typename T, typename Load>
HWY_INLINE Gradient<hn::Vec<D>> GradientAt(D /*d*/, const ThreeRows<T>& rows,
                                           size_t channels, size_t i,
                                           Load&& load) {
  const auto difference_of_columns = [&](const T* row) {
    return hn::Sub(load(row + i + channels), load(row + i - channels));
  };
  const auto difference_of_rows = [&](size_t at) {
    return hn::Sub(load(rows.below + at), load(rows.above + at));
  };
  const auto sum = [](auto one, auto two, auto three) {
    return hn::Add(hn::Add(one, three), hn::Add(two, two));
  };
  return {.x = sum(difference_of_columns(rows.above),
                   difference_of_columns(rows.middle),
                   difference_of_columns(rows.below)),
          .y = sum(difference_of_rows(i - channels), difference_of_rows(i),
                   difference_of_rows(i + channels))};
}

constexpr size_t Lanes(uint8_t /*type*/) {
  return hn::MaxLanes(hn::ScalableTag<int16_t>());
}
constexpr size_t Lanes(uint16_t /*type*/) {
  return hn::MaxLanes(hn::ScalableTag<float>());
}
constexpr size_t Lanes(float /*type*/) {
  return hn::MaxLanes(hn::ScalableTag<double>());
}

// Whole numbers up to 2^21 and their roots in float are good enough: a root
// that is to be rounded is below 256, where float resolves 2^-16, and at least
// 2^-11 away from the half between two integers.
HWY_INLINE void StoreMagnitudes(const ThreeRows<uint8_t>& rows, size_t channels,
                                size_t i, uint8_t* magnitudes) {
  const hn::ScalableTag<int16_t> d;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  const hn::RepartitionToWide<decltype(d)> d32;
  const hn::RebindToFloat<decltype(d32)> d_float;
  const auto gradient = GradientAt(d, rows, channels, i, [&](const uint8_t* p) {
    return hn::PromoteTo(d, hn::LoadU(d8, p));
  });
  const auto root = [&](auto parts) {
    auto unused = hn::Zero(d32);
    const auto square =
        hn::ReorderWidenMulAccumulate(d32, parts, parts, hn::Zero(d32), unused);
    return hn::NearestInt(hn::Sqrt(hn::ConvertTo(d_float, square)));
  };
  // Packing undoes the order of the interleaving.
  const auto packed = hn::ReorderDemote2To(
      d, root(hn::InterleaveLower(d, gradient.x, gradient.y)),
      root(hn::InterleaveUpper(d, gradient.x, gradient.y)));
  hn::StoreU(hn::DemoteTo(d8, packed), d8, magnitudes + i);
}

// The roots of two halves' squares.
template <class D>
HWY_INLINE hn::Vec<D> Roots(D d, hn::Vec<D> x, hn::Vec<D> y) {
  return hn::Sqrt(hn::MulAdd(x, x, hn::Mul(y, y)));
}

HWY_INLINE void StoreMagnitudes(const ThreeRows<uint16_t>& rows,
                                size_t channels, size_t i,
                                uint16_t* magnitudes) {
  const hn::ScalableTag<int32_t> d;
  const hn::Rebind<uint16_t, decltype(d)> d16;
  const hn::Half<decltype(d)> d_half;
  const hn::RepartitionToWide<hn::RebindToFloat<decltype(d)>> d_double;
  const auto gradient = GradientAt(
      d, rows, channels, i,
      [&](const uint16_t* p) { return hn::PromoteTo(d, hn::LoadU(d16, p)); });
  const auto root = [&](auto x, auto y) {
    const auto magnitude =
        Roots(d_double, hn::PromoteTo(d_double, x), hn::PromoteTo(d_double, y));
    // Truncated; cannot be a half before.
    return hn::DemoteTo(d_half, hn::Add(magnitude, hn::Set(d_double, 0.5)));
  };
  const auto low = root(hn::LowerHalf(d_half, gradient.x),
                        hn::LowerHalf(d_half, gradient.y));
  const auto high = root(hn::UpperHalf(d_half, gradient.x),
                         hn::UpperHalf(d_half, gradient.y));
  hn::StoreU(hn::DemoteTo(d16, hn::Combine(d, high, low)), d16, magnitudes + i);
}

HWY_INLINE void StoreMagnitudes(const ThreeRows<float>& rows, size_t channels,
                                size_t i, float* magnitudes) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> d_float;
  const auto gradient = GradientAt(d, rows, channels, i, [&](const float* p) {
    return hn::PromoteTo(d, hn::LoadU(d_float, p));
  });
  hn::StoreU(hn::DemoteTo(d_float, Roots(d, gradient.x, gradient.y)), d_float,
             magnitudes + i);
}

// Vectors that cover [first, end); the last overlaps the one before.
template <typename T>
void Magnitudes(const ThreeRows<T>& rows, size_t channels, size_t first,
                size_t end, T* magnitudes) {
  constexpr size_t kLanes = Lanes(T{});
  if (end - first < kLanes) {
    for (size_t i = first; i < end; ++i) {
      magnitudes[i] = PlainMagnitude(rows, i - channels, i, i + channels);
    }
    return;
  }
  size_t i = first;
  for (; i + kLanes <= end; i += kLanes) {
    StoreMagnitudes(rows, channels, i, magnitudes);
  }
  if (i < end) StoreMagnitudes(rows, channels, end - kLanes, magnitudes);
}

#endif  // HWY_TARGET == HWY_SCALAR

void Magnitudes8(const ThreeRows<uint8_t>& rows, size_t channels, size_t first,
                 size_t end, uint8_t* magnitudes) {
  Magnitudes(rows, channels, first, end, magnitudes);
}
void Magnitudes16(const ThreeRows<uint16_t>& rows, size_t channels,
                  size_t first, size_t end, uint16_t* magnitudes) {
  Magnitudes(rows, channels, first, end, magnitudes);
}
void MagnitudesOfFloats(const ThreeRows<float>& rows, size_t channels,
                        size_t first, size_t end, float* magnitudes) {
  Magnitudes(rows, channels, first, end, magnitudes);
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {
namespace {

HWY_EXPORT(Magnitudes8);
HWY_EXPORT(Magnitudes16);
HWY_EXPORT(MagnitudesOfFloats);

// Samples [first, end) of a row, all of whose neighbours exist.
template <typename T>
void InnerMagnitudes(const ThreeRows<T>& rows, size_t channels, size_t first,
                     size_t end, T* magnitudes) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    HWY_DYNAMIC_DISPATCH(Magnitudes8)(rows, channels, first, end, magnitudes);
  } else if constexpr (std::is_same_v<T, uint16_t>) {
    HWY_DYNAMIC_DISPATCH(Magnitudes16)(rows, channels, first, end, magnitudes);
  } else {
    HWY_DYNAMIC_DISPATCH(MagnitudesOfFloats)
    (rows, channels, first, end, magnitudes);
  }
}

}  // namespace

template <Sample T>
void EdgeMagnitude(const RowBand<ImageView<const T>>& source,
                   const EdgeOptions& options,
                   const RowBand<ImageView<T>>& target) {
  const ImageShape& shape = target.rows.shape();
  const size_t channels = shape.channels;
  const BorderMode border = options.border == BorderMode::kClip
                                ? BorderMode::kReplicate
                                : options.border;
  for (uint32_t y = 0; y < shape.height; ++y) {
    const int64_t row = int64_t{target.first_row} + y;
    const auto source_row = [&](int64_t position) {
      const uint32_t found =
          BorderPosition(position, source.image_height, border);
      return source.rows.row(found - source.first_row).data();
    };
    const ThreeRows<T> rows = {.above = source_row(row - 1),
                               .middle = source_row(row),
                               .below = source_row(row + 1)};
    T* const to = target.rows.row(y).data();
    const auto edge = [&](uint32_t x) {
      const auto sample = [&](int64_t position) {
        return size_t{BorderPosition(position, shape.width, border)} * channels;
      };
      for (size_t c = 0; c < channels; ++c) {
        to[x * channels + c] =
            PlainMagnitude(rows, sample(int64_t{x} - 1) + c, x * channels + c,
                           sample(int64_t{x} + 1) + c);
      }
    };
    edge(0);
    if (shape.width > 2) {
      InnerMagnitudes(rows, channels, channels, RowSamples(shape) - channels,
                      to);
    }
    if (shape.width > 1) edge(shape.width - 1);
  }
}

#define INSTANTIATE(T)                                            \
  template void EdgeMagnitude(const RowBand<ImageView<const T>>&, \
                              const EdgeOptions&,                 \
                              const RowBand<ImageView<T>>&)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
#endif  // HWY_ONCE
