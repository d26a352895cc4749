#include "imageadapt/kernels/in_place_chunks.h"

#include <algorithm>
#include <bit>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/in_place_chunks.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

constexpr size_t kLineBytes = 64;

// What the memory has under way. Less waits for it; more is gone from the
// first-level cache before it is used.
constexpr size_t kFetchedBytes = 4096;

// Requires that they do not overlap.
HWY_INLINE void CopyChunk(const uint8_t* HWY_RESTRICT from, size_t size,
                          uint8_t* HWY_RESTRICT to) {
#if HWY_TARGET == HWY_SCALAR
  std::memcpy(to, from, size);
#else
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::CappedTag<uint8_t, kLineBytes> d;
  constexpr size_t kLanes = hn::MaxLanes(d);
  if (HWY_UNLIKELY(size < kLanes)) {
    std::memcpy(to, from, size);
    return;
  }
  size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  }
  if (i < size) {
    i = size - kLanes;
    hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  }
#endif
}

// Divides by multiplying: the next place of a cycle is waited for, and a
// division takes longer than moving a short chunk.
class Divider {
 public:
  // For dividends up to `most`.
  Divider(uint64_t divisor, uint64_t most) : divisor_(divisor) {
    // The reciprocal's error, at most `divisor` in units of the last place,
    // stays below one then.
    if (divisor > 1 && most <= ~uint64_t{0} / divisor) {
      reciprocal_ = ~uint64_t{0} / divisor + 1;
    }
  }

  HWY_INLINE uint64_t Divide(uint64_t dividend) const {
    if (HWY_UNLIKELY(reciprocal_ == 0)) return dividend / divisor_;
    uint64_t quotient;
    hwy::Mul128(dividend, reciprocal_, &quotient);
    return quotient;
  }

 private:
  uint64_t divisor_;
  uint64_t reciprocal_ = 0;  // times 2^64, rounded up
};

// Moves are decided `ahead_` earlier than they are made, and what they move is
// fetched.
class ChunkMover {
 public:
  ChunkMover(const ChunkMatrix& matrix, uint64_t* marks)
      : matrix_(matrix),
        count_(matrix.rows * matrix.columns),
        by_rows_(matrix.rows, count_),
        by_run_(matrix.run, count_),
        marks_(marks) {
    // Of the chunk in place column * rows + row of the result. Unsigned numbers
    // that wrap around do for negative ones.
    per_row_ = matrix.columns;
    per_column_ = 1;
    if (matrix.mirrors_rows) {
      origin_ += (matrix.rows - 1) * matrix.columns;
      per_row_ = 0 - per_row_;
    }
    if (matrix.mirrors_columns) {
      origin_ += matrix.columns - 1;
      per_column_ = 0 - per_column_;
    }
    per_column_ -= matrix.rows * per_row_;
    before_ = matrix.columns_lag ? matrix.rows : 0;
    after_ = matrix.rows_lead ? matrix.columns : 0;
  }

  void Run() {
    std::memset(marks_, 0, ChunkMarkBytes(count_));
    for (size_t word = 0; word * 64 < count_; ++word) {
      for (;;) {
        const size_t start =
            word * 64 + static_cast<size_t>(std::countr_one(marks_[word]));
        if (start >= std::min(count_, word * 64 + 64)) break;
        FollowCycle(start);
      }
    }
    while (made_ < decided_) Make(queue_[made_++ % kQueue]);
  }

 private:
  static constexpr size_t kQueue = 64;

  struct Move {
    const uint8_t* from = nullptr;
    uint8_t* to = nullptr;
  };

  // Steps from a place back to another, beyond the first to the last.
  HWY_INLINE size_t Back(size_t place, size_t steps) const {
    return place >= steps ? place - steps : place - steps + count_;
  }

  // The place of what is to stand at `place`. As
  //   origin + (place - column * rows) * per_row + column * per_column,
  // with fewer steps that wait for each other.
  HWY_INLINE size_t Source(size_t place) const {
    place = Back(place, before_);
    const size_t column = by_rows_.Divide(place);
    return Back(origin_ + place * per_row_ + column * per_column_, after_);
  }

  void FollowCycle(size_t start) {
    Mark(start);
    size_t from = Source(start);
    if (from == start) return;
    uint8_t* to = At(start);
    Fetch(to);
    Decide({.from = to, .to = held_});
    while (from != start) {
      Mark(from);
      uint8_t* const chunk = At(from);
      from = Source(from);
      Fetch(chunk);
      Decide({.from = chunk, .to = to});
      to = chunk;
    }
    Decide({.from = held_, .to = to});
  }

  void Mark(size_t place) { marks_[place / 64] |= uint64_t{1} << (place % 64); }

  HWY_INLINE void Fetch(const uint8_t* chunk) const {
    const auto into_line = reinterpret_cast<uintptr_t>(chunk) % kLineBytes;
    const uint8_t* const end = chunk + matrix_.chunk_bytes;
    for (chunk -= into_line; chunk < end; chunk += kLineBytes) {
      hwy::Prefetch(chunk);
    }
  }

  HWY_INLINE void Decide(const Move& move) {
    queue_[decided_++ % kQueue] = move;
    if (decided_ - made_ > ahead_) Make(queue_[made_++ % kQueue]);
  }

  HWY_INLINE void Make(const Move& move) const {
    CopyChunk(move.from, matrix_.chunk_bytes, move.to);
  }

  HWY_INLINE uint8_t* At(size_t place) const {
    uint8_t* const chunk = matrix_.first + place * matrix_.chunk_bytes;
    if (matrix_.gap_bytes == 0) return chunk;
    return chunk + by_run_.Divide(place) * matrix_.gap_bytes;
  }

  const ChunkMatrix matrix_;
  const size_t count_;
  const Divider by_rows_;
  const Divider by_run_;
  uint64_t* const marks_;
  size_t origin_ = 0;
  size_t per_row_ = 0;
  size_t per_column_ = 0;
  size_t before_ = 0;
  size_t after_ = 0;
  const size_t ahead_ =
      std::clamp<size_t>(kFetchedBytes / matrix_.chunk_bytes, 2, kQueue - 1);
  Move queue_[kQueue];
  size_t decided_ = 0;
  size_t made_ = 0;
  HWY_ALIGN uint8_t held_[kMaxChunkBytes];
};

void Transpose(const ChunkMatrix& matrix, uint64_t* marks) {
  ChunkMover(matrix, marks).Run();
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Transpose);

void TransposeChunks(const ChunkMatrix& matrix, uint64_t* marks) {
  HWY_DYNAMIC_DISPATCH(Transpose)(matrix, marks);
}

}  // namespace imageadapt
#endif  // HWY_ONCE
