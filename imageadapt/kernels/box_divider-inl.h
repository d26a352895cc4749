// Division of vectors by the same number, compiled for each target.
// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "hwy/highway.h"
#include "imageadapt/kernels/box_division.h"

// Included once for each target, as Highway's own *-inl.h files are.
#if defined(IMAGEADAPT_KERNELS_BOX_DIVIDER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGEADAPT_KERNELS_BOX_DIVIDER_INL_H_
#undef IMAGEADAPT_KERNELS_BOX_DIVIDER_INL_H_
#else
#define IMAGEADAPT_KERNELS_BOX_DIVIDER_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag8 = hn::ScalableTag<uint8_t>;
using Tag16 = hn::ScalableTag<uint16_t>;
using Tag32 = hn::ScalableTag<uint32_t>;
using Vec16 = hn::Vec<Tag16>;
using Vec32 = hn::Vec<Tag32>;

#if HWY_TARGET == HWY_SCALAR

// Two vectors of small numbers become one of half as wide lanes.
HWY_INLINE void StorePacked(Vec32 a, Vec32 b, uint16_t* to) {
  to[0] = static_cast<uint16_t>(hn::GetLane(a));
  to[1] = static_cast<uint16_t>(hn::GetLane(b));
}
HWY_INLINE void StorePacked(Vec32 a, Vec32 b, Vec32 c, Vec32 d, uint8_t* to) {
  to[0] = static_cast<uint8_t>(hn::GetLane(a));
  to[1] = static_cast<uint8_t>(hn::GetLane(b));
  to[2] = static_cast<uint8_t>(hn::GetLane(c));
  to[3] = static_cast<uint8_t>(hn::GetLane(d));
}

HWY_INLINE Vec32 MulHigh32(Vec32 a, Vec32 b) {
  return hn::Set(Tag32(), static_cast<uint32_t>(
                              uint64_t{hn::GetLane(a)} * hn::GetLane(b) >> 32));
}

#else

HWY_INLINE Vec16 Packed(Vec32 a, Vec32 b) {
  const Tag16 d;
  return hn::ConcatEven(d, hn::BitCast(d, b), hn::BitCast(d, a));
}
HWY_INLINE void StorePacked(Vec16 a, Vec16 b, uint8_t* to) {
  const Tag8 d;
  hn::StoreU(hn::ConcatEven(d, hn::BitCast(d, b), hn::BitCast(d, a)), d, to);
}
HWY_INLINE void StorePacked(Vec32 a, Vec32 b, uint16_t* to) {
  hn::StoreU(Packed(a, b), Tag16(), to);
}
HWY_INLINE void StorePacked(Vec32 a, Vec32 b, Vec32 c, Vec32 d, uint8_t* to) {
  StorePacked(Packed(a, b), Packed(c, d), to);
}

HWY_INLINE Vec32 MulHigh32(Vec32 a, Vec32 b) {
  const Tag32 d;
  const hn::Repartition<uint64_t, Tag32> d64;
  const auto odd_lanes = [&](Vec32 v) {
    return hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(d64, v)));
  };
  const auto even = hn::ShiftRight<32>(hn::MulEven(a, b));
  const auto odd = hn::MulEven(odd_lanes(a), odd_lanes(b));
  return hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, even));
}

#endif

// Division16 in all lanes.
template <bool kPlain>
class DividerOf16 {
 public:
  explicit DividerOf16(const Division16& division)
      : multiplier_(hn::Set(Tag16(), division.multiplier)),
        first_shift_(division.first_shift),
        second_shift_(division.second_shift) {}

  HWY_INLINE Vec16 Divide(Vec16 n) const {
    const Vec16 high = hn::MulHigh(n, multiplier_);
    if constexpr (kPlain) {
      return hn::ShiftRightSame(high, second_shift_);
    } else {
      const Vec16 rest = hn::ShiftRightSame(hn::Sub(n, high), first_shift_);
      return hn::ShiftRightSame(hn::Add(high, rest), second_shift_);
    }
  }

 private:
  const Vec16 multiplier_;
  const int first_shift_;
  const int second_shift_;
};

// Division by products of a number of rows and one of columns, different in
// each lane. In double, which is not exact: but a mean of less than 2^24
// numbers, and that and a half, is a whole number or at least 2^-25 away from
// the next one.
template <bool kAllBits>  // sums may be 2^31 and more
class ColumnDivider {
 public:
  // `half` is what is added to means before they are cut.
  ColumnDivider(uint32_t rows, double half)
      : per_row_(hn::Set(Tag64(), 1.0 / rows)),
        half_(hn::Set(Tag64(), half + 0x1p-27)) {}

  // Requires that lane k has 1 / columns at per_column[k], aligned.
  HWY_INLINE Vec32 Divide(Vec32 sums, const double* per_column) const {
    const TagI32 d;
    // Signed, as conversions take them.
    const auto numbers = hn::BitCast(
        d,
        kAllBits ? hn::Xor(sums, hn::Set(Tag32(), uint32_t{1} << 31)) : sums);
#if HWY_TARGET == HWY_SCALAR
    return hn::BitCast(Tag32(), Half(numbers, per_column));
#else
    const HalfI32 half;
    const auto lower = Half(hn::LowerHalf(half, numbers), per_column);
    const auto upper =
        Half(hn::UpperHalf(half, numbers), per_column + hn::MaxLanes(Tag64()));
    return hn::BitCast(Tag32(), hn::Combine(d, upper, lower));
#endif
  }

 private:
#if HWY_TARGET == HWY_SCALAR
  using Tag64 = hn::ScalableTag<double>;
#else
  using Tag64 = hn::Repartition<double, Tag32>;
#endif
  using TagI32 = hn::RebindToSigned<Tag32>;
  using HalfI32 = hn::Rebind<int32_t, Tag64>;
  using VecI32 = hn::Vec<HalfI32>;

  HWY_INLINE VecI32 Half(VecI32 numbers, const double* per_column) const {
    const Tag64 d;
    auto sums = hn::PromoteTo(d, numbers);
    if constexpr (kAllBits) sums = hn::Add(sums, hn::Set(d, 0x1p31));
    const auto per_sample = hn::Mul(hn::Load(d, per_column), per_row_);
    return hn::DemoteTo(HalfI32(), hn::MulAdd(sums, per_sample, half_));
  }

  const hn::Vec<Tag64> per_row_;
  const hn::Vec<Tag64> half_;
};

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // IMAGEADAPT_KERNELS_BOX_DIVIDER_INL_H_
