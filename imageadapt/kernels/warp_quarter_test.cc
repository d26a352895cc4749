// Quarter turns onto a canvas of the same size, against looking up each pixel.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "imageadapt/kernels/border.h"
#include "imageadapt/kernels/warp.h"
#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/guarded_image.h"

namespace imageadapt {
namespace {

using testing::GuardedImage;
using testing::OnEveryTarget;

constexpr WarpBorder kBorders[] = {
    WarpBorder::kConstant, WarpBorder::kReplicate, WarpBorder::kReflect101};
constexpr std::array<double, kMaxChannels> kBackground = {7, 11, 13, 17};

template <typename T>
class WarpQuarterTest : public ::testing::Test {
 protected:
  struct Case {
    ImageShape shape;
    int quarter_turns = 1;
    WarpBorder border = WarpBorder::kConstant;
    uint32_t band_rows = 1;
    size_t padding = 0;
    bool at_end = true;
  };

  static void Fill(const ImageView<T>& image) {
    uint32_t next = 1;
    for (uint32_t y = 0; y < image.shape().height; ++y) {
      for (T& sample : image.row(y)) {
        sample = static_cast<T>((next++ * 2654435761U) >> 24);
      }
    }
  }

  static T Expected(const ImageView<const T>& source, const Case& c, int64_t x,
                    int64_t y, uint32_t channel) {
    const int64_t width = source.shape().width;
    const int64_t height = source.shape().height;
    const int64_t offset = (height - width) >> 1;
    int64_t u = x + offset;
    int64_t v = y - offset;
    if (c.border == WarpBorder::kConstant) {
      if (u < 0 || u >= height || v < 0 || v >= width) {
        return static_cast<T>(kBackground[channel]);
      }
    } else {
      const BorderMode mode = c.border == WarpBorder::kReplicate
                                  ? BorderMode::kReplicate
                                  : BorderMode::kReflect101;
      u = BorderPosition(u, static_cast<uint32_t>(height), mode);
      v = BorderPosition(v, static_cast<uint32_t>(width), mode);
    }
    const int64_t row = c.quarter_turns == 1 ? u : height - 1 - u;
    const int64_t column = c.quarter_turns == 1 ? width - 1 - v : v;
    return source.row(static_cast<uint32_t>(
        row))[static_cast<size_t>(column) * source.shape().channels + channel];
  }

  static void Check(const Case& c) {
    const GuardedImage<T> source(c.shape, c.padding, c.at_end);
    Fill(source.view());
    for (uint32_t first = 0; first < c.shape.height; first += c.band_rows) {
      ImageShape band = c.shape;
      band.height = std::min(c.band_rows, c.shape.height - first);
      const GuardedImage<T> target(band, c.padding, c.at_end);
      QuarterTurnOntoSameCanvas(
          source.const_view(), c.quarter_turns, c.border, kBackground,
          RowBand<ImageView<T>>{.rows = target.view(),
                                .first_row = first,
                                .image_height = c.shape.height});
      EXPECT_TRUE(target.PaddingIsUntouched());
      for (uint32_t y = 0; y < band.height; ++y) {
        const std::span<const T> row = target.const_view().row(y);
        for (size_t i = 0; i < row.size(); ++i) {
          const auto x = static_cast<int64_t>(i / c.shape.channels);
          const auto channel = static_cast<uint32_t>(i % c.shape.channels);
          ASSERT_EQ(row[i], Expected(source.const_view(), c, x,
                                     int64_t{first} + y, channel))
              << c.shape.width << " x " << c.shape.height << " x "
              << c.shape.channels << " at " << x << ", " << first + y
              << ", turns " << c.quarter_turns << ", border "
              << static_cast<int>(c.border);
        }
      }
    }
  }
};

using SampleTypes = ::testing::Types<uint8_t, uint16_t, float>;
TYPED_TEST_SUITE(WarpQuarterTest, SampleTypes);

TYPED_TEST(WarpQuarterTest, FindsEachPixelWhereverBandsAreCut) {
  constexpr uint32_t kSides[][2] = {
      {1, 1},   {1, 2},   {2, 1},   {1, 9},   {9, 1},
      {2, 3},   {7, 30},  {30, 7},  {5, 90},  {90, 5},
      {40, 40}, {41, 38}, {38, 41}, {70, 33}, {33, 70},
  };
  OnEveryTarget([&] {
    size_t next = 0;
    for (const auto& [width, height] : kSides) {
      for (uint32_t channels = 1; channels <= 4; ++channels) {
        for (const WarpBorder border : kBorders) {
          for (const int quarter_turns : {1, 3}) {
            TestFixture::Check(
                {.shape = {width, height, channels},
                 .quarter_turns = quarter_turns,
                 .border = border,
                 .band_rows = next % 3 == 0
                                  ? height
                                  : 1 + static_cast<uint32_t>(next % 7),
                 .padding = next % 4,
                 .at_end = next % 2 == 0});
            ++next;
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace imageadapt
