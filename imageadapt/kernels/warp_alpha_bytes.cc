// 8-bit samples with three colours and alpha, interpolated between two.
#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "imageadapt/kernels/warp_plain.h"
#include "imageadapt/kernels/warp_span.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/warp_alpha_bytes.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"
#include "imageadapt/kernels/warp_bytes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

void BilinearWithAlpha(const WarpSpan<uint8_t>& span) {
  PlainByteSpan<2, 4>(span);
}

#else

using TagFloat = hn::Repartition<float, Tag16>;
using Tag64 = hn::Repartition<uint64_t, Tag16>;
using VectorFloat = hn::Vec<TagFloat>;

// One more island of intrinsics: within blocks, to 16 bits.
HWY_INLINE Vector16 Pack(Vector32 low, Vector32 high) {
#if HWY_TARGET == HWY_AVX3_DL
  return Vector16{_mm512_packs_epi32(low.raw, high.raw)};
#elif HWY_TARGET == HWY_AVX2
  return Vector16{_mm256_packs_epi32(low.raw, high.raw)};
#else
  return Vector16{_mm_packs_epi32(low.raw, high.raw)};
#endif
}

// kLanes / 2 pixels, limited to bytes.
HWY_INLINE void StorePixels(Vector16 first, Vector16 second, uint8_t* to) {
#if HWY_TARGET == HWY_AVX3_DL
  _mm512_storeu_si512(
      to, _mm512_permutex_epi64(_mm512_packus_epi16(first.raw, second.raw),
                                _MM_SHUFFLE(3, 1, 2, 0)));
#elif HWY_TARGET == HWY_AVX2
  _mm256_storeu_si256(
      reinterpret_cast<__m256i*>(to),
      _mm256_permute4x64_epi64(_mm256_packus_epi16(first.raw, second.raw),
                               _MM_SHUFFLE(3, 1, 2, 0)));
#else
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm_packus_epi16(first.raw, second.raw));
#endif
}

// Bytes for each block of two pixels with their right neighbours; 0x80 stands
// for zero.
struct Orders {
  HWY_ALIGN uint8_t neighbours[16];  // of each sample side by side
  HWY_ALIGN uint8_t colors[16];      // the same without alpha
  HWY_ALIGN uint8_t alphas[2][16];   // of a pixel, as words, for all samples

  constexpr Orders() : neighbours{}, colors{}, alphas{} {
    for (uint8_t i = 0; i < 16; ++i) {
      const auto sample = static_cast<uint8_t>(i % 8 / 2);
      const auto side = static_cast<uint8_t>(i % 2 * 4);
      neighbours[i] = static_cast<uint8_t>(i / 8 * 8 + side + sample);
      colors[i] = sample == 3 ? 0x80 : neighbours[i];
      for (uint8_t pixel = 0; pixel < 2; ++pixel) {
        alphas[pixel][i] =
            i % 2 != 0 ? 0x80
                       : static_cast<uint8_t>(pixel * 8 + i / 2 % 2 * 4 + 3);
      }
    }
  }
};
constexpr Orders kOrders;

HWY_INLINE Vector8 Ordered(Vector8 pixels, const uint8_t (&order)[16]) {
  return hn::TableLookupBytesOr0(pixels, hn::LoadDup128(Tag8(), order));
}

// For each second lane of 32 bits, four numbers.
template <typename Number, class D>
HWY_INLINE hn::Vec<D> Repeated(D d, Number first, Number second, Number third,
                               Number fourth) {
  HWY_ALIGN const Number numbers[4] = {first, second, third, fourth};
  return hn::LoadDup128(d, numbers);
}

// The weights of kLanes pixels.
struct Weights {
  // Of opaque pixels, see PlainByteBilinear.
  Vector16 across;
  Vector16 down;
  // Of others: of the left and the right pixel in a byte each, and of the lower
  // row.
  Vector16 alpha_across;
  Vector16 alpha_down;

  HWY_INLINE explicit Weights(const Positions& at)
      : across(at.WeightsAcross()), down(at.WeightDown()) {
    const Tag16 d;
    const Vector16 fraction = hn::Set(d, (1 << kCoarseBits) - 1);
    // Rounded to 7 bits.
    const Vector16 right = hn::ShiftRight<kCoarseBits - 7>(
        hn::Add(hn::And(at.x, fraction), hn::Set(d, 1 << (kCoarseBits - 8))));
    alpha_across = hn::Add(hn::Mul(right, hn::Set(d, 255)), hn::Set(d, 128));
    alpha_down = hn::And(at.y, fraction);
  }
};

// kLanes / 4 pixels, see Spread.
template <int kPart>
struct Part {
  Vector8 above;  // with their right neighbours
  Vector8 below;
  const Weights& weights;

  HWY_INLINE Part(const Places& places, const uint8_t* from, ptrdiff_t stride,
                  const Weights& all_weights)
      : above(places.Gather8Bytes<(kPart >= 2)>(from)),
        below(places.Gather8Bytes<(kPart >= 2)>(from + stride)),
        weights(all_weights) {}

  // Lanes of the pixels whose four neighbours are opaque.
  HWY_INLINE hn::Mask<Tag64> IsOpaque() const {
    const Tag64 d;
    const auto others = hn::Set(d, 0x00ffffff00ffffff);
    const auto least = hn::BitCast(d, hn::And(above, below));
    return hn::Eq(hn::Or(least, others), hn::Set(d, ~uint64_t{0}));
  }

  HWY_INLINE Vector16 Opaque() const {
    return Interpolated(
        Ordered(above, kOrders.neighbours), Ordered(below, kOrders.neighbours),
        Spread<kPart>(weights.across), Spread<kPart>(weights.down));
  }

  // Pixels, half of them each time, of sums of colour times alpha and,
  // negative, of alpha. See PlainByteBilinearWithAlpha.
  HWY_INLINE std::pair<Vector32, Vector32> Sums() const {
    const Tag16 d;
    const auto zero = hn::Zero(Tag8());
    const auto lower = [&](Vector8 high, Vector8 low) {
      return hn::BitCast(d, hn::InterleaveLower(Tag8(), low, high));
    };
    const auto upper = [&](Vector8 high, Vector8 low) {
      return hn::BitCast(d, hn::InterleaveUpper(Tag8(), low, high));
    };
    const Vector8 across =
        hn::BitCast(Tag8(), Spread<kPart>(weights.alpha_across));
    const Vector16 lower_weights = lower(zero, across);
    const Vector16 upper_weights = upper(zero, across);
    // Colours from the middle of their range, times 256. In alpha's place,
    // -2^15 is a factor for it.
    const auto row = [&](Vector8 pixels) {
      const Vector8 colors =
          hn::Xor(Ordered(pixels, kOrders.colors), hn::Set(Tag8(), 0x80));
      const auto sum = [&](Vector16 samples, const uint8_t(&alphas)[16],
                           Vector16 side_weights) {
        return SumOfProducts(
            samples,
            hn::Mul(hn::BitCast(d, Ordered(pixels, alphas)), side_weights));
      };
      return std::pair(
          sum(lower(colors, zero), kOrders.alphas[0], lower_weights),
          sum(upper(colors, zero), kOrders.alphas[1], upper_weights));
    };
    const auto [above_lower, above_upper] = row(above);
    const auto [below_lower, below_upper] = row(below);
    // The first 16 of 31 bits, of both rows side by side.
    const auto both = [&](Vector32 top, Vector32 bottom) {
      const auto half = hn::Set(Tag32(), 1 << 14);
      return hn::OddEven(
          hn::BitCast(d, hn::ShiftLeft<1>(hn::Add(bottom, half))),
          hn::BitCast(d, hn::ShiftRight<15>(hn::Add(top, half))));
    };
    const Vector16 down = Spread<kPart>(weights.alpha_down);
    const Vector16 up = hn::Sub(hn::Set(d, 1 << kCoarseBits), down);
    return {SumOfProducts(both(above_lower, below_lower),
                          hn::InterleaveLower(d, up, down)),
            SumOfProducts(both(above_upper, below_upper),
                          hn::InterleaveUpper(d, up, down))};
  }
};

// The pixels of four vectors of sums.
class Quotients {
 public:
  HWY_INLINE Quotients(const Vector32 (&sums)[4], const uint8_t* background) {
    const TagFloat d;
    VectorFloat real[4];
    for (size_t i = 0; i < 4; ++i) real[i] = hn::ConvertTo(d, sums[i]);
    // One division for all four: lane i of a block is the alpha of vector i.
    const auto is_lane = [&](int32_t i) {
      return hn::MaskFromVec(
          hn::BitCast(d, Repeated<int32_t>(Tag32(), -(i == 0), -(i == 1),
                                           -(i == 2), -(i == 3))));
    };
    const auto alpha = hn::IfThenElse(
        is_lane(3), real[3],
        hn::IfThenElse(is_lane(2), hn::Broadcast<3>(real[2]),
                       hn::IfThenElse(is_lane(1), hn::Broadcast<3>(real[1]),
                                      hn::Broadcast<3>(real[0]))));
    const auto inverse = hn::Div(hn::Set(d, -128.0F), alpha);
    const auto unit = hn::Set(d, -1.0F / (1 << (7 + kCoarseBits)));
    const auto set = [&](size_t i, VectorFloat all) {
      pixels_[i] = hn::NearestInt(
          hn::Mul(real[i], hn::IfThenElse(is_lane(3), unit, all)));
    };
    set(0, hn::Broadcast<0>(inverse));
    set(1, hn::Broadcast<1>(inverse));
    set(2, hn::Broadcast<2>(inverse));
    set(3, hn::Broadcast<3>(inverse));
    const auto is_nothing = hn::Eq(alpha, hn::Zero(d));
    if (HWY_UNLIKELY(!hn::AllFalse(d, is_nothing))) {
      SetBackground(sums, background);
    }
  }

  // The first or the second two vectors'.
  HWY_INLINE Vector16 Pixels(size_t half) const {
    return hn::Add(Pack(pixels_[2 * half], pixels_[2 * half + 1]),
                   hn::BitCast(Tag16(), hn::Set(Tag64(), 0x008000800080)));
  }

 private:
  HWY_NOINLINE void SetBackground(const Vector32 (&sums)[4],
                                  const uint8_t* background) {
    const Tag32 d;
    const auto color = Repeated<int32_t>(
        d, background[0] - 128, background[1] - 128, background[2] - 128, 0);
    for (size_t i = 0; i < 4; ++i) {
      pixels_[i] = hn::IfThenElse(
          hn::Eq(hn::Broadcast<3>(sums[i]), hn::Zero(d)), color, pixels_[i]);
    }
  }

  Vector32 pixels_[4];
};

// Of two parts, where not all pixels are opaque.
template <int kFirst, int kSecond>
HWY_INLINE std::pair<Vector16, Vector16> Translucent(
    const Part<kFirst>& first, const Part<kSecond>& second,
    const uint8_t* background) {
  const auto [sums0, sums1] = first.Sums();
  const auto [sums2, sums3] = second.Sums();
  const Quotients quotients({sums0, sums1, sums2, sums3}, background);
  return {quotients.Pixels(0), quotients.Pixels(1)};
}

template <int kFirst, int kSecond>
HWY_INLINE void StoreParts(const Part<kFirst>& first,
                           const Part<kSecond>& second,
                           const uint8_t* background, uint8_t* to) {
  const Tag64 d;
  const auto first_opaque = first.IsOpaque();
  const auto second_opaque = second.IsOpaque();
  if (hn::AllTrue(d, hn::And(first_opaque, second_opaque))) {
    StorePixels(first.Opaque(), second.Opaque(), to);
    return;
  }
  auto [first_pixels, second_pixels] = Translucent(first, second, background);
  if (!hn::AllFalse(d, hn::Or(first_opaque, second_opaque))) {
    const auto blend = [&](hn::Mask<Tag64> is_opaque, Vector16 opaque,
                           Vector16 pixels) {
      return hn::BitCast(Tag16(),
                         hn::IfThenElse(is_opaque, hn::BitCast(d, opaque),
                                        hn::BitCast(d, pixels)));
    };
    first_pixels = blend(first_opaque, first.Opaque(), first_pixels);
    second_pixels = blend(second_opaque, second.Opaque(), second_pixels);
  }
  StorePixels(first_pixels, second_pixels, to);
}

template <bool kIsWide>
HWY_INLINE void RunSpan(const WarpSpan<uint8_t>& span) {
  const Tag16 d;
  const Offsets offsets = Offsets::For<4>(span.stride);
  RunGroups<2, 4>(
      span, [&](const Positions& at, const uint8_t* from, uint8_t* to) {
        const Vector16 x = at.Column();
        const Vector16 y = at.Row();
        const Places lower(offsets.Of<kIsWide>(hn::InterleaveLower(d, x, y)));
        const Places upper(offsets.Of<kIsWide>(hn::InterleaveUpper(d, x, y)));
        const Weights weights(at);
        const auto store = [&]<int kFirst, int kSecond>(
                               const Places& first, const Places& second,
                               std::integer_sequence<int, kFirst, kSecond>,
                               uint8_t* half) {
          StoreParts(Part<kFirst>(first, from, span.stride, weights),
                     Part<kSecond>(second, from, span.stride, weights),
                     span.background, half);
        };
        uint8_t* const second_half = to + kLanes / 2 * 4;
#if HWY_TARGET == HWY_SSE4
        store(lower, lower, std::integer_sequence<int, 0, 2>(), to);
        store(upper, upper, std::integer_sequence<int, 1, 3>(), second_half);
#else
    store(lower, upper, std::integer_sequence<int, 0, 1>(), to);
    store(lower, upper, std::integer_sequence<int, 2, 3>(), second_half);
#endif
      });
}

void BilinearWithAlpha(const WarpSpan<uint8_t>& span) {
  if (IsWide(span.stride)) {
    RunSpan<true>(span);
  } else {
    RunSpan<false>(span);
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(BilinearWithAlpha);

WarpKernel<uint8_t> BilinearAlphaKernel() {
  return {.run = &HWY_DYNAMIC_DISPATCH(BilinearWithAlpha)};
}

}  // namespace imageadapt
#endif  // HWY_ONCE
