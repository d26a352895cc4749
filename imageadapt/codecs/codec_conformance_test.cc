// Promises of every codec: the suite walks the registry.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using testing::Difference;
using testing::MakeGradient;
using testing::MakeImage;
using testing::Spec;

// A source that gives its bytes in small pieces, as the network does.
class PiecewiseSource final : public ByteSource {
 public:
  PiecewiseSource(std::string bytes, size_t piece)
      : bytes_(std::move(bytes)), piece_(piece) {}

  absl::StatusOr<std::span<const std::byte>> Next() override {
    const size_t size = std::min(piece_, bytes_.size() - at_);
    const auto next = std::as_bytes(std::span(bytes_)).subspan(at_, size);
    at_ += size;
    return next;
  }

 private:
  const std::string bytes_;
  const size_t piece_;
  size_t at_ = 0;
};

std::string Encode(const Codec& codec, const Image& image,
                   const EncodeOptions& options = {}) {
  BufferPool pool;
  BufferSink sink(pool);
  auto encoder = codec.create(sink, image.spec(), options);
  EXPECT_TRUE(encoder.ok()) << encoder.status();
  // In uneven pieces: callers write as they please.
  const uint32_t height = image.spec().shape.height;
  for (uint32_t row = 0; row < height; row += 7) {
    const uint32_t count = std::min(7u, height - row);
    EXPECT_TRUE((*encoder)->WriteRows(image.view().Rows(row, count)).ok());
  }
  EXPECT_TRUE((*encoder)->Finish().ok());
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  return RopeOf(blocks).ToString();
}

absl::StatusOr<Image> Decode(const Codec& codec, const std::string& file,
                             const DecodeLimits& limits = {},
                             uint32_t rows_at_once = 1000,
                             size_t piece = 1 << 20) {
  PiecewiseSource source(file, piece);
  auto decoder = codec.open(source, limits);
  if (!decoder.ok()) return decoder.status();
  Image image = MakeImage((*decoder)->spec());
  const uint32_t height = image.spec().shape.height;
  for (uint32_t row = 0; row < height; row += rows_at_once) {
    const absl::Status status = (*decoder)->ReadRows(
        image.view().Rows(row, std::min(rows_at_once, height - row)));
    if (!status.ok()) return status;
  }
  return image;
}

std::vector<ImageSpec> AllSpecs() {
  std::vector<ImageSpec> specs;
  for (const SampleType type :
       {SampleType::kU8, SampleType::kU16, SampleType::kF32}) {
    for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
      for (const auto& [width, height] :
           {std::pair{1u, 1u}, {1u, 30u}, {30u, 1u}, {37u, 23u}}) {
        specs.push_back(Spec(width, height, channels, type));
      }
    }
  }
  return specs;
}

class CodecConformanceTest : public ::testing::TestWithParam<const Codec*> {
 protected:
  const Codec& codec() const { return *GetParam(); }
  bool is_lossless() const { return codec().is_lossless; }
  // What a file that was made of `spec` decodes to.
  ImageSpec SpecThatComesBack(ImageSpec spec) const {
    if (codec().stores_grey_as_rgb && spec.shape.channels < 3) {
      spec.shape.channels += 2;
    }
    return spec;
  }
  // The first that it can hold of three channels, or else of one.
  ImageSpec ASpec(uint32_t width, uint32_t height) const {
    for (const uint32_t channels : {3u, 1u}) {
      for (const SampleType type :
           {SampleType::kU8, SampleType::kU16, SampleType::kF32}) {
        const ImageSpec spec = Spec(width, height, channels, type);
        if (codec().can_hold(spec).ok()) return spec;
      }
    }
    return {};
  }
  std::string AFile() const {
    return Encode(codec(), MakeGradient(ASpec(64, 48), 1));
  }
};

TEST_P(CodecConformanceTest, IsFoundByItsFilesAndItsMediaType) {
  EXPECT_EQ(FindCodecByMimeType(codec().mime_type), &codec());
  EXPECT_NE(codec().extensions, "");
  if (codec().create == nullptr) return;
  const std::string file = AFile();
  EXPECT_EQ(FindCodec(std::as_bytes(std::span(file)).first(32)), &codec());
  EXPECT_EQ(FindCodec(std::as_bytes(std::span(file)).first(1)), nullptr);
}

TEST_P(CodecConformanceTest, WhatItCanHoldComesBack) {
  if (codec().create == nullptr) return;
  int held = 0;
  for (const ImageSpec& spec : AllSpecs()) {
    if (!codec().can_hold(spec).ok()) continue;
    ++held;
    const Image image = MakeGradient(spec, 5);
    const auto back = Decode(codec(), Encode(codec(), image));
    ASSERT_TRUE(back.ok()) << back.status();
    ASSERT_EQ(back->spec(), SpecThatComesBack(spec));
    EXPECT_NE(codec().reads & 1 << static_cast<int>(spec.sample_type), 0);
    if (is_lossless()) {
      EXPECT_EQ(Difference(back->view(), image.view()), "");
    }
  }
  EXPECT_GT(held, 0);
}

TEST_P(CodecConformanceTest, TakesQualityIfItSaysSo) {
  if (codec().create == nullptr) return;
  const Image image = testing::MakeNoise(ASpec(64, 48), 3);
  const std::string rough = Encode(codec(), image, {.quality = 20});
  const std::string fine = Encode(codec(), image, {.quality = 95});
  EXPECT_EQ(rough != fine, codec().takes_quality);
  if (codec().takes_quality) {
    EXPECT_LT(rough.size(), fine.size());
  }
}

TEST_P(CodecConformanceTest, WhatItCannotHoldIsRefusedInWords) {
  if (codec().create == nullptr) return;
  for (const ImageSpec& spec : AllSpecs()) {
    const absl::Status status = codec().can_hold(spec);
    if (status.ok()) continue;
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_NE(status.message(), "");
  }
}

TEST_P(CodecConformanceTest, CutsOfRowsAndBytesDoNotMatter) {
  if (codec().create == nullptr) return;
  const std::string file = AFile();
  const auto whole = Decode(codec(), file);
  ASSERT_TRUE(whole.ok());
  for (const uint32_t rows : {1u, 5u, 47u}) {
    for (const size_t piece : {size_t{1}, size_t{13}, size_t{1000}}) {
      const auto cut = Decode(codec(), file, {}, rows, piece);
      ASSERT_TRUE(cut.ok()) << cut.status();
      EXPECT_EQ(Difference(cut->view(), whole->view()), "");
    }
  }
}

TEST_P(CodecConformanceTest, EveryTruncationIsDamage) {
  if (codec().create == nullptr) return;
  const std::string file = AFile();
  for (size_t cut = 0; cut <= 40; ++cut) {
    const size_t size = file.size() * cut / 41;
    const auto image = Decode(codec(), file.substr(0, size));
    ASSERT_FALSE(image.ok()) << size << " of " << file.size();
    EXPECT_TRUE(absl::IsInvalidArgument(image.status())) << image.status();
    EXPECT_EQ(ReasonOf(image.status()), kImageDamaged) << image.status();
  }
}

TEST_P(CodecConformanceTest, TruncationInTheRowsSaysWhichRowWasReached) {
  if (codec().create == nullptr) return;
  const std::string file =
      Encode(codec(), testing::MakeNoise(ASpec(200, 200), 2));
  const auto image = Decode(codec(), file.substr(0, file.size() / 2), {}, 1);
  ASSERT_FALSE(image.ok());
  const std::string text(image.status().message());
  const size_t at = text.find("reached row ");
  ASSERT_NE(at, std::string::npos) << text;
  const int row = std::stoi(text.substr(at + 12));
  if (!codec().decodes_in_tiles) {
    EXPECT_GT(row, 60) << text;
  }
  EXPECT_LT(row, 140) << text;
}

TEST_P(CodecConformanceTest, FlippedBitsAreRefusedAsDamageOrLeaveAWholeImage) {
  if (codec().create == nullptr) return;
  const std::string file = AFile();
  const auto whole = Decode(codec(), file);
  std::mt19937 random(6);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = file;
    for (int flip = 0; flip <= i % 3; ++flip) {
      const size_t bit = random() % (8 * damaged.size());
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
    }
    DecodeLimits limits;
    limits.max_pixels = 1'000'000;
    const auto image = Decode(codec(), damaged, limits);
    if (!image.ok()) {
      EXPECT_TRUE(absl::IsInvalidArgument(image.status())) << image.status();
    } else if (codec().mime_type == "image/png") {
      // Its checksums let nothing pass.
      EXPECT_EQ(Difference(image->view(), whole->view()), "");
    }
  }
}

TEST_P(CodecConformanceTest, LimitsAreKeptOnTheHeader) {
  if (codec().create == nullptr) return;
  // The rows are missing: only the header can have been looked at.
  const std::string file = AFile();
  DecodeLimits limits;
  limits.max_pixels = 64 * 48 - 1;
  auto image = Decode(codec(), file.substr(0, file.size() / 2), limits);
  EXPECT_EQ(ReasonOf(image.status()), kImageTooLarge) << image.status();
  limits.max_pixels = 64 * 48;
  limits.max_side = 63;
  image = Decode(codec(), file.substr(0, file.size() / 2), limits);
  EXPECT_EQ(ReasonOf(image.status()), kImageTooLarge) << image.status();
  limits.max_side = 64;
  EXPECT_TRUE(Decode(codec(), file, limits).ok());
}

TEST_P(CodecConformanceTest, ProfilesAreKept) {
  if (!codec().keeps_icc_profile) return;
  // Longer than one JPEG segment, and with the head that libpng asks for.
  std::string profile(70'000, 'p');
  const auto put = [&](size_t at, const std::string& text) {
    profile.replace(at, text.size(), text);
  };
  put(0, std::string("\x00\x01\x11\x70", 4));
  put(8, std::string("\x04\x30\x00\x00", 4));
  put(12, "mntrRGB XYZ ");
  put(36, "acsp");
  put(64, std::string(4, '\0'));
  put(68, std::string("\x00\x00\xf6\xd6\x00\x01\x00\x00\x00\x00\xd3\x2d", 12));
  put(128, std::string(4, '\0'));
  const auto bytes = std::as_bytes(std::span(profile));
  const std::string file =
      Encode(codec(), MakeGradient(ASpec(16, 16), 1), {.icc_profile = bytes});
  PiecewiseSource source(file, 100);
  const auto decoder = codec().open(source, {});
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  const auto& kept = (*decoder)->metadata().icc_profile;
  EXPECT_TRUE(std::equal(kept.begin(), kept.end(), bytes.begin(), bytes.end()))
      << kept.size();
}

TEST_P(CodecConformanceTest, AFullSinkEndsTheEncoder) {
  if (codec().create == nullptr) return;
  BufferPool pool;
  BufferSink sink(pool, /*max_bytes=*/100);
  const Image image = testing::MakeNoise(ASpec(300, 300), 3);
  auto encoder = codec().create(sink, image.spec(), {});
  absl::Status status = encoder.status();
  if (status.ok()) status = (*encoder)->WriteRows(image.view());
  if (status.ok()) status = (*encoder)->Finish();
  EXPECT_TRUE(absl::IsOutOfRange(status)) << status;
}

// Some frames, their delays, and how they came back.
struct Frames {
  std::vector<Image> images;
  std::vector<FrameDelay> delays;
  FrameSequence sequence;
};

std::string EncodeFrames(const Codec& codec, const Frames& frames) {
  BufferPool pool;
  BufferSink sink(pool);
  auto encoder = codec.create(
      sink, frames.images[0].spec(),
      {.frames = frames.sequence, .first_delay = frames.delays[0]});
  EXPECT_TRUE(encoder.ok()) << encoder.status();
  for (size_t i = 0; i < frames.images.size(); ++i) {
    const Image& image = frames.images[i];
    if (i > 0) {
      EXPECT_TRUE((*encoder)->NextFrame(image.spec(), frames.delays[i]).ok());
    }
    EXPECT_TRUE((*encoder)->WriteRows(image.view()).ok());
  }
  EXPECT_TRUE((*encoder)->Finish().ok());
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  return RopeOf(blocks).ToString();
}

absl::StatusOr<Frames> DecodeFrames(const Codec& codec, const std::string& file,
                                    const DecodeLimits& limits = {}) {
  PiecewiseSource source(file, 1000);
  auto decoder = codec.open(source, limits);
  if (!decoder.ok()) return decoder.status();
  Frames frames{
      .images = {}, .delays = {}, .sequence = (*decoder)->metadata().frames};
  for (uint32_t i = 0; i < frames.sequence.count; ++i) {
    if (i > 0) {
      const absl::Status status = (*decoder)->NextFrame();
      if (!status.ok()) return status;
    }
    frames.images.push_back(MakeImage((*decoder)->spec()));
    frames.delays.push_back((*decoder)->delay());
    const absl::Status status =
        (*decoder)->ReadRows(frames.images.back().view());
    if (!status.ok()) return status;
  }
  return frames;
}

// Delays that every animated format can hold: whole hundredths of a second.
Frames ThreeFrames(const ImageSpec& spec, bool is_animation) {
  Frames frames{.images = {},
                .delays = {{.numerator = 10, .denominator = 100},
                           {.numerator = 250, .denominator = 1000},
                           {.numerator = 2, .denominator = 1}},
                .sequence = {.count = 3,
                             .is_animation = is_animation,
                             .plays = is_animation ? 4u : 0u}};
  for (int i = 0; i < 3; ++i) {
    frames.images.push_back(MakeGradient(spec, static_cast<uint32_t>(i)));
  }
  return frames;
}

double SecondsOf(FrameDelay delay) {
  return static_cast<double>(delay.numerator) / delay.denominator;
}

TEST_P(CodecConformanceTest, FramesComeBackInOrder) {
  if (codec().frames == Codec::Frames::kOne || codec().create == nullptr) {
    return;
  }
  const bool is_animation = codec().frames == Codec::Frames::kAlike;
  const Frames frames = ThreeFrames(ASpec(30, 20), is_animation);
  const auto back = DecodeFrames(codec(), EncodeFrames(codec(), frames));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->sequence, frames.sequence);
  ASSERT_EQ(back->images.size(), 3);
  for (size_t i = 0; i < 3; ++i) {
    ASSERT_EQ(back->images[i].spec(), frames.images[i].spec()) << i;
    if (is_lossless()) {
      EXPECT_EQ(Difference(back->images[i].view(), frames.images[i].view()), "")
          << i;
    }
    if (is_animation) {
      EXPECT_NEAR(SecondsOf(back->delays[i]), SecondsOf(frames.delays[i]), 1e-9)
          << i;
    }
  }
}

TEST_P(CodecConformanceTest, FramesAreLimited) {
  if (codec().frames == Codec::Frames::kOne || codec().create == nullptr) {
    return;
  }
  const bool is_animation = codec().frames == Codec::Frames::kAlike;
  const std::string file =
      EncodeFrames(codec(), ThreeFrames(ASpec(30, 20), is_animation));
  EXPECT_TRUE(DecodeFrames(codec(), file, {.max_frames = 3}).ok());
  const auto image = DecodeFrames(codec(), file, {.max_frames = 2});
  EXPECT_EQ(ReasonOf(image.status()), kImageTooLarge) << image.status();
}

std::vector<const Codec*> BuiltCodecs() {
  std::vector<const Codec*> codecs;
  for (const Codec* codec : AllCodecs()) {
    if (codec->open != nullptr) codecs.push_back(codec);
  }
  return codecs;
}

INSTANTIATE_TEST_SUITE_P(All, CodecConformanceTest,
                         ::testing::ValuesIn(BuiltCodecs()),
                         [](const auto& each) {
                           std::string name(each.param->name);
                           std::erase_if(name, [](char letter) {
                             return !absl::ascii_isalnum(
                                 static_cast<unsigned char>(letter));
                           });
                           return name;
                         });

}  // namespace
}  // namespace imageadapt
