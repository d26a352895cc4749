#include "imageadapt/kernels/quarter_turn.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "imageadapt/kernels/channels.h"

namespace imageadapt {
namespace {

// Pixels of a tile's side: reading down a column touches a new cache line in
// each row, so a tile's lines must all stay in the first-level cache.
constexpr uint32_t kTile = 32;

template <int kChannels, Sample T>
void CopyPixel(const T* from, T* to) {
  std::memcpy(to, from, kChannels * sizeof(T));
}

// Target pixel (x, y) is source pixel (y, last - x), or turned the other way:
// a transposition with one axis mirrored.
template <int kChannels, Sample T>
void Transpose(const ImageView<const T>& source, bool clockwise,
               const RowBand<ImageView<T>>& target) {
  const ImageShape& shape = source.shape();
  const uint32_t rows = target.rows.shape().height;
  const uint32_t columns = target.rows.shape().width;  // source rows
  for (uint32_t tile_y = 0; tile_y < rows; tile_y += kTile) {
    const uint32_t end_y = std::min(tile_y + kTile, rows);
    for (uint32_t tile_x = 0; tile_x < columns; tile_x += kTile) {
      const uint32_t end_x = std::min(tile_x + kTile, columns);
      for (uint32_t y = tile_y; y < end_y; ++y) {
        const uint32_t turned_y = target.first_row + y;
        const uint32_t column =
            clockwise ? turned_y : shape.width - 1 - turned_y;
        T* to = target.rows.row(y).data() + size_t{tile_x} * kChannels;
        for (uint32_t x = tile_x; x < end_x; ++x, to += kChannels) {
          const uint32_t row = clockwise ? shape.height - 1 - x : x;
          CopyPixel<kChannels>(
              source.row(row).data() + size_t{column} * kChannels, to);
        }
      }
    }
  }
}

template <int kChannels, Sample T>
void ReverseRow(const T* from, uint32_t width, T* to) {
  const T* last = from + size_t{width - 1} * kChannels;
  for (uint32_t x = 0; x < width; ++x, to += kChannels, last -= kChannels) {
    CopyPixel<kChannels>(last, to);
  }
}

}  // namespace

template <Sample T>
void QuarterTurn(const ImageView<const T>& source, int quarter_turns,
                 const RowBand<ImageView<T>>& target) {
  WithChannels(source.shape().channels, [&](auto channels) {
    constexpr int kChannels = decltype(channels)::value;
    if (quarter_turns != 2) {
      Transpose<kChannels>(source, quarter_turns == 3, target);
      return;
    }
    const uint32_t last = source.shape().height - 1 - target.first_row;
    for (uint32_t y = 0; y < target.rows.shape().height; ++y) {
      ReverseRow<kChannels>(source.row(last - y).data(), source.shape().width,
                            target.rows.row(y).data());
    }
  });
}

template <Sample T>
void MirrorColumns(const RowBand<ImageView<const T>>& source,
                   const RowBand<ImageView<T>>& target) {
  WithChannels(source.rows.shape().channels, [&](auto channels) {
    const uint32_t offset = target.first_row - source.first_row;
    for (uint32_t y = 0; y < target.rows.shape().height; ++y) {
      ReverseRow<decltype(channels)::value>(source.rows.row(offset + y).data(),
                                            source.rows.shape().width,
                                            target.rows.row(y).data());
    }
  });
}

template <Sample T>
void MirrorRows(const ImageView<const T>& source,
                const RowBand<ImageView<T>>& target) {
  const uint32_t last = source.shape().height - 1 - target.first_row;
  for (uint32_t y = 0; y < target.rows.shape().height; ++y) {
    const std::span<const T> from = source.row(last - y);
    std::memcpy(target.rows.row(y).data(), from.data(), from.size_bytes());
  }
}

#define INSTANTIATE(T)                                            \
  template void QuarterTurn(const ImageView<const T>&, int,       \
                            const RowBand<ImageView<T>>&);        \
  template void MirrorColumns(const RowBand<ImageView<const T>>&, \
                              const RowBand<ImageView<T>>&);      \
  template void MirrorRows(const ImageView<const T>&,             \
                           const RowBand<ImageView<T>>&)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
