#include "imageadapt/codecs/png_filter.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <vector>

#include "imageadapt/testing/every_target.h"

namespace imageadapt {
namespace {

constexpr size_t kPixelBytes[] = {1, 2, 3, 4, 6, 8};

using Bytes = std::vector<uint8_t>;

// As the specification writes it.
int Predicted(int filter, int a, int b, int c) {
  const int p = a + b - c;
  const int pa = std::abs(p - a);
  const int pb = std::abs(p - b);
  const int pc = std::abs(p - c);
  switch (filter) {
    case 1:
      return a;
    case 2:
      return b;
    case 3:
      return (a + b) / 2;
    case 4:
      return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    default:
      return 0;
  }
}

Bytes Filtered(int filter, const Bytes& row, const Bytes& above, size_t bpp) {
  Bytes target(row.size());
  for (size_t i = 0; i < row.size(); ++i) {
    const int a = i < bpp ? 0 : row[i - bpp];
    const int c = i < bpp ? 0 : above[i - bpp];
    target[i] =
        static_cast<uint8_t>(row[i] - Predicted(filter, a, above[i], c));
  }
  return target;
}

Bytes Random(size_t size, int spread, std::mt19937& random) {
  Bytes bytes(size);
  const int base = static_cast<int>(random() % 256);
  for (uint8_t& byte : bytes) {
    byte = static_cast<uint8_t>(base + static_cast<int>(random()) % spread);
  }
  return bytes;
}

template <typename Work>
void ForRows(Work&& work) {
  std::mt19937 random(4);
  for (const size_t bpp : kPixelBytes) {
    for (size_t pixels = 1; pixels < 70; ++pixels) {
      // Both all values, and the near ones where ties are frequent.
      for (const int spread : {256, 4}) {
        work(Random(pixels * bpp, spread, random),
             Random(pixels * bpp, spread, random), bpp);
      }
    }
  }
}

TEST(PngFilterTest, DifferencesAreThoseOfTheSpecification) {
  testing::OnEveryTarget([] {
    ForRows([](const Bytes& row, const Bytes& above, size_t bpp) {
      for (int filter = 0; filter < kPngFilters; ++filter) {
        Bytes target(row.size());
        ApplyPngFilter(static_cast<PngFilter>(filter), row, above, bpp, target);
        ASSERT_EQ(target, Filtered(filter, row, above, bpp))
            << filter << ", " << bpp << ", " << row.size();
      }
    });
  });
}

TEST(PngFilterTest, SamplesComeBack) {
  testing::OnEveryTarget([] {
    ForRows([](const Bytes& row, const Bytes& above, size_t bpp) {
      for (int filter = 0; filter < kPngFilters; ++filter) {
        Bytes back = Filtered(filter, row, above, bpp);
        UndoPngFilter(static_cast<PngFilter>(filter), back, above, bpp);
        ASSERT_EQ(back, row) << filter << ", " << bpp << ", " << row.size();
      }
    });
  });
}

TEST(PngFilterTest, TheBestHasTheLeastSum) {
  testing::OnEveryTarget([] {
    ForRows([](const Bytes& row, const Bytes& above, size_t bpp) {
      int best = 0;
      uint64_t least = UINT64_MAX;
      for (int filter = 0; filter < kPngFilters; ++filter) {
        uint64_t sum = 0;
        for (const uint8_t byte : Filtered(filter, row, above, bpp)) {
          sum += byte < 128 ? byte : 256u - byte;
        }
        if (sum < least) {
          least = sum;
          best = filter;
        }
      }
      ASSERT_EQ(static_cast<int>(BestPngFilter(row, above, bpp)), best);
    });
  });
}

TEST(PngFilterTest, PaethIsThatOfTheSpecificationForAllNeighbours) {
  testing::OnEveryTarget([] {
    // Pixels of 1 byte: left and corner of byte i are those of i - 1, so only
    // every second byte is looked at.
    Bytes row(2 * 256);
    Bytes above(2 * 256);
    Bytes target(row.size());
    for (int a = 0; a < 256; ++a) {
      for (int c = 0; c < 256; ++c) {
        for (int b = 0; b < 256; ++b) {
          row[2 * b] = static_cast<uint8_t>(a);
          above[2 * b] = static_cast<uint8_t>(c);
          row[2 * b + 1] = 0;
          above[2 * b + 1] = static_cast<uint8_t>(b);
        }
        ApplyPngFilter(PngFilter::kPaeth, row, above, 1, target);
        for (int b = 0; b < 256; ++b) {
          ASSERT_EQ(static_cast<uint8_t>(-target[2 * b + 1]),
                    Predicted(4, a, b, c));
        }
      }
    }
  });
}

}  // namespace
}  // namespace imageadapt
