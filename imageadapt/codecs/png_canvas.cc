#include "imageadapt/codecs/png_canvas.h"

#include <cstring>
#include <limits>
#include <span>

#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

// A pixel over another, neither of them premultiplied; rounded to the nearest.
template <typename T>
void DrawOver(const T* front, T* back, uint32_t channels) {
  constexpr uint64_t kMost = std::numeric_limits<T>::max();
  const uint64_t front_alpha = front[channels - 1];
  const uint64_t back_alpha = back[channels - 1];
  if (front_alpha == kMost || back_alpha == 0) {
    std::memcpy(back, front, channels * sizeof(T));
    return;
  }
  if (front_alpha == 0) return;
  // Both in units of kMost * kMost.
  const uint64_t front_share = front_alpha * kMost;
  const uint64_t back_share = back_alpha * (kMost - front_alpha);
  const uint64_t sum = front_share + back_share;
  for (uint32_t c = 0; c + 1 < channels; ++c) {
    back[c] = static_cast<T>(
        (front[c] * front_share + back[c] * back_share + sum / 2) / sum);
  }
  back[channels - 1] = static_cast<T>((sum + kMost / 2) / kMost);
}

template <typename T>
void DrawOver(std::span<const std::byte> front, std::byte* back,
              uint32_t channels) {
  const auto* from = reinterpret_cast<const T*>(front.data());
  auto* to = reinterpret_cast<T*>(back);
  for (size_t i = 0; i < front.size() / sizeof(T); i += channels) {
    DrawOver(from + i, to + i, channels);
  }
}

}  // namespace

absl::Status PngCanvas::Create(const ImageSpec& spec) {
  spec_ = spec;
  BufferPool pool(0);
  ASSIGN_OR_RETURN(picture_, Image::Create(spec, pool));
  for (uint32_t y = 0; y < spec.shape.height; ++y) {
    const auto row = picture_.view().row_bytes(y);
    std::memset(row.data(), 0, row.size());
  }
  return absl::OkStatus();
}

void PngCanvas::Dispose() {
  const size_t pixel = spec_.shape.channels * SampleBytes(spec_.sample_type);
  const size_t size = frame_.width * pixel;
  for (uint32_t y = 0; y < frame_.height; ++y) {
    std::byte* const row =
        picture_.view().row_bytes(frame_.y + y).data() + frame_.x * pixel;
    if (frame_.dispose == PngFrame::Dispose::kClear) {
      std::memset(row, 0, size);
    } else if (frame_.dispose == PngFrame::Dispose::kRestore) {
      std::memcpy(row, before_.data() + y * size, size);
    }
  }
}

absl::Status PngCanvas::Begin(const PngFrame& frame) {
  Dispose();
  frame_ = frame;
  before_ = Buffer();
  if (frame.dispose != PngFrame::Dispose::kRestore) return absl::OkStatus();
  const size_t pixel = spec_.shape.channels * SampleBytes(spec_.sample_type);
  const size_t size = frame.width * pixel;
  ASSIGN_OR_RETURN(before_, BufferPool(0).Take(size * frame.height));
  for (uint32_t y = 0; y < frame.height; ++y) {
    std::memcpy(before_.data() + y * size,
                picture_.view().row_bytes(frame.y + y).data() + frame.x * pixel,
                size);
  }
  return absl::OkStatus();
}

void PngCanvas::DrawRow(uint32_t row, std::span<const std::byte> pixels) {
  const uint32_t channels = spec_.shape.channels;
  std::byte* const target =
      picture_.view().row_bytes(frame_.y + row).data() +
      frame_.x * size_t{channels} * SampleBytes(spec_.sample_type);
  if (frame_.blend == PngFrame::Blend::kReplace || !HasAlpha(channels)) {
    std::memcpy(target, pixels.data(), pixels.size());
  } else if (spec_.sample_type == SampleType::kU8) {
    DrawOver<uint8_t>(pixels, target, channels);
  } else {
    DrawOver<uint16_t>(pixels, target, channels);
  }
}

}  // namespace imageadapt
