#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/byte_rope.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/call_context.h"
#include "imageadapt/base/refusal.h"

namespace imageadapt {
namespace {

std::span<const std::byte> BytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST(RefusalTest, SaysItsReasonAndNothingAboutAField) {
  const absl::Status status =
      Refusal(absl::StatusCode::kInvalidArgument, kImageDamaged, "row ", 7);
  EXPECT_EQ(status.message(), "row 7");
  EXPECT_EQ(ReasonOf(status), kImageDamaged);
  EXPECT_EQ(FieldOf(status), "");
}

TEST(RefusalTest, FieldPathGrowsOnTheWayUp) {
  absl::Status status = InvalidField("angle_degrees", "must be finite");
  status = Within("operations[1]", Within("rotate", status));
  EXPECT_EQ(FieldOf(status), "operations[1].rotate.angle_degrees");
  EXPECT_EQ(status.message(),
            "operations[1].rotate.angle_degrees: must be finite");
  EXPECT_EQ(ReasonOf(status), kBadField);
}

TEST(RefusalTest, WithinLeavesOtherStatusesAlone) {
  EXPECT_TRUE(Within("x", absl::OkStatus()).ok());
  const absl::Status busy = Busy("later", std::chrono::milliseconds(250));
  EXPECT_EQ(Within("x", busy), busy);
  EXPECT_EQ(RetryAfterOf(busy), std::chrono::milliseconds(250));
  EXPECT_TRUE(absl::IsResourceExhausted(busy));
}

TEST(ByteRopeTest, SubrangesEqualThoseOfTheWhole) {
  const std::string whole = "abcdefghij";
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    const std::string first = whole.substr(0, cut);
    const std::string second = whole.substr(cut);
    ByteRope rope(BytesOf(first));
    rope.Append(BytesOf(second));
    ASSERT_EQ(rope.size(), whole.size());
    for (size_t offset = 0; offset <= whole.size(); ++offset) {
      for (size_t size = 0; offset + size <= whole.size(); ++size) {
        EXPECT_EQ(rope.Subrange(offset, size).ToString(),
                  whole.substr(offset, size));
      }
    }
  }
}

TEST(ByteRopeTest, CopyToStopsAtTheEnd) {
  const std::string text = "abc";
  const ByteRope rope(BytesOf(text));
  char target[8] = {};
  EXPECT_EQ(rope.CopyTo(1, std::as_writable_bytes(std::span(target))), 2);
  EXPECT_STREQ(target, "bc");
  EXPECT_EQ(rope.CopyTo(3, std::as_writable_bytes(std::span(target))), 0);
  EXPECT_EQ(rope.CopyTo(9, std::as_writable_bytes(std::span(target))), 0);
}

TEST(BufferPoolTest, BlocksAreAlignedAndCounted) {
  BufferPool pool;
  for (const size_t size : {size_t{1}, size_t{100}, size_t{1} << 20}) {
    auto buffer = pool.Take(size);
    ASSERT_TRUE(buffer.ok());
    EXPECT_EQ(buffer->size(), size);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer->data()) % 64, 0);
    std::memset(buffer->data(), 1, size);
    EXPECT_GE(pool.used_bytes(), size);
  }
  EXPECT_EQ(pool.used_bytes(), 0);
}

// Bytes that the system has mapped for this process, or 0 if it does not tell.
uint64_t MappedBytes() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

TEST(BufferPoolTest, LargeBlocksBeginAtHugePagesAndAreGivenBackWhole) {
  BufferPool pool(0);
  constexpr size_t kHugePage = size_t{2} << 20;
  const uint64_t before = MappedBytes();
  for (int round = 0; round < 100; ++round) {
    for (const size_t size : {kHugePage, kHugePage + 1, 5 * kHugePage - 1}) {
      const auto block = pool.Take(size);
      ASSERT_TRUE(block.ok());
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
      EXPECT_EQ(reinterpret_cast<uintptr_t>(block->data()) % kHugePage, 0);
#endif
      block->data()[0] = block->data()[size - 1] = std::byte{1};
    }
  }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // Sanitizers keep what was given back, to catch late uses of it.
  EXPECT_LE(MappedBytes(), before + 10 * kHugePage);
#else
  static_cast<void>(before);
#endif
}

TEST(BufferPoolTest, KeepsNoMoreThanItMay) {
  BufferPool pool(/*max_idle_bytes=*/size_t{1} << 20);
  {
    std::vector<Buffer> blocks;
    for (int i = 0; i < 8; ++i) {
      auto block = pool.Take(size_t{512} << 10);
      ASSERT_TRUE(block.ok());
      blocks.push_back(*std::move(block));
    }
  }
  EXPECT_LE(pool.idle_bytes(), size_t{1} << 20);
}

TEST(BufferPoolTest, IdleBlocksMakeRoomForThoseUsedLast) {
  BufferPool pool(/*max_idle_bytes=*/size_t{1} << 20);
  const std::byte* last = nullptr;
  for (const size_t size : {size_t{600} << 10, size_t{700} << 10}) {
    auto block = pool.Take(size);
    ASSERT_TRUE(block.ok());
    last = block->data();
  }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_EQ(pool.Take(size_t{700} << 10)->data(), last);
  EXPECT_GT(pool.idle_bytes(), 0);
#endif
  pool.DropIdle();
  EXPECT_EQ(pool.idle_bytes(), 0);
}

TEST(BufferPoolTest, BlocksOutliveTheirPool) {
  Buffer buffer;
  {
    BufferPool pool;
    auto taken = pool.Take(size_t{1} << 20);
    ASSERT_TRUE(taken.ok());
    buffer = *std::move(taken);
  }
  std::memset(buffer.data(), 1, buffer.size());
}

TEST(BufferPoolTest, RefusesWhatNoMachineHas) {
  BufferPool pool;
  const auto buffer = pool.Take(size_t{1} << 60);
  ASSERT_FALSE(buffer.ok());
  EXPECT_TRUE(absl::IsResourceExhausted(buffer.status()));
}

TEST(BufferSinkTest, GivesBackWhatWasAppended) {
  BufferPool pool;
  BufferSink sink(pool);
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    const std::string piece(static_cast<size_t>(i) * 997, static_cast<char>(i));
    ASSERT_TRUE(sink.Append(BytesOf(piece)).ok());
    expected += piece;
    if (i % 10 != 0) continue;
    auto block = pool.Take(100);
    ASSERT_TRUE(block.ok());
    std::memset(block->data(), 'b', block->size());
    ASSERT_TRUE(sink.AppendBuffer(*std::move(block)).ok());
    expected += std::string(100, 'b');
  }
  EXPECT_EQ(sink.size(), expected.size());
  EXPECT_EQ(RopeOf(sink.TakeBlocks()).size(), expected.size());
}

TEST(BufferSinkTest, ContentSurvivesBlockBorders) {
  BufferPool pool;
  BufferSink sink(pool);
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    const std::string piece = std::to_string(i * 7919) + ",";
    ASSERT_TRUE(sink.Append(BytesOf(piece)).ok());
    expected += piece;
  }
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  EXPECT_EQ(RopeOf(blocks).ToString(), expected);
}

TEST(BufferSinkTest, RefusesWhatIsOverItsLimitAndTakesTheRest) {
  BufferPool pool;
  BufferSink sink(pool, /*max_bytes=*/10);
  EXPECT_TRUE(sink.Append(BytesOf("12345678")).ok());
  EXPECT_TRUE(absl::IsOutOfRange(sink.Append(BytesOf("abc"))));
  EXPECT_TRUE(sink.Append(BytesOf("ab")).ok());
  EXPECT_EQ(sink.size(), 10);
}

TEST(CallContextTest, EndsByFlagOrDeadline) {
  EXPECT_TRUE(CallContext().Check().ok());
  std::atomic<bool> cancelled = false;
  const CallContext call(CallContext::Clock::time_point::max(), &cancelled);
  EXPECT_TRUE(call.Check().ok());
  cancelled = true;
  EXPECT_TRUE(absl::IsCancelled(call.Check()));
  const CallContext late(CallContext::Clock::now());
  EXPECT_TRUE(absl::IsDeadlineExceeded(late.Check()));
}

}  // namespace
}  // namespace imageadapt
