// No kernel takes memory from the heap: each door, on every kind of processor.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "imageadapt/kernels/box_mean.h"
#include "imageadapt/kernels/edge_magnitude.h"
#include "imageadapt/kernels/gaussian.h"
#include "imageadapt/kernels/hsv.h"
#include "imageadapt/kernels/hue_filters.h"
#include "imageadapt/kernels/in_place_turn.h"
#include "imageadapt/kernels/luma.h"
#include "imageadapt/kernels/quarter_turn.h"
#include "imageadapt/kernels/resample.h"
#include "imageadapt/kernels/warp.h"
#include "imageadapt/kernels/window_median.h"
#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/heap_allocations.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using testing::HeapAllocations;
using testing::OnEveryTarget;

constexpr BorderMode kBorders[] = {BorderMode::kClip, BorderMode::kReplicate,
                                   BorderMode::kReflect101};

// Expects that `work` allocates nothing.
template <typename Work>
void ExpectNoAllocation(const std::string& name, const Work& work) {
  const size_t before = HeapAllocations();
  work();
  const size_t after = HeapAllocations();
  EXPECT_EQ(after - before, 0U) << name;
}

// A source, and a target and scratch of any size.
template <Sample T>
class Images {
 public:
  explicit Images(const ImageShape& shape)
      : spec_{.shape = shape, .sample_type = kSampleTypeOf<T>},
        source_(testing::MakeNoise(spec_, 1)) {}

  const ImageSpec& spec() const { return spec_; }
  const ImageShape& shape() const { return spec_.shape; }
  ImageView<const T> source() const { return source_.view().template As<T>(); }

  ImageView<T> Target(const ImageShape& shape) {
    if (samples_.size() < shape.height * RowSamples(shape)) {
      samples_.resize(shape.height * RowSamples(shape));
    }
    return {samples_.data(), shape, RowSamples(shape)};
  }
  ImageView<T> Target() { return Target(shape()); }

  std::span<std::byte> Scratch(size_t size) {
    if (scratch_.size() < size / 64 + 1) scratch_.resize(size / 64 + 1);
    return {scratch_.data()->bytes, size};
  }

 private:
  struct alignas(64) Line {
    std::byte bytes[64];
  };

  ImageSpec spec_;
  Image source_;
  std::vector<T> samples_;
  std::vector<Line> scratch_;
};

ImageShape Turned(const ImageShape& shape) {
  return {
      .width = shape.height, .height = shape.width, .channels = shape.channels};
}

template <typename T>
class KernelAllocationsTest : public ::testing::Test {
 protected:
  // Calls check(images) for images of several shapes.
  template <typename Check>
  static void ForImages(const Check& check, uint32_t channels_from = 1,
                        uint32_t channels_to = 4) {
    constexpr ImageShape kShapes[] = {{.width = 1, .height = 1},
                                      {.width = 9, .height = 40},
                                      {.width = 37, .height = 21},
                                      {.width = 500, .height = 20}};
    OnEveryTarget([&] {
      for (ImageShape shape : kShapes) {
        for (uint32_t c = channels_from; c <= channels_to; ++c) {
          shape.channels = c;
          Images<T> images(shape);
          check(images);
        }
      }
    });
  }
};

using SampleTypes = ::testing::Types<uint8_t, uint16_t, float>;
TYPED_TEST_SUITE(KernelAllocationsTest, SampleTypes);

// Otherwise the tests below would say nothing.
TEST(HeapAllocationsTest, CountsEveryWayToAllocate) {
  size_t last = HeapAllocations();
  const auto count = [&] {
    const size_t now = HeapAllocations();
    return now - std::exchange(last, now);
  };
  {
    const std::vector<int> vector(100);
    EXPECT_EQ(count(), 1U);
    const std::unique_ptr<int, void (*)(int*)> plain(
        new (std::nothrow) int(1), [](int* each) { delete each; });
    EXPECT_EQ(count(), 1U);
    struct alignas(128) Aligned {
      char bytes[128];
    };
    const auto aligned = std::make_unique<Aligned>();
    EXPECT_EQ(count(), 1U);
  }
  // NOLINTBEGIN(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
  void* volatile block = std::malloc(10);
  EXPECT_EQ(count(), 1U);
  block = std::realloc(block, 100000);
  EXPECT_GE(count(), 1U);
  std::free(block);
  block = std::calloc(10, 10);
  EXPECT_EQ(count(), 1U);
  std::free(block);
  block = std::aligned_alloc(64, 640);
  EXPECT_EQ(count(), 1U);
  std::free(block);
  void* aligned = nullptr;
  ASSERT_EQ(posix_memalign(&aligned, 64, 640), 0);
  EXPECT_EQ(count(), 1U);
  std::free(aligned);
  // NOLINTEND(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
}

TYPED_TEST(KernelAllocationsTest, TurnsAndMirrors) {
  TestFixture::ForImages([](Images<TypeParam>& images) {
    const auto same = images.Target();
    const auto turned = images.Target(Turned(images.shape()));
    const auto source = images.source();
    ExpectNoAllocation("turns", [&] {
      QuarterTurn(source, 1, WholeImage(turned));
      QuarterTurn(source, 2, WholeImage(same));
      QuarterTurn(source, 3, WholeImage(turned));
      TransposeImage(source, WholeImage(turned));
      MirrorColumns(WholeImage(source), WholeImage(same));
      MirrorRows(source, WholeImage(same));
    });
    for (const WarpBorder border :
         {WarpBorder::kConstant, WarpBorder::kReplicate,
          WarpBorder::kReflect101}) {
      ExpectNoAllocation("turns onto the same canvas", [&] {
        QuarterTurnOntoSameCanvas(source, 1, border, {}, WholeImage(same));
        QuarterTurnOntoSameCanvas(source, 3, border, {}, WholeImage(same));
      });
    }
  });
}

TYPED_TEST(KernelAllocationsTest, TurnsAndMirrorsInPlace) {
  const auto check = [](Images<TypeParam>& images) {
    const auto image = images.Target();
    const auto turned = images.Target(Turned(images.shape()));
    const auto scratch = images.Scratch(std::max(
        InPlaceTurnScratchBytes(images.spec()),
        InPlaceTurnScratchBytes({.shape = Turned(images.shape()),
                                 .sample_type = kSampleTypeOf<TypeParam>})));
    ExpectNoAllocation("turns in place", [&] {
      QuarterTurnInPlace(image, 1, scratch);
      QuarterTurnInPlace(turned, 3, scratch);
      QuarterTurnInPlace(image, 2, {});
      TransposeInPlace(image, scratch);
      TransposeInPlace(turned, scratch);
      MirrorColumnsInPlace(image);
      MirrorRowsInPlace(image);
    });
  };
  TestFixture::ForImages(check);
  // More than the scratch holds: panels, squares, sides without divisors.
  OnEveryTarget([&] {
    for (const ImageShape& shape :
         {ImageShape{701, 761, 4}, ImageShape{1024, 768, 3},
          ImageShape{800, 800, 3}}) {
      Images<TypeParam> images(shape);
      check(images);
    }
  });
}

TYPED_TEST(KernelAllocationsTest, Means) {
  // Small, sliding and large boxes, larger than the image, too.
  constexpr WindowSize kWindows[] = {{1, 1},     {3, 3},     {5, 5},   {7, 3},
                                     {15, 15},   {51, 51},   {101, 5}, {3, 101},
                                     {255, 255}, {999, 1201}};
  TestFixture::ForImages([&](Images<TypeParam>& images) {
    for (const WindowSize& window : kWindows) {
      for (const BorderMode border : kBorders) {
        for (const MeanRounding rounding :
             {MeanRounding::kNearest, MeanRounding::kTruncate}) {
          const MeanOptions options = {
              .window = window, .border = border, .rounding = rounding};
          const auto scratch =
              images.Scratch(BoxMeanScratchBytes(images.spec(), options));
          const auto target = WholeImage(images.Target());
          ExpectNoAllocation("mean", [&] {
            BoxMean(WholeImage(images.source()), options, target, scratch);
          });
        }
      }
    }
  });
}

TYPED_TEST(KernelAllocationsTest, Medians) {
  // Networks, histograms and ranks.
  constexpr WindowSize kWindows[] = {{1, 1},   {3, 3},   {5, 5},   {7, 7},
                                     {9, 9},   {11, 11}, {13, 13}, {15, 15},
                                     {17, 17}, {31, 3},  {3, 31},  {255, 255}};
  TestFixture::ForImages([&](Images<TypeParam>& images) {
    for (const WindowSize& window : kWindows) {
      for (const BorderMode border : kBorders) {
        const MedianOptions options = {.window = window, .border = border};
        const auto scratch =
            images.Scratch(WindowMedianScratchBytes(images.spec(), options));
        const auto target = WholeImage(images.Target());
        ExpectNoAllocation("median", [&] {
          WindowMedian(WholeImage(images.source()), options, target, scratch);
        });
      }
    }
  });
}

TYPED_TEST(KernelAllocationsTest, Rotations) {
  TestFixture::ForImages([](Images<TypeParam>& images) {
    const ImageShape canvas = {.width = images.shape().width + 10,
                               .height = images.shape().height + 5,
                               .channels = images.shape().channels};
    for (const Interpolation interpolation :
         {Interpolation::kNearest, Interpolation::kBilinear,
          Interpolation::kBicubic, Interpolation::kLanczos3}) {
      for (const WarpBorder border :
           {WarpBorder::kConstant, WarpBorder::kReplicate,
            WarpBorder::kReflect101}) {
        for (const auto& [cosine, sine] : {std::pair(0.8, 0.6), {1.0, 0.0}}) {
          const Rotation rotation = {.cosine = cosine,
                                     .sine = sine,
                                     .interpolation = interpolation,
                                     .border = border};
          const auto target = WholeImage(images.Target(canvas));
          ExpectNoAllocation("rotation", [&] {
            Rotate(images.source(), rotation, canvas, target);
          });
        }
      }
    }
  });
}

TYPED_TEST(KernelAllocationsTest, Hsv) {
  const auto check = [](Images<TypeParam>& images) {
    const auto target = images.Target();
    ExpectNoAllocation("HSV", [&] {
      RgbToHsv(images.source(), target);
      HsvToRgb(images.source(), target);
      RgbToHsv(ImageView<const TypeParam>(target), target);
      HsvToRgb(ImageView<const TypeParam>(target), target);
    });
  };
  TestFixture::ForImages(check, 3, 4);
}

TYPED_TEST(KernelAllocationsTest, HueFilters) {
  constexpr WindowSize kWindows[] = {{1, 1}, {3, 3}, {15, 15}, {3, 41}};
  const auto check = [&](Images<TypeParam>& images) {
    const auto source = WholeImage(images.source());
    for (const WindowSize& window : kWindows) {
      for (const BorderMode border : kBorders) {
        const MeanOptions mean = {.window = window, .border = border};
        const MedianOptions median = {.window = window, .border = border};
        const auto scratch = images.Scratch(
            std::max(HueMeanScratchBytes(images.spec(), mean),
                     HueMedianScratchBytes(images.spec(), median)));
        const auto target = WholeImage(images.Target());
        ExpectNoAllocation("hue filters", [&] {
          HueMean(source, mean, target, scratch);
          HueMedian(source, median, target, scratch);
        });
      }
    }
  };
  TestFixture::ForImages(check, 3, 4);
}

TYPED_TEST(KernelAllocationsTest, Grayscale) {
  TestFixture::ForImages([](Images<TypeParam>& images) {
    ImageShape grey = images.shape();
    grey.channels = HasAlpha(grey.channels) ? 2 : 1;
    const auto target = images.Target(grey);
    ExpectNoAllocation("luma",
                       [&] { imageadapt::Grayscale(images.source(), target); });
  });
}

TYPED_TEST(KernelAllocationsTest, Resizing) {
  TestFixture::ForImages([](Images<TypeParam>& images) {
    for (const auto& [width, height] :
         {std::pair(1U, 1U), {5U, 70U}, {41U, 33U}, {700U, 9U}}) {
      const ImageShape shape = {.width = width,
                                .height = height,
                                .channels = images.shape().channels};
      for (const ResizeFilter filter :
           {ResizeFilter::kArea, ResizeFilter::kBilinear,
            ResizeFilter::kBicubic, ResizeFilter::kLanczos3}) {
        const auto scratch =
            images.Scratch(ResizeScratchBytes(images.spec(), shape, filter));
        const auto target = WholeImage(images.Target(shape));
        ExpectNoAllocation("resize", [&] {
          Resize(WholeImage(images.source()), filter, target, scratch);
        });
      }
    }
  });
}

TYPED_TEST(KernelAllocationsTest, Blurs) {
  TestFixture::ForImages([](Images<TypeParam>& images) {
    for (const double sigma : {0.1, 1.0, 5.0, 40.0}) {
      for (const BorderMode border : kBorders) {
        const GaussianOptions options = {.sigma = sigma, .border = border};
        const auto scratch =
            images.Scratch(GaussianBlurScratchBytes(images.spec(), options));
        const auto target = WholeImage(images.Target());
        ExpectNoAllocation("blur", [&] {
          GaussianBlur(WholeImage(images.source()), options, target, scratch);
        });
      }
    }
  });
}

TYPED_TEST(KernelAllocationsTest, EdgeMagnitudes) {
  TestFixture::ForImages([](Images<TypeParam>& images) {
    for (const BorderMode border : kBorders) {
      const auto target = WholeImage(images.Target());
      ExpectNoAllocation("edges", [&] {
        EdgeMagnitude(WholeImage(images.source()), {.border = border}, target);
      });
    }
  });
}

}  // namespace
}  // namespace imageadapt
