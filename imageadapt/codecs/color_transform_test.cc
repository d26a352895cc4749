#include "imageadapt/codecs/color_transform.h"

#include <gtest/gtest.h>
#include <lcms2.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "imageadapt/codecs/ink_profile_for_test.h"

namespace imageadapt {
namespace {

using testing::BytesOfProfile;
using testing::InkProfile;

// RGB or grey whose samples are the 2.2nd root of light, or linear.
std::vector<std::byte> Profile(double gamma, bool is_grey) {
  cmsToneCurve* const curve = cmsBuildGamma(nullptr, gamma);
  cmsToneCurve* const curves[] = {curve, curve, curve};
  const cmsCIExyYTRIPLE srgb = {
      {0.64, 0.33, 1}, {0.30, 0.60, 1}, {0.15, 0.06, 1}};
  const cmsCIExyY d65 = {0.3127, 0.3290, 1};
  const cmsHPROFILE profile = is_grey
                                  ? cmsCreateGrayProfile(cmsD50_xyY(), curve)
                                  : cmsCreateRGBProfile(&d65, &srgb, curves);
  cmsFreeToneCurve(curve);
  return BytesOfProfile(profile);
}

double ToSrgbCurve(double light) {
  return light <= 0.0031308 ? 12.92 * light
                            : 1.055 * std::pow(light, 1 / 2.4) - 0.055;
}

ImageSpec Spec(uint32_t channels, SampleType type) {
  return {.shape = {.width = 256, .height = 1, .channels = channels},
          .sample_type = type};
}

template <typename T>
void CheckLinear(uint32_t channels, double scale, double error) {
  const bool is_grey = channels < 3;
  const auto transform = ColorTransform::ToSrgb(
      Profile(1, is_grey), Spec(channels, kSampleTypeOf<T>));
  ASSERT_TRUE(transform.ok()) << transform.status();
  const bool has_alpha = channels % 2 == 0;
  std::vector<T> samples;
  for (uint32_t x = 0; x < 256; ++x) {
    for (uint32_t c = 0; c < channels; ++c) {
      samples.push_back(static_cast<T>(x / 255.0 * scale));
    }
  }
  const std::vector<T> before = samples;
  auto* const bytes = reinterpret_cast<std::byte*>(samples.data());
  (*transform)->Run(bytes, bytes, 256);
  for (size_t i = 0; i < samples.size(); ++i) {
    if (has_alpha && i % channels == channels - 1) {
      ASSERT_EQ(samples[i], before[i]) << "alpha";
    } else {
      ASSERT_NEAR(samples[i] / scale,
                  ToSrgbCurve(static_cast<double>(before[i]) / scale), error)
          << i;
    }
  }
}

TEST(ColorTransformTest, LinearLightGetsTheCurveOfSrgb) {
  for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
    SCOPED_TRACE(channels);
    CheckLinear<uint8_t>(channels, 255, 1.1 / 255);
    CheckLinear<uint16_t>(channels, 65535, 0.001);
    CheckLinear<float>(channels, 1, 0.0005);
  }
}

TEST(ColorTransformTest, WideInksBecomeWideRgb) {
  const auto transform = ColorTransform::InksToSrgb(
      InkProfile(), /*is_inverted=*/false, SampleType::kU16);
  ASSERT_TRUE(transform.ok()) << transform.status();
  const std::array<uint16_t, 8> inks = {0, 0, 0, 0, 0, 32896, 0, 0};
  std::array<uint16_t, 6> rgb = {};
  (*transform)
      ->Run(std::as_bytes(std::span(inks)).data(),
            std::as_writable_bytes(std::span(rgb)).data(), 2);
  for (size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(rgb[c], 65535, 100);
    EXPECT_NEAR(rgb[3 + c], 119 * 257, 400);
  }
}

TEST(ColorTransformTest, InksBecomeRgbInBothDirections) {
  const std::vector<std::byte> profile = InkProfile();
  const std::array<uint8_t, 12> inks = {0, 0, 0, 0,   255, 255,
                                        0, 0, 0, 128, 0,   0};
  std::array<uint8_t, 12> inverted;
  for (size_t i = 0; i < inks.size(); ++i) {
    inverted[i] = static_cast<uint8_t>(255 - inks[i]);
  }
  for (const bool is_inverted : {false, true}) {
    const auto transform = ColorTransform::InksToSrgb(profile, is_inverted);
    ASSERT_TRUE(transform.ok()) << transform.status();
    std::array<uint8_t, 9> rgb = {};
    const auto& from = is_inverted ? inverted : inks;
    (*transform)
        ->Run(std::as_bytes(std::span(from)).data(),
              std::as_writable_bytes(std::span(rgb)).data(), 3);
    // L* of 100, 0 and about 50, which is 119 in sRGB.
    for (size_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(rgb[c], 255, 1);
      EXPECT_NEAR(rgb[3 + c], 0, 2);
      EXPECT_NEAR(rgb[6 + c], 119, 3);
    }
  }
}

TEST(ColorTransformTest, ProfilesThatCannotBeUsedAreRefusedInWords) {
  std::vector<std::byte> rgb = Profile(2.2, false);
  const auto refused = [](std::span<const std::byte> profile,
                          uint32_t channels) {
    const auto transform =
        ColorTransform::ToSrgb(profile, Spec(channels, SampleType::kU8));
    EXPECT_TRUE(absl::IsFailedPrecondition(transform.status()));
    return std::string(transform.status().message());
  };
  EXPECT_EQ(refused(rgb, 1),
            "the ICC profile is not for grey, as the samples are");
  EXPECT_EQ(refused(Profile(2.2, true), 4),
            "the ICC profile is not for RGB, as the samples are");
  EXPECT_EQ(refused(InkProfile(), 3),
            "the ICC profile is not for RGB, as the samples are");
  EXPECT_EQ(refused({}, 3), "the ICC profile is damaged");
  EXPECT_EQ(refused(std::span(rgb).first(100), 3),
            "the ICC profile is damaged");
  EXPECT_FALSE(ColorTransform::InksToSrgb(rgb, false).ok());
  // Any part that is damaged: an answer, or a refusal.
  for (size_t i = 0; i < rgb.size(); ++i) {
    rgb[i] ^= std::byte{0xff};
    const auto transform =
        ColorTransform::ToSrgb(rgb, Spec(3, SampleType::kU8));
    if (transform.ok()) {
      std::array<std::byte, 3> pixel = {};
      (*transform)->Run(pixel.data(), pixel.data(), 1);
    }
    rgb[i] ^= std::byte{0xff};
  }
}

}  // namespace
}  // namespace imageadapt
