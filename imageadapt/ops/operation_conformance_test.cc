// Promises of every operation: the suite walks the operations of the contract.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/ops/operation.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using testing::Difference;
using testing::MakeNoise;
using testing::Spec;

v1::Operation Rotation(double degrees,
                       v1::Rotate::Canvas canvas = v1::Rotate::CANVAS_EXPAND) {
  v1::Operation operation;
  operation.mutable_rotate()->set_angle_degrees(degrees);
  operation.mutable_rotate()->set_canvas(canvas);
  return operation;
}

v1::Operation Flip(v1::Flip::Axis axis) {
  v1::Operation operation;
  operation.mutable_flip()->set_axis(axis);
  return operation;
}

v1::Operation Mean(uint32_t width, uint32_t height = 0) {
  v1::Operation operation;
  operation.mutable_mean_filter()->set_kernel_width(width);
  operation.mutable_mean_filter()->set_kernel_height(height);
  return operation;
}

v1::Operation Median(uint32_t width, uint32_t height = 0) {
  v1::Operation operation;
  operation.mutable_median_filter()->set_kernel_width(width);
  operation.mutable_median_filter()->set_kernel_height(height);
  return operation;
}

std::vector<v1::Operation> Examples() {
  return {Rotation(0),
          Rotation(90),
          Rotation(180),
          Rotation(-90),
          Rotation(90, v1::Rotate::CANVAS_SAME),
          Rotation(30),
          Rotation(-12.5, v1::Rotate::CANVAS_SAME),
          Flip(v1::Flip::AXIS_HORIZONTAL),
          Flip(v1::Flip::AXIS_VERTICAL),
          Mean(3),
          Mean(1, 9),
          Median(5),
          Median(0, 3)};
}

// Runs rows [first, end) of the output on exactly the source rows the plan
// asks for.
void RunBand(const Operation& operation, const OperationPlan& plan,
             const Image& source, uint32_t first, uint32_t end,
             const AnyImageView& target) {
  const uint32_t height = source.spec().shape.height;
  uint32_t from = 0;
  uint32_t to = height;
  if (!plan.need.all) {
    from = first - std::min(first, plan.need.above);
    to = std::min(height, end + plan.need.below);
  }
  const Image rows = testing::Clone(source.view().Rows(from, to - from));
  Buffer scratch =
      *BufferPool().Take(std::max<uint64_t>(plan.scratch_bytes, 1));
  operation.Run(
      {.rows = rows.view(), .first_row = from, .image_height = height},
      {.rows = target.Rows(first, end - first),
       .first_row = first,
       .image_height = plan.output.shape.height},
      scratch.span().first(plan.scratch_bytes));
}

Image RunInBands(const v1::Operation& spec, const Image& source,
                 uint32_t rows) {
  const auto operation = MakeOperation(spec);
  EXPECT_TRUE(operation.ok()) << operation.status();
  const auto plan = (*operation)->Plan(source.spec());
  EXPECT_TRUE(plan.ok()) << plan.status();
  Image target = testing::MakeImage(plan->output);
  const uint32_t height = plan->output.shape.height;
  for (uint32_t row = 0; row < height; row += rows) {
    RunBand(**operation, *plan, source, row, std::min(height, row + rows),
            target.view());
  }
  return target;
}

TEST(OperationConformanceTest, EveryKindOfTheContractHasAnExample) {
  std::set<int> kinds;
  for (const v1::Operation& example : Examples()) {
    kinds.insert(example.kind_case());
  }
  const auto* kind = v1::Operation::descriptor()->oneof_decl(0);
  for (int i = 0; i < kind->field_count(); ++i) {
    EXPECT_EQ(kinds.count(kind->field(i)->number()), 1)
        << kind->field(i)->name() << " has no example, so nothing is promised";
  }
}

TEST(OperationConformanceTest, EveryKindIsMadeOrRefusedInItsOwnName) {
  const auto* kind = v1::Operation::descriptor()->oneof_decl(0);
  for (int i = 0; i < kind->field_count(); ++i) {
    v1::Operation empty;
    empty.GetReflection()->MutableMessage(&empty, kind->field(i));
    const auto operation = MakeOperation(empty);
    if (operation.ok()) continue;
    EXPECT_TRUE(absl::StartsWith(FieldOf(operation.status()),
                                 kind->field(i)->name() + "."))
        << operation.status();
  }
  EXPECT_TRUE(absl::IsInvalidArgument(MakeOperation({}).status()));
}

TEST(OperationConformanceTest, BandsGiveTheSameBytesAsTheWhole) {
  for (const v1::Operation& example : Examples()) {
    for (const SampleType type :
         {SampleType::kU8, SampleType::kU16, SampleType::kF32}) {
      for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
        const Image source = MakeNoise(Spec(29, 43, channels, type), channels);
        const Image whole = RunInBands(example, source, 1'000'000);
        for (const uint32_t rows : {1u, 5u, 16u, 42u}) {
          EXPECT_EQ(Difference(RunInBands(example, source, rows).view(),
                               whole.view()),
                    "")
              << example.ShortDebugString() << " in bands of " << rows;
        }
      }
    }
  }
}

TEST(OperationConformanceTest, TheSmallestImagesWork) {
  for (const v1::Operation& example : Examples()) {
    for (const ImageShape& shape :
         {ImageShape{1, 1, 1}, ImageShape{1, 40, 3}, ImageShape{40, 1, 4}}) {
      const Image source = MakeNoise({shape, SampleType::kU8}, 3);
      const Image result = RunInBands(example, source, 7);
      EXPECT_GT(result.spec().shape.width, 0);
    }
  }
}

TEST(OperationConformanceTest, ChannelsAndSampleTypeStay) {
  for (const v1::Operation& example : Examples()) {
    const ImageSpec spec = Spec(12, 7, 4, SampleType::kU16);
    const auto plan = (*MakeOperation(example))->Plan(spec);
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ(plan->output.shape.channels, 4);
    EXPECT_EQ(plan->output.sample_type, SampleType::kU16);
  }
}

TEST(RotateOperationTest, AnglesAreReducedToOneTurn) {
  const Image source = MakeNoise(Spec(11, 5, 3), 4);
  const std::map<double, double> same = {{450, 90}, {-90, 270}, {-180, 180},
                                         {720, 0},  {390, 30},  {-330, 30}};
  for (const auto& [a, b] : same) {
    EXPECT_EQ(Difference(RunInBands(Rotation(a), source, 3).view(),
                         RunInBands(Rotation(b), source, 3).view()),
              "")
        << a << " and " << b;
  }
}

TEST(RotateOperationTest, CanvasHoldsTheWholeTurnedImageAndNoMore) {
  const auto size = [](double degrees, uint32_t width, uint32_t height) {
    return (*MakeOperation(Rotation(degrees)))
        ->Plan(Spec(width, height, 1))
        ->output.shape;
  };
  EXPECT_EQ(size(45, 100, 100), (ImageShape{142, 142, 1}));
  // By 30 degrees: 200 cos + 100 sin = 223.2, 200 sin + 100 cos = 186.6.
  EXPECT_EQ(size(30, 200, 100), (ImageShape{224, 187, 1}));
  EXPECT_EQ(size(-30, 200, 100), (ImageShape{224, 187, 1}));
  EXPECT_EQ(size(90, 200, 100), (ImageShape{100, 200, 1}));
}

TEST(RotateOperationTest, BackgroundFillsTheCorners) {
  v1::Operation operation = Rotation(45);
  for (const float value : {1.0f, 0.5f, 0.0f}) {
    operation.mutable_rotate()->add_background(value);
  }
  const Image source = testing::MakeConstant(Spec(20, 20, 3), 100);
  const Image turned = RunInBands(operation, source, 100);
  const auto corner = turned.view().As<uint8_t>().row(0);
  EXPECT_EQ(corner[0], 255);
  EXPECT_EQ(corner[1], 128);
  EXPECT_EQ(corner[2], 0);
}

TEST(OperationRefusalTest, NamesTheField) {
  v1::Operation nan = Rotation(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(FieldOf(MakeOperation(nan).status()), "rotate.angle_degrees");
  v1::Operation canvas = Rotation(5, static_cast<v1::Rotate::Canvas>(9));
  EXPECT_EQ(FieldOf(MakeOperation(canvas).status()), "rotate.canvas");
  EXPECT_EQ(FieldOf(MakeOperation(Flip(v1::Flip::AXIS_UNSPECIFIED)).status()),
            "flip.axis");
  EXPECT_EQ(FieldOf(MakeOperation(Mean(4)).status()),
            "mean_filter.kernel_width");
  EXPECT_EQ(FieldOf(MakeOperation(Mean(0)).status()),
            "mean_filter.kernel_width");
  EXPECT_EQ(FieldOf(MakeOperation(Mean(3, 65537)).status()),
            "mean_filter.kernel_height");
  EXPECT_EQ(FieldOf(MakeOperation(Median(257)).status()),
            "median_filter.kernel_width");
  v1::Operation background = Rotation(5);
  background.mutable_rotate()->add_background(2);
  const auto made = MakeOperation(background);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(FieldOf((*made)->Plan(Spec(4, 4, 1)).status()), "background[0]");
  EXPECT_TRUE((*made)->Plan(Spec(4, 4, 1, SampleType::kF32)).ok());
}

}  // namespace
}  // namespace imageadapt
