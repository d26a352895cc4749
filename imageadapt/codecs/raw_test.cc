// Raw samples: what is dropped, what is missing, what is written.
#include "imageadapt/codecs/raw.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using testing::Difference;
using testing::MakeImage;
using testing::Spec;

std::span<const std::byte> BytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::vector<int> Samples(const Image& image) {
  std::vector<int> samples;
  for (uint32_t y = 0; y < image.spec().shape.height; ++y) {
    image.view().Visit([&](auto view) {
      for (const auto sample : view.row(y)) {
        samples.push_back(static_cast<int>(sample));
      }
    });
  }
  return samples;
}

TEST(RawTest, AFourthByteIsDropped) {
  const std::string bytes = "abcXdefY";
  const RawLayout layout{.spec = Spec(2, 1, 3), .stored_channels = 4};
  ByteRope rope;
  // In pieces that cut pixels.
  rope.Append(BytesOf(bytes).first(3));
  rope.Append(BytesOf(bytes).subspan(3, 2));
  rope.Append(BytesOf(bytes).subspan(5));
  EXPECT_EQ(*RawBytes(layout), 8);
  RopeSource source(rope);
  auto decoder = OpenRaw(source, layout);
  ASSERT_TRUE(decoder.ok());
  Image image = MakeImage(layout.spec);
  ASSERT_TRUE((*decoder)->ReadRows(image.view()).ok());
  EXPECT_EQ(Samples(image), (std::vector<int>{'a', 'b', 'c', 'd', 'e', 'f'}));
}

TEST(RawTest, TooFewBytesAreDamage) {
  const std::string bytes = "abc";
  RopeSource source{ByteRope(BytesOf(bytes))};
  auto decoder = OpenRaw(source, {.spec = Spec(2, 2, 1), .stored_channels = 1});
  Image image = MakeImage(Spec(2, 2, 1));
  EXPECT_EQ(ReasonOf((*decoder)->ReadRows(image.view())), kImageDamaged);
}

TEST(RawTest, WhatIsWrittenIsReadAgainInAnyType) {
  for (const SampleType type :
       {SampleType::kU8, SampleType::kU16, SampleType::kF32}) {
    const ImageSpec spec = Spec(7, 5, 3, type);
    const Image image = testing::MakeNoise(spec, 3);
    BufferPool pool;
    BufferSink sink(pool);
    auto encoder = CreateRaw(sink, spec);
    ASSERT_TRUE(encoder.ok());
    ASSERT_TRUE((*encoder)->WriteRows(image.view().Rows(0, 2)).ok());
    ASSERT_TRUE((*encoder)->WriteRows(image.view().Rows(2, 3)).ok());
    ASSERT_TRUE((*encoder)->Finish().ok());
    const std::vector<Buffer> blocks = sink.TakeBlocks();
    RopeSource source(RopeOf(blocks));
    auto decoder = OpenRaw(source, {.spec = spec, .stored_channels = 3});
    ASSERT_TRUE(decoder.ok());
    Image back = MakeImage(spec);
    ASSERT_TRUE((*decoder)->ReadRows(back.view().Rows(0, 3)).ok());
    ASSERT_TRUE((*decoder)->ReadRows(back.view().Rows(3, 2)).ok());
    EXPECT_EQ(Difference(back.view(), image.view()), "");
  }
}

TEST(RawTest, PaddingOfRowsIsNotWritten) {
  std::vector<uint8_t> padded = {1, 2, 99, 3, 4, 99};
  const ImageView<const uint8_t> view(
      padded.data(), {.width = 2, .height = 2, .channels = 1}, 3);
  BufferPool pool;
  BufferSink sink(pool);
  auto encoder = CreateRaw(sink, Spec(2, 2, 1));
  ASSERT_TRUE((*encoder)->WriteRows(view).ok());
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  EXPECT_EQ(RopeOf(blocks).ToString(), "\x01\x02\x03\x04");
}

TEST(RawTest, LayoutsThatCannotBeAreRefused) {
  const std::string bytes = "abc";
  RopeSource source{ByteRope(BytesOf(bytes))};
  for (const RawLayout& layout :
       {RawLayout{.spec = Spec(2, 2, 3), .stored_channels = 1},
        RawLayout{.spec = Spec(2, 2, 3), .stored_channels = 5},
        RawLayout{.spec = Spec(0, 2, 3), .stored_channels = 3}}) {
    EXPECT_TRUE(absl::IsInvalidArgument(OpenRaw(source, layout).status()));
  }
}

TEST(RawTest, OpeningTakesNoMemoryForTheRowsThatAreClaimed) {
  const std::string bytes = "abc";
  RopeSource source{ByteRope(BytesOf(bytes))};
  const RawLayout layout{.spec = Spec(4'000'000'000, 1, 3, SampleType::kF32),
                         .stored_channels = 4};
  const auto decoder = OpenRaw(source, layout);
  ASSERT_TRUE(decoder.ok());
  EXPECT_EQ((*decoder)->max_working_bytes(), 64'000'000'000);
}

}  // namespace
}  // namespace imageadapt
