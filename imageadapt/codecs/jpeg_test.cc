// JPEG files of every kind, damaged ones, and turns without loss. libjpeg makes
// them here.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>
// After <cstdio>, which it needs but does not include.
#include <jpeglib.h>

#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
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

// Metadata with nothing but an orientation.
std::string Exif(char orientation) {
  return std::string("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19) +
         orientation + std::string(6, '\0');
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
    const std::unique_ptr<unsigned char, void (*)(void*)> owned(bytes,
                                                                std::free);
    jpeg_destroy_compress(&jpeg);
    return {reinterpret_cast<char*>(bytes), size};
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
        const JpegMaker maker{.input = JCS_CMYK,
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
  maker.exif = Exif(5);
  const std::string file = maker.Make(testing::MakeGradient(Spec(8, 8, 3), 1));
  RopeSource source{ByteRope(BytesOf(file))};
  EXPECT_EQ((*kJpegCodec.open(source, {}))->metadata().orientation,
            OrientationOfExifTag(5));
}

TEST(JpegTest, BytesBetweenSegmentsAndOtherVersionsOfJfifAreNoDamage) {
  const Image image = testing::MakeGradient(Spec(24, 16, 3), 2);
  JpegMaker maker;
  maker.has_adobe_marker = false;
  const std::string file = maker.Make(image);
  const auto expected = Decode(kJpegCodec, file);
  std::string odd = file;
  odd[file.find("JFIF") + 5] = 7;
  odd.insert(file.find("\xff\xdb"), "garbage");
  const auto image_of_odd = Decode(kJpegCodec, odd);
  ASSERT_TRUE(image_of_odd.ok()) << image_of_odd.status();
  EXPECT_EQ(Difference(image_of_odd->view(), expected->view()), "");
}

TEST(JpegTest, EndlessMetadataIsRefused) {
  const std::string file =
      JpegMaker().Make(testing::MakeGradient(Spec(8, 8, 3), 1));
  std::string segment = "\xff\xe2\xff\xff";
  segment.resize(2 + 0xffff);
  for (const size_t count : {500, 520}) {
    std::string long_file = file.substr(0, 2);
    for (size_t i = 0; i < count; ++i) long_file += segment;
    long_file += file.substr(2);
    const auto image = Decode(kJpegCodec, long_file);
    if (count == 500) {
      EXPECT_TRUE(image.ok()) << image.status();
    } else {
      EXPECT_EQ(ReasonOf(image.status()), kImageTooLarge) << image.status();
    }
  }
}

TEST(JpegTest, EndlessEmptyMetadataIsRefused) {
  const std::string file =
      JpegMaker().Make(testing::MakeGradient(Spec(16, 16, 3), 1));
  for (const char marker : {'\xe1', '\xe2'}) {
    for (const size_t count : {1000, 1025, 400'000}) {
      std::string long_file = file.substr(0, 2);
      for (size_t i = 0; i < count; ++i) {
        long_file += {'\xff', marker, '\0', '\2'};
      }
      long_file += file.substr(2);
      const absl::Status read = Decode(kJpegCodec, long_file).status();
      BufferPool pool;
      BufferSink sink(pool);
      const absl::Status turned =
          kJpegCodec.turn_losslessly(ByteRope(BytesOf(long_file)),
                                     {.turn = {.quarter_turns = 1}}, {}, sink);
      if (count == 1000) {
        EXPECT_TRUE(read.ok()) << read;
        EXPECT_TRUE(turned.ok()) << turned;
      } else {
        EXPECT_EQ(ReasonOf(read), kImageTooLarge) << read;
        EXPECT_EQ(ReasonOf(turned), kImageTooLarge) << turned;
      }
    }
  }
}

// 0 where the allocator is not glibc's own, as under a sanitizer.
uint64_t HeapBytes() {
  const auto heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

TEST(JpegTest, NoMoreMemoryIsHeldThanWasSaid) {
  for (int i = 0; i < 8; ++i) {
    JpegMaker maker;
    maker.is_progressive = i % 2 == 1;
    maker.is_subsampled = i / 2 % 2 == 1;
    maker.exif = std::string(60'000, 'e');
    Image image = testing::MakeGradient(Spec(701, 333, 3), 2);
    if (i >= 4) {
      image = testing::MakeGradient(Spec(701, 333, 4), 2);
      maker.input = maker.stored = JCS_CMYK;
      maker.channels = 4;
    }
    std::string file = maker.Make(image);
    // Segments are held from the header on.
    const size_t at = file.find("\xff\xe1");
    const std::string segment = file.substr(at, 60'000 + 10);
    for (int copy = 0; copy < 60; ++copy) file.insert(at, segment);
    RopeSource source{ByteRope(BytesOf(file))};
    Image row = MakeImage(Spec(701, 1, 3));
    const uint64_t before = HeapBytes();
    const auto decoder = kJpegCodec.open(source, {});
    ASSERT_TRUE(decoder.ok()) << decoder.status();
    ASSERT_TRUE((*decoder)->ReadRows(row.view()).ok());
    EXPECT_LE(HeapBytes() - before, (*decoder)->max_working_bytes()) << i;
  }
}

TEST(JpegTest, ChromaIsHalvedUnlessAskedOtherwise) {
  const Image image = testing::MakeGradient(Spec(24, 16, 3), 2);
  for (const bool full_chroma : {false, true}) {
    BufferPool pool;
    BufferSink sink(pool);
    auto encoder =
        kJpegCodec.create(sink, image.spec(), {.full_chroma = full_chroma});
    ASSERT_TRUE((*encoder)->WriteRows(image.view()).ok());
    ASSERT_TRUE((*encoder)->Finish().ok());
    const std::vector<Buffer> blocks = sink.TakeBlocks();
    const std::string file = RopeOf(blocks).ToString();
    // The first component's sampling factors in the frame header.
    EXPECT_EQ(file[file.find("\xff\xc0") + 11], full_chroma ? 0x11 : 0x22);
  }
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
  const absl::Status status = kJpegCodec.turn_losslessly(
      ByteRope(BytesOf(file)), {.turn = turn}, {}, sink);
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
  for (const auto& [channels, is_subsampled] :
       {std::pair{1u, false}, {3u, false}, {3u, true}}) {
    const Image image = testing::MakeGradient(Spec(64, 32, channels), 4);
    JpegMaker maker{.input = channels == 1 ? JCS_GRAYSCALE : JCS_RGB,
                    .stored = channels == 1 ? JCS_GRAYSCALE : JCS_YCbCr,
                    .channels = static_cast<int>(channels),
                    .has_adobe_marker = false,
                    .is_subsampled = is_subsampled};
    maker.exif = Exif(6);
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
                                   {.turn = {.quarter_turns = 1}}, {}, sink)
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
      ByteRope(BytesOf(file)), {.turn = {.quarter_turns = 1}}, {}, sink);
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_EQ(sink.size(), 0);
}

absl::Status TurnIntoNothing(const ByteRope& file,
                             const DecodeLimits& limits = {}) {
  BufferPool pool;
  BufferSink sink(pool);
  const absl::Status status = kJpegCodec.turn_losslessly(
      file, {.turn = {.quarter_turns = 1}}, limits, sink);
  EXPECT_EQ(sink.size(), 0);
  return status;
}

TEST(JpegTurnTest, RefusesInksBecauseTheirColoursWouldChange) {
  const Image inks = testing::MakeGradient(Spec(16, 16, 4), 4);
  for (const bool is_adobe : {true, false}) {
    for (const J_COLOR_SPACE stored : {JCS_CMYK, JCS_YCCK}) {
      const JpegMaker maker{.input = JCS_CMYK,
                            .stored = stored,
                            .channels = 4,
                            .has_adobe_marker = is_adobe};
      const std::string file = maker.Make(inks);
      const absl::Status status = TurnIntoNothing(ByteRope(BytesOf(file)));
      EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    }
  }
}

TEST(JpegTurnTest, KeepsToTheLimits) {
  JpegMaker maker;
  maker.is_progressive = true;
  const std::string file =
      maker.Make(testing::MakeGradient(Spec(64, 64, 3), 3));
  const ByteRope rope(BytesOf(file));
  // Ten scans are what libjpeg's own progression has.
  EXPECT_TRUE(
      absl::IsFailedPrecondition(TurnIntoNothing(rope, {.max_scans = 9})));
  BufferPool pool;
  BufferSink sink(pool);
  EXPECT_TRUE(
      kJpegCodec.turn_losslessly(rope, {}, {.max_scans = 10}, sink).ok());
  EXPECT_EQ(ReasonOf(TurnIntoNothing(rope, {.max_pixels = 4095})),
            kImageTooLarge);
}

TEST(JpegTurnTest, DamagedFilesAreNotTurned) {
  const std::string file =
      JpegMaker().Make(testing::MakeNoise(Spec(64, 64, 3), 3));
  for (size_t cut = 0; cut < 16; ++cut) {
    const std::string part = file.substr(0, file.size() * cut / 16);
    EXPECT_FALSE(TurnIntoNothing(ByteRope(BytesOf(part))).ok()) << cut;
  }
}

TEST(JpegTurnTest, PiecesOfTheFileDoNotMatter) {
  const std::string file =
      JpegMaker().Make(testing::MakeGradient(Spec(32, 32, 3), 3));
  ByteRope pieces;
  for (size_t at = 0; at < file.size(); at += 100) {
    pieces.Append(BytesOf(file).subspan(at).first(
        std::min<size_t>(100, file.size() - at)));
  }
  BufferPool pool;
  BufferSink sink(pool);
  const Orientation turn = {.mirrored = true, .quarter_turns = 1};
  ASSERT_TRUE(
      kJpegCodec.turn_losslessly(pieces, {.turn = turn}, {}, sink).ok());
  const auto blocks = sink.TakeBlocks();
  EXPECT_EQ(RopeOf(blocks).ToString(), TurnLosslessly(file, turn));
}

}  // namespace
}  // namespace imageadapt
