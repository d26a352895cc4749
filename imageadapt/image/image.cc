#include "imageadapt/image/image.h"

#include <limits>
#include <utility>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

// A view of `type` samples at `bytes`, of rows without padding.
template <typename AnyView>
AnyView ViewOf(std::byte* bytes, const ImageSpec& spec) {
  const size_t stride = RowSamples(spec.shape);
  switch (spec.sample_type) {
    case SampleType::kU8:
      return ImageView(reinterpret_cast<uint8_t*>(bytes), spec.shape, stride);
    case SampleType::kU16:
      return ImageView(reinterpret_cast<uint16_t*>(bytes), spec.shape, stride);
    case SampleType::kF32:
      return ImageView(reinterpret_cast<float*>(bytes), spec.shape, stride);
  }
  return {};
}

}  // namespace

absl::StatusOr<uint64_t> PixelBytes(const ImageSpec& spec) {
  const ImageShape& shape = spec.shape;
  if (shape.width == 0 || shape.height == 0) {
    return InvalidField("size", "an image of ", shape.width, " x ",
                        shape.height, " pixels has no pixels");
  }
  if (shape.channels == 0 || shape.channels > kMaxChannels) {
    return InvalidField("channels", "must be 1 to 4, got ", shape.channels);
  }
  // 32 + 32 bits of sides, and at most 16 bytes a pixel.
  uint64_t bytes = uint64_t{shape.width} * shape.height;
  const uint64_t pixel = shape.channels * SampleBytes(spec.sample_type);
  if (__builtin_mul_overflow(bytes, pixel, &bytes) ||
      bytes > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return InvalidField("size", "an image of ", shape.width, " x ",
                        shape.height, " pixels cannot be held in memory");
  }
  return bytes;
}

absl::StatusOr<Image> Image::Create(const ImageSpec& spec, BufferPool& pool) {
  ASSIGN_OR_RETURN(const uint64_t bytes, PixelBytes(spec));
  ASSIGN_OR_RETURN(Buffer pixels, pool.Take(bytes));
  return Image(spec, std::move(pixels));
}

AnyImageView Image::view() {
  return ViewOf<AnyImageView>(pixels_.data(), spec_);
}

AnyConstImageView Image::view() const {
  return ViewOf<AnyConstImageView>(pixels_.data(), spec_);
}

}  // namespace imageadapt
