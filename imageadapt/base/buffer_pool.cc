#include "imageadapt/base/buffer_pool.h"

#include <sys/mman.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <mutex>
#include <utility>

#include "imageadapt/base/refusal.h"

namespace imageadapt {
namespace {

constexpr size_t kAlignment = 64;
// Below this, malloc keeps blocks by itself and no page is ever returned.
constexpr size_t kPooledFrom = size_t{128} << 10;
constexpr size_t kPage = 4096;
constexpr size_t kHugePage = size_t{2} << 20;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// A block used twice would hide overruns and uses after release.
constexpr bool kKeepsBlocks = false;
#else
constexpr bool kKeepsBlocks = true;
#endif

// Sizes are rounded up to an eighth of their power of two, so that images of
// nearly the same size share blocks and at most 12.5 % is unused.
size_t RoundUp(size_t size) {
  if (size < kPooledFrom) return (size + kAlignment - 1) & ~(kAlignment - 1);
  const size_t step = std::bit_floor(size) / 8;
  // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): size is not small here
  return (size + step - 1) / step * step;
}

// Pages of the system: `size` bytes whose first is at a multiple of kHugePage,
// in huge pages where the system has them. They make large moves 5 to 12 %
// faster, and the first touch much more.
std::byte* MapInHugePages(size_t size) {
  const size_t mapped = size + kHugePage;
  if (mapped < size) return nullptr;
  void* const pages = mmap(nullptr, mapped, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return nullptr;
  auto* const first = static_cast<std::byte*>(pages);
  const size_t past = reinterpret_cast<uintptr_t>(first) % kHugePage;
  const size_t before = past == 0 ? 0 : kHugePage - past;
  if (before > 0) munmap(first, before);
  // The system unmaps whole pages only.
  const size_t used = (size + kPage - 1) / kPage * kPage;
  if (before + used < mapped) {
    munmap(first + before + used, mapped - before - used);
  }
  // Advice: a system without huge pages does as well, only slower.
  madvise(first + before, used, MADV_HUGEPAGE);
  return first + before;
}

std::byte* Allocate(size_t capacity) {
  if (kKeepsBlocks && capacity >= kHugePage) return MapInHugePages(capacity);
  if (kKeepsBlocks && capacity >= kPooledFrom) {
    void* block = mmap(nullptr, capacity, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return block == MAP_FAILED ? nullptr : static_cast<std::byte*>(block);
  }
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory): Buffer owns it
  return static_cast<std::byte*>(std::aligned_alloc(kAlignment, capacity));
}

void Free(std::byte* block, size_t capacity) {
  if (kKeepsBlocks && capacity >= kPooledFrom) {
    munmap(block, capacity);
  } else {
    // NOLINTNEXTLINE(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
    std::free(block);
  }
}

}  // namespace

// What a pool and its buffers share; it lives as long as the last of them.
struct Buffer::Shelf {
  explicit Shelf(size_t limit) : max_idle_bytes(limit) {}
  Shelf(const Shelf&) = delete;
  Shelf& operator=(const Shelf&) = delete;
  ~Shelf() {
    for (const auto& [capacity, block] : idle) Free(block, capacity);
  }

  // Requires that mutex is held.
  void DropIdleDownTo(size_t bytes) {
    while (idle_bytes > bytes) {
      const auto first = idle.begin();
      Free(first->second, first->first);
      idle_bytes -= first->first;
      idle.erase(first);
    }
  }

  const size_t max_idle_bytes;
  std::mutex mutex;
  std::multimap<size_t, std::byte*> idle;  // by capacity
  size_t idle_bytes = 0;
  size_t used_bytes = 0;
};

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  if (this != &other) {
    Release();
    shelf_ = std::move(other.shelf_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
  }
  return *this;
}

void Buffer::Release() {
  if (data_ == nullptr) return;
  bool keep = false;
  {
    const std::lock_guard lock(shelf_->mutex);
    shelf_->used_bytes -= capacity_;
    keep = kKeepsBlocks && capacity_ >= kPooledFrom &&
           capacity_ <= shelf_->max_idle_bytes;
    if (keep) {
      // What was used last is what is wanted next.
      shelf_->DropIdleDownTo(shelf_->max_idle_bytes - capacity_);
      shelf_->idle.emplace(capacity_, data_);
      shelf_->idle_bytes += capacity_;
    }
  }
  if (!keep) Free(data_, capacity_);
  data_ = nullptr;
  size_ = capacity_ = 0;
  shelf_.reset();
}

BufferPool::BufferPool(size_t max_idle_bytes)
    : shelf_(std::make_shared<Buffer::Shelf>(max_idle_bytes)) {}

absl::StatusOr<Buffer> BufferPool::Take(size_t size) {
  const size_t capacity = RoundUp(size == 0 ? 1 : size);
  Buffer buffer;
  {
    const std::lock_guard lock(shelf_->mutex);
    const auto found = shelf_->idle.find(capacity);
    if (found != shelf_->idle.end()) {
      buffer.data_ = found->second;
      shelf_->idle_bytes -= capacity;
      shelf_->idle.erase(found);
    }
  }
  if (buffer.data_ == nullptr) buffer.data_ = Allocate(capacity);
  if (buffer.data_ == nullptr) {
    return Refusal(absl::StatusCode::kResourceExhausted, kOutOfMemory,
                   "no memory for a block of ", size, " bytes");
  }
  buffer.size_ = size;
  buffer.capacity_ = capacity;
  buffer.shelf_ = shelf_;
  const std::lock_guard lock(shelf_->mutex);
  shelf_->used_bytes += capacity;
  return buffer;
}

void BufferPool::DropIdle() {
  const std::lock_guard lock(shelf_->mutex);
  shelf_->DropIdleDownTo(0);
}

size_t BufferPool::used_bytes() const {
  const std::lock_guard lock(shelf_->mutex);
  return shelf_->used_bytes;
}

size_t BufferPool::idle_bytes() const {
  const std::lock_guard lock(shelf_->mutex);
  return shelf_->idle_bytes;
}

}  // namespace imageadapt
