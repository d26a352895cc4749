#include "imageadapt/kernels/luma.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/guarded_bytes.h"

namespace imageadapt {
namespace {

using testing::GuardedBytes;
using testing::OnEveryTarget;

uint8_t Expected(uint8_t r, uint8_t g, uint8_t b) {
  return static_cast<uint8_t>((19595 * r + 38470 * g + 7471 * b + 32768) >> 16);
}

uint16_t Expected(uint16_t r, uint16_t g, uint16_t b) {
  const uint64_t low =
      (uint64_t{17302} * r + uint64_t{41419} * g + uint64_t{6815} * b) >> 16;
  return static_cast<uint16_t>((uint64_t{19595} * r + uint64_t{38469} * g +
                                uint64_t{7471} * b + low + 32768) >>
                               16);
}

double Exact(double r, double g, double b) {
  return (299 * r + 587 * g + 114 * b) / 1000;
}

template <typename T>
std::vector<T> Converted(const std::vector<T>& colours) {
  const auto width = static_cast<uint32_t>(colours.size() / 3);
  std::vector<T> greys(width);
  Grayscale(ImageView<const T>(colours.data(),
                               {.width = width, .height = 1, .channels = 3},
                               colours.size()),
            ImageView<T>(greys.data(),
                         {.width = width, .height = 1, .channels = 1}, width));
  return greys;
}

template <typename T>
void CheckIntegers(const std::vector<T>& colours, double largest_error) {
  OnEveryTarget([&] {
    const std::vector<T> greys = Converted(colours);
    for (size_t i = 0; i < greys.size(); ++i) {
      const T r = colours[3 * i];
      const T g = colours[3 * i + 1];
      const T b = colours[3 * i + 2];
      ASSERT_EQ(greys[i], Expected(r, g, b)) << r << " " << g << " " << b;
      ASSERT_LE(std::abs(greys[i] - Exact(r, g, b)), largest_error);
    }
  });
}

TEST(GrayscaleTest, EveryColourOfBytes) {
  std::vector<uint8_t> colours;
  colours.reserve(3U << 24);
  for (uint32_t i = 0; i < 1U << 24; ++i) {
    for (int shift = 0; shift < 24; shift += 8) {
      colours.push_back(static_cast<uint8_t>(i >> shift));
    }
  }
  CheckIntegers(colours, 0.5 + 1.0 / 600);
}

TEST(GrayscaleTest, ColoursOfWords) {
  std::mt19937 random(1);
  std::vector<uint16_t> colours = {0, 0, 0, 65535, 65535, 65535};
  for (int i = 0; i < 1'000'000; ++i) {
    const int shift = i % 8;
    for (int c = 0; c < 3; ++c) {
      const auto sample = static_cast<uint16_t>((random() & 0xffff) >> shift);
      colours.push_back(i % 3 == 0 ? static_cast<uint16_t>(~sample) : sample);
    }
  }
  CheckIntegers(colours, 0.5 + 1.0 / 32768);
}

TEST(GrayscaleTest, GreyStaysGrey) {
  std::vector<uint16_t> colours;
  for (uint32_t i = 0; i < 65536; ++i) {
    colours.insert(colours.end(), 3, static_cast<uint16_t>(i));
  }
  OnEveryTarget([&] {
    const std::vector<uint16_t> greys = Converted(colours);
    for (size_t i = 0; i < greys.size(); ++i) ASSERT_EQ(greys[i], i);
  });
}

TEST(GrayscaleTest, FloatIsNearlyExact) {
  std::mt19937 random(2);
  std::vector<float> colours(30'000);
  for (float& sample : colours) {
    sample = static_cast<float>(static_cast<double>(random()) / 1e9 - 2);
  }
  OnEveryTarget([&] {
    const std::vector<float> greys = Converted(colours);
    for (size_t i = 0; i < greys.size(); ++i) {
      const float* const p = &colours[3 * i];
      ASSERT_NEAR(
          greys[i], Exact(p[0], p[1], p[2]),
          std::ldexp(Exact(std::abs(p[0]), std::abs(p[1]), std::abs(p[2])),
                     -22));
    }
    constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
    constexpr float kInf = std::numeric_limits<float>::infinity();
    const std::vector<float> special =
        Converted<float>({kNaN, 0, 0, 0, kInf, 1, 1, kInf, -kInf, 1, 1, 1});
    EXPECT_TRUE(std::isnan(special[0]));
    EXPECT_EQ(special[1], kInf);
    EXPECT_TRUE(std::isnan(special[2]));
    EXPECT_NEAR(special[3], 1, 1e-6);
  });
}

// A pixel anywhere in an image becomes what it becomes alone; the last of four
// channels is copied, and padding stays as it is.
template <typename T>
void CheckLayout(const ImageShape& shape, size_t padding, bool guards_end,
                 std::mt19937& random) {
  ImageShape grey = shape;
  if (shape.channels >= 3) grey.channels = shape.channels - 2;
  const size_t from_stride = RowSamples(shape) + padding;
  const size_t to_stride = RowSamples(grey) + padding;
  const size_t from_size = from_stride * shape.height - padding;
  const size_t to_size = to_stride * shape.height - padding;
  const GuardedBytes from(from_size * sizeof(T), guards_end);
  const GuardedBytes to(to_size * sizeof(T), guards_end);
  auto* const source = reinterpret_cast<T*>(from.data());
  auto* const target = reinterpret_cast<T*>(to.data());
  for (size_t i = 0; i < from_size; ++i) {
    source[i] = static_cast<T>(random() & 0xff);
  }
  std::fill(target, target + to_size, T{77});
  std::vector<T> expected(target, target + to_size);
  for (size_t y = 0; y < shape.height; ++y) {
    for (size_t x = 0; x < shape.width; ++x) {
      const T* const pixel = source + y * from_stride + x * shape.channels;
      T* const result = &expected[y * to_stride + x * grey.channels];
      result[0] = shape.channels < 3
                      ? pixel[0]
                      : Converted<T>({pixel[0], pixel[1], pixel[2]})[0];
      if (grey.channels == 2) result[1] = pixel[shape.channels - 1];
    }
  }
  Grayscale(ImageView<const T>(source, shape, from_stride),
            ImageView<T>(target, grey, to_stride));
  ASSERT_EQ(std::memcmp(target, expected.data(), to_size * sizeof(T)), 0)
      << shape.width << " x " << shape.height << " x " << shape.channels
      << " of " << sizeof(T) << " bytes, padding " << padding;
}

TEST(GrayscaleTest, EveryLayout) {
  OnEveryTarget([] {
    std::mt19937 random(3);
    for (uint32_t width = 1; width <= 140; width += width < 70 ? 1 : 9) {
      for (uint32_t channels = 1; channels <= 4; ++channels) {
        const ImageShape shape = {
            .width = width, .height = 1 + width % 3, .channels = channels};
        const bool guards_end = width / 2 % 2 == 0;
        const auto check = [&]<typename T>(T /*sample*/) {
          CheckLayout<T>(shape, width % 2 * 5, guards_end, random);
        };
        check(uint8_t{});
        check(uint16_t{});
        check(float{});
      }
    }
  });
}

}  // namespace
}  // namespace imageadapt
