// APNG files put together chunk by chunk: where frames stand, what they do to
// what is there, and what is damage.
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_for_test.h"

namespace imageadapt {
namespace {

using testing::Bytes;

std::string Big16(uint32_t value) {
  return Bytes(
      {static_cast<int>(value >> 8 & 0xff), static_cast<int>(value & 0xff)});
}
std::string Big32(uint32_t value) {
  return Big16(value >> 16) + Big16(value & 0xffff);
}

std::string Chunk(const std::string& type, const std::string& data) {
  const std::string body = type + data;
  const uLong checksum = crc32(0, reinterpret_cast<const Bytef*>(body.data()),
                               static_cast<uInt>(body.size()));
  return Big32(static_cast<uint32_t>(data.size())) + body +
         Big32(static_cast<uint32_t>(checksum));
}

// Rows of `width` equal pixels, unfiltered, as a zlib stream.
std::string Plain(const std::string& pixel, uint32_t width, uint32_t height) {
  std::string rows;
  for (uint32_t y = 0; y < height; ++y) {
    rows.push_back('\0');
    for (uint32_t x = 0; x < width; ++x) rows += pixel;
  }
  uLongf size = compressBound(static_cast<uLong>(rows.size()));
  std::string packed(size, '\0');
  compress(reinterpret_cast<Bytef*>(packed.data()), &size,
           reinterpret_cast<const Bytef*>(rows.data()),
           static_cast<uLong>(rows.size()));
  packed.resize(size);
  return packed;
}

enum Dispose { kKeep, kClear, kRestore };
enum Blend { kReplace, kOver };

struct Part {
  uint32_t x = 0;
  uint32_t y = 0;
  uint32_t width = 4;
  uint32_t height = 1;
  std::string pixel;
  Dispose dispose = kKeep;
  Blend blend = kReplace;
  uint32_t numerator = 1;
  uint32_t denominator = 10;
};

// A file of 4 x 1 pixels, or of another kind.
struct ApngMaker {
  uint32_t width = 4;
  uint32_t height = 1;
  int color_type = 6;  // RGBA
  int bit_depth = 8;
  uint32_t plays = 0;
  // Stands before the animation without being part of it, if not empty.
  std::string hidden_pixel = "";
  uint32_t said_frames = 0;  // if not as many as there are

  std::string Make(const std::vector<Part>& parts) const {
    const auto count = static_cast<uint32_t>(parts.size());
    std::string file =
        "\x89PNG\r\n\x1a\n" +
        Chunk("IHDR", Big32(width) + Big32(height) +
                          Bytes({bit_depth, color_type, 0, 0, 0})) +
        Chunk("acTL",
              Big32(said_frames == 0 ? count : said_frames) + Big32(plays));
    uint32_t sequence = 0;
    if (!hidden_pixel.empty()) {
      file += Chunk("IDAT", Plain(hidden_pixel, width, height));
    }
    for (size_t i = 0; i < parts.size(); ++i) {
      const Part& part = parts[i];
      file +=
          Chunk("fcTL", Big32(sequence++) + Big32(part.width) +
                            Big32(part.height) + Big32(part.x) + Big32(part.y) +
                            Big16(part.numerator) + Big16(part.denominator) +
                            Bytes({part.dispose, part.blend}));
      const std::string data = Plain(part.pixel, part.width, part.height);
      if (i == 0 && hidden_pixel.empty()) {
        file += Chunk("IDAT", data);
        continue;
      }
      // In two chunks, one of which may be empty.
      const size_t half = i % 2 == 0 ? data.size() / 2 : 0;
      file += Chunk("fdAT", Big32(sequence++) + data.substr(0, half));
      file += Chunk("fdAT", Big32(sequence++) + data.substr(half));
    }
    return file + Chunk("IEND", "");
  }
};

struct Animation {
  FrameSequence sequence;
  std::vector<std::vector<double>> frames;
  std::vector<FrameDelay> delays;
};

absl::StatusOr<Animation> Read(const std::string& file,
                               const DecodeLimits& limits = {}) {
  RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
  auto decoder = kPngCodec.open(source, limits);
  if (!decoder.ok()) return decoder.status();
  Animation animation{
      .sequence = (*decoder)->metadata().frames, .frames = {}, .delays = {}};
  for (uint32_t i = 0; i < animation.sequence.count; ++i) {
    if (i > 0) {
      const absl::Status status = (*decoder)->NextFrame();
      if (!status.ok()) return status;
    }
    Image image = testing::MakeImage((*decoder)->spec());
    const absl::Status status = (*decoder)->ReadRows(image.view());
    if (!status.ok()) return status;
    animation.frames.push_back(testing::SamplesOf(std::move(image)));
    animation.delays.push_back((*decoder)->delay());
  }
  return animation;
}

const std::string kRed = Bytes({255, 0, 0, 255});
const std::string kGreen = Bytes({0, 255, 0, 255});
const std::string kBlue = Bytes({0, 0, 255, 255});
const std::string kNothing = Bytes({0, 0, 0, 0});

std::vector<double> Row(const std::vector<std::string>& pixels) {
  std::vector<double> samples;
  for (const std::string& pixel : pixels) {
    for (const char c : pixel) samples.push_back(static_cast<unsigned char>(c));
  }
  return samples;
}

TEST(PngAnimationTest, APartOfThePictureIsDrawnOverWhatIsThere) {
  const auto animation = Read(ApngMaker{.plays = 7}.Make(
      {{.pixel = kRed},
       {.x = 1, .width = 2, .pixel = kGreen, .numerator = 3},
       {.x = 3, .width = 1, .pixel = kBlue, .denominator = 0}}));
  ASSERT_TRUE(animation.ok()) << animation.status();
  EXPECT_EQ(animation->sequence,
            (FrameSequence{.count = 3, .is_animation = true, .plays = 7}));
  EXPECT_EQ(animation->frames[0], Row({kRed, kRed, kRed, kRed}));
  EXPECT_EQ(animation->frames[1], Row({kRed, kGreen, kGreen, kRed}));
  EXPECT_EQ(animation->frames[2], Row({kRed, kGreen, kGreen, kBlue}));
  EXPECT_EQ(animation->delays[1],
            (FrameDelay{.numerator = 3, .denominator = 10}));
  // The format's own rule: hundredths.
  EXPECT_EQ(animation->delays[2],
            (FrameDelay{.numerator = 1, .denominator = 100}));
}

TEST(PngAnimationTest, AFrameIsClearedOrTakenBackOnceItWasShown) {
  for (const bool clears : {true, false}) {
    const auto animation =
        Read(ApngMaker().Make({{.pixel = kRed},
                               {.x = 1,
                                .width = 2,
                                .pixel = kGreen,
                                .dispose = clears ? kClear : kRestore},
                               {.x = 0, .width = 1, .pixel = kBlue}}));
    ASSERT_TRUE(animation.ok()) << animation.status();
    EXPECT_EQ(animation->frames[1], Row({kRed, kGreen, kGreen, kRed}));
    const std::string& behind = clears ? kNothing : kRed;
    EXPECT_EQ(animation->frames[2], Row({kBlue, behind, behind, kRed}));
  }
}

TEST(PngAnimationTest, BeforeTheFirstFrameThereIsNothingToRestore) {
  const auto animation = Read(ApngMaker().Make(
      {{.pixel = kRed, .dispose = kRestore}, {.width = 1, .pixel = kBlue}}));
  ASSERT_TRUE(animation.ok()) << animation.status();
  EXPECT_EQ(animation->frames[1], Row({kBlue, kNothing, kNothing, kNothing}));
}

TEST(PngAnimationTest, OverBlendsByBothAlphas) {
  const std::string half_white = Bytes({255, 255, 255, 128});
  const std::string half_black = Bytes({0, 0, 0, 128});
  const auto animation = Read(
      ApngMaker().Make({{.pixel = half_black},
                        {.width = 1, .pixel = half_white, .blend = kOver},
                        {.x = 1, .width = 1, .pixel = half_white},
                        {.x = 2, .width = 1, .pixel = kNothing, .blend = kOver},
                        {.x = 3, .width = 1, .pixel = kBlue, .blend = kOver}}));
  ASSERT_TRUE(animation.ok()) << animation.status();
  // alpha = 128 + 128 * 127 / 255; colour = 255 * 128 / alpha.
  EXPECT_EQ(animation->frames[4],
            Row({Bytes({170, 170, 170, 192}), half_white, half_black, kBlue}));
}

TEST(PngAnimationTest, SixteenBitsBlendInSixteenBits) {
  const std::string white = std::string("\xff\xff\x80\x00", 4);  // grey, alpha
  const std::string black = std::string("\x00\x00\xff\xff", 4);
  const auto animation = Read(ApngMaker{.color_type = 4, .bit_depth = 16}.Make(
      {{.pixel = black}, {.pixel = white, .blend = kOver}}));
  ASSERT_TRUE(animation.ok()) << animation.status();
  EXPECT_EQ(animation->frames[1],
            (std::vector<double>{32768, 65535, 32768, 65535, 32768, 65535,
                                 32768, 65535}));
}

TEST(PngAnimationTest, APictureForStillReadersIsTheFirstFrame) {
  const auto animation = Read(ApngMaker{.hidden_pixel = kBlue}.Make(
      {{.width = 1, .pixel = kRed}, {.x = 1, .width = 1, .pixel = kGreen}}));
  ASSERT_TRUE(animation.ok()) << animation.status();
  EXPECT_EQ(animation->sequence.count, 3);
  EXPECT_EQ(animation->frames[0], Row({kBlue, kBlue, kBlue, kBlue}));
  EXPECT_EQ(animation->delays[0].numerator, 0);
  // Nothing of it is left for the animation.
  EXPECT_EQ(animation->frames[1], Row({kRed, kNothing, kNothing, kNothing}));
  EXPECT_EQ(animation->frames[2], Row({kRed, kGreen, kNothing, kNothing}));
}

TEST(PngAnimationTest, AnAnimationOfNothingIsAStillPicture) {
  std::string file = ApngMaker().Make({{.pixel = kRed}});
  const std::string control = Chunk("acTL", Big32(1) + Big32(0));
  file.replace(file.find(control), control.size(),
               Chunk("acTL", Big32(0) + Big32(0)));
  const auto animation = Read(file);
  ASSERT_TRUE(animation.ok()) << animation.status();
  EXPECT_EQ(animation->sequence, FrameSequence());
}

TEST(PngAnimationTest, FramesOutsideOfThePictureAreDamage) {
  for (const Part& part : {Part{.x = 3, .width = 2, .pixel = kRed},
                           Part{.y = 1, .width = 1, .pixel = kRed},
                           Part{.x = 0xffffffff, .width = 2, .pixel = kRed},
                           Part{.width = 0, .pixel = kRed}}) {
    const auto animation =
        Read(ApngMaker().Make({{.pixel = kRed}, part, {.pixel = kRed}}));
    EXPECT_EQ(ReasonOf(animation.status()), kImageDamaged)
        << animation.status();
  }
}

TEST(PngAnimationTest, FewerFramesThanSaidAreDamageAndMoreAreLeftOut) {
  const std::vector<Part> parts = {{.pixel = kRed}, {.pixel = kGreen}};
  const auto fewer = Read(ApngMaker{.said_frames = 3}.Make(parts));
  EXPECT_EQ(ReasonOf(fewer.status()), kImageDamaged) << fewer.status();
  const auto more = Read(ApngMaker{.said_frames = 1}.Make(parts));
  ASSERT_TRUE(more.ok()) << more.status();
  EXPECT_EQ(more->frames.size(), 1);
}

TEST(PngAnimationTest, ChunksOutOfOrderAreDamage) {
  std::string file = ApngMaker().Make({{.pixel = kRed}, {.pixel = kGreen}});
  // The second fcTL is chunk 1 of the sequence.
  const size_t chunk = file.rfind("fcTL");
  std::string body = file.substr(chunk, 30);
  body[7] = 5;
  const std::string damaged = Chunk("fcTL", body.substr(4));
  file.replace(chunk - 4, damaged.size(), damaged);
  const auto animation = Read(file);
  EXPECT_EQ(ReasonOf(animation.status()), kImageDamaged) << animation.status();
}

TEST(PngAnimationTest, ManyFramesAreRefusedOnTheHeader) {
  const std::string file =
      ApngMaker{.said_frames = 0x7fffffff}.Make({{.pixel = kRed}});
  const auto animation = Read(file);
  EXPECT_EQ(ReasonOf(animation.status()), kImageTooLarge) << animation.status();
}

}  // namespace
}  // namespace imageadapt
