// What is special to DICOM. Files are put together by hand; those of DCMTK and
// pydicom are in tests/dicom_truth_test.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <string>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/dicom_for_test.h"

namespace imageadapt {
namespace {

using testing::Bytes;
using testing::DecodeFile;
using testing::DicomElement;
using testing::DicomFile;
using testing::DicomNumber;
using testing::DicomPicture;
using testing::DicomText;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kDicomPatientName;
using testing::Little16;
using testing::Little32;
using testing::PackedDicomFile;
using testing::SamplesOf;
using Grey = DecodeOptions::Grey;

#if IMAGEADAPT_HAS_DICOM

absl::StatusOr<Image> Decode(const std::string& file,
                             const DecodeLimits& limits = {}) {
  return DecodeFile(kDicomCodec, file, limits);
}

absl::StatusOr<std::unique_ptr<Decoder>> Open(RopeSource& source) {
  return kDicomCodec.open(source, {});
}

RopeSource SourceOf(const std::string& file) {
  return RopeSource{ByteRope(std::as_bytes(std::span(file)))};
}

absl::StatusOr<Image> DecodeWith(const std::string& file,
                                 const DecodeOptions& options) {
  RopeSource source = SourceOf(file);
  auto decoder = Open(source);
  if (!decoder.ok()) return decoder.status();
  absl::Status status = (*decoder)->Choose(options);
  if (!status.ok()) return status;
  Image image = testing::MakeImage((*decoder)->spec());
  status = (*decoder)->ReadRows(image.view());
  if (!status.ok()) return status;
  return image;
}

std::string SixBytes() { return Bytes({0, 1, 2, 100, 200, 255}); }

TEST(DicomTest, IsKnownByItsSignatureBehindAnyPreamble) {
  std::string file = DicomFile({}, SixBytes());
  EXPECT_EQ(FindCodec(std::as_bytes(std::span(file))), &kDicomCodec);
  file.replace(0, 4, "II*\0", 4);
  EXPECT_EQ(FindCodec(std::as_bytes(std::span(file))), &kDicomCodec);
  file[128] = 'd';
  EXPECT_NE(FindCodec(std::as_bytes(std::span(file))), &kDicomCodec);
}

TEST(DicomTest, StoredValuesStayAsTheyAre) {
  const auto image = Decode(DicomFile({}, SixBytes()));
  EXPECT_THAT(SamplesOf(image), ElementsAre(0, 1, 2, 100, 200, 255));
  EXPECT_EQ(image->spec().sample_type, SampleType::kU8);
  const std::string wide =
      Little16(0) + Little16(4095) + Little16(7) + Little16(0xf001);
  const auto twelve = Decode(DicomFile(
      {.columns = 2, .rows = 2, .allocated = 16, .stored = 12}, wide));
  // What lies beyond the bits stored is none of theirs.
  EXPECT_THAT(SamplesOf(twelve), ElementsAre(0, 4095, 7, 1));
  EXPECT_EQ(twelve->spec().sample_type, SampleType::kU16);
}

TEST(DicomTest, SignedValuesBecomeFloats) {
  const auto image = Decode(DicomFile(
      {.columns = 2,
       .rows = 2,
       .allocated = 16,
       .stored = 12,
       .is_signed = true},
      Little16(0x800) + Little16(0xfff) + Little16(0) + Little16(0x7ff)));
  EXPECT_THAT(SamplesOf(image), ElementsAre(-2048, -1, 0, 2047));
  EXPECT_EQ(image->spec().sample_type, SampleType::kF32);
}

TEST(DicomTest, Monochrome1IsMirrored) {
  EXPECT_THAT(
      SamplesOf(Decode(DicomFile({.photometric = "MONOCHROME1"}, SixBytes()))),
      ElementsAre(255, 254, 253, 155, 55, 0));
  EXPECT_THAT(SamplesOf(Decode(DicomFile({.photometric = "MONOCHROME1",
                                          .columns = 1,
                                          .rows = 2,
                                          .is_signed = true},
                                         Bytes({0x80, 0x7f})))),
              ElementsAre(127, -128));
}

TEST(DicomTest, BitsFollowOneAnotherAcrossRowsAndFrames) {
  const std::string file = DicomFile(
      {.columns = 3, .rows = 1, .allocated = 1, .stored = 1, .frames = 2},
      Bytes({0b110101}));
  RopeSource source = SourceOf(file);
  auto decoder = Open(source);
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  Image image = testing::MakeImage((*decoder)->spec());
  ASSERT_TRUE((*decoder)->ReadRows(image.view()).ok());
  EXPECT_THAT(image.view().As<uint8_t>().row(0), ElementsAre(1, 0, 1));
  ASSERT_TRUE((*decoder)->NextFrame().ok());
  ASSERT_TRUE((*decoder)->ReadRows(image.view()).ok());
  EXPECT_THAT(image.view().As<uint8_t>().row(0), ElementsAre(0, 1, 1));
}

TEST(DicomTest, ColoursAreReadInBothPlanarConfigurations) {
  const DicomPicture pixels{
      .photometric = "RGB", .columns = 2, .rows = 1, .samples = 3};
  EXPECT_THAT(SamplesOf(Decode(DicomFile(pixels, SixBytes()))),
              ElementsAre(0, 1, 2, 100, 200, 255));
  DicomPicture planes = pixels;
  planes.is_planar = true;
  EXPECT_THAT(SamplesOf(Decode(DicomFile(planes, SixBytes()))),
              ElementsAre(0, 2, 200, 1, 100, 255));
}

TEST(DicomTest, LumaAndChromaBecomeRgb) {
  const DicomPicture full{
      .photometric = "YBR_FULL", .columns = 2, .rows = 1, .samples = 3};
  EXPECT_THAT(
      SamplesOf(Decode(DicomFile(full, Bytes({76, 85, 255, 90, 128, 128})))),
      ElementsAre(254, 0, 0, 90, 90, 90));
  DicomPicture pairs = full;
  pairs.photometric = "YBR_FULL_422";
  EXPECT_THAT(SamplesOf(Decode(DicomFile(pairs, Bytes({10, 20, 128, 128})))),
              ElementsAre(10, 10, 10, 20, 20, 20));
}

std::string Palette(uint32_t bits, const std::string& red) {
  std::string elements;
  for (uint32_t color = 0; color < 3; ++color) {
    elements += DicomElement(0x00281101 + color, "US",
                             Little16(2) + Little16(5) + Little16(bits));
  }
  for (uint32_t color = 0; color < 3; ++color) {
    elements += DicomElement(0x00281201 + color, "OW", red);
  }
  return elements;
}

TEST(DicomTest, PalettesAreExpandedAndIndicesStayWithin) {
  const DicomPicture picture{.photometric = "PALETTE COLOR",
                             .columns = 3,
                             .rows = 1,
                             .more = Palette(8, Bytes({9, 8}))};
  EXPECT_THAT(SamplesOf(Decode(DicomFile(picture, Bytes({0, 5, 6})))),
              ElementsAre(9, 9, 9, 9, 9, 9, 8, 8, 8));
  DicomPicture wide = picture;
  wide.more = Palette(16, Little16(300) + Little16(65535));
  const auto image = Decode(DicomFile(wide, Bytes({5, 6, 7})));
  EXPECT_THAT(SamplesOf(image), ElementsAre(300, 300, 300, 65535, 65535, 65535,
                                            65535, 65535, 65535));
  wide.more = Palette(16, Little16(300));
  EXPECT_EQ(ReasonOf(Decode(DicomFile(wide, SixBytes())).status()),
            kImageDamaged);
}

DicomPicture WithValues() {
  return {.columns = 3,
          .rows = 2,
          .more = DicomText(0x00281050, "DS", "0\\7") +
                  DicomText(0x00281051, "DS", "101\\7") +
                  DicomText(0x00281052, "DS", "-100") +
                  DicomText(0x00281053, "DS", "2")};
}

TEST(DicomTest, MeasuredValuesComeOnRequest) {
  const auto image = DecodeWith(DicomFile(WithValues(), SixBytes()),
                                {.grey = Grey::kMeasured});
  EXPECT_THAT(SamplesOf(image), ElementsAre(-100, -98, -96, 100, 300, 410));
  EXPECT_EQ(image->spec().sample_type, SampleType::kF32);
}

TEST(DicomTest, TheFilesWindowIsAppliedAsTheStandardSays) {
  // Black up to -50.5, white from 49.5 on.
  const std::string values = Bytes({0, 24, 25, 50, 74, 75});
  const auto image = DecodeWith(DicomFile(WithValues(), values),
                                {.grey = Grey::kWindowOfFile});
  EXPECT_THAT(SamplesOf(image), ElementsAre(0, 0, 1, 129, 251, 255));
  const auto none =
      DecodeWith(DicomFile({}, SixBytes()), {.grey = Grey::kWindowOfFile});
  EXPECT_EQ(FieldOf(none.status()), "dicom.grey") << none.status();
}

TEST(DicomTest, ACallersWindowIsExactAndTurnedRoundForMonochrome1) {
  DicomPicture picture;
  const DecodeOptions options{
      .grey = Grey::kWindow, .window_center = 100, .window_width = 200};
  EXPECT_THAT(SamplesOf(DecodeWith(DicomFile(picture, SixBytes()), options)),
              ElementsAre(0, 1, 3, 128, 255, 255));
  picture.photometric = "MONOCHROME1";
  EXPECT_THAT(SamplesOf(DecodeWith(DicomFile(picture, SixBytes()), options)),
              ElementsAre(255, 254, 252, 128, 0, 0));
}

std::string Sequence(uint32_t tag, const std::string& content) {
  return DicomElement(tag, "SQ",
                      Bytes({0xfe, 0xff, 0, 0xe0}) +
                          Little32(static_cast<uint32_t>(content.size())) +
                          content);
}

// The same of no told length.
std::string OpenSequence(uint32_t tag, const std::string& content) {
  return Little16(tag >> 16) + Little16(tag & 0xffff) + "SQ" + Little16(0) +
         Little32(0xffffffff) + Bytes({0xfe, 0xff, 0, 0xe0}) +
         Little32(0xffffffff) + content + Bytes({0xfe, 0xff, 0x0d, 0xe0}) +
         Little32(0) + Bytes({0xfe, 0xff, 0xdd, 0xe0}) + Little32(0);
}

TEST(DicomTest, ValuesOfAllFramesAreFoundInTheirGroups) {
  const std::string values =
      DicomText(0x00281052, "DS", "5") + DicomText(0x00281053, "DS", "10");
  for (const auto& make : {Sequence, OpenSequence}) {
    DicomPicture picture;
    picture.more = make(0x52009229, make(0x00289145, values));
    const DecodeOptions measured{.grey = Grey::kMeasured};
    EXPECT_THAT(SamplesOf(DecodeWith(DicomFile(picture, SixBytes()), measured)),
                ElementsAre(5, 15, 25, 1005, 2005, 2555));
    // Of each frame by itself they are not read, and not ignored either.
    picture.more = make(0x52009230, make(0x00289145, values));
    const auto refused = DecodeWith(DicomFile(picture, SixBytes()), measured);
    EXPECT_EQ(FieldOf(refused.status()), "dicom.grey") << refused.status();
    EXPECT_TRUE(Decode(DicomFile(picture, SixBytes())).ok());
    // In other sequences they are about something else.
    picture.more = make(0x52009228, make(0x00289145, values));
    EXPECT_THAT(SamplesOf(DecodeWith(DicomFile(picture, SixBytes()), measured)),
                ElementsAre(0, 1, 2, 100, 200, 255));
  }
}

std::vector<double> MillisecondsOf(const DicomPicture& picture) {
  const std::string file = DicomFile(picture, std::string(18, 'x'));
  RopeSource source = SourceOf(file);
  auto decoder = Open(source);
  EXPECT_TRUE(decoder.ok()) << decoder.status();
  std::vector<double> times;
  Image image = testing::MakeImage((*decoder)->spec());
  for (uint32_t i = 0; i < picture.frames; ++i) {
    if (i > 0) {
      EXPECT_TRUE((*decoder)->NextFrame().ok());
    }
    EXPECT_TRUE((*decoder)->ReadRows(image.view()).ok());
    const FrameDelay delay = (*decoder)->delay();
    times.push_back(1000.0 * delay.numerator / delay.denominator);
  }
  if (!(*decoder)->metadata().frames.is_animation) times.clear();
  return times;
}

TEST(DicomTest, FramesAreShownForTheTimesOfTheFile) {
  DicomPicture picture{.frames = 3};
  EXPECT_THAT(MillisecondsOf(picture), ElementsAre());
  picture.times = DicomText(0x00181063, "DS", "33.25");
  EXPECT_THAT(MillisecondsOf(picture), ElementsAre(33.25, 33.25, 33.25));
  picture.times = DicomText(0x00181065, "DS", "0\\20\\30");
  EXPECT_THAT(MillisecondsOf(picture), ElementsAre(20, 30, 30));
  picture.times = DicomText(0x00180040, "IS", "25");
  EXPECT_THAT(MillisecondsOf(picture), ElementsAre(40, 40, 40));
}

TEST(DicomTest, RleIsUnpackedPlaneByPlane) {
  const DicomPicture picture{.syntax = testing::kDicomRle,
                             .columns = 2,
                             .rows = 1,
                             .allocated = 16,
                             .stored = 16,
                             .frames = 2};
  const std::string frame =
      testing::DicomRleFrame({Bytes({1, 2}), Bytes({3, 4})});
  EXPECT_THAT(SamplesOf(Decode(PackedDicomFile(picture, {frame, frame}))),
              ElementsAre(0x103, 0x204));
  const std::string few = testing::DicomRleFrame({Bytes({1, 2})});
  EXPECT_EQ(ReasonOf(Decode(PackedDicomFile(picture, {few, few})).status()),
            kImageDamaged);
}

TEST(DicomTest, LosslessJpegOfEveryWidthIsExact) {
  for (const int bits : {8, 10, 12, 16}) {
    const int most = (1 << bits) - 1;
    const std::vector<int> values = {0, most, 1, most / 2, 5, 6};
    const DicomPicture picture{.syntax = testing::kDicomJpegLossless,
                               .allocated = bits > 8 ? 16u : 8u,
                               .stored = static_cast<uint32_t>(bits)};
    const auto image = Decode(
        PackedDicomFile(picture, {testing::LosslessJpeg(bits, 3, values)}));
    ASSERT_TRUE(image.ok()) << image.status();
    EXPECT_THAT(SamplesOf(image), ElementsAre(0, most, 1, most / 2, 5, 6));
  }
}

TEST(DicomTest, FragmentsOfAFrameAreJoined) {
  const std::string jpeg = testing::LosslessJpeg(8, 3, {1, 2, 3, 4, 5, 6});
  const DicomPicture picture{.syntax = testing::kDicomJpegLossless};
  const size_t cut = jpeg.size() / 2 / 2 * 2;
  const std::string file =
      PackedDicomFile(picture, {jpeg.substr(0, cut), jpeg.substr(cut)});
  EXPECT_THAT(SamplesOf(Decode(file)), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(DicomTest, AScanTooManyIsRefused) {
  std::string jpeg = testing::LosslessJpeg(8, 3, {1, 2, 3, 4, 5, 6});
  const size_t scan = jpeg.find("\xff\xda");
  jpeg.insert(jpeg.size() - 2, jpeg.substr(scan, jpeg.size() - 2 - scan));
  const std::string file =
      PackedDicomFile({.syntax = testing::kDicomJpegLossless}, {jpeg});
  EXPECT_EQ(ReasonOf(Decode(file, {.max_scans = 1}).status()), kImageTooLarge);
}

std::string Deflated(const std::string& bytes) {
  std::string out(compressBound(bytes.size()), '\0');
  z_stream zlib = {};
  EXPECT_EQ(
      deflateInit2(&zlib, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY),
      Z_OK);
  std::string in = bytes;
  zlib.next_in = reinterpret_cast<Bytef*>(in.data());
  zlib.avail_in = static_cast<uInt>(in.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&zlib, Z_FINISH), Z_STREAM_END);
  out.resize(zlib.total_out);
  deflateEnd(&zlib);
  return out;
}

TEST(DicomTest, DeflatedFilesAreInflatedAsTheyAreRead) {
  const DicomPicture picture{.columns = 2000, .rows = 2000};
  const std::string pixels(4'000'000, '\x07');
  const std::string file = testing::DicomHead(testing::kDicomDeflated) +
                           Deflated(testing::DicomDataset(picture) +
                                    DicomElement(0x7fe00010, "OW", pixels));
  RopeSource source = SourceOf(file);
  auto decoder = Open(source);
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  EXPECT_LT((*decoder)->max_working_bytes(), 300'000);
  Image image = testing::MakeImage((*decoder)->spec());
  ASSERT_TRUE((*decoder)->ReadRows(image.view()).ok());
  EXPECT_EQ(image.view().As<uint8_t>().row(1999)[1999], 7);
  const auto cut = Decode(file.substr(0, file.size() / 2));
  EXPECT_EQ(ReasonOf(cut.status()), kImageDamaged) << cut.status();
}

TEST(DicomTest, WhatADeflatedFileBecomesBeforeItsPixelsIsLimited) {
  const DicomPicture picture{.columns = 2, .rows = 3};
  const std::string mebibyte(size_t{1} << 20, '\0');
  std::string many = testing::DicomDataset(picture);
  for (int i = 0; i < 65; ++i) many += DicomElement(0x00291001, "OB", mebibyte);
  const std::string one =
      DicomElement(0x00091001, "OB", std::string(size_t{65} << 20, '\0'));
  for (const std::string& dataset : {many, one}) {
    const std::string file =
        testing::DicomHead(testing::kDicomDeflated) +
        Deflated(dataset + DicomElement(0x7fe00010, "OB", SixBytes()));
    EXPECT_LT(file.size(), 200'000u);
    EXPECT_EQ(ReasonOf(Decode(file).status()), kImageTooLarge);
  }
}

TEST(DicomTest, ValuesThatAreReadAreLimitedTogether) {
  std::string times;
  while (times.size() < 60'000) times += "1\\";
  times += "1 ";
  std::string dataset = testing::DicomDataset({.columns = 2, .rows = 3});
  const std::string vector = DicomElement(0x00181065, "DS", times);
  for (int i = 0; i < 100; ++i) dataset += vector;
  const std::string file = testing::DicomHead(testing::kDicomExplicit) +
                           dataset + DicomElement(0x7fe00010, "OB", SixBytes());
  const DecodeLimits limits{.max_icc_bytes = 0};
  RopeSource source = SourceOf(file);
  EXPECT_EQ(ReasonOf(kDicomCodec.open(source, limits).status()),
            kImageTooLarge);
}

TEST(DicomTest, EveryTruncationIsDamage) {
  std::vector<std::string> files = {
      DicomFile(WithValues(), SixBytes()),
      PackedDicomFile({.syntax = testing::kDicomRle},
                      {testing::DicomRleFrame({SixBytes()})})};
  // The mark behind the last frame is what ends it.
  for (const std::string& file : files) {
    ASSERT_TRUE(Decode(file).ok());
    for (size_t size = 0; size < file.size(); ++size) {
      const auto image = Decode(file.substr(0, size));
      ASSERT_FALSE(image.ok()) << size << " of " << file.size();
      EXPECT_EQ(ReasonOf(image.status()), kImageDamaged) << image.status();
    }
  }
}

TEST(DicomTest, LimitsAreKeptOnTheHeader) {
  // Without pixels: only the header can have been looked at.
  const std::string head = DicomFile({.columns = 300, .rows = 200}, "");
  EXPECT_EQ(ReasonOf(Decode(head, {.max_pixels = 59'999}).status()),
            kImageTooLarge);
  EXPECT_EQ(ReasonOf(Decode(head, {.max_side = 299}).status()), kImageTooLarge);
  const std::string frames = DicomFile({.frames = 11}, "");
  EXPECT_EQ(ReasonOf(Decode(frames, {.max_frames = 10}).status()),
            kImageTooLarge);
  EXPECT_EQ(ReasonOf(Decode(frames, {.max_pixels_of_all_frames = 65}).status()),
            kImageTooLarge);
}

TEST(DicomTest, ClaimsThatTheFileCannotKeepAreRefused) {
  // Shorter than its frames need.
  EXPECT_EQ(ReasonOf(Decode(DicomFile({.frames = 2}, SixBytes())).status()),
            kImageDamaged);
  // Packed by its transfer syntax, and not.
  EXPECT_EQ(
      ReasonOf(Decode(DicomFile({.syntax = testing::kDicomRle}, SixBytes()))
                   .status()),
      kImageDamaged);
  // A value of 4 GB, and one of 900 KB in a short file.
  DicomPicture picture;
  picture.more =
      Bytes({0x28, 0, 1, 0x12}) + "OW" + Little16(0) + Little32(0xfffffffe);
  EXPECT_EQ(ReasonOf(Decode(DicomFile(picture, SixBytes())).status()),
            kImageTooLarge);
  picture.more =
      Bytes({0x28, 0, 1, 0x12}) + "OW" + Little16(0) + Little32(900'000);
  EXPECT_EQ(ReasonOf(Decode(DicomFile(picture, SixBytes())).status()),
            kImageDamaged);
  // Sequences within sequences.
  picture.more.clear();
  for (int i = 0; i < 100; ++i) {
    picture.more += Bytes({0x40, 0, 0x75, 0x02}) + "SQ" + Little16(0) +
                    Little32(0xffffffff) + Bytes({0xfe, 0xff, 0, 0xe0}) +
                    Little32(0xffffffff);
  }
  EXPECT_EQ(ReasonOf(Decode(DicomFile(picture, SixBytes())).status()),
            kImageTooLarge);
}

TEST(DicomTest, AFrameOfAnotherSizeIsRefusedBeforeItsLibrarySeesIt) {
  const Image image =
      testing::MakeGradient(testing::Spec(8, 8, 1, SampleType::kU8), 1);
  const std::string jpeg = testing::EncodeFile(kJpegCodec, image);
  DicomPicture picture{.syntax = testing::kDicomJpeg, .columns = 8, .rows = 8};
  EXPECT_TRUE(Decode(PackedDicomFile(picture, {jpeg})).ok());
  picture.rows = 9;
  const auto taller = Decode(PackedDicomFile(picture, {jpeg}));
  EXPECT_EQ(ReasonOf(taller.status()), kImageDamaged);
  EXPECT_THAT(std::string(taller.status().message()),
              HasSubstr("of another size"));
}

TEST(DicomTest, KindsThatAreNotReadAreNamed) {
  const auto refused = [](const DicomPicture& picture) {
    return std::string(
        Decode(DicomFile(picture, SixBytes())).status().message());
  };
  EXPECT_THAT(refused({.photometric = "CMYK"}), HasSubstr("CMYK"));
  EXPECT_THAT(refused({.syntax = "1.2.840.10008.1.2.4.100"}),
              HasSubstr("1.2.840.10008.1.2.4.100"));
  EXPECT_THAT(refused({.allocated = 12, .stored = 12}), HasSubstr("12 bits"));
}

TEST(DicomTest, NothingOfThePatientGoesOn) {
  DicomPicture picture = WithValues();
  picture.more += DicomElement(0x00282000, "OB", kDicomPatientName);
  std::string file = DicomFile(picture, SixBytes());
  file.replace(0, sizeof(kDicomPatientName) - 1, kDicomPatientName);
  ASSERT_NE(file.find(kDicomPatientName, 200), std::string::npos);
  RopeSource source = SourceOf(file);
  auto decoder = Open(source);
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  // Nor does a profile, of a grey picture.
  const ImageMetadata& metadata = (*decoder)->metadata();
  EXPECT_TRUE(metadata.icc_profile.empty());
  EXPECT_TRUE(metadata.volume_header.empty());
  Image image = testing::MakeImage((*decoder)->spec());
  ASSERT_TRUE((*decoder)->ReadRows(image.view()).ok());
  int written = 0;
  for (const Codec* const codec : AllCodecs()) {
    if (codec->create == nullptr || !codec->can_hold(image.spec()).ok()) {
      continue;
    }
    const std::string out =
        testing::EncodeFile(*codec, image,
                            {.icc_profile = metadata.icc_profile,
                             .volume_header = metadata.volume_header});
    EXPECT_NE(out, "");
    EXPECT_EQ(out.find("Mustermann"), std::string::npos) << codec->name;
    EXPECT_EQ(out.find("Erika"), std::string::npos) << codec->name;
    ++written;
  }
  EXPECT_GT(written, 5);
}

#else

TEST(DicomTest, IsKnownButNotReadWithoutItsLibraries) {
  const std::string file = DicomFile({}, Bytes({0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(FindCodec(std::as_bytes(std::span(file))), &kDicomCodec);
  EXPECT_EQ(kDicomCodec.open, nullptr);
}

#endif  // IMAGEADAPT_HAS_DICOM

}  // namespace
}  // namespace imageadapt
