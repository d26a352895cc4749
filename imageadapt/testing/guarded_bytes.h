// Memory whose neighbours may not be touched.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_TESTING_GUARDED_BYTES_H_
#define IMAGEADAPT_TESTING_GUARDED_BYTES_H_

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

namespace imageadapt::testing {

// Owns `size` bytes, zeroed, that end (or begin) at a page which the processor
// refuses to read and write: an access beyond that end stops the program. At
// the end they are as near to it as their first byte's alignment lets them be.
class GuardedBytes {
 public:
  GuardedBytes(size_t size, bool at_end, size_t alignment = 1)
      : size_(size), pages_(TakePages((size + PageSize() - 1) / PageSize())) {
    const size_t spare = pages_.size() - size;
    offset_ = at_end ? spare / alignment * alignment : 0;
    std::memset(data(), 0, size);
  }
  ~GuardedBytes() { GivePages(pages_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  uint8_t* data() const { return pages_.data() + offset_; }

  // What is left of the pages between the guarded ones.
  std::span<uint8_t> spare_before() const { return pages_.first(offset_); }
  std::span<uint8_t> spare_behind() const {
    return pages_.subspan(offset_ + size_);
  }

 private:
  using Pages = std::span<uint8_t>;

  static size_t PageSize() {
    static const auto kSize = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    return kSize;
  }

  // Pages of earlier ones by their number, because tests have very many small
  // images, and systems take longer to map memory than kernels to use it.
  static std::vector<Pages>* KeptPages(size_t number) {
    constexpr size_t kMostPages = 256;
    static std::array<std::vector<Pages>, kMostPages> kept;
    return number < kMostPages ? &kept[number] : nullptr;
  }

  static Pages TakePages(size_t number) {
    std::vector<Pages>* const kept = KeptPages(number);
    if (kept != nullptr && !kept->empty()) {
      const Pages pages = kept->back();
      kept->pop_back();
      return pages;
    }
    const size_t size = number * PageSize();
    void* const map = mmap(nullptr, size + 2 * PageSize(), PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    auto* const first = static_cast<uint8_t*>(map) + PageSize();
    EXPECT_EQ(mprotect(first, size, PROT_READ | PROT_WRITE), 0);
    return {first, size};
  }

  static void GivePages(Pages pages) {
    std::vector<Pages>* const kept = KeptPages(pages.size() / PageSize());
    if (kept != nullptr) {
      kept->push_back(pages);
    } else {
      munmap(pages.data() - PageSize(), pages.size() + 2 * PageSize());
    }
  }

  size_t size_;
  Pages pages_;
  size_t offset_ = 0;
};

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_TESTING_GUARDED_BYTES_H_
