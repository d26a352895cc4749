// What the bits of a PNG row mean.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_PNG_SAMPLES_H_
#define IMAGEADAPT_CODECS_PNG_SAMPLES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/strings/string_view.h"
#include "imageadapt/image/image_spec.h"

namespace imageadapt {

// The samples of a PNG file as its IHDR, PLTE and tRNS chunks tell.
class PngSamples {
 public:
  // Returns what is wrong, or "".
  absl::string_view SetKind(uint32_t bit_depth, uint32_t color_type);
  absl::string_view SetPalette(std::span<const std::byte> palette);
  absl::string_view SetTransparency(std::span<const std::byte> transparency);
  // Once all of those are known.
  absl::string_view CheckComplete() const;

  // Of the samples that Expand() gives: palettes as RGB, small grey samples
  // spread over 8 bits, a transparent colour or palette as alpha.
  uint32_t channels() const;
  SampleType sample_type() const {
    return bit_depth_ == 16 ? SampleType::kU16 : SampleType::kU8;
  }

  // Bytes of `pixels` packed pixels, without the filter's byte.
  uint64_t PackedBytes(uint64_t pixels) const {
    return (pixels * packed_channels_ * bit_depth_ + 7) / 8;
  }
  // The distance that filters look back.
  size_t filter_bytes() const {
    return (packed_channels_ * bit_depth_ + 7) / 8;
  }

  // Writes pixels in the machine's byte order. Requires that `packed` has as
  // many as `target`.
  void Expand(std::span<const uint8_t> packed,
              std::span<std::byte> target) const;

 private:
  static constexpr uint32_t kGrey = 0;
  static constexpr uint32_t kRgb = 2;
  static constexpr uint32_t kPalette = 3;
  static constexpr uint32_t kGreyAlpha = 4;
  static constexpr uint32_t kRgba = 6;

  void ExpandPalette(std::span<const uint8_t> packed,
                     std::span<std::byte> target) const;
  void ExpandSmallGrey(std::span<const uint8_t> packed,
                       std::span<std::byte> target) const;
  template <typename T>
  void AddAlpha(std::span<const uint8_t> packed,
                std::span<std::byte> target) const;
  uint32_t PackedSample(std::span<const uint8_t> packed, size_t i) const;

  uint32_t bit_depth_ = 8;
  uint32_t color_type_ = kGrey;
  uint32_t packed_channels_ = 1;
  size_t palette_size_ = 0;
  bool palette_has_alpha_ = false;
  std::array<std::array<uint8_t, 4>, 256> palette_ = {};
  // The colour that is transparent.
  std::optional<std::array<uint32_t, 3>> key_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_PNG_SAMPLES_H_
