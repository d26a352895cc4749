// What an image is, apart from its pixels: size, channels, sample type.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_IMAGE_IMAGE_SPEC_H_
#define IMAGEADAPT_IMAGE_IMAGE_SPEC_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "absl/status/statusor.h"

namespace imageadapt {

// The sample types an image can have.
template <typename T>
concept Sample = std::same_as<std::remove_const_t<T>, uint8_t> ||
                 std::same_as<std::remove_const_t<T>, uint16_t> ||
                 std::same_as<std::remove_const_t<T>, float>;

enum class SampleType : uint8_t { kU8, kU16, kF32 };

template <Sample T>
inline constexpr SampleType kSampleTypeOf =
    std::same_as<std::remove_const_t<T>, uint8_t>    ? SampleType::kU8
    : std::same_as<std::remove_const_t<T>, uint16_t> ? SampleType::kU16
                                                     : SampleType::kF32;

constexpr size_t SampleBytes(SampleType type) {
  switch (type) {
    case SampleType::kU8:
      return 1;
    case SampleType::kU16:
      return 2;
    case SampleType::kF32:
      return 4;
  }
  return 0;
}

// "u8", "u16" or "f32".
constexpr const char* SampleTypeName(SampleType type) {
  switch (type) {
    case SampleType::kU8:
      return "u8";
    case SampleType::kU16:
      return "u16";
    case SampleType::kF32:
      return "f32";
  }
  return "";
}

// Pixels lie row by row, the channels of a pixel side by side: grey, grey and
// alpha, RGB, or RGB and alpha.
struct ImageShape {
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t channels = 0;

  bool operator==(const ImageShape&) const = default;
};

struct ImageSpec {
  ImageShape shape;
  SampleType sample_type = SampleType::kU8;

  bool operator==(const ImageSpec&) const = default;
};

constexpr uint32_t kMaxChannels = 4;

constexpr bool HasAlpha(uint32_t channels) {
  return channels == 2 || channels == 4;
}

// Samples and bytes in a row without padding. These cannot overflow.
constexpr size_t RowSamples(const ImageShape& shape) {
  return size_t{shape.width} * shape.channels;
}
constexpr size_t RowBytes(const ImageSpec& spec) {
  return RowSamples(spec.shape) * SampleBytes(spec.sample_type);
}

// Bytes of all pixels. INVALID_ARGUMENT if a side is 0 or the channels are not
// 1 to 4, or if the product does not fit in 63 bits.
absl::StatusOr<uint64_t> PixelBytes(const ImageSpec& spec);

}  // namespace imageadapt

#endif  // IMAGEADAPT_IMAGE_IMAGE_SPEC_H_
