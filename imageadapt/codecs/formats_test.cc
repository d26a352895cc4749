// What is special to PNG, JPEG, EXIF and raw samples. The files are made here,
// by the libraries themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>
// After <cstdio>, which it needs but does not include.
#include <jpeglib.h>
#include <png.h>

#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/exif_orientation.h"
#include "imageadapt/codecs/raw.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using testing::Difference;
using testing::MakeImage;
using testing::Spec;

std::span<const std::byte> BytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

absl::StatusOr<Image> Decode(const Codec& codec, const std::string& file,
                             const DecodeLimits& limits = {}) {
  RopeSource source{ByteRope(BytesOf(file))};
  auto decoder = codec.open(source, limits);
  if (!decoder.ok()) return decoder.status();
  Image image = MakeImage((*decoder)->spec());
  const absl::Status status = (*decoder)->ReadRows(image.view());
  if (!status.ok()) return status;
  return image;
}

// A PNG of any kind: `rows` are packed as the format wants them.
struct PngMaker {
  int width = 8;
  int height = 4;
  int bit_depth = 8;
  int color_type = PNG_COLOR_TYPE_GRAY;
  bool is_interlaced = false;
  std::vector<png_color> palette = {};
  std::vector<png_byte> palette_alpha = {};
  const png_color_16* transparent = nullptr;
  std::string exif = {};

  std::string Make(const std::vector<std::string>& rows) const {
    std::string file;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr,
                                              nullptr, nullptr);
    png_infop info = png_create_info_struct(png);
    png_set_check_for_invalid_index(png, 0);
    png_set_write_fn(
        png, &file,
        [](png_structp self, png_bytep bytes, size_t size) {
          static_cast<std::string*>(png_get_io_ptr(self))
              ->append(reinterpret_cast<char*>(bytes), size);
        },
        [](png_structp) {});
    png_set_IHDR(png, info, width, height, bit_depth, color_type,
                 is_interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (!palette.empty()) {
      png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
    }
    if (transparent != nullptr || !palette_alpha.empty()) {
      png_set_tRNS(png, info,
                   palette_alpha.empty() ? nullptr : palette_alpha.data(),
                   static_cast<int>(palette_alpha.size()), transparent);
    }
    if (!exif.empty()) {
      std::string copy = exif;
      png_set_eXIf_1(png, info, static_cast<png_uint_32>(copy.size()),
                     reinterpret_cast<png_bytep>(copy.data()));
    }
    png_write_info(png, info);
    std::vector<png_bytep> pointers;
    for (const std::string& row : rows) {
      pointers.push_back(
          reinterpret_cast<png_bytep>(const_cast<char*>(row.data())));
    }
    png_write_image(png, pointers.data());
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return file;
  }
};

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

TEST(PngTest, SmallGreySamplesAreSpreadOverEightBits) {
  PngMaker maker{.width = 4, .height = 1};
  maker.bit_depth = 1;
  EXPECT_EQ(Samples(*Decode(kPngCodec, maker.Make({"\xA0"}))),
            (std::vector<int>{255, 0, 255, 0}));
  maker.bit_depth = 2;
  EXPECT_EQ(Samples(*Decode(kPngCodec, maker.Make({"\x1B"}))),
            (std::vector<int>{0, 85, 170, 255}));
  maker.bit_depth = 4;
  EXPECT_EQ(Samples(*Decode(kPngCodec, maker.Make({"\x0F\x3A"}))),
            (std::vector<int>{0, 255, 51, 170}));
}

TEST(PngTest, SixteenBitsStay) {
  PngMaker maker{.width = 2, .height = 1, .bit_depth = 16};
  const auto image =
      Decode(kPngCodec, maker.Make({std::string("\x12\x34\xff\xfe", 4)}));
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(image->spec(), Spec(2, 1, 1, SampleType::kU16));
  EXPECT_EQ(Samples(*image), (std::vector<int>{0x1234, 0xfffe}));
}

TEST(PngTest, PalettesBecomeColoursAndAlphaWhereThereIsSome) {
  PngMaker maker{.width = 3,
                 .height = 1,
                 .bit_depth = 2,
                 .color_type = PNG_COLOR_TYPE_PALETTE};
  maker.palette = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}};
  const std::string row = "\x18";  // 0, 1, 2
  EXPECT_EQ(Samples(*Decode(kPngCodec, maker.Make({row}))),
            (std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  maker.palette_alpha = {10, 20};
  EXPECT_EQ(Samples(*Decode(kPngCodec, maker.Make({row}))),
            (std::vector<int>{1, 2, 3, 10, 4, 5, 6, 20, 7, 8, 9, 255}));
}

TEST(PngTest, AnIndexThatThePaletteDoesNotHaveNeverCrashes) {
  PngMaker maker{.width = 4,
                 .height = 1,
                 .bit_depth = 8,
                 .color_type = PNG_COLOR_TYPE_PALETTE};
  maker.palette = {{1, 2, 3}};
  const auto image =
      Decode(kPngCodec, maker.Make({std::string("\x00\xff\x80\x00", 4)}));
  if (image.ok()) {
    EXPECT_EQ(image->spec().shape.channels, 3);
  }
}

TEST(PngTest, ATransparentColourBecomesAlpha) {
  png_color_16 grey = {};
  grey.gray = 7;
  PngMaker maker{.width = 2, .height = 1};
  maker.transparent = &grey;
  EXPECT_EQ(Samples(*Decode(kPngCodec, maker.Make({"\x07\x08"}))),
            (std::vector<int>{7, 0, 8, 255}));
}

TEST(PngTest, InterlacedImagesAreTheSame) {
  const Image noise = testing::MakeNoise(Spec(37, 29, 3), 8);
  std::vector<std::string> rows;
  for (uint32_t y = 0; y < 29; ++y) {
    const auto row = noise.view().row_bytes(y);
    rows.emplace_back(reinterpret_cast<const char*>(row.data()), row.size());
  }
  const PngMaker maker{.width = 37,
                       .height = 29,
                       .color_type = PNG_COLOR_TYPE_RGB,
                       .is_interlaced = true};
  const std::string file = maker.Make(rows);
  const auto image = Decode(kPngCodec, file);
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(Difference(image->view(), noise.view()), "");

  RopeSource source{ByteRope(BytesOf(file))};
  EXPECT_GE((*kPngCodec.open(source, {}))->max_working_bytes(), 37 * 29 * 3);
}

// TIFF metadata with nothing but an orientation.
std::string Exif(uint16_t orientation, bool is_big_endian) {
  std::string exif = is_big_endian ? "MM" : "II";
  const auto append = [&](uint32_t value, int size) {
    for (int i = 0; i < size; ++i) {
      const int shift = 8 * (is_big_endian ? size - 1 - i : i);
      exif.push_back(static_cast<char>(value >> shift));
    }
  };
  append(42, 2);
  append(8, 4);
  append(1, 2);
  append(0x0112, 2);
  append(3, 2);
  append(1, 4);
  append(orientation, 2);
  append(0, 2);
  append(0, 4);
  return exif;
}

TEST(ExifTest, ReadsAllOrientationsInBothByteOrders) {
  for (uint16_t tag = 0; tag <= 10; ++tag) {
    for (const bool is_big_endian : {false, true}) {
      const std::string exif = Exif(tag, is_big_endian);
      EXPECT_EQ(ExifOrientation(BytesOf(exif)), OrientationOfExifTag(tag));
      const std::string segment = std::string("Exif\0\0", 6) + exif;
      EXPECT_EQ(ExifOrientationOfApp1(BytesOf(segment)),
                OrientationOfExifTag(tag));
    }
  }
}

TEST(ExifTest, DamagedMetadataAreUpright) {
  const std::string good = Exif(6, true);
  for (size_t size = 0; size < 20; ++size) {
    const std::string cut = good.substr(0, size);
    EXPECT_TRUE(ExifOrientation(BytesOf(cut)).is_upright()) << size;
  }
  for (const auto& [at, value] :
       {std::pair{0, 'X'}, {3, '+'}, {4, '\xff'}, {13, '\x05'}, {17, '\x02'}}) {
    std::string bad = good;
    bad[static_cast<size_t>(at)] = value;
    EXPECT_TRUE(ExifOrientation(BytesOf(bad)).is_upright()) << at;
  }
}

TEST(PngTest, OrientationIsReadFromItsExifChunk) {
  PngMaker maker{.width = 1, .height = 1};
  maker.exif = Exif(6, false);
  const std::string file = maker.Make({"a"});
  RopeSource source{ByteRope(BytesOf(file))};
  EXPECT_EQ((*kPngCodec.open(source, {}))->metadata().orientation,
            OrientationOfExifTag(6));
}

// A JPEG of any kind, by libjpeg.
struct JpegMaker {
  J_COLOR_SPACE input = JCS_RGB;
  J_COLOR_SPACE stored = JCS_YCbCr;
  int channels = 3;
  int quality = 95;
  bool is_progressive = false;
  bool has_adobe_marker = true;
  bool is_subsampled = true;
  std::string exif = {};

  std::string Make(const Image& image) const {
    jpeg_compress_struct jpeg;
    jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    unsigned char* bytes = nullptr;
    unsigned long size = 0;
    jpeg_mem_dest(&jpeg, &bytes, &size);
    jpeg.image_width = image.spec().shape.width;
    jpeg.image_height = image.spec().shape.height;
    jpeg.input_components = channels;
    jpeg.in_color_space = input;
    jpeg_set_defaults(&jpeg);
    jpeg_set_colorspace(&jpeg, stored);
    jpeg_set_quality(&jpeg, quality, TRUE);
    jpeg.write_Adobe_marker = has_adobe_marker ? TRUE : FALSE;
    if (!is_subsampled) {
      jpeg.comp_info[0].h_samp_factor = 1;
      jpeg.comp_info[0].v_samp_factor = 1;
    }
    if (is_progressive) jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    if (!exif.empty()) {
      const std::string segment = std::string("Exif\0\0", 6) + exif;
      jpeg_write_marker(&jpeg, JPEG_APP0 + 1,
                        reinterpret_cast<const JOCTET*>(segment.data()),
                        static_cast<unsigned>(segment.size()));
    }
    for (uint32_t y = 0; y < image.spec().shape.height; ++y) {
      auto* row =
          const_cast<JSAMPLE*>(image.view().As<uint8_t>().row(y).data());
      jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    const std::string file(reinterpret_cast<char*>(bytes), size);
    std::free(bytes);
    jpeg_destroy_compress(&jpeg);
    return file;
  }
};

TEST(JpegTest, ProgressiveFilesAreTheSameAsSequentialOnes) {
  const Image image = testing::MakeGradient(Spec(61, 45, 3), 3);
  JpegMaker maker;
  const auto sequential = Decode(kJpegCodec, maker.Make(image));
  maker.is_progressive = true;
  const std::string file = maker.Make(image);
  const auto progressive = Decode(kJpegCodec, file);
  ASSERT_TRUE(progressive.ok()) << progressive.status();
  EXPECT_EQ(Difference(progressive->view(), sequential->view()), "");

  RopeSource source{ByteRope(BytesOf(file))};
  EXPECT_GE((*kJpegCodec.open(source, {}))->max_working_bytes(),
            64 * 48 * 2 * 3 / 2);
}

TEST(JpegTest, TooManyScansAreRefused) {
  JpegMaker maker;
  maker.is_progressive = true;
  const std::string file =
      maker.Make(testing::MakeGradient(Spec(64, 64, 3), 3));
  DecodeLimits limits;
  limits.max_scans = 3;
  const auto image = Decode(kJpegCodec, file, limits);
  EXPECT_EQ(ReasonOf(image.status()), kImageTooLarge) << image.status();
}

TEST(JpegTest, InksBecomeColours) {
  // Cyan, magenta, yellow, black: half of each ink in turn.
  struct Case {
    uint8_t ink[4];
    int rgb[3];
  };
  constexpr Case kCases[] = {{{0, 0, 0, 0}, {255, 255, 255}},
                             {{255, 0, 0, 0}, {0, 255, 255}},
                             {{0, 0, 0, 255}, {0, 0, 0}},
                             {{0, 128, 0, 0}, {255, 127, 255}},
                             {{0, 0, 0, 128}, {127, 127, 127}}};
  for (const Case& each : kCases) {
    for (const bool is_adobe : {true, false}) {
      for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
        // Without the marker nobody can know that it is YCCK.
        if (stored == JCS_YCCK && !is_adobe) continue;
        Image inks = MakeImage(Spec(16, 16, 4));
        for (uint32_t y = 0; y < 16; ++y) {
          const auto row = inks.view().As<uint8_t>().row(y);
          for (size_t i = 0; i < row.size(); ++i) {
            row[i] = static_cast<uint8_t>(is_adobe ? 255 - each.ink[i % 4]
                                                   : each.ink[i % 4]);
          }
        }
        JpegMaker maker{.input = JCS_CMYK,
                        .stored = stored,
                        .channels = 4,
                        .quality = 100,
                        .has_adobe_marker = is_adobe};
        const auto image = Decode(kJpegCodec, maker.Make(inks));
        ASSERT_TRUE(image.ok()) << image.status();
        ASSERT_EQ(image->spec(), Spec(16, 16, 3));
        const auto row = image->view().As<uint8_t>().row(8);
        for (size_t c = 0; c < 3; ++c) {
          EXPECT_NEAR(row[24 + c], each.rgb[c], 3)
              << "adobe " << is_adobe << " stored " << stored;
        }
      }
    }
  }
}

TEST(JpegTest, OrientationIsReadFromItsExifSegment) {
  JpegMaker maker;
  maker.exif = Exif(5, true);
  const std::string file = maker.Make(testing::MakeGradient(Spec(8, 8, 3), 1));
  RopeSource source{ByteRope(BytesOf(file))};
  EXPECT_EQ((*kJpegCodec.open(source, {}))->metadata().orientation,
            OrientationOfExifTag(5));
}

Image Turned(const Image& image, Orientation turn) {
  const ImageShape& shape = image.spec().shape;
  Image result = MakeImage({turn.Apply(shape), SampleType::kU8});
  for (uint32_t y = 0; y < shape.height; ++y) {
    for (uint32_t x = 0; x < shape.width; ++x) {
      uint32_t to_x = turn.mirrored ? shape.width - 1 - x : x;
      uint32_t to_y = y;
      uint32_t width = shape.width;
      uint32_t height = shape.height;
      for (int i = 0; i < turn.quarter_turns; ++i) {
        const uint32_t before = to_x;
        to_x = to_y;
        to_y = width - 1 - before;
        std::swap(width, height);
      }
      for (uint32_t c = 0; c < shape.channels; ++c) {
        result.view().As<uint8_t>().row(to_y)[to_x * shape.channels + c] =
            image.view().As<uint8_t>().row(y)[x * shape.channels + c];
      }
    }
  }
  return result;
}

std::string TurnLosslessly(const std::string& file, Orientation turn) {
  BufferPool pool;
  BufferSink sink(pool);
  const absl::Status status =
      kJpegCodec.turn_losslessly(ByteRope(BytesOf(file)), turn, {}, sink);
  EXPECT_TRUE(status.ok()) << status;
  const auto blocks = sink.TakeBlocks();
  return RopeOf(blocks).ToString();
}

int LargestDifference(const Image& a, const Image& b) {
  EXPECT_EQ(a.spec(), b.spec());
  const std::vector<int> left = Samples(a);
  const std::vector<int> right = Samples(b);
  int largest = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    largest = std::max(largest, std::abs(left[i] - right[i]));
  }
  return largest;
}

TEST(JpegTurnTest, TurnsAsTheDecodedImageTurnsAndLosesNothing) {
  for (const uint32_t channels : {1u, 3u}) {
    const Image image = testing::MakeGradient(Spec(64, 32, channels), 4);
    JpegMaker maker{.input = channels == 1 ? JCS_GRAYSCALE : JCS_RGB,
                    .stored = channels == 1 ? JCS_GRAYSCALE : JCS_YCbCr,
                    .channels = static_cast<int>(channels),
                    .has_adobe_marker = false,
                    .is_subsampled = false};
    maker.exif = Exif(6, true);
    const std::string file = maker.Make(image);
    const auto decoded = Decode(kJpegCodec, file);
    ASSERT_TRUE(decoded.ok());
    for (int i = 0; i < 8; ++i) {
      const Orientation turn{.mirrored = i >= 4, .quarter_turns = i % 4};
      const std::string turned = TurnLosslessly(file, turn);
      const auto back = Decode(kJpegCodec, turned);
      ASSERT_TRUE(back.ok()) << back.status();
      // The inverse transform rounds rows before columns, so a transposed block
      // does not give the very same samples.
      EXPECT_LE(LargestDifference(*back, Turned(*decoded, turn)), 3) << i;
      // Its coefficients do.
      const Orientation undo = {
          .mirrored = turn.mirrored,
          .quarter_turns = turn.mirrored ? turn.quarter_turns
                                         : (4 - turn.quarter_turns) % 4};
      EXPECT_EQ(
          Difference(Decode(kJpegCodec, TurnLosslessly(turned, undo))->view(),
                     decoded->view()),
          "")
          << i;
      // The orientation was put into the turn; it must not be applied again.
      RopeSource source{ByteRope(BytesOf(turned))};
      EXPECT_TRUE(
          (*kJpegCodec.open(source, {}))->metadata().orientation.is_upright());
    }
  }
}

TEST(JpegTurnTest, KeepsTheProfile) {
  const std::string profile(100'000, 'i');
  BufferPool pool;
  BufferSink file(pool);
  const Image image = testing::MakeGradient(Spec(32, 32, 3), 4);
  auto encoder =
      kJpegCodec.create(file, image.spec(), {.icc_profile = BytesOf(profile)});
  ASSERT_TRUE((*encoder)->WriteRows(image.view()).ok());
  ASSERT_TRUE((*encoder)->Finish().ok());
  const auto blocks = file.TakeBlocks();
  BufferSink sink(pool);
  ASSERT_TRUE(kJpegCodec
                  .turn_losslessly(RopeOf(blocks),
                                   {.mirrored = false, .quarter_turns = 1}, {},
                                   sink)
                  .ok());
  const auto turned = sink.TakeBlocks();
  RopeSource source(RopeOf(turned));
  const auto decoder = kJpegCodec.open(source, {});
  ASSERT_TRUE(decoder.ok());
  EXPECT_EQ((*decoder)->metadata().icc_profile.size(), profile.size());
}

TEST(JpegTurnTest, RefusesWhatWouldNotBeExact) {
  // 33 is no multiple of a block's side.
  const Image image = testing::MakeGradient(Spec(33, 32, 3), 4);
  const std::string file = JpegMaker().Make(image);
  BufferPool pool;
  BufferSink sink(pool);
  const absl::Status status = kJpegCodec.turn_losslessly(
      ByteRope(BytesOf(file)), {.mirrored = false, .quarter_turns = 1}, {},
      sink);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(sink.size(), 0);
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

}  // namespace
}  // namespace imageadapt
