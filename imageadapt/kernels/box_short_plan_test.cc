#include "imageadapt/kernels/box_short_plan.h"

#include <gtest/gtest.h>

namespace imageadapt {
namespace {

// What HalvedRemainders relies on: for numbers up to the largest there are, the
// quotient of their quarters, rounded down by as much as can be, leaves no less
// than nothing, and no more than fits in 16 bits and one correction.
TEST(BoxShortPlanTest, QuotientsOfQuartersAreRightOrOneLess) {
  for (uint32_t width = 3; width <= kWidestHalves; width += 2) {
    for (uint32_t height = 1; height <= kTallestShort; height += 2) {
      const WindowSize window = {width, height};
      if (!AnyShortStateFits(window) ||
          ShortStateFor(window) != ShortState::kHalves) {
        continue;
      }
      BoxCount count = {.count = width * height};
      count.half = count.count / 2;
      count.whole = WholeCounts(width, count.count);
      const HalvesDivision division = MakeHalvesDivision(width, count, count);
      const uint32_t carried = count.whole * count.count;
      ASSERT_LE(division.first_growth + division.second_growth, 0U);
      const uint32_t most = count.count - 1 + 256 * width + carried;
      ASSERT_LT(most / 4, 65536U);
      // More than 12 lost would make quarters negative.
      ASSERT_GE(carried, 255 * width + 12);
      const auto check = [&](uint32_t n) {
        if (n < 12 || n > most) return;
        for (const uint32_t lost : {0U, 12U}) {
          const uint32_t quarters = (n - lost) / 4;
          const uint32_t quotient =
              quarters * division.multiplier >> 16 >> division.shift;
          ASSERT_LE(quotient * count.count, n) << width << " x " << height;
          ASSERT_LT(n - quotient * count.count, count.count + kHalvesSlack)
              << width << " x " << height << ": " << n;
        }
      };
      for (uint32_t multiple = 0; multiple <= most; multiple += count.count) {
        for (uint32_t off = 0; off < 40; ++off) {
          check(multiple + off);
          check(multiple - off);
        }
      }
      check(most);
      if (::testing::Test::HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace imageadapt
