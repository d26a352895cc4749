#include "imageadapt/kernels/quarter_turn.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

#include "imageadapt/kernels/pixel_moves.h"

namespace imageadapt {
namespace {

template <Sample T>
size_t PixelBytes(const ImageShape& shape) {
  return shape.channels * sizeof(T);
}

template <Sample T>
ptrdiff_t StrideBytes(const ImageView<T>& view) {
  return static_cast<ptrdiff_t>(view.stride() * sizeof(T));
}

template <Sample T>
const uint8_t* RowBytes(const ImageView<const T>& view, uint32_t row) {
  return reinterpret_cast<const uint8_t*>(view.row(row).data());
}

template <Sample T>
uint8_t* WritableRowBytes(const ImageView<T>& view, uint32_t row) {
  return reinterpret_cast<uint8_t*>(view.row(row).data());
}

// Writes the rows that begin at `first` to those of `target`, reversed.
template <Sample T>
void ReverseRows(const uint8_t* first, ptrdiff_t stride,
                 const ImageView<T>& target) {
  const ImageShape& shape = target.shape();
  ReversePixels(PixelBytes<T>(shape), {.source = first,
                                       .source_stride = stride,
                                       .width = shape.width,
                                       .height = shape.height,
                                       .target = WritableRowBytes(target, 0),
                                       .target_stride = StrideBytes(target)});
}

// Fetches the beginning of a row that the processor does not expect next.
template <Sample T>
void FetchHead(std::span<const T> row) {
  constexpr size_t kLineBytes = 64;
  constexpr size_t kLines = 16;
  const size_t end = std::min(row.size_bytes(), kLines * kLineBytes);
  const std::byte* const first = std::as_bytes(row).data();
  for (size_t i = 0; i < end; i += kLineBytes) __builtin_prefetch(first + i);
}

// A transposition, with one axis mirrored or none.
enum class Diagonal : uint8_t { kMain, kCounterClockwise, kClockwise };

// Target pixel (x, y) is source pixel (y, x), (y, last - x) or (last - y, x).
template <Sample T>
void Transpose(const ImageView<const T>& source, Diagonal diagonal,
               const RowBand<ImageView<T>>& target) {
  const ImageShape& shape = source.shape();
  const uint32_t rows = target.rows.shape().height;
  if (rows == 0) return;
  const size_t pixel_bytes = PixelBytes<T>(shape);
  PixelTransposition plan = {.source = RowBytes(source, 0),
                             .source_stride = StrideBytes(source),
                             .source_width = rows,
                             .source_height = shape.height,
                             .target = WritableRowBytes(target.rows, 0),
                             .target_stride = StrideBytes(target.rows)};
  uint32_t first_column = target.first_row;
  if (diagonal == Diagonal::kClockwise) {
    plan.source = RowBytes(source, shape.height - 1);
    plan.source_stride = -plan.source_stride;
  } else if (diagonal == Diagonal::kCounterClockwise) {
    first_column = shape.width - target.first_row - rows;
    plan.target = WritableRowBytes(target.rows, rows - 1);
    plan.target_stride = -plan.target_stride;
  }
  plan.source += first_column * pixel_bytes;
  TransposePixels(pixel_bytes, plan);
}

}  // namespace

template <Sample T>
void QuarterTurn(const ImageView<const T>& source, int quarter_turns,
                 const RowBand<ImageView<T>>& target) {
  if (quarter_turns != 2) {
    Transpose(
        source,
        quarter_turns == 1 ? Diagonal::kCounterClockwise : Diagonal::kClockwise,
        target);
    return;
  }
  if (target.rows.shape().height == 0) return;
  const uint32_t last = source.shape().height - 1 - target.first_row;
  ReverseRows(RowBytes(source, last), -StrideBytes(source), target.rows);
}

template <Sample T>
void TransposeImage(const ImageView<const T>& source,
                    const RowBand<ImageView<T>>& target) {
  Transpose(source, Diagonal::kMain, target);
}

template <Sample T>
void MirrorColumns(const RowBand<ImageView<const T>>& source,
                   const RowBand<ImageView<T>>& target) {
  if (target.rows.shape().height == 0) return;
  const uint32_t offset = target.first_row - source.first_row;
  ReverseRows(RowBytes(source.rows, offset), StrideBytes(source.rows),
              target.rows);
}

template <Sample T>
void MirrorRows(const ImageView<const T>& source,
                const RowBand<ImageView<T>>& target) {
  const uint32_t last = source.shape().height - 1 - target.first_row;
  for (uint32_t y = 0; y < target.rows.shape().height; ++y) {
    const std::span<const T> from = source.row(last - y);
    if (y < last) FetchHead(source.row(last - y - 1));
    std::memcpy(target.rows.row(y).data(), from.data(), from.size_bytes());
  }
}

#define INSTANTIATE(T)                                            \
  template void QuarterTurn(const ImageView<const T>&, int,       \
                            const RowBand<ImageView<T>>&);        \
  template void TransposeImage(const ImageView<const T>&,         \
                               const RowBand<ImageView<T>>&);     \
  template void MirrorColumns(const RowBand<ImageView<const T>>&, \
                              const RowBand<ImageView<T>>&);      \
  template void MirrorRows(const ImageView<const T>&,             \
                           const RowBand<ImageView<T>>&)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
