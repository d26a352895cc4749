// Running sums along a row, compiled for each target.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

// Included once for each target, as Highway's own *-inl.h files are.
#if defined(IMAGEADAPT_KERNELS_BOX_SCAN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGEADAPT_KERNELS_BOX_SCAN_INL_H_
#undef IMAGEADAPT_KERNELS_BOX_SCAN_INL_H_
#else
#define IMAGEADAPT_KERNELS_BOX_SCAN_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

template <typename L, size_t kChannels>
class RunningSums {
 public:
  using Tag = hn::ScalableTag<L>;
  using Vec = hn::Vec<Tag>;

  void Clear() {
    for (L& sum : so_far_) sum = 0;
  }

  void Next(Vec* first, Vec* second) {
    Next(first);
    Next(second);
  }

 private:
  void Next(Vec* sample) {
    so_far_[channel_] =
        static_cast<L>(so_far_[channel_] + hn::GetLane(*sample));
    *sample = hn::Set(Tag(), so_far_[channel_]);
    channel_ = (channel_ + 1) % kChannels;
  }

  L so_far_[kChannels] = {};
  size_t channel_ = 0;
};

#else

// Sums of each channel's samples up to every place of a row, modulo 2^16 or
// 2^32: sums of windows are differences of two, and right if they fit.
//
// Within a vector by doubling (Hillis and Steele, "Data parallel algorithms",
// 1986), in registers. What a vector adds to those behind it is kept apart from
// its own sums, so that each two vectors wait for one shuffle and one addition
// only.
template <typename L, size_t kChannels>
class RunningSums {
 public:
  using Tag = hn::ScalableTag<L>;
  using Vec = hn::Vec<Tag>;
  static constexpr size_t kLanes = hn::MaxLanes(Tag());

  RunningSums() {
    Clear();
    HWY_ALIGN L places[kLanes];
    const auto set = [&](auto&& place) HWY_ATTR {
      for (size_t i = 0; i < kLanes; ++i) places[i] = static_cast<L>(place(i));
      return hn::Load(Tag(), places);
    };
#if HWY_TARGET <= HWY_AVX3
    for (size_t k = 0; k < kSteps; ++k) {
      steps_[k] = set([&](size_t i) { return i - (kChannels << k); });
    }
    last_ = set([](size_t i) { return kLanes - kChannels + i % kChannels; });
    turn_ = set([](size_t i) { return (i + kLanes) % kChannels; });
    turn_twice_ = set([](size_t i) { return (i + 2 * kLanes) % kChannels; });
#else
    // Of bytes, within blocks.
    const auto in_blocks = [&](auto&& place) HWY_ATTR {
      return set([&](size_t i) {
        const size_t byte = place(i) * sizeof(L);
        size_t bytes = 0;
        for (size_t k = 0; k < sizeof(L); ++k) bytes |= (byte + k) << (8 * k);
        return bytes;
      });
    };
    constexpr size_t kFirst = kBlockLanes - kChannels;
    across_ = in_blocks(
        [](size_t i) { return kFirst + i % kBlockLanes % kChannels; });
    last_ = in_blocks([](size_t i) { return kFirst + i % kChannels; });
    turn_ = in_blocks(
        [](size_t i) { return (i % kBlockLanes + kLanes) % kChannels; });
    turn_twice_ = in_blocks(
        [](size_t i) { return (i % kBlockLanes + 2 * kLanes) % kChannels; });
#endif
  }

  // At the beginning of a row.
  void Clear() { so_far_ = hn::Zero(Tag()); }

  // Two vectors, one behind the other, become the sums up to each place.
  HWY_INLINE void Next(Vec* first, Vec* second) {
    const Vec sums = Within(*first);
    const Vec more = hn::Add(Within(*second), Last(sums));
    *first = hn::Add(sums, so_far_);
    *second = hn::Add(more, Turned(so_far_, turn_));
    so_far_ = hn::Add(Last(more), Turned(so_far_, turn_twice_));
  }

 private:
  static constexpr size_t kBlockLanes = 16 / sizeof(L);

#if HWY_TARGET <= HWY_AVX3

  static constexpr size_t StepCount() {
    size_t count = 0;
    while (kChannels << count < kLanes) ++count;
    return count;
  }
  static constexpr size_t kSteps = StepCount();

  static HWY_INLINE Vec Permuted(Vec v, Vec places) {
    if constexpr (sizeof(L) == 2) {
      return Vec{_mm512_permutexvar_epi16(places.raw, v.raw)};
    } else {
      return Vec{_mm512_permutexvar_epi32(places.raw, v.raw)};
    }
  }

  // Zero where `places` are negative.
  template <size_t kBy>
  static HWY_INLINE Vec MovedUp(Vec v, Vec places) {
    if constexpr (sizeof(L) == 2) {
      constexpr auto kMask = static_cast<__mmask32>(~uint64_t{0} << kBy);
      return Vec{_mm512_maskz_permutexvar_epi16(kMask, places.raw, v.raw)};
    } else {
      constexpr auto kMask = static_cast<__mmask16>(~uint64_t{0} << kBy);
      return Vec{_mm512_maskz_permutexvar_epi32(kMask, places.raw, v.raw)};
    }
  }

  template <size_t kStep = 0>
  HWY_INLINE Vec Within(Vec v) const {
    if constexpr (kStep == kSteps) {
      return v;
    } else {
      return Within<kStep + 1>(
          hn::Add(v, MovedUp<(kChannels << kStep)>(v, steps_[kStep])));
    }
  }

  // The sums at the end of `sums`, as those behind it need them.
  HWY_INLINE Vec Last(Vec sums) const { return Permuted(sums, last_); }

  // A vector of one number for each channel, as `by` places further on.
  static HWY_INLINE Vec Turned(Vec v, Vec by) {
    if constexpr (kLanes % kChannels == 0) return v;
    return Permuted(v, by);
  }

  Vec steps_[kSteps];

#else

  static_assert(kLanes <= 2 * kBlockLanes);

  template <size_t kBy = kChannels>
  static HWY_INLINE Vec WithinBlocks(Vec v) {
    if constexpr (kBy >= kBlockLanes) {
      return v;
    } else {
      constexpr int kBytes = static_cast<int>(kBy * sizeof(L));
      const hn::Repartition<uint8_t, Tag> bytes;
      const auto moved = hn::ShiftLeftBytes<kBytes>(hn::BitCast(bytes, v));
      return WithinBlocks<2 * kBy>(hn::Add(v, hn::BitCast(Tag(), moved)));
    }
  }

  HWY_INLINE Vec Within(Vec v) const {
    v = WithinBlocks(v);
#if HWY_TARGET <= HWY_AVX2
    const Tag d;
    const Vec lower = hn::ConcatLowerLower(d, v, hn::Zero(d));
    v = hn::Add(v, hn::TableLookupBytes(lower, across_));
#endif
    return v;
  }

  HWY_INLINE Vec Last(Vec sums) const {
#if HWY_TARGET <= HWY_AVX2
    sums = hn::ConcatUpperUpper(Tag(), sums, sums);
#endif
    return hn::TableLookupBytes(sums, last_);
  }

  static HWY_INLINE Vec Turned(Vec v, Vec by) {
    if constexpr (kLanes % kChannels == 0) return v;
    return hn::TableLookupBytes(v, by);
  }

  Vec across_;

#endif

  Vec so_far_;
  Vec last_;
  Vec turn_;
  Vec turn_twice_;
};

#endif

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // IMAGEADAPT_KERNELS_BOX_SCAN_INL_H_
