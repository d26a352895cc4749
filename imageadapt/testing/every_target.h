// Runs tests on every kind of processor that a machine can act as.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_TESTING_EVERY_TARGET_H_
#define IMAGEADAPT_TESTING_EVERY_TARGET_H_

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstdint>

namespace imageadapt::testing {

#if HWY_ARCH_X86
// A flag that loses a target would have its code untested in silence.
static_assert(HWY_TARGETS == (HWY_SCALAR | HWY_SSE4 | HWY_AVX2 | HWY_AVX3_DL));
#endif

// Calls `work` once for each target that kernels were compiled for and this
// machine has. Users link hwy::hwy.
template <typename Work>
void OnEveryTarget(Work&& work) {
  int count = 0;
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    SCOPED_TRACE(hwy::TargetName(target));
    work();
    ++count;
  }
  hwy::SetSupportedTargetsForTest(0);
  EXPECT_GT(count, 0);
}

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_TESTING_EVERY_TARGET_H_
