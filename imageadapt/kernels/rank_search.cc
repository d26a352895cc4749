#include "imageadapt/kernels/rank_search.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/rank_search.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// The index of the bit of `bits` that has `place` set bits below it.
HWY_INLINE size_t SetBit(uint64_t bits, size_t place) {
#if HWY_TARGET <= HWY_AVX2 && HWY_ARCH_X86_64
  return hwy::Num0BitsBelowLS1Bit_Nonzero64(
      _pdep_u64(uint64_t{1} << place, bits));
#else
  for (; place > 0; --place) bits &= bits - 1;
  return hwy::Num0BitsBelowLS1Bit_Nonzero64(bits);
#endif
}

// Bit i is set if position i lies in the window: where neither coordinate's
// distance from the corner exceeds the farthest.
template <class D, typename P = hn::TFromD<D>>
HWY_INLINE uint64_t Inside(D tag, const P* positions, hn::Vec<D> corner,
                           hn::Vec<D> farthest) {
#if HWY_TARGET == HWY_SCALAR
  constexpr int kHalf = 4 * sizeof(P);
  constexpr P kLow = static_cast<P>((1U << kHalf) - 1);
  const P at = hn::GetLane(hn::LoadU(tag, positions));
  const P from = hn::GetLane(corner);
  const P most = hn::GetLane(farthest);
  const auto x = static_cast<P>((at - from) & kLow);
  const auto y = static_cast<P>(((at >> kHalf) - (from >> kHalf)) & kLow);
  return x <= (most & kLow) && y <= (most >> kHalf);
#else
  using Half = hwy::UnsignedFromSize<sizeof(P) / 2>;
  const hn::Repartition<Half, D> halves;
  const auto distance = hn::Sub(hn::BitCast(halves, hn::LoadU(tag, positions)),
                                hn::BitCast(halves, corner));
  const auto beyond = hn::SaturatedSub(distance, hn::BitCast(halves, farthest));
  const auto inside = hn::Eq(hn::BitCast(tag, beyond), hn::Zero(tag));
  // Read back just the bytes that were written: no wait for the store.
  uint8_t bytes[8];
  hn::StoreMaskBits(tag, inside, bytes);
  constexpr size_t kBytes = (hn::MaxLanes(D()) + 7) / 8;
  hwy::UnsignedFromSize<kBytes> bits = 0;
  hwy::CopyBytes<kBytes>(bytes, &bits);
  return bits;
#endif
}

// The same for 64 positions.
template <class D, typename P = hn::TFromD<D>>
HWY_INLINE uint64_t Inside64(D tag, const P* positions, hn::Vec<D> corner,
                             hn::Vec<D> farthest) {
  uint64_t bits = 0;
  for (size_t i = 0; i < 64; i += hn::MaxLanes(tag)) {
    bits |= Inside(tag, positions + i, corner, farthest) << i;
  }
  return bits;
}

template <typename P, typename T>
HWY_INLINE void Find(const SortedSamples<P, T>& sorted, WindowSize window,
                     uint32_t first_row, std::span<const uint8_t> buckets,
                     std::span<const uint16_t> places, T* HWY_RESTRICT target,
                     size_t step) {
  const hn::ScalableTag<P> d;
  constexpr int kHalf = 4 * sizeof(P);
  const auto pack = [&](size_t x, size_t y) {
    return hn::Set(d, static_cast<P>(x | y << kHalf));
  };
  const auto farthest = pack(window.width - 1, window.height - 1);
  // All positions of a small bucket are looked at without a branch: where the
  // search ends cannot be foreseen. More than twice as fast.
  constexpr size_t kWords = kRankSearchPadding / 64;
  for (size_t x = 0; x < buckets.size(); ++x, target += step) {
    const auto corner = pack(x, first_row);
    size_t at = buckets[x] * sorted.bucket_size;
    size_t place = places[x];
    while (true) {
      uint64_t inside[kWords];
      size_t before[kWords + 1] = {};
      for (size_t i = 0; i < kWords; ++i) {
        inside[i] =
            Inside64(d, sorted.positions + at + i * 64, corner, farthest);
        before[i + 1] = before[i] + hwy::PopCount(inside[i]);
      }
      if (HWY_LIKELY(place < before[kWords])) {
        size_t word = 0;
        for (size_t i = 1; i < kWords; ++i) word += before[i] <= place;
        *target = sorted.samples[at + word * 64 +
                                 SetBit(inside[word], place - before[word])];
        break;
      }
      place -= before[kWords];
      at += kWords * 64;
    }
  }
}

// HWY_EXPORT takes no templates.
#define IMAGEADAPT_FIND(name, P, T)                                           \
  void name(const SortedSamples<P, T>& sorted, WindowSize window, uint32_t y, \
            std::span<const uint8_t> buckets,                                 \
            std::span<const uint16_t> places, T* target, size_t step) {       \
    Find(sorted, window, y, buckets, places, target, step);                   \
  }
IMAGEADAPT_FIND(FindNear16, uint16_t, uint16_t)
IMAGEADAPT_FIND(FindNearFloat, uint16_t, float)
IMAGEADAPT_FIND(FindFar16, uint32_t, uint16_t)
IMAGEADAPT_FIND(FindFarFloat, uint32_t, float)
#undef IMAGEADAPT_FIND

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(FindNear16);
HWY_EXPORT(FindNearFloat);
HWY_EXPORT(FindFar16);
HWY_EXPORT(FindFarFloat);

#define IMAGEADAPT_FIND(name, P, T)                                        \
  template <>                                                              \
  void FindInWindows(const SortedSamples<P, T>& sorted, WindowSize window, \
                     uint32_t y, std::span<const uint8_t> buckets,         \
                     std::span<const uint16_t> places, T* target,          \
                     size_t step) {                                        \
    HWY_DYNAMIC_DISPATCH(name)                                             \
    (sorted, window, y, buckets, places, target, step);                    \
  }
IMAGEADAPT_FIND(FindNear16, uint16_t, uint16_t)
IMAGEADAPT_FIND(FindNearFloat, uint16_t, float)
IMAGEADAPT_FIND(FindFar16, uint32_t, uint16_t)
IMAGEADAPT_FIND(FindFarFloat, uint32_t, float)
#undef IMAGEADAPT_FIND

}  // namespace imageadapt
#endif  // HWY_ONCE
