// What GIF has and the conformance suite does not know: local palettes, holes,
// disposal, interlace, delays and repetitions, canvases of no size, lies.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/color_quantizer.h"
#include "imageadapt/codecs/gif_lzw.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using testing::MakeImage;
using testing::Spec;

std::string Word(uint32_t value) {
  return {static_cast<char>(value & 255), static_cast<char>(value >> 8)};
}

// The head of a file whose palette is black, red, green and blue.
std::string Head(uint32_t width, uint32_t height) {
  return absl::StrCat("GIF89a", Word(width), Word(height),
                      std::string("\x81\0\0", 3),
                      std::string("\0\0\0\xff\0\0\0\xff\0\0\0\xff", 12));
}

std::string Loops(uint32_t repetitions) {
  return absl::StrCat("!\xff\x0bNETSCAPE2.0\x03\x01", Word(repetitions),
                      std::string(1, '\0'));
}

// Disposal as in the file; `hole` is the transparent index, or -1.
std::string Control(int disposal, uint32_t delay, int hole) {
  std::string block = "!\xf9\x04";
  block.push_back(static_cast<char>(disposal << 2 | (hole >= 0 ? 1 : 0)));
  absl::StrAppend(&block, Word(delay));
  block.push_back(static_cast<char>(std::max(hole, 0)));
  block.push_back('\0');
  return block;
}

struct Place {
  uint32_t left = 0;
  uint32_t top = 0;
  uint32_t width = 1;
  uint32_t height = 1;
};

// Codes of 3 bits, each after a clear code, so that they never grow.
std::string Packed(const std::string& indices) {
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  const auto put = [&](unsigned code) {
    bits |= code << count;
    count += 3;
    while (count >= 8) {
      bytes.push_back(static_cast<char>(bits & 255));
      bits >>= 8;
      count -= 8;
    }
  };
  for (const char index : indices) {
    put(4);
    put(static_cast<unsigned>(index - '0'));
  }
  put(5);
  if (count > 0) bytes.push_back(static_cast<char>(bits));
  std::string blocks = "\x02";
  for (size_t at = 0; at < bytes.size(); at += 255) {
    const std::string block = bytes.substr(at, 255);
    blocks.push_back(static_cast<char>(block.size()));
    blocks += block;
  }
  blocks.push_back('\0');
  return blocks;
}

std::string Picture(const Place& place, const std::string& indices,
                    bool is_interlaced = false,
                    const std::string& palette = "") {
  std::string block = absl::StrCat(",", Word(place.left), Word(place.top),
                                   Word(place.width), Word(place.height));
  block.push_back(static_cast<char>((is_interlaced ? 0x40 : 0) |
                                    (palette.empty() ? 0 : 0x81)));
  return absl::StrCat(block, palette, Packed(indices));
}

// A letter a pixel: k r g b as in the palette, '.' transparent, '?' others.
std::string Letters(const Image& image) {
  std::string text;
  const auto view = image.view().As<uint8_t>();
  const size_t channels = view.shape().channels;
  for (uint32_t y = 0; y < view.shape().height; ++y) {
    if (y > 0) text += '/';
    for (size_t x = 0; x < view.shape().width; ++x) {
      const uint8_t* const pixel = view.row(y).data() + x * channels;
      const int color = pixel[0] << 16 | pixel[1] << 8 | pixel[2];
      if (channels == 4 && pixel[3] == 0) {
        text += '.';
      } else {
        text += color == 0          ? 'k'
                : color == 0xff0000 ? 'r'
                : color == 0x00ff00 ? 'g'
                : color == 0x0000ff ? 'b'
                                    : '?';
      }
    }
  }
  return text;
}

struct Decoded {
  std::vector<std::string> frames;
  std::vector<FrameDelay> delays;
  FrameSequence sequence;
  uint32_t channels = 0;
};

absl::StatusOr<Decoded> Decode(const std::string& file,
                               const DecodeLimits& limits = {}) {
  RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
  const auto decoder = kGifCodec.open(source, limits);
  if (!decoder.ok()) return decoder.status();
  Decoded decoded{.frames = {},
                  .delays = {},
                  .sequence = (*decoder)->metadata().frames,
                  .channels = (*decoder)->spec().shape.channels};
  for (uint32_t i = 0; i < decoded.sequence.count; ++i) {
    absl::Status status = i > 0 ? (*decoder)->NextFrame() : absl::OkStatus();
    Image image = MakeImage((*decoder)->spec());
    status.Update((*decoder)->ReadRows(image.view()));
    if (!status.ok()) return status;
    decoded.frames.push_back(Letters(image));
    decoded.delays.push_back((*decoder)->delay());
  }
  return decoded;
}

// The frames in letters, or what is wrong.
std::vector<std::string> Frames(const std::string& file) {
  const auto decoded = Decode(file);
  if (decoded.ok()) return decoded->frames;
  return {std::string(decoded.status().message())};
}

using Texts = std::vector<std::string>;

constexpr Place kWhole = {.left = 0, .top = 0, .width = 2, .height = 2};
constexpr Place kCorner = {.left = 1, .top = 1, .width = 1, .height = 1};

TEST(GifTest, WithoutHolesAFileHasThreeChannels) {
  const auto decoded = Decode(Head(2, 2) + Picture(kWhole, "0123") + ";");
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->channels, 3);
  EXPECT_EQ(decoded->frames, Texts{"kr/gb"});
  EXPECT_EQ(decoded->sequence, FrameSequence{});
}

TEST(GifTest, HolesAreTransparentAndSoIsTheCanvasBehind) {
  EXPECT_EQ(
      Frames(Head(2, 2) + Control(0, 0, 1) + Picture(kWhole, "0123") + ";"),
      Texts{"k./gb"});
  EXPECT_EQ(Frames(Head(2, 2) + Control(0, 0, 0) + Picture(kCorner, "1") + ";"),
            Texts{"../.r"});
}

TEST(GifTest, WithoutHolesTheCanvasIsBlack) {
  EXPECT_EQ(Frames(Head(2, 2) + Picture(kCorner, "1") + ";"), Texts{"kk/kr"});
}

TEST(GifTest, FramesAreDisposedOfAsTheySay) {
  // The middle frame has a hole, or not.
  const auto frames = [](int disposal, int hole) {
    return Frames(Head(2, 2) + Picture(kWhole, "1111") +
                  Control(disposal, 0, hole) + Picture(kCorner, "2") +
                  Control(0, 0, 0) + Picture({.left = 0, .top = 0}, "3") + ";");
  };
  EXPECT_EQ(frames(0, 0), (Texts{"rr/rr", "rr/rg", "br/rg"}));
  EXPECT_EQ(frames(1, 0), (Texts{"rr/rr", "rr/rg", "br/rg"}));
  EXPECT_EQ(frames(2, 0), (Texts{"rr/rr", "rr/rg", "br/r."}));
  EXPECT_EQ(frames(2, -1), (Texts{"rr/rr", "rr/rg", "br/rk"}));
  EXPECT_EQ(frames(3, 0), (Texts{"rr/rr", "rr/rg", "br/rr"}));
  EXPECT_EQ(frames(4, 0), (Texts{"rr/rr", "rr/rg", "br/rr"}));
}

TEST(GifTest, TheBackgroundIsAColourOfTheFilesPalette) {
  const std::string two =
      Control(2, 0, -1) + Picture(kWhole, "1111") + Picture(kCorner, "2") + ";";
  std::string head = Head(2, 2);
  head[11] = 3;
  EXPECT_EQ(Frames(head + two), (Texts{"rr/rr", "bb/bg"}));
  head[11] = 4;  // that it does not have
  EXPECT_EQ(Frames(head + two), (Texts{"rr/rr", "kk/kg"}));
}

TEST(GifTest, WhatIsRestoredBeforeTheFirstFrameIsAnEmptyCanvas) {
  EXPECT_EQ(Frames(Head(2, 2) + Control(3, 0, 0) + Picture(kWhole, "1111") +
                   Picture(kCorner, "2") + ";"),
            (Texts{"rr/rr", "../.g"}));
}

TEST(GifTest, HolesShowTheFrameBefore) {
  EXPECT_EQ(Frames(Head(2, 2) + Picture(kWhole, "1111") + Control(0, 0, 0) +
                   Picture(kWhole, "0220") + ";"),
            (Texts{"rr/rr", "rg/gr"}));
}

TEST(GifTest, FramesHavePalettesOfTheirOwn) {
  const std::string blue("\0\0\xff\0\0\xff\0\0\xff\0\0\xff", 12);
  EXPECT_EQ(Frames(Head(2, 2) + Picture(kWhole, "0123", false, blue) +
                   Picture(kCorner, "1") + ";"),
            (Texts{"bb/bb", "bb/br"}));
}

TEST(GifTest, InterlacedRowsFindTheirPlaces) {
  const Place tall = {.left = 0, .top = 0, .width = 1, .height = 10};
  // Rows 0 8, 4, 2 6, 1 3 5 7 9.
  EXPECT_EQ(Frames(Head(1, 10) + Picture(tall, "0112233333", true) + ";"),
            Texts{"k/b/g/b/r/b/g/b/r/b"});
}

TEST(GifTest, TheCanvasGrowsUntilAllPicturesLieOnIt) {
  const Place large = {.left = 1, .top = 1, .width = 2, .height = 2};
  EXPECT_EQ(
      Frames(Head(2, 2) + Control(0, 0, 0) + Picture(large, "1230") + ";"),
      Texts{".../.rg/.b."});
  const Place away = {.left = 3, .top = 2, .width = 1, .height = 1};
  EXPECT_EQ(Frames(Head(2, 2) + Control(3, 0, 0) + Picture(away, "1") +
                   Picture(kCorner, "2") + ";"),
            (Texts{"..../..../...r", "..../.g../...."}));
  EXPECT_EQ(Frames(Head(0, 0) + Picture(kWhole, "0123") + ";"), Texts{"kr/gb"});
  EXPECT_EQ(Frames(Head(0, 0) + ";"),
            Texts{"the GIF file is damaged in its header: there is no picture "
                  "in it"});
}

TEST(GifTest, RepetitionsAreOneLessThanPlays) {
  const std::string two = Picture(kWhole, "0123") + Picture(kCorner, "1") + ";";
  const auto plays = [&](const std::string& loops) {
    const auto decoded = Decode(Head(2, 2) + loops + two);
    return decoded.ok() ? decoded->sequence.plays : 999;
  };
  EXPECT_EQ(plays(""), 1);
  EXPECT_EQ(plays(Loops(0)), 0);
  EXPECT_EQ(plays(Loops(1)), 2);
  EXPECT_EQ(plays(Loops(65535)), 65536);
}

TEST(GifTest, DelaysAreHundredths) {
  const auto decoded =
      Decode(Head(2, 2) + Control(0, 7, -1) + Picture(kWhole, "0123") +
             Control(0, 65535, -1) + Picture(kCorner, "1") +
             Picture(kCorner, "1") + ";");
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->delays,
            (std::vector<FrameDelay>{{.numerator = 7, .denominator = 100},
                                     {.numerator = 65535, .denominator = 100},
                                     {.numerator = 0, .denominator = 100}}));
}

TEST(GifTest, DamageBehindTheFirstPictureIsToldOfTheLast) {
  const std::string one = Head(2, 2) + Picture(kWhole, "0123");
  EXPECT_EQ(Frames(one), Texts{"the GIF file is damaged: reached row 2 of 2: "
                               "it ends too early"});
  EXPECT_EQ(Frames(one + "x;"),
            Texts{"the GIF file is damaged: reached row 2 of 2: between its "
                  "pictures is a block of no known kind"});
  EXPECT_EQ(Frames(Head(2, 2) + Picture(kWhole, "01") + ";"),
            Texts{"the GIF file is damaged: reached row 1 of 2: its data end "
                  "too early"});
  const Place flat = {.left = 0, .top = 0, .width = 0, .height = 2};
  EXPECT_EQ(Frames(one + Picture(flat, "") + ";"),
            Texts{"the GIF file is damaged: reached row 2 of 2: one of its "
                  "pictures has no pixels"});
}

TEST(GifTest, ALargePictureOfHardlyAnyDataIsRefusedBeforeMemoryIsTaken) {
  const Place large = {.left = 1, .top = 0, .width = 9999, .height = 9999};
  EXPECT_EQ(Frames(Head(2, 2) + Picture(large, std::string(1000, '1')) + ";"),
            Texts{"the GIF file is damaged in its header: its data are too few "
                  "for its pictures"});
  EXPECT_EQ(Frames(Head(2, 2) + Picture(kWhole, "0123") +
                   Picture({.width = 3000, .height = 3000}, "1") + ";"),
            Texts{"the GIF file is damaged: reached row 3000 of 3000: its data "
                  "are too few for its pictures"});
}

TEST(GifTest, LimitsHoldForEveryFrameBeforeAnyIsDecoded) {
  const auto reason = [](const std::string& file, const DecodeLimits& limits) {
    RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
    return ReasonOf(kGifCodec.open(source, limits).status());
  };
  const Place huge = {.left = 0, .top = 0, .width = 65535, .height = 65535};
  EXPECT_EQ(
      reason(Head(2, 2) + Picture(kWhole, "0123") + Picture(huge, ""), {}),
      kImageTooLarge);
  EXPECT_EQ(reason(Head(65535, 65535) + Picture(kWhole, "0123"), {}),
            kImageTooLarge);
  std::string many = Head(2, 2);
  for (int i = 0; i < 5; ++i) many += Picture(kWhole, "0123");
  many += ";";
  EXPECT_EQ(reason(many, {.max_frames = 4}), kImageTooLarge);
  EXPECT_EQ(reason(many, {.max_frames = 5}), "");
  EXPECT_EQ(reason(many, {.max_pixels_of_all_frames = 19}), kImageTooLarge);
  EXPECT_EQ(reason(many, {.max_pixels_of_all_frames = 20}), "");
}

std::string Encode(const std::vector<Image>& images,
                   const EncodeOptions& options) {
  BufferPool pool;
  BufferSink sink(pool);
  const auto encoder = kGifCodec.create(sink, images[0].spec(), options);
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

absl::StatusOr<Image> DecodeImage(const std::string& file) {
  RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
  const auto decoder = kGifCodec.open(source, {});
  if (!decoder.ok()) return decoder.status();
  Image image = MakeImage((*decoder)->spec());
  const absl::Status status = (*decoder)->ReadRows(image.view());
  if (!status.ok()) return status;
  return image;
}

TEST(GifTest, UpTo256ColoursAreKeptExactly) {
  Image image = MakeImage(Spec(16, 16, 3));
  for (uint32_t y = 0; y < 16; ++y) {
    const std::span<uint8_t> row = image.view().As<uint8_t>().row(y);
    for (uint32_t x = 0; x < 16; ++x) {
      row[3 * x] = static_cast<uint8_t>(16 * y + x);
      row[3 * x + 1] = static_cast<uint8_t>(x * 17);
      row[3 * x + 2] = static_cast<uint8_t>(255 - y);
    }
  }
  std::vector<Image> images;
  images.push_back(std::move(image));
  const auto back = DecodeImage(Encode(images, {}));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(testing::Difference(back->view(), images[0].view()), "");
}

TEST(GifTest, MoreColoursAreReplacedByNearOnes) {
  std::vector<Image> images;
  images.push_back(testing::MakeGradient(Spec(200, 150, 3), 1));
  const auto back = DecodeImage(Encode(images, {}));
  ASSERT_TRUE(back.ok()) << back.status();
  uint64_t sum = 0;
  for (uint32_t y = 0; y < 150; ++y) {
    const auto was = images[0].view().As<uint8_t>().row(y);
    const auto is = back->view().As<uint8_t>().row(y);
    for (size_t i = 0; i < was.size(); ++i) {
      sum += static_cast<uint64_t>(std::abs(was[i] - is[i]));
    }
  }
  EXPECT_LT(static_cast<double>(sum) / (200 * 150 * 3), 10);
}

TEST(GifTest, EqualFramesStayFrames) {
  std::vector<Image> images;
  images.reserve(3);
  for (int i = 0; i < 3; ++i) {
    images.push_back(testing::MakeConstant(Spec(4, 4, 4), 255));
  }
  for (const uint32_t plays : {0u, 1u, 2u, 65536u}) {
    const FrameSequence sequence = {
        .count = 3, .is_animation = true, .plays = plays};
    const auto decoded = Decode(Encode(images, {.frames = sequence}));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(decoded->sequence, sequence);
    EXPECT_EQ(decoded->channels, 4);
  }
}

TEST(GifTest, HolesDoNotShowTheFrameBeforeThatWasWritten) {
  std::vector<Image> images;
  images.push_back(testing::MakeConstant(Spec(2, 1, 4), 255));
  images.push_back(testing::MakeConstant(Spec(2, 1, 4), 0));
  const auto decoded =
      Decode(Encode(images, {.frames = {.count = 2, .is_animation = true}}));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(decoded->frames, (Texts{"??", ".."}));
}

TEST(GifTest, WhatItCannotHoldIsSaid) {
  EXPECT_EQ(kGifCodec.can_hold(Spec(2, 2, 3, SampleType::kU16)).message(),
            "GIF cannot hold u16 samples, only u8");
  EXPECT_EQ(kGifCodec.can_hold(Spec(65536, 2, 3)).message(),
            "GIF cannot hold 65536 x 2 pixels; its sides have at most 65535");
  EXPECT_TRUE(kGifCodec.can_hold(Spec(65535, 2, 3)).ok());
}

std::string Unpacked(const std::string& data, size_t pixels) {
  GifLzwReader reader(std::as_bytes(std::span(data)));
  std::vector<uint8_t> indices(pixels);
  if (const char* const problem = reader.Next(indices)) return problem;
  std::string text;
  for (const uint8_t index : indices) absl::StrAppend(&text, index);
  return text;
}

TEST(GifLzwTest, CodesStandForWhatWasReadBefore) {
  // Of 3 bits: clear 4, 1, 6 (that is learned now: 1 1), 5 (the end).
  const std::string data("\x02\x02\x8c\x0b\0", 5);
  EXPECT_EQ(Unpacked(data, 3), "111");
  EXPECT_EQ(Unpacked(data, 2), "11");
  EXPECT_EQ(Unpacked(data, 4), "its data end too early");
  EXPECT_EQ(Unpacked(data.substr(0, 3), 3), "its data end too early");
  EXPECT_EQ(Unpacked("", 1), "its compressed data are wrong");
}

TEST(GifLzwTest, CodesThatAreNotKnownYetAreWrong) {
  // Clear 4, 1, 7; and clear 4, 6.
  EXPECT_EQ(Unpacked(std::string("\x02\x02\xcc\x01\0", 5), 3),
            "its compressed data are wrong");
  EXPECT_EQ(Unpacked(std::string("\x02\x01\x34\0", 4), 1),
            "its compressed data are wrong");
}

TEST(GifLzwTest, CodesAreOfOneToEightBits) {
  for (const char bits : {'\0', '\x09', '\xff'}) {
    EXPECT_EQ(Unpacked(std::string(1, bits) + "\x02\x8c\x0b", 1),
              "its compressed data are wrong");
  }
  // Of 2 bits: clear 2, then 1; of 3 bits once 4 is learned: 0, 3 (the end).
  EXPECT_EQ(Unpacked(std::string("\x01\x02\x06\x03\0", 5), 2), "10");
}

TEST(ColorQuantizerTest, ManyColoursBecomeAsManyAsAreAllowed) {
  const Image image = testing::MakeNoise(Spec(64, 64, 3), 1);
  for (const int most : {1, 2, 255, 256}) {
    const ColorQuantizer quantizer(image.view().As<uint8_t>(), most);
    EXPECT_FALSE(quantizer.is_exact());
    EXPECT_EQ(quantizer.palette().size(), static_cast<size_t>(most));
  }
}

}  // namespace
}  // namespace imageadapt
