// Results do not depend on the number of threads.
#include <gtest/gtest.h>

#include <atomic>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/exec/workspace.h"
#include "imageadapt/ops/operation_examples_for_test.h"
#include "imageadapt/pipeline/pipeline.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using testing::Difference;
using testing::Examples;
using testing::MakeNoise;
using testing::Mean;
using testing::Median;
using testing::NeedsColor;
using testing::Resized;
using testing::Rotation;
using testing::Spec;

constexpr SampleType kTypes[] = {SampleType::kU8, SampleType::kU16,
                                 SampleType::kF32};

std::string BytesOf(const Image& image) {
  std::string bytes;
  for (uint32_t y = 0; y < image.spec().shape.height; ++y) {
    const auto row = image.view().row_bytes(y);
    bytes.append(reinterpret_cast<const char*>(row.data()), row.size());
  }
  return bytes;
}

class PipelineThreadsTest : public ::testing::Test {
 protected:
  absl::StatusOr<Image> Run(const Image& image,
                            const OperationSpecs& operations,
                            WorkerPool& workers) {
    const std::string bytes = BytesOf(image);
    const ByteRope rope(std::as_bytes(std::span(bytes)));
    const RawLayout layout = {.spec = image.spec(),
                              .stored_channels = image.spec().shape.channels};
    auto pipeline = Pipeline::OpenRaw(rope, layout, operations);
    if (!pipeline.ok()) return pipeline.status();
    MemoryBudget::Reservation memory = *budget_.TryReserve(0);
    const Workspace work = {.call = call_,
                            .workers = workers,
                            .buffers = buffers_,
                            .memory = memory};
    return (*pipeline)->RunToImage(work);
  }

  void ExpectTheSame(const Image& source, const OperationSpecs& operations) {
    const absl::StatusOr<Image> one = Run(source, operations, alone_);
    ASSERT_TRUE(one.ok()) << one.status();
    for (WorkerPool* const workers : {&two_, &three_, &eight_}) {
      const absl::StatusOr<Image> result = Run(source, operations, *workers);
      ASSERT_TRUE(result.ok()) << result.status();
      EXPECT_EQ(Difference(result->view(), one->view()), "")
          << workers->threads() << " threads";
    }
  }

  void ExpectTheSame(const Image& source, const v1::Operation& operation) {
    OperationSpecs operations;
    *operations.Add() = operation;
    ExpectTheSame(source, operations);
  }

 private:
  WorkerPool alone_{1};
  WorkerPool two_{2};
  WorkerPool three_{3};
  WorkerPool eight_{8};
  BufferPool buffers_;
  MemoryBudget budget_{uint64_t{256} << 20};
  std::atomic<bool> cancelled_ = false;
  CallContext call_{CallContext::Clock::time_point::max(), &cancelled_};
};

// The examples, and more of what has ways of its own.
std::vector<v1::Operation> Operations() {
  std::vector<v1::Operation> operations = Examples();
  for (const uint32_t side : {7u, 15u, 31u, 101u}) {
    operations.push_back(Mean(side));
    operations.push_back(Median(side));
  }
  for (const v1::Resize::Filter filter :
       {v1::Resize::FILTER_AREA, v1::Resize::FILTER_BILINEAR,
        v1::Resize::FILTER_BICUBIC, v1::Resize::FILTER_LANCZOS3}) {
    operations.push_back(Resized(53, 299, filter));
    operations.push_back(Resized(97, 101, filter));
  }
  return operations;
}

// Up to eight bands, of 25 and 26 rows.
TEST_F(PipelineThreadsTest, DoNotShowInAnyOperation) {
  for (const SampleType type : kTypes) {
    for (const uint32_t channels : {1u, 3u, 4u}) {
      const Image source = MakeNoise(Spec(61, 203, channels, type), channels);
      for (const v1::Operation& operation : Operations()) {
        if (channels < 3 && NeedsColor(operation)) continue;
        SCOPED_TRACE(absl::StrCat(channels, " ", SampleTypeName(type), ": ",
                                  operation.ShortDebugString()));
        ExpectTheSame(source, operation);
      }
    }
  }
}

// Rows of 22 KiB: the strips are of other heights with each number of threads.
TEST_F(PipelineThreadsTest, DoNotShowInStripsOfOtherHeights) {
  const Image source = MakeNoise(Spec(1391, 150, 4, SampleType::kF32), 4);
  for (const v1::Operation& operation : Examples()) {
    SCOPED_TRACE(operation.ShortDebugString());
    ExpectTheSame(source, operation);
  }
}

TEST_F(PipelineThreadsTest, DoNotShowInALongList) {
  v1::Operation in_hsv = Median(3);
  in_hsv.mutable_median_filter()->set_color_space(v1::COLOR_SPACE_HSV);
  OperationSpecs operations;
  for (const v1::Operation& operation :
       {Rotation(90), Median(7), Mean(51), Rotation(17), Median(31), in_hsv,
        Mean(3), Resized(1999, 0, v1::Resize::FILTER_UNSPECIFIED),
        Rotation(270)}) {
    *operations.Add() = operation;
  }
  ExpectTheSame(MakeNoise(Spec(2731, 300, 3), 11), operations);
}

}  // namespace
}  // namespace imageadapt
