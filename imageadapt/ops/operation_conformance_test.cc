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
#include "imageadapt/ops/operation_examples_for_test.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using testing::Blur;
using testing::Bordered;
using testing::Converted;
using testing::Cropped;
using testing::Difference;
using testing::Examples;
using testing::ExamplesForAll;
using testing::Flip;
using testing::InHsv;
using testing::MakeImage;
using testing::MakeNoise;
using testing::Mean;
using testing::Median;
using testing::NeedsColor;
using testing::OfChannel;
using testing::Resized;
using testing::Rotation;
using testing::Spec;

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
        if (channels < 3 && NeedsColor(example)) continue;
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
  for (const v1::Operation& example : ExamplesForAll()) {
    for (const ImageShape& shape :
         {ImageShape{1, 1, 1}, ImageShape{1, 40, 3}, ImageShape{40, 1, 4}}) {
      const Image source = MakeNoise({shape, SampleType::kU8}, 3);
      const Image result = RunInBands(example, source, 7);
      EXPECT_GT(result.spec().shape.width, 0);
    }
  }
}

TEST(OperationConformanceTest, GreyImagesAreRefusedWhereColourIsNeeded) {
  for (const v1::Operation& example : Examples()) {
    for (const uint32_t channels : {1u, 2u}) {
      const auto plan =
          (*MakeOperation(example))->Plan(Spec(100, 100, channels));
      EXPECT_EQ(plan.ok(), !NeedsColor(example)) << example.ShortDebugString();
    }
  }
}

TEST(OperationConformanceTest, ChannelsAndSampleTypeStay) {
  for (const v1::Operation& example : ExamplesForAll()) {
    if (example.has_grayscale()) continue;
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

TEST(RotateOperationTest, TheInnerCanvasSeesNothingOutside) {
  for (const double degrees : {0.3, 17.0, 45.0, 89.0, -133.0, 180.0, 270.0}) {
    for (const ImageShape& shape :
         {ImageShape{60, 40, 1}, ImageShape{40, 60, 1}, ImageShape{90, 9, 1},
          ImageShape{50, 50, 1}}) {
      const v1::Operation operation =
          Rotation(degrees, v1::Rotate::CANVAS_INNER);
      const Image source = testing::MakeConstant({shape, SampleType::kU8}, 200);
      const Image turned = RunInBands(operation, source, 100);
      EXPECT_EQ(Difference(turned.view(),
                           testing::MakeConstant(turned.spec(), 200).view()),
                "");
      EXPECT_GT(turned.spec().shape.width, 0);
    }
  }
}

TEST(RotateOperationTest, TheInnerCanvasIsTheLargestUprightRectangle) {
  const auto size = [](double degrees, uint32_t width, uint32_t height) {
    return (*MakeOperation(Rotation(degrees, v1::Rotate::CANVAS_INNER)))
        ->Plan(Spec(width, height, 1))
        ->output.shape;
  };
  // A square turned by 45 degrees holds one of side / sqrt(2).
  EXPECT_EQ(size(45, 100, 100), (ImageShape{70, 70, 1}));
  EXPECT_EQ(size(90, 100, 60), (ImageShape{60, 100, 1}));
  // By 30 degrees, half constrained: 50 / sin(30) = 100, 50 / cos(30) = 57.7.
  EXPECT_EQ(size(30, 1000, 100), (ImageShape{100, 57, 1}));
  EXPECT_EQ(size(-30, 100, 1000), (ImageShape{57, 100, 1}));
}

TEST(TransposeOperationTest, ColumnsBecomeRows) {
  const Image source = MakeNoise(Spec(7, 5, 3), 5);
  v1::Operation operation;
  operation.mutable_transpose();
  const Image result = RunInBands(operation, source, 2);
  ASSERT_EQ(result.spec().shape, (ImageShape{5, 7, 3}));
  for (uint32_t y = 0; y < 7; ++y) {
    for (uint32_t i = 0; i < 15; ++i) {
      EXPECT_EQ(result.view().As<uint8_t>().row(y)[i],
                source.view().As<uint8_t>().row(i / 3)[3 * y + i % 3]);
    }
  }
}

TEST(CropOperationTest, CutsTheRectangleOutAndRefusesWhatIsOutside) {
  const Image source = MakeNoise(Spec(9, 8, 2, SampleType::kU16), 6);
  const Image result = RunInBands(Cropped(2, 3, 5, 4), source, 3);
  ASSERT_EQ(result.spec().shape, (ImageShape{5, 4, 2}));
  for (uint32_t y = 0; y < 4; ++y) {
    for (uint32_t i = 0; i < 10; ++i) {
      EXPECT_EQ(result.view().As<uint16_t>().row(y)[i],
                source.view().As<uint16_t>().row(y + 3)[i + 4]);
    }
  }
  const auto field = [](const v1::Operation& operation) {
    return FieldOf((*MakeOperation(operation))->Plan(Spec(9, 8, 1)).status());
  };
  EXPECT_EQ(field(Cropped(2, 3, 8, 4)), "width");
  EXPECT_EQ(field(Cropped(2, 3, 7, 6)), "height");
  EXPECT_EQ(field(Cropped(0xffffffff, 0, 0xffffffff, 8)), "x");
  EXPECT_EQ(field(Cropped(0, 8, 1, 1)), "y");
}

TEST(WindowFilterTest, OnlyTheNamedChannelsChange) {
  const Image source = MakeNoise(Spec(30, 20, 4), 7);
  const Image all = RunInBands(Median(3), source, 100);
  const Image one = RunInBands(OfChannel(Median(3), 1), source, 6);
  for (uint32_t y = 0; y < 20; ++y) {
    for (uint32_t i = 0; i < 120; ++i) {
      const Image& expected = i % 4 == 1 ? all : source;
      ASSERT_EQ(one.view().As<uint8_t>().row(y)[i],
                expected.view().As<uint8_t>().row(y)[i]);
    }
  }
}

TEST(WindowFilterTest, HsvIsConvertedFilteredAndConvertedBack) {
  const Image source = MakeNoise(Spec(33, 50, 3), 8);
  const Image hsv = RunInBands(
      Converted(v1::ConvertColor::DIRECTION_RGB_TO_HSV), source, 100);
  // Saturation and value are filtered like any other channel.
  v1::Operation filter = OfChannel(OfChannel(Median(5), 1), 2);
  const Image filtered = RunInBands(filter, hsv, 100);
  const Image expected = RunInBands(
      Converted(v1::ConvertColor::DIRECTION_HSV_TO_RGB), filtered, 100);
  for (const uint32_t rows : {3u, 17u, 100u}) {
    EXPECT_EQ(Difference(RunInBands(InHsv(filter), source, rows).view(),
                         expected.view()),
              "");
  }
}

TEST(WindowFilterTest, HueIsAnAngle) {
  // Reds on both sides of hue 0 have a red mean, not a cyan one.
  Image source = MakeImage(Spec(2, 1, 3));
  const std::span<uint8_t> row = source.view().As<uint8_t>().row(0);
  const std::vector<uint8_t> reds = {255, 0, 40, 255, 40, 0};
  std::copy(reds.begin(), reds.end(), row.begin());
  const Image mean = RunInBands(InHsv(Mean(3)), source, 1);
  EXPECT_EQ(mean.view().As<uint8_t>().row(0)[0], 255);
  EXPECT_LE(mean.view().As<uint8_t>().row(0)[1], 6);
  EXPECT_LE(mean.view().As<uint8_t>().row(0)[2], 6);
}

TEST(ResizeOperationTest, OneSideKeepsTheProportions) {
  const auto size = [](uint32_t width, uint32_t height) {
    return (*MakeOperation(
                Resized(width, height, v1::Resize::FILTER_UNSPECIFIED)))
        ->Plan(Spec(300, 200, 3))
        ->output.shape;
  };
  EXPECT_EQ(size(150, 0), (ImageShape{150, 100, 3}));
  EXPECT_EQ(size(0, 400), (ImageShape{600, 400, 3}));
  EXPECT_EQ(size(1, 0), (ImageShape{1, 1, 3}));
  // Two thirds of 3 and of 5.
  EXPECT_EQ(size(3, 0), (ImageShape{3, 2, 3}));
  EXPECT_EQ(size(5, 0), (ImageShape{5, 3, 3}));
  EXPECT_EQ(
      FieldOf((*MakeOperation(Resized(0x7fffffff, 0, v1::Resize::FILTER_AREA)))
                  ->Plan(Spec(1, 2, 1))
                  .status()),
      "width");
  EXPECT_EQ(size(7, 9), (ImageShape{7, 9, 3}));
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
  EXPECT_EQ(FieldOf(MakeOperation(Cropped(0, 0, 0, 1)).status()), "crop.width");
  EXPECT_EQ(FieldOf(MakeOperation(OfChannel(Mean(3), 4)).status()),
            "mean_filter.channels[0]");
  EXPECT_EQ(FieldOf((*MakeOperation(OfChannel(Mean(3), 3)))
                        ->Plan(Spec(4, 4, 3))
                        .status()),
            "channels");
  EXPECT_EQ(
      FieldOf(MakeOperation(Bordered(Median(3), static_cast<v1::BorderMode>(9)))
                  .status()),
      "median_filter.border");
  EXPECT_EQ(FieldOf(MakeOperation(Blur(0.05, v1::BORDER_MODE_CLIP)).status()),
            "gaussian_blur.sigma");
  EXPECT_EQ(FieldOf(MakeOperation(Blur(std::numeric_limits<double>::quiet_NaN(),
                                       v1::BORDER_MODE_CLIP))
                        .status()),
            "gaussian_blur.sigma");
  EXPECT_EQ(
      FieldOf(MakeOperation(Resized(0, 0, v1::Resize::FILTER_AREA)).status()),
      "resize.width");
  v1::Operation edges;
  edges.mutable_detect_edges()->set_border(v1::BORDER_MODE_CLIP);
  EXPECT_EQ(FieldOf(MakeOperation(edges).status()), "detect_edges.border");
  v1::Operation transparent = Rotation(5);
  transparent.mutable_rotate()->set_border(v1::Rotate::BORDER_TRANSPARENT);
  EXPECT_EQ(
      FieldOf((*MakeOperation(transparent))->Plan(Spec(4, 4, 3)).status()),
      "border");
  EXPECT_TRUE((*MakeOperation(transparent))->Plan(Spec(4, 4, 4)).ok());
  transparent.mutable_rotate()->add_background(1);
  EXPECT_EQ(FieldOf(MakeOperation(transparent).status()), "rotate.background");
  v1::Operation background = Rotation(5);
  background.mutable_rotate()->add_background(2);
  const auto made = MakeOperation(background);
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(FieldOf((*made)->Plan(Spec(4, 4, 1)).status()), "background[0]");
  EXPECT_TRUE((*made)->Plan(Spec(4, 4, 1, SampleType::kF32)).ok());
}

}  // namespace
}  // namespace imageadapt
