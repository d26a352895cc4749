#include "imageadapt/kernels/in_place_turn.h"

#include <cstdint>

#include "imageadapt/kernels/in_place_transposition.h"
#include "imageadapt/kernels/pixel_moves.h"

namespace imageadapt {
namespace {

template <Sample T>
uint8_t* Row(const ImageView<T>& image, uint32_t row) {
  return reinterpret_cast<uint8_t*>(image.row(row).data());
}

template <Sample T>
size_t PixelBytes(const ImageView<T>& image) {
  return image.shape().channels * sizeof(T);
}

template <Sample T>
ImageView<T> Transpose(const ImageView<T>& image, InPlaceMirror mirror,
                       std::span<std::byte> scratch) {
  const ImageShape& shape = image.shape();
  const ImageShape turned = {
      .width = shape.height, .height = shape.width, .channels = shape.channels};
  TransposeInPlace(PlanInPlace(shape.width, shape.height, PixelBytes(image)),
                   mirror, Row(image, 0), image.stride() * sizeof(T), scratch);
  return {image.row(0).data(), turned, RowSamples(turned)};
}

template <Sample T>
void ReverseRow(const ImageView<T>& image, uint32_t row) {
  const size_t pixel_bytes = PixelBytes(image);
  const size_t half = image.shape().width / 2;
  uint8_t* const first = Row(image, row);
  uint8_t* const second = first + (image.shape().width - half) * pixel_bytes;
  SwapReversedPixels(pixel_bytes, first, second, half);
}

template <Sample T>
void HalfTurn(const ImageView<T>& image) {
  const ImageShape& shape = image.shape();
  for (uint32_t y = 0; y < shape.height / 2; ++y) {
    SwapReversedPixels(PixelBytes(image), Row(image, y),
                       Row(image, shape.height - 1 - y), shape.width);
  }
  if (shape.height % 2 == 1) ReverseRow(image, shape.height / 2);
}

}  // namespace

size_t InPlaceTurnScratchBytes(const ImageSpec& spec) {
  const size_t pixel_bytes =
      spec.shape.channels * SampleBytes(spec.sample_type);
  return PlanInPlace(spec.shape.width, spec.shape.height, pixel_bytes)
      .ScratchBytes();
}

template <Sample T>
ImageView<T> QuarterTurnInPlace(const ImageView<T>& image, int quarter_turns,
                                std::span<std::byte> scratch) {
  if (quarter_turns == 2) {
    HalfTurn(image);
    return image;
  }
  return Transpose(
      image,
      quarter_turns == 1 ? InPlaceMirror::kColumns : InPlaceMirror::kRows,
      scratch);
}

template <Sample T>
ImageView<T> TransposeInPlace(const ImageView<T>& image,
                              std::span<std::byte> scratch) {
  return Transpose(image, InPlaceMirror::kNone, scratch);
}

template <Sample T>
void MirrorColumnsInPlace(const ImageView<T>& image) {
  for (uint32_t y = 0; y < image.shape().height; ++y) ReverseRow(image, y);
}

template <Sample T>
void MirrorRowsInPlace(const ImageView<T>& image) {
  const uint32_t height = image.shape().height;
  for (uint32_t y = 0; y < height / 2; ++y) {
    SwapBytes(Row(image, y), Row(image, height - 1 - y),
              image.row(y).size_bytes());
  }
}

#define INSTANTIATE(T)                                               \
  template ImageView<T> QuarterTurnInPlace(const ImageView<T>&, int, \
                                           std::span<std::byte>);    \
  template ImageView<T> TransposeInPlace(const ImageView<T>&,        \
                                         std::span<std::byte>);      \
  template void MirrorColumnsInPlace(const ImageView<T>&);           \
  template void MirrorRowsInPlace(const ImageView<T>&)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
