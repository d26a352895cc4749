// 8-bit samples without alpha.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "imageadapt/kernels/warp_plain.h"
#include "imageadapt/kernels/warp_span.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/warp_bytes.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"
#include "imageadapt/kernels/warp_bytes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

template <int kTaps, int kChannels>
void RunSpan(const WarpSpan<uint8_t>& span) {
  PlainByteSpan<kTaps, kChannels>(span);
}

#else

template <bool kIsWide>
HWY_INLINE void StoreBilinear(const Positions& at, const uint8_t* from,
                              ptrdiff_t stride, const Offsets& offsets,
                              std::integral_constant<int, 1>, uint8_t* to) {
  const Tag16 d;
  const Tag32 d32;
  const auto wide = [&](Vector16 v) { return hn::BitCast(d32, v); };
  const auto narrow = [&](Vector32 v) { return hn::BitCast(d, v); };
  const Vector16 x = at.Column();
  const Vector16 y = at.Row();
  const Vector32 even =
      offsets.Of<kIsWide>(hn::OddEven(narrow(hn::ShiftLeft<16>(wide(y))), x));
  const Vector32 odd =
      offsets.Of<kIsWide>(hn::OddEven(y, narrow(hn::ShiftRight<16>(wide(x)))));
  const auto neighbours = [&](const uint8_t* base) {
    const auto* const words = reinterpret_cast<const int32_t*>(base);
    const Vector32 first = hn::GatherOffset(d32, words, even);
    const Vector32 second = hn::GatherOffset(d32, words, odd);
    return hn::BitCast(
        Tag8(), hn::OddEven(narrow(hn::ShiftLeft<16>(second)), narrow(first)));
  };
  const Vector16 samples =
      Interpolated(neighbours(from), neighbours(from + stride),
                   at.WeightsAcross(), at.WeightDown());
  const hn::Rebind<uint8_t, Tag16> half;
  hn::StoreU(hn::DemoteTo(half, samples), half, to);
}

// Of pixels with 4 samples, kLanes / 2 without the fourth.
HWY_INLINE void StorePixels(Vector16 first, Vector16 second, uint8_t* to) {
#if HWY_TARGET == HWY_AVX3_DL
  HWY_ALIGN static constexpr auto kPositions = [] {
    std::array<uint8_t, 64> positions = {};
    for (size_t i = 0; i < 48; ++i) {
      const size_t pixel = i / 3;
      // Blocks hold two pixels of each part.
      const size_t place =
          pixel / 8 * 8 + pixel % 4 / 2 * 4 + pixel / 4 % 2 * 2 + pixel % 2;
      positions[i] = static_cast<uint8_t>(4 * place + i % 3);
    }
    return positions;
  }();
  const __m512i pixels =
      _mm512_permutexvar_epi8(_mm512_load_si512(kPositions.data()),
                              _mm512_packus_epi16(first.raw, second.raw));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm512_castsi512_si256(pixels));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 32),
                   _mm512_extracti32x4_epi32(pixels, 2));
#elif HWY_TARGET == HWY_AVX2
  const __m256i ordered =
      _mm256_permutevar8x32_epi32(_mm256_packus_epi16(first.raw, second.raw),
                                  _mm256_setr_epi32(0, 1, 4, 5, 2, 3, 6, 7));
  const __m256i narrow = _mm256_shuffle_epi8(
      ordered, _mm256_broadcastsi128_si256(_mm_setr_epi8(
                   0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1)));
  const __m256i pixels = _mm256_permutevar8x32_epi32(
      narrow, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm256_castsi256_si128(pixels));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to + 16),
                   _mm256_extracti128_si256(pixels, 1));
#else
  const __m128i pixels = _mm_shuffle_epi8(
      _mm_packus_epi16(first.raw, second.raw),
      _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), pixels);
  const int last = _mm_extract_epi32(pixels, 2);
  std::memcpy(to + 8, &last, sizeof(last));
#endif
}

HWY_INLINE void StoreParts(Vector16 part0, Vector16 part1, Vector16 part2,
                           Vector16 part3, uint8_t* to) {
#if HWY_TARGET == HWY_SSE4
  StorePixels(part0, part2, to);
  StorePixels(part1, part3, to + kLanes / 2 * 3);
#else
  StorePixels(part0, part1, to);
  StorePixels(part2, part3, to + kLanes / 2 * 3);
#endif
}

// Of two pixels in 64 bits: neighbours of each channel side by side.
HWY_ALIGN constexpr uint8_t kNeighbourOrder[16] = {
    0, 3, 1, 4, 2, 5, 6, 7, 8, 11, 9, 12, 10, 13, 14, 15};

template <bool kIsWide>
HWY_INLINE void StoreBilinear(const Positions& at, const uint8_t* from,
                              ptrdiff_t stride, const Offsets& offsets,
                              std::integral_constant<int, 3>, uint8_t* to) {
  const Tag16 d;
  const Vector16 x = at.Column();
  const Vector16 y = at.Row();
  const Places lower(offsets.Of<kIsWide>(hn::InterleaveLower(d, x, y)));
  const Places upper(offsets.Of<kIsWide>(hn::InterleaveUpper(d, x, y)));
  const Vector16 across = at.WeightsAcross();
  const Vector16 down = at.WeightDown();
  const Vector8 order = hn::LoadDup128(Tag8(), kNeighbourOrder);
  const auto part = [&]<int kPart>(std::integral_constant<int, kPart>) {
    const Places& places = kPart % 2 == 0 ? lower : upper;
    const auto neighbours = [&](const uint8_t* base) {
      return hn::TableLookupBytes(places.Gather8Bytes<(kPart >= 2)>(base),
                                  order);
    };
    return Interpolated(neighbours(from), neighbours(from + stride),
                        Spread<kPart>(across), Spread<kPart>(down));
  };
  const Vector16 part0 = part(std::integral_constant<int, 0>());
  const Vector16 part1 = part(std::integral_constant<int, 1>());
  const Vector16 part2 = part(std::integral_constant<int, 2>());
  const Vector16 part3 = part(std::integral_constant<int, 3>());
  StoreParts(part0, part1, part2, part3, to);
}

// Copies a pair of bytes of each pixel's 64 bits to all its 4 lanes of 16 bits.
template <int kPair>
HWY_INLINE Vector16 SpreadPair(Vector8 pixels) {
  HWY_ALIGN static constexpr auto kPositions = [] {
    std::array<uint8_t, 16> positions = {};
    for (size_t i = 0; i < 16; ++i) {
      positions[i] = static_cast<uint8_t>(i / 8 * 8 + 2 * kPair + i % 2);
    }
    return positions;
  }();
  return hn::BitCast(
      Tag16(),
      hn::TableLookupBytes(pixels, hn::LoadDup128(Tag8(), kPositions.data())));
}

// Of kLanes / 4 pixels.
template <int kTaps>
struct Weights {
  static constexpr int kPairs = kTaps / 2;

  template <bool kUpper>
  HWY_INLINE void Load(const Places& row_places, const Places& column_places) {
    const auto* const row_table =
        reinterpret_cast<const uint8_t*>(kByteRowWeights<kTaps>.data());
    const auto* const column_table =
        reinterpret_cast<const uint8_t*>(kByteColumnWeights<kTaps>.data());
    across = row_places.Gather8Bytes<kUpper>(row_table);
    const Vector8 first = column_places.Gather8Bytes<kUpper>(column_table);
    down[0] = SpreadPair<0>(first);
    down[1] = SpreadPair<1>(first);
    down[2] = SpreadPair<2>(first);
    down[3] = SpreadPair<3>(first);
    if constexpr (kTaps == 6) {
      const Vector8 second =
          column_places.Gather8Bytes<kUpper>(column_table + 8);
      down[4] = SpreadPair<0>(second);
      down[5] = SpreadPair<1>(second);
    }
  }

  Vector8 across;  // as the table has them
  Vector16 down[kTaps];
};

// A row's taps of kLanes / 4 pixels with three channels, as pairs: neighbours
// of each channel side by side. The same from two vectors of 16 bytes a pixel,
// which hold two pairs and a half, costs half the loads.
template <int kPair>
HWY_INLINE Vector8 PairOf(Vector8 first, Vector8 second) {
  constexpr size_t kStep = 6 * kPair;
#if HWY_TARGET == HWY_AVX3_DL
  HWY_ALIGN static constexpr auto kPositions = [] {
    std::array<uint8_t, 64> positions = {};
    for (size_t i = 0; i < 64; ++i) {
      positions[i] =
          static_cast<uint8_t>(i / 8 * 16 + kStep + i % 8 / 2 + i % 2 * 3);
    }
    return positions;
  }();
  return Vector8{_mm512_permutex2var_epi8(
      first.raw, _mm512_load_si512(kPositions.data()), second.raw)};
#else
  const hn::Repartition<uint64_t, Tag8> d64;
  HWY_ALIGN static constexpr auto kPositions = [] {
    std::array<uint8_t, 16> positions = {};
    for (size_t i = 0; i < 16; ++i) {
      positions[i] = static_cast<uint8_t>(i / 8 * 6 + i % 8 / 2 + i % 2 * 3);
    }
    return positions;
  }();
  const Vector8 order = hn::LoadDup128(Tag8(), kPositions.data());
  const auto a = hn::BitCast(d64, hn::TableLookupBytes(first, order));
  const auto b = hn::BitCast(d64, hn::TableLookupBytes(second, order));
  return hn::BitCast(Tag8(), kPair == 0 ? hn::InterleaveLower(d64, a, b)
                                        : hn::InterleaveUpper(d64, a, b));
#endif
}

// Three channels: the samples, and a fourth that does not matter. `from` is the
// first row's and column's pixel.
template <int kTaps, bool kUpper>
HWY_INLINE Vector16 Filtered(const uint8_t* from, ptrdiff_t stride,
                             const Places& places,
                             const Weights<kTaps>& weights,
                             std::integral_constant<int, 3>) {
  const Tag16 d;
  const Vector16 across0 = SpreadPair<0>(weights.across);
  const Vector16 across1 = SpreadPair<1>(weights.across);
  const Vector16 across2 = SpreadPair<2>(weights.across);
  const Vector8 order = hn::LoadDup128(Tag8(), kNeighbourOrder);
  Vector16 sum = hn::Zero(d);
  HWY_UNROLL(6)
  for (size_t k = 0; k < kTaps; ++k) {
    const int j = kByteRowOrder<kTaps>[k];
    const uint8_t* const at = from + j * stride;
    const Vector8 first = places.Gather16Bytes<kUpper>(at, false);
    const Vector8 second = places.Gather16Bytes<kUpper>(at, true);
    Vector16 row = hn::Add(SumOfProducts(PairOf<0>(first, second), across0),
                           SumOfProducts(PairOf<1>(first, second), across1));
    if constexpr (kTaps == 6) {
      const Vector8 pair =
          hn::TableLookupBytes(places.Gather8Bytes<kUpper>(at + 12), order);
      row = hn::Add(row, SumOfProducts(pair, across2));
    }
    sum = hn::SaturatedAdd(sum, hn::MulFixedPoint15(row, weights.down[j]));
  }
  return hn::MulFixedPoint15(sum, hn::Set(d, kByteFactor<kTaps>));
}

// One channel: samples of 32 bits, and as many that do not matter.
template <int kTaps, bool kUpper>
HWY_INLINE Vector32 Filtered(const uint8_t* from, ptrdiff_t stride,
                             const Places& places,
                             const Weights<kTaps>& weights,
                             std::integral_constant<int, 1>) {
  const Tag16 d;
  const Tag32 d32;
  const hn::Repartition<uint64_t, Tag32> d64;
  const Vector16 across = hn::BitCast(d, weights.across);
  Vector16 sum = hn::Zero(d);
  HWY_UNROLL(6)
  for (size_t k = 0; k < kTaps; ++k) {
    const int j = kByteRowOrder<kTaps>[k];
    const Vector16 row =
        SumOfProducts(places.Gather8Bytes<kUpper>(from + j * stride), across);
    sum = hn::SaturatedAdd(sum, hn::MulFixedPoint15(row, weights.down[j]));
  }
  const Vector32 pairs = SumOfProducts(sum, hn::Set(d, kByteFactor<kTaps>));
  const Vector32 other =
      hn::BitCast(d32, hn::ShiftRight<32>(hn::BitCast(d64, pairs)));
  return hn::ShiftRight<15>(
      hn::Add(hn::Add(pairs, other), hn::Set(d32, 0x4000)));
}

// Of kLanes samples, from the even lanes of four parts.
HWY_INLINE void StoreSingles(const Vector32 (&parts)[4], uint8_t* to) {
  const Tag32 d32;
  const hn::Repartition<uint64_t, Tag32> d64;
  const auto both = [&](Vector32 a, Vector32 b) {
    return hn::OddEven(hn::BitCast(d32, hn::ShiftLeft<32>(hn::BitCast(d64, b))),
                       a);
  };
#if HWY_TARGET == HWY_SSE4
  const __m128i words = _mm_packs_epi32(both(parts[0], parts[1]).raw,
                                        both(parts[2], parts[3]).raw);
  const __m128i bytes = _mm_shuffle_epi8(
      _mm_packus_epi16(words, words),
      _mm_setr_epi8(0, 2, 4, 6, 1, 3, 5, 7, -1, -1, -1, -1, -1, -1, -1, -1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(to), bytes);
#elif HWY_TARGET == HWY_AVX2
  const __m256i words = _mm256_packs_epi32(both(parts[0], parts[1]).raw,
                                           both(parts[2], parts[3]).raw);
  const __m256i bytes =
      _mm256_permute4x64_epi64(_mm256_packus_epi16(words, words), 0x08);
  const __m128i ordered = _mm_shuffle_epi8(
      _mm256_castsi256_si128(bytes),
      _mm_setr_epi8(0, 2, 8, 10, 1, 3, 9, 11, 4, 6, 12, 14, 5, 7, 13, 15));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), ordered);
#else
  HWY_ALIGN static constexpr auto kPositions = [] {
    std::array<uint8_t, 64> positions = {};
    for (size_t i = 0; i < 32; ++i) {
      const size_t pixel = i % 16;
      const size_t block = pixel / 8 * 2 + pixel % 4 / 2;
      positions[i] = static_cast<uint8_t>(16 * block + i / 16 * 4 +
                                          pixel / 4 % 2 + pixel % 2 * 2);
    }
    return positions;
  }();
  const __m512i words = _mm512_packs_epi32(both(parts[0], parts[1]).raw,
                                           both(parts[2], parts[3]).raw);
  const __m512i bytes = _mm512_permutexvar_epi8(
      _mm512_load_si512(kPositions.data()), _mm512_packus_epi16(words, words));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to),
                      _mm512_castsi512_si256(bytes));
#endif
}

template <int kTaps, bool kIsWide, int kChannels>
HWY_INLINE void StoreFiltered(const Positions& at, const uint8_t* from,
                              ptrdiff_t stride, const Offsets& offsets,
                              std::integral_constant<int, kChannels> channels,
                              uint8_t* to) {
  const Tag16 d;
  const Tag32 d32;
  const uint8_t* const first =
      from - (kTaps / 2 - 1) * (stride + ptrdiff_t{kChannels});
  const Vector16 zero = hn::Zero(d);
  const Vector16 x = at.Column();
  const Vector16 y = at.Row();
  const Vector16 across = Positions::TableRows<3>(at.x);
  const Vector16 down = Positions::TableRows < kTaps == 4 ? 3 : 4 > (at.y);
  const auto halves = [&](auto upper) {
    constexpr bool kUpper = decltype(upper)::value;
    const auto interleave = [&](Vector16 a, Vector16 b) {
      return kUpper ? hn::InterleaveUpper(d, a, b)
                    : hn::InterleaveLower(d, a, b);
    };
    const Places places(offsets.Of<kIsWide>(interleave(x, y)));
    const Places row_offsets(hn::BitCast(d32, interleave(across, zero)));
    const Places column_offsets(hn::BitCast(d32, interleave(down, zero)));
    Weights<kTaps> weights;
    weights.template Load<false>(row_offsets, column_offsets);
    const auto lower_part =
        Filtered<kTaps, false>(first, stride, places, weights, channels);
    weights.template Load<true>(row_offsets, column_offsets);
    const auto upper_part =
        Filtered<kTaps, true>(first, stride, places, weights, channels);
    return std::pair(lower_part, upper_part);
  };
  const auto [part0, part2] = halves(std::false_type());
  const auto [part1, part3] = halves(std::true_type());
  if constexpr (kChannels == 1) {
    StoreSingles({part0, part1, part2, part3}, to);
  } else {
    StoreParts(part0, part1, part2, part3, to);
  }
}

template <int kTaps, bool kIsWide, int kChannels>
HWY_INLINE void RunSpanOf(const WarpSpan<uint8_t>& span) {
  const std::integral_constant<int, kChannels> channels;
  const Offsets offsets = Offsets::For<kChannels>(span.stride);
  RunGroups<kTaps, kChannels>(
      span, [&](const Positions& at, const uint8_t* from, uint8_t* to) {
        if constexpr (kTaps == 2) {
          StoreBilinear<kIsWide>(at, from, span.stride, offsets, channels, to);
        } else {
          StoreFiltered<kTaps, kIsWide>(at, from, span.stride, offsets,
                                        channels, to);
        }
      });
}

template <int kTaps, int kChannels>
HWY_INLINE void RunSpan(const WarpSpan<uint8_t>& span) {
  if (IsWide(span.stride)) {
    RunSpanOf<kTaps, true, kChannels>(span);
  } else {
    RunSpanOf<kTaps, false, kChannels>(span);
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

void Bilinear1(const WarpSpan<uint8_t>& span) { RunSpan<2, 1>(span); }
void Bilinear3(const WarpSpan<uint8_t>& span) { RunSpan<2, 3>(span); }
void Cubic1(const WarpSpan<uint8_t>& span) { RunSpan<4, 1>(span); }
void Cubic3(const WarpSpan<uint8_t>& span) { RunSpan<4, 3>(span); }
void Lanczos1(const WarpSpan<uint8_t>& span) { RunSpan<6, 1>(span); }
void Lanczos3(const WarpSpan<uint8_t>& span) { RunSpan<6, 3>(span); }

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Bilinear1);
HWY_EXPORT(Bilinear3);
HWY_EXPORT(Cubic1);
HWY_EXPORT(Cubic3);
HWY_EXPORT(Lanczos1);
HWY_EXPORT(Lanczos3);

WarpKernel<uint8_t> ByteKernel(Interpolation interpolation, uint32_t channels) {
  if (HasAlpha(channels)) return {};
  const bool is_grey = channels == 1;
  // How far the last of the 4 or 8 bytes that are read at once is from the last
  // that is needed.
  switch (interpolation) {
    case Interpolation::kNearest:
      return {};
    case Interpolation::kBilinear:
      if (is_grey) return {.run = &HWY_DYNAMIC_DISPATCH(Bilinear1), .spill = 2};
      return {.run = &HWY_DYNAMIC_DISPATCH(Bilinear3), .spill = 1};
    case Interpolation::kBicubic:
      if (is_grey) return {.run = &HWY_DYNAMIC_DISPATCH(Cubic1), .spill = 4};
      return {.run = &HWY_DYNAMIC_DISPATCH(Cubic3), .spill = 2};
    case Interpolation::kLanczos3:
      if (is_grey) return {.run = &HWY_DYNAMIC_DISPATCH(Lanczos1), .spill = 2};
      return {.run = &HWY_DYNAMIC_DISPATCH(Lanczos3), .spill = 1};
  }
  return {};
}

}  // namespace imageadapt
#endif  // HWY_ONCE
