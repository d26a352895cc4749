// Every type, border, window and size on every kind of processor, against
// sorting the samples of each window.
#include "imageadapt/kernels/window_median.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "imageadapt/kernels/median_network.h"
#include "imageadapt/kernels/median_network_rows.h"
#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/guarded_bytes.h"

namespace imageadapt {
namespace {

using testing::GuardedBytes;
using testing::OnEveryTarget;

constexpr BorderMode kBorders[] = {BorderMode::kClip, BorderMode::kReplicate,
                                   BorderMode::kReflect101};
constexpr size_t kAlignment = 64;

// Pixels that end (or begin) at a guarded page.
template <typename T>
class GuardedImage {
 public:
  GuardedImage(const ImageShape& shape, size_t padding, bool at_end)
      : stride_(RowSamples(shape) + padding),
        samples_(stride_ * shape.height - padding),
        bytes_(samples_ * sizeof(T), at_end),
        view_(reinterpret_cast<T*>(bytes_.data()), shape, stride_) {}

  ImageView<T> view() const { return view_; }
  std::span<T> samples() const { return {view_.row(0).data(), samples_}; }
  size_t stride() const { return stride_; }

 private:
  size_t stride_;
  size_t samples_;
  GuardedBytes bytes_;
  ImageView<T> view_;
};

struct Case {
  ImageShape shape;
  MedianOptions options;
  uint32_t band_rows = 1000;
  size_t padding = 0;
  bool at_end = true;
  unsigned values = 256;  // how many different samples
  unsigned unusual = 0;   // float: so many of 1000 samples are NaN or infinite
  bool is_near_zero = false;  // float: mostly zeros of either sign
};

std::string Text(const Case& c) {
  return std::to_string(c.shape.width) + " x " +
         std::to_string(c.shape.height) + " x " +
         std::to_string(c.shape.channels) + ", window " +
         std::to_string(c.options.window.width) + " x " +
         std::to_string(c.options.window.height) + ", border " +
         std::to_string(static_cast<int>(c.options.border)) + ", bands of " +
         std::to_string(c.band_rows);
}

template <typename T>
T RandomSample(const Case& c, std::mt19937& random) {
  const auto value = static_cast<T>(random() % c.values);
  if constexpr (std::is_same_v<T, float>) {
    if (random() % 1000 < c.unusual) {
      constexpr float kInfinity = std::numeric_limits<float>::infinity();
      const std::array<float, 4> unusual = {
          std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity,
          -std::numeric_limits<float>::quiet_NaN()};
      return unusual[random() % unusual.size()];
    }
    if (c.is_near_zero) {
      constexpr std::array<float, 8> kFew = {0.F,       -0.F,       0.F, -0.F,
                                             0x1p-149F, -0x1p-149F, 1.F, -1.F};
      return kFew[random() % kFew.size()];
    }
    return value / 16 - 8;
  }
  return value;
}

// The median by the words of the contract.
template <typename T>
T SortedMedian(ImageView<T> image, const MedianOptions& options, uint32_t x,
               uint32_t y, uint32_t channel) {
  const ImageShape shape = image.shape();
  const int64_t radius_x = options.window.width / 2;
  const int64_t radius_y = options.window.height / 2;
  std::vector<T> values;
  for (int64_t v = y - radius_y; v <= y + radius_y; ++v) {
    for (int64_t u = x - radius_x; u <= x + radius_x; ++u) {
      const bool inside =
          u >= 0 && v >= 0 && u < shape.width && v < shape.height;
      if (!inside && options.border == BorderMode::kClip) continue;
      const uint32_t row =
          inside ? static_cast<uint32_t>(v)
                 : BorderPosition(v, shape.height, options.border);
      const uint32_t column =
          inside ? static_cast<uint32_t>(u)
                 : BorderPosition(u, shape.width, options.border);
      const T value = image.row(row)[size_t{column} * shape.channels + channel];
      if (value == value) values.push_back(value);
    }
  }
  if (values.empty()) return std::numeric_limits<T>::quiet_NaN();
  const auto middle =
      values.begin() + static_cast<long>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle == T{0} ? T{0} : *middle;  // no zero has a sign
}

// WindowMedian band by band, each from the rows that its windows touch only.
template <typename T>
void RunInBands(const Case& c, ImageView<const T> source, ImageView<T> target) {
  const size_t scratch_size = WindowMedianScratchBytes(
      {.shape = c.shape, .sample_type = kSampleTypeOf<T>}, c.options);
  const GuardedBytes memory(
      (scratch_size + kAlignment - 1) / kAlignment * kAlignment, true);
  const std::span<std::byte> scratch(
      reinterpret_cast<std::byte*>(memory.data()), scratch_size);
  for (uint32_t first = 0; first < c.shape.height; first += c.band_rows) {
    const uint32_t rows = std::min(c.band_rows, c.shape.height - first);
    // Mirrored rows of a small image may be farther than a radius.
    const bool reaches_far = c.options.border != BorderMode::kClip;
    const Extent top =
        ClippedExtent(first, c.options.window.height, c.shape.height);
    const Extent bottom = ClippedExtent(
        first + rows - 1, c.options.window.height, c.shape.height);
    const bool all = reaches_far && c.shape.height < c.options.window.height;
    const uint32_t from = all ? 0 : top.first;
    const uint32_t end = all ? c.shape.height : bottom.end;
    WindowMedian<T>({.rows = source.Rows(from, end - from),
                     .first_row = from,
                     .image_height = c.shape.height},
                    c.options,
                    {.rows = target.Rows(first, rows),
                     .first_row = first,
                     .image_height = c.shape.height},
                    scratch);
  }
}

// Fills `source`, and tells its medians.
template <typename T>
std::vector<T> MakeCase(const Case& c, const GuardedImage<T>& source,
                        std::mt19937& random) {
  for (T& sample : source.samples()) sample = RandomSample<T>(c, random);
  std::vector<T> medians;
  for (uint32_t y = 0; y < c.shape.height; ++y) {
    for (uint32_t x = 0; x < c.shape.width; ++x) {
      for (uint32_t channel = 0; channel < c.shape.channels; ++channel) {
        medians.push_back(
            SortedMedian(source.view(), c.options, x, y, channel));
      }
    }
  }
  return medians;
}

template <typename T>
bool SameMedian(T a, T b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0 || (a != a && b != b);
}

// That each sample is `expected`, and the padding is not written.
template <typename T>
void CheckTarget(const Case& c, const GuardedImage<T>& target,
                 const std::vector<T>& expected) {
  const size_t row_samples = RowSamples(c.shape);
  for (size_t i = 0; i < target.samples().size(); ++i) {
    const size_t column = i % target.stride();
    const size_t row = i / target.stride();
    const T want =
        column < row_samples ? expected[row * row_samples + column] : T{77};
    ASSERT_TRUE(SameMedian(target.samples()[i], want))
        << "row " << row << ", sample " << column << " is "
        << +target.samples()[i] << " instead of " << +want << "; " << Text(c);
  }
}

template <typename T>
void Check(const Case& c, std::mt19937& random) {
  const GuardedImage<T> source(c.shape, c.padding, c.at_end);
  const std::vector<T> expected = MakeCase(c, source, random);
  OnEveryTarget([&] {
    const GuardedImage<T> target(c.shape, c.padding, c.at_end);
    std::fill(target.samples().begin(), target.samples().end(), T{77});
    RunInBands<T>(c, source.view(), target.view());
    CheckTarget(c, target, expected);
  });
}

template <typename T>
class WindowMedianTest : public ::testing::Test {};
using SampleTypes = ::testing::Types<uint8_t, uint16_t, float>;
TYPED_TEST_SUITE(WindowMedianTest, SampleTypes);

// Sizes around the vectors of every processor, for each network.
TYPED_TEST(WindowMedianTest, IsTheMiddleForEveryNetwork) {
  std::mt19937 random(1);
  for (uint32_t side = 3; side <= kLargestNetworkWindow; side += 2) {
    for (const BorderMode border : kBorders) {
      for (uint32_t channels = 1; channels <= 4; ++channels) {
        const auto around = static_cast<uint32_t>((size_t{16} << random() % 4) /
                                                  sizeof(TypeParam) / channels);
        const std::array<uint32_t, 3> widths = {
            side + static_cast<uint32_t>(random() % 3),
            std::max(side,
                     around + side - 2 + static_cast<uint32_t>(random() % 4)),
            side + static_cast<uint32_t>(random() % (150 / channels))};
        for (const uint32_t width : widths) {
          Check<TypeParam>(
              {.shape = {.width = width,
                         .height = side + static_cast<uint32_t>(random() % 9),
                         .channels = channels},
               .options = {.window = {side, side}, .border = border},
               .padding = random() % 3,
               .at_end = random() % 2 == 0,
               .values = random() % 2 == 0 ? 256U : 3U},
              random);
        }
      }
    }
  }
}

TYPED_TEST(WindowMedianTest, DoesNotDependOnBands) {
  std::mt19937 random(2);
  for (uint32_t side = 3; side <= kLargestNetworkWindow; side += 2) {
    for (const BorderMode border : kBorders) {
      for (const uint32_t band_rows : {1U, 2U, 5U, 64U, 70U}) {
        Check<TypeParam>(
            {.shape = {.width = side + 5,
                       .height = band_rows < 5 ? side + 6 : 80,
                       .channels = 1 + static_cast<uint32_t>(random() % 2)},
             .options = {.window = {side, side}, .border = border},
             .band_rows = band_rows},
            random);
      }
    }
  }
}

// Windows without a network, and images smaller than their windows.
TYPED_TEST(WindowMedianTest, IsTheMiddleForOtherWindows) {
  std::mt19937 random(3);
  const std::vector<WindowSize> windows = {{1, 1}, {1, 3},   {5, 1},
                                           {3, 5}, {17, 17}, {15, 13}};
  for (const BorderMode border : kBorders) {
    for (const WindowSize& window : windows) {
      for (const ImageShape& shape :
           {ImageShape{1, 1, 1}, ImageShape{1, 9, 2}, ImageShape{9, 1, 3},
            ImageShape{23, 19, 4}, ImageShape{40, 6, 1}}) {
        Check<TypeParam>({.shape = shape,
                          .options = {.window = window, .border = border},
                          .band_rows = 7,
                          .padding = 1},
                         random);
      }
    }
    for (uint32_t side = 3; side <= 9; side += 2) {
      for (uint32_t width = 1; width <= side; ++width) {
        for (const uint32_t height : {1U, side / 2, side}) {
          Check<TypeParam>(
              {.shape = {width, height, 2},
               .options = {.window = {side, side}, .border = border},
               .band_rows = 2},
              random);
        }
      }
    }
  }
}

TEST(FloatMedianTest, LeavesNanOutAndKeepsInfinities) {
  std::mt19937 random(4);
  for (uint32_t side = 3; side <= kLargestNetworkWindow; side += 2) {
    for (const BorderMode border : kBorders) {
      for (const unsigned unusual : {1U, 30U, 500U, 1000U}) {
        Check<float>(
            {.shape = {.width = side + static_cast<uint32_t>(random() % 40),
                       .height = side + static_cast<uint32_t>(random() % 10),
                       .channels = 1 + static_cast<uint32_t>(random() % 4)},
             .options = {.window = {side, side}, .border = border},
             .band_rows = 9,
             .unusual = unusual},
            random);
      }
    }
  }
}

// By whatever way a window goes: networks, clipped edges, NaN left out, ranks.
TEST(FloatMedianTest, ZerosHaveNoSignHoweverBandsAreCut) {
  std::mt19937 random(6);
  const auto below = [&](unsigned end) {
    return static_cast<uint32_t>(random() % end);
  };
  for (uint32_t side = 1; side <= kLargestNetworkWindow + 2; side += 2) {
    for (const BorderMode border : kBorders) {
      for (const unsigned unusual : {0U, 2U, 100U, 900U}) {
        Check<float>({.shape = {.width = side + below(70),
                                .height = side + below(30),
                                .channels = 1 + below(4)},
                      .options = {.window = {side, side}, .border = border},
                      .band_rows = 1 + below(20),
                      .unusual = unusual,
                      .is_near_zero = true},
                     random);
      }
    }
  }
}

// One NaN in each place must be found, wherever it is.
TEST(FloatMedianTest, FindsEveryNan) {
  const ImageShape shape = {.width = 24, .height = 9, .channels = 1};
  const GuardedImage<float> source(shape, 0, true);
  const GuardedImage<float> target(shape, 0, true);
  for (const uint32_t side : {3U, 7U}) {
    const Case c = {.shape = shape, .options = {.window = {side, side}}};
    for (size_t place = 0; place < source.samples().size(); ++place) {
      std::fill(source.samples().begin(), source.samples().end(), 2.0F);
      source.samples()[place] = std::numeric_limits<float>::quiet_NaN();
      RunInBands<float>(c, source.view(), target.view());
      for (const float median : target.samples()) ASSERT_EQ(median, 2.0F);
    }
  }
}

// A network of minima and maxima that is right for all zeros and ones is right
// for all values (Knuth, "The Art of Computer Programming", volume 3, the 0-1
// principle). Each sample of a row is in a window of its own.
class NetworkTest : public ::testing::Test {
 protected:
  static constexpr size_t kWindows = 64;

  void Run(size_t side, const std::vector<std::vector<uint8_t>>& rows) {
    std::vector<const uint8_t*> source;
    for (const std::vector<uint8_t>& row : rows) source.push_back(row.data());
    source.resize(2 * NetworkRows<uint8_t>::kRowMultiple + side - 1,
                  source.back());
    std::vector<uint8_t*> target;
    for (std::vector<uint8_t>& row : medians_) target.push_back(row.data());
    MediansOfRows(NetworkRows<uint8_t>{.side = side,
                                       .step = kWindows,
                                       .samples = kWindows,
                                       .rows = medians_.size(),
                                       .source = source.data(),
                                       .target = target.data()},
                  scratch_);
  }

  // As many rows as the networks work on together.
  std::vector<std::vector<uint8_t>> medians_ =
      std::vector<std::vector<uint8_t>>(8, std::vector<uint8_t>(kWindows));
  alignas(kAlignment) std::byte
      scratch_[NetworkScratchVectors(kLargestNetworkWindow) * kAlignment];
};

TEST_F(NetworkTest, IsRightForAllZerosAndOnesOfThreeByThree) {
  constexpr size_t kSide = 3;
  OnEveryTarget([&] {
    for (unsigned first = 0; first < 512; first += kWindows) {
      std::vector<std::vector<uint8_t>> rows(
          medians_.size() + kSide - 1, std::vector<uint8_t>(kSide * kWindows));
      for (size_t row = 0; row < rows.size(); ++row) {
        for (size_t i = 0; i < rows[row].size(); ++i) {
          const size_t bits = first + i % kWindows;
          rows[row][i] = bits >> (row % kSide * kSide + i / kWindows) & 1;
        }
      }
      Run(kSide, rows);
      for (const std::vector<uint8_t>& row : medians_) {
        for (size_t i = 0; i < kWindows; ++i) {
          ASSERT_EQ(row[i], std::popcount(first + i) > 4 ? 1 : 0) << first + i;
        }
      }
    }
  });
}

// Only windows with one more of either kind than of the other are hard.
TEST_F(NetworkTest, IsRightForHardZerosAndOnes) {
  constexpr int kRounds = 300;
  OnEveryTarget([&] {
    std::mt19937 random(5);
    for (size_t side = 3; side <= kLargestNetworkWindow; side += 2) {
      const size_t samples = side * side;
      for (int round = 0; round < kRounds; ++round) {
        // Rows repeat with period `side`, so all windows of a column hold the
        // same samples.
        std::vector<std::vector<uint8_t>> rows(
            medians_.size() + side - 1, std::vector<uint8_t>(side * kWindows));
        std::vector<uint8_t> expected(kWindows);
        for (size_t window = 0; window < kWindows; ++window) {
          expected[window] = random() % 2;
          std::vector<uint8_t> bits(samples, 0);
          std::fill_n(bits.begin(), samples / 2 + expected[window], 1);
          std::shuffle(bits.begin(), bits.end(), random);
          for (size_t row = 0; row < rows.size(); ++row) {
            for (size_t u = 0; u < side; ++u) {
              rows[row][u * kWindows + window] = bits[row % side * side + u];
            }
          }
        }
        Run(side, rows);
        for (const std::vector<uint8_t>& row : medians_) {
          ASSERT_EQ(row, expected) << "window " << side;
        }
      }
    }
  });
}

}  // namespace
}  // namespace imageadapt
