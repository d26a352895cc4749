// Where encoded bytes come from and where they go.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_BASE_BYTE_STREAM_H_
#define IMAGEADAPT_BASE_BYTE_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/byte_rope.h"

namespace imageadapt {

// Bytes in order. Used by one thread at a time.
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // The next bytes, as many as are at hand: never empty before the end, empty
  // at the end. Valid until the next call. May wait.
  virtual absl::StatusOr<std::span<const std::byte>> Next() = 0;

  // How many bytes Next() has yet to give, if that is known.
  virtual std::optional<uint64_t> bytes_left() const { return std::nullopt; }
};

// Reads a rope from its start. The rope's bytes must outlive it.
class RopeSource final : public ByteSource {
 public:
  explicit RopeSource(const ByteRope& rope)
      : rope_(rope), bytes_left_(rope.size()) {}

  absl::StatusOr<std::span<const std::byte>> Next() override;
  std::optional<uint64_t> bytes_left() const override { return bytes_left_; }

 private:
  const ByteRope rope_;
  size_t next_ = 0;
  uint64_t bytes_left_;
};

// Takes bytes in order. Used by one thread at a time.
class ByteSink {
 public:
  virtual ~ByteSink() = default;

  // May wait. An error is final: nothing more is taken.
  virtual absl::Status Append(std::span<const std::byte> bytes) = 0;

  // Takes a whole block without copying it, where the sink can.
  virtual absl::Status AppendBuffer(Buffer block);

  // It never takes more than this.
  virtual uint64_t max_bytes() const {
    return std::numeric_limits<uint64_t>::max();
  }
};

// Collects bytes in blocks of a pool.
class BufferSink final : public ByteSink {
 public:
  // More than `max_bytes` are refused with OUT_OF_RANGE, so that a caller can
  // tell "does not fit" from every other failure. The pool must outlive the
  // sink, but not the blocks.
  explicit BufferSink(BufferPool& pool,
                      uint64_t max_bytes = std::numeric_limits<uint64_t>::max())
      : pool_(pool), max_bytes_(max_bytes) {}

  absl::Status Append(std::span<const std::byte> bytes) override;
  absl::Status AppendBuffer(Buffer block) override;
  uint64_t max_bytes() const override { return max_bytes_; }

  uint64_t size() const { return size_; }

  // The blocks in order, each as long as what it holds. The sink is empty
  // afterwards.
  std::vector<Buffer> TakeBlocks();

 private:
  BufferPool& pool_;
  const uint64_t max_bytes_;
  uint64_t size_ = 0;
  std::vector<Buffer> blocks_;
  size_t open_ = 0;  // bytes used of the last block; 0 if it is closed
};

// A view of `blocks`, in order.
ByteRope RopeOf(std::span<const Buffer> blocks);

}  // namespace imageadapt

#endif  // IMAGEADAPT_BASE_BYTE_STREAM_H_
