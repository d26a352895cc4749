// Pixels of three channels as a vector per channel. For files that are compiled
// for each target.
// SPDX-License-Identifier: Apache-2.0
#if defined(IMAGEADAPT_KERNELS_TRIPLES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGEADAPT_KERNELS_TRIPLES_INL_H_
#undef IMAGEADAPT_KERNELS_TRIPLES_INL_H_
#else
#define IMAGEADAPT_KERNELS_TRIPLES_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A vector for each channel.
template <class V>
struct Three {
  V first;
  V second;
  V third;
};

#if HWY_TARGET == HWY_AVX3_DL

// Two permutations of two vectors each find the samples of a vector among
// three: half of the operations of shuffles within 16 bytes.
template <typename T>
struct TripleIndices {
  static constexpr size_t kLanes = 64 / sizeof(T);
  struct Step {
    alignas(64) T of_two[kLanes];     // of the first and the second vector
    alignas(64) T and_third[kLanes];  // of those and the third
  };
  Step load[3];
  Step store[3];

  constexpr TripleIndices() : load{}, store{} {
    for (size_t v = 0; v < 3; ++v) {
      for (size_t i = 0; i < kLanes; ++i) {
        const size_t from = 3 * i + v;
        const bool is_third = from >= 2 * kLanes;
        load[v].of_two[i] = static_cast<T>(is_third ? 0 : from);
        load[v].and_third[i] = static_cast<T>(is_third ? from - kLanes : i);
        const size_t to = v * kLanes + i;
        const size_t pixel = to / 3;
        store[v].of_two[i] = static_cast<T>(to % 3 * kLanes + pixel);
        store[v].and_third[i] =
            static_cast<T>(to % 3 == 2 ? kLanes + pixel : i);
      }
    }
  }
};

template <typename T>
inline constexpr TripleIndices<T> kTripleIndices;

template <class D, class V = hn::Vec<D>, class Step>
HWY_INLINE V Select(D d, const Three<V>& v, const Step& step) {
  const hn::RebindToUnsigned<D> du;
  const auto of_two = hn::Load(du, step.of_two).raw;
  const auto and_third = hn::Load(du, step.and_third).raw;
  const auto a = hn::BitCast(du, v.first).raw;
  const auto b = hn::BitCast(du, v.second).raw;
  const auto c = hn::BitCast(du, v.third).raw;
  hn::Vec<decltype(du)> selected;
  if constexpr (sizeof(hn::TFromD<D>) == 1) {
    selected.raw = _mm512_permutex2var_epi8(
        _mm512_permutex2var_epi8(a, of_two, b), and_third, c);
  } else if constexpr (sizeof(hn::TFromD<D>) == 2) {
    selected.raw = _mm512_permutex2var_epi16(
        _mm512_permutex2var_epi16(a, of_two, b), and_third, c);
  } else {
    selected.raw = _mm512_permutex2var_epi32(
        _mm512_permutex2var_epi32(a, of_two, b), and_third, c);
  }
  return hn::BitCast(d, selected);
}

#elif HWY_TARGET == HWY_AVX2

// Where the bytes of three blocks of 16 go. The samples of one channel stand at
// positions in each block that they have in no other, so blending three blocks
// and one shuffle within them is enough: 9 operations, not 15.
struct ByteTriples {
  // 0xff at every third position: i % 3 == 0, 1 and 2.
  alignas(16) uint8_t thirds[3][16];
  // Pixel i of channel c from position (3 * i + c) % 16, and back.
  alignas(16) uint8_t load[3][16];
  alignas(16) uint8_t store[3][16];

  constexpr ByteTriples() : thirds{}, load{}, store{} {
    for (uint8_t c = 0; c < 3; ++c) {
      for (uint8_t i = 0; i < 16; ++i) {
        const auto position = static_cast<uint8_t>((3 * i + c) % 16);
        thirds[c][i] = i % 3 == c ? 0xff : 0;
        load[c][i] = position;
        store[c][position] = i;
      }
    }
  }
};

inline constexpr ByteTriples kByteTriples;

using BytesTag = hn::ScalableTag<uint8_t>;
using Bytes = hn::Vec<BytesTag>;

HWY_INLINE Bytes InBlocks(const uint8_t* bytes) {
  return hn::LoadDup128(BytesTag(), bytes);
}

// Of `v`, the first where i % 3 is `c`, the second where it is c + 1, the third
// elsewhere.
HWY_INLINE Bytes Blend(const Three<Bytes>& v, size_t c) {
  const auto mask = [](size_t third) {
    return hn::MaskFromVec(InBlocks(kByteTriples.thirds[third % 3]));
  };
  return hn::IfThenElse(mask(c), v.first,
                        hn::IfThenElse(mask(c + 1), v.second, v.third));
}

HWY_INLINE Three<Bytes> LoadByteTriples(const uint8_t* from) {
  const hn::Half<BytesTag> half;
  const auto blocks = [&](size_t block) {
    return hn::Combine(BytesTag(), hn::LoadU(half, from + 48 + 16 * block),
                       hn::LoadU(half, from + 16 * block));
  };
  // Position i of block b is of channel (i + b) % 3.
  const Three<Bytes> loaded = {
      .first = blocks(0), .second = blocks(2), .third = blocks(1)};
  const auto channel = [&](size_t c) {
    return hn::TableLookupBytes(Blend(loaded, c),
                                InBlocks(kByteTriples.load[c]));
  };
  return {.first = channel(0), .second = channel(1), .third = channel(2)};
}

HWY_INLINE void StoreByteTriples(const Three<Bytes>& v, uint8_t* to) {
  const Three<Bytes> placed = {
      .first = hn::TableLookupBytes(v.first, InBlocks(kByteTriples.store[0])),
      .second = hn::TableLookupBytes(v.second, InBlocks(kByteTriples.store[1])),
      .third = hn::TableLookupBytes(v.third, InBlocks(kByteTriples.store[2]))};
  const hn::Half<BytesTag> half;
  for (size_t block = 0; block < 3; ++block) {
    // Channel 0 stands where (i + block) % 3 is 0.
    const Bytes blended = Blend(placed, 3 - block);
    hn::StoreU(hn::LowerHalf(half, blended), half, to + 16 * block);
    hn::StoreU(hn::UpperHalf(half, blended), half, to + 48 + 16 * block);
  }
}

// Shuffles of two vectors within blocks of four samples: five to load and six
// to store.
using FloatsTag = hn::ScalableTag<float>;
using Floats = hn::Vec<FloatsTag>;

HWY_INLINE Three<Floats> LoadFloatTriples(const float* from) {
  const hn::Half<FloatsTag> half;
  const auto blocks = [&](size_t block) {
    return hn::Combine(FloatsTag(), hn::LoadU(half, from + 12 + 4 * block),
                       hn::LoadU(half, from + 4 * block))
        .raw;
  };
  const __m256 a = blocks(0);
  const __m256 b = blocks(1);
  const __m256 c = blocks(2);
  const __m256 xy = _mm256_shuffle_ps(b, c, _MM_SHUFFLE(2, 1, 3, 2));
  const __m256 yz = _mm256_shuffle_ps(a, b, _MM_SHUFFLE(1, 0, 2, 1));
  return {.first = Floats{_mm256_shuffle_ps(a, xy, _MM_SHUFFLE(2, 0, 3, 0))},
          .second = Floats{_mm256_shuffle_ps(yz, xy, _MM_SHUFFLE(3, 1, 2, 0))},
          .third = Floats{_mm256_shuffle_ps(yz, c, _MM_SHUFFLE(3, 0, 3, 1))}};
}

HWY_INLINE void StoreFloatTriples(const Three<Floats>& v, float* to) {
  const __m256 x = v.first.raw;
  const __m256 y = v.second.raw;
  const __m256 z = v.third.raw;
  const __m256 xy = _mm256_shuffle_ps(x, y, _MM_SHUFFLE(2, 0, 2, 0));
  const __m256 yz = _mm256_shuffle_ps(y, z, _MM_SHUFFLE(3, 1, 3, 1));
  const __m256 zx = _mm256_shuffle_ps(z, x, _MM_SHUFFLE(3, 1, 2, 0));
  const hn::Half<FloatsTag> half;
  const auto store = [&](__m256 blocks, size_t block) {
    const Floats both{blocks};
    hn::StoreU(hn::LowerHalf(half, both), half, to + 4 * block);
    hn::StoreU(hn::UpperHalf(half, both), half, to + 12 + 4 * block);
  };
  store(_mm256_shuffle_ps(xy, zx, _MM_SHUFFLE(2, 0, 2, 0)), 0);
  store(_mm256_shuffle_ps(yz, xy, _MM_SHUFFLE(3, 1, 2, 0)), 1);
  store(_mm256_shuffle_ps(zx, yz, _MM_SHUFFLE(3, 1, 3, 1)), 2);
}

#endif

template <class D, typename T = hn::TFromD<D>>
HWY_INLINE Three<hn::Vec<D>> LoadTriples(D d, const T* from) {
#if HWY_TARGET == HWY_AVX3_DL
  constexpr size_t kLanes = hn::MaxLanes(D());
  if constexpr (kLanes * sizeof(T) == 64) {
    constexpr const auto& kIndices = kTripleIndices<hwy::MakeUnsigned<T>>;
    const Three<hn::Vec<D>> loaded = {.first = hn::LoadU(d, from),
                                      .second = hn::LoadU(d, from + kLanes),
                                      .third = hn::LoadU(d, from + 2 * kLanes)};
    return {.first = Select(d, loaded, kIndices.load[0]),
            .second = Select(d, loaded, kIndices.load[1]),
            .third = Select(d, loaded, kIndices.load[2])};
  }
#elif HWY_TARGET == HWY_AVX2
  if constexpr (sizeof(T) == 1) return LoadByteTriples(from);
  if constexpr (hwy::IsFloat<T>()) return LoadFloatTriples(from);
#endif
  Three<hn::Vec<D>> v;
  hn::LoadInterleaved3(d, from, v.first, v.second, v.third);
  return v;
}

template <class D, typename T = hn::TFromD<D>>
HWY_INLINE void StoreTriples(const Three<hn::Vec<D>>& v, D d, T* to) {
#if HWY_TARGET == HWY_AVX3_DL
  constexpr size_t kLanes = hn::MaxLanes(D());
  if constexpr (kLanes * sizeof(T) == 64) {
    constexpr const auto& kIndices = kTripleIndices<hwy::MakeUnsigned<T>>;
    hn::StoreU(Select(d, v, kIndices.store[0]), d, to);
    hn::StoreU(Select(d, v, kIndices.store[1]), d, to + kLanes);
    hn::StoreU(Select(d, v, kIndices.store[2]), d, to + 2 * kLanes);
    return;
  }
#elif HWY_TARGET == HWY_AVX2
  if constexpr (sizeof(T) == 1) {
    StoreByteTriples(v, to);
    return;
  }
  if constexpr (hwy::IsFloat<T>()) {
    StoreFloatTriples(v, to);
    return;
  }
#endif
  hn::StoreInterleaved3(v.first, v.second, v.third, d, to);
}

}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // IMAGEADAPT_KERNELS_TRIPLES_INL_H_
