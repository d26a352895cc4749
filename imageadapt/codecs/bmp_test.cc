#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_for_test.h"

namespace imageadapt {
namespace {

using testing::Bytes;
using testing::DecodeFile;
using testing::Difference;
using testing::EncodeFile;
using testing::Little16;
using testing::Little32;
using testing::SamplesOf;
using testing::Spec;

using Samples = std::vector<double>;

// A BMP of any version, filled with zeros where nothing is said.
struct BmpMaker {
  uint32_t header_bytes = 40;
  int width = 2;
  int height = 1;
  uint32_t bits = 24;
  uint32_t compression = 0;
  uint32_t colors = 0;
  // Of V2 headers on, in the header; of the first, behind it.
  std::vector<uint32_t> masks = {};
  std::string palette = {};
  // In front of the pixels.
  std::string gap = {};

  std::string Make(const std::string& pixels) const {
    std::string header = Little32(header_bytes);
    if (header_bytes == 12) {
      header += Little16(static_cast<uint32_t>(width)) +
                Little16(static_cast<uint32_t>(height)) + Little16(1) +
                Little16(bits);
    } else {
      header += Little32(static_cast<uint32_t>(width)) +
                Little32(static_cast<uint32_t>(height)) + Little16(1) +
                Little16(bits) + Little32(compression) + Little32(0) +
                Little32(2835) + Little32(2835) + Little32(colors) +
                Little32(0);
      for (const uint32_t mask : masks) header += Little32(mask);
    }
    if (header.size() < header_bytes || masks.empty()) {
      header.resize(header_bytes);
    }
    header += palette + gap;
    const auto pixels_at = static_cast<uint32_t>(14 + header.size());
    return "BM" + Little32(0) + Little32(0) + Little32(pixels_at) + header +
           pixels;
  }

  absl::StatusOr<Image> Decode(const std::string& pixels) const {
    return DecodeFile(kBmpCodec, Make(pixels));
  }
};

// Blue, green, red, and what is left out: red, then a mixture, then grey.
const std::string kThreeColors = Bytes({0, 0, 255, 0, 3, 2, 1, 0, 9, 9, 9, 0});
const std::string kTwoPixels = Bytes({3, 2, 1, 6, 5, 4, 0, 0});

TEST(BmpTest, HeadersOfEveryVersionAreRead) {
  for (const uint32_t version : {12u, 16u, 40u, 52u, 56u, 64u, 108u, 124u}) {
    const BmpMaker maker{.header_bytes = version};
    EXPECT_EQ(SamplesOf(maker.Decode(kTwoPixels)), (Samples{1, 2, 3, 4, 5, 6}))
        << version;
  }
}

TEST(BmpTest, RowsComeFromTheBottomOrFromTheTop) {
  BmpMaker maker{.width = 1, .height = 2};
  const std::string rows = Bytes({3, 2, 1, 0, 6, 5, 4, 0});
  EXPECT_EQ(SamplesOf(maker.Decode(rows)), (Samples{4, 5, 6, 1, 2, 3}));
  maker.height = -2;
  EXPECT_EQ(SamplesOf(maker.Decode(rows)), (Samples{1, 2, 3, 4, 5, 6}));
}

TEST(BmpTest, TheFillingOfTheLastRowCanBeMissing) {
  EXPECT_TRUE(BmpMaker{}.Decode(Bytes({3, 2, 1, 6, 5, 4})).ok());
  EXPECT_FALSE(BmpMaker{}.Decode(Bytes({3, 2, 1, 6, 5})).ok());
}

TEST(BmpTest, PalettesOfEveryDepthAreExpanded) {
  BmpMaker maker{.width = 3, .colors = 3, .palette = kThreeColors};
  const Samples expected = {1, 2, 3, 255, 0, 0, 9, 9, 9};
  maker.bits = 2;
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({0x48, 0, 0, 0}))), expected);
  maker.bits = 4;
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({0x10, 0x20, 0, 0}))), expected);
  maker.bits = 8;
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({1, 0, 2, 0}))), expected);
  maker.bits = 1;
  maker.colors = 2;
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({0xa0, 0, 0, 0}))),
            (Samples{1, 2, 3, 255, 0, 0, 1, 2, 3}));
}

TEST(BmpTest, OldPalettesHaveThreeBytesAndEndWhereThePixelsBegin) {
  const BmpMaker maker{
      .header_bytes = 12, .bits = 8, .palette = Bytes({0, 0, 255, 3, 2, 1})};
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({1, 0, 0, 0}))),
            (Samples{1, 2, 3, 255, 0, 0}));
}

TEST(BmpTest, APaletteOfGreyIsGrey) {
  const BmpMaker maker{
      .bits = 8, .colors = 2, .palette = Bytes({7, 7, 7, 0, 200, 200, 200, 0})};
  const auto image = maker.Decode(Bytes({1, 0, 0, 0}));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->spec(), Spec(2, 1, 1));
  EXPECT_EQ(SamplesOf(image), (Samples{200, 7}));
}

TEST(BmpTest, AGapBeforeThePixelsIsSkipped) {
  const BmpMaker maker{.gap = "anything"};
  EXPECT_EQ(SamplesOf(maker.Decode(kTwoPixels)), (Samples{1, 2, 3, 4, 5, 6}));
}

TEST(BmpTest, PlainSixteenBitsAreFiveEach) {
  const BmpMaker maker{.bits = 16};
  EXPECT_EQ(
      SamplesOf(maker.Decode(Little16(0x7c01) + Little16(0x8000 | 16 << 5))),
      (Samples{255, 0, 8, 0, 132, 0}));
}

TEST(BmpTest, TheFourthByteOfPlainPixelsIsFilling) {
  const BmpMaker maker{.bits = 32};
  EXPECT_EQ(
      SamplesOf(maker.Decode(Little32(0x80010203) + Little32(0x00040506))),
      (Samples{1, 2, 3, 4, 5, 6}));
}

TEST(BmpTest, BitFieldsStandInTheHeaderOrBehindIt) {
  for (const uint32_t version : {40u, 52u, 56u, 108u, 124u}) {
    const BmpMaker maker{.header_bytes = version,
                         .bits = 16,
                         .compression = 3,
                         .masks = {0xf800, 0x07e0, 0x001f}};
    EXPECT_EQ(
        SamplesOf(maker.Decode(Little16(0xf800) + Little16(32 << 5 | 30))),
        (Samples{255, 0, 0, 0, 130, 247}))
        << version;
  }
}

TEST(BmpTest, AlphaIsWhatAMaskNames) {
  const std::vector<uint32_t> masks = {0x0f00, 0x00f0, 0x000f, 0xf000};
  const std::string pixels = Little16(0x81f0) + Little16(0xf00f);
  const Samples expected = {17, 255, 0, 136, 0, 0, 255, 255};
  for (const uint32_t version : {56u, 108u, 124u}) {
    const BmpMaker maker{
        .header_bytes = version, .bits = 16, .compression = 3, .masks = masks};
    EXPECT_EQ(SamplesOf(maker.Decode(pixels)), expected) << version;
  }
  const BmpMaker behind{.bits = 16, .compression = 6, .masks = masks};
  EXPECT_EQ(SamplesOf(behind.Decode(pixels)), expected);
}

TEST(BmpTest, WideBitFieldsAreNotNarrowed) {
  const BmpMaker maker{.width = 1,
                       .bits = 32,
                       .compression = 3,
                       .masks = {0x3ff00000, 0x000ffc00, 0x000003ff}};
  const auto image = maker.Decode(Little32(1023u << 20 | 512u << 10 | 1u));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->spec(), Spec(1, 1, 3, SampleType::kU16));
  EXPECT_EQ(SamplesOf(image), (Samples{65535, 32800, 64}));
  // All 32 bits in one colour: double is exact enough for that, too.
  const BmpMaker all{
      .width = 1, .bits = 32, .compression = 3, .masks = {0xffffffff, 0, 0}};
  EXPECT_EQ(SamplesOf(all.Decode(Little32(0xffffffff))),
            (Samples{65535, 0, 0}));
  EXPECT_EQ(SamplesOf(all.Decode(Little32(0x00008000))), (Samples{0, 0, 0}));
  EXPECT_EQ(SamplesOf(all.Decode(Little32(0x00008001))), (Samples{1, 0, 0}));
}

TEST(BmpTest, RunsOfEightBitsAreUnpacked) {
  const BmpMaker maker{.width = 4,
                       .height = 3,
                       .bits = 8,
                       .compression = 1,
                       .colors = 2,
                       .palette = Bytes({7, 7, 7, 0, 9, 9, 9, 0})};
  // Bottom: a run and three pixels with a filling byte. Middle: a step to the
  // right and up, into the top row.
  const std::string data =
      Bytes({1, 1, 0, 3, 0, 1, 1, 0, 0, 0, 1, 1, 0, 2, 1, 1, 1, 1, 0, 1});
  EXPECT_EQ(SamplesOf(maker.Decode(data)),
            (Samples{7, 7, 9, 7, 9, 7, 7, 7, 9, 7, 9, 9}));
  BmpMaker from_top = maker;
  from_top.height = -3;
  EXPECT_EQ(SamplesOf(from_top.Decode(data)),
            (Samples{9, 7, 9, 9, 9, 7, 7, 7, 7, 7, 9, 7}));
}

TEST(BmpTest, RunsOfFourBitsAreUnpacked) {
  const BmpMaker maker{.width = 6,
                       .bits = 4,
                       .compression = 2,
                       .colors = 3,
                       .palette = Bytes({7, 7, 7, 0, 8, 8, 8, 0, 9, 9, 9, 0})};
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({3, 0x12, 0, 3, 0x21, 0x20, 0, 1}))),
            (Samples{8, 9, 8, 9, 8, 9}));
}

TEST(BmpTest, WhatGoesPastTheEndOfARowIsDropped) {
  const BmpMaker maker{.width = 2,
                       .height = 2,
                       .bits = 8,
                       .compression = 1,
                       .colors = 2,
                       .palette = Bytes({7, 7, 7, 0, 9, 9, 9, 0})};
  EXPECT_EQ(SamplesOf(maker.Decode(
                Bytes({9, 1, 0, 0, 0, 4, 0, 1, 1, 1, 0, 0, 0, 1}))),
            (Samples{7, 9, 9, 9}));
}

std::string Refused(const absl::StatusOr<Image>& image,
                    const char* reason = kImageDamaged) {
  EXPECT_TRUE(absl::IsInvalidArgument(image.status())) << image.status();
  EXPECT_EQ(ReasonOf(image.status()), reason) << image.status();
  return std::string(image.status().message());
}

TEST(BmpTest, RunsThatDoNotFillTheImageAreDamage) {
  const BmpMaker maker{.width = 2,
                       .height = 3,
                       .bits = 8,
                       .compression = 1,
                       .colors = 1,
                       .palette = Bytes({7, 7, 7, 0})};
  const std::string row = Bytes({2, 0, 0, 0});
  EXPECT_EQ(Refused(maker.Decode(row + row)),
            "the BMP file is damaged: reached row 2 of 3: it ends too early");
  EXPECT_EQ(
      Refused(maker.Decode(row + Bytes({0, 1}))),
      "the BMP file is damaged: reached row 1 of 3: its pixels end there");
  EXPECT_EQ(Refused(maker.Decode(row + Bytes({0, 2, 0, 9, 0, 1}))),
            "the BMP file is damaged: reached row 2 of 3: it goes on below its "
            "last row");
  EXPECT_EQ(Refused(maker.Decode(row + row + Bytes({0, 9, 0, 0}))),
            "the BMP file is damaged: reached row 2 of 3: it ends too early");
}

TEST(BmpTest, AColourThatThePaletteLacksIsDamage) {
  const BmpMaker maker{.bits = 8, .colors = 3, .palette = kThreeColors};
  EXPECT_EQ(Refused(maker.Decode(Bytes({2, 3, 0, 0}))),
            "the BMP file is damaged: reached row 0 of 1: its palette lacks a "
            "colour");
}

TEST(BmpTest, KindsThatAreNotReadAreNamed) {
  const auto refusal = [](const BmpMaker& maker) {
    return Refused(maker.Decode(std::string(100, '\0')), kUnknownFormat);
  };
  EXPECT_EQ(refusal({.bits = 0, .compression = 4}),
            "BMP files with a JPEG inside are not supported");
  EXPECT_EQ(refusal({.bits = 0, .compression = 5}),
            "BMP files with a PNG inside are not supported");
  EXPECT_EQ(refusal({.bits = 32, .compression = 11}),
            "BMP files with CMYK colours are not supported");
  EXPECT_EQ(refusal({.bits = 64}),
            "BMP files with 64 bits a pixel are not supported");
  EXPECT_EQ(refusal({.header_bytes = 64, .bits = 1, .compression = 3}),
            "BMP files with Huffman coding are not supported");
  EXPECT_EQ(refusal({.header_bytes = 64, .compression = 4}),
            "BMP files with 24-bit RLE are not supported");
}

TEST(BmpTest, DamagedHeadersAreRefusedInWords) {
  const auto refusal = [](const BmpMaker& maker) {
    return Refused(maker.Decode(std::string(100, '\0')));
  };
  const std::string header = "the BMP file is damaged in its header: ";
  EXPECT_EQ(refusal({.header_bytes = 41}),
            header + "its header is of no known version");
  EXPECT_EQ(refusal({.width = -2}), header + "its width is negative");
  EXPECT_EQ(refusal({.height = 0}), header + "a side is 0");
  EXPECT_EQ(refusal({.bits = 24, .compression = 1}),
            header + "compression 1 with 24 bits a pixel does not exist");
  EXPECT_EQ(refusal({.bits = 8, .colors = 257}),
            header + "its palette is too long");
  EXPECT_EQ(
      refusal({.bits = 16, .compression = 3, .masks = {0xf800, 0xff00, 1}}),
      header + "its bit fields overlap, or are in pieces");
  EXPECT_EQ(refusal({.bits = 16, .compression = 3, .masks = {0x5000, 2, 1}}),
            header + "its bit fields overlap, or are in pieces");
  EXPECT_EQ(refusal({.bits = 16, .compression = 3, .masks = {0x10000, 2, 1}}),
            header + "its bit fields overlap, or are in pieces");
  EXPECT_EQ(refusal({.bits = 16, .compression = 3, .masks = {0, 0, 0}}),
            header + "its bit fields are empty");
}

TEST(BmpTest, TheSmallestHeightIsTooLarge) {
  const BmpMaker maker{.height = -0x7fffffff - 1};
  EXPECT_EQ(Refused(maker.Decode(kTwoPixels), kImageTooLarge),
            "the image has 2 x 2147483648 pixels; the limit for a side is "
            "65535");
}

TEST(BmpTest, ProfilesAreReadFromBothEnds) {
  const std::string profile = "a profile";
  const auto profile_of = [](const std::string& file) {
    RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
    const auto decoder = kBmpCodec.open(source, {});
    EXPECT_TRUE(decoder.ok()) << decoder.status();
    std::string kept;
    for (const std::byte byte : (*decoder)->metadata().icc_profile) {
      kept.push_back(static_cast<char>(byte));
    }
    return kept;
  };
  BmpMaker maker{.header_bytes = 124};
  maker.gap = profile;
  const auto file = [&](uint32_t space, uint32_t at, size_t size) {
    std::string made = maker.Make(kTwoPixels + profile);
    made.replace(14 + 56, 4, Little32(space));
    made.replace(14 + 112, 4, Little32(at));
    made.replace(14 + 116, 4, Little32(static_cast<uint32_t>(size)));
    return made;
  };
  constexpr uint32_t kEmbedded = 0x4d424544;
  const auto behind = static_cast<uint32_t>(124 + profile.size() + 8);
  EXPECT_EQ(profile_of(file(kEmbedded, 124, profile.size())), profile);
  EXPECT_EQ(profile_of(file(kEmbedded, behind, profile.size())), profile);
  // Out of the file, too long, or of another colour space.
  EXPECT_EQ(profile_of(file(kEmbedded, behind, profile.size() + 1)), "");
  EXPECT_EQ(profile_of(file(kEmbedded, 0xffffffff, 0xffffffff)), "");
  EXPECT_EQ(profile_of(file(0x73524742, 124, profile.size())), "");
}

TEST(BmpTest, WhatCannotBeHeldIsSaid) {
  EXPECT_EQ(kBmpCodec.can_hold(Spec(1, 1, 2)).message(),
            "BMP cannot hold grey and alpha");
  EXPECT_EQ(kBmpCodec.can_hold(Spec(1, 1, 3, SampleType::kU16)).message(),
            "BMP cannot hold u16 samples, only u8");
  EXPECT_EQ(kBmpCodec.can_hold(Spec(40'000, 40'000, 3)).message(),
            "BMP cannot hold 40000 x 40000 pixels of 3 channels");
  EXPECT_TRUE(kBmpCodec.can_hold(Spec(37'000, 37'000, 3)).ok());
}

TEST(BmpTest, TextsThatBeginAlikeAreNotTaken) {
  const std::string text = "BM is short for many a longer word";
  EXPECT_FALSE(kBmpCodec.recognizes(std::as_bytes(std::span(text))));
}

}  // namespace
}  // namespace imageadapt
