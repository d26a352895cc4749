#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_for_test.h"

namespace imageadapt {
namespace {

using testing::Bytes;
using testing::DecodeFile;
using testing::Difference;
using testing::EncodeFile;
using testing::Little32;
using testing::MakeImage;
using testing::SamplesOf;
using testing::Spec;

using Samples = std::vector<double>;

absl::StatusOr<Image> Decode(const std::string& file) {
  return DecodeFile(kPnmCodec, file);
}

bool Recognized(const std::string& file) {
  return kPnmCodec.recognizes(std::as_bytes(std::span(file)));
}

TEST(PnmTest, EveryIntegerKindIsRead) {
  EXPECT_EQ(SamplesOf(Decode("P1 3 2\n1 0 1\n011")),
            (Samples{0, 255, 0, 255, 0, 0}));
  EXPECT_EQ(SamplesOf(Decode("P2 3 1 255\n7 8 255")), (Samples{7, 8, 255}));
  EXPECT_EQ(SamplesOf(Decode("P3\n1 1\n255\n1 2 3\n")), (Samples{1, 2, 3}));
  EXPECT_EQ(SamplesOf(Decode("P4 9 1\n" + Bytes({0xa5, 0x80}))),
            (Samples{0, 255, 0, 255, 255, 0, 255, 0, 0}));
  EXPECT_EQ(SamplesOf(Decode("P5 2 1 255 " + Bytes({10, 200}))),
            (Samples{10, 200}));
  EXPECT_EQ(SamplesOf(Decode("P6 1 1 255\n" + Bytes({1, 2, 3}))),
            (Samples{1, 2, 3}));
  const auto words = Decode("P5 2 1 65535\n" + Bytes({0x12, 0x34, 0xff, 0xfe}));
  EXPECT_EQ(SamplesOf(words), (Samples{0x1234, 0xfffe}));
  EXPECT_EQ(words->spec(), Spec(2, 1, 1, SampleType::kU16));
}

TEST(PnmTest, CommentsStandAnywhereInAHeader) {
  EXPECT_EQ(
      SamplesOf(Decode("P2# grey\n # two\n2# wide\n 1\n#\n255#\n3 # 4\n5")),
      (Samples{3, 5}));
  // The end of a comment is the one byte of white space before the pixels.
  EXPECT_EQ(SamplesOf(Decode("P5 2 1 255# max\n" + Bytes({'#', 10}))),
            (Samples{'#', 10}));
}

// What is spread over full scale is the nearest there, and can be undone.
TEST(PnmTest, EveryMaximumIsSpreadOverFullScaleExactly) {
  for (const uint32_t maximum : {1u, 2u, 3u, 15u, 100u, 254u, 255u, 256u, 1023u,
                                 4095u, 40000u, 65534u, 65535u}) {
    std::string file = absl::StrCat("P2 ", maximum + 1, " 1 ", maximum, "\n");
    for (uint32_t value = 0; value <= maximum; ++value) {
      absl::StrAppend(&file, value, "\n");
    }
    const auto image = DecodeFile(kPnmCodec, file, {.max_side = 65536});
    ASSERT_TRUE(image.ok()) << image.status();
    const bool is_byte = maximum < 256;
    ASSERT_EQ(image->spec().sample_type,
              is_byte ? SampleType::kU8 : SampleType::kU16);
    const double full = is_byte ? 255 : 65535;
    const Samples samples = SamplesOf(image);
    for (uint32_t value = 0; value <= maximum; ++value) {
      ASSERT_EQ(samples[value], std::floor(value * full / maximum + 0.5))
          << value << " of " << maximum;
      ASSERT_EQ(std::lround(samples[value] * maximum / full), value);
    }
  }
}

TEST(PnmTest, RawSamplesAreSpreadToo) {
  EXPECT_EQ(SamplesOf(Decode("P5 3 1 3\n" + Bytes({0, 2, 3}))),
            (Samples{0, 170, 255}));
  EXPECT_EQ(SamplesOf(Decode("P5 2 1 1023\n" + Bytes({3, 0xff, 2, 0}))),
            (Samples{65535, 32800}));
}

std::string Pam(const std::string& depth, const std::string& maximum,
                const std::string& type, const std::string& pixels) {
  return "P7\n# a comment\nWIDTH 1\nHEIGHT 1\nDEPTH " + depth + "\nMAXVAL " +
         maximum + "\n\n" + type + "ENDHDR\n" + pixels;
}

TEST(PnmTest, PamSaysWhatItsChannelsAre) {
  EXPECT_EQ(
      SamplesOf(Decode(Pam("1", "1", "TUPLTYPE BLACKANDWHITE\n", Bytes({1})))),
      (Samples{255}));
  EXPECT_EQ(
      SamplesOf(Decode(Pam("2", "255", "TUPLTYPE GRAYSCALE_ALPHA\n", "ab"))),
      (Samples{'a', 'b'}));
  EXPECT_EQ(SamplesOf(Decode(Pam("3", "255", "TUPLTYPE RGB\n", "abc"))),
            (Samples{'a', 'b', 'c'}));
  EXPECT_EQ(SamplesOf(Decode(Pam("4", "65535", "TUPLTYPE RGB_ALPHA\n",
                                 Bytes({0, 1, 0, 2, 0, 3, 0, 4})))),
            (Samples{1, 2, 3, 4}));
  EXPECT_EQ(SamplesOf(Decode(Pam("4", "255", "", "abcd"))),
            (Samples{'a', 'b', 'c', 'd'}));
}

TEST(PnmTest, PamOfOtherTuplesIsNotSupported) {
  for (const auto& [depth, type] : {std::pair("4", "TUPLTYPE CMYK\n"),
                                    {"5", ""},
                                    {"1", "TUPLTYPE a b\n"}}) {
    const auto image = Decode(Pam(depth, "255", type, "abcde"));
    EXPECT_EQ(ReasonOf(image.status()), kUnknownFormat);
    EXPECT_EQ(
        image.status().message(),
        "PNM files with tuples other than grey and RGB are not supported");
  }
}

TEST(PnmTest, FloatsComeFromTheBottomInBothOrders) {
  const auto bits = [](float value) { return std::bit_cast<uint32_t>(value); };
  const std::string little = Little32(bits(1.5f)) + Little32(bits(-2.0f));
  EXPECT_EQ(SamplesOf(Decode("Pf\n1 2\n-1.0\n" + little)), (Samples{-2, 1.5}));
  const std::string big(little.rbegin(), little.rend());
  EXPECT_EQ(SamplesOf(Decode("Pf\n1 2\n2.5\n" + big)), (Samples{1.5, -2}));
  EXPECT_EQ(SamplesOf(Decode("PF 1 1 -1\n" + little + Little32(0))),
            (Samples{1.5, -2, 0}));
  EXPECT_EQ(SamplesOf(Decode("PF4 1 1 -1\n" + little + little)),
            (Samples{1.5, -2, 1.5, -2}));
}

TEST(PnmTest, EveryFloatComesBackBitByBit) {
  Image image = MakeImage(Spec(4, 2, 1, SampleType::kF32));
  const ImageView<float> view = image.view().As<float>();
  using Limits = std::numeric_limits<float>;
  const float values[2][4] = {
      {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(), -0.0f},
      {Limits::denorm_min(), Limits::max(), 1e-20f, 1}};
  for (uint32_t y = 0; y < 2; ++y) {
    std::copy(values[y], values[y] + 4, view.row(y).begin());
  }
  const auto back = Decode(EncodeFile(kPnmCodec, image));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(Difference(back->view(), image.view()), "");
}

TEST(PnmTest, EachSpecIsWrittenAsItsKind) {
  const auto magic = [](uint32_t channels, SampleType type) {
    const Image image = testing::MakeNoise(Spec(2, 2, channels, type), 1);
    const std::string file = EncodeFile(kPnmCodec, image);
    return file.substr(0, file.find('\n'));
  };
  EXPECT_EQ(magic(1, SampleType::kU8), "P5");
  EXPECT_EQ(magic(3, SampleType::kU16), "P6");
  EXPECT_EQ(magic(2, SampleType::kU8), "P7");
  EXPECT_EQ(magic(4, SampleType::kU16), "P7");
  EXPECT_EQ(magic(1, SampleType::kF32), "Pf");
  EXPECT_EQ(magic(3, SampleType::kF32), "PF");
  EXPECT_EQ(magic(4, SampleType::kF32), "PF4");
  EXPECT_EQ(kPnmCodec.can_hold(Spec(1, 1, 2, SampleType::kF32)).message(),
            "PFM cannot hold grey and alpha");
}

TEST(PnmTest, DamageIsRefusedInWords) {
  const auto refusal = [](const std::string& file) {
    const absl::Status status = Decode(file).status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
    EXPECT_EQ(ReasonOf(status), kImageDamaged) << status;
    return std::string(status.message());
  };
  const std::string header = "the PNM file is damaged in its header: ";
  EXPECT_EQ(refusal("P5 0 1 255\n"), header + "a side is 0");
  EXPECT_EQ(refusal("P5 -1 1 255\n"),
            header + "its width and height are not numbers");
  EXPECT_EQ(refusal("P5 1 1 0\n "),
            header + "its maximum is not one of 1 to 65535");
  EXPECT_EQ(refusal("P5 1 1 65536\n "),
            header + "its maximum is not one of 1 to 65535");
  EXPECT_EQ(refusal("P5 1 1"), header + "its maximum is not a number");
  EXPECT_EQ(refusal("PF 1 1 0\n "),
            header + "its scale is not a number other than 0");
  EXPECT_EQ(refusal("PF 1 1 nan\n "),
            header + "its scale is not a number other than 0");
  EXPECT_EQ(refusal("P7\nWIDTH 1\n"), header + "its header has no end");
  EXPECT_EQ(refusal("P7\nWIDHT 1\n"),
            header + "a line of it is not understood");
  EXPECT_EQ(refusal(Pam("3", "255", "TUPLTYPE GRAYSCALE\n", "a")),
            header + "its DEPTH is not that of its TUPLTYPE");
  EXPECT_EQ(refusal("P7\n" + std::string(5000, 'a')),
            header + "its header has no end");
  EXPECT_EQ(refusal("P5 " + std::string(5000, '1') + " 1 255\n"),
            header + "its width and height are not numbers");
  EXPECT_EQ(refusal("P5 1 2 255\na"),
            "the PNM file is damaged: reached row 1 of 2: it ends too early");
  EXPECT_EQ(refusal("Pf 1 2 -1\nabcdefg"),
            "the PNM file is damaged: reached row 1 of 2: it ends too early");
  EXPECT_EQ(refusal("P2 1 1 7\n8"),
            "the PNM file is damaged: reached row 0 of 1: a sample is over the "
            "file's maximum");
  EXPECT_EQ(refusal("P5 1 1 7\n" + Bytes({8})),
            "the PNM file is damaged: reached row 0 of 1: a sample is over the "
            "file's maximum");
  EXPECT_EQ(refusal("P2 1 1 7\nx"),
            "the PNM file is damaged: reached row 0 of 1: a sample is not a "
            "number");
  EXPECT_EQ(refusal("P1 1 1\n2"),
            "the PNM file is damaged: reached row 0 of 1: a digit is neither 0 "
            "nor 1");
}

TEST(PnmTest, SidesThatDoNotFitAnIntegerAreTooLarge) {
  const auto image = Decode("P5 18446744073709551617 1 255\n");
  EXPECT_EQ(ReasonOf(image.status()), kImageTooLarge) << image.status();
}

TEST(PnmTest, WordsThatBeginAlikeAreNotTaken) {
  EXPECT_TRUE(Recognized("P5 1 1 255\n"));
  EXPECT_TRUE(Recognized("P1#x"));
  EXPECT_TRUE(Recognized("P7\nWIDTH"));
  EXPECT_TRUE(Recognized("PF4\n1"));
  EXPECT_FALSE(Recognized("P5"));
  EXPECT_FALSE(Recognized("P5 is a lens"));
  EXPECT_FALSE(Recognized("PF is a word"));
  EXPECT_FALSE(Recognized("P7 332"));
  EXPECT_FALSE(Recognized("P8 1 1"));
  EXPECT_FALSE(Recognized("PK\x03\x04"));
}

}  // namespace
}  // namespace imageadapt
