#include "imageadapt/kernels/pixel_moves.h"

#include <algorithm>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/pixel_moves.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "imageadapt/kernels/pixel_blocks-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

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

#if HWY_TARGET == HWY_SCALAR

template <size_t kPixelBytes>
void TransposeWith(const PixelTransposition& plan) {
  TransposeSlowly<kPixelBytes>(plan);
}

#else

// Interleaving and byte shuffles work within blocks of 16 bytes.
// Two of them at once leave small edges; see QuadTile for four.
using Tag = hn::CappedTag<uint8_t, 32>;
using BlockTag = hn::CappedTag<uint8_t, 16>;
using Vector = hn::Vec<Tag>;
constexpr size_t kVectorBytes = hn::MaxLanes(Tag());
constexpr size_t kBlocks = kVectorBytes / kBlockBytes;

// How far ahead a source row is fetched, in bytes.
constexpr ptrdiff_t kFetchBytes = 128;

// Pixels of 3, 6 and 12 bytes are moved as if they had 4, 8 and 16.
template <size_t kPixelBytes>
constexpr size_t kElementBytes =
    kPixelBytes % 3 == 0 ? kPixelBytes / 3 * 4 : kPixelBytes;
// Pixels of a block: the side of the squares.
template <size_t kPixelBytes>
constexpr size_t kSide = kBlockBytes / kElementBytes<kPixelBytes>;

// Fetches what is kRows rows on, if any.
template <size_t kRows>
HWY_INLINE void FetchRow(const uint8_t* row, ptrdiff_t stride) {
  if constexpr (kRows > 0) {
    FetchToWrite(row + static_cast<ptrdiff_t>(kRows) * stride);
  }
}

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

// Blocks `distance` bytes apart.
HWY_INLINE Vector LoadBlocks(const uint8_t* first, ptrdiff_t distance) {
  const BlockTag block;
#if HWY_MAX_BYTES >= 32
  return hn::Combine(Tag(), hn::LoadU(block, first + distance),
                     hn::LoadU(block, first));
#else
  (void)distance;
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
    if (may_spill) {
#if HWY_MAX_BYTES >= 32
      // Of each block 12 bytes are used; one store is faster than two
      // (1920 x 1080 pixels of 6 bytes: 0.65 ms, 0.75 ms with two).
      const hn::Repartition<uint32_t, Tag> d;
      HWY_ALIGN constexpr int32_t kPacked[8] = {0, 1, 2, 4, 5, 6, 3, 7};
      const auto packed = hn::TableLookupLanes(hn::BitCast(d, pixels),
                                               hn::SetTableIndices(d, kPacked));
      hn::StoreU(hn::BitCast(Tag(), packed), Tag(), to);
#else
      hn::StoreU(pixels, Tag(), to);
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

// Turns squares of pixels, one for each block. kRows rows of kColumns pixels.
template <size_t kPixelBytes>
class BlockTile {
 public:
  static constexpr size_t kColumns = kSide<kPixelBytes>;
  static constexpr size_t kRows = kColumns * kBlocks;

  explicit BlockTile(const PixelTransposition& plan)
      : plan_(plan),
        to_pixels_(Positions<kPixelBytes>(false, 0)),
        whole_(Positions<kPixelBytes>(true, 0)) {}

  void SetPlan(const PixelTransposition& plan) { plan_ = plan; }

  static bool Fits(const PixelTransposition& plan) {
    return plan.source_width >= kColumns && plan.source_height >= kRows &&
           plan.source_width * kPixelBytes >= kBlockBytes;
  }

  template <size_t kFetchRows>
  HWY_INLINE void Move(size_t x, size_t y) const {
    // A block that would end past the row is loaded from further left.
    const size_t row_bytes = plan_.source_width * kPixelBytes;
    const size_t offset = std::min(x * kPixelBytes, row_bytes - kBlockBytes);
    const size_t shift = x * kPixelBytes - offset;
    const Vector to_elements =
        HWY_LIKELY(shift == 0) ? whole_ : Positions<kPixelBytes>(true, shift);
    const uint8_t* from =
        plan_.source + static_cast<ptrdiff_t>(y) * plan_.source_stride + offset;
    constexpr size_t kElement = kElementBytes<kPixelBytes>;
    constexpr bool kIsPadded = kElement != kPixelBytes;
    constexpr size_t kN = kColumns;
    Vector rows[kN];
    for (size_t i = 0; i < kN; ++i) {
      rows[i] =
          LoadBlocks(from + static_cast<ptrdiff_t>(i) * plan_.source_stride,
                     static_cast<ptrdiff_t>(kN) * plan_.source_stride);
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
    const size_t rest = (plan_.source_height - kRows - y) * kPixelBytes;
    const bool may_spill = rest >= kVectorBytes - kRows * kPixelBytes;
    uint8_t* to = plan_.target +
                  static_cast<ptrdiff_t>(x) * plan_.target_stride +
                  y * kPixelBytes;
    for (size_t i = 0; i < kN; ++i) {
      if (kIsPadded) rows[i] = hn::TableLookupBytes(rows[i], to_pixels_);
      FetchRow<kFetchRows>(to, plan_.target_stride);
      StoreBlocks<kPixelBytes>(rows[i], may_spill, to);
      to += plan_.target_stride;
    }
  }

 private:
  PixelTransposition plan_;
  const Vector to_pixels_;
  const Vector whole_;
};

// Turns four rows of a column of pixels of 12 bytes, which become three blocks:
// each is blended from loads at such places that pixels need no shuffle.
class BlendTile {
 public:
  static constexpr size_t kColumns = 1;
  static constexpr size_t kRows = 4;

  explicit BlendTile(const PixelTransposition& plan) : plan_(plan) {}

  void SetPlan(const PixelTransposition& plan) { plan_ = plan; }

  static bool Fits(const PixelTransposition& plan) {
    return plan.source_height >= kRows;
  }

  template <size_t kFetchRows>
  HWY_INLINE void Move(size_t x, size_t y) const {
    const ptrdiff_t stride = plan_.source_stride;
    const uint8_t* const a =
        plan_.source + x * kPixelBytes + static_cast<ptrdiff_t>(y) * stride;
    uint8_t* const to = plan_.target + y * kPixelBytes +
                        static_cast<ptrdiff_t>(x) * plan_.target_stride;
    FetchRow<kFetchRows>(to, plan_.target_stride);
    if (HWY_UNLIKELY(x == 0 || x + 1 == plan_.source_width)) {
      // Loads would begin before the row, or end behind it.
      for (size_t i = 0; i < kRows; ++i) {
        std::memcpy(to + i * kPixelBytes,
                    a + static_cast<ptrdiff_t>(i) * stride, kPixelBytes);
      }
      return;
    }
    const uint8_t* const b = a + stride;
    const uint8_t* const c = b + stride;
    const uint8_t* const d = c + stride;
    const auto three = hn::FirstN(D(), 3);
    const auto one = hn::FirstN(D(), 1);
    Store(hn::IfThenElse(three, Load(a), Load(b - 12)), to);
    Store(hn::ConcatUpperLower(D(), Load(c - 8), Load(b + 4)), to + 16);
    Store(hn::IfThenElse(one, Load(c + 8), Load(d - 4)), to + 32);
  }

 private:
  using D = hn::CappedTag<uint32_t, 4>;
  static constexpr size_t kPixelBytes = 12;

  static HWY_INLINE hn::Vec<D> Load(const uint8_t* from) {
    return hn::BitCast(D(), hn::LoadU(BlockTag(), from));
  }
  static HWY_INLINE void Store(hn::Vec<D> block, uint8_t* to) {
    hn::StoreU(hn::BitCast(BlockTag(), block), BlockTag(), to);
  }

  PixelTransposition plan_;
};

#if HWY_TARGET == HWY_AVX3_DL

// Turns four squares of pixels at once, for pixels that fill their elements:
// half of the operations of two (1920 x 1080 pixels of 1 byte: 0.062 ms, 0.069
// ms with two; of 2 bytes: 0.108 ms, 0.130 ms).
template <size_t kPixelBytes>
class QuadTile {
 public:
  static constexpr size_t kColumns = kSide<kPixelBytes>;
  static constexpr size_t kRows = kColumns * 4;

  explicit QuadTile(const PixelTransposition& plan) : plan_(plan) {}

  void SetPlan(const PixelTransposition& plan) { plan_ = plan; }

  static bool Fits(const PixelTransposition& plan) {
    return plan.source_width >= kColumns && plan.source_height >= kRows;
  }

  template <size_t kFetchRows>
  HWY_INLINE void Move(size_t x, size_t y) const {
    constexpr size_t kN = kColumns;
    const ptrdiff_t stride = plan_.source_stride;
    const uint8_t* from =
        plan_.source + static_cast<ptrdiff_t>(y) * stride + x * kPixelBytes;
    __m512i rows[kN];
    for (size_t i = 0; i < kN; ++i) {
      rows[i] = Load(from, static_cast<ptrdiff_t>(kN) * stride);
      from += stride;
    }
    if constexpr (kN > 1) {
      for (size_t done = 1; done < kN; done *= 2) {
        __m512i next[kN];
        for (size_t i = 0; i < kN / 2; ++i) {
          next[2 * i] = Lower(rows[i], rows[i + kN / 2]);
          next[2 * i + 1] = Upper(rows[i], rows[i + kN / 2]);
        }
        for (size_t i = 0; i < kN; ++i) rows[i] = next[i];
      }
    }
    uint8_t* to = plan_.target +
                  static_cast<ptrdiff_t>(x) * plan_.target_stride +
                  y * kPixelBytes;
    for (size_t i = 0; i < kN; ++i) {
      FetchRow<kFetchRows>(to, plan_.target_stride);
      _mm512_storeu_si512(to, rows[i]);
      to += plan_.target_stride;
    }
  }

 private:
  // Blocks `distance` bytes apart.
  static HWY_INLINE __m512i Load(const uint8_t* first, ptrdiff_t distance) {
    const auto block = [first, distance](ptrdiff_t i) HWY_ATTR {
      return _mm_loadu_si128(
          reinterpret_cast<const __m128i*>(first + i * distance));
    };
    __m512i blocks = _mm512_castsi128_si512(block(0));
    blocks = _mm512_inserti32x4(blocks, block(1), 1);
    blocks = _mm512_inserti32x4(blocks, block(2), 2);
    return _mm512_inserti32x4(blocks, block(3), 3);
  }

  static HWY_INLINE __m512i Lower(__m512i a, __m512i b) {
    if constexpr (kPixelBytes == 1) return _mm512_unpacklo_epi8(a, b);
    if constexpr (kPixelBytes == 2) return _mm512_unpacklo_epi16(a, b);
    if constexpr (kPixelBytes == 4) return _mm512_unpacklo_epi32(a, b);
    return _mm512_unpacklo_epi64(a, b);
  }
  static HWY_INLINE __m512i Upper(__m512i a, __m512i b) {
    if constexpr (kPixelBytes == 1) return _mm512_unpackhi_epi8(a, b);
    if constexpr (kPixelBytes == 2) return _mm512_unpackhi_epi16(a, b);
    if constexpr (kPixelBytes == 4) return _mm512_unpackhi_epi32(a, b);
    return _mm512_unpackhi_epi64(a, b);
  }

  PixelTransposition plan_;
};

// The positions of elements that interleave the lower or upper halves of two
// vectors of kN pixels.
template <size_t kPixelBytes>
struct Interleaving {
  static constexpr size_t kN = 48 / kPixelBytes;
  // Permutations move bytes, pairs or fours.
  static constexpr size_t kUnit = kPixelBytes / 3;
  static HWY_INLINE __m512i Indices(bool upper) {
    HWY_ALIGN uint8_t bytes[64] = {};
    for (size_t i = 0; i < 48 / kUnit; ++i) {
      const size_t pixel = i / 3;
      const size_t from = pixel / 2 + (upper ? kN / 2 : 0);
      const size_t unit = from * 3 + i % 3 + (pixel % 2) * (64 / kUnit);
      bytes[i * kUnit] = static_cast<uint8_t>(unit);
    }
    return _mm512_load_si512(bytes);
  }
  static HWY_INLINE __m512i Permute(__m512i a, __m512i indices, __m512i b) {
    if constexpr (kUnit == 1) return _mm512_permutex2var_epi8(a, indices, b);
    if constexpr (kUnit == 2) return _mm512_permutex2var_epi16(a, indices, b);
    return _mm512_permutex2var_epi32(a, indices, b);
  }
};

// Pixels of 3, 6 and 12 bytes: squares of 48 bytes a side, which permutations
// of two vectors interleave without padding pixels.
template <size_t kPixelBytes>
class WideTile {
 public:
  using Scheme = Interleaving<kPixelBytes>;
  static constexpr size_t kColumns = Scheme::kN;
  static constexpr size_t kRows = kColumns;

  explicit WideTile(const PixelTransposition& plan)
      : plan_(plan),
        lower_(Scheme::Indices(false)),
        upper_(Scheme::Indices(true)) {}

  void SetPlan(const PixelTransposition& plan) { plan_ = plan; }

  static bool Fits(const PixelTransposition& plan) {
    return plan.source_width >= kColumns && plan.source_height >= kRows;
  }

  template <size_t kFetchRows>
  HWY_INLINE void Move(size_t x, size_t y) const {
    constexpr __mmask16 kUsed = 0x0fff;
    constexpr size_t kN = kColumns;
    const uint8_t* from = plan_.source +
                          static_cast<ptrdiff_t>(y) * plan_.source_stride +
                          x * kPixelBytes;
    __m512i rows[kN];
    for (size_t i = 0; i < kN; ++i) {
      rows[i] = _mm512_maskz_loadu_epi32(kUsed, from);
      from += plan_.source_stride;
    }
    for (size_t done = 1; done < kN; done *= 2) {
      __m512i next[kN];
      for (size_t i = 0; i < kN / 2; ++i) {
        next[2 * i] = Scheme::Permute(rows[i], lower_, rows[i + kN / 2]);
        next[2 * i + 1] = Scheme::Permute(rows[i], upper_, rows[i + kN / 2]);
      }
      for (size_t i = 0; i < kN; ++i) rows[i] = next[i];
    }
    const size_t rest = (plan_.source_height - kRows - y) * kPixelBytes;
    uint8_t* to = plan_.target +
                  static_cast<ptrdiff_t>(x) * plan_.target_stride +
                  y * kPixelBytes;
    for (size_t i = 0; i < kN; ++i) {
      FetchRow<kFetchRows>(to, plan_.target_stride);
      if (HWY_LIKELY(rest >= 16)) {
        // What is written too much is written over by what stands there.
        _mm512_storeu_si512(to, rows[i]);
      } else {
        _mm512_mask_storeu_epi32(to, kUsed, rows[i]);
      }
      to += plan_.target_stride;
    }
  }

 private:
  PixelTransposition plan_;
  const __m512i lower_;
  const __m512i upper_;
};

#endif  // HWY_TARGET == HWY_AVX3_DL

// By bands of source rows. Each becomes a piece of a target row, so many make
// long pieces, which share few lines with those of other bands; but the lines
// of the rows that are worked on and fetched, three each, must stay in the
// first-level cache. Columns are taken in strips of a line, and the target rows
// of the next strip are fetched: without that each store waits for its line
// (1920 x 1080 pixels of 3 bytes: 0.27 ms, 0.42 ms with squares of 16 bytes
// whose lines are fetched 8 rows ahead).
template <typename Tile, size_t kPixelBytes>
void TransposeInTiles(const PixelTransposition& plan) {
  constexpr size_t kMostRows = std::min<size_t>(384 / kPixelBytes, 128);
  constexpr size_t kBandRows = kMostRows / Tile::kRows * Tile::kRows;
  constexpr size_t kTileBytes = Tile::kColumns * kPixelBytes;
  // Columns that share about a cache line of the source.
  constexpr size_t kStrip =
      Tile::kColumns * std::max<size_t>(kLineBytes / kTileBytes, 1);
  const Tile tile(plan);
  const size_t last_x = plan.source_width - Tile::kColumns;
  const size_t last_y = plan.source_height - Tile::kRows;
  const auto row_bytes =
      static_cast<ptrdiff_t>(plan.source_width * kPixelBytes);
  const ptrdiff_t next_band =
      static_cast<ptrdiff_t>(kBandRows) * plan.source_stride;
  for (size_t first = 0; first < plan.source_height; first += kBandRows) {
    const size_t end = std::min(first + kBandRows, plan.source_height);
    for (size_t strip = 0; strip < plan.source_width; strip += kStrip) {
      const size_t strip_end = std::min(strip + kStrip, plan.source_width);
      // Behind the end of a row, where the next band begins.
      auto fetched = static_cast<ptrdiff_t>(strip * kPixelBytes) + kFetchBytes;
      if (fetched >= row_bytes) fetched += next_band - row_bytes;
      for (size_t row = first; row < end; row += Tile::kRows) {
        // The last tiles overlap those before.
        const size_t y = std::min(row, last_y);
        const uint8_t* from = plan.source +
                              static_cast<ptrdiff_t>(y) * plan.source_stride +
                              fetched;
        for (size_t i = 0; i < Tile::kRows; ++i) {
          hwy::Prefetch(from);
          from += plan.source_stride;
        }
        for (size_t column = strip; column < strip_end;
             column += Tile::kColumns) {
          tile.template Move<kStrip>(std::min(column, last_x), y);
        }
      }
    }
  }
}

template <size_t kBytes>
HWY_INLINE void CopyBytes(const uint8_t* from, uint8_t* to) {
  const hn::CappedTag<uint8_t, kLineBytes> d;
  constexpr size_t kLanes = hn::MaxLanes(d);
  static_assert(kBytes % kLanes == 0);
  for (size_t i = 0; i < kBytes; i += kLanes) {
    hn::StoreU(hn::LoadU(d, from + i), d, to + i);
  }
}

// By blocks that are put together on the stack, for targets at whose strides
// lines of different rows push each other out of the cache: each line is then
// touched once, and all of it (4096 x 4096 pixels of 1 byte: 2.4 ms, 4.7 ms
// without).
template <typename Tile, size_t kPixelBytes>
class StagedTransposition {
  static constexpr bool kIsTriple = kPixelBytes % 3 == 0;
  static constexpr size_t kRowBytes = kIsTriple ? 384 : 256;
  static constexpr size_t kColumnBytes = kIsTriple ? 96 : 64;
  static constexpr size_t kColumns = kColumnBytes / kPixelBytes;
  static constexpr size_t kRows = kRowBytes / kPixelBytes;
  static constexpr size_t kStride = kRowBytes + kLineBytes;

 public:
  static bool Fits(const PixelTransposition& plan) {
    return plan.target_stride % (kIsTriple ? 2048 : 1024) == 0 &&
           plan.source_width >= kColumns && plan.source_height >= kRows;
  }

  explicit StagedTransposition(const PixelTransposition& plan)
      : plan_(plan), tile_(plan) {}

  void Run() {
    for (size_t y = 0; y < plan_.source_height; y += kRows) {
      for (size_t x = 0; x < plan_.source_width; x += kColumns) {
        // The last blocks overlap those before.
        Move(std::min(x, plan_.source_width - kColumns),
             std::min(y, plan_.source_height - kRows));
      }
    }
  }

 private:
  void Move(size_t x, size_t y) {
    PixelTransposition block = plan_;
    block.source +=
        static_cast<ptrdiff_t>(y) * plan_.source_stride + x * kPixelBytes;
    block.source_width -= x;
    block.source_height = kRows + kBlockBytes;  // rows may spill
    block.target = staged_;
    block.target_stride = kStride;
    tile_.SetPlan(block);
    const uint8_t* from = block.source + kColumnBytes + kLineBytes;
    for (size_t row = 0; row < kRows; row += Tile::kRows) {
      for (size_t i = 0; i < Tile::kRows; ++i) {
        for (size_t j = 0; j < kColumnBytes; j += kLineBytes) {
          hwy::Prefetch(from + j);
        }
        from += plan_.source_stride;
      }
      for (size_t column = 0; column < kColumns; column += Tile::kColumns) {
        tile_.template Move<0>(column, row);
      }
    }
    uint8_t* to = plan_.target +
                  static_cast<ptrdiff_t>(x) * plan_.target_stride +
                  y * kPixelBytes;
    for (size_t i = 0; i < kColumns; ++i) {
      for (size_t j = 0; j < kRowBytes; j += kLineBytes) {
        FetchRow<kColumns>(to + j, plan_.target_stride);
      }
      CopyBytes<kRowBytes>(staged_ + i * kStride, to);
      to += plan_.target_stride;
    }
  }

  const PixelTransposition plan_;
  Tile tile_;
  HWY_ALIGN uint8_t staged_[kColumns * kStride];
};

// Apart, so that its stack costs other functions nothing.
template <typename Tile, size_t kPixelBytes>
HWY_NOINLINE void TransposeStaged(const PixelTransposition& plan) {
  StagedTransposition<Tile, kPixelBytes>(plan).Run();
}

template <typename Tile, size_t kPixelBytes>
void TransposeBy(const PixelTransposition& plan) {
  // Larger pixels gain nothing: fewer rows of them are worked on at once.
  if constexpr (kPixelBytes <= 4) {
    if (StagedTransposition<Tile, kPixelBytes>::Fits(plan)) {
      return TransposeStaged<Tile, kPixelBytes>(plan);
    }
  }
  TransposeInTiles<Tile, kPixelBytes>(plan);
}

template <size_t kPixelBytes>
void TransposeWith(const PixelTransposition& plan) {
#if HWY_TARGET == HWY_AVX3_DL
  if constexpr (kPixelBytes % 3 == 0) {
    using Tile = WideTile<kPixelBytes>;
    if (Tile::Fits(plan)) return TransposeBy<Tile, kPixelBytes>(plan);
  } else {
    using Tile = QuadTile<kPixelBytes>;
    if (Tile::Fits(plan)) return TransposeBy<Tile, kPixelBytes>(plan);
  }
#endif
  if constexpr (kPixelBytes == 12) {
    if (BlendTile::Fits(plan)) {
      return TransposeBy<BlendTile, kPixelBytes>(plan);
    }
  }
  using Tile = BlockTile<kPixelBytes>;
  if (Tile::Fits(plan)) return TransposeBy<Tile, kPixelBytes>(plan);
  TransposeSlowly<kPixelBytes>(plan);
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

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Transpose);

void TransposePixels(size_t pixel_bytes, const PixelTransposition& plan) {
  HWY_DYNAMIC_DISPATCH(Transpose)(pixel_bytes, plan);
}

}  // namespace imageadapt
#endif  // HWY_ONCE
