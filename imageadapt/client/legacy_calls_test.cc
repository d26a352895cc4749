#include "imageadapt/client/legacy_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

namespace imageadapt {
namespace {

using ::testing::ElementsAre;

// "\x89PNG", IHDR of 3 x 2 pixels of 8 bits.
std::string PngHead(char color_type) {
  return std::string("\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08",
                     25) +
         color_type;
}

v1::ProcessImageRequest PngRequest() {
  v1::ProcessImageRequest request;
  request.mutable_output()->set_mime_type("image/png");
  return request;
}

std::optional<std::vector<LegacyCall>> CallsForTurn(double degrees) {
  v1::ProcessImageRequest request = PngRequest();
  request.add_operations()->mutable_rotate()->set_angle_degrees(degrees);
  return LegacyCallsFor(request);
}

LegacyCall Turn(int quarters) {
  return {.method = LegacyCall::kRotateImage, .number = quarters};
}

TEST(LegacyCallsTest, NothingToDoIsATurnByNothing) {
  EXPECT_THAT(LegacyCallsFor(PngRequest()).value(), ElementsAre(Turn(0)));
}

TEST(LegacyCallsTest, MultiplesOfNinetyDegreesAreQuarterTurns) {
  EXPECT_THAT(CallsForTurn(0).value(), ElementsAre(Turn(0)));
  EXPECT_THAT(CallsForTurn(90).value(), ElementsAre(Turn(1)));
  EXPECT_THAT(CallsForTurn(-90).value(), ElementsAre(Turn(3)));
  EXPECT_THAT(CallsForTurn(540).value(), ElementsAre(Turn(2)));
  EXPECT_THAT(CallsForTurn(90e15).value(), ElementsAre(Turn(0)));
}

TEST(LegacyCallsTest, OtherAnglesCannotBeExpressed) {
  EXPECT_FALSE(CallsForTurn(45).has_value());
  EXPECT_FALSE(CallsForTurn(90.001).has_value());
  EXPECT_FALSE(
      CallsForTurn(std::numeric_limits<double>::infinity()).has_value());
  EXPECT_FALSE(
      CallsForTurn(std::numeric_limits<double>::quiet_NaN()).has_value());
}

TEST(LegacyCallsTest, OddTurnsInTheSameCanvasCannotBeExpressed) {
  v1::ProcessImageRequest request = PngRequest();
  v1::Rotate& rotate = *request.add_operations()->mutable_rotate();
  rotate.set_canvas(v1::Rotate::CANVAS_SAME);
  rotate.set_angle_degrees(180);
  EXPECT_TRUE(LegacyCallsFor(request).has_value());
  rotate.set_angle_degrees(90);
  EXPECT_FALSE(LegacyCallsFor(request).has_value());
}

TEST(LegacyCallsTest, OnlyTheTruncatedThreeByThreeMeanCanBeExpressed) {
  v1::ProcessImageRequest request = PngRequest();
  v1::MeanFilter& mean = *request.add_operations()->mutable_mean_filter();
  mean.set_kernel_width(3);
  EXPECT_FALSE(LegacyCallsFor(request).has_value());
  mean.set_rounding(v1::MeanFilter::ROUNDING_TRUNCATE);
  EXPECT_THAT(
      LegacyCallsFor(request).value(),
      ElementsAre(LegacyCall{.method = LegacyCall::kMeanFilter, .number = 0}));
  mean.set_kernel_height(5);
  EXPECT_FALSE(LegacyCallsFor(request).has_value());
  mean.set_kernel_width(5);
  EXPECT_FALSE(LegacyCallsFor(request).has_value());
}

TEST(LegacyCallsTest, SquareMediansCanBeExpressed) {
  v1::ProcessImageRequest request = PngRequest();
  v1::MedianFilter& median = *request.add_operations()->mutable_median_filter();
  median.set_kernel_height(5);
  EXPECT_THAT(LegacyCallsFor(request).value(),
              ElementsAre(LegacyCall{.method = LegacyCall::kMedianBlurFilter,
                                     .number = 5}));
  median.set_kernel_width(7);
  EXPECT_FALSE(LegacyCallsFor(request).has_value());
}

TEST(LegacyCallsTest, FlipsCannotBeExpressed) {
  v1::ProcessImageRequest request = PngRequest();
  request.add_operations()->mutable_flip()->set_axis(v1::Flip::AXIS_HORIZONTAL);
  EXPECT_FALSE(LegacyCallsFor(request).has_value());
}

TEST(LegacyCallsTest, OnlyPngCanBeAskedFor) {
  v1::ProcessImageRequest request;
  request.mutable_output()->set_mime_type("image/jpeg");
  EXPECT_FALSE(LegacyCallsFor(request).has_value());
  request.clear_output();
  request.set_image("\xff\xd8\xff");
  EXPECT_FALSE(LegacyCallsFor(request).has_value());
  request.set_image(PngHead(2));
  EXPECT_TRUE(LegacyCallsFor(request).has_value());
}

TEST(LegacyCallsTest, APngTellsItsSizeAndChannels) {
  const std::pair<char, uint32_t> cases[] = {
      {0, 1}, {2, 3}, {3, 3}, {4, 2}, {6, 4}};
  for (const auto& [color_type, channels] : cases) {
    const std::string file = PngHead(color_type);
    const auto response = ResponseFromPng(file);
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response->width(), 3);
    EXPECT_EQ(response->height(), 2);
    EXPECT_EQ(response->channels(), channels);
    EXPECT_EQ(response->mime_type(), "image/png");
    EXPECT_EQ(response->image(), file);
  }
}

TEST(LegacyCallsTest, AnythingElseIsNoAnswer) {
  for (const std::string& file :
       {std::string(), std::string(6, '\0'), std::string("\xff\xd8\xff"),
        PngHead(2).substr(0, 25)}) {
    EXPECT_EQ(ResponseFromPng(file).status().code(),
              absl::StatusCode::kDataLoss);
  }
}

}  // namespace
}  // namespace imageadapt
