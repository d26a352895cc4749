// Every size of pixel on every kind of processor, against moving pixel by
// pixel.
#include "imageadapt/kernels/pixel_moves.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/guarded_bytes.h"

namespace imageadapt {
namespace {

using testing::GuardedBytes;
using testing::OnEveryTarget;

constexpr size_t kPixelSizes[] = {1, 2, 3, 4, 6, 8, 12, 16};

// Guarded memory for one image after another: mapping it anew for each would
// take most of the time.
class Arena {
 public:
  // `size` bytes that end (or begin) at a guarded page.
  uint8_t* Take(size_t size, bool at_end) const {
    EXPECT_LE(size, kBytes);
    return at_end ? at_end_.data() + kBytes - size : at_begin_.data();
  }

 private:
  static constexpr size_t kBytes = size_t{4} << 20;
  const GuardedBytes at_end_{kBytes, true};
  const GuardedBytes at_begin_{kBytes, false};
};

struct Case {
  size_t pixel_bytes = 1;
  size_t width = 1;
  size_t height = 1;
  size_t padding = 0;  // bytes between rows of both images
  bool mirrors_source = false;
  bool mirrors_target = false;
  bool guards_end = true;
};

void CheckTransposition(const Case& c, const Arena& sources,
                        const Arena& targets, std::mt19937& random) {
  const size_t source_stride = c.width * c.pixel_bytes + c.padding;
  const size_t target_stride = c.height * c.pixel_bytes + c.padding;
  const size_t source_size = source_stride * c.height - c.padding;
  const size_t target_size = target_stride * c.width - c.padding;
  uint8_t* const source = sources.Take(source_size, c.guards_end);
  uint8_t* const target = targets.Take(target_size, c.guards_end);
  for (size_t i = 0; i < source_size; ++i) {
    source[i] = static_cast<uint8_t>(random());
  }
  std::memset(target, 0xa5, target_size);

  std::vector<uint8_t> expected(target_size, 0xa5);
  for (size_t y = 0; y < c.height; ++y) {
    for (size_t x = 0; x < c.width; ++x) {
      const size_t from = c.mirrors_source ? c.height - 1 - y : y;
      const size_t to = c.mirrors_target ? c.width - 1 - x : x;
      std::memcpy(&expected[to * target_stride + y * c.pixel_bytes],
                  source + from * source_stride + x * c.pixel_bytes,
                  c.pixel_bytes);
    }
  }

  PixelTransposition plan = {
      .source = source,
      .source_stride = static_cast<ptrdiff_t>(source_stride),
      .source_width = c.width,
      .source_height = c.height,
      .target = target,
      .target_stride = static_cast<ptrdiff_t>(target_stride)};
  if (c.mirrors_source) {
    plan.source += (c.height - 1) * source_stride;
    plan.source_stride = -plan.source_stride;
  }
  if (c.mirrors_target) {
    plan.target += (c.width - 1) * target_stride;
    plan.target_stride = -plan.target_stride;
  }
  TransposePixels(c.pixel_bytes, plan);
  EXPECT_EQ(std::memcmp(target, expected.data(), target_size), 0)
      << c.width << " x " << c.height << " pixels of " << c.pixel_bytes
      << " bytes, padding " << c.padding;
}

TEST(PixelMovesTest, TransposesEverySizeAroundTheBlocks) {
  const Arena sources;
  const Arena targets;
  OnEveryTarget([&] {
    std::mt19937 random(1);
    for (const size_t pixel_bytes : kPixelSizes) {
      for (size_t width = 1; width <= 37; ++width) {
        // Around one and two blocks, and around four.
        for (size_t height = 1; height <= 68; height += height == 37 ? 23 : 1) {
          CheckTransposition({.pixel_bytes = pixel_bytes,
                              .width = width,
                              .height = height,
                              .padding = (width + height) % 3,
                              .mirrors_source = width % 2 == 0,
                              .mirrors_target = height % 2 == 0,
                              .guards_end = (width / 2 + height) % 2 == 0},
                             sources, targets, random);
        }
      }
    }
  });
}

TEST(PixelMovesTest, TransposesRandomSizesBeyondABand) {
  constexpr unsigned kSeed = 7;
  const Arena sources;
  const Arena targets;
  OnEveryTarget([&] {
    std::mt19937 random(kSeed);
    for (int i = 0; i < 400; ++i) {
      CheckTransposition({.pixel_bytes = kPixelSizes[random() % 8],
                          .width = 1 + random() % 300,
                          .height = 1 + random() % 300,
                          .padding = random() % 70,
                          .mirrors_source = random() % 2 == 0,
                          .mirrors_target = random() % 2 == 0,
                          .guards_end = random() % 2 == 0},
                         sources, targets, random);
    }
  });
}

// Targets whose rows fall into the same sets of a cache.
TEST(PixelMovesTest, TransposesToStridesOfPowersOfTwo) {
  const Arena sources;
  const Arena targets;
  OnEveryTarget([&] {
    std::mt19937 random(9);
    for (const size_t pixel_bytes : kPixelSizes) {
      for (size_t i = 0; i < 24; ++i) {
        const size_t stride = (i % 3 == 2 ? 4096 : 2048) * (1 + i % 2);
        // Rows of pixels, not all of which fill the stride.
        const size_t height =
            stride / pixel_bytes - (i < 6 ? 0 : random() % 99);
        CheckTransposition({.pixel_bytes = pixel_bytes,
                            .width = 1 + random() % 130,
                            .height = height,
                            .padding = stride - height * pixel_bytes,
                            .mirrors_source = i % 4 < 2,
                            .mirrors_target = i % 8 < 4,
                            .guards_end = random() % 2 == 0},
                           sources, targets, random);
      }
    }
  });
}

TEST(PixelMovesTest, ReversesRowsOfEveryLength) {
  const Arena sources;
  const Arena targets;
  OnEveryTarget([&] {
    std::mt19937 random(2);
    for (const size_t pixel_bytes : kPixelSizes) {
      for (size_t width = 1; width <= 80; ++width) {
        for (const bool at_end : {false, true}) {
          const size_t size = width * pixel_bytes;
          uint8_t* const source = sources.Take(size, at_end);
          uint8_t* const target = targets.Take(size, at_end);
          std::vector<uint8_t> expected(size);
          for (size_t i = 0; i < size; ++i) {
            source[i] = static_cast<uint8_t>(random());
          }
          for (size_t x = 0; x < width; ++x) {
            std::memcpy(&expected[x * pixel_bytes],
                        source + (width - 1 - x) * pixel_bytes, pixel_bytes);
          }
          const auto stride = static_cast<ptrdiff_t>(size);
          ReversePixels(pixel_bytes, {.source = source,
                                      .source_stride = stride,
                                      .width = width,
                                      .height = 1,
                                      .target = target,
                                      .target_stride = stride});
          EXPECT_EQ(std::memcmp(target, expected.data(), size), 0)
              << width << " pixels of " << pixel_bytes << " bytes";
        }
      }
    }
  });
}

// Ends of rows that other pixels follow closely: between `a` and `b`, and
// around both, bytes stay as they are.
TEST(PixelMovesTest, SwapsRowsOfEveryLengthReversed) {
  const Arena arena;
  OnEveryTarget([&] {
    std::mt19937 random(3);
    for (const size_t pixel_bytes : kPixelSizes) {
      for (size_t width = 0; width <= 150; width += width < 40 ? 1 : 5) {
        const size_t row = width * pixel_bytes;
        const size_t gap = width % 3;
        const size_t size = 2 * row + gap;
        uint8_t* const rows = arena.Take(size, width % 2 == 0);
        std::vector<uint8_t> expected(size);
        for (size_t i = 0; i < size; ++i) {
          rows[i] = expected[i] = static_cast<uint8_t>(random());
        }
        for (size_t x = 0; x < width; ++x) {
          const size_t a = x * pixel_bytes;
          const size_t b = size - a - pixel_bytes;
          std::swap_ranges(&expected[a], &expected[a] + pixel_bytes,
                           &expected[b]);
        }
        SwapReversedPixels(pixel_bytes, rows, rows + row + gap, width);
        EXPECT_TRUE(std::equal(expected.begin(), expected.end(), rows))
            << width << " pixels of " << pixel_bytes << " bytes";
      }
    }
  });
}

TEST(PixelMovesTest, ReversesRowsWithPaddingAndBackwards) {
  OnEveryTarget([] {
    // The long rows are longer than the distance at which lines are fetched.
    for (const size_t pixel_bytes : kPixelSizes) {
      for (const size_t width : {size_t{37}, 9001 / pixel_bytes}) {
        constexpr size_t kHeight = 5;
        const size_t row = width * pixel_bytes;
        const size_t stride = row + 9;
        std::vector<uint8_t> source(stride * kHeight);
        std::vector<uint8_t> target(stride * kHeight, 0xa5);
        std::vector<uint8_t> expected = target;
        std::mt19937 random(5);
        for (uint8_t& byte : source) byte = static_cast<uint8_t>(random());
        for (size_t y = 0; y < kHeight; ++y) {
          for (size_t x = 0; x < width; ++x) {
            std::memcpy(&expected[y * stride + x * pixel_bytes],
                        &source[(kHeight - 1 - y) * stride +
                                (width - 1 - x) * pixel_bytes],
                        pixel_bytes);
          }
        }
        ReversePixels(pixel_bytes,
                      {.source = &source[(kHeight - 1) * stride],
                       .source_stride = -static_cast<ptrdiff_t>(stride),
                       .width = width,
                       .height = kHeight,
                       .target = target.data(),
                       .target_stride = static_cast<ptrdiff_t>(stride)});
        EXPECT_EQ(target, expected) << pixel_bytes << ", " << width;
      }
    }
  });
}

TEST(PixelMovesTest, SwapsBytes) {
  const Arena arena;
  OnEveryTarget([&] {
    std::mt19937 random(4);
    for (size_t size = 0; size <= 300; ++size) {
      uint8_t* const rows = arena.Take(2 * size, size % 2 == 0);
      std::vector<uint8_t> expected(2 * size);
      for (size_t i = 0; i < 2 * size; ++i) {
        rows[i] = static_cast<uint8_t>(random());
        expected[(i + size) % (2 * size)] = rows[i];
      }
      SwapBytes(rows, rows + size, size);
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), rows)) << size;
    }
  });
}

}  // namespace
}  // namespace imageadapt
