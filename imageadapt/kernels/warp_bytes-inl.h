// What the rotations of 8-bit samples have in common: positions of 16 bits and
// loads from many places. For files that are compiled for each target; empty
// for HWY_SCALAR.
// SPDX-License-Identifier: Apache-2.0
#if defined(IMAGEADAPT_KERNELS_WARP_BYTES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGEADAPT_KERNELS_WARP_BYTES_INL_H_
#undef IMAGEADAPT_KERNELS_WARP_BYTES_INL_H_
#else
#define IMAGEADAPT_KERNELS_WARP_BYTES_INL_H_
#endif

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"
#include "imageadapt/kernels/warp_plain.h"
#include "imageadapt/kernels/warp_span.h"

#if HWY_TARGET != HWY_SCALAR

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

// What is neither SSE4 nor AVX2 has 64 bytes and permutes them across blocks.
static_assert(HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_AVX2 ||
              HWY_TARGET == HWY_AVX3_DL);

namespace hn = hwy::HWY_NAMESPACE;

using Tag16 = hn::ScalableTag<int16_t>;
using Tag8 = hn::Repartition<uint8_t, Tag16>;
using Tag32 = hn::Repartition<int32_t, Tag16>;
using Vector16 = hn::Vec<Tag16>;
using Vector8 = hn::Vec<Tag8>;
using Vector32 = hn::Vec<Tag32>;
constexpr size_t kLanes = hn::MaxLanes(Tag16());  // pixels at a time
static_assert(kCoarseGroup % kLanes == 0);

// Islands of intrinsics: what Highway 1.0.3 lacks, which is sums of
// neighbouring products, loads into parts of registers, and, further down,
// permutations of bytes across blocks.

// Of 16 bits in neighbouring lanes: a0 b0 + a1 b1.
HWY_INLINE Vector32 SumOfProducts(Vector16 a, Vector16 b) {
#if HWY_TARGET == HWY_AVX3_DL
  return Vector32{_mm512_madd_epi16(a.raw, b.raw)};
#elif HWY_TARGET == HWY_AVX2
  return Vector32{_mm256_madd_epi16(a.raw, b.raw)};
#else
  return Vector32{_mm_madd_epi16(a.raw, b.raw)};
#endif
}

// Of bytes in neighbouring lanes, `b` with a sign.
HWY_INLINE Vector16 SumOfProducts(Vector8 a, Vector16 b) {
#if HWY_TARGET == HWY_AVX3_DL
  return Vector16{_mm512_maddubs_epi16(a.raw, b.raw)};
#elif HWY_TARGET == HWY_AVX2
  return Vector16{_mm256_maddubs_epi16(a.raw, b.raw)};
#else
  return Vector16{_mm_maddubs_epi16(a.raw, b.raw)};
#endif
}

// Offsets in memory, because plain loads into halves of registers are faster
// than the processor's gathers: by a quarter for two taps, a half for six.
class Places {
 public:
  HWY_INLINE explicit Places(Vector32 offsets) {
    hn::Store(offsets, Tag32(), offsets_);
  }

  // Of the lower or upper half, 8 bytes from each place.
  template <bool kUpper>
  HWY_INLINE Vector8 Gather8Bytes(const uint8_t* from) const {
    const uint8_t* at[kHalf];
    for (size_t i = 0; i < kHalf; ++i) at[i] = from + Of<kUpper>(i);
    // Loads of half a register; GCC makes something slower of memcpy.
    const auto two = [&](size_t i) {
      const __m128i low =
          _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at[i]));
      return _mm_castps_si128(_mm_loadh_pi(
          _mm_castsi128_ps(low), reinterpret_cast<const __m64*>(at[i + 1])));
    };
#if HWY_TARGET == HWY_SSE4
    return Vector8{two(0)};
#else
    const auto four = [&](size_t i) {
      return _mm256_inserti128_si256(_mm256_castsi128_si256(two(i)), two(i + 2),
                                     1);
    };
#if HWY_TARGET == HWY_AVX2
    return Vector8{four(0)};
#else
    return Vector8{
        _mm512_inserti64x4(_mm512_castsi256_si512(four(0)), four(4), 1)};
#endif
#endif
  }

  // 16 bytes from half of those places: the first or last four, or, with
  // shorter vectors, the even or odd ones. See PairOf.
  template <bool kUpper>
  HWY_INLINE Vector8 Gather16Bytes(const uint8_t* from, bool second) const {
    const auto load = [&](size_t i) {
      return _mm_loadu_si128(
          reinterpret_cast<const __m128i*>(from + Of<kUpper>(i)));
    };
#if HWY_TARGET == HWY_SSE4
    return Vector8{load(second)};
#elif HWY_TARGET == HWY_AVX2
    return Vector8{_mm256_inserti128_si256(_mm256_castsi128_si256(load(second)),
                                           load(second + 2), 1)};
#else
    const auto two = [&](size_t i) {
      return _mm256_inserti128_si256(_mm256_castsi128_si256(load(i)),
                                     load(i + 1), 1);
    };
    const size_t i = second ? 4 : 0;
    return Vector8{
        _mm512_inserti64x4(_mm512_castsi256_si512(two(i)), two(i + 2), 1)};
#endif
  }

 private:
  static constexpr size_t kHalf = hn::MaxLanes(Tag32()) / 2;

  template <bool kUpper>
  HWY_INLINE ptrdiff_t Of(size_t i) const {
    return offsets_[(kUpper ? kHalf : 0) + i];
  }

  HWY_ALIGN int32_t offsets_[2 * kHalf];
};

// Strides that take two numbers to multiply, see Offsets.
constexpr bool IsWide(ptrdiff_t stride) { return stride >= (1 << 15); }

// Where the source of each pixel is, in bytes from `from`.
class Offsets {
 public:
  template <int kChannels>
  static Offsets For(ptrdiff_t stride) {
    return Offsets(kChannels, stride);
  }

  // Of pairs of whole pixels across and down.
  template <bool kIsWide>
  HWY_INLINE Vector32 Of(Vector16 pairs) const {
    const Vector32 near = SumOfProducts(pairs, near_);
    if constexpr (!kIsWide) return near;
    return hn::Add(near, hn::ShiftLeft<15>(SumOfProducts(pairs, far_)));
  }

 private:
  Offsets(int channels, ptrdiff_t stride)
      : near_(Pairs(channels, stride & 0x7fff)), far_(Pairs(0, stride >> 15)) {}

  static Vector16 Pairs(int across, ptrdiff_t down) {
    return hn::BitCast(
        Tag16(), hn::Set(Tag32(), across | static_cast<int32_t>(down << 16)));
  }

  const Vector16 near_;
  const Vector16 far_;
};

// Both rows' neighbours times their weights, interpolated between the rows. See
// PlainByteBilinear.
HWY_INLINE Vector16 Interpolated(Vector8 above, Vector8 below, Vector16 across,
                                 Vector16 down) {
  const Vector16 top = SumOfProducts(above, across);
  const Vector16 bottom = SumOfProducts(below, across);
  const Vector16 sum =
      hn::Add(top, hn::MulFixedPoint15(hn::Sub(bottom, top), down));
  return hn::MulFixedPoint15(sum, hn::Set(Tag16(), 258));
}

// Positions of kLanes pixels.
struct Positions {
  Vector16 x;
  Vector16 y;

  HWY_INLINE Vector16 Column() const { return hn::ShiftRight<kCoarseBits>(x); }
  HWY_INLINE Vector16 Row() const { return hn::ShiftRight<kCoarseBits>(y); }

  // Two bytes, for the left and the right pixel.
  HWY_INLINE Vector16 WeightsAcross() const {
    const Tag16 d;
    const Vector16 right =
        hn::And(hn::ShiftRight<kCoarseBits - 7>(x), hn::Set(d, 127));
    return hn::Add(hn::Mul(right, hn::Set(d, 255)), hn::Set(d, 127));
  }

  // Where rows of a table begin, in bytes, that are 1 << kBits bytes long and
  // belong to the phases.
  template <int kBits>
  static HWY_INLINE Vector16 TableRows(Vector16 position) {
    constexpr int kShift = kBits - (kCoarseBits - kBytePhaseBits);
    return hn::And(hn::ShiftLeft<kShift>(position),
                   hn::Set(Tag16(), (kBytePhases - 1) << kBits));
  }

  HWY_INLINE Vector16 WeightDown() const {
    return hn::And(hn::ShiftLeft<15 - kCoarseBits>(y),
                   hn::Set(Tag16(), 0x7fff));
  }
};

// Each part of kLanes / 4 pixels, which have 8 bytes each: what stands in a
// pixel's lane of 16 bits, in all its 4 lanes. Part 0 and 1, 2 and 3 are those
// that the halves of interleaved lanes make.
template <int kPart>
HWY_INLINE Vector16 Spread(Vector16 lanes) {
  const Tag8 d;
  HWY_ALIGN static constexpr auto kPositions = [] {
    std::array<uint8_t, 2 * kLanes> positions = {};
    for (size_t i = 0; i < positions.size(); ++i) {
      const size_t pixel = i / 8;
#if HWY_TARGET == HWY_AVX3_DL
      // 0 to 3 and 8 to 11, 4 to 7 and 12 to 15, and so on.
      const size_t lane =
          kPart / 2 * 16 + kPart % 2 * 4 + pixel / 4 * 8 + pixel % 4;
#elif HWY_TARGET == HWY_AVX2
      const size_t lane = kPart % 2 * 4 + pixel;
#else
      const size_t lane = kPart % 2 * 4 + kPart / 2 * 2 + pixel;
#endif
      positions[i] = static_cast<uint8_t>(2 * lane + i % 2);
    }
    return positions;
  }();
  const Vector8 positions = hn::Load(d, kPositions.data());
#if HWY_TARGET == HWY_AVX3_DL
  // Across all lanes.
  return Vector16{_mm512_permutexvar_epi8(positions.raw, lanes.raw)};
#elif HWY_TARGET == HWY_AVX2
  const __m256i block =
      _mm256_permute4x64_epi64(lanes.raw, kPart / 2 == 0 ? 0x44 : 0xee);
  return Vector16{_mm256_shuffle_epi8(block, positions.raw)};
#else
  return Vector16{_mm_shuffle_epi8(lanes.raw, positions.raw)};
#endif
}

// Calls store(positions, from, to) for each kLanes pixels of a span; `from` is
// the source's pixel that they are counted from.
template <int kTaps, int kChannels, class Store>
HWY_INLINE void RunGroups(const WarpSpan<uint8_t>& span, Store&& store) {
  constexpr int32_t kMask = (1 << kCoarseBits) - 1;
  const Tag16 d;
  uint8_t* to = span.target;
  for (uint32_t group = 0; group < span.count; group += kCoarseGroup) {
    const uint32_t at = span.first + group;
    const int32_t x = CoarsePosition<kTaps>(span.x + span.steps->x[at]);
    const int32_t y = CoarsePosition<kTaps>(span.y + span.steps->y[at]);
    const uint8_t* const from = span.source + (y >> kCoarseBits) * span.stride +
                                (x >> kCoarseBits) * kChannels;
    const Vector16 first_x = hn::Set(d, static_cast<int16_t>(x & kMask));
    const Vector16 first_y = hn::Set(d, static_cast<int16_t>(y & kMask));
    const size_t count = std::min(span.count - group, kCoarseGroup);
    for (size_t i = 0; i < count; i += kLanes, to += kLanes * kChannels) {
      Vector16 step_x = hn::Load(d, span.steps->coarse_x.data() + i);
      Vector16 step_y = hn::Load(d, span.steps->coarse_y.data() + i);
      // What is too much stays where the group begins, and is thrown away.
      uint8_t few[kLanes * kChannels];
      const bool is_whole = i + kLanes <= count;
      if (HWY_UNLIKELY(!is_whole)) {
        const auto mask = hn::FirstN(d, count - i);
        step_x = hn::IfThenElseZero(mask, step_x);
        step_y = hn::IfThenElseZero(mask, step_y);
      }
      const Positions positions = {.x = hn::Add(first_x, step_x),
                                   .y = hn::Add(first_y, step_y)};
      store(positions, from, is_whole ? to : few);
      if (HWY_UNLIKELY(!is_whole)) {
        std::copy_n(few, (count - i) * kChannels, to);
      }
    }
  }
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET != HWY_SCALAR

#endif  // IMAGEADAPT_KERNELS_WARP_BYTES_INL_H_
