#include "imageadapt/kernels/weighted_columns.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "imageadapt/kernels/channels.h"
#include "imageadapt/kernels/weighted_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/weighted_columns.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

template <typename T>
void Transpose(const T* from, size_t from_stride, size_t rows, size_t columns,
               T* to, size_t to_stride) {
  for (size_t y = 0; y < rows; ++y) {
    for (size_t x = 0; x < columns; ++x) {
      to[x * to_stride + y] = from[y * from_stride + x];
    }
  }
}

// sums[i] of a pixel's samples in all rows.
template <size_t kCount>
HWY_INLINE void SumColumns(const float* block, const double* weights,
                           size_t taps, float* sums) {
  for (size_t i = 0; i < kCount; ++i) {
    double sum = 0;
    for (size_t t = 0; t < taps; ++t) {
      if (weights[t] == 0) continue;
      sum += weights[t] * double{block[t * kCount + i]};
    }
    sums[i] = static_cast<float>(sum);
  }
}

template <size_t kCount>
HWY_INLINE void SumColumns(const int16_t* block, const int16_t* weights,
                           size_t taps, int shift, uint8_t* sums) {
  for (size_t i = 0; i < kCount; ++i) {
    int32_t sum = 1 << (shift - 1);
    for (size_t t = 0; t < taps; ++t) {
      sum += int32_t{weights[t]} * block[t * kCount + i];
    }
    sums[i] = static_cast<uint8_t>(std::clamp(sum >> shift, 0, 255));
  }
}

// Colours out of colours times alpha.
template <size_t kAlpha, typename T>
void StoreRow(const float* sums, size_t count, T* target) {
  for (size_t i = 0; i < count; ++i) {
    float value = sums[i];
    if (kAlpha != 0 && (i + 1) % kAlpha != 0) {
      const float alpha = sums[i | (kAlpha - 1)];
      const bool is_clear = std::is_integral_v<T> ? alpha <= 0 : alpha == 0;
      value = is_clear ? 0 : value / alpha;
    }
    if constexpr (std::is_integral_v<T>) {
      value = std::clamp(value, 0.0F,
                         static_cast<float>(std::numeric_limits<T>::max()));
      target[i] = static_cast<T>(std::lrint(value));
    } else {
      target[i] = value;
    }
  }
}

#else

// A square of 16 bytes a side by perfect shuffles.
template <typename T>
HWY_INLINE void TransposeSquare(const T* from, size_t from_stride, T* to,
                                size_t to_stride) {
  constexpr size_t kSide = 16 / sizeof(T);
  const hn::FixedTag<T, kSide> d;
  using V = hn::Vec<decltype(d)>;
  V rows[kSide];
  for (size_t i = 0; i < kSide; ++i) {
    rows[i] = hn::LoadU(d, from + i * from_stride);
  }
  for (size_t step = 1; step < kSide; step *= 2) {
    V shuffled[kSide];
    for (size_t i = 0; i < kSide / 2; ++i) {
      shuffled[2 * i] = hn::InterleaveLower(d, rows[i], rows[i + kSide / 2]);
      shuffled[2 * i + 1] =
          hn::InterleaveUpper(d, rows[i], rows[i + kSide / 2]);
    }
    std::copy_n(shuffled, kSide, rows);
  }
  for (size_t i = 0; i < kSide; ++i) {
    hn::StoreU(rows[i], d, to + i * to_stride);
  }
}

// Rows and columns are multiples of 16.
template <typename T>
HWY_INLINE void Transpose(const T* from, size_t from_stride, size_t rows,
                          size_t columns, T* to, size_t to_stride) {
  constexpr size_t kSide = 16 / sizeof(T);
  for (size_t x = 0; x < columns; x += kSide) {
    for (size_t y = 0; y < rows; y += kSide) {
      TransposeSquare(from + y * from_stride + x, from_stride,
                      to + x * to_stride + y, to_stride);
    }
  }
}

template <size_t kCount>
HWY_INLINE void SumColumns(const float* block, const double* weights,
                           size_t taps, float* sums) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> d_float;
  constexpr size_t kLanes = hn::MaxLanes(hn::ScalableTag<double>());
  constexpr size_t kVectors = 16 / kLanes;
  for (size_t i = 0; i < kCount; i += 16) {
    hn::Vec<decltype(d)> sum[kVectors];
    for (auto& part : sum) part = hn::Zero(d);
    for (size_t t = 0; t < taps; ++t) {
      if (weights[t] == 0) continue;
      const auto weight = hn::Set(d, weights[t]);
      const float* const from = block + t * kCount + i;
      for (size_t v = 0; v < kVectors; ++v) {
        const auto sample = hn::LoadU(d_float, from + v * kLanes);
        sum[v] = hn::MulAdd(weight, hn::PromoteTo(d, sample), sum[v]);
      }
    }
    for (size_t v = 0; v < kVectors; ++v) {
      hn::StoreU(hn::DemoteTo(d_float, sum[v]), d_float, sums + i + v * kLanes);
    }
  }
}

template <size_t kCount>
HWY_INLINE void SumColumns(const int16_t* block, const int16_t* weights,
                           size_t taps, int shift, uint8_t* sums) {
  const hn::CappedTag<int16_t, kBlockRows> d;
  const hn::RepartitionToWide<decltype(d)> d32;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  using V32 = hn::Vec<decltype(d32)>;
  const size_t lanes = hn::Lanes(d);
  const V32 half = hn::Set(d32, 1 << (shift - 1));
  for (size_t i = 0; i < kCount; i += lanes) {
    V32 low = half;
    V32 high = half;
    for (size_t t = 0; t < taps; t += 2) {
      const auto pair =
          hn::BitCast(d, hn::Set(d32, std::bit_cast<int32_t>(std::array{
                                          weights[t], weights[t + 1]})));
      const auto one = hn::LoadU(d, block + t * kCount + i);
      const auto other = hn::LoadU(d, block + (t + 1) * kCount + i);
      V32 unused = hn::Zero(d32);
      low = hn::ReorderWidenMulAccumulate(
          d32, hn::InterleaveLower(d, one, other), pair, low, unused);
      high = hn::ReorderWidenMulAccumulate(
          d32, hn::InterleaveUpper(d, one, other), pair, high, unused);
    }
    // Packing undoes the order of the interleaving.
    const auto packed = hn::ReorderDemote2To(d, hn::ShiftRightSame(low, shift),
                                             hn::ShiftRightSame(high, shift));
    hn::StoreU(hn::DemoteTo(d8, packed), d8, sums + i);
  }
}

template <typename T, class D>
HWY_INLINE void StoreSamples(D d, hn::Vec<D> samples, T* target) {
  if constexpr (std::is_same_v<T, float>) {
    hn::StoreU(samples, d, target);
  } else {
    const hn::Rebind<T, D> d_target;
    const auto most =
        hn::Set(d, static_cast<float>(std::numeric_limits<T>::max()));
    const auto clamped = hn::Min(hn::Max(samples, hn::Zero(d)), most);
    hn::StoreU(hn::DemoteTo(d_target, hn::NearestInt(clamped)), d_target,
               target);
  }
}

template <size_t kAlpha, typename T>
HWY_INLINE void StoreRow(const float* sums, size_t count, T* target) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> d32;
  for (size_t i = 0; i < count; i += hn::Lanes(d)) {
    auto samples = hn::LoadU(d, sums + i);
    if constexpr (kAlpha != 0) {
      const auto alpha =
          kAlpha == 2 ? hn::DupOdd(samples) : hn::Broadcast<3>(samples);
      const auto is_clear = std::is_integral_v<T> ? hn::Le(alpha, hn::Zero(d))
                                                  : hn::Eq(alpha, hn::Zero(d));
      const auto color = hn::IfThenZeroElse(is_clear, hn::Div(samples, alpha));
      const auto last = hn::Set(d32, kAlpha - 1);
      const auto is_alpha = hn::Eq(hn::And(hn::Iota(d32, 0), last), last);
      samples = hn::IfThenElse(hn::RebindMask(d, is_alpha), samples, color);
    }
    StoreSamples(d, samples, target + i);
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

// Calls sum(columns' number, its sums) for a group of pixels after the other,
// and store(sums of a row, target) for each row of the group.
template <size_t kChannels, typename Sum, typename T, typename SumColumn,
          typename Store>
HWY_INLINE void ForEachGroup(size_t pixels, std::span<T* const> targets,
                             SumColumn&& sum, Store&& store) {
  constexpr size_t kSamples = kBlockGroup * kChannels;
  HWY_ALIGN Sum columns[kSamples * kBlockRows] = {};
  HWY_ALIGN Sum rows[kBlockRows * kSamples];
  HWY_ALIGN T few[kSamples];
  for (size_t x = 0; x < pixels; x += kBlockGroup) {
    const size_t group = std::min(kBlockGroup, pixels - x);
    for (size_t i = 0; i < group; ++i) {
      sum(x + i, columns + i * kChannels * kBlockRows);
    }
    Transpose(columns, kBlockRows, kSamples, kBlockRows, rows, kSamples);
    for (size_t r = 0; r < targets.size(); ++r) {
      T* const target = targets[r] + x * kChannels;
      if (group == kBlockGroup) {
        store(rows + r * kSamples, target);
      } else {
        store(rows + r * kSamples, few);
        std::copy_n(few, group * kChannels, target);
      }
    }
  }
}

template <typename T>
HWY_INLINE void AnyColumns(const float* block, size_t channels,
                           std::span<const ColumnTaps> columns,
                           const double* weights, std::span<T* const> targets) {
  WithChannels(static_cast<uint32_t>(channels), [&](auto number) {
    constexpr size_t kChannels = decltype(number)::value;
    constexpr size_t kCount = kChannels * kBlockRows;
    ForEachGroup<kChannels, float>(
        columns.size(), targets,
        [&](size_t x, float* sums) {
          const ColumnTaps& taps = columns[x];
          SumColumns<kCount>(block + taps.first * kCount,
                             weights + taps.weights_at, taps.count, sums);
        },
        [](const float* sums, T* target) {
          constexpr size_t kAlpha = HasAlpha(kChannels) ? kChannels : 0;
          StoreRow<kAlpha>(sums, kBlockGroup * kChannels, target);
        });
  });
}

void Columns8(const float* block, size_t channels,
              std::span<const ColumnTaps> columns, const double* weights,
              std::span<uint8_t* const> targets) {
  AnyColumns(block, channels, columns, weights, targets);
}
void Columns16(const float* block, size_t channels,
               std::span<const ColumnTaps> columns, const double* weights,
               std::span<uint16_t* const> targets) {
  AnyColumns(block, channels, columns, weights, targets);
}
void ColumnsOfFloats(const float* block, size_t channels,
                     std::span<const ColumnTaps> columns, const double* weights,
                     std::span<float* const> targets) {
  AnyColumns(block, channels, columns, weights, targets);
}

template <size_t kChannels>
HWY_INLINE void AnyFixedColumns(const int16_t* block,
                                std::span<const ColumnTaps> columns,
                                const int16_t* weights,
                                std::span<uint8_t* const> targets) {
  constexpr size_t kCount = kChannels * kBlockRows;
  ForEachGroup<kChannels, uint8_t>(
      columns.size(), targets,
      [&](size_t x, uint8_t* sums) {
        const ColumnTaps& taps = columns[x];
        SumColumns<kCount>(block + taps.first * kCount,
                           weights + taps.weights_at, EvenCount(taps.count),
                           taps.shift + kFixedBits, sums);
      },
      [](const uint8_t* sums, uint8_t* target) {
        std::copy_n(sums, kBlockGroup * kChannels, target);
      });
}

void FixedColumns(const int16_t* block, size_t channels,
                  std::span<const ColumnTaps> columns, const int16_t* weights,
                  std::span<uint8_t* const> targets) {
  if (channels == 1)
    return AnyFixedColumns<1>(block, columns, weights, targets);
  AnyFixedColumns<3>(block, columns, weights, targets);
}

void BlockOfFloats(const float* rows, size_t stride, size_t count,
                   float* block) {
  Transpose(rows, stride, kBlockRows, count, block, kBlockRows);
}
void BlockOf16(const int16_t* rows, size_t stride, size_t count,
               int16_t* block) {
  Transpose(rows, stride, kBlockRows, count, block, kBlockRows);
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(BlockOfFloats);
HWY_EXPORT(BlockOf16);
HWY_EXPORT(Columns8);
HWY_EXPORT(Columns16);
HWY_EXPORT(ColumnsOfFloats);
HWY_EXPORT(FixedColumns);

void MakeBlock(const float* rows, size_t stride, size_t count, float* block) {
  HWY_DYNAMIC_DISPATCH(BlockOfFloats)(rows, stride, count, block);
}

void MakeBlock(const int16_t* rows, size_t stride, size_t count,
               int16_t* block) {
  HWY_DYNAMIC_DISPATCH(BlockOf16)(rows, stride, count, block);
}

template <Sample T>
void WeightedColumns(const float* block, size_t channels,
                     std::span<const ColumnTaps> columns, const double* weights,
                     std::span<T* const> targets) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    HWY_DYNAMIC_DISPATCH(Columns8)(block, channels, columns, weights, targets);
  } else if constexpr (std::is_same_v<T, uint16_t>) {
    HWY_DYNAMIC_DISPATCH(Columns16)(block, channels, columns, weights, targets);
  } else {
    HWY_DYNAMIC_DISPATCH(ColumnsOfFloats)
    (block, channels, columns, weights, targets);
  }
}

void WeightedColumns(const int16_t* block, size_t channels,
                     std::span<const ColumnTaps> columns,
                     const int16_t* weights,
                     std::span<uint8_t* const> targets) {
  HWY_DYNAMIC_DISPATCH(FixedColumns)
  (block, channels, columns, weights, targets);
}

#define INSTANTIATE(T)                                                         \
  template void WeightedColumns<T>(const float*, size_t,                       \
                                   std::span<const ColumnTaps>, const double*, \
                                   std::span<T* const>)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
#endif  // HWY_ONCE
