// Runs tests on every kind of processor that a machine can act as.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_TESTING_EVERY_TARGET_H_
#define IMAGEADAPT_TESTING_EVERY_TARGET_H_

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstdint>
#include <cstdio>
#include <string>

namespace imageadapt::testing {

#if HWY_ARCH_X86
// A flag that loses a target would have its code untested in silence.
static_assert(HWY_TARGETS == (HWY_SCALAR | HWY_SSE4 | HWY_AVX2 | HWY_AVX3_DL));
#endif

// The names of targets that kernels were compiled for and this machine lacks,
// each with a space before it.
inline std::string MissingTargets() {
  std::string names;
  const int64_t missing = HWY_TARGETS & ~hwy::SupportedTargets();
  for (int64_t rest = missing; rest != 0; rest &= rest - 1) {
    names += std::string(" ") + hwy::TargetName(rest & -rest);
  }
  return names;
}

// Says once in a program which targets it cannot test.
inline void SayWhatIsMissing() {
  static const bool kSaid = [] {
    const std::string missing = MissingTargets();
    if (!missing.empty()) {
      std::printf("[ NOT HERE ] not tested, this processor lacks:%s\n",
                  missing.c_str());
    }
    return true;
  }();
  static_cast<void>(kSaid);
}

// Calls `work` once for each target that kernels were compiled for and this
// machine has. Users link hwy::hwy.
template <typename Work>
void OnEveryTarget(Work&& work) {
  SayWhatIsMissing();
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
