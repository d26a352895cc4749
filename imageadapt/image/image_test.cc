#include "imageadapt/image/image.h"

#include <gtest/gtest.h>

#include <limits>

#include "imageadapt/image/orientation.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using testing::Spec;

TEST(PixelBytesTest, MultipliesSidesChannelsAndSampleBytes) {
  EXPECT_EQ(*PixelBytes(Spec(3, 5, 4)), 60);
  EXPECT_EQ(*PixelBytes(Spec(3, 5, 2, SampleType::kU16)), 60);
  EXPECT_EQ(*PixelBytes(Spec(3, 5, 1, SampleType::kF32)), 60);
}

TEST(PixelBytesTest, RefusesWhatIsNoImage) {
  for (const ImageSpec& spec :
       {Spec(0, 5, 1), Spec(5, 0, 1), Spec(5, 5, 0), Spec(5, 5, 5)}) {
    EXPECT_TRUE(absl::IsInvalidArgument(PixelBytes(spec).status()));
  }
  constexpr uint32_t kMost = std::numeric_limits<uint32_t>::max();
  EXPECT_FALSE(PixelBytes(Spec(kMost, kMost, 4, SampleType::kF32)).ok());
}

TEST(ImageTest, CreateRefusesMoreThanThereIs) {
  BufferPool pool;
  const auto image = Image::Create(Spec(1 << 30, 1 << 28, 4), pool);
  EXPECT_TRUE(absl::IsResourceExhausted(image.status()));
}

TEST(ImageViewTest, RowsOfRowsAreRowsOfTheWhole) {
  const Image image = testing::MakeNoise(Spec(7, 9, 3), 1);
  const AnyConstImageView middle = image.view().Rows(2, 5);
  EXPECT_EQ(middle.shape().height, 5);
  EXPECT_EQ(middle.row_bytes(1).data(), image.view().row_bytes(3).data());
  EXPECT_EQ(middle.Rows(1, 2).row_bytes(1).data(),
            image.view().row_bytes(4).data());
}

TEST(ImageTest, TakeBufferGivesThePixelsInOrder) {
  Image image = testing::MakeNoise(Spec(5, 4, 2, SampleType::kU16), 3);
  const Image copy = testing::Clone(image.view());
  const Buffer bytes = image.TakeBuffer();
  ASSERT_EQ(bytes.size(), 80);
  for (uint32_t y = 0; y < 4; ++y) {
    EXPECT_EQ(
        std::memcmp(bytes.data() + y * 20, copy.view().row_bytes(y).data(), 20),
        0);
  }
}

// The place where a pixel of a small image lands, by the words of the type's
// comment and nothing else.
struct Place {
  int x;
  int y;
  bool operator==(const Place&) const = default;
};
Place Move(Place place, int width, int height, Orientation orientation) {
  if (orientation.mirrored) place.x = width - 1 - place.x;
  for (int turn = 0; turn < orientation.quarter_turns; ++turn) {
    // Counter-clockwise: what was right is up.
    place = {.x = place.y, .y = width - 1 - place.x};
    std::swap(width, height);
  }
  return place;
}

TEST(OrientationTest, ThenIsOneAfterTheOther) {
  constexpr int kWidth = 3;
  constexpr int kHeight = 2;
  for (int a = 0; a < 8; ++a) {
    for (int b = 0; b < 8; ++b) {
      const Orientation first{.mirrored = a >= 4, .quarter_turns = a % 4};
      const Orientation next{.mirrored = b >= 4, .quarter_turns = b % 4};
      const Orientation both = first.Then(next);
      const ImageShape between =
          first.Apply({.width = kWidth, .height = kHeight, .channels = 1});
      for (int y = 0; y < kHeight; ++y) {
        for (int x = 0; x < kWidth; ++x) {
          const Place moved = Move({x, y}, kWidth, kHeight, first);
          EXPECT_EQ(Move({x, y}, kWidth, kHeight, both),
                    Move(moved, static_cast<int>(between.width),
                         static_cast<int>(between.height), next))
              << a << " then " << b;
        }
      }
    }
  }
}

// Where EXIF 2.32 says row 0 and column 0 of the stored image are to be seen.
TEST(OrientationTest, ExifTagsPutTheFirstPixelWhereTheStandardSays) {
  constexpr int kWidth = 3;
  constexpr int kHeight = 2;
  struct Case {
    uint32_t tag;
    Place first;  // of the upright image
  };
  constexpr Case kCases[] = {{1, {0, 0}}, {2, {2, 0}}, {3, {2, 1}},
                             {4, {0, 1}}, {5, {0, 0}}, {6, {1, 0}},
                             {7, {1, 2}}, {8, {0, 2}}};
  for (const Case& each : kCases) {
    EXPECT_EQ(Move({0, 0}, kWidth, kHeight, OrientationOfExifTag(each.tag)),
              each.first)
        << "tag " << each.tag;
  }
  EXPECT_TRUE(OrientationOfExifTag(0).is_upright());
  EXPECT_TRUE(OrientationOfExifTag(9).is_upright());
}

}  // namespace
}  // namespace imageadapt
