#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/service/image_processing.h"
#include "imageadapt/service/legacy_images.h"
#include "imageadapt/service/legacy_payload.h"
#include "imageadapt/service/server_info.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using Form = LegacyPayload::Form;
using testing::Spec;

ByteRope RopeOfText(const std::string& text) {
  return ByteRope(std::as_bytes(std::span(text)));
}

std::string FileOf(const Image& image, const char* mime_type,
                   const EncodeOptions& options = {}) {
  BufferPool pool;
  BufferSink sink(pool);
  auto encoder =
      FindCodecByMimeType(mime_type)->create(sink, image.spec(), options);
  EXPECT_TRUE((*encoder)->WriteRows(image.view()).ok());
  EXPECT_TRUE((*encoder)->Finish().ok());
  const auto blocks = sink.TakeBlocks();
  return RopeOf(blocks).ToString();
}

std::string Png(uint32_t width, uint32_t height) {
  return FileOf(testing::MakeGradient(Spec(width, height, 3), 1), "image/png");
}

std::string Jpeg(uint32_t width, uint32_t height) {
  return FileOf(testing::MakeGradient(Spec(width, height, 3), 1), "image/jpeg");
}

struct PayloadCase {
  const char* name;
  bool color;
  int32_t width;
  int32_t height;
  std::optional<int32_t> channels;
  std::string data;
  // Nothing: refused.
  std::optional<Form> form;
  // For raw samples: kept and stored.
  uint32_t kept = 0;
  uint32_t stored = 0;
};

TEST(LegacyPayloadTest, EveryFormIsRecognized) {
  const std::string png = Png(20, 10);
  const std::string jpeg = Jpeg(20, 10);
  // A JPEG's first bytes as pixels: 3 x n bytes that begin ff d8 ff.
  std::string white = std::string(27, '\xff');
  white[1] = '\xd8';
  const auto size = [](const std::string& s) {
    return static_cast<int32_t>(s.size());
  };
  const std::string base64 = absl::Base64Escape(png);
  std::string broken_lines;
  for (size_t at = 0; at < base64.size(); at += 20) {
    broken_lines += base64.substr(at, 20) + "\r\n";
  }
  const PayloadCase kCases[] = {
      {"grey", false, 3, 2, {}, std::string(6, 'g'), Form::kRaw, 1, 1},
      {"colour", true, 3, 2, {}, std::string(18, 'c'), Form::kRaw, 3, 3},
      {"channels beat colour", false, 3, 2, 4, std::string(24, 'c'), Form::kRaw,
       4, 4},
      {"channels 1 beat colour", true, 3, 2, 1, std::string(6, 'c'), Form::kRaw,
       1, 1},
      {"channels 0 are absent", true, 3, 2, 0, std::string(18, 'c'), Form::kRaw,
       3, 3},
      {"a fourth byte", true, 3, 2, {}, std::string(24, 'c'), Form::kRaw, 3, 4},
      {"no fourth byte for grey", false, 3, 2, {}, std::string(24, 'c'), {}},
      {"pixels that begin as a JPEG", true, 3, 3, {}, white, Form::kRaw, 3, 3},
      {"PNG with its true size", true, 20, 10, {}, png, Form::kFile},
      {"PNG without size", false, 0, 0, {}, png, Form::kFile},
      {"PNG with a wrong size", true, 7, 7, {}, png, Form::kFile},
      {"PNG with a negative size", true, -1, -1, {}, png, Form::kFile},
      {"PNG that could be raw of another size",
       false,
       size(png),
       1,
       {},
       png,
       Form::kRaw,
       1,
       1},
      {"PNG with channels that no image has", true, 20, 10, 9, png,
       Form::kFile},
      {"JPEG", false, 20, 10, {}, jpeg, Form::kFile},
      {"base64", false, 0, 0, {}, base64, Form::kBase64File},
      {"base64 in lines", false, 0, 0, {}, broken_lines, Form::kBase64File},
      {"base64 of a JPEG",
       true,
       20,
       10,
       {},
       absl::Base64Escape(jpeg),
       Form::kBase64File},
      {"base64 of text",
       false,
       0,
       0,
       {},
       absl::Base64Escape("hello world!"),
       {}},
      {"empty", true, 3, 2, {}, "", {}},
      {"empty without size", false, 0, 0, {}, "", {}},
      {"one byte short", true, 3, 2, {}, std::string(17, 'c'), {}},
      {"one byte long", true, 3, 2, {}, std::string(19, 'c'), {}},
      {"negative", true, -3, -2, {}, std::string(18, 'c'), {}},
      {"one side negative", false, -3, 2, {}, std::string(6, 'c'), {}},
      {"product of huge sides wraps to 0",
       true,
       1 << 30,
       1 << 30,
       {},
       std::string(4, 'c'),
       {}},
      {"largest sides",
       true,
       2147483647,
       2147483647,
       4,
       std::string(4, 'c'),
       {}},
      {"sixteen bits", false, 3, 2, {}, std::string(12, 'c'), {}},
      {"channels 5", true, 3, 2, 5, std::string(30, 'c'), {}},
      {"negative channels", true, 3, 2, -1, std::string(18, 'c'), {}},
      {"half a signature", false, 0, 0, {}, png.substr(0, 5), {}},
  };
  for (const PayloadCase& each : kCases) {
    const auto payload = RecognizePayload({.color = each.color,
                                           .data = RopeOfText(each.data),
                                           .width = each.width,
                                           .height = each.height,
                                           .channels = each.channels});
    if (!each.form.has_value()) {
      EXPECT_TRUE(absl::IsInvalidArgument(payload.status())) << each.name;
      EXPECT_EQ(FieldOf(payload.status()), "data") << each.name;
      continue;
    }
    ASSERT_TRUE(payload.ok()) << each.name << ": " << payload.status();
    EXPECT_EQ(payload->form, *each.form) << each.name;
    if (payload->form != Form::kRaw) continue;
    EXPECT_EQ(payload->layout.spec.shape.channels, each.kept) << each.name;
    EXPECT_EQ(payload->layout.stored_channels, each.stored) << each.name;
  }
}

TEST(LegacyPayloadTest, TheFormDoesNotDependOnCutsOfTheMessage) {
  const std::string png = Png(20, 10);
  for (size_t cut = 0; cut < 40; ++cut) {
    ByteRope rope(std::as_bytes(std::span(png)).first(cut));
    rope.Append(std::as_bytes(std::span(png)).subspan(cut));
    const auto payload = RecognizePayload({.color = false,
                                           .data = rope,
                                           .width = 20,
                                           .height = 10,
                                           .channels = {}});
    EXPECT_EQ(payload->form, Form::kFile);
  }
}

TEST(LegacyPayloadTest, TheRefusalSaysWhatWasExpectedAndWhatCame) {
  const std::string data(17, 'x');
  const auto payload = RecognizePayload({.color = true,
                                         .data = RopeOfText(data),
                                         .width = 3,
                                         .height = 2,
                                         .channels = {}});
  const std::string text(payload.status().message());
  for (const char* part : {"width 3", "height 2", "18 bytes", "17 bytes"}) {
    EXPECT_TRUE(absl::StrContains(text, part)) << text;
  }
}

class ServiceTest : public ::testing::Test {
 protected:
  LegacyImage FileImage(const std::string& file) {
    return {.color = false,
            .data = RopeOfText(file),
            .width = 0,
            .height = 0,
            .channels = {}};
  }

  // The samples of an answer that is a file.
  Image Decoded(const std::vector<Buffer>& blocks) {
    const ByteRope rope = RopeOf(blocks);
    auto pipeline = Pipeline::OpenFile(rope, {}, {}, work_);
    EXPECT_TRUE(pipeline.ok()) << pipeline.status();
    return *(*pipeline)->RunToImage(work_);
  }

  static bool IsJpeg(const std::vector<Buffer>& blocks) {
    const ByteRope rope = RopeOf(blocks);
    return RecognizeFile(rope)->mime_type == "image/jpeg";
  }

  WorkerPool workers_{2};
  BufferPool buffers_;
  MemoryBudget budget_{uint64_t{1} << 30};
  MemoryBudget::Reservation memory_ = *budget_.TryReserve(0);
  CallContext call_;
  Workspace work_{.call = call_,
                  .workers = workers_,
                  .buffers = buffers_,
                  .memory = memory_};
  LegacyImages legacy_{DecodeLimits{}, std::numeric_limits<uint64_t>::max()};
};

constexpr uint64_t kClientLimit = uint64_t{4} << 20;

TEST_F(ServiceTest, RawIsAnsweredInTheSameLayout) {
  const std::string data = "abcdef";
  const auto answer = legacy_.Rotate({.color = false,
                                      .data = RopeOfText(data),
                                      .width = 3,
                                      .height = 2,
                                      .channels = 1},
                                     1, work_);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(RopeOf(answer->data).ToString(), "cfbead");
  EXPECT_EQ(answer->width, 2);
  EXPECT_EQ(answer->height, 3);
  EXPECT_FALSE(answer->color);
  EXPECT_EQ(answer->channels, 1);
}

TEST_F(ServiceTest, RotationsAreNumbersOrDegrees) {
  const std::string data = "ab";
  const LegacyImage image{.color = false,
                          .data = RopeOfText(data),
                          .width = 2,
                          .height = 1,
                          .channels = {}};
  for (const auto& [number, degrees] : {std::pair{1, 90}, {2, 180}, {3, 270}}) {
    const auto a = legacy_.Rotate(image, number, work_);
    const auto b = legacy_.Rotate(image, degrees, work_);
    EXPECT_EQ(RopeOf(a->data).ToString(), RopeOf(b->data).ToString());
    EXPECT_EQ(a->width, b->width);
  }
  for (const int64_t number : {-1, 4, 89, 360, 2147483647}) {
    const auto answer = legacy_.Rotate(image, number, work_);
    EXPECT_EQ(FieldOf(answer.status()), "rotation") << number;
  }
}

TEST_F(ServiceTest, MeanTruncates) {
  const std::string data("\x00\x01\x01\x03", 4);
  const auto answer = legacy_.MeanFilter({.color = false,
                                          .data = RopeOfText(data),
                                          .width = 4,
                                          .height = 1,
                                          .channels = {}},
                                         work_);
  // (0+1)/2, (0+1+1)/3, (1+1+3)/3, (1+3)/2
  EXPECT_EQ(RopeOf(answer->data).ToString(), std::string("\0\0\1\2", 4));
}

TEST_F(ServiceTest, AFileIsAnsweredAsAnExactPng) {
  const std::string file = Jpeg(50, 30);
  const auto answer = legacy_.Rotate(FileImage(file), 1, work_);
  ASSERT_TRUE(answer.ok());
  EXPECT_FALSE(IsJpeg(answer->data));
  EXPECT_EQ(answer->width, 30);
  EXPECT_EQ(answer->height, 50);
  EXPECT_TRUE(answer->color);
  EXPECT_EQ(answer->channels, std::nullopt);
}

TEST_F(ServiceTest, ALargeJpegIsTurnedWithoutLoss) {
  const Image noise = testing::MakeNoise(Spec(1600, 1200, 3), 1);
  const std::string file = FileOf(noise, "image/jpeg");
  ASSERT_LT(file.size(), kClientLimit);
  const auto answer = legacy_.Rotate(FileImage(file), 2, work_);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(IsJpeg(answer->data));
  const auto back = legacy_.Rotate({.color = true,
                                    .data = RopeOf(answer->data),
                                    .width = 0,
                                    .height = 0,
                                    .channels = {}},
                                   2, work_);
  ASSERT_TRUE(back.ok());
  const std::string again = RopeOf(back->data).ToString();
  EXPECT_EQ(testing::Difference(
                Decoded(back->data).view(),
                (*(*Pipeline::OpenFile(RopeOfText(file), {}, {}, work_))
                      ->RunToImage(work_))
                    .view()),
            "");
}

TEST_F(ServiceTest, AJpegTooLargeForAnyClientLimitKeepsAllItHas) {
  const Image noise = testing::MakeNoise(Spec(3200, 3200, 3), 1);
  const std::string file = FileOf(noise, "image/jpeg");
  ASSERT_GT(file.size(), 2 * kClientLimit);
  const auto answer = legacy_.Rotate(FileImage(file), 2, work_);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(IsJpeg(answer->data));
  const Image expected = Decoded(
      legacy_.Rotate(FileImage(RopeOf(answer->data).ToString()), 2, work_)
          ->data);
  EXPECT_EQ(testing::Difference(
                expected.view(),
                (*(*Pipeline::OpenFile(RopeOfText(file), {}, {}, work_))
                      ->RunToImage(work_))
                    .view()),
            "");
}

TEST_F(ServiceTest, WhatNeedsMoreMemoryIsLeftOut) {
  // Room for the pixels and one encoder, not for the turn without loss.
  const Image noise = testing::MakeNoise(Spec(1600, 1600, 3), 1);
  const std::string file = FileOf(noise, "image/jpeg", {.quality = 80});
  MemoryBudget small(uint64_t{24} << 20);
  MemoryBudget::Reservation memory = *small.TryReserve(0);
  const Workspace work{.call = call_,
                       .workers = workers_,
                       .buffers = buffers_,
                       .memory = memory};
  const auto answer = legacy_.Rotate(FileImage(file), 2, work);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(IsJpeg(answer->data));
  // Finer than the file, so not its own coefficients.
  EXPECT_GT(RopeOf(answer->data).size(), file.size() * 5 / 4);
}

TEST_F(ServiceTest, PassingShortageMakesNoAnswerLossy) {
  // Room for all of it, but another call holds some.
  const Image noise = testing::MakeNoise(Spec(1600, 1600, 3), 1);
  const std::string file = FileOf(noise, "image/jpeg", {.quality = 80});
  MemoryBudget budget(uint64_t{96} << 20);
  const auto other = budget.TryReserve(uint64_t{72} << 20);
  MemoryBudget::Reservation memory = *budget.TryReserve(0);
  const Workspace work{.call = call_,
                       .workers = workers_,
                       .buffers = buffers_,
                       .memory = memory};
  const auto legacy = legacy_.Rotate(FileImage(file), 2, work);
  EXPECT_EQ(ReasonOf(legacy.status()), kServerBusy) << legacy.status();
  memory.Shrink(0);
  OperationSpecs turn;
  turn.Add()->mutable_rotate()->set_angle_degrees(180);
  const ImageProcessing processing({}, uint64_t{1} << 30);
  const auto modern = processing.Process(RopeOfText(file), turn, {}, work);
  EXPECT_EQ(ReasonOf(modern.status()), kServerBusy) << modern.status();
}

TEST_F(ServiceTest, AnswersNeverGrowOverTheMessageLimit) {
  const LegacyImages strict(DecodeLimits{}, 1000);
  const auto answer = strict.MeanFilter(FileImage(Png(60, 60)), work_);
  EXPECT_EQ(ReasonOf(answer.status()), kImageTooLarge);
}

TEST_F(ServiceTest, ALargeFilteredJpegStaysJpegAndFits) {
  const Image noise = testing::MakeNoise(Spec(2000, 1500, 3), 1);
  const std::string file = FileOf(noise, "image/jpeg", {.quality = 60});
  const auto answer = legacy_.MeanFilter(FileImage(file), work_);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_TRUE(IsJpeg(answer->data));
  EXPECT_LE(RopeOf(answer->data).size() + 64, kClientLimit);
}

TEST_F(ServiceTest, ALargePngStaysPngAndIsCompressedHarder) {
  const Image noise = testing::MakeNoise(Spec(1300, 1100, 3), 1);
  const std::string file = FileOf(noise, "image/png");
  const auto answer = legacy_.Rotate(FileImage(file), 2, work_);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_FALSE(IsJpeg(answer->data));
  const auto fast =
      FileOf(noise, "image/png", {.effort = EncodeOptions::Effort::kFast});
  EXPECT_LE(RopeOf(answer->data).size(), fast.size());
}

TEST_F(ServiceTest, Base64IsAnsweredAsBase64) {
  const std::string text = absl::Base64Escape(Png(20, 10));
  const auto answer = legacy_.MeanFilter(FileImage(text), work_);
  ASSERT_TRUE(answer.ok()) << answer.status();
  std::string file;
  ASSERT_TRUE(absl::Base64Unescape(RopeOf(answer->data).ToString(), &file));
  EXPECT_NE(RecognizeFile(RopeOfText(file)), nullptr);
  EXPECT_EQ(answer->width, 20);
}

TEST_F(ServiceTest, Base64ThatEndsBadlyIsRefused) {
  std::string text = absl::Base64Escape(Png(20, 10));
  text += "****";
  EXPECT_EQ(FieldOf(legacy_.MeanFilter(FileImage(text), work_).status()),
            "data");
}

TEST_F(ServiceTest, MedianKernelsAreOdd) {
  const std::string data = "ab";
  const LegacyImage image{.color = false,
                          .data = RopeOfText(data),
                          .width = 2,
                          .height = 1,
                          .channels = {}};
  for (const int32_t kernel : {-3, 0, 2, 256, 257}) {
    EXPECT_EQ(FieldOf(legacy_.MedianFilter(image, kernel, work_).status()),
              "kernel");
  }
  EXPECT_TRUE(legacy_.MedianFilter(image, 255, work_).ok());
}

TEST_F(ServiceTest, MemoryOfAFailedTryIsGivenBack) {
  const std::string file = Jpeg(400, 300);
  const auto cut = file.substr(0, file.size() / 2);
  const uint64_t before = budget_.used();
  EXPECT_FALSE(legacy_.MeanFilter(FileImage(cut), work_).ok());
  memory_.Shrink(0);
  EXPECT_EQ(budget_.used(), before);
}

class ImageProcessingTest : public ServiceTest {
 protected:
  ImageProcessing processing_{DecodeLimits{}, uint64_t{1} << 30};
};

TEST_F(ImageProcessingTest, KeepsTheFormatUnlessAnotherIsNamed) {
  const std::string file = Jpeg(20, 10);
  auto same = processing_.Process(RopeOfText(file), {}, {}, work_);
  ASSERT_TRUE(same.ok()) << same.status();
  EXPECT_EQ(same->mime_type, "image/jpeg");
  auto png = processing_.Process(RopeOfText(file), {},
                                 {.mime_type = "image/png"}, work_);
  ASSERT_TRUE(png.ok());
  EXPECT_EQ(png->mime_type, "image/png");
  EXPECT_EQ(png->shape, (ImageShape{20, 10, 3}));
  EXPECT_FALSE(IsJpeg(png->file));
}

TEST_F(ImageProcessingTest, CropsOfJpegsThatStartWithABlockLoseNothing) {
  const Image noise = testing::MakeNoise(Spec(64, 48, 1), 1);
  const std::string file = FileOf(noise, "image/jpeg");
  const auto run = [&](uint32_t x, uint32_t y, uint32_t width,
                       absl::string_view type) {
    OperationSpecs operations;
    v1::Crop& crop = *operations.Add()->mutable_crop();
    crop.set_x(x);
    crop.set_y(y);
    crop.set_width(width);
    crop.set_height(13);
    operations.Add()->mutable_flip()->set_axis(v1::Flip::AXIS_VERTICAL);
    operations.Add()->mutable_flip()->set_axis(v1::Flip::AXIS_VERTICAL);
    auto result = processing_.Process(RopeOfText(file), operations,
                                      {.mime_type = std::string(type)}, work_);
    EXPECT_TRUE(result.ok()) << result.status();
    return Decoded(result->file);
  };
  for (const uint32_t x : {0u, 8u, 40u}) {
    EXPECT_EQ(testing::Difference(run(x, 16, 21, "image/jpeg").view(),
                                  run(x, 16, 21, "image/png").view()),
              "")
        << x;
  }
  // What starts within a block is coded anew, as exactly as that goes.
  const Image pixels = run(3, 16, 21, "image/png");
  const Image coded = run(3, 16, 21, "image/jpeg");
  EXPECT_EQ(coded.spec(), pixels.spec());
  EXPECT_NE(testing::Difference(coded.view(), pixels.view()), "");
}

TEST_F(ImageProcessingTest, SlicesOfAVolumeAllTurnAndKeepTheirHeader) {
  // NIfTI-1: 3 x 2 voxels of u8 in 4 slices, with an sform.
  std::string file(352, '\0');
  const auto put = [&](size_t at, const auto& value) {
    std::memcpy(&file[at], &value, sizeof(value));
  };
  put(0, int32_t{348});
  const int16_t dim[] = {3, 3, 2, 4};
  put(40, dim);
  put(70, int16_t{2});
  put(108, 352.0f);
  file.replace(148, 4, "kept");
  put(254, int16_t{1});
  const float rows[3][4] = {{2, 0, 0, 10}, {0, 3, 0, 20}, {0, 0, 4, 30}};
  put(280, rows);
  file.replace(344, 3, "n+1");
  for (char sample = 0; sample < 24; ++sample) file.push_back(sample);

  OperationSpecs turn;
  turn.Add()->mutable_rotate()->set_angle_degrees(90);
  const auto result = processing_.Process(RopeOfText(file), turn, {}, work_);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->frames, 4);
  const std::string turned = RopeOf(result->file).ToString();
  ASSERT_EQ(turned.size(), file.size());
  EXPECT_EQ(turned.substr(148, 4), "kept");
  int16_t turned_dim[4];
  std::memcpy(turned_dim, &turned[40], sizeof(turned_dim));
  EXPECT_THAT(turned_dim, ::testing::ElementsAre(3, 2, 3, 4));
  EXPECT_EQ(turned.substr(352, 6), std::string("\2\5\1\4\0\3", 6));
  // Its first pixel was the third of the first row.
  float turned_rows[3][4];
  std::memcpy(turned_rows, &turned[280], sizeof(turned_rows));
  EXPECT_THAT(turned_rows[0], ::testing::ElementsAre(0, -2, 0, 14));
  EXPECT_THAT(turned_rows[1], ::testing::ElementsAre(3, 0, 0, 20));
  EXPECT_THAT(turned_rows[2], ::testing::ElementsAre(0, 0, 4, 30));

  const auto png = processing_.Process(RopeOfText(file), turn,
                                       {.mime_type = "image/png"}, work_);
  ASSERT_TRUE(png.ok()) << png.status();
  EXPECT_EQ(png->frames, 1);
}

TEST_F(ImageProcessingTest, NamesTheFieldThatIsWrong) {
  const std::string file = Png(20, 10);
  const auto field = [&](const std::string& image, const OutputFormat& output,
                         int operations) {
    OperationSpecs list;
    for (int i = 0; i < operations; ++i) {
      list.Add()->mutable_mean_filter()->set_kernel_width(3);
    }
    return FieldOf(
        processing_.Process(RopeOfText(image), list, output, work_).status());
  };
  EXPECT_EQ(field("", {}, 0), "image");
  EXPECT_EQ(field(file, {.mime_type = "image/x"}, 0), "output.mime_type");
  EXPECT_EQ(field(file, {.mime_type = "", .quality = 101}, 0),
            "output.quality");
  EXPECT_EQ(field(file, {}, 17), "operations");
  const std::string alpha =
      FileOf(testing::MakeGradient(Spec(5, 5, 4), 1), "image/png");
  EXPECT_EQ(field(alpha, {.mime_type = "image/jpeg"}, 0), "output.mime_type");
}

TEST_F(ImageProcessingTest, AnswersNeverGrowOverTheMessageLimit) {
  const ImageProcessing small(DecodeLimits{}, 1000);
  const std::string file =
      FileOf(testing::MakeNoise(Spec(100, 100, 3), 1), "image/png");
  const auto result = small.Process(RopeOfText(file), {}, {}, work_);
  EXPECT_EQ(ReasonOf(result.status()), kImageTooLarge) << result.status();
}

TEST(ServerInfoTest, TellsFactsFormatsAndOperations) {
  const v1::GetServerInfoResponse info =
      DescribeServer({.decode = {},
                      .max_message_bytes = 7,
                      .memory_budget_bytes = 8,
                      .workers = 9,
                      .max_queued = 10,
                      .max_wait = std::chrono::milliseconds(2345)});
  EXPECT_EQ(info.version(), IMAGEADAPT_VERSION);
  EXPECT_NE(info.simd_target(), "");
  EXPECT_EQ(info.limits().max_message_bytes(), 7);
  EXPECT_EQ(info.limits().memory_budget_bytes(), 8);
  EXPECT_EQ(info.limits().workers(), 9);
  EXPECT_EQ(info.limits().max_queued(), 10);
  EXPECT_EQ(info.limits().max_operations(), 16);
  EXPECT_EQ(info.limits().max_wait().seconds(), 2);
  EXPECT_EQ(info.limits().max_wait().nanos(), 345'000'000);
  EXPECT_GE(info.operations_size(), 11);
  ASSERT_EQ(info.formats_size(), AllCodecs().size());
  const v1::ImageFormat& png = info.formats(0);
  EXPECT_EQ(png.name(), "PNG");
  EXPECT_EQ(png.mime_type(), "image/png");
  EXPECT_EQ(png.extensions(0), "png");
  EXPECT_EQ(png.read_types_size(), 2);
  EXPECT_EQ(png.written_frames(), v1::ImageFormat::FRAMES_ANIMATION);
  EXPECT_TRUE(png.lossless());
  EXPECT_FALSE(png.takes_quality());
  EXPECT_TRUE(info.formats(1).takes_quality());  // JPEG
}

}  // namespace
}  // namespace imageadapt
