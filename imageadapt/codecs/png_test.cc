// PNG files of every kind, and damaged ones. libpng and zlib make them here.
#include <gtest/gtest.h>
#include <malloc.h>
#include <png.h>
#include <zlib.h>

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

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

std::string Encode(const Image& image, const EncodeOptions& options) {
  BufferPool pool;
  BufferSink sink(pool);
  auto encoder = kPngCodec.create(sink, image.spec(), options);
  EXPECT_TRUE(encoder.ok()) << encoder.status();
  EXPECT_TRUE((*encoder)->WriteRows(image.view()).ok());
  EXPECT_TRUE((*encoder)->Finish().ok());
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  return RopeOf(blocks).ToString();
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
    pointers.reserve(rows.size());
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
  const PngMaker maker{.width = 2, .height = 1, .bit_depth = 16};
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

// Samples of `depth` bits, packed as the format wants them.
std::string Packed(const std::vector<int>& samples, int depth) {
  std::string row;
  int bits = 0;
  unsigned pending = 0;
  for (const int sample : samples) {
    pending = pending << depth | static_cast<unsigned>(sample);
    bits += depth;
    for (; bits >= 8; bits -= 8) {
      row.push_back(static_cast<char>(pending >> (bits - 8)));
    }
  }
  if (bits > 0) row.push_back(static_cast<char>(pending << (8 - bits)));
  return row;
}

struct Kind {
  int color_type;
  int depth;
};

std::vector<Kind> AllKinds() {
  std::vector<Kind> kinds;
  for (const int depth : {1, 2, 4, 8, 16}) {
    kinds.push_back({PNG_COLOR_TYPE_GRAY, depth});
    if (depth <= 8) kinds.push_back({PNG_COLOR_TYPE_PALETTE, depth});
    if (depth < 8) continue;
    kinds.push_back({PNG_COLOR_TYPE_RGB, depth});
    kinds.push_back({PNG_COLOR_TYPE_GRAY_ALPHA, depth});
    kinds.push_back({PNG_COLOR_TYPE_RGB_ALPHA, depth});
  }
  return kinds;
}

int ChannelsOf(int color_type) {
  switch (color_type) {
    case PNG_COLOR_TYPE_GRAY_ALPHA:
      return 2;
    case PNG_COLOR_TYPE_RGB:
      return 3;
    case PNG_COLOR_TYPE_RGB_ALPHA:
      return 4;
    default:
      return 1;
  }
}

// What the decoder must give for one stored pixel, by the words of the format.
void AppendExpected(const Kind& kind, const PngMaker& maker,
                    std::span<const int> pixel, std::vector<int>& expected) {
  const int opaque = kind.depth == 16 ? 65535 : 255;
  if (kind.color_type == PNG_COLOR_TYPE_PALETTE) {
    const auto index = static_cast<size_t>(pixel[0]);
    const png_color& color = maker.palette[index];
    expected.insert(expected.end(), {color.red, color.green, color.blue});
    if (maker.palette_alpha.empty()) return;
    expected.push_back(index < maker.palette_alpha.size()
                           ? maker.palette_alpha[index]
                           : opaque);
    return;
  }
  const bool is_small = kind.depth < 8;
  for (const int sample : pixel) {
    expected.push_back(is_small ? sample * 255 / ((1 << kind.depth) - 1)
                                : sample);
  }
  if (maker.transparent == nullptr) return;
  const png_color_16& hole = *maker.transparent;
  const bool is_hole = pixel.size() == 1
                           ? pixel[0] == hole.gray
                           : pixel[0] == hole.red && pixel[1] == hole.green &&
                                 pixel[2] == hole.blue;
  expected.push_back(is_hole ? 0 : opaque);
}

TEST(PngTest, EveryKindOfFileGivesWhatTheFormatSays) {
  std::mt19937 random(4);
  for (const Kind& kind : AllKinds()) {
    for (int variant = 0; variant < 4; ++variant) {
      const bool has_alpha = (kind.color_type & PNG_COLOR_MASK_ALPHA) != 0;
      const bool has_transparency = variant % 2 == 1 && !has_alpha;
      PngMaker maker{.width = 13,
                     .height = 11,
                     .bit_depth = kind.depth,
                     .color_type = kind.color_type,
                     .is_interlaced = variant >= 2};
      png_color_16 hole = {};
      if (kind.color_type == PNG_COLOR_TYPE_PALETTE) {
        for (int i = 0; i < 1 << kind.depth; ++i) {
          const auto next = [&] { return static_cast<png_byte>(random()); };
          maker.palette.push_back({next(), next(), next()});
          if (has_transparency && i < (1 << kind.depth) - 1) {
            maker.palette_alpha.push_back(next());
          }
        }
      }
      std::vector<std::string> rows;
      std::vector<int> expected;
      for (int y = 0; y < maker.height; ++y) {
        const int channels = ChannelsOf(kind.color_type);
        std::vector<int> row(static_cast<size_t>(maker.width * channels));
        for (int& sample : row) {
          sample = static_cast<int>(random() % (1u << kind.depth));
        }
        if (has_transparency && y == 0 &&
            kind.color_type != PNG_COLOR_TYPE_PALETTE) {
          hole.gray = hole.red = static_cast<png_uint_16>(row[0]);
          if (channels == 3) {
            hole.green = static_cast<png_uint_16>(row[1]);
            hole.blue = static_cast<png_uint_16>(row[2]);
          }
          maker.transparent = &hole;
        }
        for (size_t x = 0; x < row.size(); x += channels) {
          AppendExpected(kind, maker, std::span(row).subspan(x, channels),
                         expected);
        }
        rows.push_back(Packed(row, kind.depth));
      }
      const auto image = Decode(kPngCodec, maker.Make(rows));
      ASSERT_TRUE(image.ok()) << image.status();
      EXPECT_EQ(Samples(*image), expected)
          << "colour type " << kind.color_type << ", depth " << kind.depth
          << ", variant " << variant;
    }
  }
}

TEST(PngTest, OrientationIsReadFromItsExifChunk) {
  PngMaker maker{.width = 1, .height = 1};
  maker.exif = std::string(
      "II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0", 26);
  const std::string file = maker.Make({"a"});
  RopeSource source{ByteRope(BytesOf(file))};
  EXPECT_EQ((*kPngCodec.open(source, {}))->metadata().orientation,
            OrientationOfExifTag(6));
}

// Where the chunk that has the first `type` begins.
size_t ChunkAt(const std::string& file, const std::string& type) {
  return file.find(type) - 4;
}

std::string BigEndian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(value >> shift));
  }
  return bytes;
}

std::string Chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const auto checksum = static_cast<uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(body.data()),
            static_cast<uInt>(body.size())));
  return BigEndian(static_cast<uint32_t>(data.size())) + body +
         BigEndian(checksum);
}

std::string WithChunks(std::string file, const std::string& chunks) {
  return file.insert(ChunkAt(file, "IDAT"), chunks);
}

std::string Deflated(const std::string& data) {
  uLongf size = compressBound(static_cast<uLong>(data.size()));
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(data.data()),
           static_cast<uLong>(data.size()));
  packed.resize(size);
  return packed;
}

std::string SmallFile() {
  return PngMaker{.width = 4, .height = 2}.Make({"abcd", "efgh"});
}

// 0 where the allocator is not glibc's own, as under a sanitizer.
uint64_t HeapBytes() {
  const auto heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

TEST(PngTest, TextsThatInflateToMuchAreNotHeld) {
  const std::string text = Deflated(std::string(1 << 20, 'x'));
  std::string chunks;
  for (int i = 0; i < 40; ++i) {
    chunks +=
        Chunk("zTXt", "key" + std::to_string(i) + std::string(2, '\0') + text);
  }
  const std::string file = WithChunks(SmallFile(), chunks);
  RopeSource source{ByteRope(BytesOf(file))};
  const uint64_t before = HeapBytes();
  const auto decoder = kPngCodec.open(source, {});
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  EXPECT_LE(HeapBytes() - before, (*decoder)->max_working_bytes());
}

TEST(PngTest, HugeClaimsTakeLittleMemoryBeforeRowsAreRead) {
  for (const bool is_interlaced : {false, true}) {
    const std::string header = BigEndian(60'000) + BigEndian(1'600) +
                               std::string("\x10\x06\0\0", 4) +
                               (is_interlaced ? '\x01' : '\0');
    const std::string file = std::string("\x89PNG\r\n\x1a\n") +
                             Chunk("IHDR", header) + Chunk("IDAT", "x");
    RopeSource source{ByteRope(BytesOf(file))};
    const uint64_t before = HeapBytes();
    const auto decoder = kPngCodec.open(source, {});
    ASSERT_TRUE(decoder.ok()) << decoder.status();
    EXPECT_EQ((*decoder)->spec(), Spec(60'000, 1'600, 4, SampleType::kU16));
    EXPECT_LE(HeapBytes() - before, uint64_t{8} << 20);
  }
}

TEST(PngTest, WrongChecksumsAreDamageInEveryChunk) {
  png_color_16 hole = {};
  hole.gray = 'a';
  PngMaker maker{.width = 4, .height = 2};
  maker.transparent = &hole;
  const std::string file = WithChunks(maker.Make({"abcd", "efgh"}),
                                      Chunk("tEXt", std::string("k\0v", 3)));
  ASSERT_TRUE(Decode(kPngCodec, file).ok());
  for (const char* type : {"IHDR", "tRNS", "tEXt", "IDAT", "IEND"}) {
    std::string damaged = file;
    const size_t chunk = ChunkAt(file, type);
    const size_t length = static_cast<unsigned char>(file[chunk + 3]);
    damaged[chunk + 8 + length] ^= 1;
    EXPECT_EQ(ReasonOf(Decode(kPngCodec, damaged).status()), kImageDamaged)
        << type;
  }
}

TEST(PngTest, GammaAndUnknownChunksChangeNothing) {
  const std::string file = SmallFile();
  const auto plain = Decode(kPngCodec, file);
  const auto decorated = Decode(
      kPngCodec, WithChunks(file, Chunk("gAMA", BigEndian(100'000)) +
                                      Chunk("ruSt", std::string(5'000, 'r'))));
  ASSERT_TRUE(decorated.ok()) << decorated.status();
  EXPECT_EQ(Difference(decorated->view(), plain->view()), "");
}

TEST(PngTest, AProfileThatIsNoneIsLeftOutAndDoesNotStopTheEncoder) {
  const Image image = testing::MakeGradient(Spec(9, 5, 3), 1);
  for (const size_t size : {1, 131, 132, 1'000, 100'000}) {
    const std::string profile(size, 'p');
    const auto back =
        Decode(kPngCodec, Encode(image, {.icc_profile = BytesOf(profile)}));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(Difference(back->view(), image.view()), "");
  }
}

TEST(PngTest, EffortChoosesTheCompressionAndLosesNothing) {
  using Effort = EncodeOptions::Effort;
  const Image image = testing::MakeGradient(Spec(200, 100, 3), 1);
  size_t previous = SIZE_MAX;
  for (const auto& [effort, level] : {std::pair{Effort::kFast, 0},
                                      {Effort::kDefault, 2},
                                      {Effort::kSmallest, 3}}) {
    const std::string file = Encode(image, {.effort = effort});
    EXPECT_LE(file.size(), previous);
    previous = file.size();
    // The second byte of the zlib stream tells about its level.
    const auto flags =
        static_cast<unsigned char>(file[ChunkAt(file, "IDAT") + 9]);
    EXPECT_EQ(flags >> 6, level);
    EXPECT_EQ(Difference(Decode(kPngCodec, file)->view(), image.view()), "");
  }
}

}  // namespace
}  // namespace imageadapt
