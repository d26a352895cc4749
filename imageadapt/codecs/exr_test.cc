#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_for_test.h"
#include "imageadapt/codecs/half_float.h"

namespace imageadapt {
namespace {

using testing::Bytes;
using testing::DecodeFile;
using testing::Difference;
using testing::EncodeFile;
using testing::Little32;
using testing::MakeNoise;
using testing::SamplesOf;
using testing::Spec;

using Samples = std::vector<double>;

TEST(HalfFloatTest, KnownValuesAndTiesAreRoundedToEven) {
  EXPECT_EQ(HalfOf(0.0f), 0);
  EXPECT_EQ(HalfOf(-0.0f), 0x8000);
  EXPECT_EQ(HalfOf(1.0f), 0x3c00);
  EXPECT_EQ(HalfOf(-2.0f), 0xc000);
  EXPECT_EQ(HalfOf(65504.0f), 0x7bff);
  EXPECT_EQ(HalfOf(65519.0f), 0x7bff);
  EXPECT_EQ(HalfOf(65520.0f), 0x7c00);
  EXPECT_EQ(HalfOf(1e30f), 0x7c00);
  EXPECT_EQ(HalfOf(-HUGE_VALF), 0xfc00);
  EXPECT_EQ(HalfOf(std::ldexp(1.0f, -14)), 0x0400);
  EXPECT_EQ(HalfOf(std::ldexp(1.0f, -24)), 1);
  EXPECT_EQ(HalfOf(std::ldexp(1.0f, -25)), 0);
  EXPECT_EQ(HalfOf(std::ldexp(1.5f, -25)), 1);
  EXPECT_EQ(HalfOf(std::ldexp(3.0f, -25)), 2);
  EXPECT_EQ(HalfOf(1 + std::ldexp(1.0f, -11)), 0x3c00);
  EXPECT_EQ(HalfOf(1 + std::ldexp(3.0f, -11)), 0x3c02);
  EXPECT_EQ(HalfOf(2 - std::ldexp(1.0f, -12)), 0x4000);
  EXPECT_EQ(HalfOf(std::nanf("")) & 0x7c00, 0x7c00);
  EXPECT_NE(HalfOf(std::nanf("")) & 0x03ff, 0);
}

#if IMAGEADAPT_HAS_EXR

std::string Text(const std::string& text) { return text + Bytes({0}); }

std::string Attribute(const std::string& name, const std::string& type,
                      const std::string& value) {
  return Text(name) + Text(type) +
         Little32(static_cast<uint32_t>(value.size())) + value;
}

std::string Box(int x0, int y0, int x1, int y1) {
  std::string box;
  for (const int side : {x0, y0, x1, y1}) {
    box += Little32(static_cast<uint32_t>(side));
  }
  return box;
}

struct Channel {
  std::string name;
  uint32_t type = 2;  // 0: integer, 1: half, 2: float
  uint32_t step = 1;
};

// Files without compression, field by field.
struct ExrMaker {
  std::vector<Channel> channels = {{"Y"}};
  std::string window = Box(0, 0, 1, 0);
  std::string more = {};
  uint32_t flags = 0;
  int compression = 0;

  std::string Header() const {
    std::string list;
    for (const Channel& channel : channels) {
      list += Text(channel.name) + Little32(channel.type) + Little32(0) +
              Little32(channel.step) + Little32(channel.step);
    }
    const std::string one = Little32(std::bit_cast<uint32_t>(1.0f));
    return Attribute("channels", "chlist", list + Bytes({0})) +
           Attribute("compression", "compression", Bytes({compression})) +
           Attribute("dataWindow", "box2i", window) +
           Attribute("displayWindow", "box2i", Box(0, 0, 99, 99)) +
           Attribute("lineOrder", "lineOrder", Bytes({0})) +
           Attribute("pixelAspectRatio", "float", one) +
           Attribute("screenWindowCenter", "v2f", Little32(0) + Little32(0)) +
           Attribute("screenWindowWidth", "float", one) + more + Bytes({0});
  }

  // Each chunk without its length.
  static std::string Chunks(const std::string& head,
                            const std::vector<std::string>& chunks) {
    std::string table;
    std::string data;
    for (const std::string& chunk : chunks) {
      table += Little32(static_cast<uint32_t>(head.size() + 8 * chunks.size() +
                                              data.size())) +
               Little32(0);
      data += chunk;
    }
    return head + table + data;
  }

  // Rows, each as its channels are stored.
  std::string Make(const std::vector<std::string>& rows, int first = 0) const {
    std::vector<std::string> chunks;
    for (const std::string& row : rows) {
      chunks.push_back(Little32(static_cast<uint32_t>(first)) +
                       Little32(static_cast<uint32_t>(row.size())) + row);
      ++first;
    }
    return Chunks(Little32(20000630) + Little32(2 | flags) + Header(), chunks);
  }
};

std::string Floats(const std::vector<float>& values) {
  std::string bytes;
  for (const float value : values) {
    bytes += Little32(std::bit_cast<uint32_t>(value));
  }
  return bytes;
}

absl::StatusOr<Image> Decode(const std::string& file,
                             const DecodeLimits& limits = {}) {
  return DecodeFile(kExrCodec, file, limits);
}

TEST(ExrTest, ChannelsOfEveryTypeAreRead) {
  EXPECT_EQ(SamplesOf(Decode(ExrMaker().Make({Floats({1.5f, -2})}))),
            (Samples{1.5, -2}));
  EXPECT_EQ(SamplesOf(Decode(ExrMaker{.channels = {{"Y", 1}}}.Make(
                {Bytes({0, 0x3c, 1, 0})}))),
            (Samples{1, std::ldexp(1, -24)}));
  EXPECT_EQ(SamplesOf(Decode(ExrMaker{.channels = {{"id", 0}}}.Make(
                {Little32(7) + Little32(4294967295)}))),
            (Samples{7, 4294967296}));
}

TEST(ExrTest, ChannelsAreFoundByTheirNames) {
  const auto rgb = Decode(
      ExrMaker{.channels = {{"B"}, {"G", 1}, {"R"}, {"Z", 0}, {"left.R"}}}.Make(
          {Floats({3, 6}) + Bytes({0, 0x40, 0, 0x45}) + Floats({1, 4}) +
           Floats({9, 9, 8, 8})}));
  EXPECT_EQ(SamplesOf(rgb), (Samples{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(rgb->spec(), Spec(2, 1, 3, SampleType::kF32));
  const auto grey = Decode(
      ExrMaker{.channels = {{"A"}, {"Y"}}}.Make({Floats({0.5f, 1, 2, 3})}));
  EXPECT_EQ(SamplesOf(grey), (Samples{4, 0.5, 3, 1}));
}

TEST(ExrTest, OtherSetsOfChannelsAreNotSupported) {
  const auto refusal = [](const std::vector<Channel>& channels) {
    const absl::Status status =
        Decode(ExrMaker{.channels = channels, .window = Box(0, 0, 1, 1)}.Make(
                   {"", ""}))
            .status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_EQ(ReasonOf(status), kUnknownFormat);
    return std::string(status.message());
  };
  EXPECT_EQ(refusal({{"BY", 1, 2}, {"RY", 1, 2}, {"Y", 1}}),
            "OpenEXR files with luminance and chroma (Y, RY, BY) are not "
            "supported");
  EXPECT_EQ(refusal({{"left.R"}, {"left.Z"}}),
            "OpenEXR files with channels other than R, G, B, Y and A are not "
            "supported");
}

TEST(ExrTest, AlphaIsDividedOutWhereThereIsSome) {
  const auto image = Decode(
      ExrMaker{.channels = {{"A"}, {"Y"}}, .window = Box(0, 0, 3, 0)}.Make(
          {Floats({1, 0.25f, 0, 2, 0.1f, 0.5f, 7, 3})}));
  EXPECT_EQ(SamplesOf(image), (Samples{0.1f, 1, 2, 0.25, 7, 0, 1.5, 2}));
}

TEST(ExrTest, ThePictureIsTheDataWindowWhereverItIs) {
  const auto image = Decode(ExrMaker{.window = Box(-5, -3, -4, -2)}.Make(
      {Floats({1, 2}), Floats({3, 4})}, -3));
  EXPECT_EQ(SamplesOf(image), (Samples{1, 2, 3, 4}));
  EXPECT_EQ(image->spec(), Spec(2, 2, 1, SampleType::kF32));
}

std::string TileSize(uint32_t width, uint32_t height) {
  return Attribute("tiles", "tiledesc",
                   Little32(width) + Little32(height) + Bytes({0}));
}

std::string Tile(uint32_t x, uint32_t y, const std::vector<float>& samples) {
  return Little32(x) + Little32(y) + Little32(0) + Little32(0) +
         Little32(static_cast<uint32_t>(4 * samples.size())) + Floats(samples);
}

TEST(ExrTest, TilesArePutTogether) {
  const ExrMaker maker{
      .window = Box(1, 1, 3, 3), .more = TileSize(2, 2), .flags = 0x200};
  const std::string head =
      Little32(20000630) + Little32(2 | maker.flags) + maker.Header();
  const auto image = Decode(
      ExrMaker::Chunks(head, {Tile(0, 0, {1, 2, 4, 5}), Tile(1, 0, {3, 6}),
                              Tile(0, 1, {7, 8}), Tile(1, 1, {9})}));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(SamplesOf(image), (Samples{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

std::string PartOf(const std::string& name, const std::string& type) {
  return Attribute("name", "string", name) + Attribute("type", "string", type) +
         Attribute("chunkCount", "int", Little32(1));
}

TEST(ExrTest, OfSeveralPartsTheFirstIsRead) {
  const ExrMaker first{.more = PartOf("a", "scanlineimage")};
  const ExrMaker second{.window = Box(0, 0, 0, 0),
                        .more = PartOf("b", "scanlineimage")};
  const std::string head = Little32(20000630) + Little32(2 | 0x1000) +
                           first.Header() + second.Header() + Bytes({0});
  const auto chunk = [](uint32_t part, const std::vector<float>& samples) {
    return Little32(part) + Little32(0) +
           Little32(static_cast<uint32_t>(4 * samples.size())) +
           Floats(samples);
  };
  const auto image =
      Decode(ExrMaker::Chunks(head, {chunk(0, {4, 5}), chunk(1, {6})}));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(SamplesOf(image), (Samples{4, 5}));
}

TEST(ExrTest, FloatsOfColoursComeBackBitByBit) {
  for (const uint32_t channels : {1u, 3u}) {
    Image image = MakeNoise(Spec(301, 77, channels, SampleType::kF32), 1);
    using Limits = std::numeric_limits<float>;
    const float values[] = {Limits::infinity(), Limits::quiet_NaN(), -0.0f,
                            Limits::denorm_min(), Limits::max()};
    std::copy(std::begin(values), std::end(values),
              image.view().As<float>().row(40).begin());
    for (const auto effort :
         {EncodeOptions::Effort::kFast, EncodeOptions::Effort::kSmallest}) {
      const auto back =
          Decode(EncodeFile(kExrCodec, image, {.effort = effort}));
      ASSERT_TRUE(back.ok()) << back.status();
      EXPECT_EQ(Difference(back->view(), image.view()), "");
    }
  }
}

TEST(ExrTest, EveryHalfComesBack) {
  std::vector<int> halves;
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    halves.push_back(static_cast<int>(bits & 0xff));
    halves.push_back(static_cast<int>(bits >> 8));
  }
  std::string row;
  for (const int byte : halves) row.push_back(static_cast<char>(byte));
  const DecodeLimits limits = {.max_side = 65536};
  const auto read = Decode(
      ExrMaker{.channels = {{"Y", 1}}, .window = Box(0, 0, 65535, 0)}.Make(
          {row}),
      limits);
  ASSERT_TRUE(read.ok()) << read.status();
  const auto floats = read->view().As<float>().row(0);
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    if (std::isnan(floats[bits])) continue;
    ASSERT_EQ(HalfOf(floats[bits]), bits);
  }
  const std::string file = EncodeFile(kExrCodec, *read, {.half_floats = true});
  const auto back = Decode(file, limits);
  ASSERT_TRUE(back.ok()) << back.status();
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    if (std::isnan(floats[bits])) continue;
    ASSERT_EQ(back->view().As<float>().row(0)[bits], floats[bits]);
  }
}

TEST(ExrTest, AlphaIsMultipliedInAndDividedOut) {
  for (const uint32_t channels : {2u, 4u}) {
    Image image = MakeNoise(Spec(50, 20, channels, SampleType::kF32), 2);
    const auto back = Decode(EncodeFile(kExrCodec, image));
    ASSERT_TRUE(back.ok()) << back.status();
    const Samples before =
        SamplesOf(image.spec() == back->spec()
                      ? absl::StatusOr<Image>(testing::Clone(image.view()))
                      : absl::StatusOr<Image>(absl::InternalError("")));
    const Samples after = SamplesOf(back);
    ASSERT_EQ(before.size(), after.size());
    for (size_t i = 0; i < before.size(); ++i) {
      EXPECT_NEAR(after[i], before[i], std::abs(before[i]) * 2e-7);
    }
  }
}

TEST(ExrTest, WhatCannotBeHeldIsSaid) {
  EXPECT_EQ(kExrCodec.can_hold(Spec(1, 1, 3)).message(),
            "OpenEXR holds float samples only");
}

TEST(ExrTest, DamageAndAbsurdSizesAreRefused) {
  const auto reason = [](const std::string& file) {
    const absl::Status status = Decode(file).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    return ReasonOf(status);
  };
  EXPECT_EQ(
      reason(ExrMaker{.window = Box(INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX)}
                 .Make({Floats({1, 2})})),
      kImageDamaged);
  EXPECT_EQ(reason(ExrMaker{.window = Box(0, 0, 70000, 0)}.Make({""})),
            kImageTooLarge);
  EXPECT_EQ(reason(ExrMaker{.window = Box(5, 0, 4, 0)}.Make({""})),
            kImageDamaged);
  // So many rows that the table of blocks would not fit in the file.
  EXPECT_EQ(reason(ExrMaker{.window = Box(0, 0, 0, 60000)}.Make({""})),
            kImageDamaged);
  const ExrMaker tiles{
      .window = Box(0, 0, 9999, 9999), .more = TileSize(1, 1), .flags = 0x200};
  EXPECT_EQ(reason(tiles.Make({""})), kImageDamaged);
  const ExrMaker tile{.window = Box(0, 0, 9, 9),
                      .more = TileSize(1 << 20, 1 << 20),
                      .flags = 0x200};
  EXPECT_EQ(reason(tile.Make({""})), kImageTooLarge);
  const std::string good = ExrMaker{.window = Box(0, 0, 1, 1)}.Make(
      {Floats({1, 2}), Floats({3, 4})});
  const absl::Status status = Decode(good.substr(0, good.size() - 1)).status();
  EXPECT_EQ(ReasonOf(status), kImageDamaged) << status;
  EXPECT_NE(status.message().find("reached row 1 of 2"), std::string::npos)
      << status;
}

// The library takes memory for what these claim to have.
TEST(ExrTest, AttributesThatClaimMuchAreNotLookedInto) {
  const std::string preview =
      Attribute("preview", "preview", Little32(30000) + Little32(30000));
  const std::string manifest =
      Attribute("ids", "idmanifest",
                Little32(0xffffff00) + Little32(0x7f) + std::string(20, 'x'));
  EXPECT_EQ(SamplesOf(Decode(
                ExrMaker{.more = preview + manifest}.Make({Floats({1, 2})}))),
            (Samples{1, 2}));
  // Of another size than its type, so that what follows would be read askew.
  EXPECT_EQ(ReasonOf(Decode(ExrMaker{.more = Attribute("mine", "float",
                                                       Little32(0) + "more")}
                                .Make({Floats({1, 2})}))
                         .status()),
            kImageDamaged);
  const std::string endless =
      Text("mine") + Text("mine") + Little32(0x7fffff00);
  EXPECT_EQ(Decode(ExrMaker{.more = endless}.Make({Floats({1, 2})}))
                .status()
                .message(),
            "the OpenEXR file is damaged in its header: its attributes make no "
            "sense");
  EXPECT_EQ(
      ReasonOf(Decode(ExrMaker{.more = Attribute("dataWindow", "box2i",
                                                 Box(0, 0, 1 << 20, 1 << 20))}
                          .Make({Floats({1, 2})}))
                   .status()),
      kImageDamaged);
}

#endif  // IMAGEADAPT_HAS_EXR

}  // namespace
}  // namespace imageadapt
