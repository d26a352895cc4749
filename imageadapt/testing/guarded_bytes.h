// Memory whose neighbours may not be touched.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_TESTING_GUARDED_BYTES_H_
#define IMAGEADAPT_TESTING_GUARDED_BYTES_H_

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

namespace imageadapt::testing {

// Owns `size` bytes, zeroed, that end (or begin) at a page which the processor
// refuses to read and write: an access beyond that end stops the program.
class GuardedBytes {
 public:
  GuardedBytes(size_t size, bool at_end) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t inside = (size + page - 1) / page * page;
    mapped_ = inside + 2 * page;
    map_ =
        mmap(nullptr, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    auto* const first = static_cast<uint8_t*>(map_) + page;
    EXPECT_EQ(mprotect(first, inside, PROT_READ | PROT_WRITE), 0);
    data_ = at_end ? first + inside - size : first;
  }
  ~GuardedBytes() { munmap(map_, mapped_); }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;

  uint8_t* data() const { return data_; }

 private:
  void* map_ = nullptr;
  size_t mapped_ = 0;
  uint8_t* data_ = nullptr;
};

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_TESTING_GUARDED_BYTES_H_
