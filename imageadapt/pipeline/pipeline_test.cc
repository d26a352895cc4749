#include "imageadapt/pipeline/pipeline.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/ops/operation_examples_for_test.h"
#include "imageadapt/pipeline/operation_rows.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using testing::Difference;
using testing::Flip;
using testing::MakeNoise;
using testing::Mean;
using testing::Median;
using testing::Rotation;
using testing::Spec;

OperationSpecs ListOf(std::initializer_list<v1::Operation> operations) {
  OperationSpecs list;
  for (const v1::Operation& operation : operations) *list.Add() = operation;
  return list;
}

class PipelineTest : public ::testing::Test {
 protected:
  static RawLayout LayoutOf(const Image& image) {
    return {.spec = image.spec(),
            .stored_channels = image.spec().shape.channels};
  }

  static std::string BytesOf(const Image& image) {
    std::string bytes;
    for (uint32_t y = 0; y < image.spec().shape.height; ++y) {
      const auto row = image.view().row_bytes(y);
      bytes.append(reinterpret_cast<const char*>(row.data()), row.size());
    }
    return bytes;
  }

  absl::StatusOr<Image> Run(const Image& image,
                            const OperationSpecs& operations) {
    const std::string bytes = BytesOf(image);
    const ByteRope rope(std::as_bytes(std::span(bytes)));
    auto pipeline = Pipeline::OpenRaw(rope, LayoutOf(image), operations);
    if (!pipeline.ok()) return pipeline.status();
    return (*pipeline)->RunToImage(work_);
  }

  absl::StatusOr<std::string> RunToPng(const Image& image,
                                       const OperationSpecs& operations) {
    const std::string bytes = BytesOf(image);
    const ByteRope rope(std::as_bytes(std::span(bytes)));
    auto pipeline = Pipeline::OpenRaw(rope, LayoutOf(image), operations);
    if (!pipeline.ok()) return pipeline.status();
    BufferSink sink(buffers_);
    const absl::Status status = (*pipeline)->RunToFile(
        *FindCodecByMimeType("image/png"), {}, work_, sink);
    if (!status.ok()) return status;
    const auto blocks = sink.TakeBlocks();
    return RopeOf(blocks).ToString();
  }

  WorkerPool workers_{2};
  BufferPool buffers_;
  MemoryBudget budget_{uint64_t{256} << 20};
  MemoryBudget::Reservation memory_ = *budget_.TryReserve(0);
  std::atomic<bool> cancelled_ = false;
  CallContext call_{CallContext::Clock::time_point::max(), &cancelled_};
  Workspace work_{.call = call_,
                  .workers = workers_,
                  .buffers = buffers_,
                  .memory = memory_};
};

// Gives the rows of an image, and remembers how many were asked for at once.
class ImageRows final : public RowSource {
 public:
  explicit ImageRows(const Image& image) : image_(image) {}

  const ImageSpec& spec() const override { return image_.spec(); }
  uint64_t memory_bytes() const override { return 0; }
  uint32_t strip_rows() const override { return StripRows(spec()); }
  absl::Status ReadRows(const AnyImageView& target) override {
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      const auto from = image_.view().row_bytes(next_row_++);
      std::copy(from.begin(), from.end(), target.row_bytes(y).begin());
    }
    return absl::OkStatus();
  }

 private:
  const Image& image_;
  uint32_t next_row_ = 0;
};

// Rows of 8 KiB, so that an image is many strips.
TEST_F(PipelineTest, StripsGiveTheSameBytesAtEveryHeight) {
  const Image source = MakeNoise(Spec(2731, 500, 3), 1);
  for (const v1::Operation& spec :
       {Mean(3), Mean(301), Median(5), Flip(v1::Flip::AXIS_HORIZONTAL),
        Flip(v1::Flip::AXIS_VERTICAL), Rotation(90), Rotation(180)}) {
    std::shared_ptr<const Operation> operation = *MakeOperation(spec);
    const OperationPlan plan = *operation->Plan(source.spec());
    // Straight through the operation, in one piece.
    Image expected = testing::MakeImage(plan.output);
    Buffer scratch = *buffers_.Take(plan.scratch_bytes + 1);
    operation->Run(WholeImage(AnyConstImageView(source.view())),
                   WholeImage(expected.view()),
                   scratch.span().first(plan.scratch_bytes));
    for (const uint32_t at_once : {1u, 17u, 128u, 100'000u}) {
      OperationRows rows(std::make_unique<ImageRows>(source), operation, plan,
                         work_);
      Image result = testing::MakeImage(plan.output);
      const uint32_t height = plan.output.shape.height;
      for (uint32_t row = 0; row < height; row += at_once) {
        ASSERT_TRUE(rows.ReadRows(result.view().Rows(
                                      row, std::min(at_once, height - row)))
                        .ok());
      }
      ASSERT_EQ(Difference(result.view(), expected.view()), "")
          << spec.ShortDebugString() << " " << at_once << " rows at once";
    }
  }
}

TEST_F(PipelineTest, AFilterHoldsAWindowAndNotTheImage) {
  const Image source = MakeNoise(Spec(2731, 5000, 1), 1);
  std::shared_ptr<const Operation> operation = *MakeOperation(Mean(3));
  const OperationPlan plan = *operation->Plan(source.spec());
  const OperationRows rows(std::make_unique<ImageRows>(source), operation, plan,
                           work_);
  EXPECT_LT(rows.memory_bytes(), uint64_t{2} << 20);
  EXPECT_GT(rows.memory_bytes(), uint64_t{1} << 20);
}

TEST_F(PipelineTest, StreamedFileEqualsTheWholeImage) {
  const Image source = MakeNoise(Spec(700, 900, 3), 2);
  const OperationSpecs operations =
      ListOf({Mean(5), Rotation(90), Median(3), Rotation(12)});
  const auto image = Run(source, operations);
  ASSERT_TRUE(image.ok()) << image.status();
  const auto file = RunToPng(source, operations);
  ASSERT_TRUE(file.ok()) << file.status();
  const ByteRope rope(std::as_bytes(std::span(*file)));
  auto decoded = Pipeline::OpenFile(rope, {}, {}, work_);
  ASSERT_TRUE(decoded.ok());
  const auto back = (*decoded)->RunToImage(work_);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(Difference(back->view(), image->view()), "");
}

// An animation of some frames, as a file.
std::string Animation(const std::vector<Image>& images, BufferPool& buffers) {
  const Codec& codec = *FindCodecByMimeType("image/png");
  BufferSink sink(buffers);
  const FrameSequence frames = {.count = static_cast<uint32_t>(images.size()),
                                .is_animation = true,
                                .plays = 2};
  auto encoder = codec.create(
      sink, images[0].spec(),
      {.frames = frames, .first_delay = {.numerator = 1, .denominator = 10}});
  for (size_t i = 0; i < images.size(); ++i) {
    if (i > 0) {
      EXPECT_TRUE((*encoder)
                      ->NextFrame(images[i].spec(),
                                  {.numerator = static_cast<uint32_t>(i),
                                   .denominator = 10})
                      .ok());
    }
    EXPECT_TRUE((*encoder)->WriteRows(images[i].view()).ok());
  }
  EXPECT_TRUE((*encoder)->Finish().ok());
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  return RopeOf(blocks).ToString();
}

TEST_F(PipelineTest, OperationsRunOnEveryFrame) {
  std::vector<Image> images;
  for (uint32_t i = 0; i < 4; ++i) {
    images.push_back(MakeNoise(Spec(300, 200, 3), 40 + i));
  }
  const std::string file = Animation(images, buffers_);
  const OperationSpecs operations = ListOf({Rotation(90), Mean(3)});
  auto pipeline = Pipeline::OpenFile(ByteRope(std::as_bytes(std::span(file))),
                                     operations, {}, work_);
  ASSERT_TRUE(pipeline.ok()) << pipeline.status();
  EXPECT_EQ((*pipeline)->frames().count, 4);
  BufferSink sink(buffers_);
  const absl::Status status =
      (*pipeline)->RunToFile(*FindCodecByMimeType("image/png"),
                             {.frames = (*pipeline)->frames()}, work_, sink);
  ASSERT_TRUE(status.ok()) << status;
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  RopeSource source{RopeOf(blocks)};
  const auto decoder =
      FindCodecByMimeType("image/png")->open(source, DecodeLimits());
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  EXPECT_EQ((*decoder)->metadata().frames, (*pipeline)->frames());
  for (uint32_t i = 0; i < 4; ++i) {
    if (i > 0) {
      ASSERT_TRUE((*decoder)->NextFrame().ok());
    }
    Image frame = testing::MakeImage((*decoder)->spec());
    ASSERT_TRUE((*decoder)->ReadRows(frame.view()).ok());
    const auto alone = Run(images[i], operations);
    ASSERT_TRUE(alone.ok());
    EXPECT_EQ(Difference(frame.view(), alone->view()), "") << i;
  }
}

TEST_F(PipelineTest, AllFramesTogetherAreLimited) {
  std::vector<Image> images;
  for (uint32_t i = 0; i < 3; ++i) {
    images.push_back(MakeNoise(Spec(30, 20, 3), 50 + i));
  }
  const std::string file = Animation(images, buffers_);
  const ByteRope rope(std::as_bytes(std::span(file)));
  DecodeLimits limits;
  limits.max_pixels_of_all_frames = 3 * 600;
  EXPECT_TRUE(Pipeline::OpenFile(rope, {}, limits, work_).ok());
  limits.max_pixels_of_all_frames = 3 * 600 - 1;
  const auto refused = Pipeline::OpenFile(rope, {}, limits, work_);
  EXPECT_EQ(ReasonOf(refused.status()), kImageTooLarge) << refused.status();
}

TEST_F(PipelineTest, TurnsThatCancelOutAreNotDone) {
  const Image source = MakeNoise(Spec(31, 17, 3), 3);
  const auto image =
      Run(source, ListOf({Rotation(90), Flip(v1::Flip::AXIS_HORIZONTAL),
                          Flip(v1::Flip::AXIS_HORIZONTAL), Rotation(-90)}));
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(Difference(image->view(), source.view()), "");
}

TEST_F(PipelineTest, JoinedTurnsAreThoseOneByOne) {
  const Image source = MakeNoise(Spec(9, 5, 2), 4);
  const std::vector<v1::Operation> turns = {
      Rotation(90), Rotation(180), Rotation(-90),
      Flip(v1::Flip::AXIS_HORIZONTAL), Flip(v1::Flip::AXIS_VERTICAL)};
  for (const v1::Operation& a : turns) {
    for (const v1::Operation& b : turns) {
      const auto first = Run(source, ListOf({a}));
      const auto second = Run(*first, ListOf({b}));
      const auto joined = Run(source, ListOf({a, b}));
      ASSERT_TRUE(joined.ok());
      EXPECT_EQ(Difference(joined->view(), second->view()), "")
          << a.ShortDebugString() << b.ShortDebugString();
    }
  }
}

TEST_F(PipelineTest, RefusalsNameTheOperation) {
  const Image source = MakeNoise(Spec(9, 5, 2), 4);
  const auto image = Run(source, ListOf({Rotation(90), Mean(3), Median(4)}));
  EXPECT_EQ(FieldOf(image.status()),
            "operations[2].median_filter.kernel_width");
}

TEST_F(PipelineTest, MemoryIsReservedFirstAndGivenBack) {
  const Image source = MakeNoise(Spec(1000, 1000, 3), 5);
  auto other = budget_.TryReserve(budget_.limit() - (uint64_t{5} << 20));
  const auto busy = Run(source, ListOf({Rotation(90)}));
  EXPECT_TRUE(absl::IsResourceExhausted(busy.status())) << busy.status();
  EXPECT_TRUE(RetryAfterOf(busy.status()).has_value());
  EXPECT_EQ(memory_.bytes(), 0);
  other.reset();
  ASSERT_TRUE(Run(source, ListOf({Rotation(90)})).ok());
  EXPECT_EQ(memory_.bytes(), 3'000'000);  // the result, nothing else
}

TEST_F(PipelineTest, WhatNeverFitsIsTooLargeAndNotBusy) {
  MemoryBudget small(uint64_t{1} << 20);
  MemoryBudget::Reservation memory = *small.TryReserve(0);
  const Workspace work{.call = call_,
                       .workers = workers_,
                       .buffers = buffers_,
                       .memory = memory};
  const std::string bytes(3'000'000, 'x');
  const ByteRope rope(std::as_bytes(std::span(bytes)));
  auto pipeline = Pipeline::OpenRaw(
      rope, {.spec = Spec(1000, 1000, 3), .stored_channels = 3}, {});
  const auto image = (*pipeline)->RunToImage(work);
  EXPECT_EQ(ReasonOf(image.status()), kImageTooLarge) << image.status();
}

TEST_F(PipelineTest, SizesThatAddUpBeyondAllNumbersAreTooLarge) {
  const Image source = MakeNoise(Spec(1, 1, 4), 12);
  v1::Operation resize;
  resize.mutable_resize()->set_width(1 << 30);
  resize.mutable_resize()->set_height(1 << 30);
  v1::Operation transpose;
  transpose.mutable_transpose();
  v1::Operation crop;
  crop.mutable_crop()->set_width(1);
  crop.mutable_crop()->set_height(1);
  // Four windows of 2^62 bytes. Not at the beginning, where turns are folded.
  const auto result =
      Run(source, ListOf({resize, transpose, transpose, transpose, crop}));
  EXPECT_EQ(ReasonOf(result.status()), kImageTooLarge) << result.status();
}

TEST_F(PipelineTest, ResultsHaveAtMostTwiceThePixelsOfAFile) {
  const auto png = *RunToPng(MakeNoise(Spec(20, 20, 1), 13), {});
  const ByteRope rope(std::as_bytes(std::span(png)));
  const auto open = [&](uint32_t width) {
    v1::Operation resize;
    resize.mutable_resize()->set_width(width);
    return Pipeline::OpenFile(rope, ListOf({Mean(3), resize}),
                              {.max_pixels = 400}, work_)
        .status();
  };
  EXPECT_TRUE(open(28).ok()) << open(28);
  EXPECT_EQ(ReasonOf(open(29)), kImageTooLarge) << open(29);
}

TEST_F(PipelineTest, WideImagesAndTallWindowsKeepAllThreadsBusy) {
  // Rows of 48 KB, and windows taller than the rows that are best for a cache.
  const Image source = MakeNoise(Spec(4000, 120, 3, SampleType::kF32), 14);
  for (const v1::Operation& spec : {Mean(3), Mean(101), Median(3)}) {
    std::shared_ptr<const Operation> operation = *MakeOperation(spec);
    const OperationPlan plan = *operation->Plan(source.spec());
    const OperationRows rows(std::make_unique<ImageRows>(source), operation,
                             plan, work_);
    EXPECT_GE(rows.strip_rows(),
              std::min(120u, 2 * std::max(16u, plan.need.above)));
  }
}

TEST_F(PipelineTest, EndsWhenTheCallerLeaves) {
  cancelled_ = true;
  const Image source = MakeNoise(Spec(100, 100, 3), 5);
  EXPECT_TRUE(absl::IsCancelled(Run(source, ListOf({Mean(3)})).status()));
  EXPECT_TRUE(absl::IsCancelled(RunToPng(source, ListOf({Mean(3)})).status()));
}

TEST_F(PipelineTest, BytesOfNoFormatAreRefused) {
  const std::string bytes = "hello";
  const auto pipeline = Pipeline::OpenFile(
      ByteRope(std::as_bytes(std::span(bytes))), {}, {}, work_);
  EXPECT_EQ(ReasonOf(pipeline.status()), kUnknownFormat);
}

// What stood at (x, y) of an image, by where its own samples say.
TEST_F(PipelineTest, PixelMapsSayWhereEveryPixelStood) {
  Image source = testing::MakeImage(Spec(7, 5, 3));
  for (uint32_t y = 0; y < 5; ++y) {
    const auto row = source.view().As<uint8_t>().row(y);
    for (uint32_t x = 0; x < 7; ++x) {
      row[3 * x] = static_cast<uint8_t>(x);
      row[3 * x + 1] = static_cast<uint8_t>(y);
    }
  }
  v1::Operation crop;
  crop.mutable_crop()->set_x(1);
  crop.mutable_crop()->set_y(2);
  crop.mutable_crop()->set_width(3);
  crop.mutable_crop()->set_height(2);
  v1::Operation flip;
  flip.mutable_flip()->set_axis(v1::Flip::AXIS_VERTICAL);
  v1::Operation transpose;
  transpose.mutable_transpose();
  v1::Operation resize;
  resize.mutable_resize()->set_width(2 * 7);
  resize.mutable_resize()->set_height(2 * 5);
  resize.mutable_resize()->set_filter(v1::Resize::FILTER_AREA);
  for (const OperationSpecs& list :
       {ListOf({Rotation(90)}), ListOf({Rotation(270), transpose, flip}),
        ListOf({crop, Rotation(90)}), ListOf({Rotation(180), crop, flip}),
        ListOf({transpose, Mean(1), crop}), ListOf({resize, Rotation(90)})}) {
    const std::string file = *RunToPng(source, {});
    auto pipeline = Pipeline::OpenFile(ByteRope(std::as_bytes(std::span(file))),
                                       list, {}, work_);
    ASSERT_TRUE(pipeline.ok()) << pipeline.status();
    ASSERT_TRUE((*pipeline)->pixel_map().has_value());
    const PixelMap map = *(*pipeline)->pixel_map();
    const auto image = (*pipeline)->RunToImage(work_);
    ASSERT_TRUE(image.ok()) << image.status();
    for (uint32_t y = 0; y < image->spec().shape.height; ++y) {
      const auto row = image->view().As<uint8_t>().row(y);
      for (uint32_t x = 0; x < image->spec().shape.width; ++x) {
        EXPECT_EQ(row[3 * x], std::lround(map.xx * x + map.xy * y + map.x0));
        EXPECT_EQ(row[3 * x + 1],
                  std::lround(map.yx * x + map.yy * y + map.y0));
      }
    }
  }
  const std::string file = *RunToPng(source, {});
  EXPECT_EQ(
      (*Pipeline::OpenFile(ByteRope(std::as_bytes(std::span(file))),
                           ListOf({Rotation(45), Rotation(90)}), {}, work_))
          ->pixel_map(),
      std::nullopt);
}

TEST(TurnsTest, AnEqualTurnIsFoundForEveryOrientation) {
  for (int i = 0; i < 8; ++i) {
    const Orientation turn{.mirrored = i >= 4, .quarter_turns = i % 4};
    OperationSpecs list;
    for (const v1::Operation& operation : OperationsOf(turn)) {
      *list.Add() = operation;
    }
    EXPECT_EQ(TurnOf(list), turn) << i;
    EXPECT_LE(list.size(), 2);
  }
  EXPECT_EQ(TurnOf(ListOf({Rotation(90), Mean(3)})), std::nullopt);
  EXPECT_EQ(TurnOf(ListOf({Rotation(45)})), std::nullopt);
}

v1::Operation CropTo(const PixelRect& rect) {
  v1::Operation operation;
  operation.mutable_crop()->set_x(rect.x);
  operation.mutable_crop()->set_y(rect.y);
  operation.mutable_crop()->set_width(rect.width);
  operation.mutable_crop()->set_height(rect.height);
  return operation;
}

TEST_F(PipelineTest, TurnsAndCropsInAnyOrderAreOneMove) {
  const Image source = testing::MakeNoise(Spec(23, 17, 3), 1);
  const std::string file = *RunToPng(source, {});
  const ByteRope rope(std::as_bytes(std::span(file)));
  for (int i = 0; i < 64; ++i) {
    const Orientation first{.mirrored = i % 8 >= 4, .quarter_turns = i % 4};
    const Orientation second{.mirrored = i >= 32, .quarter_turns = i / 8 % 4};
    OperationSpecs list;
    for (const v1::Operation& each : OperationsOf(first)) *list.Add() = each;
    *list.Add() = CropTo({.x = 3, .y = 4, .width = 12, .height = 11});
    for (const v1::Operation& each : OperationsOf(second)) *list.Add() = each;
    *list.Add() = CropTo({.x = 1, .y = 2, .width = 5, .height = 7});
    const auto move = MoveOf({}, list, source.spec().shape);
    ASSERT_TRUE(move.has_value());
    // Cut first, then turned.
    OperationSpecs moved = ListOf({CropTo(*move->region)});
    for (const v1::Operation& each : OperationsOf(move->turn)) {
      *moved.Add() = each;
    }
    const auto expected =
        (*Pipeline::OpenFile(rope, list, {}, work_))->RunToImage(work_);
    const auto result =
        (*Pipeline::OpenFile(rope, moved, {}, work_))->RunToImage(work_);
    ASSERT_TRUE(expected.ok() && result.ok());
    ASSERT_EQ(testing::Difference(result->view(), expected->view()), "") << i;
  }
  const ImageShape& shape = source.spec().shape;
  EXPECT_FALSE(MoveOf({}, ListOf({Mean(3)}), shape).has_value());
  const PixelRect beyond = {.x = 20, .y = 0, .width = 4, .height = 1};
  EXPECT_FALSE(MoveOf({}, ListOf({CropTo(beyond)}), shape).has_value());
  EXPECT_TRUE(
      MoveOf({}, ListOf({CropTo({.x = 20, .width = 3, .height = 1})}), shape)
          .has_value());
}

}  // namespace
}  // namespace imageadapt
