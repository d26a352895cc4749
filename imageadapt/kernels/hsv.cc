#include "imageadapt/kernels/hsv.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/hsv.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"
#include "imageadapt/kernels/triples-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Integer hues are computed in two steps, which together are exact because
// floor divisions may be nested: with y = |h - base * D|, where base is 0, 2 or
// 4 (the channel that is max),
//
//   m = round(N / 2 * y / D)            never halfway, as D < N
//   hue = (±m + 1 + N / 2 * base) / 3   rounded down
//       = turn ± (m + rest) / 3
//
// where turn and rest depend only on which channel is max, and on the sign of
// the difference. They are looked up by three bits: 1 if G >= B, 2 if R is at
// least the larger of these, 4 if the smaller of R and that is at least the
// smaller of G and B. Whichever of two equal channels is taken, the hue is the
// same.
struct Sector {
  uint32_t thirds = 0;  // of N steps: the hue of R, G or B
  bool negative = false;

  // N / 3 rounded to nearest is N / 3 for one third, and one more for two.
  template <typename T>
  constexpr T turn() const {
    constexpr uint32_t kThird = std::numeric_limits<T>::max() / 3;
    return static_cast<T>(thirds * kThird + (thirds == 2 ? 1 : 0));
  }
  constexpr uint8_t rest() const {
    constexpr uint8_t kRests[] = {1, 2, 0};
    const uint8_t rest = kRests[thirds];
    return static_cast<uint8_t>(negative ? 2 - rest : rest);
  }
};

constexpr Sector SectorOf(uint32_t bits) {
  const bool g_first = (bits & 1) != 0;
  if ((bits & 2) != 0) return {.thirds = 0, .negative = !g_first};
  const bool r_above = (bits & 4) != 0;
  // (B - R) / D, or (R - G) / D.
  return g_first ? Sector{.thirds = 1, .negative = r_above}
                 : Sector{.thirds = 2, .negative = !r_above};
}

template <int kChannels, class D, typename T = hn::TFromD<D>, class Convert>
HWY_INLINE void ConvertAt(D d, const T* from, T* to, Convert&& convert) {
  if constexpr (kChannels == 4) {
    Three<hn::Vec<D>> v;
    hn::Vec<D> fourth;
    hn::LoadInterleaved4(d, from, v.first, v.second, v.third, fourth);
    v = convert(v.first, v.second, v.third);
    hn::StoreInterleaved4(v.first, v.second, v.third, fourth, d, to);
  } else {
    const Three<hn::Vec<D>> v = LoadTriples(d, from);
    StoreTriples(convert(v.first, v.second, v.third), d, to);
  }
}

// ------------------------------ float

using FloatTag = hn::ScalableTag<float>;
using FloatVector = hn::Vec<FloatTag>;
using FloatMask = hn::Mask<FloatTag>;

// 1 / 60, rounded up.
constexpr float kSixtieth = 0.016666668F;
static_assert(kSixtieth * 60.0 >= 1.0);

constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kBelow360 = 359.99997F;

HWY_INLINE FloatVector Quotient(FloatVector a, FloatVector b) {
#if HWY_TARGET <= HWY_AVX3
  // On many machines, dividing 16 lanes takes three times as long as two times
  // 8.
  const hn::Half<FloatTag> half;
  return hn::Combine(FloatTag(),
                     hn::Div(hn::UpperHalf(half, a), hn::UpperHalf(half, b)),
                     hn::Div(hn::LowerHalf(half, a), hn::LowerHalf(half, b)));
#else
  return hn::Div(a, b);
#endif
}

// NaN in all samples of the pixels that are not `valid`. Out of line, because
// nearly always all are.
HWY_NOINLINE Three<FloatVector> OrNaN(FloatMask valid,
                                      const Three<FloatVector>& pixels) {
  const FloatVector nan =
      hn::Set(FloatTag(), std::numeric_limits<float>::quiet_NaN());
  return {.first = hn::IfThenElse(valid, pixels.first, nan),
          .second = hn::IfThenElse(valid, pixels.second, nan),
          .third = hn::IfThenElse(valid, pixels.third, nan)};
}

// The sixths of the header are |base + (first - second) / D|: of G and B, and
// then of R and the larger, the larger comes first or the base is another. So
// max, min and the difference take few operations. No product is added to
// anything but zeros, so fusing makes no difference.
HWY_INLINE Three<FloatVector> RgbToHsvOf(FloatTag d, FloatVector r,
                                         FloatVector g, FloatVector b) {
  const FloatVector zero = hn::Zero(d);
  const auto b_above_g = hn::Lt(g, b);
  const FloatVector high = hn::Max(g, b);
  const FloatVector low = hn::Min(g, b);
  const auto r_below = hn::Lt(r, high);
  const FloatVector max = hn::Max(r, high);
  const FloatVector other = hn::Min(r, high);
  const FloatVector base = hn::IfThenElse(
      r_below, hn::IfThenElse(b_above_g, hn::Set(d, 4.0F), hn::Set(d, -2.0F)),
      hn::IfThenElseZero(b_above_g, hn::Set(d, -6.0F)));
  const FloatVector delta = hn::Sub(max, hn::Min(low, other));
  // Where R is max, the larger of G and B comes first.
  const FloatVector sixths =
      hn::Abs(hn::Add(base, Quotient(hn::Sub(other, low), delta)));
  // A hue just below 360 may have been rounded to that.
  const FloatVector hue =
      hn::Min(hn::Mul(sixths, hn::Set(d, 60.0F)), hn::Set(d, kBelow360));
  const Three<FloatVector> result = {
      .first = hn::IfThenElseZero(hn::Ne(delta, zero), hue),
      .second = hn::IfThenElseZero(hn::Ne(max, zero), Quotient(delta, max)),
      .third = max};
  // NaN if one is, or if there are infinities of both signs.
  const FloatVector sum = hn::Add(hn::Add(r, g), b);
  const FloatVector check = hn::MulAdd(sum, zero, delta);
  const FloatVector largest = hn::Set(d, kLargest);
  if (HWY_LIKELY(hn::AllTrue(d, hn::Le(check, largest)))) return result;
  return OrNaN(hn::And(hn::Le(delta, largest), hn::Eq(sum, sum)), result);
}

// Any hue to 0 to 360, or next to it.
HWY_NOINLINE FloatVector Wrapped(FloatVector hue) {
  const FloatTag d;
  const FloatVector known =
      hn::IfThenElseZero(hn::Lt(hn::Abs(hue), hn::Set(d, 16777216.0F)), hue);
  const FloatVector turns =
      hn::Floor(hn::Mul(known, hn::Set(d, 1.0F / 360.0F)));
  // The product is exact.
  return hn::NegMulAdd(turns, hn::Set(d, 360.0F), known);
}

HWY_INLINE Three<FloatVector> HsvToRgbOfWrapped(FloatTag d, FloatVector hue,
                                                FloatVector chroma,
                                                FloatVector value) {
  // Rounded up, so that sixths are whole where degrees are.
  const FloatVector sixths = hn::Mul(hue, hn::Set(d, kSixtieth));
  const FloatVector one = hn::Set(d, 1.0F);
  const auto distance = [&](float middle) {
    return hn::Abs(hn::Sub(sixths, hn::Set(d, middle)));
  };
  const auto channel = [&](FloatVector k) {
    return hn::NegMulAdd(chroma, hn::Min(hn::Max(k, hn::Zero(d)), one), value);
  };
  return {.first = channel(hn::Sub(hn::Set(d, 2.0F), distance(3.0F))),
          .second = channel(hn::Sub(distance(2.0F), one)),
          .third = channel(hn::Sub(distance(4.0F), one))};
}

HWY_INLINE Three<FloatVector> HsvToRgbOf(FloatTag d, FloatVector hue,
                                         FloatVector saturation,
                                         FloatVector value) {
  const FloatVector zero = hn::Zero(d);
  const FloatVector chroma = hn::Mul(value, saturation);
  // NaN if the chroma is not finite.
  const FloatVector check = hn::MulAdd(chroma, zero, hue);
  const auto usual =
      hn::And(hn::Ge(check, zero), hn::Lt(check, hn::Set(d, 360.0F)));
  if (HWY_LIKELY(hn::AllTrue(d, usual))) {
    return HsvToRgbOfWrapped(d, hue, chroma, value);
  }
  const FloatVector largest = hn::Set(d, kLargest);
  const auto valid =
      hn::And(hn::Le(hn::Abs(hue), largest), hn::Le(hn::Abs(chroma), largest));
  return OrNaN(valid, HsvToRgbOfWrapped(d, Wrapped(hue), chroma, value));
}

// ------------------------------ integers on any processor

#if HWY_TARGET == HWY_SCALAR

// The definition as it stands, but for the sectors.
template <class D, class V = hn::Vec<D>>
HWY_INLINE Three<V> RgbToHsvOf(D d, V red, V green, V blue) {
  using T = hn::TFromD<D>;
  constexpr uint32_t kMax = std::numeric_limits<T>::max();
  const uint32_t r = hn::GetLane(red);
  const uint32_t g = hn::GetLane(green);
  const uint32_t b = hn::GetLane(blue);
  const uint32_t max = std::max(r, std::max(g, b));
  const uint32_t min = std::min(r, std::min(g, b));
  const uint32_t delta = max - min;
  const uint32_t y = r + g + b - max - 2 * min;
  uint32_t hue = 0;
  if (delta != 0) {
    const uint32_t high = std::max(g, b);
    const Sector sector =
        SectorOf((g >= b ? 1U : 0U) | (r >= high ? 2U : 0U) |
                 (std::min(r, high) >= std::min(g, b) ? 4U : 0U));
    const uint32_t m = ((kMax / 2 + 1) * y + delta / 2) / delta;
    const uint32_t steps = (m + sector.rest()) / 3;
    const uint32_t turn = sector.template turn<T>();
    hue = sector.negative ? turn - steps : turn + steps;
  }
  const uint32_t saturation = max == 0 ? 0 : (kMax * delta + max / 2) / max;
  return {.first = hn::Set(d, static_cast<T>(hue)),
          .second = hn::Set(d, static_cast<T>(saturation)),
          .third = hn::Set(d, static_cast<T>(max))};
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE Three<V> HsvToRgbOf(D d, V hue, V saturation, V value) {
  using T = hn::TFromD<D>;
  constexpr int64_t kMax = std::numeric_limits<T>::max();
  constexpr int64_t kSteps = kMax + 1;
  const int64_t h = hn::GetLane(hue);
  const int64_t s = hn::GetLane(saturation);
  const int64_t v = hn::GetLane(value);
  const auto channel = [&](int64_t k) {
    constexpr int64_t kOne = kMax * kSteps;
    const int64_t factor = kOne - s * std::clamp<int64_t>(k, 0, kSteps);
    return hn::Set(d, static_cast<T>((2 * v * factor + kOne) / (2 * kOne)));
  };
  const auto distance = [&](int64_t middle) {
    return std::abs(6 * h - middle * kSteps);
  };
  return {.first = channel(2 * kSteps - distance(3)),
          .second = channel(distance(2) - kSteps),
          .third = channel(distance(4) - kSteps)};
}

#else  // SIMD

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
// Less one in two's complement, so that ~steps takes the place of -steps.
constexpr SectorTable kTurns8([](Sector s) {
  return s.turn<uint8_t>() + (s.negative ? 1 : 0);
});
constexpr SectorTable kTurnsLow([](Sector s) {
  return s.turn<uint16_t>() + (s.negative ? 1 : 0);
});
constexpr SectorTable kTurnsHigh([](Sector s) {
  return (s.turn<uint16_t>() + (s.negative ? 1 : 0)) >> 8;
});

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

// ------------------------------ 8 bits

#if HWY_TARGET == HWY_AVX3_DL

// Division by tables that are permuted: a third of the time of floats. For a
// divisor d, a * coarse is a fraction of 16 bits for all a <= d, and
// a * coarse * fine / 2^16 is 255 * 256 * a / d, or 128 * 256 * a / d. Of the
// latter's fine factors, the high byte is always the same.
struct DivisionTables {
  static constexpr uint32_t kHighOf255 = 0xff00;
  static constexpr uint32_t kHighOf128 = 0x8000;
  alignas(64) uint8_t coarse_low[256];
  alignas(64) uint8_t coarse_high[256];
  alignas(64) uint8_t fine_255[256];
  alignas(64) uint8_t fine_128[256];
  // floor(i / 3)
  alignas(64) uint8_t third[192];

  constexpr DivisionTables()
      : coarse_low{}, coarse_high{}, fine_255{}, fine_128{}, third{} {
    for (uint32_t d = 1; d < 256; ++d) {
      const uint32_t coarse = 65535 / d;
      const uint64_t product = uint64_t{coarse} * d;
      coarse_low[d] = static_cast<uint8_t>(coarse);
      coarse_high[d] = static_cast<uint8_t>(coarse >> 8);
      // Rounded up: what is halfway stays there or above, and the next lower
      // quotient, which is 1 / d less, does not reach it.
      fine_255[d] = static_cast<uint8_t>(
          ((uint64_t{kHighOf255} << 16) + product - 1) / product);
      // Rounded to nearest: no quotient is within 1 / 2d of halfway.
      fine_128[d] = static_cast<uint8_t>(
          ((uint64_t{kHighOf128} << 16) + product / 2) / product);
    }
    for (uint32_t i = 0; i < 192; ++i) third[i] = static_cast<uint8_t>(i / 3);
  }
};

constexpr DivisionTables kDivision;

HWY_INLINE Vector8 LookUp256(const uint8_t* table, Vector8 index) {
  const Tag8 d;
  const auto half = [&](const uint8_t* from) {
    return _mm512_permutex2var_epi8(hn::Load(d, from).raw, index.raw,
                                    hn::Load(d, from + 64).raw);
  };
  return Vector8{_mm512_mask_blend_epi8(_mm512_movepi8_mask(index.raw),
                                        half(table), half(table + 128))};
}

// For indices below 192.
HWY_INLINE Vector8 LookUp192(const uint8_t* table, Vector8 index) {
  const Tag8 d;
  const __m512i low = _mm512_permutex2var_epi8(
      hn::Load(d, table).raw, index.raw, hn::Load(d, table + 64).raw);
  return Vector8{
      _mm512_mask_permutexvar_epi8(low, _mm512_movepi8_mask(index.raw),
                                   index.raw, hn::Load(d, table + 128).raw)};
}

// round(kHigh / 256 * a / divisor)
template <uint32_t kHigh>
HWY_INLINE Vector8 Ratio8(Vector8 a, Vector8 divisor, const uint8_t* fines) {
  const Tag8 d8;
  const Tag16 d;
  const Vector8 low = LookUp256(kDivision.coarse_low, divisor);
  const Vector8 high = LookUp256(kDivision.coarse_high, divisor);
  const Vector8 fine = LookUp256(fines, divisor);
  const Vector8 fine_high = hn::Set(d8, uint8_t{kHigh >> 8});
  const auto half = [&](Vector16 a16, Vector16 coarse, Vector16 factor) {
    return hn::Add(hn::MulHigh(hn::Mul(a16, coarse), factor), hn::Set(d, 128));
  };
  const Vector16 lower =
      half(Lower(a), hn::BitCast(d, hn::InterleaveLower(d8, low, high)),
           hn::BitCast(d, hn::InterleaveLower(d8, fine, fine_high)));
  const Vector16 upper =
      half(Upper(a), hn::BitCast(d, hn::InterleaveUpper(d8, low, high)),
           hn::BitCast(d, hn::InterleaveUpper(d8, fine, fine_high)));
  return Pack(hn::ShiftRight<8>(lower), hn::ShiftRight<8>(upper));
}

struct SaturationAndSteps {
  Vector8 saturation;
  Vector8 steps;
};

HWY_INLINE SaturationAndSteps Divide8(const Extremes<Vector8>& pixel,
                                      Vector8 rest) {
  const Vector8 m = Ratio8<DivisionTables::kHighOf128>(pixel.y, pixel.delta,
                                                       kDivision.fine_128);
  return {.saturation = Ratio8<DivisionTables::kHighOf255>(
              pixel.delta, pixel.max, kDivision.fine_255),
          .steps = LookUp192(kDivision.third, hn::Add(m, rest))};
}

#else

struct Quotients {
  Vector32 saturation;
  Vector32 m;
};

// The low halves become round(255 * d * d / (v * d)) and
// round(128 * v * y / (v * d)): one reciprocal for both.
HWY_INLINE Quotients Divide(Vector32 vd, Vector32 dd, Vector32 vy) {
  const TagFloat d;
  const VectorFloat divisor = ToFloat(vd);
  // One step of Newton's method: at least 21 bits, where 17 are needed.
  const VectorFloat guess = hn::ApproximateReciprocal(divisor);
  const VectorFloat reciprocal =
      hn::Mul(guess, hn::NegMulAdd(divisor, guess, hn::Set(d, 2.0F)));
  // Adding 2^23 rounds to an integer in the low bits. Saturations may lie
  // halfway: what they are more is larger than the error, and smaller than
  // the distance to halfway of any other.
  const VectorFloat integers = hn::Set(d, 8388608.0F);
  const VectorFloat saturation =
      hn::MulAdd(hn::Mul(ToFloat(dd), reciprocal),
                 hn::Set(d, 255.0F * (1.0F + 1.0F / 524288)), integers);
  const VectorFloat m = hn::MulAdd(hn::Mul(ToFloat(vy), reciprocal),
                                   hn::Set(d, 128.0F), integers);
  return {.saturation = hn::BitCast(Tag32(), saturation),
          .m = hn::BitCast(Tag32(), m)};
}

struct Half {
  Vector16 saturation;
  Vector16 steps;
};

HWY_INLINE Half DivideHalf(Vector16 max, Vector16 delta, Vector16 y,
                           Vector16 rest) {
  const Tag16 d;
  // At least 1: a grey pixel's other products are 0.
  const Vector16 vd = hn::Max(hn::Mul(max, delta), hn::Set(d, 1));
  const Vector16 dd = hn::Mul(delta, delta);
  const Vector16 vy = hn::Mul(max, y);
  const Quotients even = Divide(Even(vd), Even(dd), Even(vy));
  const Quotients odd = Divide(Odd(vd), Odd(dd), Odd(vy));
  const Vector16 m = Combine(even.m, odd.m);
  // A third of at most 130: 21846 / 2^16 is near enough.
  return {.saturation = Combine(even.saturation, odd.saturation),
          .steps = hn::MulHigh(hn::Add(m, rest), hn::Set(d, 21846))};
}

struct SaturationAndSteps {
  Vector8 saturation;
  Vector8 steps;
};

HWY_INLINE SaturationAndSteps Divide8(const Extremes<Vector8>& pixel,
                                      Vector8 rest) {
  const Half lower = DivideHalf(Lower(pixel.max), Lower(pixel.delta),
                                Lower(pixel.y), Lower(rest));
  const Half upper = DivideHalf(Upper(pixel.max), Upper(pixel.delta),
                                Upper(pixel.y), Upper(rest));
  return {.saturation = Pack(lower.saturation, upper.saturation),
          .steps = Pack(lower.steps, upper.steps)};
}

#endif

HWY_INLINE Three<Vector8> RgbToHsvOf(Tag8 d, Vector8 r, Vector8 g, Vector8 b) {
  const Extremes<Vector8> pixel = FindExtremes(d, r, g, b);
  const SaturationAndSteps divided =
      Divide8(pixel, LookUp(kRests, pixel.sector));
  const Vector8 hue =
      hn::Add(hn::Xor(divided.steps, LookUp(kSigns, pixel.sector)),
              LookUp(kTurns8, pixel.sector));
  return {.first = hue, .second = divided.saturation, .third = pixel.max};
}

// The k of the header.
HWY_INLINE Three<Vector16> KOf(Vector16 hue) {
  const Tag16 d;
  const hn::RebindToSigned<Tag16> signed_tag;
  const auto h = hn::BitCast(signed_tag, hn::Mul(hue, hn::Set(d, 6)));
  const auto distance = [&](int16_t middle) {
    return hn::BitCast(d, hn::Abs(hn::Sub(h, hn::Set(signed_tag, middle))));
  };
  const Vector16 one = hn::Set(d, 256);
  return {
      .first = hn::Min(hn::SaturatedSub(hn::Set(d, 512), distance(768)), one),
      .second = hn::Min(hn::SaturatedSub(distance(512), one), one),
      .third = hn::Min(hn::SaturatedSub(distance(1024), one), one)};
}

// The header's formula is w = (v * (65280 - s * k) + 128) / 256 and then
// (w + 127) / 255. A rounding multiplication gives the former: taken of 32768
// less, so that it fits, it is 128 * v less.
HWY_INLINE Three<Vector16> HsvToRgbHalf(Vector16 hue, Vector16 saturation,
                                        Vector16 value) {
  const Tag16 d;
  const hn::RebindToSigned<Tag16> signed_tag;
  const Three<Vector16> k = KOf(hue);
  const Vector16 scaled = hn::ShiftLeft<7>(value);
  const Vector16 offset = hn::Add(scaled, hn::Set(d, 128));
  const auto channel = [&](Vector16 k_of_channel) {
    const Vector16 rest =
        hn::Sub(hn::Set(d, 65280 - 32768), hn::Mul(saturation, k_of_channel));
    const Vector16 product =
        hn::BitCast(d, hn::MulFixedPoint15(hn::BitCast(signed_tag, rest),
                                           hn::BitCast(signed_tag, scaled)));
    // (w + 128) * 257 / 65536 is w / 255, rounded.
    return hn::MulHigh(hn::Add(product, offset), hn::Set(d, 257));
  };
  return {.first = channel(k.first),
          .second = channel(k.second),
          .third = channel(k.third)};
}

HWY_INLINE Three<Vector8> HsvToRgbOf(Tag8 /*d*/, Vector8 hue,
                                     Vector8 saturation, Vector8 value) {
  const Three<Vector16> lower =
      HsvToRgbHalf(Lower(hue), Lower(saturation), Lower(value));
  const Three<Vector16> upper =
      HsvToRgbHalf(Upper(hue), Upper(saturation), Upper(value));
  return {.first = Pack(lower.first, upper.first),
          .second = Pack(lower.second, upper.second),
          .third = Pack(lower.third, upper.third)};
}

// ------------------------------ 16 bits

// floor(n / divisor), given a guess that is off by at most one.
HWY_INLINE Vector32 Corrected(Vector32 n, Vector32 divisor, Vector32 guess) {
  const TagInt d;
  const auto rest = hn::BitCast(d, hn::Sub(n, hn::Mul(guess, divisor)));
  const auto below_zero = hn::VecFromMask(d, hn::Lt(rest, hn::Zero(d)));
  const auto below_divisor =
      hn::VecFromMask(d, hn::Lt(rest, hn::BitCast(d, divisor)));
  const auto change =
      hn::Add(hn::Add(below_zero, below_divisor), hn::Set(d, 1));
  return hn::Add(guess, hn::BitCast(Tag32(), change));
}

// round(scale * a / b) for a <= b, halves up; b is at least 1.
template <uint32_t kScale>
HWY_INLINE Vector32 Ratio(Vector32 a, Vector32 b) {
  const TagFloat d;
  const VectorFloat divisor = ToFloat(b);
  const VectorFloat guess = hn::ApproximateReciprocal(divisor);
  const VectorFloat reciprocal =
      hn::Mul(guess, hn::NegMulAdd(divisor, guess, hn::Set(d, 2.0F)));
  const VectorFloat quotient =
      hn::Mul(hn::Mul(ToFloat(a), hn::Set(d, float{kScale})), reciprocal);
  const Vector32 n =
      hn::Add(hn::Mul(a, hn::Set(Tag32(), kScale)), hn::ShiftRight<1>(b));
  return Corrected(n, b, hn::BitCast(Tag32(), hn::NearestInt(quotient)));
}

HWY_INLINE Vector16 Saturation16(Vector16 max, Vector16 delta) {
  const Vector16 divisor = hn::Max(max, hn::Set(Tag16(), 1));
  return Combine(Ratio<65535>(Even(delta), Even(divisor)),
                 Ratio<65535>(Odd(delta), Odd(divisor)));
}

HWY_INLINE Vector16 Steps16(Vector16 y, Vector16 delta, Vector16 rest) {
  const Vector16 divisor = hn::Max(delta, hn::Set(Tag16(), 1));
  const auto third = [](Vector32 sum) {
    // Exact for what is at most 32770.
    return hn::ShiftRight<17>(hn::Mul(sum, hn::Set(Tag32(), 43691)));
  };
  return Combine(
      third(hn::Add(Ratio<32768>(Even(y), Even(divisor)), Even(rest))),
      third(hn::Add(Ratio<32768>(Odd(y), Odd(divisor)), Odd(rest))));
}

HWY_INLINE Three<Vector16> RgbToHsvOf(Tag16 d, Vector16 r, Vector16 g,
                                      Vector16 b) {
  const Extremes<Vector16> pixel = FindExtremes(d, r, g, b);
  // The sector in both bytes of each lane.
  const Vector8 sector =
      hn::BitCast(Tag8(), hn::Or(pixel.sector, hn::ShiftLeft<8>(pixel.sector)));
  const Vector16 rest =
      hn::And(hn::BitCast(d, LookUp(kRests, sector)), hn::Set(d, 0xff));
  const Vector16 sign = hn::BitCast(d, LookUp(kSigns, sector));
  const Vector8 turn =
      hn::OddEven(LookUp(kTurnsHigh, sector), LookUp(kTurnsLow, sector));
  const Vector16 steps = Steps16(pixel.y, pixel.delta, rest);
  return {.first = hn::Add(hn::Xor(steps, sign), hn::BitCast(d, turn)),
          .second = Saturation16(pixel.max, pixel.delta),
          .third = pixel.max};
}

// As for 8 bits: w = (v * (M * N - s * k) / 2 + 2^14) / 2^15, by halves of the
// factor, and then (w + 32767) / 65535.
HWY_INLINE Three<Vector32> HsvToRgbHalf(Vector32 hue, Vector32 saturation,
                                        Vector32 value) {
  const Tag32 d;
  const TagInt int_tag;
  const auto h = hn::BitCast(int_tag, hn::Add(hue, hn::Add(hue, hue)));
  const auto distance = [&](int32_t middle) {
    return hn::Abs(hn::Sub(h, hn::Set(int_tag, middle)));
  };
  const auto channel = [&](auto unclamped) {
    const Vector32 half_k =
        hn::BitCast(d, hn::Min(hn::Max(unclamped, hn::Zero(int_tag)),
                               hn::Set(int_tag, 32768)));
    const Vector32 factor =
        hn::Sub(hn::Set(d, 65535U * 32768), hn::Mul(saturation, half_k));
    const Vector32 high = hn::Mul(value, hn::ShiftRight<16>(factor));
    const Vector32 low = hn::Mul(value, hn::And(factor, hn::Set(d, 0xffff)));
    const Vector32 w =
        hn::Add(hn::Add(high, high),
                hn::ShiftRight<15>(hn::Add(low, hn::Set(d, 16384))));
    const Vector32 z = hn::Add(w, hn::Set(d, 32768));
    return hn::ShiftRight<16>(hn::Add(z, hn::ShiftRight<16>(z)));
  };
  return {.first = channel(hn::Sub(hn::Set(int_tag, 65536), distance(98304))),
          .second = channel(hn::Sub(distance(65536), hn::Set(int_tag, 32768))),
          .third = channel(hn::Sub(distance(131072), hn::Set(int_tag, 32768)))};
}

HWY_INLINE Three<Vector16> HsvToRgbOf(Tag16 /*d*/, Vector16 hue,
                                      Vector16 saturation, Vector16 value) {
  const Three<Vector32> even =
      HsvToRgbHalf(Even(hue), Even(saturation), Even(value));
  const Three<Vector32> odd =
      HsvToRgbHalf(Odd(hue), Odd(saturation), Odd(value));
  return {.first = Combine(even.first, odd.first),
          .second = Combine(even.second, odd.second),
          .third = Combine(even.third, odd.third)};
}

#endif  // SIMD

template <int kChannels, class D, typename T = hn::TFromD<D>>
HWY_INLINE void RgbToHsvAt(D d, const T* from, T* to) {
  ConvertAt<kChannels>(d, from, to, [d](auto r, auto g, auto b) {
    return RgbToHsvOf(d, r, g, b);
  });
}

template <int kChannels, class D, typename T = hn::TFromD<D>>
HWY_INLINE void HsvToRgbAt(D d, const T* from, T* to) {
  ConvertAt<kChannels>(d, from, to, [d](auto h, auto s, auto v) {
    return HsvToRgbOf(d, h, s, v);
  });
}

// ------------------------------ images

// Calls convert(d, from, to) for every vector of a row of `width` pixels. `to`
// may be `from`, so the last cannot overlap the one before.
template <int kChannels, class D, typename T, class Convert>
HWY_INLINE void ConvertRow(D d, const T* from, T* to, size_t width,
                           Convert&& convert) {
  const size_t lanes = hn::Lanes(d);
  size_t x = 0;
  for (; x + lanes <= width; x += lanes) {
    convert(d, from + x * kChannels, to + x * kChannels);
  }
  if (x == width) return;
  HWY_ALIGN T few[hn::MaxLanes(d) * kChannels] = {};
  const size_t samples = (width - x) * kChannels;
  std::copy_n(from + x * kChannels, samples, few);
  convert(d, few, few);
  std::copy_n(few, samples, to + x * kChannels);
}

template <int kChannels, class D, typename T, class Convert>
HWY_INLINE void ConvertRows(D d, const ImageView<const T>& source,
                            const ImageView<T>& target, Convert&& convert) {
  const ImageShape shape = source.shape();
  for (uint32_t y = 0; y < shape.height; ++y) {
    ConvertRow<kChannels>(d, source.row(y).data(), target.row(y).data(),
                          shape.width, convert);
  }
}

template <class D, typename T = hn::TFromD<D>>
HWY_INLINE void RgbToHsvRows(D d, const ImageView<const T>& source,
                             const ImageView<T>& target) {
  if (source.shape().channels == 4) {
    ConvertRows<4>(d, source, target, [](auto tag, const T* from, T* to) {
      RgbToHsvAt<4>(tag, from, to);
    });
  } else {
    ConvertRows<3>(d, source, target, [](auto tag, const T* from, T* to) {
      RgbToHsvAt<3>(tag, from, to);
    });
  }
}

template <class D, typename T = hn::TFromD<D>>
HWY_INLINE void HsvToRgbRows(D d, const ImageView<const T>& source,
                             const ImageView<T>& target) {
  if (source.shape().channels == 4) {
    ConvertRows<4>(d, source, target, [](auto tag, const T* from, T* to) {
      HsvToRgbAt<4>(tag, from, to);
    });
  } else {
    ConvertRows<3>(d, source, target, [](auto tag, const T* from, T* to) {
      HsvToRgbAt<3>(tag, from, to);
    });
  }
}

void RgbToHsv8(const ImageView<const uint8_t>& source,
               const ImageView<uint8_t>& target) {
  RgbToHsvRows(hn::ScalableTag<uint8_t>(), source, target);
}
void RgbToHsv16(const ImageView<const uint16_t>& source,
                const ImageView<uint16_t>& target) {
  RgbToHsvRows(hn::ScalableTag<uint16_t>(), source, target);
}
void RgbToHsvFloat(const ImageView<const float>& source,
                   const ImageView<float>& target) {
  RgbToHsvRows(FloatTag(), source, target);
}
void HsvToRgb8(const ImageView<const uint8_t>& source,
               const ImageView<uint8_t>& target) {
  HsvToRgbRows(hn::ScalableTag<uint8_t>(), source, target);
}
void HsvToRgb16(const ImageView<const uint16_t>& source,
                const ImageView<uint16_t>& target) {
  HsvToRgbRows(hn::ScalableTag<uint16_t>(), source, target);
}
void HsvToRgbFloat(const ImageView<const float>& source,
                   const ImageView<float>& target) {
  HsvToRgbRows(FloatTag(), source, target);
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(RgbToHsv8);
HWY_EXPORT(RgbToHsv16);
HWY_EXPORT(RgbToHsvFloat);
HWY_EXPORT(HsvToRgb8);
HWY_EXPORT(HsvToRgb16);
HWY_EXPORT(HsvToRgbFloat);

template <>
void RgbToHsv(const ImageView<const uint8_t>& source,
              const ImageView<uint8_t>& target) {
  HWY_DYNAMIC_DISPATCH(RgbToHsv8)(source, target);
}
template <>
void RgbToHsv(const ImageView<const uint16_t>& source,
              const ImageView<uint16_t>& target) {
  HWY_DYNAMIC_DISPATCH(RgbToHsv16)(source, target);
}
template <>
void RgbToHsv(const ImageView<const float>& source,
              const ImageView<float>& target) {
  HWY_DYNAMIC_DISPATCH(RgbToHsvFloat)(source, target);
}
template <>
void HsvToRgb(const ImageView<const uint8_t>& source,
              const ImageView<uint8_t>& target) {
  HWY_DYNAMIC_DISPATCH(HsvToRgb8)(source, target);
}
template <>
void HsvToRgb(const ImageView<const uint16_t>& source,
              const ImageView<uint16_t>& target) {
  HWY_DYNAMIC_DISPATCH(HsvToRgb16)(source, target);
}
template <>
void HsvToRgb(const ImageView<const float>& source,
              const ImageView<float>& target) {
  HWY_DYNAMIC_DISPATCH(HsvToRgbFloat)(source, target);
}

}  // namespace imageadapt
#endif  // HWY_ONCE
