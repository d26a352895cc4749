// Large blocks of memory that are used again instead of returned to the system,
// because fresh pages cost more than the work done on them.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_BASE_BUFFER_POOL_H_
#define IMAGEADAPT_BASE_BUFFER_POOL_H_

#include <cstddef>
#include <memory>
#include <span>

#include "absl/status/statusor.h"

namespace imageadapt {

class BufferPool;

// Owns one block, aligned to 64 bytes. Move-only. Dropping it gives the block
// back to its pool, from any thread, even after the BufferPool object is gone.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { *this = std::move(other); }
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer() { Release(); }

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  std::span<std::byte> span() const { return {data_, size_}; }

  // Makes the block shorter for its users. Requires size <= this->size().
  void Truncate(size_t size) { size_ = size; }

 private:
  friend class BufferPool;
  struct Shelf;

  void Release();

  std::shared_ptr<Shelf> shelf_;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// Thread-safe.
class BufferPool {
 public:
  // Keeps at most `max_idle_bytes` of unused blocks; the rest goes back to the
  // system at once.
  explicit BufferPool(size_t max_idle_bytes = size_t{64} << 20);

  // A block whose bytes are uninitialized. RESOURCE_EXHAUSTED if the system
  // has no memory left.
  absl::StatusOr<Buffer> Take(size_t size);

  // Gives all unused blocks back to the system.
  void DropIdle();

  // Bytes in blocks that are in use, and that wait to be used again.
  size_t used_bytes() const;
  size_t idle_bytes() const;

 private:
  std::shared_ptr<Buffer::Shelf> shelf_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_BASE_BUFFER_POOL_H_
