#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_for_test.h"
#include "imageadapt/codecs/nifti_header.h"

namespace imageadapt {
namespace {

using testing::Bytes;
using testing::DecodeFile;
using testing::Difference;
using testing::EncodeFile;
using testing::MakeNoise;
using testing::SamplesOf;
using testing::Spec;

using Samples = std::vector<double>;

// The bytes of a number, in either order.
template <typename T>
std::string Number(T value, bool is_big_endian) {
  const auto bytes = std::bit_cast<std::array<char, sizeof(T)>>(value);
  std::string text(bytes.begin(), bytes.end());
  const bool is_native =
      is_big_endian == (std::endian::native == std::endian::big);
  return is_native ? text : std::string(text.rbegin(), text.rend());
}

// Header fields at the places that the standard gives them.
struct NiftiMaker {
  bool is_version_2 = false;
  bool is_big_endian = false;
  std::vector<int64_t> dim = {2, 2, 1};
  int16_t datatype = 2;
  double slope = 0;
  double inter = 0;
  double offset = 0;  // 0: where the standard has it
  std::string magic = {};

  template <typename T>
  void Put(std::string& file, size_t at, T value) const {
    file.replace(at, sizeof(T), Number(value, is_big_endian));
  }

  std::string Make(const std::string& samples) const {
    std::string file(is_version_2 ? 544 : 352, '\0');
    Put(file, 0, static_cast<int32_t>(file.size() - 4));
    const double begin =
        offset == 0 ? static_cast<double>(file.size()) : offset;
    for (size_t i = 0; i < dim.size(); ++i) {
      if (is_version_2) {
        Put(file, 16 + 8 * i, dim[i]);
      } else {
        Put(file, 40 + 2 * i, static_cast<int16_t>(dim[i]));
      }
    }
    if (is_version_2) {
      const std::string words("n+2\0\r\n\032\n", 8);
      file.replace(4, 8, magic.empty() ? words : magic);
      Put(file, 12, datatype);
      Put(file, 168, static_cast<int64_t>(begin));
      Put(file, 176, slope);
      Put(file, 184, inter);
    } else {
      file.replace(344, 3, magic.empty() ? "n+1" : magic);
      Put(file, 70, datatype);
      Put(file, 108, static_cast<float>(begin));
      Put(file, 112, static_cast<float>(slope));
      Put(file, 116, static_cast<float>(inter));
    }
    if (begin > static_cast<double>(file.size())) {
      file.resize(static_cast<size_t>(begin), 'e');
    }
    return file + samples;
  }
};

absl::StatusOr<Image> Decode(const std::string& file) {
  return DecodeFile(kNiftiCodec, file);
}

template <typename T>
void ExpectRead(int16_t datatype, T first, T second, const ImageSpec& spec,
                const Samples& expected) {
  for (const bool is_version_2 : {false, true}) {
    for (const bool is_big_endian : {false, true}) {
      const NiftiMaker maker{.is_version_2 = is_version_2,
                             .is_big_endian = is_big_endian,
                             .datatype = datatype};
      const auto image = Decode(maker.Make(Number(first, is_big_endian) +
                                           Number(second, is_big_endian)));
      ASSERT_TRUE(image.ok()) << image.status();
      EXPECT_EQ(image->spec(), spec) << datatype;
      EXPECT_EQ(SamplesOf(image), expected) << datatype;
    }
  }
}

TEST(NiftiTest, EveryTypeIsReadInBothVersionsAndOrders) {
  const ImageSpec bytes = Spec(2, 1, 1);
  const ImageSpec words = Spec(2, 1, 1, SampleType::kU16);
  const ImageSpec floats = Spec(2, 1, 1, SampleType::kF32);
  ExpectRead<uint8_t>(2, 7, 255, bytes, {7, 255});
  ExpectRead<uint16_t>(512, 7, 65535, words, {7, 65535});
  ExpectRead<float>(16, 1.5f, -2e30f, floats, {1.5, -2e30f});
  ExpectRead<int8_t>(256, -128, 127, floats, {-128, 127});
  ExpectRead<int16_t>(4, -32768, 32767, floats, {-32768, 32767});
  ExpectRead<int32_t>(8, -16777216, 16777217, floats, {-16777216, 16777216});
  ExpectRead<uint32_t>(768, 5, 4294967295, floats, {5, 4294967296});
  ExpectRead<int64_t>(1024, -3, 1 << 20, floats, {-3, 1 << 20});
  ExpectRead<uint64_t>(1280, 3, 1 << 20, floats, {3, 1 << 20});
  ExpectRead<double>(64, 0.1, -3, floats, {0.1f, -3});
}

TEST(NiftiTest, ColoursStayAndAreNeverScaled) {
  const auto rgb = Decode(
      NiftiMaker{.datatype = 128, .slope = 2, .inter = 1}.Make("abcdef"));
  ASSERT_TRUE(rgb.ok()) << rgb.status();
  EXPECT_EQ(rgb->spec(), Spec(2, 1, 3));
  EXPECT_EQ(SamplesOf(rgb), (Samples{'a', 'b', 'c', 'd', 'e', 'f'}));
  const auto rgba = Decode(NiftiMaker{.datatype = 2304}.Make("abcdefgh"));
  ASSERT_TRUE(rgba.ok()) << rgba.status();
  EXPECT_EQ(rgba->spec(), Spec(2, 1, 4));
}

TEST(NiftiTest, ScaledSamplesAreFloats) {
  const auto scaled = [](double slope, double inter) {
    return Decode(
        NiftiMaker{.slope = slope, .inter = inter}.Make(Bytes({10, 200})));
  };
  EXPECT_EQ(SamplesOf(scaled(0.5, -3)), (Samples{2, 97}));
  EXPECT_EQ(scaled(0.5, -3)->spec().sample_type, SampleType::kF32);
  EXPECT_EQ(SamplesOf(scaled(1, 2)), (Samples{12, 202}));
  // These are the standard's ways to say that nothing is scaled, and nibabel's.
  for (const double none : {0.0, std::nan(""), HUGE_VAL}) {
    EXPECT_EQ(scaled(none, 5)->spec().sample_type, SampleType::kU8);
    EXPECT_EQ(SamplesOf(scaled(none, 5)), (Samples{10, 200}));
  }
  EXPECT_EQ(scaled(1, 0)->spec().sample_type, SampleType::kU8);
  EXPECT_EQ(scaled(2, std::nan("")).status().message(),
            "the NIfTI file is damaged in its header: its scl_inter is not a "
            "number");
}

TEST(NiftiTest, FloatsComeBackBitByBit) {
  Image image = testing::MakeImage(Spec(4, 1, 1, SampleType::kF32));
  using Limits = std::numeric_limits<float>;
  const float values[] = {Limits::infinity(), Limits::quiet_NaN(), -0.0f,
                          Limits::denorm_min()};
  std::copy(std::begin(values), std::end(values),
            image.view().As<float>().row(0).begin());
  for (const Codec* codec : {&kNiftiCodec, &kNiftiGzipCodec}) {
    const auto back = DecodeFile(*codec, EncodeFile(*codec, image));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(Difference(back->view(), image.view()), "");
  }
}

uint32_t FramesOf(const std::string& file, ImageSpec* spec = nullptr) {
  RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
  const auto decoder = kNiftiCodec.open(source, {});
  EXPECT_TRUE(decoder.ok()) << decoder.status();
  if (!decoder.ok()) return 0;
  EXPECT_FALSE((*decoder)->metadata().frames.is_animation);
  if (spec != nullptr) *spec = (*decoder)->spec();
  return (*decoder)->metadata().frames.count;
}

TEST(NiftiTest, FurtherAxesAreFrames) {
  ImageSpec spec;
  EXPECT_EQ(FramesOf(NiftiMaker{.dim = {1, 5}}.Make(""), &spec), 1);
  EXPECT_EQ(spec, Spec(5, 1, 1));
  EXPECT_EQ(FramesOf(NiftiMaker{.dim = {3, 4, 3, 6}}.Make("")), 6);
  EXPECT_EQ(FramesOf(NiftiMaker{.dim = {7, 4, 3, 2, 3, 1, 2, 5}}.Make("")), 60);
  // Lengths behind the last axis say nothing.
  EXPECT_EQ(FramesOf(NiftiMaker{.dim = {2, 4, 3, 9, 0}}.Make("")), 1);
  // A matrix of CIFTI.
  EXPECT_EQ(FramesOf(NiftiMaker{.dim = {6, 1, 1, 1, 1, 8, 9}}.Make(""), &spec),
            1);
  EXPECT_EQ(spec, Spec(8, 9, 1));
}

TEST(NiftiTest, FramesComeInOrderAndTheFirstRowIsOnTop) {
  const std::string file = NiftiMaker{.dim = {3, 2, 2, 2}}.Make("abcdefgh");
  RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
  const auto decoder = kNiftiCodec.open(source, {});
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  Image image = testing::MakeImage((*decoder)->spec());
  ASSERT_TRUE((*decoder)->ReadRows(image.view()).ok());
  EXPECT_EQ(image.view().As<uint8_t>().row(0)[1], 'b');
  EXPECT_EQ(image.view().As<uint8_t>().row(1)[0], 'c');
  ASSERT_TRUE((*decoder)->NextFrame().ok());
  ASSERT_TRUE((*decoder)->ReadRows(image.view()).ok());
  EXPECT_EQ(image.view().As<uint8_t>().row(0)[0], 'e');
}

TEST(NiftiTest, ExtensionsAreReadOver) {
  EXPECT_EQ(SamplesOf(Decode(NiftiMaker{.offset = 1360}.Make("ab"))),
            (Samples{'a', 'b'}));
}

std::string Refused(const std::string& file, const char* reason,
                    const Codec& codec = kNiftiCodec) {
  const absl::Status status = DecodeFile(codec, file).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(ReasonOf(status), reason) << status;
  return std::string(status.message());
}

TEST(NiftiTest, DamageIsRefusedInWords) {
  const std::string header = "the NIfTI file is damaged in its header: ";
  EXPECT_EQ(Refused(NiftiMaker{.dim = {0, 1}}.Make(""), kImageDamaged),
            header + "it has not 1 to 7 axes");
  EXPECT_EQ(Refused(NiftiMaker{.dim = {8, 1}}.Make(""), kImageDamaged),
            header + "it has not 1 to 7 axes");
  EXPECT_EQ(Refused(NiftiMaker{.dim = {3, 2, 2, 0}}.Make(""), kImageDamaged),
            header + "an axis has no length");
  EXPECT_EQ(Refused(NiftiMaker{.dim = {3, 2, -2, 1}}.Make(""), kImageDamaged),
            header + "an axis has no length");
  for (const double offset : {100.0, 352.5, -1.0, std::nan("")}) {
    EXPECT_EQ(Refused(NiftiMaker{.offset = offset}.Make(""), kImageDamaged),
              header + "its vox_offset makes no sense");
  }
  EXPECT_EQ(Refused(NiftiMaker().Make("").substr(0, 300), kImageDamaged),
            header + "it ends too early");
  EXPECT_EQ(Refused(NiftiMaker{.dim = {2, 2, 2}}.Make("abc"), kImageDamaged),
            "the NIfTI file is damaged: reached row 1 of 2: it ends too early");
}

TEST(NiftiTest, OtherKindsAreNotSupportedAndSaySo) {
  EXPECT_EQ(
      Refused(NiftiMaker{.datatype = 32}.Make("12345678"), kUnknownFormat),
      "NIfTI files with samples of type 32 are not supported");
  EXPECT_EQ(Refused(NiftiMaker{.magic = "ni1"}.Make("ab"), kUnknownFormat),
            "NIfTI files with their voxels in a file of their own are not "
            "supported");
  EXPECT_EQ(Refused(NiftiMaker{.magic = "abc"}.Make("ab"), kUnknownFormat),
            "NIfTI files with a header that is not NIfTI's (ANALYZE) are not "
            "supported");
  const std::string gzip =
      Bytes({0x1f, 0x8b, 8, 0,    0,    0,   0,   0,   0,   255,
             1,    5,    0, 0xfa, 0xff, 'h', 'e', 'l', 'l', 'o'}) +
      testing::Little32(0x3610a686) + testing::Little32(5);
  EXPECT_EQ(Refused(gzip, kUnknownFormat, kNiftiGzipCodec),
            "gzip files with no NIfTI inside are not supported");
}

TEST(NiftiTest, SizesAreLimitedWhateverTheyMultiplyTo) {
  Refused(
      NiftiMaker{.dim = {7, 32767, 32767, 32767, 32767, 32767, 32767, 32767}}
          .Make(""),
      kImageTooLarge);
  Refused(NiftiMaker{.is_version_2 = true,
                     .dim = {7, 2, 2, int64_t{1} << 62, 1 << 30, 4, 4, 4}}
              .Make(""),
          kImageTooLarge);
  Refused(NiftiMaker{.is_version_2 = true,
                     .dim = {2, int64_t{1} << 62, int64_t{1} << 62}}
              .Make(""),
          kImageTooLarge);
  EXPECT_EQ(
      Refused(NiftiMaker{.is_version_2 = true, .offset = 1e8}.Make("").substr(
                  0, 1000),
              kImageTooLarge),
      "the NIfTI file has extensions of more than 33554432 bytes");
}

TEST(NiftiTest, SidesOverSixteenBitsMakeTheSecondVersion) {
  for (const uint32_t width : {32767u, 32768u, 65535u}) {
    const Image image = MakeNoise(Spec(width, 1, 1), 1);
    const std::string file = EncodeFile(kNiftiCodec, image);
    EXPECT_EQ(file.size(), width + (width > 32767 ? 544 : 352));
    const auto back = Decode(file);
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(Difference(back->view(), image.view()), "");
  }
}

TEST(NiftiTest, WhatCannotBeHeldIsSaid) {
  EXPECT_EQ(kNiftiCodec.can_hold(Spec(1, 1, 2)).message(),
            "NIfTI cannot hold grey and alpha");
  EXPECT_EQ(kNiftiCodec.can_hold(Spec(1, 1, 3, SampleType::kU16)).message(),
            "NIfTI holds colours of 8 bits only");
}

TEST(NiftiTest, DamageInGzipIsFoundByItsChecksum) {
  const Image image = MakeNoise(Spec(100, 50, 1), 3);
  const std::string file = EncodeFile(kNiftiGzipCodec, image);
  // Members follow each other.
  const auto twice = DecodeFile(kNiftiGzipCodec, file + file);
  ASSERT_TRUE(twice.ok()) << twice.status();
  ASSERT_TRUE(DecodeFile(kNiftiGzipCodec, file + Bytes({0, 0, 0, 7})).ok());
  std::string damaged = file;
  damaged[file.size() - 6] = static_cast<char>(damaged[file.size() - 6] ^ 1);
  EXPECT_EQ(Refused(damaged, kImageDamaged, kNiftiGzipCodec),
            "the NIfTI file is damaged: reached row 50 of 50: the checksum of "
            "its compressed data is wrong");
  EXPECT_EQ(
      Refused(file.substr(0, file.size() - 3), kImageDamaged, kNiftiGzipCodec),
      "the NIfTI file is damaged: reached row 50 of 50: its compressed "
      "data end too early");
}

TEST(NiftiTest, MembersOfGzipAreOneFile) {
  const Image image = MakeNoise(Spec(300, 200, 1, SampleType::kU16), 3);
  const std::string plain = EncodeFile(kNiftiCodec, image);
  // Stored blocks, cut within the header and within the rows.
  std::string file;
  for (size_t at = 0; at < plain.size(); at += 311) {
    const std::string piece = plain.substr(at, 311);
    // 0xffff - length: the other half of a stored block's head.
    const auto size = static_cast<int>(piece.size());
    const auto crc = [&] {
      uint32_t value = 0xffffffff;
      for (const char byte : piece) {
        value ^= static_cast<uint8_t>(byte);
        for (int bit = 0; bit < 8; ++bit) {
          value = value >> 1 ^ (value & 1) * 0xedb88320u;
        }
      }
      return ~value;
    }();
    file += Bytes({0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 255, 'n', 0, 1, size & 255,
                   size >> 8, ~size & 255, (~size >> 8) & 255}) +
            piece + testing::Little32(crc) +
            testing::Little32(static_cast<uint32_t>(size));
  }
  const auto back = DecodeFile(kNiftiGzipCodec, file);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(Difference(back->view(), image.view()), "");
}

// Where voxel (i, j, k) is in space, by the sform or the qform.
using Place = std::array<double, 3>;

Place BySform(const NiftiHeader& header, double i, double j, double k) {
  Place place;
  for (size_t c = 0; c < 3; ++c) {
    const auto& row = header.srow[c];
    place[c] = row[0] * i + row[1] * j + row[2] * k + row[3];
  }
  return place;
}

Place ByQform(const NiftiHeader& header, double i, double j, double k) {
  const auto [b, c, d] = header.quatern;
  const double a = std::sqrt(std::max(0.0, 1 - b * b - c * c - d * d));
  const double x = i * header.pixdim[1];
  const double y = j * header.pixdim[2];
  const double z = k * header.pixdim[3] * (header.pixdim[0] < 0 ? -1 : 1);
  return {(a * a + b * b - c * c - d * d) * x + 2 * (b * c - a * d) * y +
              2 * (b * d + a * c) * z + header.qoffset[0],
          2 * (b * c + a * d) * x + (a * a + c * c - b * b - d * d) * y +
              2 * (c * d - a * b) * z + header.qoffset[1],
          2 * (b * d - a * c) * x + 2 * (c * d + a * b) * y +
              (a * a + d * d - b * b - c * c) * z + header.qoffset[2]};
}

NiftiHeader AHeaderInSpace() {
  NiftiHeader header;
  header.dim = {3, 30, 20, 7, 1, 1, 1, 1};
  header.pixdim = {-1, 0.5, 2, 3, 1.5, 1, 1, 1};
  header.dim_info = 1 | 2 << 2 | 3 << 4;
  header.slice_code = 1;
  header.slice_end = 6;
  header.qform_code = 1;
  header.sform_code = 2;
  header.quatern = {0.1, -0.3, 0.5};
  header.qoffset = {10, -20, 30};
  header.srow = {{{0.5, 0.25, 0, 1}, {-1, 2, 0.5, 7}, {0, 0.125, 3, -90}}};
  std::copy_n("kept", 4, header.descrip.begin());
  return header;
}

TEST(NiftiTest, EveryTurnLeavesPixelsWhereTheyWereInSpace) {
  const NiftiHeader before = AHeaderInSpace();
  const ImageShape shape = {.width = 30, .height = 20, .channels = 1};
  for (const bool mirrored : {false, true}) {
    for (int turns = 0; turns < 4; ++turns) {
      const PixelMap map =
          PixelMapOf({.mirrored = mirrored, .quarter_turns = turns}, shape);
      NiftiHeader after = before;
      MoveNiftiPixels(after, map);
      for (const auto& [x, y, z] : {Place{0, 0, 0}, {3, 4, 5}, {11, 2, 1}}) {
        const double i = map.xx * x + map.xy * y + map.x0;
        const double j = map.yx * x + map.yy * y + map.y0;
        const Place by_sform = BySform(after, x, y, z);
        const Place by_qform = ByQform(after, x, y, z);
        for (size_t c = 0; c < 3; ++c) {
          EXPECT_NEAR(by_sform[c], BySform(before, i, j, z)[c], 1e-9);
          EXPECT_NEAR(by_qform[c], ByQform(before, i, j, z)[c], 1e-9);
        }
      }
      const bool is_across = turns % 2 == 1;
      EXPECT_NEAR(after.pixdim[1], is_across ? 2 : 0.5, 1e-12);
      EXPECT_NEAR(after.pixdim[2], is_across ? 0.5 : 2, 1e-12);
      EXPECT_EQ(after.dim_info, is_across ? 2 | 1 << 2 | 3 << 4 : 57);
      EXPECT_EQ(after.slice_code, 1);
    }
  }
}

TEST(NiftiTest, PixelsWhoseMapIsUnknownHaveNoPlaceInSpace) {
  NiftiHeader header = AHeaderInSpace();
  MoveNiftiPixels(header, std::nullopt);
  EXPECT_EQ(header.qform_code, 0);
  EXPECT_EQ(header.sform_code, 0);
  EXPECT_EQ(header.dim_info, 0);
  EXPECT_EQ(header.pixdim, (std::array<double, 8>{1, 1, 1, 3, 1.5, 1, 1, 1}));
  EXPECT_EQ(std::string(header.descrip.data()), "kept");
}

TEST(NiftiTest, ChangedSizesOfPixelsAreSaid) {
  NiftiHeader header = AHeaderInSpace();
  MoveNiftiPixels(header, PixelMap{.xx = 2, .x0 = 0.5, .yy = 0.5, .y0 = -0.25});
  EXPECT_NEAR(header.pixdim[1], 1, 1e-12);
  EXPECT_NEAR(header.pixdim[2], 1, 1e-12);
  const Place place = ByQform(header, 0, 0, 0);
  const Place expected = ByQform(AHeaderInSpace(), 0.5, -0.25, 0);
  for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(place[c], expected[c], 1e-9);
}

TEST(NiftiTest, TheHeaderOfTheInputIsKept) {
  for (const bool is_version_2 : {false, true}) {
    NiftiHeader kept = AHeaderInSpace();
    kept.is_version_2 = is_version_2;
    kept.dim = {5, 30, 20, 1, 1, 3, 1, 1};
    kept.intent_code = 1007;
    const std::vector<std::byte> bytes = NiftiHeaderBytes(kept);
    BufferPool pool;
    BufferSink sink(pool);
    const Image image = MakeNoise(Spec(8, 9, 1, SampleType::kF32), 1);
    auto encoder = kNiftiCodec.create(
        sink, image.spec(), {.volume_header = bytes, .frames = {.count = 3}});
    ASSERT_TRUE(encoder.ok()) << encoder.status();
    for (int i = 0; i < 3; ++i) {
      if (i > 0) {
        ASSERT_TRUE((*encoder)->NextFrame(image.spec(), {}).ok());
      }
      ASSERT_TRUE((*encoder)->WriteRows(image.view()).ok());
    }
    ASSERT_TRUE((*encoder)->Finish().ok());
    const std::vector<Buffer> blocks = sink.TakeBlocks();
    const std::string file = RopeOf(blocks).ToString();
    const auto header =
        ParseNiftiHeader(std::as_bytes(std::span(file)).first(kept.size()));
    ASSERT_TRUE(header.ok());
    EXPECT_EQ(header->dim, (std::array<int64_t, 8>{5, 8, 9, 1, 1, 3, 1, 1}));
    EXPECT_EQ(header->datatype, 16);
    EXPECT_EQ(header->bitpix, 32);
    EXPECT_EQ(header->scl_slope, 1);
    EXPECT_EQ(header->intent_code, 1007);
    EXPECT_EQ(header->srow, kept.srow);
    EXPECT_EQ(header->sform_code, 2);
    EXPECT_EQ(header->descrip, kept.descrip);
    EXPECT_EQ(FramesOf(file), 3);
  }
}

}  // namespace
}  // namespace imageadapt
