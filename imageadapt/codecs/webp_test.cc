// What WebP has and the conformance suite does not know: its lossless kind,
// alpha, orientation, animations, limits.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/vp8l_scan.h"
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

std::string Number(uint64_t value, int size) {
  std::string text;
  for (int i = 0; i < size; ++i) {
    text.push_back(static_cast<char>(value >> 8 * i & 255));
  }
  return text;
}

std::string Chunk(const std::string& name, const std::string& data) {
  return absl::StrCat(name, Number(data.size(), 4), data,
                      std::string(data.size() % 2, '\0'));
}

std::string File(const std::string& chunks) {
  return absl::StrCat("RIFF", Number(chunks.size() + 4, 4), "WEBP", chunks);
}

std::string Extended(unsigned flags, uint32_t width, uint32_t height) {
  return Chunk("VP8X",
               Number(flags, 4) + Number(width - 1, 3) + Number(height - 1, 3));
}

// `file` in the extended form, with a chunk of EXIF behind the picture.
std::string WithExif(const std::string& file, const std::string& exif) {
  constexpr unsigned kExif = 8;
  return File(absl::StrCat(Extended(kExif, 16, 16), file.substr(12),
                           Chunk("EXIF", exif)));
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

// Writes bits, the lowest of each byte first.
class Bits {
 public:
  void Put(uint32_t value, int count) {
    for (int i = 0; i < count; ++i, ++count_) {
      if (count_ % 8 == 0) bytes_.push_back('\0');
      if ((value >> i & 1) != 0) {
        bytes_.back() = static_cast<char>(bytes_.back() | 1 << count_ % 8);
      }
    }
  }

  // A prefix code of one symbol.
  void PutOne() { Put(1, 4); }

  // A code in which the first 256 of so many symbols have 8 bits each.
  void PutBytes(uint32_t symbols) {
    Put(0, 1);
    Put(8, 4);  // twelve lengths: of 17 18 0 1 2 3 4 5 16 6 7 8
    for (int i = 0; i < 12; ++i) Put(i == 1 || i == 11 ? 1 : 0, 3);
    Put(0, 1);
    for (int i = 0; i < 256; ++i) Put(0, 1);
    if (symbols == 256) return;
    Put(1, 1);  // 18: zeros, as many as 11 and what 7 bits say
    Put(symbols - 256 - 11, 7);
  }

  void PutByte(uint32_t byte) {
    for (int i = 7; i >= 0; --i) Put(byte >> i & 1, 1);
  }

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  size_t count_ = 0;
};

// The lossless stream of 1024 x 1024 pixels, all alike, whose blocks have so
// many groups of codes, of the largest tables.
std::string StreamOfGroups(uint32_t groups) {
  Bits bits;
  bits.Put(0, 1);      // no transform
  bits.Put(1, 1);      // a cache of colours,
  bits.Put(11, 4);     // as large as can be
  bits.Put(1, 1);      // groups,
  bits.Put(0, 3);      // for blocks of 4 x 4
  bits.Put(0, 1);      // their image has no cache
  bits.PutBytes(280);  // green
  bits.PutBytes(256);  // red
  for (int i = 0; i < 3; ++i) bits.PutOne();
  for (uint32_t block = 0; block < 256 * 256; ++block) {
    bits.PutByte(block % groups & 255);
    bits.PutByte(block % groups >> 8);
  }
  for (uint32_t code = 0; code < 5 * groups; ++code) bits.PutOne();
  bits.Put(0, 16);
  return bits.bytes();
}

std::string Lossless(const std::string& stream) {
  return Chunk("VP8L",
               absl::StrCat("\x2f", Number(1023 | 1023 << 14, 4), stream));
}

TEST(WebpTest, TablesOfCodesAreCounted) {
  const auto working_bytes = [](const std::string& file) -> uint64_t {
    RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
    const auto decoder = kWebpCodec.open(source, {});
    if (!decoder.ok()) return 0;
    return (*decoder)->max_working_bytes();
  };
  // Each is 5004 entries of 4 bytes, or a few less.
  const std::string few = File(Lossless(StreamOfGroups(100)));
  const std::string many = File(Lossless(StreamOfGroups(1000)));
  EXPECT_TRUE(Decode(many).ok());
  EXPECT_GT(working_bytes(many), working_bytes(few) + 900 * 20'000);
  EXPECT_LT(working_bytes(many), working_bytes(few) + 900 * 21'000);
}

TEST(WebpTest, MoreTablesThanAnyEncoderMakesAreRefused) {
  const std::string stream = StreamOfGroups(65'536);
  EXPECT_EQ(Decode(File(Lossless(stream))).status().message(),
            "to decode the image of 1024 x 1024 pixels takes 1351352320 bytes "
            "of tables");
  // As alpha; the picture behind it does not matter.
  const std::string alpha = Chunk("ALPH", absl::StrCat("\x01", stream));
  EXPECT_EQ(ReasonOf(Decode(File(Extended(0x10, 1024, 1024) + alpha)).status()),
            kImageTooLarge);
  const std::string frame =
      Chunk("ANMF", Number(0, 6) + Number(1023, 3) + Number(1023, 3) +
                        Number(0, 4) + alpha);
  EXPECT_EQ(ReasonOf(Decode(File(Extended(0x12, 1024, 1024) +
                                 Chunk("ANIM", Number(0, 6)) + frame))
                         .status()),
            kImageTooLarge);
}

TEST(WebpTest, CodesWithoutBitsTakeNoTime) {
  // A transform of 2^56 blocks, which have all one code; then no groups.
  Bits bits;
  bits.Put(1, 1);
  bits.Put(0, 2);
  bits.Put(0, 3);
  bits.Put(0, 1);
  for (int i = 0; i < 5; ++i) bits.PutOne();
  bits.Put(0, 1 + 1 + 1);
  EXPECT_GT(Vp8lTableBytes(std::as_bytes(std::span(bits.bytes())), 1u << 30,
                           1u << 30),
            0);
}

TEST(WebpTest, ManyChunksAreRefusedBeforeTheyAreListed) {
  std::string chunks;
  for (int i = 0; i < 1001; ++i) chunks += Chunk("JUNK", "");
  EXPECT_EQ(Decode(File(Extended(0, 2, 2) + chunks)).status().message(),
            "the WebP file is damaged in its header: it has more chunks than "
            "make sense");
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
