// Against the definitions in the header, on every kind of processor.
#include "imageadapt/kernels/hsv.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
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

uint32_t Below(uint32_t end, std::mt19937& random) {
  return static_cast<uint32_t>(random() % end);
}

template <typename T>
using Pixel = std::array<T, 3>;

int64_t FloorDivide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);  // b > 0
}

template <typename T>
Pixel<T> ExpectedHsv(const Pixel<T>& rgb) {
  constexpr int64_t kMax = std::numeric_limits<T>::max();
  constexpr int64_t kSteps = kMax + 1;
  const int64_t r = rgb[0];
  const int64_t g = rgb[1];
  const int64_t b = rgb[2];
  const int64_t max = std::max({r, g, b});
  const int64_t delta = max - std::min({r, g, b});
  if (max == 0) return {};
  int64_t hue = 0;
  if (delta != 0) {
    const int64_t h = max == r   ? g - b
                      : max == g ? b - r + 2 * delta
                                 : r - g + 4 * delta;
    hue = FloorDivide(kSteps * h + 3 * delta, 6 * delta);
    if (hue < 0) hue += kSteps;
    if (hue >= kSteps) hue -= kSteps;
  }
  return {static_cast<T>(hue),
          static_cast<T>((2 * kMax * delta + max) / (2 * max)),
          static_cast<T>(max)};
}

template <typename T>
Pixel<T> ExpectedRgb(const Pixel<T>& hsv) {
  constexpr int64_t kMax = std::numeric_limits<T>::max();
  constexpr int64_t kSteps = kMax + 1;
  const int64_t h = hsv[0];
  const auto channel = [&](int64_t unclamped) {
    const int64_t k = std::clamp<int64_t>(unclamped, 0, kSteps);
    const int64_t one = kMax * kSteps;
    return static_cast<T>((2 * hsv[2] * (one - hsv[1] * k) + one) / (2 * one));
  };
  return {channel(2 * kSteps - std::abs(6 * h - 3 * kSteps)),
          channel(std::abs(6 * h - 2 * kSteps) - kSteps),
          channel(std::abs(6 * h - 4 * kSteps) - kSteps)};
}

template <typename T>
ImageView<T> OneRow(std::vector<T>& samples) {
  return {samples.data(),
          {.width = static_cast<uint32_t>(samples.size() / 3),
           .height = 1,
           .channels = 3},
          samples.size()};
}

template <typename T, class Expected, class Convert>
void CheckAll(const std::vector<T>& samples, const Expected& expected,
              const Convert& convert) {
  std::vector<T> source = samples;
  std::vector<T> wanted(samples.size());
  for (size_t i = 0; i < samples.size(); i += 3) {
    const Pixel<T> pixel =
        expected(Pixel<T>{samples[i], samples[i + 1], samples[i + 2]});
    std::copy(pixel.begin(), pixel.end(), &wanted[i]);
  }
  OnEveryTarget([&] {
    std::vector<T> result(samples.size());
    convert(ImageView<const T>(OneRow(source)), OneRow(result));
    const auto difference =
        std::mismatch(result.begin(), result.end(), wanted.begin());
    if (difference.first == result.end()) return;
    const auto i = static_cast<size_t>(difference.first - result.begin());
    const size_t p = i / 3 * 3;
    ADD_FAILURE() << "of " << +samples[p] << ", " << +samples[p + 1] << ", "
                  << +samples[p + 2] << " channel " << i % 3 << " is "
                  << +*difference.first << ", not " << +*difference.second;
  });
}

// Every pixel there is.
std::vector<uint8_t> AllBytes() {
  std::vector<uint8_t> samples;
  samples.reserve(3U << 24);
  for (uint32_t i = 0; i < 1U << 24; ++i) {
    samples.push_back(static_cast<uint8_t>(i));
    samples.push_back(static_cast<uint8_t>(i >> 8));
    samples.push_back(static_cast<uint8_t>(i >> 16));
  }
  return samples;
}

TEST(HsvTest, EveryColourOfBytesIsConvertedExactly) {
  CheckAll(AllBytes(), ExpectedHsv<uint8_t>, RgbToHsv<uint8_t>);
}

TEST(HsvTest, EveryHueOfBytesIsConvertedExactly) {
  CheckAll(AllBytes(), ExpectedRgb<uint8_t>, HsvToRgb<uint8_t>);
}

// Random pixels: dark ones, ones near grey and ones at the ends too.
std::vector<uint16_t> ManyWords() {
  std::mt19937 random(4);
  std::vector<uint16_t> samples;
  for (int i = 0; i < 2'000'000; ++i) {
    const uint32_t bits = 1 + Below(16, random);
    const uint32_t base = Below(65537 - (1U << bits), random);
    for (int c = 0; c < 3; ++c) {
      samples.push_back(
          static_cast<uint16_t>(base + Below(1U << bits, random)));
    }
  }
  return samples;
}

// Every triple of values near 0, the middles, the thirds and the ends.
std::vector<uint16_t> EdgesOfWords() {
  std::vector<uint16_t> edges;
  for (const int middle :
       {0, 1 << 8, 10923, 21845, 32768, 43691, 54613, 65535}) {
    for (int offset = -4; offset <= 4; ++offset) {
      const int value = middle + offset;
      if (value >= 0 && value <= 65535) {
        edges.push_back(static_cast<uint16_t>(value));
      }
    }
  }
  std::vector<uint16_t> samples;
  for (const uint16_t a : edges) {
    for (const uint16_t b : edges) {
      for (const uint16_t c : edges) samples.insert(samples.end(), {a, b, c});
    }
  }
  return samples;
}

// Pixels whose hue or saturation lies next to halfway between two steps.
std::vector<uint16_t> NearlyHalfway() {
  std::mt19937 random(5);
  std::vector<uint16_t> samples;
  for (int i = 0; i < 1'000'000; ++i) {
    const uint32_t max = 1 + Below(65535, random);
    // The difference of which the saturation is nearest to step + 1/2.
    const uint32_t step = Below(65535, random);
    const auto delta = static_cast<uint32_t>(std::min<uint64_t>(
        (uint64_t{2} * step + 1) * max / (2 * 65535) + Below(2, random), max));
    const uint32_t sixth = Below(10923, random);
    const auto y = static_cast<uint32_t>(std::min<uint64_t>(
        (uint64_t{2} * sixth + 1) * 3 * delta / 65536 + Below(2, random),
        delta));
    std::array<uint32_t, 3> pixel = {max, max - delta, max - delta + y};
    std::shuffle(pixel.begin(), pixel.end(), random);
    for (const uint32_t sample : pixel) {
      samples.push_back(static_cast<uint16_t>(sample));
    }
  }
  return samples;
}

TEST(HsvTest, ColoursOfWordsAreConvertedExactly) {
  for (const auto& samples : {ManyWords(), EdgesOfWords(), NearlyHalfway()}) {
    CheckAll(samples, ExpectedHsv<uint16_t>, RgbToHsv<uint16_t>);
    CheckAll(samples, ExpectedRgb<uint16_t>, HsvToRgb<uint16_t>);
  }
}

// Every quotient of two bytes' differences is one of words' too: all hues of
// small differences, and all saturations of small values.
TEST(HsvTest, AllSmallWordsAreConvertedExactly) {
  std::vector<uint16_t> samples;
  for (uint32_t y = 0; y < 400; ++y) {
    for (uint32_t delta = y; delta < 400; ++delta) {
      const auto high = static_cast<uint16_t>(65535 - y);
      samples.insert(samples.end(),
                     {high, 65535, static_cast<uint16_t>(65535 - delta)});
      samples.insert(samples.end(), {static_cast<uint16_t>(y),
                                     static_cast<uint16_t>(delta), 0});
      samples.insert(samples.end(), {static_cast<uint16_t>(delta), 0,
                                     static_cast<uint16_t>(y)});
    }
  }
  CheckAll(samples, ExpectedHsv<uint16_t>, RgbToHsv<uint16_t>);
}

// The nearest float of what the header says in real numbers.
Pixel<double> ExactHsv(const Pixel<float>& rgb) {
  const double r = rgb[0];
  const double g = rgb[1];
  const double b = rgb[2];
  const double max = std::max({r, g, b});
  const double delta = max - std::min({r, g, b});
  double hue = 0;
  if (delta != 0) {
    hue = 60 * (max == r   ? (g - b) / delta
                : max == g ? (b - r) / delta + 2
                           : (r - g) / delta + 4);
    if (hue < 0) hue += 360;
  }
  return {hue, max == 0 ? 0 : delta / max, max};
}

Pixel<double> ExactRgb(const Pixel<float>& hsv) {
  const double h = hsv[0] - 360 * std::floor(hsv[0] / 360.0);
  const auto channel = [&](double degrees) {
    const double k = std::clamp(degrees / 60, 0.0, 1.0);
    return hsv[2] * (1 - hsv[1] * k);
  };
  return {channel(120 - std::abs(h - 180)), channel(std::abs(h - 120) - 60),
          channel(std::abs(h - 240) - 60)};
}

TEST(HsvTest, FloatColoursAreNearlyExactAndTheSameEverywhere) {
  std::mt19937 random(6);
  std::vector<float> samples;
  const float scales[] = {1, -1, 255, 1e-30F, 3e37F};
  for (int i = 0; i < 100'000; ++i) {
    const float scale = scales[Below(5, random)];
    for (int c = 0; c < 3; ++c) {
      const uint32_t sample =
          Below(4, random) == 0 ? Below(5, random) : Below(100'003, random);
      samples.push_back(scale * (static_cast<float>(sample) / 100'003));
    }
  }
  std::vector<float> first;
  OnEveryTarget([&] {
    std::vector<float> result(samples.size());
    RgbToHsv(ImageView<const float>(OneRow(samples)), OneRow(result));
    for (size_t i = 0; i < samples.size(); i += 3) {
      const Pixel<double> exact =
          ExactHsv({samples[i], samples[i + 1], samples[i + 2]});
      ASSERT_GE(result[i], 0);
      ASSERT_LT(result[i], 360);
      const double turned = std::abs(result[i] - exact[0]);
      ASSERT_LE(std::min(turned, 360 - turned), 6e-5) << i;
      ASSERT_NEAR(result[i + 1], exact[1], 3e-7 * std::abs(exact[1])) << i;
      ASSERT_EQ(result[i + 2], exact[2]) << i;
    }
    if (first.empty()) first = result;
    ASSERT_EQ(
        std::memcmp(first.data(), result.data(), result.size() * sizeof(float)),
        0);
  });
}

TEST(HsvTest, FloatHuesAreNearlyExact) {
  std::mt19937 random(7);
  std::vector<float> samples;
  const float turns[] = {0, 0, 0, -1, 1, 1000};
  for (int i = 0; i < 100'000; ++i) {
    const auto hue = static_cast<float>(Below(4, random) == 0
                                            ? Below(13, random) * 30
                                            : Below(360'000, random) / 1000.0);
    samples.push_back(hue + 360 * turns[Below(6, random)]);
    samples.push_back(static_cast<float>(Below(1001, random)) / 1000);
    samples.push_back(static_cast<float>(Below(100'003, random)) / 1000 - 20);
  }
  std::vector<float> first;
  OnEveryTarget([&] {
    std::vector<float> result(samples.size());
    HsvToRgb(ImageView<const float>(OneRow(samples)), OneRow(result));
    if (first.empty()) first = result;
    for (size_t i = 0; i < samples.size(); ++i) {
      const size_t p = i / 3 * 3;
      const Pixel<double> exact =
          ExactRgb({samples[p], samples[p + 1], samples[p + 2]});
      ASSERT_NEAR(result[i], exact[i % 3],
                  std::ldexp(std::abs(samples[p + 2]), -20))
          << samples[p] << " " << samples[p + 1] << " " << samples[p + 2];
      ASSERT_NEAR(result[i], first[i],
                  std::ldexp(std::abs(samples[p + 2]), -21));
    }
  });
}

TEST(HsvTest, FloatColoursComeBack) {
  std::mt19937 random(8);
  std::vector<float> samples(30'000);
  for (float& sample : samples) {
    sample = static_cast<float>(Below(2001, random)) / 1000 - 1;
  }
  OnEveryTarget([&] {
    std::vector<float> result = samples;
    RgbToHsv(ImageView<const float>(OneRow(result)), OneRow(result));
    HsvToRgb(ImageView<const float>(OneRow(result)), OneRow(result));
    for (size_t i = 0; i < samples.size(); ++i) {
      if (*std::max_element(&samples[i / 3 * 3], &samples[i / 3 * 3] + 3) ==
          0) {
        continue;
      }
      ASSERT_NEAR(result[i], samples[i], 3e-6) << i;
    }
  });
}

// Whichever samples are not finite, and those that are near the limits.
TEST(HsvTest, WhatHasNoColourIsNaN) {
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  constexpr float kBig = std::numeric_limits<float>::max();
  constexpr float kTiny = std::numeric_limits<float>::denorm_min();
  const float values[] = {0,      -0.0F,      1,     -1,     0.5,   kNaN,
                          -kNaN,  kInf,       -kInf, kBig,   -kBig, kTiny,
                          -kTiny, 359.99997F, 360,   -1e-9F, 2e7F};
  std::vector<float> samples;
  for (const float a : values) {
    for (const float b : values) {
      for (const float c : values) samples.insert(samples.end(), {a, b, c});
    }
  }
  std::vector<float> first;
  OnEveryTarget([&] {
    std::vector<float> hsv(samples.size());
    std::vector<float> rgb(samples.size());
    RgbToHsv(ImageView<const float>(OneRow(samples)), OneRow(hsv));
    HsvToRgb(ImageView<const float>(OneRow(samples)), OneRow(rgb));
    for (size_t i = 0; i < samples.size(); i += 3) {
      const float* const p = &samples[i];
      const bool finite =
          std::isfinite(p[0]) && std::isfinite(p[1]) && std::isfinite(p[2]);
      const bool has_delta = std::isfinite(std::max({p[0], p[1], p[2]}) -
                                           std::min({p[0], p[1], p[2]}));
      for (size_t c = 0; c < 3; ++c) {
        ASSERT_EQ(std::isnan(hsv[i + c]), !finite || !has_delta)
            << p[0] << " " << p[1] << " " << p[2];
        ASSERT_EQ(std::isnan(rgb[i + c]),
                  !finite || !std::isfinite(p[1] * p[2]))
            << p[0] << " " << p[1] << " " << p[2];
      }
      if (std::isnan(hsv[i])) continue;
      ASSERT_TRUE(hsv[i] >= 0 && hsv[i] < 360);
    }
    if (first.empty()) first = hsv;
    ASSERT_EQ(std::memcmp(first.data(), hsv.data(), hsv.size() * sizeof(float)),
              0);
  });
}

template <typename T>
T AnySample(std::mt19937& random) {
  if constexpr (std::is_same_v<T, float>) {
    return static_cast<float>(Below(1000, random)) / 999;
  } else {
    return static_cast<T>(random());
  }
}

// A pixel anywhere in an image becomes what it becomes alone; the fourth
// channel and the padding stay as they are.
template <typename T, class Convert>
void CheckLayout(const ImageShape& shape, size_t padding, bool in_place,
                 bool guards_end, const Convert& convert,
                 std::mt19937& random) {
  const size_t stride = RowSamples(shape) + padding;
  const size_t size = stride * shape.height - padding;
  const GuardedBytes from(size * sizeof(T), guards_end);
  const GuardedBytes to(size * sizeof(T), guards_end);
  auto* const source = reinterpret_cast<T*>(from.data());
  auto* const target = in_place ? source : reinterpret_cast<T*>(to.data());
  for (size_t i = 0; i < size; ++i) source[i] = AnySample<T>(random);
  std::vector<T> expected(source, source + size);
  if (!in_place) std::fill(expected.begin(), expected.end(), T{77});
  if (!in_place) std::fill(target, target + size, T{77});
  for (size_t y = 0; y < shape.height; ++y) {
    for (size_t x = 0; x < shape.width; ++x) {
      const size_t at = y * stride + x * shape.channels;
      std::vector<T> pixel(source + at, source + at + 3);
      std::vector<T> result(3);
      convert(ImageView<const T>(OneRow(pixel)), OneRow(result));
      std::copy(result.begin(), result.end(), &expected[at]);
      if (shape.channels == 4) expected[at + 3] = source[at + 3];
    }
  }
  convert(ImageView<const T>(source, shape, stride),
          ImageView<T>(target, shape, stride));
  ASSERT_EQ(std::memcmp(target, expected.data(), size * sizeof(T)), 0)
      << shape.width << " x " << shape.height << " x " << shape.channels
      << " of " << sizeof(T) << " bytes, padding " << padding;
}

TEST(HsvTest, EveryLayout) {
  OnEveryTarget([] {
    std::mt19937 random(9);
    for (uint32_t width = 1; width <= 140; width += width < 70 ? 1 : 9) {
      for (const uint32_t channels : {3U, 4U}) {
        const ImageShape shape = {
            .width = width, .height = 1 + width % 3, .channels = channels};
        const size_t padding = width % 2 * 5;
        const bool guards_end = width / 2 % 2 == 0;
        for (const bool in_place : {false, true}) {
          const auto check = [&]<typename T>(T /*sample*/) {
            CheckLayout<T>(shape, padding, in_place, guards_end, RgbToHsv<T>,
                           random);
            CheckLayout<T>(shape, padding, in_place, guards_end, HsvToRgb<T>,
                           random);
          };
          check(uint8_t{});
          check(uint16_t{});
          check(float{});
        }
      }
    }
  });
}

}  // namespace
}  // namespace imageadapt
