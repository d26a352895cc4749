// Every size of pixel on every kind of processor, against moving pixel by
// pixel.
#include "imageadapt/kernels/pixel_moves.h"

#include <gtest/gtest.h>

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

struct Case {
  size_t pixel_bytes = 1;
  size_t width = 1;
  size_t height = 1;
  size_t padding = 0;  // bytes between rows of both images
  bool mirrors_source = false;
  bool mirrors_target = false;
  bool guards_end = true;
};

void CheckTransposition(const Case& c, std::mt19937& random) {
  const size_t source_stride = c.width * c.pixel_bytes + c.padding;
  const size_t target_stride = c.height * c.pixel_bytes + c.padding;
  const size_t source_size = source_stride * c.height - c.padding;
  const size_t target_size = target_stride * c.width - c.padding;
  const GuardedBytes source(source_size, c.guards_end);
  const GuardedBytes target(target_size, c.guards_end);
  for (size_t i = 0; i < source_size; ++i) {
    source.data()[i] = static_cast<uint8_t>(random());
  }
  std::memset(target.data(), 0xa5, target_size);

  std::vector<uint8_t> expected(target_size, 0xa5);
  for (size_t y = 0; y < c.height; ++y) {
    for (size_t x = 0; x < c.width; ++x) {
      const size_t from = c.mirrors_source ? c.height - 1 - y : y;
      const size_t to = c.mirrors_target ? c.width - 1 - x : x;
      std::memcpy(&expected[to * target_stride + y * c.pixel_bytes],
                  source.data() + from * source_stride + x * c.pixel_bytes,
                  c.pixel_bytes);
    }
  }

  PixelTransposition plan = {
      .source = source.data(),
      .source_stride = static_cast<ptrdiff_t>(source_stride),
      .source_width = c.width,
      .source_height = c.height,
      .target = target.data(),
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
  EXPECT_EQ(std::memcmp(target.data(), expected.data(), target_size), 0)
      << c.width << " x " << c.height << " pixels of " << c.pixel_bytes
      << " bytes, padding " << c.padding;
}

TEST(PixelMovesTest, TransposesEverySizeAroundTheBlocks) {
  OnEveryTarget([] {
    std::mt19937 random(1);
    for (const size_t pixel_bytes : kPixelSizes) {
      for (size_t width = 1; width <= 37; ++width) {
        for (size_t height = 1; height <= 37; ++height) {
          CheckTransposition({.pixel_bytes = pixel_bytes,
                              .width = width,
                              .height = height,
                              .padding = (width + height) % 3,
                              .mirrors_source = width % 2 == 0,
                              .mirrors_target = height % 2 == 0,
                              .guards_end = (width / 2 + height) % 2 == 0},
                             random);
        }
      }
    }
  });
}

TEST(PixelMovesTest, TransposesRandomSizesBeyondABand) {
  constexpr unsigned kSeed = 7;
  OnEveryTarget([] {
    std::mt19937 random(kSeed);
    for (int i = 0; i < 400; ++i) {
      CheckTransposition({.pixel_bytes = kPixelSizes[random() % 8],
                          .width = 1 + random() % 300,
                          .height = 1 + random() % 300,
                          .padding = random() % 70,
                          .mirrors_source = random() % 2 == 0,
                          .mirrors_target = random() % 2 == 0,
                          .guards_end = random() % 2 == 0},
                         random);
    }
  });
}

TEST(PixelMovesTest, ReversesRowsOfEveryLength) {
  OnEveryTarget([] {
    std::mt19937 random(2);
    for (const size_t pixel_bytes : kPixelSizes) {
      for (size_t width = 1; width <= 80; ++width) {
        for (const bool at_end : {false, true}) {
          const size_t size = width * pixel_bytes;
          const GuardedBytes source(size, at_end);
          const GuardedBytes target(size, at_end);
          std::vector<uint8_t> expected(size);
          for (size_t i = 0; i < size; ++i) {
            source.data()[i] = static_cast<uint8_t>(random());
          }
          for (size_t x = 0; x < width; ++x) {
            std::memcpy(&expected[x * pixel_bytes],
                        source.data() + (width - 1 - x) * pixel_bytes,
                        pixel_bytes);
          }
          ReversePixels(pixel_bytes, source.data(), width, target.data());
          EXPECT_EQ(std::memcmp(target.data(), expected.data(), size), 0)
              << width << " pixels of " << pixel_bytes << " bytes";
        }
      }
    }
  });
}

}  // namespace
}  // namespace imageadapt
