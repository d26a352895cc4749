#include "imageadapt/kernels/kernel_target.h"

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <cstdint>
#include <string>
#include <vector>

#include "imageadapt/testing/every_target.h"

namespace imageadapt {
namespace {

// Acts as if the processor had no other targets, as long as it lives.
class OnlyThese {
 public:
  explicit OnlyThese(int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
  }
  ~OnlyThese() { hwy::SetSupportedTargetsForTest(0); }
  OnlyThese(const OnlyThese&) = delete;
  OnlyThese& operator=(const OnlyThese&) = delete;
};

TEST(KernelTargetTest, AProcessorThatLacksATargetUsesTheNextBest) {
  const std::vector<int64_t> targets = hwy::SupportedAndGeneratedTargets();
  int64_t others = 0;
  for (const int64_t target : targets) others |= target;
  // The best ones come first.
  for (const int64_t target : targets) {
    const OnlyThese only(others);
    EXPECT_STREQ(KernelTargetName(), hwy::TargetName(target));
    others &= ~target;
  }
}

TEST(KernelTargetTest, TestsNameWhatTheProcessorLacks) {
  for (const int64_t target : hwy::SupportedAndGeneratedTargets()) {
    const OnlyThese only(target);
    std::string expected;
    for (int64_t rest = HWY_TARGETS; rest != 0; rest &= rest - 1) {
      const int64_t each = rest & -rest;
      if (each == target) continue;
      expected += std::string(" ") + hwy::TargetName(each);
    }
    EXPECT_EQ(testing::MissingTargets(), expected);
    EXPECT_NE(expected, "");
  }
}

}  // namespace
}  // namespace imageadapt
