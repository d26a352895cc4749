#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_for_test.h"
#include "imageadapt/codecs/ink_profile_for_test.h"
#include "imageadapt/codecs/tiff_for_test.h"

namespace imageadapt {
namespace {

using testing::Bytes;
using testing::DecodeFile;
using testing::Difference;
using testing::EncodeFile;
using testing::Little16;
using testing::Little32;
using testing::MakeTiff;
using testing::PlainTiffTags;
using testing::SamplesOf;
using testing::Spec;
using testing::TiffPageAndPixels;
using testing::TiffPageMaker;
using testing::TiffTags;

using Samples = std::vector<double>;

// Both byte orders, TIFF and BigTIFF.
constexpr std::array<const char*, 4> kModes = {"wl", "wb", "wl8", "wb8"};

template <typename T>
std::string BytesOf(const std::vector<T>& values) {
  return std::string(reinterpret_cast<const char*>(values.data()),
                     values.size() * sizeof(T));
}

// Bytes that differ, and do not end where a row does.
std::string Ramp(size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) {
    bytes.push_back(static_cast<char>(i * 7 + i / 11));
  }
  return bytes;
}

Samples NumbersOf(const std::string& bytes) {
  Samples numbers;
  for (const char byte : bytes) numbers.push_back(static_cast<uint8_t>(byte));
  return numbers;
}

absl::StatusOr<Image> Decode(const TiffPageMaker& page,
                             const std::string& pixels,
                             const char* mode = "wl") {
  const std::string file = MakeTiff(page, pixels, mode);
  if (file.empty()) return absl::UnknownError("libtiff does not write that");
  return DecodeFile(kTiffCodec, file);
}

// The samples of all pages; fewer pages if one cannot be read.
std::vector<absl::StatusOr<Image>> DecodePages(
    const std::string& file, const DecodeLimits& limits = {}) {
  std::vector<absl::StatusOr<Image>> pages;
  RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
  const auto decoder = kTiffCodec.open(source, limits);
  if (!decoder.ok()) {
    pages.emplace_back(decoder.status());
    return pages;
  }
  for (uint32_t i = 0; i < (*decoder)->metadata().frames.count; ++i) {
    absl::Status status = i > 0 ? (*decoder)->NextFrame() : absl::OkStatus();
    if (status.ok()) {
      Image image = testing::MakeImage((*decoder)->spec());
      status = (*decoder)->ReadRows(image.view());
      if (status.ok()) {
        pages.emplace_back(std::move(image));
        continue;
      }
    }
    pages.emplace_back(status);
    break;
  }
  return pages;
}

// The words of a refusal, which must come quickly, behind its reason.
std::string Refused(const std::string& file, const DecodeLimits& limits = {}) {
  const auto begin = std::chrono::steady_clock::now();
  const auto image = DecodeFile(kTiffCodec, file, limits);
  EXPECT_LT(std::chrono::steady_clock::now() - begin,
            std::chrono::milliseconds(1000));
  if (image.ok()) return "read";
  EXPECT_TRUE(absl::IsInvalidArgument(image.status())) << image.status();
  return ReasonOf(image.status()) + ": " +
         std::string(image.status().message());
}

constexpr char kDamaged[] =
    "IMAGE_DAMAGED: the TIFF file is damaged in its header: ";

// All that are lossless, with what they can hold.
TEST(TiffTest, EveryCompressionIsRead) {
  for (const int compression :
       {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
        COMPRESSION_PACKBITS, COMPRESSION_LZMA, COMPRESSION_ZSTD}) {
    if (TIFFIsCODECConfigured(static_cast<uint16_t>(compression)) == 0) {
      continue;
    }
    for (const uint32_t tile : {0u, 16u}) {
      const TiffPageMaker page{
          .width = 37,
          .height = 21,
          .samples = 3,
          .photometric = PHOTOMETRIC_RGB,
          .compression = static_cast<uint16_t>(compression),
          .rows_per_strip = 5,
          .tile_width = tile,
          .tile_height = tile};
      const std::string pixels = Ramp(page.bytes());
      for (const char* const mode : kModes) {
        const auto image = Decode(page, pixels, mode);
        ASSERT_TRUE(image.ok()) << compression << image.status();
        EXPECT_EQ(image->spec(), Spec(37, 21, 3));
        EXPECT_EQ(SamplesOf(image), NumbersOf(pixels)) << compression << mode;
      }
    }
  }
}

TEST(TiffTest, BilevelImagesAreReadInEveryCompression) {
  for (const int compression :
       {COMPRESSION_NONE, COMPRESSION_CCITTRLE, COMPRESSION_CCITTRLEW,
        COMPRESSION_CCITTFAX3, COMPRESSION_CCITTFAX4, COMPRESSION_LZW}) {
    for (const int photometric :
         {PHOTOMETRIC_MINISWHITE, PHOTOMETRIC_MINISBLACK}) {
      for (const int fill_order : {FILLORDER_MSB2LSB, FILLORDER_LSB2MSB}) {
        const TiffPageMaker page{
            .width = 11,
            .bits = 1,
            .photometric = static_cast<uint16_t>(photometric),
            .compression = static_cast<uint16_t>(compression),
            .fill_order = static_cast<uint16_t>(fill_order)};
        const std::string pixels = Bytes({0xf0, 0x20, 0x12, 0xe0, 0xff, 0x00});
        const auto image = Decode(page, pixels);
        ASSERT_TRUE(image.ok()) << compression << image.status();
        Samples expected;
        for (const int bits : {0xf02, 0x12e, 0xff0}) {
          for (int bit = 11; bit > 0; --bit) {
            const bool is_set = (bits >> bit & 1) != 0;
            const bool is_light = is_set == (photometric != 0);
            expected.push_back(is_light ? 255 : 0);
          }
        }
        EXPECT_EQ(SamplesOf(image), expected)
            << compression << " " << photometric << " " << fill_order;
      }
    }
  }
}

TEST(TiffTest, SmallSamplesAreSpreadOverTheFullRange) {
  TiffPageMaker page{.width = 3, .height = 1, .bits = 2};
  EXPECT_EQ(SamplesOf(Decode(page, Bytes({0x1c}))), (Samples{0, 85, 255}));
  page.bits = 4;
  EXPECT_EQ(SamplesOf(Decode(page, Bytes({0x0f, 0x70}))),
            (Samples{0, 255, 119}));
  page.bits = 12;
  const auto image = Decode(page, Bytes({0x00, 0x0f, 0xff, 0x80, 0x00}));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->spec(), Spec(3, 1, 1, SampleType::kU16));
  EXPECT_EQ(SamplesOf(image), (Samples{0, 65535, 32776}));
  // In RGB samples do not begin with bytes.
  page.samples = 3;
  page.bits = 4;
  page.photometric = PHOTOMETRIC_RGB;
  EXPECT_EQ(SamplesOf(Decode(page, Bytes({0x01, 0x23, 0x45, 0x67, 0x8f}))),
            (Samples{0, 17, 34, 51, 68, 85, 102, 119, 136}));
}

TEST(TiffTest, WideSamplesAreReadInBothByteOrders) {
  for (const char* const mode : kModes) {
    TiffPageMaker page{.width = 3, .height = 1, .bits = 16};
    EXPECT_EQ(SamplesOf(Decode(page, BytesOf<uint16_t>({1, 256, 65535}), mode)),
              (Samples{1, 256, 65535}));
    page.bits = 32;
    EXPECT_EQ(SamplesOf(Decode(page, BytesOf<uint32_t>({1, 1 << 24, 7}), mode)),
              (Samples{1, 1 << 24, 7}));
    page.bits = 64;
    EXPECT_EQ(
        SamplesOf(Decode(page, BytesOf<uint64_t>({1, 1ull << 40, 7}), mode)),
        (Samples{1, 1099511627776.0, 7}));
    page.format = SAMPLEFORMAT_IEEEFP;
    const double large = 1e300;
    EXPECT_EQ(SamplesOf(Decode(page, BytesOf<double>({-0.5, large, 3}), mode)),
              (Samples{-0.5, std::numeric_limits<double>::infinity(), 3}));
    page.bits = 32;
    EXPECT_EQ(SamplesOf(Decode(page, BytesOf<float>({-0.5f, 1e30f, 3}), mode)),
              (Samples{-0.5, 1e30f, 3}));
    page.bits = 16;
    EXPECT_EQ(SamplesOf(Decode(
                  page, BytesOf<uint16_t>({0x3c00, 0xb800, 0x0001}), mode)),
              (Samples{1, -0.5, 5.9604644775390625e-8}));
  }
}

TEST(TiffTest, NotANumberStaysOne) {
  const TiffPageMaker page{
      .width = 2, .height = 1, .bits = 32, .format = SAMPLEFORMAT_IEEEFP};
  const auto image = Decode(page, BytesOf<uint32_t>({0x7fc12345, 0xff800000}));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->spec(), Spec(2, 1, 1, SampleType::kF32));
  EXPECT_EQ(std::bit_cast<uint32_t>(image->view().As<float>().row(0)[0]),
            0x7fc12345);
  EXPECT_EQ(SamplesOf(image)[1], -std::numeric_limits<double>::infinity());
}

TEST(TiffTest, SignedSamplesAreMovedUpOrBecomeFloat) {
  TiffPageMaker page{.width = 3, .height = 1, .format = SAMPLEFORMAT_INT};
  EXPECT_EQ(SamplesOf(Decode(page, BytesOf<int8_t>({-128, 0, 127}))),
            (Samples{0, 128, 255}));
  page.bits = 16;
  EXPECT_EQ(SamplesOf(Decode(page, BytesOf<int16_t>({-32768, 0, 32767}))),
            (Samples{0, 32768, 65535}));
  page.bits = 32;
  const auto image = Decode(page, BytesOf<int32_t>({-5, 0, 1 << 30}));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->spec().sample_type, SampleType::kF32);
  EXPECT_EQ(SamplesOf(image), (Samples{-5, 0, 1 << 30}));
}

TEST(TiffTest, PredictorsAreUndone) {
  for (const int compression : {COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE}) {
    for (const int bits : {8, 16, 32, -32}) {
      for (const bool is_planar : {false, true}) {
        for (const uint32_t tile : {0u, 16u}) {
          TiffPageMaker page{
              .width = 20,
              .height = 17,
              .samples = 3,
              .bits = static_cast<uint16_t>(std::abs(bits)),
              .photometric = PHOTOMETRIC_RGB,
              .compression = static_cast<uint16_t>(compression),
              .format = static_cast<uint16_t>(bits > 0 ? SAMPLEFORMAT_UINT
                                                       : SAMPLEFORMAT_IEEEFP),
              .is_planar = is_planar,
              .tile_width = tile,
              .tile_height = tile};
          const std::string pixels = Ramp(page.bytes());
          for (const char* const mode : kModes) {
            // libtiff writes the first strip in the wrong order then.
            if (bits < 0 && mode[1] == 'b') continue;
            page.predictor = PREDICTOR_NONE;
            const auto plain = Decode(page, pixels, mode);
            page.predictor = static_cast<uint16_t>(
                bits > 0 ? PREDICTOR_HORIZONTAL : PREDICTOR_FLOATINGPOINT);
            const auto image = Decode(page, pixels, mode);
            ASSERT_TRUE(image.ok() && plain.ok()) << image.status();
            EXPECT_EQ(Difference(image->view(), plain->view()), "")
                << bits << mode;
          }
        }
      }
    }
  }
}

TEST(TiffTest, PlanesAreInterleaved) {
  TiffPageMaker page{.width = 2,
                     .height = 3,
                     .samples = 3,
                     .photometric = PHOTOMETRIC_RGB,
                     .is_planar = true};
  const Samples expected = {'a', 'g', 'm', 'b', 'h', 'n', 'c', 'i', 'o',
                            'd', 'j', 'p', 'e', 'k', 'q', 'f', 'l', 'r'};
  EXPECT_EQ(SamplesOf(Decode(page, "abcdefghijklmnopqr")), expected);
  page.tile_width = page.tile_height = 16;
  EXPECT_EQ(SamplesOf(Decode(page, "abcdefghijklmnopqr")), expected);
}

TEST(TiffTest, TilesAtTheEdgesAreCutOff) {
  for (const auto& [width, height] :
       {std::pair{1u, 1u}, {16u, 16u}, {17u, 16u}, {15u, 33u}, {50u, 31u}}) {
    const TiffPageMaker page{.width = width,
                             .height = height,
                             .samples = 2,
                             .tile_width = 16,
                             .tile_height = 16,
                             .extras = {EXTRASAMPLE_UNASSALPHA}};
    const std::string pixels = Ramp(page.bytes());
    EXPECT_EQ(SamplesOf(Decode(page, pixels)), NumbersOf(pixels)) << width;
  }
}

TEST(TiffTest, PalettesBecomeColours) {
  TiffPageMaker page{
      .width = 3, .height = 1, .bits = 2, .photometric = PHOTOMETRIC_PALETTE};
  const auto wide = [](const std::vector<int>& bytes) {
    std::vector<uint16_t> palette;
    palette.reserve(bytes.size());
    for (const int byte : bytes) {
      palette.push_back(static_cast<uint16_t>(byte * 257));
    }
    return palette;
  };
  const std::vector<int> colors = {1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24};
  const Samples expected = {1, 11, 21, 4, 14, 24, 2, 12, 22};
  page.palette = wide(colors);
  EXPECT_EQ(SamplesOf(Decode(page, Bytes({0x34}))), expected);
  // Some writers put bytes there.
  page.palette = {colors.begin(), colors.end()};
  EXPECT_EQ(SamplesOf(Decode(page, Bytes({0x34}))), expected);
  // More than bytes can hold.
  page.palette = wide(colors);
  page.palette[0] = 258;
  const auto image = Decode(page, Bytes({0x34}));
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->spec(), Spec(3, 1, 3, SampleType::kU16));
  EXPECT_EQ(SamplesOf(image)[0], 258);
  EXPECT_EQ(SamplesOf(image)[3], 4 * 257);
}

TEST(TiffTest, MinIsWhiteIsTurnedRound) {
  TiffPageMaker page{
      .width = 2, .height = 1, .photometric = PHOTOMETRIC_MINISWHITE};
  EXPECT_EQ(SamplesOf(Decode(page, Bytes({0, 200}))), (Samples{255, 55}));
  page.bits = 16;
  EXPECT_EQ(SamplesOf(Decode(page, BytesOf<uint16_t>({0, 65000}))),
            (Samples{65535, 535}));
  page.bits = 32;
  page.format = SAMPLEFORMAT_IEEEFP;
  EXPECT_EQ(SamplesOf(Decode(page, BytesOf<float>({0, 0.75f}))),
            (Samples{1, 0.25}));
  // Alpha is not light.
  page.bits = 8;
  page.format = SAMPLEFORMAT_UINT;
  page.samples = 2;
  page.extras = {EXTRASAMPLE_UNASSALPHA};
  EXPECT_EQ(SamplesOf(Decode(page, Bytes({0, 7, 200, 8}))),
            (Samples{255, 7, 55, 8}));
}

TEST(TiffTest, InksBecomeLight) {
  TiffPageMaker page{.width = 3,
                     .height = 1,
                     .samples = 4,
                     .photometric = PHOTOMETRIC_SEPARATED,
                     .icc = "a profile for inks"};
  const std::string file =
      MakeTiff(page, Bytes({0, 0, 0, 0, 255, 0, 128, 0, 0, 51, 0, 128}));
  EXPECT_EQ(SamplesOf(DecodeFile(kTiffCodec, file)),
            (Samples{255, 255, 255, 0, 255, 127, 127, 102, 127}));
  RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
  const auto decoder = kTiffCodec.open(source, {});
  ASSERT_TRUE(decoder.ok());
  EXPECT_TRUE((*decoder)->metadata().icc_profile.empty());
  page.bits = 16;
  EXPECT_EQ(SamplesOf(Decode(page, BytesOf<uint16_t>({0, 0, 0, 0, 65535, 0, 1,
                                                      0, 0, 0, 0, 65535}))),
            (Samples{65535, 65535, 65535, 0, 65535, 65534, 0, 0, 0}));
}

TEST(TiffTest, InksBecomeLightByTheirProfile) {
  const std::vector<std::byte> profile = testing::InkProfile();
  TiffPageMaker page{
      .width = 3,
      .height = 1,
      .samples = 5,
      .photometric = PHOTOMETRIC_SEPARATED,
      .extras = {EXTRASAMPLE_UNASSALPHA},
      .icc = {reinterpret_cast<const char*>(profile.data()), profile.size()}};
  // L* of 100, 0 and about 50, which is 119 in sRGB.
  for (const bool is_planar : {false, true}) {
    page.is_planar = is_planar;
    const Samples samples = SamplesOf(Decode(
        page, is_planar
                  ? Bytes({0, 255, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0, 7, 8, 9})
                  : Bytes({0, 0, 0, 0, 7, 255, 0, 0, 0, 8, 0, 128, 0, 0, 9})));
    const Samples expected = {255, 255, 255, 7, 0, 0, 0, 8, 119, 119, 119, 9};
    ASSERT_EQ(samples.size(), expected.size());
    for (size_t i = 0; i < samples.size(); ++i) {
      EXPECT_NEAR(samples[i], expected[i], 2) << i;
    }
  }
  page.is_planar = false;
  page.width = 1;
  page.bits = 16;
  const Samples wide =
      SamplesOf(Decode(page, BytesOf<uint16_t>({0, 32896, 0, 0, 300})));
  ASSERT_EQ(wide.size(), 4);
  EXPECT_NEAR(wide[0], 119 * 257, 400);
  EXPECT_EQ(wide[3], 300);
}

TEST(TiffTest, LumaAndChromaBecomeRgb) {
  const TiffPageMaker page{
      .width = 2, .height = 1, .samples = 3, .photometric = PHOTOMETRIC_YCBCR};
  EXPECT_EQ(SamplesOf(Decode(page, Bytes({100, 128, 128, 76, 85, 255}))),
            (Samples{100, 100, 100, 254, 0, 0}));
}

TEST(TiffTest, JpegsInsideAreRead) {
  TiffPageMaker page{.width = 48,
                     .height = 32,
                     .samples = 3,
                     .photometric = PHOTOMETRIC_RGB,
                     .compression = COMPRESSION_JPEG,
                     .rows_per_strip = 16};
  std::string pixels;
  for (int i = 0; i < 48 * 32; ++i) pixels += Bytes({200, 40, 90});
  for (const int photometric : {PHOTOMETRIC_RGB, PHOTOMETRIC_YCBCR}) {
    for (const uint32_t tile : {0u, 16u}) {
      for (const int subsampling : {1, 2}) {
        page.photometric = static_cast<uint16_t>(photometric);
        page.tile_width = page.tile_height = tile;
        page.subsampling = static_cast<uint16_t>(subsampling);
        const auto image = Decode(page, pixels);
        ASSERT_TRUE(image.ok()) << image.status();
        ASSERT_EQ(image->spec(), Spec(48, 32, 3));
        const Samples samples = SamplesOf(image);
        for (size_t i = 0; i < samples.size(); i += 3) {
          ASSERT_NEAR(samples[i], 200, 6);
          ASSERT_NEAR(samples[i + 1], 40, 6);
          ASSERT_NEAR(samples[i + 2], 90, 6);
        }
      }
    }
  }
}

TEST(TiffTest, AlphaIsDividedOutWhereItWasMultipliedIn) {
  TiffPageMaker page{.width = 3,
                     .height = 1,
                     .samples = 4,
                     .photometric = PHOTOMETRIC_RGB,
                     .extras = {EXTRASAMPLE_UNASSALPHA}};
  const std::string pixels =
      Bytes({10, 20, 30, 0, 10, 20, 128, 128, 10, 20, 30, 255});
  EXPECT_EQ(SamplesOf(Decode(page, pixels)), NumbersOf(pixels));
  page.extras = {EXTRASAMPLE_ASSOCALPHA};
  EXPECT_EQ(SamplesOf(Decode(page, pixels)),
            (Samples{0, 0, 0, 0, 20, 40, 255, 128, 10, 20, 30, 255}));
  page.bits = 32;
  page.format = SAMPLEFORMAT_IEEEFP;
  page.width = 1;
  EXPECT_EQ(SamplesOf(Decode(page, BytesOf<float>({0.25f, 0.5f, 1, 0.5f}))),
            (Samples{0.5, 1, 2, 0.5}));
}

TEST(TiffTest, SamplesThatAreNoAlphaAreDropped) {
  TiffPageMaker page{.width = 2,
                     .height = 1,
                     .samples = 6,
                     .photometric = PHOTOMETRIC_RGB,
                     .extras = {EXTRASAMPLE_UNSPECIFIED, EXTRASAMPLE_UNASSALPHA,
                                EXTRASAMPLE_UNSPECIFIED}};
  const Samples expected = {'a', 'b', 'c', 'e', 'g', 'h', 'i', 'k'};
  EXPECT_EQ(SamplesOf(Decode(page, "abcdefghijkl")), expected);
  page.is_planar = true;
  EXPECT_EQ(SamplesOf(Decode(page, "agbhcidjekfl")), expected);
  page.extras = {EXTRASAMPLE_UNSPECIFIED, EXTRASAMPLE_UNSPECIFIED,
                 EXTRASAMPLE_UNSPECIFIED};
  const auto image = Decode(page, "agbhcidjekfl");
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->spec(), Spec(2, 1, 3));
}

TEST(TiffTest, OrientationsAndProfilesAreKept) {
  for (uint16_t tag = 1; tag <= 8; ++tag) {
    const std::string file =
        MakeTiff({.orientation = tag, .icc = "profile"}, Ramp(12));
    RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
    const auto decoder = kTiffCodec.open(source, {});
    ASSERT_TRUE(decoder.ok()) << decoder.status();
    EXPECT_EQ((*decoder)->metadata().orientation, OrientationOfExifTag(tag));
    EXPECT_EQ((*decoder)->metadata().icc_profile.size(), 7);
    EXPECT_EQ((*decoder)->spec(), Spec(4, 3, 1));
  }
  const std::string file = MakeTiff({.icc = "profile"}, Ramp(12));
  RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
  const auto decoder = kTiffCodec.open(source, {.max_icc_bytes = 6});
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  EXPECT_TRUE((*decoder)->metadata().icc_profile.empty());
}

// Of all sizes and types, tiled and not.
std::vector<TiffPageAndPixels> DifferentPages() {
  std::vector<TiffPageAndPixels> pages = {
      {{.width = 5, .height = 7}, {}},
      {{.width = 20,
        .height = 3,
        .samples = 3,
        .bits = 16,
        .photometric = PHOTOMETRIC_RGB,
        .compression = COMPRESSION_LZW,
        .is_planar = true},
       {}},
      {{.width = 3, .height = 40, .bits = 32, .format = SAMPLEFORMAT_IEEEFP},
       {}},
      {{.width = 9, .height = 9, .tile_width = 16, .tile_height = 16}, {}}};
  for (TiffPageAndPixels& each : pages) each.pixels = Ramp(each.page.bytes());
  return pages;
}

TEST(TiffTest, PagesAreFramesOfTheirOwnKinds) {
  const std::vector<TiffPageAndPixels> pages = DifferentPages();
  for (const char* const mode : kModes) {
    const auto images = DecodePages(MakeTiff(pages, mode));
    ASSERT_EQ(images.size(), 4);
    for (size_t i = 0; i < images.size(); ++i) {
      ASSERT_TRUE(images[i].ok()) << images[i].status();
      const auto alone = DecodeFile(
          kTiffCodec, MakeTiff(pages[i].page, pages[i].pixels, mode));
      ASSERT_TRUE(alone.ok());
      EXPECT_EQ(Difference(images[i]->view(), alone->view()), "");
    }
    EXPECT_EQ(images[1]->spec(), Spec(20, 3, 3, SampleType::kU16));
    EXPECT_EQ(images[2]->spec(), Spec(3, 40, 1, SampleType::kF32));
  }
}

TEST(TiffTest, SmallCopiesAndMasksAreNoPages) {
  std::vector<TiffPageAndPixels> pages(4, {{}, Ramp(12)});
  pages[1].page.file_type = FILETYPE_REDUCEDIMAGE;
  pages[2].page.file_type = FILETYPE_MASK;
  pages[3].page.file_type = FILETYPE_PAGE;
  EXPECT_EQ(DecodePages(MakeTiff(pages)).size(), 2);
  // A file of nothing else has a picture, too.
  pages[0].page.file_type = FILETYPE_REDUCEDIMAGE;
  pages.resize(1);
  EXPECT_EQ(DecodePages(MakeTiff(pages)).size(), 1);
}

TEST(TiffTest, LimitsHoldForEveryPage) {
  std::vector<TiffPageAndPixels> pages = {{{}, Ramp(12)},
                                          {{.width = 100, .height = 50}, {}}};
  pages[1].pixels = Ramp(5000);
  const std::string file = MakeTiff(pages);
  EXPECT_TRUE(DecodePages(file, {.max_pixels = 5000}).back().ok());
  const absl::Status status =
      DecodePages(file, {.max_pixels = 4999}).back().status();
  EXPECT_EQ(ReasonOf(status), kImageTooLarge) << status;
  EXPECT_TRUE(DecodePages(file, {.max_side = 100}).back().ok());
  EXPECT_FALSE(DecodePages(file, {.max_side = 99}).back().ok());
  EXPECT_TRUE(DecodePages(file, {.max_frames = 2}).back().ok());
  EXPECT_FALSE(DecodePages(file, {.max_frames = 1}).front().ok());
}

// Decoded by us to see whether it is there, and then by libtiff for its
// colours.
TEST(TiffTest, LargeBlocksOfLumaAndChromaAreRead) {
  for (const uint32_t tile : {0u, 1600u}) {
    const TiffPageMaker page{.width = 1600,
                             .height = 1000,
                             .samples = 3,
                             .photometric = PHOTOMETRIC_YCBCR,
                             .compression = COMPRESSION_ADOBE_DEFLATE,
                             .rows_per_strip = 1000,
                             .tile_width = tile,
                             .tile_height = tile};
    TiffPageMaker small = page;
    small.rows_per_strip = 10;
    small.tile_width = small.tile_height = 0;
    const std::string pixels = Ramp(page.bytes());
    const auto image = Decode(page, pixels);
    const auto expected = Decode(small, pixels);
    ASSERT_TRUE(image.ok() && expected.ok()) << image.status();
    EXPECT_EQ(Difference(image->view(), expected->view()), "");
  }
}

// Larger than what is decoded as a whole.
TEST(TiffTest, LargeStripsAreReadRowByRow) {
  for (const int compression :
       {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
        COMPRESSION_PACKBITS, COMPRESSION_LZMA, COMPRESSION_ZSTD}) {
    for (const bool is_planar : {false, true}) {
      const TiffPageMaker page{
          .width = 1000,
          .height = 500,
          .samples = 4,
          .photometric = PHOTOMETRIC_RGB,
          .compression = static_cast<uint16_t>(compression),
          .is_planar = is_planar,
          .rows_per_strip = 490,
          .extras = {EXTRASAMPLE_UNASSALPHA}};
      TiffPageMaker small = page;
      small.rows_per_strip = 10;
      const std::string pixels = Ramp(page.bytes());
      const std::string file = MakeTiff(page, pixels);
      const auto image = DecodeFile(kTiffCodec, file);
      const auto expected = Decode(small, pixels);
      ASSERT_TRUE(image.ok() && expected.ok()) << image.status();
      EXPECT_EQ(Difference(image->view(), expected->view()), "");
      RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
      const auto decoder = kTiffCodec.open(source, {});
      ASSERT_TRUE(decoder.ok());
      if (compression != COMPRESSION_LZMA && compression != COMPRESSION_ZSTD) {
        EXPECT_LT((*decoder)->max_working_bytes(), 6 << 20);
      }
    }
  }
}

TEST(TiffTest, WhatIsWrittenIsReadByLibtiff) {
  for (const SampleType type :
       {SampleType::kU8, SampleType::kU16, SampleType::kF32}) {
    for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
      const Image image =
          testing::MakeGradient(Spec(301, 203, channels, type), channels);
      testing::TiffMemory memory{.bytes = EncodeFile(kTiffCodec, image)};
      using testing::TiffMemory;
      TIFF* const tiff =
          TIFFClientOpen("memory", "r", &memory, TiffMemory::Read,
                         TiffMemory::Write, TiffMemory::Seek, TiffMemory::Close,
                         TiffMemory::Size, nullptr, nullptr);
      ASSERT_NE(tiff, nullptr);
      std::string row(static_cast<size_t>(TIFFScanlineSize(tiff)), '\0');
      for (uint32_t y = 0; y < 203; ++y) {
        ASSERT_EQ(TIFFReadScanline(tiff, row.data(), y, 0), 1);
        const auto bytes = image.view().row_bytes(y);
        ASSERT_EQ(row.size(), bytes.size());
        ASSERT_EQ(std::memcmp(row.data(), bytes.data(), row.size()), 0) << y;
      }
      TIFFClose(tiff);
    }
  }
}

TEST(TiffTest, HarderEffortsGiveSmallerFiles) {
  const Image image = testing::MakeGradient(Spec(300, 200, 3), 1);
  std::map<EncodeOptions::Effort, size_t> sizes;
  for (const auto effort :
       {EncodeOptions::Effort::kFast, EncodeOptions::Effort::kDefault,
        EncodeOptions::Effort::kSmallest}) {
    const std::string file = EncodeFile(kTiffCodec, image, {.effort = effort});
    sizes[effort] = file.size();
    const auto back = DecodeFile(kTiffCodec, file);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(Difference(back->view(), image.view()), "");
  }
  EXPECT_LT(sizes[EncodeOptions::Effort::kDefault],
            sizes[EncodeOptions::Effort::kFast]);
  EXPECT_LE(sizes[EncodeOptions::Effort::kSmallest],
            sizes[EncodeOptions::Effort::kDefault]);
}

TEST(TiffTest, WhatIsNotSupportedIsSaid) {
  const auto with = [](uint16_t tag, uint32_t value) {
    TiffTags tags = PlainTiffTags(4, 3);
    for (TiffTags::Tag& each : tags.tags) {
      if (each.tag == tag) each.value = value;
    }
    return Refused(tags.File(Ramp(12)));
  };
  EXPECT_EQ(with(TIFFTAG_COMPRESSION, COMPRESSION_JBIG),
            "UNKNOWN_FORMAT: TIFF files with compression 34661 are not "
            "supported");
  EXPECT_EQ(with(TIFFTAG_COMPRESSION, COMPRESSION_LERC),
            "UNKNOWN_FORMAT: TIFF files with compression 34887 are not "
            "supported");
  EXPECT_EQ(with(TIFFTAG_COMPRESSION, COMPRESSION_PIXARLOG),
            "UNKNOWN_FORMAT: TIFF files with compression 32909 are not "
            "supported");
  EXPECT_EQ(with(TIFFTAG_COMPRESSION, 12345),
            "UNKNOWN_FORMAT: TIFF files with compression 12345 are not "
            "supported");
  EXPECT_EQ(with(TIFFTAG_PHOTOMETRIC, 32803),
            "UNKNOWN_FORMAT: TIFF files with photometric interpretation "
            "32803 are not supported");
  EXPECT_EQ(with(TIFFTAG_BITSPERSAMPLE, 40),
            "UNKNOWN_FORMAT: TIFF files with samples of 40 bits are not "
            "supported");
  EXPECT_EQ(with(TIFFTAG_SAMPLESPERPIXEL, 33),
            "UNKNOWN_FORMAT: TIFF files with 33 samples in a pixel are not "
            "supported");
  const TiffPageMaker page{.width = 1,
                           .height = 1,
                           .bits = 64,
                           .format = SAMPLEFORMAT_COMPLEXIEEEFP};
  EXPECT_EQ(Refused(MakeTiff(page, Ramp(8))),
            "UNKNOWN_FORMAT: TIFF files with complex samples are not "
            "supported");
}

TEST(TiffTest, WhatIsDamagedIsSaid) {
  const TiffTags plain = PlainTiffTags(4, 3);
  EXPECT_EQ(Refused(plain.File(Ramp(12))), "read");
  EXPECT_EQ(Refused(plain.File(Ramp(11))),
            "IMAGE_DAMAGED: the TIFF file is damaged: reached row 0 of 3: Read "
            "error on strip 0; got 11 bytes, expected 12");
  EXPECT_EQ(Refused("II*"), std::string(kDamaged) + "it ends too early");
  EXPECT_EQ(Refused(std::string("II*\0\0\0\0\0", 8)),
            std::string(kDamaged) + "it has no pages");
  EXPECT_EQ(
      Refused(std::string("II*\0\x09\0\0\0", 8)),
      std::string(kDamaged) + "it ends before a directory that it refers to");
  EXPECT_EQ(
      Refused(plain.File().substr(0, plain.end() - 1)),
      std::string(kDamaged) + "it ends before a directory that it refers to");
  EXPECT_EQ(Refused(std::string("II+\0\x04\0\0\0\x10\0\0\0\0\0\0\0", 16)),
            std::string(kDamaged) + "the BigTIFF header is wrong");
}

TEST(TiffTest, SizesOfNothingAreRefused) {
  EXPECT_NE(Refused(PlainTiffTags(0, 3).File()), "read");
  EXPECT_NE(Refused(PlainTiffTags(4, 0).File()), "read");
  TiffTags tags = PlainTiffTags(4, 3);
  tags.tags[2].value = 0;  // bits
  EXPECT_NE(Refused(tags.File(Ramp(12))), "read");
  tags = PlainTiffTags(4, 3);
  tags.tags[6].value = 0;  // samples
  EXPECT_NE(Refused(tags.File(Ramp(12))), "read");
}

TEST(TiffTest, AbsurdSizesAreRefusedBeforeMemoryIsTaken) {
  EXPECT_EQ(Refused(PlainTiffTags(0xffffffff, 0xffffffff).File()),
            "IMAGE_TOO_LARGE: the image has 4294967295 x 4294967295 pixels; "
            "the limit for a side is 65535");
  // Allowed, but the one strip is not there.
  const TiffTags tags = PlainTiffTags(10'000, 10'000);
  EXPECT_EQ(
      Refused(tags.File(Ramp(100)))
          .find("IMAGE_DAMAGED: the TIFF file is damaged: reached row 0 of "
                "10000"),
      0);
}

TEST(TiffTest, AbsurdTilesAreRefused) {
  const auto tiled = [](uint32_t width, uint32_t height) {
    TiffTags tags = PlainTiffTags(4, 3);
    tags.tags.erase(tags.tags.begin() + 5);
    tags.tags.resize(6);
    tags.tags.push_back({TIFFTAG_TILEWIDTH, 4, 1, width});
    tags.tags.push_back({TIFFTAG_TILELENGTH, 4, 1, height});
    tags.tags.push_back({TIFFTAG_TILEOFFSETS, 4, 1, 0});
    tags.tags.push_back({TIFFTAG_TILEBYTECOUNTS, 4, 1, 256});
    tags.tags[8].value = static_cast<uint32_t>(tags.end());
    return Refused(tags.File(Ramp(256)));
  };
  EXPECT_EQ(tiled(16, 16), "read");
  EXPECT_EQ(tiled(0, 16), std::string(kDamaged) + "its tiles have no size");
  EXPECT_EQ(tiled(16, 0), std::string(kDamaged) + "its tiles have no size");
  EXPECT_EQ(tiled(1 << 30, 1 << 30),
            "IMAGE_TOO_LARGE: tiles of 1073741824 x 1073741824 pixels are too "
            "large for this TIFF image");
  EXPECT_EQ(tiled(4096, 1040),
            "IMAGE_TOO_LARGE: tiles of 4096 x 1040 pixels are too large for "
            "this TIFF image");
}

TEST(TiffTest, AbsurdCountsOfStripsAreRefused) {
  TiffTags tags = PlainTiffTags(4, 3);
  // Four thousand million offsets.
  tags.tags[5].count = tags.tags[8].count = 0xffffffff;
  EXPECT_NE(Refused(tags.File(Ramp(12))), "read");
  // A strip for each of many rows, of which the file has one.
  tags = PlainTiffTags(1, 65535);
  tags.tags[7].value = 1;
  EXPECT_NE(Refused(tags.File(Ramp(12))), "read");
  // More bytes of tags than there are bytes.
  tags = PlainTiffTags(4, 3);
  for (uint16_t i = 0; i < 200; ++i) {
    tags.tags.push_back({static_cast<uint16_t>(50000 + i), 4, 1000, 8});
  }
  EXPECT_EQ(Refused(tags.File(Ramp(4000))),
            std::string(kDamaged) + "its tags are longer than the file");
  for (uint16_t i = 0; i < 1000; ++i) {
    tags.tags.push_back({static_cast<uint16_t>(51000 + i), 3, 1, 8});
  }
  EXPECT_EQ(Refused(tags.File(Ramp(12))),
            "IMAGE_TOO_LARGE: a directory of the TIFF file has 1209 tags, and "
            "the limit is 1000");
}

TEST(TiffTest, LoopsOfDirectoriesEnd) {
  TiffTags tags = PlainTiffTags(4, 3);
  tags.next = 8;
  EXPECT_EQ(DecodePages(tags.File(Ramp(12))).size(), 1);
  // A second directory that leads back to the first.
  tags.next = static_cast<uint32_t>(tags.end() + 12);
  TiffTags second = tags;
  second.next = 8;
  const auto pages = DecodePages(tags.File(Ramp(12) + second.Directory()));
  ASSERT_EQ(pages.size(), 2);
  EXPECT_EQ(SamplesOf(pages[1]), NumbersOf(Ramp(12)));
}

TEST(TiffTest, DirectoriesThatOverlapAreLimited) {
  // Each begins two bytes behind the one before and has no tags.
  std::string file("II*\0\x08\0\0\0", 8);
  for (uint32_t i = 0; i < 30'000; ++i) {
    file += Little16(0) + Little32(static_cast<uint32_t>(file.size()) + 6);
  }
  EXPECT_EQ(Refused(file),
            "IMAGE_TOO_LARGE: the file has 10001 frames; the limit is 10000");
}

TEST(TiffTest, StripsThatEndTooEarlyAreDamage) {
  for (const int compression :
       {COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE, COMPRESSION_PACKBITS,
        COMPRESSION_JPEG, COMPRESSION_LZMA, COMPRESSION_ZSTD, COMPRESSION_WEBP,
        COMPRESSION_CCITTFAX3, COMPRESSION_CCITTFAX4}) {
    if (TIFFIsCODECConfigured(static_cast<uint16_t>(compression)) == 0) {
      continue;
    }
    for (const uint32_t width : {64u, 4096u}) {
      const bool is_fax = compression == COMPRESSION_CCITTFAX3 ||
                          compression == COMPRESSION_CCITTFAX4;
      const TiffPageMaker page{
          .width = width,
          .height = 400,
          .samples = static_cast<uint16_t>(is_fax ? 1 : 3),
          .bits = static_cast<uint16_t>(is_fax ? 1 : 8),
          .photometric = static_cast<uint16_t>(is_fax ? PHOTOMETRIC_MINISWHITE
                                                      : PHOTOMETRIC_RGB),
          .compression = static_cast<uint16_t>(compression),
          .rows_per_strip = 400};
      std::string file = MakeTiff(page, Ramp(page.bytes()));
      ASSERT_NE(file, "") << compression;
      ASSERT_EQ(Refused(file), "read") << compression;
      // Half of the strip, by its length, which is the only one.
      const size_t at = file.find(Little16(TIFFTAG_STRIPBYTECOUNTS) +
                                  Little16(4) + Little32(1));
      ASSERT_NE(at, std::string::npos) << compression;
      uint32_t bytes = 0;
      std::memcpy(&bytes, &file[at + 8], 4);
      file.replace(at + 8, 4, Little32(bytes / 2));
      EXPECT_EQ(Refused(file).find("IMAGE_DAMAGED"), 0)
          << compression << " " << width << " " << Refused(file);
    }
  }
}

}  // namespace
}  // namespace imageadapt
