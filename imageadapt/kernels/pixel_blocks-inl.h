// What files that move pixels share. For files that are compiled for each
// target.
// SPDX-License-Identifier: Apache-2.0
#if defined(IMAGEADAPT_KERNELS_PIXEL_BLOCKS_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef IMAGEADAPT_KERNELS_PIXEL_BLOCKS_INL_H_
#undef IMAGEADAPT_KERNELS_PIXEL_BLOCKS_INL_H_
#else
#define IMAGEADAPT_KERNELS_PIXEL_BLOCKS_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

inline constexpr size_t kBlockBytes = 16;  // shuffles work within them
inline constexpr size_t kLineBytes = 64;

// Fetches a line that is to be written.
HWY_INLINE void FetchToWrite(const uint8_t* line) {
#if HWY_ARCH_X86
  // The builtin means to read unless a flag says that the machine knows more;
  // those that do not take this for nothing.
  asm volatile("prefetchw %0" : : "m"(*line));
#else
  __builtin_prefetch(line, 1);
#endif
}

}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // IMAGEADAPT_KERNELS_PIXEL_BLOCKS_INL_H_
