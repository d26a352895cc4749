#include <algorithm>
#include <cstring>

#include "imageadapt/kernels/pixel_moves.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/pixel_mirrors.cc"
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
void ReverseWith(const PixelRows& rows) {
  for (size_t y = 0; y < rows.height; ++y) {
    const auto row = static_cast<ptrdiff_t>(y);
    ReverseSlowly<kPixelBytes>(
        rows.source + row * rows.source_stride + rows.width * kPixelBytes,
        rows.width, rows.target + row * rows.target_stride);
  }
}

#else

#if HWY_TARGET == HWY_AVX3_DL

// Reverses as many whole pixels as a vector holds; fewer by masks.
template <size_t kPixelBytes>
class Reversal {
 public:
  using Pixels = __m512i;
  static constexpr size_t kBytes = 64;
  static constexpr size_t kPixels = kBytes / kPixelBytes;
  static constexpr size_t kUsed = kPixels * kPixelBytes;

  Reversal() {
    constexpr size_t kRest = kBytes - kUsed;
    HWY_ALIGN uint8_t positions[kBytes] = {};
    HWY_ALIGN uint8_t to_front[kBytes] = {};
    HWY_ALIGN uint8_t to_back[kBytes] = {};
    for (size_t i = 0; i < kUsed; ++i) {
      const size_t mirrored =
          (kPixels - 1 - i / kPixelBytes) * kPixelBytes + i % kPixelBytes;
      positions[i] = static_cast<uint8_t>(mirrored);
      to_front[i] = static_cast<uint8_t>(kRest + mirrored);
      to_back[kRest + i] = static_cast<uint8_t>(mirrored);
    }
    // What the first operand does not give comes from the second.
    for (size_t i = 0; i < kRest; ++i) {
      to_front[kUsed + i] = static_cast<uint8_t>(kBytes + kUsed + i);
      to_back[i] = static_cast<uint8_t>(kBytes + i);
    }
    positions_ = _mm512_load_si512(positions);
    to_front_ = _mm512_load_si512(to_front);
    to_back_ = _mm512_load_si512(to_back);
  }

  static HWY_INLINE Pixels Load(const uint8_t* from) {
    return _mm512_loadu_si512(from);
  }
  static HWY_INLINE void Store(Pixels pixels, uint8_t* to) {
    _mm512_storeu_si512(to, pixels);
  }

  // The last kUsed bytes of `back` in reverse order, then the end of `front`.
  HWY_INLINE Pixels Front(Pixels back, Pixels front) const {
    return _mm512_permutex2var_epi8(back, to_front_, front);
  }
  // The beginning of `back`, then the first kUsed bytes of `front` in reverse
  // order.
  HWY_INLINE Pixels Back(Pixels front, Pixels back) const {
    return _mm512_permutex2var_epi8(front, to_back_, back);
  }

  // At most kPixels pixels.
  HWY_INLINE void ReverseFew(const uint8_t* from, size_t width,
                             uint8_t* to) const {
    const __mmask64 used = Used(width);
    const __m512i pixels = _mm512_maskz_loadu_epi8(used, from);
    _mm512_mask_storeu_epi8(to, used, Few(pixels, width));
  }
  HWY_INLINE void SwapFew(uint8_t* a, uint8_t* b, size_t width) const {
    const __mmask64 used = Used(width);
    const __m512i from_a = _mm512_maskz_loadu_epi8(used, a);
    const __m512i from_b = _mm512_maskz_loadu_epi8(used, b);
    _mm512_mask_storeu_epi8(a, used, Few(from_b, width));
    _mm512_mask_storeu_epi8(b, used, Few(from_a, width));
  }

 private:
  static __mmask64 Used(size_t width) {
    const size_t bytes = width * kPixelBytes;
    return bytes == 0 ? 0 : ~uint64_t{0} >> (kBytes - bytes);
  }
  __m512i Few(__m512i pixels, size_t width) const {
    const auto less = static_cast<char>((kPixels - width) * kPixelBytes);
    return _mm512_permutexvar_epi8(
        _mm512_sub_epi8(positions_, _mm512_set1_epi8(less)), pixels);
  }

  __m512i positions_;
  __m512i to_front_;
  __m512i to_back_;
};

#else

// Reverses as many whole pixels as a vector holds.
template <size_t kPixelBytes>
class Reversal {
  // Shuffles stay within blocks, which only pixels that fill them can cross.
  using D = hn::CappedTag<uint8_t, kBlockBytes % kPixelBytes == 0 ? 32 : 16>;

 public:
  using Pixels = hn::Vec<D>;
  static constexpr size_t kBytes = hn::MaxLanes(D());
  static constexpr size_t kPixels = kBytes / kPixelBytes;
  static constexpr size_t kUsed = kPixels * kPixelBytes;

  Reversal() {
    constexpr size_t kRest = kBytes - kUsed;
    HWY_ALIGN uint8_t to_front[kBytes] = {};
    HWY_ALIGN uint8_t to_back[kBytes] = {};
    HWY_ALIGN uint8_t front_used[kBytes] = {};
    HWY_ALIGN uint8_t back_used[kBytes] = {};
    for (size_t i = 0; i < kUsed; ++i) {
      const size_t mirrored =
          (kPixels - 1 - i / kPixelBytes) * kPixelBytes + i % kPixelBytes;
      to_front[i] = static_cast<uint8_t>((kRest + mirrored) % kBlockBytes);
      to_back[kRest + i] = static_cast<uint8_t>(mirrored % kBlockBytes);
      front_used[i] = back_used[kRest + i] = 0xff;
    }
    to_front_ = hn::Load(D(), to_front);
    to_back_ = hn::Load(D(), to_back);
    front_used_ = hn::Load(D(), front_used);
    back_used_ = hn::Load(D(), back_used);
  }

  static HWY_INLINE Pixels Load(const uint8_t* from) {
    return hn::LoadU(D(), from);
  }
  static HWY_INLINE void Store(Pixels pixels, uint8_t* to) {
    hn::StoreU(pixels, D(), to);
  }

  // The last kUsed bytes of `back` in reverse order, then the end of `front`.
  HWY_INLINE Pixels Front(Pixels back, Pixels front) const {
    const Pixels pixels = hn::TableLookupBytes(SwapBlocks(back), to_front_);
    if (kUsed == kBytes) return pixels;
    return hn::IfVecThenElse(front_used_, pixels, front);
  }
  // The beginning of `back`, then the first kUsed bytes of `front` in reverse
  // order.
  HWY_INLINE Pixels Back(Pixels front, Pixels back) const {
    const Pixels pixels = hn::TableLookupBytes(SwapBlocks(front), to_back_);
    if (kUsed == kBytes) return pixels;
    return hn::IfVecThenElse(back_used_, pixels, back);
  }

  static void ReverseFew(const uint8_t* from, size_t width, uint8_t* to) {
    ReverseSlowly<kPixelBytes>(from + width * kPixelBytes, width, to);
  }
  static void SwapFew(uint8_t* a, uint8_t* b, size_t width) {
    SwapReversedSlowly<kPixelBytes>(a, b + width * kPixelBytes, width);
  }

 private:
  static HWY_INLINE Pixels SwapBlocks(Pixels pixels) {
    if constexpr (kBytes == kBlockBytes) {
      return pixels;
    } else {
      return hn::ConcatLowerUpper(D(), pixels, pixels);
    }
  }

  Pixels to_front_;
  Pixels to_back_;
  Pixels front_used_;
  Pixels back_used_;
};

#endif  // HWY_TARGET == HWY_AVX3_DL

// How far ahead lines are fetched, in bytes. The processor follows a row by
// itself, but not the jump from the beginning of a source row, which is read
// last, to the end of the next one (4000 x 3000 pixels of 6 bytes: 10.3 ms,
// 12.2 ms without). Less does not suffice; more is gone from the first-level
// cache before it is used.
constexpr size_t kFetchedBytes = 4096;

template <size_t kPixelBytes>
void ReverseWith(const PixelRows& rows) {
  using Vectors = Reversal<kPixelBytes>;
  const Vectors vectors;
  const size_t row_bytes = rows.width * kPixelBytes;
  const size_t ahead = std::min(kFetchedBytes, row_bytes);
  const auto in_row = static_cast<ptrdiff_t>(ahead);
  const auto in_next = in_row - static_cast<ptrdiff_t>(row_bytes);
  for (size_t y = 0; y < rows.height; ++y) {
    const uint8_t* const from =
        rows.source + static_cast<ptrdiff_t>(y) * rows.source_stride;
    uint8_t* to = rows.target + static_cast<ptrdiff_t>(y) * rows.target_stride;
    // Loads reach kBytes back from `end`, and stores as far on from `to`.
    const uint8_t* end = from + row_bytes;
    size_t left = rows.width;
    // Works until fewer than `least` bytes are left.
    const auto reverse_lines = [&](size_t least, ptrdiff_t source_ahead,
                                   ptrdiff_t target_ahead) HWY_ATTR {
      while (left * kPixelBytes >= least) {
        hwy::Prefetch(end - kLineBytes + source_ahead);
        FetchToWrite(to + target_ahead);
        for (size_t i = 0; i < kLineBytes / Vectors::kBytes; ++i) {
          const auto pixels = Vectors::Load(end - Vectors::kBytes);
          Vectors::Store(vectors.Front(pixels, pixels), to);
          end -= Vectors::kUsed;
          to += Vectors::kUsed;
          left -= Vectors::kPixels;
        }
      }
    };
    reverse_lines(ahead + kLineBytes, -in_row, in_row);
    // What is fetched now belongs to the next row.
    reverse_lines(kLineBytes, rows.source_stride - in_next,
                  rows.target_stride + in_next);
    for (; left * kPixelBytes >= Vectors::kBytes; left -= Vectors::kPixels) {
      const auto pixels = Vectors::Load(end - Vectors::kBytes);
      Vectors::Store(vectors.Front(pixels, pixels), to);
      end -= Vectors::kUsed;
      to += Vectors::kUsed;
    }
    vectors.ReverseFew(from, left, to);
  }
}

// Of a pair of vectors what is beyond whole pixels keeps its value. It belongs
// to the next pair, which is therefore loaded before this one is stored: loads
// that overlap a store wait for it (a half turn of 1920 x 1080 pixels of 3
// bytes: 0.11 ms, 1.25 ms without this and with 16 bytes at a time).
template <size_t kPixelBytes>
void SwapReversedWith(uint8_t* a, uint8_t* b, size_t width) {
  using Vectors = Reversal<kPixelBytes>;
  const Vectors vectors;
  size_t left = width;
  if (left * kPixelBytes >= Vectors::kBytes) {
    uint8_t* back = b + width * kPixelBytes - Vectors::kBytes;
    auto from_a = Vectors::Load(a);
    auto from_b = Vectors::Load(back);
    for (;;) {
      left -= Vectors::kPixels;
      const auto into_a = vectors.Front(from_b, from_a);
      const auto into_b = vectors.Back(from_a, from_b);
      const bool is_last = left * kPixelBytes < Vectors::kBytes;
      if (!is_last) {
        from_a = Vectors::Load(a + Vectors::kUsed);
        from_b = Vectors::Load(back - Vectors::kUsed);
      }
      Vectors::Store(into_a, a);
      Vectors::Store(into_b, back);
      a += Vectors::kUsed;
      back -= Vectors::kUsed;
      if (is_last) break;
    }
  }
  vectors.SwapFew(a, b, left);
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

void Reverse(size_t pixel_bytes, const PixelRows& rows) {
  switch (pixel_bytes) {
    case 1:
      return ReverseWith<1>(rows);
    case 2:
      return ReverseWith<2>(rows);
    case 3:
      return ReverseWith<3>(rows);
    case 4:
      return ReverseWith<4>(rows);
    case 6:
      return ReverseWith<6>(rows);
    case 8:
      return ReverseWith<8>(rows);
    case 12:
      return ReverseWith<12>(rows);
    default:
      return ReverseWith<16>(rows);
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

HWY_EXPORT(Reverse);
HWY_EXPORT(SwapReversed);
HWY_EXPORT(Swap);

void ReversePixels(size_t pixel_bytes, const PixelRows& rows) {
  HWY_DYNAMIC_DISPATCH(Reverse)(pixel_bytes, rows);
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
