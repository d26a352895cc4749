#include "imageadapt/kernels/weighted_rows.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/weighted_rows.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Sums [first, end) without SIMD: the same numbers.
template <typename T, typename Sum>
void PlainFixedSums(std::span<const T* const> rows, const FixedWeights& weights,
                    size_t first, size_t end, Sum* sums) {
  constexpr int kBits = (std::is_same_v<T, int16_t> ? kFixedBits : 0) -
                        (std::is_same_v<Sum, int16_t> ? kFixedBits : 0);
  const int shift = weights.shift + kBits;
  for (size_t i = first; i < end; ++i) {
    int32_t sum = 0;
    for (size_t t = 0; t < rows.size(); ++t) {
      sum += int32_t{rows[t][i]} * weights.values[t];
    }
    if constexpr (std::is_same_v<Sum, float>) {
      sums[i] = std::ldexp(static_cast<float>(sum), -shift);
    } else {
      sum = (sum + (1 << (shift - 1))) >> shift;
      sums[i] = static_cast<Sum>(
          std::clamp<int32_t>(sum, std::numeric_limits<Sum>::lowest(),
                              std::numeric_limits<Sum>::max()));
    }
  }
}

// The sample at `i`, times its alpha if every kAlpha-th sample is one.
template <size_t kAlpha, typename T>
float PlainColor(const T* row, size_t i) {
  const auto sample = static_cast<float>(row[i]);
  if constexpr (kAlpha == 0) return sample;
  const size_t alpha_at = i | (kAlpha - 1);
  if (i == alpha_at) return sample;
  const auto alpha = static_cast<float>(row[alpha_at]);
  return alpha == 0 ? 0 : sample * alpha;
}

template <size_t kAlpha, typename T, typename Sum>
void PlainSums(std::span<const T* const> rows, std::span<const double> weights,
               size_t first, size_t end, Sum* sums) {
  for (size_t i = first; i < end; ++i) {
    double sum = 0;
    for (size_t t = 0; t < rows.size(); ++t) {
      sum += weights[t] * double{PlainColor<kAlpha>(rows[t], i)};
    }
    const auto rounded = static_cast<float>(sum);
    if constexpr (std::is_same_v<Sum, float>) {
      sums[i] = rounded;
    } else {
      sums[i] = static_cast<Sum>(std::lrint(std::clamp(
          rounded, 0.0F, static_cast<float>(std::numeric_limits<Sum>::max()))));
    }
  }
}

#if HWY_TARGET == HWY_SCALAR

template <typename T, typename Sum>
void FixedSums(std::span<const T* const> rows, const FixedWeights& weights,
               std::span<Sum> sums) {
  PlainFixedSums(rows, weights, 0, sums.size(), sums.data());
}

template <size_t kAlpha, typename T, typename Sum>
void Sums(std::span<const T* const> rows, std::span<const double> weights,
          std::span<Sum> sums) {
  PlainSums<kAlpha>(rows, weights, 0, sums.size(), sums.data());
}

#else

using Tag16 = hn::ScalableTag<int16_t>;
using Tag32 = hn::RepartitionToWide<Tag16>;
using TagFloat = hn::RebindToFloat<Tag32>;
using TagHalf = hn::Half<TagFloat>;
using TagDouble = hn::RepartitionToWide<TagFloat>;

using Vec16 = hn::Vec<Tag16>;
using Vec32 = hn::Vec<Tag32>;
using VecFloat = hn::Vec<TagFloat>;
using VecDouble = hn::Vec<TagDouble>;

// Calls work(i, number of vectors) so that vectors of `lanes` cover [0, count),
// two at a time where there are two; the last overlaps what came before. False
// if not even one fits.
template <typename Work>
HWY_INLINE bool ForEachVectors(size_t lanes, size_t count, Work&& work) {
  if (count < lanes) return false;
  size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    work(i, std::integral_constant<size_t, 2>());
  }
  if (i + lanes < count) {
    work(i, std::integral_constant<size_t, 1>());
    i += lanes;
  }
  if (i < count) work(count - lanes, std::integral_constant<size_t, 1>());
  return true;
}

HWY_INLINE Vec16 LoadFixed(const uint8_t* samples) {
  return hn::PromoteTo(Tag16(),
                       hn::LoadU(hn::Rebind<uint8_t, Tag16>(), samples));
}
HWY_INLINE Vec16 LoadFixed(const int16_t* samples) {
  return hn::LoadU(Tag16(), samples);
}

// `low` and `high` are as InterleaveLower and InterleaveUpper leave them: block
// by block, which packing undoes.
HWY_INLINE Vec16 Packed(Vec32 low, Vec32 high, int shift) {
  const Vec32 half = hn::Set(Tag32(), 1 << (shift - 1));
  return hn::ReorderDemote2To(Tag16(),
                              hn::ShiftRightSame(hn::Add(low, half), shift),
                              hn::ShiftRightSame(hn::Add(high, half), shift));
}
HWY_INLINE void StoreFixed(Vec32 low, Vec32 high, int shift, int16_t* sums) {
  hn::StoreU(Packed(low, high, shift), Tag16(), sums);
}
HWY_INLINE void StoreFixed(Vec32 low, Vec32 high, int shift, uint8_t* sums) {
  const hn::Rebind<uint8_t, Tag16> d8;
  hn::StoreU(hn::DemoteTo(d8, Packed(low, high, shift)), d8, sums);
}
HWY_INLINE void StoreFixed(Vec32 low, Vec32 high, int shift, float* sums) {
  const TagFloat d;
  const VecFloat scale = hn::Set(d, 1.0F / static_cast<float>(1 << shift));
  constexpr size_t kLanes = hn::MaxLanes(TagFloat());
  HWY_ALIGN float lows[kLanes];
  HWY_ALIGN float highs[kLanes];
  hn::Store(hn::Mul(hn::ConvertTo(d, low), scale), d, lows);
  hn::Store(hn::Mul(hn::ConvertTo(d, high), scale), d, highs);
  for (size_t block = 0; block < kLanes; block += 4) {
    std::copy_n(lows + block, 4, sums + 2 * block);
    std::copy_n(highs + block, 4, sums + 2 * block + 4);
  }
}

template <typename T, typename Sum>
void FixedSums(std::span<const T* const> rows, const FixedWeights& weights,
               std::span<Sum> sums) {
  constexpr int kBits = (std::is_same_v<T, int16_t> ? kFixedBits : 0) -
                        (std::is_same_v<Sum, int16_t> ? kFixedBits : 0);
  const int shift = weights.shift + kBits;
  const Tag16 d;
  const size_t lanes = hn::Lanes(d);
  const bool done =
      ForEachVectors(lanes, sums.size(), [&](size_t i, auto vectors) {
        Vec32 low[vectors];
        Vec32 high[vectors];
        for (size_t v = 0; v < vectors; ++v) {
          low[v] = high[v] = hn::Zero(Tag32());
        }
        for (size_t t = 0; t < rows.size(); t += 2) {
          const auto pair = hn::BitCast(
              d,
              hn::Set(Tag32(), std::bit_cast<int32_t>(std::array{
                                   weights.values[t], weights.values[t + 1]})));
          for (size_t v = 0; v < vectors; ++v) {
            const Vec16 one = LoadFixed(rows[t] + i + v * lanes);
            const Vec16 other = LoadFixed(rows[t + 1] + i + v * lanes);
            Vec32 unused = hn::Zero(Tag32());
            low[v] = hn::ReorderWidenMulAccumulate(
                Tag32(), hn::InterleaveLower(d, one, other), pair, low[v],
                unused);
            high[v] = hn::ReorderWidenMulAccumulate(
                Tag32(), hn::InterleaveUpper(d, one, other), pair, high[v],
                unused);
          }
        }
        for (size_t v = 0; v < vectors; ++v) {
          StoreFixed(low[v], high[v], shift, sums.data() + i + v * lanes);
        }
      });
  if (!done) PlainFixedSums(rows, weights, 0, sums.size(), sums.data());
}

HWY_INLINE VecFloat LoadFloats(const float* samples) {
  return hn::LoadU(TagFloat(), samples);
}
template <typename T>
HWY_INLINE VecFloat LoadFloats(const T* samples) {
  return hn::ConvertTo(
      TagFloat(),
      hn::PromoteTo(Tag32(), hn::LoadU(hn::Rebind<T, Tag32>(), samples)));
}

template <size_t kAlpha, typename T>
HWY_INLINE VecFloat LoadColors(const T* samples) {
  const VecFloat color = LoadFloats(samples);
  if constexpr (kAlpha == 0) {
    return color;
  } else {
    const TagFloat d;
    const VecFloat alpha =
        kAlpha == 2 ? hn::DupOdd(color) : hn::Broadcast<3>(color);
    const VecFloat product =
        hn::IfThenZeroElse(hn::Eq(alpha, hn::Zero(d)), hn::Mul(color, alpha));
    const auto place =
        hn::And(hn::Iota(Tag32(), 0), hn::Set(Tag32(), kAlpha - 1));
    const auto is_alpha = hn::Eq(place, hn::Set(Tag32(), kAlpha - 1));
    return hn::IfThenElse(hn::RebindMask(d, is_alpha), color, product);
  }
}

HWY_INLINE void StoreSum(VecFloat sum, float* sums) {
  hn::StoreU(sum, TagFloat(), sums);
}
HWY_INLINE void StoreSum(VecFloat sum, uint16_t* sums) {
  const TagFloat d;
  const hn::Rebind<uint16_t, TagFloat> d16;
  const VecFloat clamped =
      hn::Min(hn::Max(sum, hn::Zero(d)), hn::Set(d, 65535.0F));
  hn::StoreU(hn::DemoteTo(d16, hn::NearestInt(clamped)), d16, sums);
}

template <size_t kAlpha, typename T, typename Sum>
void Sums(std::span<const T* const> rows, std::span<const double> weights,
          std::span<Sum> sums) {
  const TagDouble d;
  const size_t lanes = hn::Lanes(TagFloat());
  const bool done =
      ForEachVectors(lanes, sums.size(), [&](size_t i, auto vectors) {
        VecDouble low[vectors];
        VecDouble high[vectors];
        for (size_t v = 0; v < vectors; ++v) low[v] = high[v] = hn::Zero(d);
        for (size_t t = 0; t < rows.size(); ++t) {
          const VecDouble weight = hn::Set(d, weights[t]);
          for (size_t v = 0; v < vectors; ++v) {
            const VecFloat color = LoadColors<kAlpha>(rows[t] + i + v * lanes);
            low[v] = hn::MulAdd(
                weight, hn::PromoteTo(d, hn::LowerHalf(TagHalf(), color)),
                low[v]);
            high[v] = hn::MulAdd(
                weight, hn::PromoteTo(d, hn::UpperHalf(TagHalf(), color)),
                high[v]);
          }
        }
        for (size_t v = 0; v < vectors; ++v) {
          StoreSum(hn::Combine(TagFloat(), hn::DemoteTo(TagHalf(), high[v]),
                               hn::DemoteTo(TagHalf(), low[v])),
                   sums.data() + i + v * lanes);
        }
      });
  if (!done) PlainSums<kAlpha>(rows, weights, 0, sums.size(), sums.data());
}

#endif  // HWY_TARGET == HWY_SCALAR

void FixedFrom8(std::span<const uint8_t* const> rows,
                const FixedWeights& weights, std::span<int16_t> sums) {
  FixedSums(rows, weights, sums);
}
void FloatsFrom8(std::span<const uint8_t* const> rows,
                 const FixedWeights& weights, std::span<float> sums) {
  FixedSums(rows, weights, sums);
}
void BytesFromFixed(std::span<const int16_t* const> rows,
                    const FixedWeights& weights, std::span<uint8_t> sums) {
  FixedSums(rows, weights, sums);
}
void FloatsFromFixed(std::span<const int16_t* const> rows,
                     const FixedWeights& weights, std::span<float> sums) {
  FixedSums(rows, weights, sums);
}

template <typename T>
HWY_INLINE void AnySums(std::span<const T* const> rows,
                        std::span<const double> weights, uint32_t alpha,
                        std::span<float> sums) {
  if (alpha == 0) return Sums<0>(rows, weights, sums);
  if (alpha == 2) return Sums<2>(rows, weights, sums);
  Sums<4>(rows, weights, sums);
}

void SumsOf8(std::span<const uint8_t* const> rows,
             std::span<const double> weights, uint32_t alpha,
             std::span<float> sums) {
  AnySums(rows, weights, alpha, sums);
}
void SumsOf16(std::span<const uint16_t* const> rows,
              std::span<const double> weights, uint32_t alpha,
              std::span<float> sums) {
  AnySums(rows, weights, alpha, sums);
}
void SumsOfFloats(std::span<const float* const> rows,
                  std::span<const double> weights, uint32_t alpha,
                  std::span<float> sums) {
  AnySums(rows, weights, alpha, sums);
}
void RoundedSums(std::span<const float* const> rows,
                 std::span<const double> weights, std::span<uint16_t> sums) {
  Sums<0>(rows, weights, sums);
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(FixedFrom8);
HWY_EXPORT(FloatsFrom8);
HWY_EXPORT(BytesFromFixed);
HWY_EXPORT(FloatsFromFixed);
HWY_EXPORT(SumsOf8);
HWY_EXPORT(SumsOf16);
HWY_EXPORT(SumsOfFloats);
HWY_EXPORT(RoundedSums);

double ShortWeight(double weight) {
  constexpr uint64_t kDropped = uint64_t{1} << (53 - 28);
  const auto bits = std::bit_cast<uint64_t>(weight) + kDropped / 2;
  return std::bit_cast<double>(bits & ~(kDropped - 1));
}

FixedWeights MakeFixedWeights(std::span<const double> weights, int most_shift,
                              std::span<int16_t> values) {
  constexpr int64_t kMost = std::numeric_limits<int16_t>::max();
  const auto magnitude = [](double a, double b) {
    return std::abs(a) < std::abs(b);
  };
  const size_t largest_at = static_cast<size_t>(
      std::max_element(weights.begin(), weights.end(), magnitude) -
      weights.begin());
  for (int shift = most_shift;; --shift) {
    const double scale = std::ldexp(1.0, shift);
    // Each is less than 2 in magnitude, so that 14 bits always fit.
    if (std::abs(weights[largest_at]) * scale > kMost) continue;
    int64_t rest = int64_t{1} << shift;
    for (size_t i = 0; i < weights.size(); ++i) {
      values[i] = static_cast<int16_t>(std::lround(weights[i] * scale));
      rest -= values[i];
    }
    const int64_t largest = values[largest_at] + rest;
    if (largest > kMost) continue;
    values[largest_at] = static_cast<int16_t>(largest);
    if (weights.size() % 2 == 1) values[weights.size()] = 0;
    return {.values = values.first(EvenCount(weights.size())), .shift = shift};
  }
}

void WeightedRows(std::span<const uint8_t* const> rows,
                  const FixedWeights& weights, std::span<int16_t> sums) {
  HWY_DYNAMIC_DISPATCH(FixedFrom8)(rows, weights, sums);
}

void WeightedRows(std::span<const uint8_t* const> rows,
                  const FixedWeights& weights, std::span<float> sums) {
  HWY_DYNAMIC_DISPATCH(FloatsFrom8)(rows, weights, sums);
}

void WeightedRows(std::span<const int16_t* const> rows,
                  const FixedWeights& weights, std::span<uint8_t> sums) {
  HWY_DYNAMIC_DISPATCH(BytesFromFixed)(rows, weights, sums);
}

void WeightedRows(std::span<const int16_t* const> rows,
                  const FixedWeights& weights, std::span<float> sums) {
  HWY_DYNAMIC_DISPATCH(FloatsFromFixed)(rows, weights, sums);
}

void WeightedRows(std::span<const float* const> rows,
                  std::span<const double> weights, std::span<uint16_t> sums) {
  HWY_DYNAMIC_DISPATCH(RoundedSums)(rows, weights, sums);
}

template <Sample T>
void WeightedRows(std::span<const T* const> rows,
                  std::span<const double> weights, std::span<float> sums) {
  WeightedPremultipliedRows<T>(rows, weights, 0, sums);
}

template <Sample T>
void WeightedPremultipliedRows(std::span<const T* const> rows,
                               std::span<const double> weights,
                               uint32_t channels, std::span<float> sums) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    HWY_DYNAMIC_DISPATCH(SumsOf8)(rows, weights, channels, sums);
  } else if constexpr (std::is_same_v<T, uint16_t>) {
    HWY_DYNAMIC_DISPATCH(SumsOf16)(rows, weights, channels, sums);
  } else {
    HWY_DYNAMIC_DISPATCH(SumsOfFloats)(rows, weights, channels, sums);
  }
}

#define INSTANTIATE(T)                                                      \
  template void WeightedRows<T>(std::span<const T* const>,                  \
                                std::span<const double>, std::span<float>); \
  template void WeightedPremultipliedRows<T>(std::span<const T* const>,     \
                                             std::span<const double>,       \
                                             uint32_t, std::span<float>)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
#endif  // HWY_ONCE
