// What WebP has and the conformance suite does not know: its lossless kind,
// alpha, orientation, animations, limits.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using testing::Difference;
using testing::MakeImage;
using testing::MakeNoise;
using testing::Spec;

std::string Encode(const std::vector<Image>& images,
                   const EncodeOptions& options) {
  BufferPool pool;
  BufferSink sink(pool);
  const auto encoder = kWebpCodec.create(sink, images[0].spec(), options);
  EXPECT_TRUE(encoder.ok()) << encoder.status();
  for (size_t i = 0; i < images.size(); ++i) {
    if (i > 0) {
      EXPECT_TRUE(
          (*encoder)->NextFrame(images[i].spec(), options.first_delay).ok());
    }
    EXPECT_TRUE((*encoder)->WriteRows(images[i].view()).ok());
  }
  EXPECT_TRUE((*encoder)->Finish().ok());
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  return RopeOf(blocks).ToString();
}

std::string EncodeOne(const Image& image, const EncodeOptions& options = {}) {
  std::vector<Image> images;
  images.push_back(testing::Clone(image.view()));
  return Encode(images, options);
}

struct Decoded {
  std::vector<Image> images;
  ImageMetadata metadata;
  FrameDelay first_delay;
};

absl::StatusOr<Decoded> Decode(const std::string& file,
                               const DecodeLimits& limits = {}) {
  RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
  const auto decoder = kWebpCodec.open(source, limits);
  if (!decoder.ok()) return decoder.status();
  Decoded decoded;
  decoded.metadata = (*decoder)->metadata();
  decoded.first_delay = (*decoder)->delay();
  for (uint32_t i = 0; i < decoded.metadata.frames.count; ++i) {
    absl::Status status = i > 0 ? (*decoder)->NextFrame() : absl::OkStatus();
    decoded.images.push_back(MakeImage((*decoder)->spec()));
    status.Update((*decoder)->ReadRows(decoded.images.back().view()));
    if (!status.ok()) return status;
  }
  return decoded;
}

TEST(WebpTest, LosslessKeepsEverySample) {
  for (const uint32_t channels : {3u, 4u}) {
    const Image image = MakeNoise(Spec(37, 23, channels), 1);
    for (const auto effort :
         {EncodeOptions::Effort::kFast, EncodeOptions::Effort::kDefault,
          EncodeOptions::Effort::kSmallest}) {
      const auto back =
          Decode(EncodeOne(image, {.effort = effort, .lossless = true}));
      ASSERT_TRUE(back.ok()) << back.status();
      EXPECT_EQ(Difference(back->images[0].view(), image.view()), "");
    }
  }
}

TEST(WebpTest, QualityMakesFilesSmallerOrBetter) {
  const Image image = testing::MakeGradient(Spec(100, 80, 3), 1);
  EXPECT_LT(EncodeOne(image, {.quality = 20}).size(),
            EncodeOne(image, {.quality = 95}).size());
}

TEST(WebpTest, OpaqueAlphaStaysAChannel) {
  const Image image = testing::MakeConstant(Spec(20, 20, 4), 255);
  for (const bool lossless : {false, true}) {
    const auto back = Decode(EncodeOne(image, {.lossless = lossless}));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->images[0].spec(), image.spec());
  }
}

TEST(WebpTest, FramesComeBackExactlyWithEqualOnesAndMilliseconds) {
  for (const uint32_t channels : {3u, 4u}) {
    std::vector<Image> images;
    for (const uint32_t seed : {1u, 1u, 2u}) {
      images.push_back(MakeNoise(Spec(15, 9, channels), seed));
    }
    const FrameSequence sequence = {
        .count = 3, .is_animation = true, .plays = 7};
    const FrameDelay delay = {.numerator = 33, .denominator = 1000};
    const auto back = Decode(Encode(
        images, {.lossless = true, .frames = sequence, .first_delay = delay}));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->metadata.frames, sequence);
    EXPECT_EQ(back->first_delay, delay);
    ASSERT_EQ(back->images.size(), 3);
    for (size_t i = 0; i < 3; ++i) {
      ASSERT_EQ(back->images[i].spec(), images[i].spec());
      const auto was = images[i].view().As<uint8_t>();
      const auto is = back->images[i].view().As<uint8_t>();
      for (uint32_t y = 0; y < 9; ++y) {
        for (size_t at = 0; at < was.row(y).size(); at += channels) {
          // Where nothing is seen a canvas keeps no colour.
          if (channels == 4 && was.row(y)[at + 3] == 0) continue;
          for (size_t c = 0; c < channels; ++c) {
            ASSERT_EQ(was.row(y)[at + c], is.row(y)[at + c]);
          }
        }
      }
    }
  }
}

// `file` in the extended form, with a chunk of EXIF behind the picture.
std::string WithExif(const std::string& file, const std::string& exif) {
  const auto number = [](uint64_t value) {
    std::string text;
    for (int i = 0; i < 4; ++i) {
      text.push_back(static_cast<char>(value >> 8 * i & 255));
    }
    return text;
  };
  const std::string body = absl::StrCat(
      "WEBPVP8X", number(10), number(8), std::string("\x0f\0\0\x0f\0\0", 6),
      file.substr(12), "EXIF", number(exif.size()), exif);
  return absl::StrCat("RIFF", number(body.size()), body);
}

TEST(WebpTest, OrientationIsRead) {
  const std::string tiff(
      "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06"
      "\0\0\0\0\0\0",
      26);
  const Image image = testing::MakeGradient(Spec(16, 16, 3), 1);
  const std::string plain = EncodeOne(image);
  const auto upright = Decode(plain);
  ASSERT_TRUE(upright.ok());
  for (const std::string& exif :
       {tiff, absl::StrCat(std::string("Exif\0\0", 6), tiff)}) {
    const auto back = Decode(WithExif(plain, exif));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_NE(back->metadata.orientation, upright->metadata.orientation);
    EXPECT_EQ(Difference(back->images[0].view(), upright->images[0].view()),
              "");
  }
}

TEST(WebpTest, AFileCutBehindItsPictureIsDamaged) {
  const std::string file = WithExif(
      EncodeOne(testing::MakeGradient(Spec(16, 16, 3), 1)), "12345678");
  const auto cut = Decode(file.substr(0, file.size() - 4));
  EXPECT_EQ(cut.status().message(),
            "the WebP file is damaged: reached row 16 of 16: it ends too "
            "early");
}

TEST(WebpTest, ACutAnimationIsDamaged) {
  std::vector<Image> images;
  for (const uint32_t seed : {1u, 2u}) {
    images.push_back(MakeNoise(Spec(15, 9, 3), seed));
  }
  const std::string file =
      Encode(images, {.frames = {.count = 2, .is_animation = true}});
  for (const size_t size : {file.size() - 1, file.size() / 2, size_t{60}}) {
    const auto back = Decode(file.substr(0, size));
    EXPECT_EQ(ReasonOf(back.status()), kImageDamaged) << back.status();
  }
}

TEST(WebpTest, LimitsHoldForTheCanvas) {
  std::vector<Image> images;
  for (const uint32_t seed : {1u, 2u}) {
    images.push_back(MakeNoise(Spec(15, 9, 3), seed));
  }
  std::string file =
      Encode(images, {.frames = {.count = 2, .is_animation = true}});
  const auto reason = [&](const DecodeLimits& limits) {
    return ReasonOf(Decode(file, limits).status());
  };
  EXPECT_EQ(reason({.max_pixels_of_all_frames = 2 * 15 * 9}), "");
  EXPECT_EQ(reason({.max_pixels_of_all_frames = 2 * 15 * 9 - 1}),
            kImageTooLarge);
  // A canvas of 2^24 x 2^7 around the same small frames.
  file.replace(24, 6, std::string("\xff\xff\xff\x7f\0\0", 6));
  EXPECT_EQ(reason({}), kImageTooLarge);
}

TEST(WebpTest, WhatItCannotHoldIsSaid) {
  EXPECT_EQ(kWebpCodec.can_hold(Spec(2, 2, 3, SampleType::kF32)).message(),
            "WebP cannot hold f32 samples, only u8");
  EXPECT_EQ(kWebpCodec.can_hold(Spec(2, 16384, 3)).message(),
            "WebP cannot hold 2 x 16384 pixels; its sides have at most 16383");
  EXPECT_TRUE(kWebpCodec.can_hold(Spec(16383, 2, 3)).ok());
}

}  // namespace
}  // namespace imageadapt
