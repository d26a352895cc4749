#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_for_test.h"

#if IMAGEADAPT_HAS_AVIF

#include <avif/avif.h>

namespace imageadapt {
namespace {

using testing::Bytes;
using testing::DecodeFile;
using testing::Difference;
using testing::EncodeFile;
using testing::MakeGradient;
using testing::MakeNoise;
using testing::SamplesOf;
using testing::Spec;

using Samples = std::vector<double>;

// A picture for the library, without loss: the same value all over each plane.
struct AvifMaker {
  uint32_t depth = 8;
  avifPixelFormat format = AVIF_PIXEL_FORMAT_YUV400;
  avifRange range = AVIF_RANGE_FULL;
  avifMatrixCoefficients matrix = AVIF_MATRIX_COEFFICIENTS_BT601;
  std::vector<int> yuv = {0, 0, 0};
  int alpha = -1;  // negative: none
  bool is_premultiplied = false;
  uint32_t width = 16;
  uint32_t height = 8;
  avifTransformFlags transforms = AVIF_TRANSFORM_NONE;
  uint8_t angle = 0;
  uint8_t mirror = 0;
  avifCropRect crop = {};
  uint32_t columns = 1;  // of a grid
  std::string profile = {};

  void Fill(uint8_t* plane, uint32_t row_bytes, uint32_t rows,
            int value) const {
    for (uint32_t y = 0; y < rows; ++y) {
      for (uint32_t x = 0; x < row_bytes / (depth > 8 ? 2 : 1); ++x) {
        if (depth > 8) {
          reinterpret_cast<uint16_t*>(plane + size_t{y} * row_bytes)[x] =
              static_cast<uint16_t>(value);
        } else {
          plane[size_t{y} * row_bytes + x] = static_cast<uint8_t>(value);
        }
      }
    }
  }

  avifImage* MakeImage() const {
    avifImage* const image = avifImageCreate(width, height, depth, format);
    image->yuvRange = range;
    image->matrixCoefficients = matrix;
    image->alphaPremultiplied = is_premultiplied ? AVIF_TRUE : AVIF_FALSE;
    image->transformFlags = transforms;
    image->irot.angle = angle;
    image->imir.mode = mirror;
    if ((transforms & AVIF_TRANSFORM_CLAP) != 0) {
      avifDiagnostics ignored;
      EXPECT_EQ(avifCleanApertureBoxConvertCropRect(&image->clap, &crop, width,
                                                    height, format, &ignored),
                AVIF_TRUE);
    }
    if (!profile.empty()) {
      avifImageSetProfileICC(image,
                             reinterpret_cast<const uint8_t*>(profile.data()),
                             profile.size());
    }
    EXPECT_EQ(avifImageAllocatePlanes(
                  image, alpha >= 0 ? AVIF_PLANES_ALL : AVIF_PLANES_YUV),
              AVIF_RESULT_OK);
    const uint32_t halves = format == AVIF_PIXEL_FORMAT_YUV420 ? 2 : 1;
    for (size_t i = 0; i < 3; ++i) {
      if (image->yuvPlanes[i] == nullptr) continue;
      Fill(image->yuvPlanes[i], image->yuvRowBytes[i],
           i == 0 ? height : (height + halves - 1) / halves, yuv[i]);
    }
    if (alpha >= 0) {
      Fill(image->alphaPlane, image->alphaRowBytes, height, alpha);
    }
    return image;
  }

  std::string Make() const {
    avifEncoder* const encoder = avifEncoderCreate();
    encoder->codecChoice = AVIF_CODEC_CHOICE_AOM;
    encoder->speed = 10;
    encoder->minQuantizer = encoder->maxQuantizer = 0;
    encoder->minQuantizerAlpha = encoder->maxQuantizerAlpha = 0;
    avifImage* const image = MakeImage();
    avifRWData file = AVIF_DATA_EMPTY;
    const std::vector<const avifImage*> cells(columns, image);
    EXPECT_EQ(columns > 1
                  ? avifEncoderAddImageGrid(encoder, columns, 1, cells.data(),
                                            AVIF_ADD_IMAGE_FLAG_SINGLE)
                  : avifEncoderAddImage(encoder, image, 1,
                                        AVIF_ADD_IMAGE_FLAG_SINGLE),
              AVIF_RESULT_OK);
    EXPECT_EQ(avifEncoderFinish(encoder, &file), AVIF_RESULT_OK);
    std::string bytes(reinterpret_cast<const char*>(file.data), file.size);
    avifRWDataFree(&file);
    avifImageDestroy(image);
    avifEncoderDestroy(encoder);
    return bytes;
  }
};

absl::StatusOr<Image> Decode(const std::string& file,
                             const DecodeLimits& limits = {}) {
  return DecodeFile(kAvifCodec, file, limits);
}

// The first pixel.
Samples PixelOf(const absl::StatusOr<Image>& image) {
  EXPECT_TRUE(image.ok()) << image.status();
  Samples samples = SamplesOf(image);
  if (image.ok()) samples.resize(image->spec().shape.channels);
  return samples;
}

ImageMetadata MetadataOf(const std::string& file) {
  RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
  const auto decoder = kAvifCodec.open(source, {});
  EXPECT_TRUE(decoder.ok()) << decoder.status();
  return decoder.ok() ? (*decoder)->metadata() : ImageMetadata();
}

// Puts `to` where `from` first stands.
std::string Replaced(std::string file, const std::string& from,
                     const std::string& to) {
  const size_t at = file.find(from);
  EXPECT_NE(at, std::string::npos);
  return at == std::string::npos ? file : file.replace(at, to.size(), to);
}

TEST(AvifTest, DepthsAreSpreadOverTheWholeRange) {
  for (const uint32_t depth : {8u, 10u, 12u}) {
    const int most = (1 << depth) - 1;
    for (const int value : {0, 1, most / 3, most}) {
      const double full = depth == 8 ? 255 : 65535;
      EXPECT_EQ(PixelOf(Decode(
                    AvifMaker{.depth = depth, .yuv = {value, 0, 0}}.Make())),
                (Samples{std::floor(value * full / most + 0.5)}));
      // Green, blue and red.
      EXPECT_EQ(
          PixelOf(Decode(AvifMaker{.depth = depth,
                                   .format = AVIF_PIXEL_FORMAT_YUV444,
                                   .matrix = AVIF_MATRIX_COEFFICIENTS_IDENTITY,
                                   .yuv = {value, most, 0}}
                             .Make())),
          (Samples{0, std::floor(value * full / most + 0.5), full}));
    }
  }
}

TEST(AvifTest, RangesAndMatricesAreThoseThatTheFileNames) {
  // Limited luma goes from 16 to 235.
  for (const auto& [luma, grey] :
       {std::pair{16, 0.0}, {235, 255.0}, {5, 0.0}, {126, 128.0}}) {
    EXPECT_EQ(PixelOf(Decode(
                  AvifMaker{.range = AVIF_RANGE_LIMITED, .yuv = {luma, 0, 0}}
                      .Make())),
              Samples{grey});
  }
  for (const bool is_limited : {false, true}) {
    for (const auto& [matrix, kr, kb] :
         {std::tuple{AVIF_MATRIX_COEFFICIENTS_BT601, 0.299, 0.114},
          {AVIF_MATRIX_COEFFICIENTS_BT709, 0.2126, 0.0722},
          {AVIF_MATRIX_COEFFICIENTS_BT2020_NCL, 0.2627, 0.0593}}) {
      for (const avifPixelFormat format :
           {AVIF_PIXEL_FORMAT_YUV444, AVIF_PIXEL_FORMAT_YUV422,
            AVIF_PIXEL_FORMAT_YUV420}) {
        const Samples rgb = PixelOf(Decode(AvifMaker{
            .format = format,
            .range = is_limited ? AVIF_RANGE_LIMITED : AVIF_RANGE_FULL,
            .matrix = static_cast<avifMatrixCoefficients>(matrix),
            .yuv = {120, 100, 150}}
                                               .Make()));
        const double luma = is_limited ? (120 - 16) / 219.0 : 120 / 255.0;
        const double scale = is_limited ? 224.0 : 255.0;
        const double blue = (100 - 128) / scale;
        const double red = (150 - 128) / scale;
        const double r = luma + 2 * (1 - kr) * red;
        const double b = luma + 2 * (1 - kb) * blue;
        const double g = (luma - kr * r - kb * b) / (1 - kr - kb);
        ASSERT_EQ(rgb.size(), 3);
        EXPECT_NEAR(rgb[0], 255 * r, 0.51);
        EXPECT_NEAR(rgb[1], 255 * g, 0.51);
        EXPECT_NEAR(rgb[2], 255 * b, 0.51);
      }
    }
  }
}

TEST(AvifTest, MultipliedInAlphaIsDividedOut) {
  EXPECT_EQ(PixelOf(Decode(AvifMaker{
                .yuv = {51, 0, 0}, .alpha = 102, .is_premultiplied = true}
                               .Make())),
            (Samples{128, 102}));
  const Samples color =
      PixelOf(Decode(AvifMaker{.format = AVIF_PIXEL_FORMAT_YUV444,
                               .matrix = AVIF_MATRIX_COEFFICIENTS_IDENTITY,
                               .yuv = {20, 40, 10},
                               .alpha = 51,
                               .is_premultiplied = true}
                         .Make()));
  // The library does it in floats.
  const Samples expected = {50, 100, 200, 51};
  ASSERT_EQ(color.size(), expected.size());
  for (size_t i = 0; i < color.size(); ++i) {
    EXPECT_NEAR(color[i], expected[i], 1) << i;
  }
  EXPECT_EQ(PixelOf(Decode(AvifMaker{.yuv = {51, 0, 0}, .alpha = 102}.Make())),
            (Samples{51, 102}));
}

TEST(AvifTest, GreyWithAProfileForRgbIsRgb) {
  std::string profile(200, '\0');
  profile.replace(16, 4, "RGB ");
  EXPECT_EQ(
      PixelOf(Decode(AvifMaker{.yuv = {77, 0, 0}, .profile = profile}.Make())),
      (Samples{77, 77, 77}));
  profile.replace(16, 4, "GRAY");
  EXPECT_EQ(
      PixelOf(Decode(AvifMaker{.yuv = {77, 0, 0}, .profile = profile}.Make())),
      Samples{77});
}

TEST(AvifTest, TurnsComeBeforeMirrors) {
  for (uint8_t angle = 0; angle < 4; ++angle) {
    EXPECT_EQ(
        MetadataOf(
            AvifMaker{.transforms = AVIF_TRANSFORM_IROT, .angle = angle}.Make())
            .orientation,
        (Orientation{.mirrored = false, .quarter_turns = angle}));
    for (const uint8_t mirror : {uint8_t{0}, uint8_t{1}}) {
      const Orientation mirrored = {.mirrored = true,
                                    .quarter_turns = mirror == 1 ? 0 : 2};
      EXPECT_EQ(MetadataOf(AvifMaker{.transforms = AVIF_TRANSFORM_IROT |
                                                   AVIF_TRANSFORM_IMIR,
                                     .angle = angle,
                                     .mirror = mirror}
                               .Make())
                    .orientation,
                (Orientation{.mirrored = false, .quarter_turns = angle}.Then(
                    mirrored)));
    }
  }
}

TEST(AvifTest, TheCleanApertureIsWhatIsGiven) {
  const auto whole = Decode(EncodeFile(
      kAvifCodec, MakeNoise(Spec(64, 100, 3), 1), {.lossless = true}));
  ASSERT_TRUE(whole.ok()) << whole.status();
  const auto cropped =
      Decode(AvifMaker{.yuv = {9, 0, 0},
                       .width = 64,
                       .height = 100,
                       .transforms = AVIF_TRANSFORM_CLAP,
                       .crop = {.x = 2, .y = 70, .width = 40, .height = 20}}
                 .Make());
  ASSERT_TRUE(cropped.ok()) << cropped.status();
  EXPECT_EQ(cropped->spec(), Spec(40, 20, 1));
}

TEST(AvifTest, PicturesInTilesArePutTogether) {
  const auto image = Decode(
      AvifMaker{.yuv = {200, 0, 0}, .width = 64, .height = 64, .columns = 3}
          .Make());
  ASSERT_TRUE(image.ok()) << image.status();
  EXPECT_EQ(image->spec(), Spec(192, 64, 1));
  EXPECT_EQ(SamplesOf(image), Samples(size_t{192} * 64, 200));
}

TEST(AvifTest, WhatIsWrittenWithoutLossComesBackExactly) {
  for (uint32_t channels = 1; channels <= 4; ++channels) {
    // More than a band of rows.
    const Image image = MakeNoise(Spec(53, 131, channels), 3);
    for (const EncodeOptions& options :
         {EncodeOptions{.lossless = true}, EncodeOptions{.quality = 100}}) {
      const auto back = Decode(EncodeFile(kAvifCodec, image, options));
      ASSERT_TRUE(back.ok()) << back.status();
      EXPECT_EQ(Difference(back->view(), image.view()), "");
    }
  }
}

TEST(AvifTest, U16IsRefusedUnlessFewerBitsAreAskedFor) {
  for (const uint32_t channels : {1u, 2u, 3u, 4u}) {
    const ImageSpec spec = Spec(21, 70, channels, SampleType::kU16);
    EXPECT_TRUE(absl::IsInvalidArgument(kAvifCodec.can_hold(spec)));
    EXPECT_TRUE(absl::IsInvalidArgument(CanHold(kAvifCodec, spec, {})));
    EXPECT_TRUE(
        absl::IsInvalidArgument(CanHold(kAvifCodec, spec, {.sample_bits = 8})));
    const Image image = MakeNoise(spec, 1);
    const Samples before = [&] {
      Samples samples;
      for (uint32_t y = 0; y < 70; ++y) {
        for (const uint16_t sample : image.view().As<uint16_t>().row(y)) {
          samples.push_back(sample);
        }
      }
      return samples;
    }();
    for (const uint32_t bits : {10u, 12u}) {
      const EncodeOptions options = {.lossless = true, .sample_bits = bits};
      ASSERT_TRUE(CanHold(kAvifCodec, spec, options).ok());
      const auto back = Decode(EncodeFile(kAvifCodec, image, options));
      ASSERT_TRUE(back.ok()) << back.status();
      ASSERT_EQ(back->spec(), spec);
      const Samples after = SamplesOf(back);
      const double most = (1 << bits) - 1;
      double error = 0;
      for (size_t i = 0; i < after.size(); ++i) {
        error = std::max(error, std::abs(after[i] - before[i]));
      }
      EXPECT_LE(error, 65535 / most / 2 + 0.5);
      // Once narrowed, nothing more is lost.
      EXPECT_EQ(SamplesOf(Decode(EncodeFile(kAvifCodec, *back, options))),
                after);
    }
  }
}

TEST(AvifTest, QualityIsBetweenSmallAndNear) {
  const Image image = MakeGradient(Spec(200, 150, 3), 1);
  size_t size_before = 0;
  double error_before = 1e9;
  for (const int quality : {10, 50, 90, 100}) {
    const std::string file = EncodeFile(
        kAvifCodec, image, {.quality = quality, .full_chroma = true});
    const Samples back = SamplesOf(Decode(file));
    double error = 0;
    size_t i = 0;
    for (uint32_t y = 0; y < 150; ++y) {
      for (const uint8_t sample : image.view().As<uint8_t>().row(y)) {
        error += std::abs(back.at(i++) - sample);
      }
    }
    EXPECT_GT(file.size(), size_before);
    EXPECT_LT(error, error_before);
    size_before = file.size();
    error_before = error;
  }
  EXPECT_EQ(error_before, 0);
}

std::string Animation(uint32_t plays) {
  BufferPool pool;
  BufferSink sink(pool);
  const ImageSpec spec = Spec(24, 16, 4);
  auto encoder = kAvifCodec.create(
      sink, spec,
      {.lossless = true,
       .frames = {.count = 3, .is_animation = true, .plays = plays},
       .first_delay = {.numerator = 1, .denominator = 30}});
  EXPECT_TRUE(encoder.ok()) << encoder.status();
  for (uint32_t i = 0; i < 3; ++i) {
    if (i > 0) {
      EXPECT_TRUE((*encoder)
                      ->NextFrame(spec, {.numerator = i, .denominator = 25})
                      .ok());
    }
    EXPECT_TRUE((*encoder)->WriteRows(MakeNoise(spec, i).view()).ok());
  }
  EXPECT_TRUE((*encoder)->Finish().ok());
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  return RopeOf(blocks).ToString();
}

TEST(AvifTest, FramesComeBackExactlyWithTheirDelays) {
  for (const uint32_t plays : {0u, 1u, 2u, 1000u}) {
    const std::string file = Animation(plays);
    RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
    auto decoder = kAvifCodec.open(source, {});
    ASSERT_TRUE(decoder.ok()) << decoder.status();
    EXPECT_EQ(
        (*decoder)->metadata().frames,
        (FrameSequence{.count = 3, .is_animation = true, .plays = plays}));
    for (uint32_t i = 0; i < 3; ++i) {
      if (i > 0) {
        ASSERT_TRUE((*decoder)->NextFrame().ok());
      }
      const FrameDelay delay = (*decoder)->delay();
      EXPECT_NEAR(static_cast<double>(delay.numerator) / delay.denominator,
                  i == 0 ? 1 / 30.0 : i / 25.0, 1e-9);
      Image back = testing::MakeImage((*decoder)->spec());
      const absl::Status status = (*decoder)->ReadRows(back.view());
      ASSERT_TRUE(status.ok()) << status;
      EXPECT_EQ(Difference(back.view(), MakeNoise(Spec(24, 16, 4), i).view()),
                "");
    }
  }
}

TEST(AvifTest, EveryCutOfAnAnimationIsDamage) {
  const std::string file = Animation(0);
  for (size_t size = 12; size < file.size(); size += 7) {
    RopeSource source{ByteRope(std::as_bytes(std::span(file).first(size)))};
    auto decoder = kAvifCodec.open(source, {});
    absl::Status status = decoder.status();
    for (uint32_t i = 0; status.ok() && i < 3; ++i) {
      if (i > 0) status = (*decoder)->NextFrame();
      Image back = testing::MakeImage((*decoder)->spec());
      if (status.ok()) status = (*decoder)->ReadRows(back.view());
    }
    EXPECT_EQ(ReasonOf(status), kImageDamaged) << size << ": " << status;
  }
}

TEST(AvifTest, ListsThatAreTooLongAreRefusedBeforeTheLibrarySeesThem) {
  const std::string still = AvifMaker().Make();
  const auto refusal = [](const std::string& file) {
    return ReasonOf(Decode(file).status());
  };
  // Counts behind version and flags.
  const std::string infe("iinf\0\0\0\0", 8);
  EXPECT_EQ(refusal(Replaced(still, infe, infe + Bytes({255, 255}))),
            kImageTooLarge);
  const std::string iloc("iloc\0\0\0\0\x44\0", 10);
  EXPECT_EQ(refusal(Replaced(still, iloc, iloc + Bytes({255, 255}))),
            kImageTooLarge);
  const std::string animation = Animation(0);
  for (const char* const list : {"stts", "stsc", "stco", "stss"}) {
    const std::string head = list + std::string(4, '\0');
    EXPECT_EQ(refusal(Replaced(animation, head, head + Bytes({1, 0, 0, 0}))),
              kImageTooLarge)
        << list;
  }
  const std::string sizes = "stsz" + std::string(8, '\0');
  EXPECT_EQ(refusal(Replaced(animation, sizes, sizes + Bytes({0, 1, 0, 0}))),
            kImageTooLarge);
  // 10000 frames with a delay of their own each.
  std::string many =
      Replaced(animation, sizes, sizes + Bytes({0, 0, 0x27, 0x10}));
  const std::string delays = "stts" + std::string(4, '\0');
  many = Replaced(many, delays, delays + Bytes({0, 0, 0x27, 0x10}));
  EXPECT_EQ(refusal(many), kImageTooLarge);
  // Where there are more of them than there should be, none hides another.
  const auto box = [](const char* type, const std::string& content) {
    return Bytes({0, 0, 0, static_cast<int>(8 + content.size())}) + type +
           content;
  };
  const auto frames = [&](const std::string& count) {
    return box("stsz", std::string(8, '\0') + count);
  };
  const auto delays_of = [&](const std::string& count) {
    return box("stts", std::string(4, '\0') + count);
  };
  const std::string zero(4, '\0');
  const std::string much = Bytes({0, 0, 0x27, 0x10});
  const std::string table = box(
      "stbl", frames(much) + frames(zero) + delays_of(much) + delays_of(zero));
  const std::string media = box("mdia", box("minf", "") + box("minf", table));
  EXPECT_EQ(refusal(still + box("moov", box("trak", media))), kImageTooLarge);
}

TEST(AvifTest, APictureLargerThanItsHeaderIsRefused) {
  // The boxes say 16 x 8, the stream 1024 x 1024.
  const std::string small = AvifMaker().Make();
  const std::string large = AvifMaker{.width = 1024, .height = 1024}.Make();
  const std::string size("ispe\0\0\0\0", 8);
  const std::string lie =
      Replaced(large, size, small.substr(small.find(size), 16));
  const absl::Status status = Decode(lie).status();
  EXPECT_EQ(ReasonOf(status), kImageDamaged) << status;
}

TEST(AvifTest, SizesBeyondALimitAreRefusedOnTheHeader) {
  const std::string file = AvifMaker().Make();
  const std::string size("ispe\0\0\0\0", 8);
  EXPECT_EQ(
      ReasonOf(Decode(Replaced(file, size,
                               size + Bytes({0, 0, 0xff, 0, 0, 0, 0xff, 0})))
                   .status()),
      kImageTooLarge);
  EXPECT_EQ(ReasonOf(Decode(Replaced(file, size,
                                     size + Bytes({255, 255, 255, 255, 255, 255,
                                                   255, 255})))
                         .status()),
            kImageTooLarge);
  EXPECT_EQ(
      ReasonOf(
          Decode(Replaced(file, size, size + std::string(8, '\0'))).status()),
      kImageDamaged);
}

TEST(AvifTest, OtherBrandsAreNotRecognized) {
  const auto is_ours = [](const std::string& head) {
    return kAvifCodec.recognizes(std::as_bytes(std::span(head)));
  };
  const auto ftyp = [](const std::string& brands) {
    return Bytes({0, 0, 0, static_cast<int>(8 + brands.size())}) + "ftyp" +
           brands;
  };
  EXPECT_TRUE(is_ours(ftyp("avif" + std::string(4, '\0'))));
  EXPECT_TRUE(is_ours(ftyp("avis" + std::string(4, '\0'))));
  EXPECT_TRUE(is_ours(ftyp("mif1" + std::string(4, '\0') + "miafavif")));
  EXPECT_FALSE(is_ours(ftyp("mif1" + std::string(4, '\0') + "heic")));
  // The minor version is no brand, and neither is what follows the box.
  EXPECT_FALSE(is_ours(ftyp("mif1avif")));
  EXPECT_FALSE(is_ours(ftyp("mif1" + std::string(4, '\0')) + "avif"));
}

}  // namespace
}  // namespace imageadapt

#endif  // IMAGEADAPT_HAS_AVIF
