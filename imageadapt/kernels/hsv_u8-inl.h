// Vectors of 8-bit RGB to HSV and back, as hsv.h defines it. For files that are
// compiled for each target; empty for HWY_SCALAR.
// SPDX-License-Identifier: Apache-2.0
#if defined(IMAGEADAPT_KERNELS_HSV_U8_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGEADAPT_KERNELS_HSV_U8_INL_H_
#undef IMAGEADAPT_KERNELS_HSV_U8_INL_H_
#else
#define IMAGEADAPT_KERNELS_HSV_U8_INL_H_
#endif

#include <cstdint>

#include "hwy/highway.h"
#include "imageadapt/kernels/hsv_lanes-inl.h"
#include "imageadapt/kernels/triples-inl.h"

#if HWY_TARGET != HWY_SCALAR

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Less one in two's complement, so that ~steps takes the place of -steps.
constexpr SectorTable kTurns8([](Sector s) {
  return s.turn<uint8_t>() + (s.negative ? 1 : 0);
});

struct SaturationAndSteps {
  Vector8 saturation;
  Vector8 steps;
};

#if HWY_TARGET == HWY_AVX3_DL

// Division by tables that are permuted, 30 % faster in all than floats. For a
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

HWY_INLINE SaturationAndSteps Divide8(const Extremes<Vector8>& pixel,
                                      Vector8 rest) {
  const Vector8 m = Ratio8<DivisionTables::kHighOf128>(pixel.y, pixel.delta,
                                                       kDivision.fine_128);
  return {.saturation = Ratio8<DivisionTables::kHighOf255>(
              pixel.delta, pixel.max, kDivision.fine_255),
          .steps = LookUp192(kDivision.third, hn::Add(m, rest))};
}

#else

// Every fourth byte, from byte kFirst on, times a power of two.
template <int kFirst>
HWY_INLINE VectorFloat EveryFourth(Vector8 v) {
  const Tag32 d;
  const Vector32 bytes = hn::BitCast(d, v);
  if constexpr (kFirst == 3) {
    return ToFloat(hn::ShiftRight<24>(bytes));
  } else {
    return ToFloat(hn::And(bytes, hn::Set(d, 0xffU << (8 * kFirst))));
  }
}

// In the low bytes of lanes whose second bytes are zero.
struct Quotients {
  Vector32 saturation;
  Vector32 m;
};

// round(255 * delta / max) and round(128 * y / delta). What is divided by zero
// is zero: a NaN's low bits are.
template <int kFirst>
HWY_INLINE Quotients Divide(const Extremes<Vector8>& pixel) {
  const TagFloat d;
  const VectorFloat delta = EveryFourth<kFirst>(pixel.delta);
  // Adding 2^23 rounds to an integer in the low bits, 2^16 to 128ths.
  // Saturations may lie halfway and go up by a small excess of their factor:
  // larger than the error, smaller than the distance of any other to halfway.
  const VectorFloat saturation = hn::MulAdd(
      hn::Div(delta, EveryFourth<kFirst>(pixel.max)),
      hn::Set(d, 255.0F * (1.0F + 1.0F / 524288)), hn::Set(d, 8388608.0F));
  const VectorFloat m = hn::Add(hn::Div(EveryFourth<kFirst>(pixel.y), delta),
                                hn::Set(d, 65536.0F));
  return {.saturation = hn::BitCast(Tag32(), saturation),
          .m = hn::BitCast(Tag32(), m)};
}

HWY_INLINE Vector8 Alternate(Vector16 even, Vector16 odd) {
  return hn::BitCast(Tag8(), hn::Or(even, hn::ShiftLeft<8>(odd)));
}

// Two divisions cost less than products with one reciprocal and its Newton
// step: in all 7 % of the time on AVX2, 20 % on SSE4.
HWY_INLINE SaturationAndSteps Divide8(const Extremes<Vector8>& pixel,
                                      Vector8 rest) {
  const Tag16 d;
  const Quotients first = Divide<0>(pixel);
  const Quotients second = Divide<1>(pixel);
  const Quotients third = Divide<2>(pixel);
  const Quotients fourth = Divide<3>(pixel);
  // A third of at most 130: 21846 / 2^16 is near enough.
  const auto steps = [&](Vector16 m, Vector16 rest16) {
    return hn::MulHigh(hn::Add(m, rest16), hn::Set(d, 21846));
  };
  const Vector16 rests = hn::BitCast(d, rest);
  return {
      .saturation = Alternate(Combine(first.saturation, third.saturation),
                              Combine(second.saturation, fourth.saturation)),
      .steps = Alternate(
          steps(Combine(first.m, third.m), hn::And(rests, hn::Set(d, 0xff))),
          steps(Combine(second.m, fourth.m), hn::ShiftRight<8>(rests)))};
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

// The k of hsv.h.
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

// The formula of hsv.h is w = (v * (65280 - s * k) + 128) / 256 and then
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

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_SCALAR

#endif  // IMAGEADAPT_KERNELS_HSV_U8_INL_H_
