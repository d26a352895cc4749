#include "imageadapt/kernels/box_short_plan.h"

#include <gtest/gtest.h>

namespace imageadapt {
namespace {

BoxCount CountOf(uint32_t width, uint32_t rows, bool rounds) {
  BoxCount count = {.count = width * rows};
  count.half = rounds ? count.count / 2 : 0;
  count.whole = WholeCounts(width, count.count);
  return count;
}

// Where windows of `was` are followed by those of `now`: for all that a
// remainder and a step can come to, the quotient of the quarters, rounded down
// by as much as can be, leaves no less than nothing, and no more than fits in
// 16 bits and one correction.
void CheckQuotients(uint32_t width, const BoxCount& was, const BoxCount& now) {
  const HalvesDivision division = MakeHalvesDivision(width, was, now);
  ASSERT_EQ(division.first_growth + division.second_growth,
            now.count - was.count);
  const int64_t added =
      int64_t{now.whole} * now.count + now.half - int64_t{was.half};
  const int64_t step = 255 * int64_t{width};
  // More than 12 lost would make quarters negative.
  ASSERT_GE(added - step, 12);
  const auto least = static_cast<uint32_t>(added - step);
  const auto most = static_cast<uint32_t>(added + step + was.count - 1);
  ASSERT_LT(most / 4, 65536U);
  const auto check = [&](uint32_t n) {
    if (n < least || n > most) return;
    for (const uint32_t lost : {0U, 12U}) {
      const uint32_t quarters = (n - lost) / 4;
      const uint32_t quotient =
          quarters * division.multiplier >> 16 >> division.shift;
      ASSERT_LE(quotient * now.count, n);
      ASSERT_LT(n - quotient * now.count, now.count + kHalvesSlack) << n;
    }
  };
  for (uint32_t multiple = 0; multiple <= most; multiple += now.count) {
    for (uint32_t off = 0; off < 20; ++off) {
      check(multiple + off);
      check(multiple - off);
    }
  }
  check(least);
  check(most);
}

// What HalvedRemainders relies on, also where windows lose rows at the top and
// at the bottom of an image.
TEST(BoxShortPlanTest, QuotientsOfQuartersAreRightOrOneLess) {
  for (uint32_t width = 3; width <= kWidestHalves; width += 2) {
    for (uint32_t height = 1; height <= kTallestShort; height += 2) {
      const WindowSize window = {width, height};
      if (!AnyShortStateFits(window) ||
          ShortStateFor(window) != ShortState::kHalves) {
        continue;
      }
      // Taller windows have the counts of lower ones, too.
      const bool is_tallest =
          height + 2 > kTallestShort || !AnyShortStateFits({width, height + 2});
      if (!is_tallest) continue;
      for (uint32_t rows = 1; rows <= height; ++rows) {
        for (uint32_t before : {rows - 1, rows, rows + 1}) {
          if (before < 1 || before > height) continue;
          for (const bool rounds : {false, true}) {
            CheckQuotients(width, CountOf(width, before, rounds),
                           CountOf(width, rows, rounds));
            ASSERT_FALSE(::testing::Test::HasFatalFailure())
                << width << " x " << before << ", " << rows;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace imageadapt
