#include <gtest/gtest.h>

#include <random>
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

struct TgaMaker {
  std::string id = {};
  int kind = 2;
  uint32_t map_first = 0;
  uint32_t map_size = 0;
  int map_bits = 0;
  uint32_t width = 2;
  uint32_t height = 1;
  int bits = 24;
  int descriptor = 0;
  std::string map = {};
  // What attribute bits are; no extension area if negative.
  int attributes = -1;

  std::string Make(const std::string& pixels) const {
    std::string file =
        Bytes({static_cast<int>(id.size()), map_bits > 0 ? 1 : 0, kind}) +
        Little16(map_first) + Little16(map_size) + Bytes({map_bits}) +
        Little32(0) + Little16(width) + Little16(height) +
        Bytes({bits, descriptor}) + id + map + pixels;
    if (attributes < 0) return file;
    const auto extension_at = static_cast<uint32_t>(file.size());
    file += Little16(495) + std::string(492, '\0') + Bytes({attributes});
    return file + Little32(extension_at) + Little32(0) + "TRUEVISION-XFILE." +
           Bytes({0});
  }

  absl::StatusOr<Image> Decode(const std::string& pixels) const {
    return DecodeFile(kTgaCodec, Make(pixels));
  }
};

TEST(TgaTest, EveryDepthOfColoursIsRead) {
  TgaMaker maker{.id = "a name"};
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({3, 2, 1, 6, 5, 4}))),
            (Samples{1, 2, 3, 4, 5, 6}));
  maker.bits = 32;
  const std::string pixels = Bytes({3, 2, 1, 7, 6, 5, 4, 8});
  EXPECT_EQ(SamplesOf(maker.Decode(pixels)), (Samples{1, 2, 3, 4, 5, 6}));
  maker.descriptor = 8;
  EXPECT_EQ(SamplesOf(maker.Decode(pixels)), (Samples{1, 2, 3, 7, 4, 5, 6, 8}));
  for (const int bits : {15, 16}) {
    maker.bits = bits;
    maker.descriptor = 0;
    EXPECT_EQ(SamplesOf(maker.Decode(Little16(0x7c01) + Little16(16 << 5))),
              (Samples{255, 0, 8, 0, 132, 0}));
  }
  maker.descriptor = 1;
  EXPECT_EQ(SamplesOf(maker.Decode(Little16(0xfc01) + Little16(16 << 5))),
            (Samples{255, 0, 8, 255, 0, 132, 0, 0}));
}

TEST(TgaTest, GreyIsReadWithAndWithoutAlpha) {
  TgaMaker maker{.kind = 3, .bits = 8};
  EXPECT_EQ(SamplesOf(maker.Decode("ab")), (Samples{'a', 'b'}));
  maker.bits = 16;
  maker.descriptor = 8;
  const auto image = maker.Decode("abcd");
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->spec(), Spec(2, 1, 2));
  EXPECT_EQ(SamplesOf(image), (Samples{'a', 'b', 'c', 'd'}));
}

TEST(TgaTest, EachCornerCanBeTheFirst) {
  TgaMaker maker{.kind = 3, .width = 2, .height = 2, .bits = 8};
  const auto samples = [&](int corner) {
    maker.kind = 3;
    maker.descriptor = corner;
    const Samples plain = SamplesOf(maker.Decode("abcd"));
    maker.kind = 11;
    // Packets that do not end with their row.
    EXPECT_EQ(SamplesOf(maker.Decode(Bytes({2}) + "abc" + Bytes({0x80}) + "d")),
              plain);
    return plain;
  };
  EXPECT_EQ(samples(0x00), (Samples{'c', 'd', 'a', 'b'}));
  EXPECT_EQ(samples(0x10), (Samples{'d', 'c', 'b', 'a'}));
  EXPECT_EQ(samples(0x20), (Samples{'a', 'b', 'c', 'd'}));
  EXPECT_EQ(samples(0x30), (Samples{'b', 'a', 'd', 'c'}));
}

TEST(TgaTest, ColourMapsAreExpanded) {
  TgaMaker maker{.kind = 1,
                 .map_first = 5,
                 .map_size = 2,
                 .map_bits = 24,
                 .bits = 8,
                 .map = Bytes({3, 2, 1, 6, 5, 4})};
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({6, 5}))),
            (Samples{4, 5, 6, 1, 2, 3}));
  maker.bits = 16;
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({6, 0, 5, 0}))),
            (Samples{4, 5, 6, 1, 2, 3}));
  maker.bits = 8;
  maker.kind = 9;
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({0x81, 5}))),
            (Samples{1, 2, 3, 1, 2, 3}));
  maker.kind = 1;
  maker.map_bits = 16;
  maker.map = Little16(0x7fff) + Little16(0);
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({6, 5}))),
            (Samples{0, 0, 0, 255, 255, 255}));
  maker.map_bits = 32;
  maker.descriptor = 8;
  maker.map = Bytes({3, 2, 1, 9, 6, 5, 4, 8});
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({6, 5}))),
            (Samples{4, 5, 6, 8, 1, 2, 3, 9}));
  for (const int index : {4, 7}) {
    const auto image = maker.Decode(Bytes({5, index}));
    EXPECT_EQ(image.status().message(),
              "the TGA file is damaged: reached row 0 of 1: its colour map "
              "lacks a colour");
  }
}

TEST(TgaTest, AMapThatColoursDoNotNeedIsSkipped) {
  const TgaMaker maker{.map_size = 1, .map_bits = 24, .map = "xyz"};
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({3, 2, 1, 6, 5, 4}))),
            (Samples{1, 2, 3, 4, 5, 6}));
}

TEST(TgaTest, TheExtensionAreaSaysWhatAttributeBitsAre) {
  TgaMaker maker{.width = 1, .bits = 32, .descriptor = 8};
  const std::string pixel = Bytes({30, 20, 10, 100});
  for (const int no_alpha : {0, 1, 2}) {
    maker.attributes = no_alpha;
    EXPECT_EQ(SamplesOf(maker.Decode(pixel)), (Samples{10, 20, 30}));
  }
  maker.attributes = 3;
  EXPECT_EQ(SamplesOf(maker.Decode(pixel)), (Samples{10, 20, 30, 100}));
  // Multiplied in, more than there can be, and with nothing left of it.
  maker.attributes = 4;
  EXPECT_EQ(SamplesOf(maker.Decode(pixel)), (Samples{26, 51, 77, 100}));
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({200, 0, 100, 100}))),
            (Samples{255, 0, 255, 100}));
  EXPECT_EQ(SamplesOf(maker.Decode(Bytes({3, 2, 1, 0}))),
            (Samples{1, 2, 3, 0}));
}

TEST(TgaTest, AnExtensionAreaOutsideTheFileIsNone) {
  const TgaMaker maker{
      .width = 1, .bits = 32, .descriptor = 8, .attributes = 0};
  std::string file = maker.Make(Bytes({3, 2, 1, 0}));
  for (const uint32_t at : {0u, 17u, 0x7fffffffu, 0xffffffffu}) {
    file.replace(file.size() - 26, 4, Little32(at));
    EXPECT_EQ(SamplesOf(DecodeFile(kTgaCodec, file)), (Samples{1, 2, 3, 0}));
  }
}

TEST(TgaTest, RunsAreWrittenUnlessSpeedIsAskedFor) {
  const Image flat = testing::MakeConstant(Spec(300, 10, 3), 9);
  EXPECT_EQ(EncodeFile(kTgaCodec, flat).size(), 18 + 10 * 3 * 4 + 26);
  const std::string plain =
      EncodeFile(kTgaCodec, flat, {.effort = EncodeOptions::Effort::kFast});
  EXPECT_EQ(plain.size(), 18 + 300 * 10 * 3 + 26);
  EXPECT_EQ(Difference(DecodeFile(kTgaCodec, plain)->view(), flat.view()), "");
  // Noise costs one byte for 128 pixels.
  const Image noise = testing::MakeNoise(Spec(256, 10, 3), 9);
  EXPECT_LE(EncodeFile(kTgaCodec, noise).size(), 18 + 10 * (2 + 768) + 26 + 20);
}

TEST(TgaTest, PixelsAndRunsInEveryMixtureComeBack) {
  std::mt19937 random(4);
  for (uint32_t channels = 1; channels <= 4; ++channels) {
    Image image = testing::MakeImage(Spec(700, 40, channels));
    for (uint32_t y = 0; y < 40; ++y) {
      const auto row = image.view().As<uint8_t>().row(y);
      uint8_t value = 0;
      for (size_t x = 0; x < 700; ++x) {
        if (random() % (1 + y * y / 4) == 0) {
          value = static_cast<uint8_t>(random() % 3);
        }
        std::fill_n(&row[x * channels], channels, value);
      }
    }
    const auto back = DecodeFile(kTgaCodec, EncodeFile(kTgaCodec, image));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(Difference(back->view(), image.view()), "");
  }
}

std::string Refused(const absl::StatusOr<Image>& image) {
  EXPECT_TRUE(absl::IsInvalidArgument(image.status())) << image.status();
  EXPECT_EQ(ReasonOf(image.status()), kImageDamaged) << image.status();
  return std::string(image.status().message());
}

TEST(TgaTest, DamageIsRefusedInWords) {
  const auto refusal = [](const TgaMaker& maker) {
    return Refused(maker.Decode("abcdef"));
  };
  const std::string header = "the TGA file is damaged in its header: ";
  EXPECT_EQ(refusal({.kind = 4}), header + "it is of no known kind");
  EXPECT_EQ(refusal({.kind = 32}), header + "it is of no known kind");
  EXPECT_EQ(refusal({.kind = 1, .bits = 8}),
            header + "it lacks the colour map that it speaks of");
  EXPECT_EQ(refusal({.map_first = 65535, .map_size = 2, .map_bits = 24}),
            header + "its colour map makes no sense");
  EXPECT_EQ(refusal({.width = 0}), header + "a side is 0");
  EXPECT_EQ(refusal({.bits = 8}), header + "so many bits a pixel do not exist");
  EXPECT_EQ(refusal({.descriptor = 0x40}),
            header + "its descriptor makes no sense");
  EXPECT_EQ(refusal({.map_size = 9, .map_bits = 24}),
            header + "it ends too early");
  EXPECT_EQ(refusal({.height = 2}),
            "the TGA file is damaged: reached row 1 of 2: it ends too early");
  const TgaMaker runs{.kind = 11, .height = 2, .bits = 8, .descriptor = 0x20};
  EXPECT_EQ(Refused(runs.Decode(Bytes({0x82, 'a'}))),
            "the TGA file is damaged: reached row 1 of 2: it ends too early");
  EXPECT_EQ(Refused(runs.Decode(Bytes({0x83}))),
            "the TGA file is damaged: reached row 0 of 2: it ends too early");
  EXPECT_EQ(Refused(runs.Decode(Bytes({0x84, 'a'}))),
            "the TGA file is damaged: reached row 2 of 2: it has more pixels "
            "than it says");
}

TEST(TgaTest, OtherBytesAreNotTaken) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 1'000'000; ++i) {
    const uint64_t head[4] = {random(), random(), random(), random()};
    ASSERT_FALSE(kTgaCodec.recognizes(std::as_bytes(std::span(head)))) << i;
  }
  // An icon, a cursor, a font, zeros, and a header that is cut.
  const std::string heads[] = {
      Bytes({0, 0, 1,  0, 1, 0, 32, 32, 0, 0, 1, 0, 32, 0, 168, 16,
             0, 0, 22, 0, 0, 0, 0,  0,  0, 0, 0, 0, 0,  0, 0,   0}),
      Bytes({0,  0, 2,  0, 1, 0, 32, 32, 0, 0, 1, 0, 32, 0, 168, 16,
             32, 0, 22, 0, 0, 0, 0,  0,  0, 0, 0, 0, 0,  0, 0,   0}),
      Bytes({0, 1, 0, 0, 0, 15, 0, 128, 0, 3, 0, 112, 71, 68, 69, 70, 32, 0}) +
          std::string(14, 'x'),
      std::string(32, '\0'), TgaMaker{}.Make("").substr(0, 17)};
  for (const std::string& head : heads) {
    EXPECT_FALSE(kTgaCodec.recognizes(std::as_bytes(std::span(head))));
  }
}

TEST(TgaTest, WhatCannotBeHeldIsSaid) {
  EXPECT_EQ(kTgaCodec.can_hold(Spec(1, 1, 3, SampleType::kF32)).message(),
            "TGA cannot hold f32 samples, only u8");
  EXPECT_EQ(kTgaCodec.can_hold(Spec(65536, 1, 3)).message(),
            "TGA cannot hold 65536 x 1 pixels; its sides have at most 65535");
  EXPECT_TRUE(kTgaCodec.can_hold(Spec(65535, 1, 3)).ok());
}

}  // namespace
}  // namespace imageadapt
