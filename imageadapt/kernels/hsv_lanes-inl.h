// What the conversions of 8 and of 16 bits to HSV and back have in common. For
// files that are compiled for each target; empty for HWY_SCALAR.
// SPDX-License-Identifier: Apache-2.0
#if defined(IMAGEADAPT_KERNELS_HSV_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGEADAPT_KERNELS_HSV_LANES_INL_H_
#undef IMAGEADAPT_KERNELS_HSV_LANES_INL_H_
#else
#define IMAGEADAPT_KERNELS_HSV_LANES_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"
#include "imageadapt/kernels/hsv_sector.h"

#if HWY_TARGET != HWY_SCALAR

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// max, min and what follows from them, in the lanes of the samples.
template <class V>
struct Extremes {
  V max;
  V delta;   // max - min
  V y;       // middle - min
  V sector;  // the bits of SectorOf
};

template <class D, class V = hn::Vec<D>>
HWY_INLINE Extremes<V> FindExtremes(D d, V r, V g, V b) {
  const V high = hn::Max(g, b);
  const V low = hn::Min(g, b);
  const V max = hn::Max(r, high);
  const V other = hn::Min(r, high);
  const V middle = hn::Max(low, other);
  const V min = hn::Min(low, other);
  using T = hn::TFromD<D>;
  const auto bit = [&](V one, V another, T value) {
    return hn::IfThenElseZero(hn::Eq(one, another), hn::Set(d, value));
  };
  return {.max = max,
          .delta = hn::Sub(max, min),
          .y = hn::Sub(middle, min),
          .sector = hn::Or(hn::Or(bit(high, g, 1), bit(max, r, 2)),
                           bit(middle, other, 4))};
}

// Bytes for each of SectorOf's bits.
template <typename Value>
struct SectorTable {
  HWY_ALIGN uint8_t bytes[16];

  explicit constexpr SectorTable(Value value) : bytes{} {
    for (uint32_t i = 0; i < 16; ++i) {
      bytes[i] = static_cast<uint8_t>(value(SectorOf(i)));
    }
  }
};

constexpr SectorTable kRests([](Sector s) { return s.rest(); });
constexpr SectorTable kSigns([](Sector s) { return s.negative ? 0xff : 0; });

using Tag8 = hn::ScalableTag<uint8_t>;
using Tag16 = hn::Repartition<uint16_t, Tag8>;
using Tag32 = hn::Repartition<uint32_t, Tag8>;
using TagInt = hn::Repartition<int32_t, Tag8>;
using TagFloat = hn::Repartition<float, Tag8>;
using Vector8 = hn::Vec<Tag8>;
using Vector16 = hn::Vec<Tag16>;
using Vector32 = hn::Vec<Tag32>;
using VectorFloat = hn::Vec<TagFloat>;

template <class Table>
HWY_INLINE Vector8 LookUp(const Table& table, Vector8 sector) {
  return hn::TableLookupBytes(hn::LoadDup128(Tag8(), table.bytes), sector);
}

// The bytes of `v` as 16-bit lanes, and back from lanes that are below 256.
HWY_INLINE Vector16 Lower(Vector8 v) {
  return hn::BitCast(Tag16(), hn::InterleaveLower(Tag8(), v, hn::Zero(Tag8())));
}
HWY_INLINE Vector16 Upper(Vector8 v) {
  return hn::BitCast(Tag16(), hn::InterleaveUpper(Tag8(), v, hn::Zero(Tag8())));
}
HWY_INLINE Vector8 Pack(Vector16 lower, Vector16 upper) {
#if HWY_TARGET <= HWY_AVX3
  return Vector8{_mm512_packus_epi16(lower.raw, upper.raw)};
#elif HWY_TARGET == HWY_AVX2
  return Vector8{_mm256_packus_epi16(lower.raw, upper.raw)};
#elif HWY_ARCH_X86
  return Vector8{_mm_packus_epi16(lower.raw, upper.raw)};
#else
  return hn::ConcatEven(Tag8(), hn::BitCast(Tag8(), upper),
                        hn::BitCast(Tag8(), lower));
#endif
}

// Even and odd 16-bit lanes in the lanes of 32 bits, and back from lanes of
// which only the low halves count.
HWY_INLINE Vector32 Even(Vector16 v) {
  return hn::And(hn::BitCast(Tag32(), v), hn::Set(Tag32(), 0xffff));
}
HWY_INLINE Vector32 Odd(Vector16 v) {
  return hn::ShiftRight<16>(hn::BitCast(Tag32(), v));
}
HWY_INLINE Vector16 Combine(Vector32 even, Vector32 odd) {
  return hn::OddEven(hn::BitCast(Tag16(), hn::ShiftLeft<16>(odd)),
                     hn::BitCast(Tag16(), even));
}

HWY_INLINE VectorFloat ToFloat(Vector32 v) {
  return hn::ConvertTo(TagFloat(), hn::BitCast(TagInt(), v));
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_SCALAR

#endif  // IMAGEADAPT_KERNELS_HSV_LANES_INL_H_
