#include "imageadapt/kernels/box_float.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include "imageadapt/kernels/box_float_running.h"
#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/guarded_bytes.h"

namespace imageadapt {
namespace {

using testing::GuardedBytes;
using testing::OnEveryTarget;

constexpr BorderMode kBorders[] = {BorderMode::kClip, BorderMode::kReplicate,
                                   BorderMode::kReflect101};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  uint32_t operator()() { return static_cast<uint32_t>(engine_()); }

  // In [1, 2), with all bits of the significand.
  float Significand() {
    return 1 + static_cast<float>((*this)() >> 9) * 0x1p-23F;
  }

 private:
  std::mt19937 engine_;
};

// Memory for an image that ends, or begins, at a page nobody may touch.
class Pixels {
 public:
  explicit Pixels(const ImageShape& shape, size_t padding = 0,
                  bool at_end = true)
      : shape_(shape),
        stride_(RowSamples(shape) + padding),
        bytes_(
            ((shape.height - 1) * stride_ + RowSamples(shape)) * sizeof(float),
            at_end) {}

  ImageView<float> view() const {
    return {reinterpret_cast<float*>(bytes_.data()), shape_, stride_};
  }

  float& at(uint32_t x, uint32_t y, uint32_t channel = 0) const {
    return view().row(y)[size_t{x} * shape_.channels + channel];
  }

  template <typename Make>
  void Fill(Make&& make) const {
    for (uint32_t y = 0; y < shape_.height; ++y) {
      for (float& sample : view().row(y)) sample = make();
    }
  }

  // NaN is like NaN.
  bool IsLike(const Pixels& other) const {
    for (uint32_t y = 0; y < shape_.height; ++y) {
      const auto a = view().row(y);
      const auto b = other.view().row(y);
      for (size_t i = 0; i < a.size(); ++i) {
        if (std::isnan(a[i]) && std::isnan(b[i])) continue;
        if (std::memcmp(&a[i], &b[i], sizeof(float)) != 0) {
          ADD_FAILURE() << a[i] << " is not " << b[i] << ", sample " << i
                        << " of row " << y;
          return false;
        }
      }
    }
    return true;
  }

 private:
  const ImageShape shape_;
  const size_t stride_;
  const GuardedBytes bytes_;
};

using Method = void (*)(const RowBand<ImageView<const float>>&,
                        const MeanOptions&, const RowBand<ImageView<float>>&,
                        std::span<std::byte>);

// Rounded up, so that the end of a page leaves the beginning aligned.
size_t ScratchBytes(const ImageShape& shape, const MeanOptions& options) {
  return (FloatBoxScratchBytes(shape, options) + 63) / 64 * 64;
}

// In bands, each with only the rows that it may see.
void RunInBands(Method method, const ImageView<const float>& source,
                const MeanOptions& options, uint32_t band_rows,
                const ImageView<float>& target) {
  const ImageShape shape = source.shape();
  const GuardedBytes scratch(ScratchBytes(shape, options), true);
  // Full of NaN.
  std::memset(scratch.data(), 0xff, ScratchBytes(shape, options));
  const uint32_t radius = options.window.height / 2;
  for (uint32_t first = 0; first < shape.height; first += band_rows) {
    const uint32_t count = std::min(band_rows, shape.height - first);
    const uint32_t from = first - std::min(first, radius);
    const uint32_t to = std::min(shape.height, first + count + radius);
    method({.rows = source.Rows(from, to - from),
            .first_row = from,
            .image_height = shape.height},
           options,
           {.rows = target.Rows(first, count),
            .first_row = first,
            .image_height = shape.height},
           {reinterpret_cast<std::byte*>(scratch.data()),
            ScratchBytes(shape, options)});
  }
}

// Both methods, on the target in use, the first in several kinds of bands.
::testing::AssertionResult AreAlike(const Pixels& source,
                                    const MeanOptions& options,
                                    Random& random) {
  const ImageShape shape = source.view().shape();
  const Pixels added(shape);
  RunInBands(MeanOfFloatBoxesByAdding, source.view(), options, shape.height,
             added.view());
  for (const uint32_t rows : {shape.height, 1 + random() % shape.height}) {
    const Pixels run(shape, random() % 4, random() % 2 == 0);
    RunInBands(MeanOfFloatBoxes, source.view(), options, rows, run.view());
    if (!run.IsLike(added)) {
      return ::testing::AssertionFailure()
             << shape.width << " x " << shape.height << " x " << shape.channels
             << ", window " << options.window.width << " x "
             << options.window.height << ", border "
             << static_cast<int>(options.border) << ", bands of " << rows;
    }
  }
  return ::testing::AssertionSuccess();
}

// Kinds of samples, those of an image at a time.
std::vector<std::function<float()>> Kinds(Random& random) {
  const auto sign = [&random](float value) {
    return random() % 2 == 0 ? value : -value;
  };
  return {
      // A photograph's, of 16 bits.
      [&] { return static_cast<float>(random() % 65536) / 65535; },
      // Around zero, with all exponents down to none.
      [&] { return random.Significand() - 1.5F; },
      // Large ones that often cancel each other, which shows the last bits.
      [&, sign] {
        return random() % 3 == 0 ? random.Significand() : sign(0x1p20F);
      },
      // The same, a little too large for running sums.
      [&, sign] {
        return random() % 3 == 0 ? random.Significand() : sign(0x1p27F);
      },
      // All there is.
      [&, sign] {
        return sign(std::ldexp(random.Significand(),
                               static_cast<int>(random() % 270) - 150));
      },
      [&, sign] { return sign(static_cast<float>(random() % 9) * 0x1p-149F); },
      [] { return -0.0F; },
      [&] { return random() % 2 == 0 ? -0.0F : 0.0F; },
      [] { return std::numeric_limits<float>::max(); },
  };
}

TEST(BoxFloatTest, RunningSumsAreTheSameToTheBit) {
  constexpr uint32_t kSides[] = {1, 3, 5, 7, 9, 15, 21, 33, 51};
  OnEveryTarget([&] {
    Random random(1);
    for (int i = 0; i < 25; ++i) {
      for (const auto& kind : Kinds(random)) {
        const ImageShape shape = {1 + random() % 90, 1 + random() % 90,
                                  1 + random() % 4};
        const Pixels source(shape, random() % 5, random() % 2 == 0);
        source.Fill(kind);
        const MeanOptions options = {
            .window = {kSides[random() % 9], kSides[random() % 9]},
            .border = kBorders[random() % 3]};
        ASSERT_TRUE(AreAlike(source, options, random));
      }
    }
  });
}

TEST(BoxFloatTest, RowsAndPartsOfThemThatRunningSumsAreNotExactFor) {
  constexpr float kFew[] = {kNan,    kInfinity, -kInfinity, 0x1p-40F,
                            0x1p50F, 0x1p-149F, -0x1p127F};
  OnEveryTarget([&] {
    Random random(2);
    for (int i = 0; i < 60; ++i) {
      const ImageShape shape = {40 + random() % 60, 20 + random() % 300,
                                1 + random() % 4};
      const Pixels source(shape);
      source.Fill([&] { return random.Significand(); });
      for (uint32_t y = 0; y < shape.height; ++y) {
        switch (random() % 12) {
          case 0:
            source.at(random() % shape.width, y) = kFew[random() % 7];
            break;
          case 1:
            std::ranges::fill(source.view().row(y), kFew[random() % 7]);
            break;
          default:
            break;
        }
        // From here on, until more of these, and no trouble.
        if (random() % 100 == 0) y += 60;
      }
      const MeanOptions options = {
          .window = {1 + random() % 12 * 2, 1 + random() % 12 * 2},
          .border = kBorders[random() % 3]};
      ASSERT_TRUE(AreAlike(source, options, random));
    }
  });
}

// Each half by itself suits running sums, but not what sees both.
TEST(BoxFloatTest, ImagesThatChangeTheirScale) {
  OnEveryTarget([&] {
    Random random(3);
    for (const uint32_t every : {1U, 2U, 10U, 50U, 90U}) {
      const ImageShape shape = {50, 200, 1};
      const Pixels source(shape);
      for (uint32_t y = 0; y < shape.height; ++y) {
        const float scale = y / every % 2 == 0 ? 0x1p-20F : 0x1p20F;
        for (float& sample : source.view().row(y)) {
          sample = scale * random.Significand();
        }
      }
      for (const BorderMode border : kBorders) {
        ASSERT_TRUE(
            AreAlike(source, {.window = {9, 7}, .border = border}, random));
      }
    }
  });
}

TEST(BoxFloatTest, NanAndInfinityAtEveryPlace) {
  OnEveryTarget([&] {
    Random random(4);
    const ImageShape shape = {45, 40, 1};
    const Pixels source(shape);
    for (uint32_t at = 0; at < 40; ++at) {
      for (const float odd : {kNan, kInfinity}) {
        for (const bool is_row : {true, false}) {
          source.Fill([&] { return random.Significand(); });
          for (uint32_t k = 0; k < 40; ++k) {
            (is_row ? source.at(k, at) : source.at(at, k)) = odd;
          }
          ASSERT_TRUE(AreAlike(
              source, {.window = {7, 9}, .border = kBorders[random() % 3]},
              random));
        }
      }
    }
  });
}

TEST(BoxFloatTest, RowsOfSeveralTilesAndLargeWindows) {
  OnEveryTarget([&] {
    Random random(5);
    for (const ImageShape& shape :
         {ImageShape{6000, 12, 1}, ImageShape{3100, 9, 2},
          ImageShape{2100, 8, 3}, ImageShape{1601, 10, 4}}) {
      const Pixels source(shape);
      source.Fill([&] { return static_cast<float>(random() % 256) / 255; });
      // In one tile of several.
      source.at(shape.width - 200, 2) = 0x1p-60F;
      for (const WindowSize& window :
           {WindowSize{3, 3}, WindowSize{5, 3}, WindowSize{101, 5},
            WindowSize{7, 2001}}) {
        ASSERT_TRUE(AreAlike(
            source, {.window = window, .border = kBorders[random() % 3]},
            random));
      }
    }
    const Pixels tiny({3, 2, 3});
    tiny.Fill([&] { return random.Significand(); });
    for (const BorderMode border : kBorders) {
      ASSERT_TRUE(
          AreAlike(tiny, {.window = {65535, 999}, .border = border}, random));
    }
  });
}

TEST(BoxFloatTest, IsTheSameOnEveryTarget) {
  Random random(6);
  const ImageShape shape = {133, 60, 3};
  for (const auto& kind : Kinds(random)) {
    const Pixels source(shape);
    source.Fill(kind);
    const MeanOptions options = {.window = {1 + random() % 9 * 2, 11},
                                 .border = kBorders[random() % 3]};
    std::unique_ptr<Pixels> first;
    OnEveryTarget([&] {
      auto now = std::make_unique<Pixels>(shape);
      RunInBands(MeanOfFloatBoxes, source.view(), options, 60, now->view());
      if (first == nullptr)
        first = std::move(now);
      else
        ASSERT_TRUE(now->IsLike(*first));
    });
  }
}

TEST(BoxFloatTest, MeansOfNegativeZerosAreZero) {
  OnEveryTarget([&] {
    const Pixels source({30, 30, 1});
    source.Fill([] { return -0.0F; });
    const Pixels target({30, 30, 1});
    for (const uint32_t side : {1U, 3U, 5U, 9U}) {
      RunInBands(MeanOfFloatBoxes, source.view(), {.window = {side, side}}, 30,
                 target.view());
      for (const float mean : target.view().row(9)) {
        ASSERT_EQ(mean, 0);
        ASSERT_FALSE(std::signbit(mean));
      }
    }
  });
}

TEST(BoxFloatTest, SumsAreExactIfTheyFitInADouble) {
  for (uint32_t spread = 0; spread < 40; ++spread) {
    for (const uint64_t count :
         {uint64_t{2}, uint64_t{18}, uint64_t{450}, uint64_t{1} << 14,
          (uint64_t{1} << 14) + 1, uint64_t{65535} * 65535 * 2}) {
      // In units of the smallest sample's last bit.
      const long double most = static_cast<long double>(count) *
                               std::ldexp((1 << 24) - 1.0L, spread);
      const bool are_exact =
          SumsAreExact({.smallest = 100, .largest = 100 + spread}, count);
      if (are_exact) {
        EXPECT_LE(most, 0x1p53L) << spread << ", " << count;
      } else {
        EXPECT_GT(most, 0x1p51L) << spread << ", " << count;
      }
    }
  }
  EXPECT_TRUE(SumsAreExact({}, 18));
  EXPECT_TRUE(SumsAreExact({.smallest = 1, .largest = 0}, 18));
  EXPECT_FALSE(SumsAreExact({.smallest = 254, .largest = 255}, 18));
  EXPECT_FALSE(SumsAreExact({.smallest = 255, .largest = 255}, 18));
}

// How many rows running sums are good for.
uint32_t RowsRun(const Pixels& source, const MeanOptions& options) {
  const ImageShape shape = source.view().shape();
  const Pixels target(shape);
  const FloatPlan plan = MakeFloatPlan(shape, shape.height, options);
  const RowBand<ImageView<const float>> from =
      WholeImage<ImageView<const float>>(source.view());
  const auto to = WholeImage(target.view());
  const FloatJob job = {
      .source = &from, .target = &to, .plan = &plan, .options = options};
  const GuardedBytes scratch(ScratchBytes(shape, options), true);
  return RunningFloatMeans(job, MakeFloatTile(plan, 0), 0,
                           reinterpret_cast<double*>(scratch.data()));
}

TEST(BoxFloatTest, RunningSumsAreUsedWhereTheyAreExact) {
  OnEveryTarget([] {
    const MeanOptions options = {.window = {15, 15}};  // 2 * 225 < 2^9
    Random random(7);
    const Pixels source({100, 200, 3});
    source.Fill([&] { return static_cast<float>(random() % 65536) / 65535; });
    EXPECT_EQ(RowsRun(source, options), 200U);
    source.Fill([&] { return random.Significand(); });
    source.at(50, 100) = std::ldexp(1.9F, 20);
    EXPECT_EQ(RowsRun(source, options), 200U);
    // The first window that sees it.
    for (const float odd : {std::ldexp(1.F, 21), kNan, -kInfinity}) {
      source.at(50, 100) = odd;
      EXPECT_EQ(RowsRun(source, options), 93U) << odd;
    }
  });
}

}  // namespace
}  // namespace imageadapt
