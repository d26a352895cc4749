// Rows of bytes whose neighbours in memory may not be touched.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_TESTING_GUARDED_ROWS_H_
#define IMAGEADAPT_TESTING_GUARDED_ROWS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size) \
  (static_cast<void>(start), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) \
  (static_cast<void>(start), static_cast<void>(size))
#endif

#include "imageadapt/testing/guarded_bytes.h"

namespace imageadapt::testing {

struct GuardedLayout {
  size_t row_bytes = 0;
  size_t rows = 1;
  size_t stride_bytes = 0;  // from one row to the next
  bool at_end = true;       // as in GuardedBytes
  size_t alignment = 1;     // of the first row
  uint8_t fill = 77;        // of what is around rows
};

// The rows, zeroed, end (or begin) where GuardedBytes does. What lies between
// them and around them is full of a byte that nobody may change, nor read where
// AddressSanitizer looks on.
class GuardedRows {
 public:
  explicit GuardedRows(const GuardedLayout& layout)
      : layout_(layout),
        bytes_(layout.stride_bytes * (layout.rows - 1) + layout.row_bytes,
               layout.at_end, layout.alignment) {
    ForEachGap([&](std::span<uint8_t> gap) {
      std::ranges::fill(gap, layout_.fill);
      ASAN_POISON_MEMORY_REGION(gap.data(), gap.size());
    });
  }
  ~GuardedRows() {
    ForEachGap([](std::span<uint8_t> gap) {
      ASAN_UNPOISON_MEMORY_REGION(gap.data(), gap.size());
    });
  }
  GuardedRows(const GuardedRows&) = delete;
  GuardedRows& operator=(const GuardedRows&) = delete;

  uint8_t* data() const { return bytes_.data(); }

  bool SurroundingsAreUntouched() const {
    bool are_untouched = true;
    ForEachGap([&](std::span<uint8_t> gap) {
      ASAN_UNPOISON_MEMORY_REGION(gap.data(), gap.size());
      are_untouched &= std::ranges::all_of(
          gap, [&](uint8_t byte) { return byte == layout_.fill; });
      ASAN_POISON_MEMORY_REGION(gap.data(), gap.size());
    });
    return are_untouched;
  }

 private:
  template <typename Work>
  void ForEachGap(Work&& work) const {
    work(bytes_.spare_before());
    for (size_t y = 0; y + 1 < layout_.rows; ++y) {
      uint8_t* const row = data() + y * layout_.stride_bytes;
      work(std::span(row + layout_.row_bytes, row + layout_.stride_bytes));
    }
    work(bytes_.spare_behind());
  }

  GuardedLayout layout_;
  GuardedBytes bytes_;
};

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_TESTING_GUARDED_ROWS_H_
