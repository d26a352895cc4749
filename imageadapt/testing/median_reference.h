// Medians the obvious way, and the images to compare others with them.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_TESTING_MEDIAN_REFERENCE_H_
#define IMAGEADAPT_TESTING_MEDIAN_REFERENCE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/median_options.h"
#include "imageadapt/testing/guarded_bytes.h"

namespace imageadapt::testing {

// The samples of the window of one channel around (x, y), without NaN.
template <typename T>
std::vector<T> WindowSamples(ImageView<const T> image,
                             const MedianOptions& options, uint32_t x,
                             uint32_t y, uint32_t channel) {
  const ImageShape& shape = image.shape();
  // Positions along one axis that the window sees.
  const auto seen = [&](uint32_t middle, uint32_t side, uint32_t length) {
    std::vector<uint32_t> positions;
    const int64_t radius = side / 2;
    for (int64_t at = middle - radius; at <= middle + radius; ++at) {
      if (options.border == BorderMode::kClip) {
        if (at < 0 || at >= length) continue;
        positions.push_back(static_cast<uint32_t>(at));
      } else {
        positions.push_back(BorderPosition(at, length, options.border));
      }
    }
    return positions;
  };
  const std::vector<uint32_t> columns =
      seen(x, options.window.width, shape.width);
  std::vector<T> samples;
  for (const uint32_t row : seen(y, options.window.height, shape.height)) {
    for (const uint32_t column : columns) {
      const T sample =
          image.row(row)[size_t{column} * shape.channels + channel];
      if (sample == sample) samples.push_back(sample);  // NOLINT: not a NaN
    }
  }
  return samples;
}

// The lower median, without a sign if it is zero; NaN for floats if there is
// none.
template <typename T>
T LowerMedian(std::vector<T> samples) {
  if (samples.empty()) return std::numeric_limits<T>::quiet_NaN();
  const auto middle =
      samples.begin() + static_cast<ptrdiff_t>((samples.size() - 1) / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle == T{0} ? T{0} : *middle;
}

// What kinds of images medians are compared on.
enum class MedianTestImage : uint8_t {
  kConstant,
  kTwoValues,
  kFewValues,
  kRamp,
  kSmooth,  // and a little noise
  kFullRange,
  kWithNans,       // floats: also infinities and zeros of both signs
  kMostlyNans,     // floats
  kFewMagnitudes,  // floats: all exponents
};

template <typename T>
T MedianTestSample(MedianTestImage kind, uint32_t x, uint32_t y,
                   std::mt19937& random) {
  constexpr bool kFloat = std::is_same_v<T, float>;
  const double largest =
      kFloat ? 1.0 : static_cast<double>(std::numeric_limits<T>::max());
  const auto part = [&](double fraction) {  // of the range
    return static_cast<T>(std::clamp(fraction, 0.0, 1.0) * largest);
  };
  const double uniform = std::uniform_real_distribution<double>()(random);
  switch (kind) {
    case MedianTestImage::kConstant:
      return part(1);
    case MedianTestImage::kTwoValues:
      return random() % 2 == 0 ? part(0) : part(1);
    case MedianTestImage::kFewValues:
      return part(0.13 * static_cast<double>(random() % 5));
    case MedianTestImage::kRamp:
      return part(0.003 * x + 0.005 * y);
    case MedianTestImage::kSmooth:
      return part(0.5 + 0.3 * std::sin(0.05 * x) * std::cos(0.07 * y) +
                  0.05 * uniform);
    case MedianTestImage::kFullRange:
      break;
    case MedianTestImage::kWithNans:
    case MedianTestImage::kMostlyNans:
      if constexpr (kFloat) {
        if (random() % 16 < (kind == MedianTestImage::kWithNans ? 3 : 15)) {
          return random() % 2 == 0 ? std::numeric_limits<T>::quiet_NaN()
                                   : -std::numeric_limits<T>::quiet_NaN();
        }
        if (random() % 4 == 0) {
          const T sign = random() % 2 == 0 ? T{1} : T{-1};
          return random() % 2 == 0 ? sign * std::numeric_limits<T>::infinity()
                                   : sign * T{0};
        }
        return static_cast<T>(uniform - 0.5);
      }
      break;
    case MedianTestImage::kFewMagnitudes:
      if constexpr (kFloat) {
        const T number = std::bit_cast<T>(static_cast<uint32_t>(random()));
        return std::isnan(number) ? T{0} : number;
      }
      break;
  }
  return part(uniform);
}

// Scratch of `size` bytes that end, but for alignment, at a guarded page. Valid
// until the next call.
inline std::span<std::byte> GuardedScratch(size_t size) {
  constexpr size_t kAlignment = 64;
  static size_t held_size = 0;
  static std::optional<GuardedBytes> held;
  if (size > held_size) {
    held_size = (size + kAlignment - 1) / kAlignment * kAlignment;
    held.emplace(held_size, true);
  }
  const size_t skipped = (held_size - size) / kAlignment * kAlignment;
  return {reinterpret_cast<std::byte*>(held->data()) + skipped, size};
}

struct MedianCase {
  ImageShape shape;
  MedianOptions options;
  MedianTestImage image = MedianTestImage::kFullRange;
  size_t padding = 0;  // samples between rows of both images
  uint32_t band_rows = std::numeric_limits<uint32_t>::max();  // per call
  bool guards_end = true;
  size_t probes = std::numeric_limits<size_t>::max();  // samples checked

  std::string Name() const {
    const auto text = [](auto number) { return std::to_string(number); };
    return text(shape.width) + " x " + text(shape.height) + " x " +
           text(shape.channels) + ", window " + text(options.window.width) +
           " x " + text(options.window.height) + ", border " +
           text(static_cast<int>(options.border)) + ", image " +
           text(static_cast<int>(image)) + ", padding " + text(padding) +
           ", bands of " + text(band_rows);
  }
};

// Calls median(source, options, target) for bands of an image, each with just
// the rows that it needs, between pages that cannot be touched.
template <typename T, typename Median>
void CheckMedian(const MedianCase& c, std::mt19937& random, Median&& median) {
  SCOPED_TRACE(c.Name());
  const size_t stride = RowSamples(c.shape) + c.padding;
  const size_t samples = stride * c.shape.height - c.padding;
  const GuardedBytes source_bytes(samples * sizeof(T), c.guards_end);
  const GuardedBytes target_bytes(samples * sizeof(T), c.guards_end);
  auto* const first = reinterpret_cast<T*>(source_bytes.data());
  const ImageView<T> source(first, c.shape, stride);
  const ImageView<T> target(reinterpret_cast<T*>(target_bytes.data()), c.shape,
                            stride);
  for (uint32_t y = 0; y < c.shape.height; ++y) {
    const std::span<T> row = source.row(y);
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = MedianTestSample<T>(
          c.image, static_cast<uint32_t>(i / c.shape.channels), y, random);
    }
  }
  std::memset(target_bytes.data(), 0xa5, samples * sizeof(T));

  const uint32_t radius = c.options.window.height / 2;
  for (uint32_t y = 0; y < c.shape.height;) {
    const uint32_t rows = std::min(c.band_rows, c.shape.height - y);
    // What borders repeat lies as near to an edge as the window goes beyond it.
    uint32_t from = y - std::min(y, radius);
    uint32_t end = std::min(y + rows + radius, c.shape.height);
    if (c.options.border == BorderMode::kReflect101) {
      for (int64_t at = int64_t{y} - radius; at < int64_t{y} + rows + radius;
           ++at) {
        const uint32_t row =
            BorderPosition(at, c.shape.height, c.options.border);
        from = std::min(from, row);
        end = std::max(end, row + 1);
      }
    }
    median(RowBand<ImageView<const T>>{.rows = ImageView<const T>(source).Rows(
                                           from, end - from),
                                       .first_row = from,
                                       .image_height = c.shape.height},
           c.options,
           RowBand<ImageView<T>>{.rows = target.Rows(y, rows),
                                 .first_row = y,
                                 .image_height = c.shape.height});
    y += rows;
  }

  const size_t total = RowSamples(c.shape) * c.shape.height;
  for (size_t i = 0; i < std::min(total, c.probes); ++i) {
    const size_t at = c.probes < total ? random() % total : i;
    const auto y = static_cast<uint32_t>(at / RowSamples(c.shape));
    const size_t in_row = at % RowSamples(c.shape);
    const auto x = static_cast<uint32_t>(in_row / c.shape.channels);
    const auto channel = static_cast<uint32_t>(in_row % c.shape.channels);
    const T wanted =
        LowerMedian(WindowSamples<T>(source, c.options, x, y, channel));
    const T got = target.row(y)[in_row];
    if (wanted != wanted) {                       // NOLINT: a NaN
      ASSERT_TRUE(got != got) << x << ", " << y;  // NOLINT
    } else {
      ASSERT_EQ(got, wanted) << x << ", " << y << ", channel " << channel;
      ASSERT_EQ(std::memcmp(&got, &wanted, sizeof(T)), 0)
          << got << ": the sign of zero, " << x << ", " << y;
    }
  }
  // What stands between rows stays as it is.
  const uint8_t* const bytes = target_bytes.data();
  for (uint32_t y = 0; y + 1 < c.shape.height; ++y) {
    for (size_t i = 0; i < c.padding * sizeof(T); ++i) {
      ASSERT_EQ(bytes[(y * stride + RowSamples(c.shape)) * sizeof(T) + i], 0xa5)
          << y;
    }
  }
}

// Everything that can go wrong with medians of T: windows of every shape,
// borders, channels, bands, padding, kinds of samples.
template <typename T, typename Median>
void CheckMedianCases(Median&& median) {
  constexpr unsigned kSeed = 11;
  std::mt19937 random(kSeed);
  constexpr WindowSize kWindows[] = {
      {.width = 1, .height = 1},   {.width = 3, .height = 3},
      {.width = 1, .height = 9},   {.width = 9, .height = 1},
      {.width = 15, .height = 15}, {.width = 17, .height = 15},
      {.width = 31, .height = 5},  {.width = 5, .height = 31},
      {.width = 101, .height = 3}, {.width = 3, .height = 101}};
  constexpr ImageShape kShapes[] = {{.width = 1, .height = 1},
                                    {.width = 1, .height = 40},
                                    {.width = 43, .height = 1},
                                    {.width = 2, .height = 3},
                                    {.width = 37, .height = 21}};
  constexpr MedianTestImage kImages[] = {
      MedianTestImage::kConstant,     MedianTestImage::kTwoValues,
      MedianTestImage::kFewValues,    MedianTestImage::kRamp,
      MedianTestImage::kSmooth,       MedianTestImage::kFullRange,
      MedianTestImage::kWithNans,     MedianTestImage::kMostlyNans,
      MedianTestImage::kFewMagnitudes};
  constexpr BorderMode kBorders[] = {BorderMode::kClip, BorderMode::kReplicate,
                                     BorderMode::kReflect101};
  size_t turn = 0;
  for (const WindowSize window : kWindows) {
    for (const BorderMode border : kBorders) {
      for (ImageShape shape : kShapes) {
        for (uint32_t channels = 1; channels <= 4; ++channels) {
          shape.channels = channels;
          ++turn;
          CheckMedian<T>({.shape = shape,
                          .options = {.window = window, .border = border},
                          .image = kImages[turn % std::size(kImages)],
                          .padding = turn % 3,
                          .band_rows = turn % 2 == 0 ? shape.height : 7,
                          .guards_end = turn % 4 < 2,
                          .probes = 100},
                         random, median);
        }
      }
    }
  }
}

// Windows so large that only some of the medians can be checked.
template <typename T, typename Median>
void CheckLargeMedianCases(Median&& median) {
  constexpr unsigned kSeed = 12;
  std::mt19937 random(kSeed);
  const auto up_to = [&](uint32_t most) {
    return static_cast<uint32_t>(1 + random() % most);
  };
  constexpr WindowSize kWindows[] = {{.width = 101, .height = 101},
                                     {.width = 255, .height = 255},
                                     {.width = 255, .height = 31},
                                     {.width = 15, .height = 255}};
  for (const WindowSize window : kWindows) {
    for (const MedianTestImage image :
         {MedianTestImage::kTwoValues, MedianTestImage::kRamp,
          MedianTestImage::kSmooth, MedianTestImage::kFullRange,
          MedianTestImage::kWithNans, MedianTestImage::kMostlyNans}) {
      for (const BorderMode border : {BorderMode::kClip, BorderMode::kReplicate,
                                      BorderMode::kReflect101}) {
        CheckMedian<T>({.shape = {.width = up_to(150),
                                  .height = up_to(150),
                                  .channels = up_to(3)},
                        .options = {.window = window, .border = border},
                        .image = image,
                        .padding = random() % 2,
                        .band_rows = up_to(100),
                        .guards_end = random() % 2 == 0,
                        .probes = 6},
                       random, median);
      }
    }
  }
}

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_TESTING_MEDIAN_REFERENCE_H_
