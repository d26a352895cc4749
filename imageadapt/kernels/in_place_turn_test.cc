// In place against out of place, and the promises about memory.
#include "imageadapt/kernels/in_place_turn.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "imageadapt/kernels/in_place_transposition.h"
#include "imageadapt/kernels/quarter_turn.h"
#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/guarded_bytes.h"
#include "imageadapt/testing/heap_allocations.h"

namespace imageadapt {
namespace {

using testing::GuardedBytes;
using testing::HeapAllocations;
using testing::OnEveryTarget;
using Method = InPlacePlan::Method;

constexpr size_t kPixelSizes[] = {1, 2, 3, 4, 6, 8, 12, 16};
constexpr InPlaceMirror kMirrors[] = {
    InPlaceMirror::kNone, InPlaceMirror::kColumns, InPlaceMirror::kRows};

// Scratch whose neighbours may not be touched.
class Scratch {
 public:
  explicit Scratch(size_t size)
      : bytes_((size + 63) / 64 * 64, true), size_(size) {}
  std::span<std::byte> span() const {
    return {reinterpret_cast<std::byte*>(bytes_.data()), size_};
  }

 private:
  const GuardedBytes bytes_;
  const size_t size_;
};

struct Case {
  size_t pixel_bytes = 1;
  size_t width = 1;
  size_t height = 1;
  size_t padding = 0;
  size_t max_bytes = kInPlaceScratchBytes;
  bool guards_end = true;
};

// Bytes that differ from their neighbours, in images of any width.
void Fill(uint8_t* bytes, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<uint8_t>((i * 2654435761U) >> 13);
  }
}

void CheckTransposition(const Case& c, InPlaceMirror mirror) {
  const size_t stride = c.width * c.pixel_bytes + c.padding;
  const size_t size = stride * c.height - c.padding;
  const GuardedBytes image(size, c.guards_end);
  Fill(image.data(), size);
  const auto at = [&](size_t x, size_t y) {
    if (mirror == InPlaceMirror::kColumns) x = c.width - 1 - x;
    if (mirror == InPlaceMirror::kRows) y = c.height - 1 - y;
    return image.data() + y * stride + x * c.pixel_bytes;
  };
  std::vector<uint8_t> expected(c.width * c.height * c.pixel_bytes);
  uint8_t* to = expected.data();
  for (size_t x = 0; x < c.width; ++x) {
    for (size_t y = 0; y < c.height; ++y) {
      std::memcpy(to, at(x, y), c.pixel_bytes);
      to += c.pixel_bytes;
    }
  }

  const InPlacePlan plan =
      PlanInPlace(c.width, c.height, c.pixel_bytes, c.max_bytes);
  EXPECT_LE(plan.ScratchBytes(), c.max_bytes + plan.Chunks() / 8);
  const Scratch scratch(plan.ScratchBytes());
  const size_t before = HeapAllocations();
  TransposeInPlace(plan, mirror, image.data(), stride, scratch.span());
  EXPECT_EQ(HeapAllocations(), before);
  ASSERT_EQ(std::memcmp(image.data(), expected.data(), expected.size()), 0)
      << c.width << " x " << c.height << " pixels of " << c.pixel_bytes
      << " bytes, padding " << c.padding << ", method "
      << static_cast<int>(plan.method) << ", part " << plan.part << ", rest "
      << plan.rest << ", mirror " << static_cast<int>(mirror);
}

// Little scratch, so that small images take every way there is.
constexpr size_t kLittle = 4096;

TEST(InPlaceTurnTest, TransposesRandomSizesByEveryMethod) {
  OnEveryTarget([] {
    std::mt19937 random(11);
    size_t methods[5] = {};
    for (int i = 0; i < 600; ++i) {
      const size_t pixel_bytes = kPixelSizes[random() % 8];
      Case c = {.pixel_bytes = pixel_bytes,
                .width = 1 + random() % 150,
                .height = 1 + random() % 150,
                .padding = random() % 2 * (random() % 100) / 4 * 4,
                .max_bytes = kLittle,
                .guards_end = random() % 2 == 0};
      if (random() % 4 == 0) c.height = c.width;
      if (random() % 32 == 0) c.height = 1;
      CheckTransposition(c, kMirrors[random() % 3]);
      const InPlacePlan plan =
          PlanInPlace(c.width, c.height, c.pixel_bytes, c.max_bytes);
      ++methods[static_cast<size_t>(plan.method)];
    }
    for (const size_t count : methods) EXPECT_GT(count, 0U);
  });
}

// With as much scratch as there is.
TEST(InPlaceTurnTest, TransposesAwkwardSizes) {
  constexpr size_t kSizes[][2] = {
      {1, 700001}, {700001, 1}, {200003, 3}, {3, 200003}, {1009, 1013},
      {1024, 768}, {768, 1024}, {768, 768},  {751, 751},  {31, 30000},
  };
  OnEveryTarget([&] {
    size_t next = 0;
    for (const auto& [width, height] : kSizes) {
      CheckTransposition({.pixel_bytes = 3,
                          .width = width,
                          .height = height,
                          .padding = next % 5},
                         kMirrors[next % 3]);
      ++next;
    }
  });
}

// Rows and columns so long that not even a pair fits in the scratch.
TEST(InPlaceTurnTest, MovesSinglePixelsWhereNothingElseFits) {
  OnEveryTarget([] {
    for (const size_t padding : {size_t{0}, size_t{16}}) {
      for (const InPlaceMirror mirror : kMirrors) {
        const Case c = {.pixel_bytes = 16,
                        .width = 257,
                        .height = 263,
                        .padding = padding,
                        .max_bytes = kLittle};
        const InPlacePlan plan =
            PlanInPlace(c.width, c.height, c.pixel_bytes, c.max_bytes);
        EXPECT_EQ(plan.part, 1U);
        CheckTransposition(c, mirror);
      }
    }
  });
}

TEST(InPlaceTurnTest, ScratchIsBounded) {
  const auto check = [](uint32_t width, uint32_t height) {
    for (uint32_t channels = 1; channels <= 4; ++channels) {
      for (const SampleType type :
           {SampleType::kU8, SampleType::kU16, SampleType::kF32}) {
        const size_t pixel_bytes = channels * SampleBytes(type);
        const InPlacePlan plan = PlanInPlace(width, height, pixel_bytes);
        const size_t bytes = InPlaceTurnScratchBytes(
            {.shape = {width, height, channels}, .sample_type = type});
        EXPECT_LE(bytes, (size_t{3} << 19) + plan.Chunks() / 8)
            << width << " x " << height << " x " << pixel_bytes;
        // What a side of 15 KB leaves room for.
        const bool is_long = std::min(width, height) * pixel_bytes > 15000;
        if (plan.Chunks() > 0 && !is_long) {
          EXPECT_GE(plan.ChunkBytes(), 50U)
              << width << " x " << height << " x " << pixel_bytes;
        }
      }
    }
  };
  std::minstd_rand random(3);
  std::uniform_int_distribution<uint32_t> usual(1, 10000);
  std::uniform_int_distribution<uint32_t> narrow(1, 100);
  std::uniform_int_distribution<uint32_t> any(1, 1U << 31);
  for (int i = 0; i < 100; ++i) {
    check(usual(random), usual(random));
    check(narrow(random), any(random));
    check(any(random), any(random));
  }
  check(7919, 7907);
  check(100000, 3);
  check(1, 1U << 31);
  check(1U << 31, 1U << 31);
  check(1U << 31, (1U << 31) - 1);
}

// A typed image with rows `padding` samples longer than needed.
template <Sample T>
struct Padded {
  Padded(const ImageShape& shape, size_t padding)
      : stride(RowSamples(shape) + padding),
        bytes((stride * shape.height - padding) * sizeof(T), true),
        view(reinterpret_cast<T*>(bytes.data()), shape, stride) {
    Fill(bytes.data(), size());
  }
  size_t size() const {
    return (stride * (view.shape().height - 1) + RowSamples(view.shape())) *
           sizeof(T);
  }

  size_t stride;
  GuardedBytes bytes;
  ImageView<T> view;
};

template <Sample T>
bool Equal(const ImageView<T>& a, const ImageView<T>& b) {
  if (a.shape() != b.shape()) return false;
  for (uint32_t y = 0; y < a.shape().height; ++y) {
    if (std::memcmp(a.row(y).data(), b.row(y).data(), a.row(y).size_bytes()) !=
        0) {
      return false;
    }
  }
  return true;
}

ImageShape Turned(const ImageShape& shape) {
  return {
      .width = shape.height, .height = shape.width, .channels = shape.channels};
}

template <typename T>
class InPlaceTurnTypedTest : public ::testing::Test {
 protected:
  static void CheckTurns(const ImageShape& shape, size_t padding) {
    const Padded<T> source(shape, 0);
    const Scratch scratch(InPlaceTurnScratchBytes(
        {.shape = shape, .sample_type = kSampleTypeOf<T>}));
    for (const int turns : {0, 1, 3}) {
      const Padded<T> expected(Turned(shape), 0);
      const Padded<T> image(shape, padding);
      CopyRows(source.view, image.view);
      const ImageView<const T> from = source.view;
      const size_t before = HeapAllocations();
      ImageView<T> turned;
      if (turns == 0) {
        TransposeImage(from, WholeImage(expected.view));
        turned = TransposeInPlace(image.view, scratch.span());
      } else {
        QuarterTurn(from, turns, WholeImage(expected.view));
        turned = QuarterTurnInPlace(image.view, turns, scratch.span());
      }
      EXPECT_EQ(HeapAllocations(), before);
      EXPECT_EQ(turned.row(0).data(), image.view.row(0).data());
      EXPECT_TRUE(Equal(turned, expected.view))
          << shape.width << " x " << shape.height << " x " << shape.channels
          << ", " << turns << " turns";
    }
  }

  // Mirrors and half turns, and what stands between the rows.
  static void CheckMirrors(const ImageShape& shape, size_t padding) {
    const Padded<T> source(shape, padding);
    const ImageView<const T> from = source.view;
    for (const int which : {0, 1, 2}) {
      const Padded<T> expected(shape, padding);
      const Padded<T> image(shape, padding);
      const size_t before = HeapAllocations();
      if (which == 0) {
        QuarterTurn(from, 2, WholeImage(expected.view));
        QuarterTurnInPlace(image.view, 2, {});
      } else if (which == 1) {
        MirrorColumns(WholeImage(from), WholeImage(expected.view));
        MirrorColumnsInPlace(image.view);
      } else {
        MirrorRows(from, WholeImage(expected.view));
        MirrorRowsInPlace(image.view);
      }
      EXPECT_EQ(HeapAllocations(), before);
      EXPECT_EQ(
          std::memcmp(image.bytes.data(), expected.bytes.data(), image.size()),
          0)
          << shape.width << " x " << shape.height << " x " << shape.channels
          << ", mirror " << which;
    }
  }

 private:
  static void CopyRows(const ImageView<T>& from, const ImageView<T>& to) {
    for (uint32_t y = 0; y < from.shape().height; ++y) {
      std::memcpy(to.row(y).data(), from.row(y).data(),
                  from.row(y).size_bytes());
    }
  }
};

using SampleTypes = ::testing::Types<uint8_t, uint16_t, float>;
TYPED_TEST_SUITE(InPlaceTurnTypedTest, SampleTypes);

TYPED_TEST(InPlaceTurnTypedTest, TurnsAsOutOfPlace) {
  OnEveryTarget([] {
    TestFixture::CheckTurns({701, 761, 3}, 3);  // more than 1.5 MiB
    for (uint32_t channels = 1; channels <= 4; ++channels) {
      for (const size_t padding : {0, 5}) {
        TestFixture::CheckTurns({1, 1, channels}, padding);
        TestFixture::CheckTurns({1, 77, channels}, padding);
        TestFixture::CheckTurns({77, 1, channels}, padding);
        TestFixture::CheckTurns({33, 29, channels}, padding);
        TestFixture::CheckTurns({64, 480, channels}, padding);
      }
    }
  });
}

TYPED_TEST(InPlaceTurnTypedTest, MirrorsAsOutOfPlaceAndLeavesPadding) {
  OnEveryTarget([] {
    for (uint32_t channels = 1; channels <= 4; ++channels) {
      for (uint32_t width = 1; width <= 200; width += width < 20 ? 1 : 13) {
        for (const uint32_t height : {1, 2, 5}) {
          TestFixture::CheckMirrors({width, height, channels}, width % 7);
        }
      }
    }
  });
}

}  // namespace
}  // namespace imageadapt
