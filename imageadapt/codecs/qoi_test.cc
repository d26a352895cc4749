#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_for_test.h"

namespace imageadapt {
namespace {

using testing::Bytes;
using testing::DecodeFile;
using testing::Difference;
using testing::EncodeFile;
using testing::MakeConstant;
using testing::SamplesOf;
using testing::Spec;

using Samples = std::vector<double>;

std::string Qoi(int width, int height, int channels, const std::string& chunks,
                int space = 0) {
  return "qoif" + Bytes({0, 0, 0, width, 0, 0, 0, height, channels, space}) +
         chunks + Bytes({0, 0, 0, 0, 0, 0, 0, 1});
}

TEST(QoiTest, EveryChunkIsUnderstood) {
  // Black and opaque twice, RGB, a small step around the end of 8 bits, a
  // larger one, RGBA, and the third pixel again.
  const int place = (250 * 3 + 0 * 5 + 9 * 7 + 255 * 11) % 64;
  const std::string chunks = Bytes(
      {0xc1, 0xfe, 250, 0, 9, 0x40 | 3 << 4 | 0 << 2 | 2, 0x80 | (32 - 20),
       (8 + 3) << 4 | (8 - 8), 0xff, 1, 2, 3, 4, place});
  EXPECT_EQ(SamplesOf(DecodeFile(kQoiCodec, Qoi(7, 1, 4, chunks))),
            (Samples{0, 0,   0,   255, 0,   0,   0,   255, 250, 0,
                     9, 255, 251, 254, 9,   255, 234, 234, 237, 255,
                     1, 2,   3,   4,   250, 0,   9,   255}));
}

TEST(QoiTest, AlphaIsLeftOutOfRgb) {
  const std::string chunks = Bytes({0xff, 1, 2, 3, 4, 0xc0});
  EXPECT_EQ(SamplesOf(DecodeFile(kQoiCodec, Qoi(2, 1, 3, chunks, 1))),
            (Samples{1, 2, 3, 1, 2, 3}));
}

TEST(QoiTest, RunsGoOnInTheNextRow) {
  EXPECT_EQ(SamplesOf(DecodeFile(kQoiCodec, Qoi(1, 3, 3, Bytes({0xc2})))),
            Samples(9, 0));
}

TEST(QoiTest, ARunOfOneColourIsWrittenAsRuns) {
  const Image image = MakeConstant(Spec(100, 100, 3), 77);
  const std::string file = EncodeFile(kQoiCodec, image);
  // One pixel, and 9999 more, 62 a byte.
  EXPECT_EQ(file.size(), 14 + 4 + 162 + 8);
  const auto back = DecodeFile(kQoiCodec, file);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(Difference(back->view(), image.view()), "");
}

TEST(QoiTest, DamageIsRefusedInWords) {
  const auto refusal = [](const std::string& file) {
    const absl::Status status = DecodeFile(kQoiCodec, file).status();
    EXPECT_EQ(ReasonOf(status), kImageDamaged) << status;
    return std::string(status.message());
  };
  const std::string pixel = Bytes({0xc0});
  EXPECT_EQ(refusal(Qoi(0, 1, 3, pixel)),
            "the QOI file is damaged in its header: a side is 0");
  EXPECT_EQ(refusal(Qoi(1, 1, 5, pixel)),
            "the QOI file is damaged in its header: its channels are neither 3 "
            "nor 4");
  EXPECT_EQ(refusal(Qoi(1, 1, 3, pixel, 2)),
            "the QOI file is damaged in its header: its colour space does not "
            "exist");
  EXPECT_EQ(refusal(Qoi(1, 1, 3, Bytes({0xc1}))),
            "the QOI file is damaged: reached row 1 of 1: it has more pixels "
            "than it says");
  EXPECT_EQ(
      refusal(Qoi(1, 1, 3, pixel + pixel)),
      "the QOI file is damaged: reached row 1 of 1: it does not end after "
      "its last pixel");
  std::string no_end = Qoi(1, 1, 3, pixel);
  no_end.pop_back();
  EXPECT_EQ(refusal(no_end),
            "the QOI file is damaged: reached row 1 of 1: it ends too early");
}

TEST(QoiTest, GreyAndLongSamplesCannotBeHeld) {
  EXPECT_EQ(kQoiCodec.can_hold(Spec(1, 1, 1)).message(),
            "QOI cannot hold grey images, only RGB and RGBA");
  EXPECT_EQ(kQoiCodec.can_hold(Spec(1, 1, 3, SampleType::kU16)).message(),
            "QOI cannot hold u16 samples, only u8");
}

}  // namespace
}  // namespace imageadapt
