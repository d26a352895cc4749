#include "imageadapt/kernels/box_division.h"

#include <gtest/gtest.h>

namespace imageadapt {
namespace {

TEST(BoxDivisionTest, IsExactForEveryNumberOf16Bits) {
  for (uint32_t divisor = 1; divisor < 65536;
       divisor += divisor < 300 ? 1 : 331) {
    const Division16 division = MakeDivision16(divisor);
    for (uint32_t n = 0; n < 65536; ++n) {
      ASSERT_EQ(division.Divide(n), n / divisor) << n << " / " << divisor;
    }
  }
}

TEST(BoxDivisionTest, IsExactUpToTheLargestNumber) {
  for (uint32_t divisor = 1; divisor <= 256; ++divisor) {
    const uint32_t largest = 255 * divisor + divisor / 2;
    const Division16 division = MakeDivision16(divisor, largest);
    for (uint32_t n = 0; n <= largest; ++n) {
      ASSERT_EQ(division.Divide(n), n / divisor) << n << " / " << divisor;
    }
  }
}

// Where rounding could go wrong: around multiples of the divisor.
TEST(BoxDivisionTest, IsExactAroundTheMultiplesOfEveryDivisorOf32Bits) {
  const auto check = [](uint32_t divisor, uint32_t quotients, uint32_t step) {
    const Division32 division = MakeDivision32(divisor);
    for (uint32_t quotient = 0; quotient < quotients; quotient += step) {
      const uint32_t n = quotient * divisor;
      ASSERT_EQ(division.Divide(n), quotient) << divisor;
      ASSERT_EQ(division.Divide(n + divisor - 1), quotient) << divisor;
    }
  };
  for (uint32_t divisor = 1; divisor < 1 << 24;
       divisor += divisor < 5000 ? 1 : 1237) {
    check(divisor, 256, 1);
    if (divisor < 1 << 16) check(divisor, 65536, 251);
    if (::testing::Test::HasFatalFailure()) return;
  }
  for (const uint32_t divisor : {65535U, 65025U, 64770U, (1U << 15) + 1,
                                 1U << 15, (1U << 15) - 1, 1U << 14, 2601U}) {
    check(divisor, 65536, 1);
  }
}

}  // namespace
}  // namespace imageadapt
