#include "imageadapt/kernels/pixel_moves.h"

#include <algorithm>
#include <bit>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/pixel_moves.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Pixel by pixel.
template <size_t kPixelBytes>
void TransposeSlowly(const PixelTransposition& plan) {
  for (size_t y = 0; y < plan.source_width; ++y) {
    const uint8_t* from = plan.source + y * kPixelBytes;
    uint8_t* to = plan.target + static_cast<ptrdiff_t>(y) * plan.target_stride;
    for (size_t x = 0; x < plan.source_height; ++x) {
      std::memcpy(to, from, kPixelBytes);
      from += plan.source_stride;
      to += kPixelBytes;
    }
  }
}

template <size_t kPixelBytes>
void ReverseSlowly(const uint8_t* end, size_t width, uint8_t* to) {
  for (; width > 0; --width) {
    end -= kPixelBytes;
    std::memcpy(to, end, kPixelBytes);
    to += kPixelBytes;
  }
}

// `b_end` is one past the last pixel at b.
template <size_t kPixelBytes>
void SwapReversedSlowly(uint8_t* a, uint8_t* b_end, size_t width) {
  for (; width > 0; --width) {
    uint8_t pixel[kPixelBytes];
    b_end -= kPixelBytes;
    std::memcpy(pixel, a, kPixelBytes);
    std::memcpy(a, b_end, kPixelBytes);
    std::memcpy(b_end, pixel, kPixelBytes);
    a += kPixelBytes;
  }
}

#if HWY_TARGET == HWY_SCALAR

template <size_t kPixelBytes>
void SwapReversedWith(uint8_t* a, uint8_t* b, size_t width) {
  SwapReversedSlowly<kPixelBytes>(a, b + width * kPixelBytes, width);
}

void Swap(uint8_t* a, uint8_t* b, size_t size) {
  std::swap_ranges(a, a + size, b);
}

template <size_t kPixelBytes>
void TransposeWith(const PixelTransposition& plan) {
  TransposeSlowly<kPixelBytes>(plan);
}

template <size_t kPixelBytes>
void ReverseWith(const uint8_t* from, size_t width, uint8_t* to) {
  ReverseSlowly<kPixelBytes>(from + width * kPixelBytes, width, to);
}

#else

// Interleaving and byte shuffles work within blocks of 16 bytes. Two of them at
// once are as fast as four on most machines with wider registers, and leave
// smaller edges.
using Tag = hn::CappedTag<uint8_t, 32>;
using BlockTag = hn::CappedTag<uint8_t, 16>;
using Vector = hn::Vec<Tag>;
constexpr size_t kBlockBytes = 16;
constexpr size_t kVectorBytes = hn::MaxLanes(Tag());
constexpr size_t kBlocks = kVectorBytes / kBlockBytes;

// Source rows that are turned together: each becomes a piece of a target row,
// so many make long pieces, but a cache line of each must stay in the
// first-level cache until it is used up. Pieces of two lines are best for small
// pixels, and 16 rows for large ones (4000 x 3000: within 10 % of the best for
// every size).
template <size_t kPixelBytes>
constexpr size_t kBandRows =
    std::max<size_t>(std::bit_floor(128 / kPixelBytes), 16);

// How far ahead a source row is fetched, in bytes, and a target, in rows. The
// latter saves a third of the time: without it, each store waits for its line.
constexpr ptrdiff_t kFetchBytes = 192;
constexpr ptrdiff_t kFetchRows = 8;

// Pixels of 3, 6 and 12 bytes are moved as if they had 4, 8 and 16.
template <size_t kPixelBytes>
constexpr size_t kElementBytes =
    kPixelBytes % 3 == 0 ? kPixelBytes / 3 * 4 : kPixelBytes;
// Pixels of a block: the side of the squares.
template <size_t kPixelBytes>
constexpr size_t kSide = kBlockBytes / kElementBytes<kPixelBytes>;

template <size_t kBytes>
HWY_INLINE Vector Lower(Vector a, Vector b) {
  const hn::Repartition<hwy::UnsignedFromSize<kBytes>, Tag> d;
  return hn::BitCast(
      Tag(), hn::InterleaveLower(d, hn::BitCast(d, a), hn::BitCast(d, b)));
}

template <size_t kBytes>
HWY_INLINE Vector Upper(Vector a, Vector b) {
  const hn::Repartition<hwy::UnsignedFromSize<kBytes>, Tag> d;
  return hn::BitCast(
      Tag(), hn::InterleaveUpper(d, hn::BitCast(d, a), hn::BitCast(d, b)));
}

HWY_INLINE Vector LoadBlocks(const uint8_t* first, const uint8_t* second) {
  const BlockTag block;
#if HWY_MAX_BYTES >= 32
  return hn::Combine(Tag(), hn::LoadU(block, second), hn::LoadU(block, first));
#else
  (void)second;
  return hn::LoadU(block, first);
#endif
}

// Byte positions in a block: from pixels to elements (`to_elements`), or back.
// Elements are padded with bytes that do not matter.
template <size_t kPixelBytes>
HWY_INLINE Vector Positions(bool to_elements, size_t shift) {
  constexpr size_t kElement = kElementBytes<kPixelBytes>;
  HWY_ALIGN uint8_t positions[kBlockBytes];
  for (size_t i = 0; i < kBlockBytes; ++i) {
    const size_t wide = to_elements ? kElement : kPixelBytes;
    const size_t narrow = to_elements ? kPixelBytes : kElement;
    const size_t byte = std::min(i % wide, kPixelBytes - 1);
    positions[i] = static_cast<uint8_t>(
        std::min(i / wide * narrow + byte + shift, kBlockBytes - 1));
  }
  return hn::LoadDup128(Tag(), positions);
}

template <size_t kPixelBytes>
HWY_INLINE void StoreBlocks(Vector pixels, bool may_spill, uint8_t* to) {
  if constexpr (kPixelBytes == kElementBytes<kPixelBytes>) {
    hn::StoreU(pixels, Tag(), to);
  } else {
    // What is written too much is written over by what stands there.
    constexpr size_t kUsed = kSide<kPixelBytes> * kPixelBytes;
    const BlockTag block;
    if (may_spill) {
#if HWY_MAX_BYTES >= 32
      hn::StoreU(hn::LowerHalf(block, pixels), block, to);
      hn::StoreU(hn::UpperHalf(block, pixels), block, to + kUsed);
#else
      hn::StoreU(pixels, block, to);
#endif
    } else {
      HWY_ALIGN uint8_t bytes[kVectorBytes];
      hn::Store(pixels, Tag(), bytes);
      for (size_t i = 0; i < kBlocks; ++i) {
        std::memcpy(to + i * kUsed, bytes + i * kBlockBytes, kUsed);
      }
    }
  }
}

// One square for each block: the pixels of kSide columns.
template <size_t kPixelBytes>
HWY_INLINE void TransposeSquares(const uint8_t* from, ptrdiff_t from_stride,
                                 Vector to_elements, Vector to_pixels,
                                 bool may_spill, uint8_t* to,
                                 ptrdiff_t to_stride) {
  constexpr size_t kN = kSide<kPixelBytes>;
  constexpr size_t kElement = kElementBytes<kPixelBytes>;
  constexpr bool kIsPadded = kElement != kPixelBytes;
  Vector rows[kN];
  for (size_t i = 0; i < kN; ++i) {
    const uint8_t* const first = from + static_cast<ptrdiff_t>(i) * from_stride;
    const uint8_t* const second =
        first + static_cast<ptrdiff_t>(kN) * from_stride;
    hwy::Prefetch(first + kFetchBytes);
    if (kBlocks == 2) hwy::Prefetch(second + kFetchBytes);
    rows[i] = LoadBlocks(first, second);
    if (kIsPadded) rows[i] = hn::TableLookupBytes(rows[i], to_elements);
  }
  // Each round moves one bit of a pixel's row number into its column number.
  if constexpr (kN > 1) {
    for (size_t done = 1; done < kN; done *= 2) {
      Vector next[kN];
      for (size_t i = 0; i < kN / 2; ++i) {
        next[2 * i] = Lower<kElement>(rows[i], rows[i + kN / 2]);
        next[2 * i + 1] = Upper<kElement>(rows[i], rows[i + kN / 2]);
      }
      for (size_t i = 0; i < kN; ++i) rows[i] = next[i];
    }
  }
  for (size_t i = 0; i < kN; ++i) {
    if (kIsPadded) rows[i] = hn::TableLookupBytes(rows[i], to_pixels);
    const auto row = static_cast<ptrdiff_t>(i);
    __builtin_prefetch(to + (row + kFetchRows) * to_stride, 1);
    StoreBlocks<kPixelBytes>(rows[i], may_spill, to + row * to_stride);
  }
}

// Rows [first, end) of the source.
template <size_t kPixelBytes>
void TransposeBand(const PixelTransposition& plan, size_t first, size_t end) {
  constexpr size_t kN = kSide<kPixelBytes>;
  constexpr size_t kGroup = kN * kBlocks;
  const size_t width = plan.source_width;
  const size_t row_bytes = width * kPixelBytes;
  const Vector to_pixels = Positions<kPixelBytes>(false, 0);
  const Vector whole = Positions<kPixelBytes>(true, 0);
  for (size_t column = 0; column < width; column += kN) {
    // The last square overlaps the one before; a block that would end past the
    // row is loaded from further left.
    const size_t x = std::min(column, width - kN);
    const size_t offset = std::min(x * kPixelBytes, row_bytes - kBlockBytes);
    const size_t shift = x * kPixelBytes - offset;
    const Vector to_elements =
        shift == 0 ? whole : Positions<kPixelBytes>(true, shift);
    uint8_t* const target_row =
        plan.target + static_cast<ptrdiff_t>(x) * plan.target_stride;
    for (size_t row = first; row < end; row += kGroup) {
      const size_t y = std::min(row, plan.source_height - kGroup);
      const size_t rest = (plan.source_height - kGroup - y) * kPixelBytes;
      TransposeSquares<kPixelBytes>(
          plan.source + static_cast<ptrdiff_t>(y) * plan.source_stride + offset,
          plan.source_stride, to_elements, to_pixels,
          rest >= kBlockBytes - kN * kPixelBytes, target_row + y * kPixelBytes,
          plan.target_stride);
    }
  }
}

template <size_t kPixelBytes>
void TransposeWith(const PixelTransposition& plan) {
  constexpr size_t kGroup = kSide<kPixelBytes> * kBlocks;
  if (plan.source_width < kSide<kPixelBytes> ||
      plan.source_width * kPixelBytes < kBlockBytes ||
      plan.source_height < kGroup) {
    TransposeSlowly<kPixelBytes>(plan);
    return;
  }
  constexpr size_t kBand = std::max(kBandRows<kPixelBytes>, kGroup);
  for (size_t row = 0; row < plan.source_height; row += kBand) {
    TransposeBand<kPixelBytes>(plan, row,
                               std::min(row + kBand, plan.source_height));
  }
}

// As many whole pixels of a block as there are, in reverse order.
template <size_t kPixelBytes>
void ReverseWith(const uint8_t* from, size_t width, uint8_t* to) {
  constexpr size_t kPixels = kBlockBytes / kPixelBytes;
  constexpr size_t kUsed = kPixels * kPixelBytes;
  const BlockTag block;
  HWY_ALIGN uint8_t positions[kBlockBytes];
  for (size_t i = 0; i < kBlockBytes; ++i) {
    // The pixels stand at the end of what is loaded and go to the beginning.
    const size_t pixel = kPixels - 1 - std::min(i / kPixelBytes, kPixels - 1);
    positions[i] = static_cast<uint8_t>(kBlockBytes - kUsed +
                                        pixel * kPixelBytes + i % kPixelBytes);
  }
  const auto reversed = hn::Load(block, positions);
  const uint8_t* end = from + width * kPixelBytes;
  // Loads reach kBlockBytes back from `end`, and stores as far on from `to`.
  size_t left = width;
  for (; left * kPixelBytes >= kBlockBytes; left -= kPixels) {
    const auto pixels = hn::LoadU(block, end - kBlockBytes);
    hn::StoreU(hn::TableLookupBytes(pixels, reversed), block, to);
    end -= kUsed;
    to += kUsed;
  }
  ReverseSlowly<kPixelBytes>(end, left, to);
}

// The same within a pair of rows: what a block holds beyond whole pixels keeps
// its value.
template <size_t kPixelBytes>
void SwapReversedWith(uint8_t* a, uint8_t* b, size_t width) {
  constexpr size_t kPixels = kBlockBytes / kPixelBytes;
  constexpr size_t kUsed = kPixels * kPixelBytes;
  constexpr size_t kRest = kBlockBytes - kUsed;
  const BlockTag block;
  HWY_ALIGN uint8_t to_a[kBlockBytes] = {};
  HWY_ALIGN uint8_t to_b[kBlockBytes] = {};
  HWY_ALIGN uint8_t kept_in_a[kBlockBytes] = {};
  HWY_ALIGN uint8_t kept_in_b[kBlockBytes] = {};
  for (size_t i = 0; i < kUsed; ++i) {
    const size_t mirrored =
        (kPixels - 1 - i / kPixelBytes) * kPixelBytes + i % kPixelBytes;
    to_a[i] = static_cast<uint8_t>(kRest + mirrored);
    to_b[kRest + i] = static_cast<uint8_t>(mirrored);
  }
  for (size_t i = 0; i < kRest; ++i) {
    kept_in_a[kUsed + i] = 0xff;
    kept_in_b[i] = 0xff;
  }
  const auto to_a_positions = hn::Load(block, to_a);
  const auto to_b_positions = hn::Load(block, to_b);
  const auto keep_a = hn::MaskFromVec(hn::Load(block, kept_in_a));
  const auto keep_b = hn::MaskFromVec(hn::Load(block, kept_in_b));
  uint8_t* end = b + width * kPixelBytes;
  size_t left = width;
  for (; left * kPixelBytes >= kBlockBytes; left -= kPixels) {
    const auto from_a = hn::LoadU(block, a);
    const auto from_b = hn::LoadU(block, end - kBlockBytes);
    auto into_a = hn::TableLookupBytes(from_b, to_a_positions);
    auto into_b = hn::TableLookupBytes(from_a, to_b_positions);
    if (kRest > 0) {
      into_a = hn::IfThenElse(keep_a, from_a, into_a);
      into_b = hn::IfThenElse(keep_b, from_b, into_b);
    }
    hn::StoreU(into_a, block, a);
    hn::StoreU(into_b, block, end - kBlockBytes);
    a += kUsed;
    end -= kUsed;
  }
  SwapReversedSlowly<kPixelBytes>(a, end, left);
}

void Swap(uint8_t* a, uint8_t* b, size_t size) {
  const hn::ScalableTag<uint8_t> d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= size; i += lanes) {
    const auto from_a = hn::LoadU(d, a + i);
    const auto from_b = hn::LoadU(d, b + i);
    hn::StoreU(from_b, d, a + i);
    hn::StoreU(from_a, d, b + i);
  }
  std::swap_ranges(a + i, a + size, b + i);
}

#endif  // HWY_TARGET == HWY_SCALAR

void Transpose(size_t pixel_bytes, const PixelTransposition& plan) {
  switch (pixel_bytes) {
    case 1:
      return TransposeWith<1>(plan);
    case 2:
      return TransposeWith<2>(plan);
    case 3:
      return TransposeWith<3>(plan);
    case 4:
      return TransposeWith<4>(plan);
    case 6:
      return TransposeWith<6>(plan);
    case 8:
      return TransposeWith<8>(plan);
    case 12:
      return TransposeWith<12>(plan);
    default:
      return TransposeWith<16>(plan);
  }
}

void Reverse(size_t pixel_bytes, const uint8_t* from, size_t width,
             uint8_t* to) {
  switch (pixel_bytes) {
    case 1:
      return ReverseWith<1>(from, width, to);
    case 2:
      return ReverseWith<2>(from, width, to);
    case 3:
      return ReverseWith<3>(from, width, to);
    case 4:
      return ReverseWith<4>(from, width, to);
    case 6:
      return ReverseWith<6>(from, width, to);
    case 8:
      return ReverseWith<8>(from, width, to);
    case 12:
      return ReverseWith<12>(from, width, to);
    default:
      return ReverseWith<16>(from, width, to);
  }
}

void SwapReversed(size_t pixel_bytes, uint8_t* a, uint8_t* b, size_t width) {
  switch (pixel_bytes) {
    case 1:
      return SwapReversedWith<1>(a, b, width);
    case 2:
      return SwapReversedWith<2>(a, b, width);
    case 3:
      return SwapReversedWith<3>(a, b, width);
    case 4:
      return SwapReversedWith<4>(a, b, width);
    case 6:
      return SwapReversedWith<6>(a, b, width);
    case 8:
      return SwapReversedWith<8>(a, b, width);
    case 12:
      return SwapReversedWith<12>(a, b, width);
    default:
      return SwapReversedWith<16>(a, b, width);
  }
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Transpose);
HWY_EXPORT(Reverse);
HWY_EXPORT(SwapReversed);
HWY_EXPORT(Swap);

void TransposePixels(size_t pixel_bytes, const PixelTransposition& plan) {
  HWY_DYNAMIC_DISPATCH(Transpose)(pixel_bytes, plan);
}

void ReversePixels(size_t pixel_bytes, const uint8_t* source, size_t width,
                   uint8_t* target) {
  HWY_DYNAMIC_DISPATCH(Reverse)(pixel_bytes, source, width, target);
}

void SwapReversedPixels(size_t pixel_bytes, uint8_t* a, uint8_t* b,
                        size_t width) {
  HWY_DYNAMIC_DISPATCH(SwapReversed)(pixel_bytes, a, b, width);
}

void SwapBytes(uint8_t* a, uint8_t* b, size_t size) {
  HWY_DYNAMIC_DISPATCH(Swap)(a, b, size);
}

}  // namespace imageadapt
#endif  // HWY_ONCE
