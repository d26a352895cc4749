#include "imageadapt/codecs/png_samples.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "imageadapt/codecs/png_chunks.h"

namespace imageadapt {
namespace {

uint16_t Swapped(const uint8_t* bytes) {
  return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
}

}  // namespace

absl::string_view PngSamples::SetKind(uint32_t bit_depth, uint32_t color_type) {
  bit_depth_ = bit_depth;
  color_type_ = color_type;
  const bool is_small = bit_depth == 1 || bit_depth == 2 || bit_depth == 4;
  bool is_known = false;
  switch (color_type) {
    case kGrey:
      packed_channels_ = 1;
      is_known = is_small || bit_depth == 8 || bit_depth == 16;
      break;
    case kPalette:
      packed_channels_ = 1;
      is_known = is_small || bit_depth == 8;
      break;
    case kRgb:
    case kGreyAlpha:
    case kRgba:
      packed_channels_ = color_type == kGreyAlpha ? 2
                         : color_type == kRgb     ? 3
                                                  : 4;
      is_known = bit_depth == 8 || bit_depth == 16;
      break;
    default:
      break;
  }
  return is_known ? "" : "its samples are of no known kind";
}

absl::string_view PngSamples::SetPalette(std::span<const std::byte> palette) {
  // For other images it is a suggestion to poorer screens.
  if (color_type_ != kPalette) return "";
  if (palette_size_ != 0) return "it has two palettes";
  if (palette.empty() || palette.size() % 3 != 0 ||
      palette.size() / 3 > size_t{1} << bit_depth_) {
    return "its palette has an impossible size";
  }
  palette_size_ = palette.size() / 3;
  // Indices that the palette does not have are black.
  palette_.fill({0, 0, 0, 255});
  for (size_t i = 0; i < palette_size_; ++i) {
    std::memcpy(palette_[i].data(), &palette[3 * i], 3);
  }
  return "";
}

absl::string_view PngSamples::SetTransparency(
    std::span<const std::byte> transparency) {
  switch (color_type_) {
    case kPalette:
      if (transparency.size() > palette_size_) {
        return "more colours are transparent than the palette has";
      }
      for (size_t i = 0; i < transparency.size(); ++i) {
        palette_[i][3] = std::to_integer<uint8_t>(transparency[i]);
      }
      palette_has_alpha_ = true;
      return "";
    case kGrey:
    case kRgb: {
      if (transparency.size() != 2 * size_t{packed_channels_}) {
        return "its transparent colour has an impossible size";
      }
      std::array<uint32_t, 3> key = {};
      for (size_t i = 0; i < packed_channels_; ++i) {
        // Only so many bits count.
        key[i] = BigEndian16(&transparency[2 * i]) &
                 ((uint32_t{1} << bit_depth_) - 1);
      }
      key_ = key;
      return "";
    }
    default:
      // It has alpha already.
      return "";
  }
}

absl::string_view PngSamples::CheckComplete() const {
  if (color_type_ == kPalette && palette_size_ == 0)
    return "its palette is missing";
  return "";
}

uint32_t PngSamples::channels() const {
  if (color_type_ == kPalette) return palette_has_alpha_ ? 4 : 3;
  return packed_channels_ + (key_.has_value() ? 1 : 0);
}

uint32_t PngSamples::PackedSample(std::span<const uint8_t> packed,
                                  size_t i) const {
  if (bit_depth_ == 16) return Swapped(&packed[2 * i]);
  if (bit_depth_ == 8) return packed[i];
  const size_t bit = i * bit_depth_;
  const uint32_t mask = (uint32_t{1} << bit_depth_) - 1;
  return packed[bit / 8] >> (8 - bit_depth_ - bit % 8) & mask;
}

void PngSamples::ExpandPalette(std::span<const uint8_t> packed,
                               std::span<std::byte> target) const {
  const size_t channels = palette_has_alpha_ ? 4 : 3;
  for (size_t x = 0; x < target.size() / channels; ++x) {
    std::memcpy(&target[x * channels], palette_[PackedSample(packed, x)].data(),
                channels);
  }
}

void PngSamples::ExpandSmallGrey(std::span<const uint8_t> packed,
                                 std::span<std::byte> target) const {
  const uint32_t scale = 255 / ((uint32_t{1} << bit_depth_) - 1);
  for (size_t x = 0; x < target.size(); ++x) {
    target[x] = static_cast<std::byte>(PackedSample(packed, x) * scale);
  }
}

template <typename T>
void PngSamples::AddAlpha(std::span<const uint8_t> packed,
                          std::span<std::byte> target) const {
  constexpr T kOpaque = static_cast<T>(~T{0});
  const uint32_t scale =
      bit_depth_ < 8 ? 255 / ((uint32_t{1} << bit_depth_) - 1) : 1;
  const size_t channels = packed_channels_ + 1;
  for (size_t x = 0; x < target.size() / (channels * sizeof(T)); ++x) {
    std::array<T, 4> pixel;
    bool is_key = true;
    for (size_t c = 0; c < packed_channels_; ++c) {
      const uint32_t sample = PackedSample(packed, x * packed_channels_ + c);
      is_key &= sample == (*key_)[c];
      pixel[c] = static_cast<T>(sample * scale);
    }
    pixel[packed_channels_] = is_key ? T{0} : kOpaque;
    std::memcpy(&target[x * channels * sizeof(T)], pixel.data(),
                channels * sizeof(T));
  }
}

void PngSamples::Expand(std::span<const uint8_t> packed,
                        std::span<std::byte> target) const {
  if (color_type_ == kPalette) return ExpandPalette(packed, target);
  if (key_.has_value()) {
    return bit_depth_ == 16 ? AddAlpha<uint16_t>(packed, target)
                            : AddAlpha<uint8_t>(packed, target);
  }
  if (bit_depth_ < 8) return ExpandSmallGrey(packed, target);
  if (bit_depth_ == 8 || std::endian::native == std::endian::big) {
    std::memcpy(target.data(), packed.data(), target.size());
    return;
  }
  for (size_t i = 0; i + 1 < target.size(); i += 2) {
    target[i] = static_cast<std::byte>(packed[i + 1]);
    target[i + 1] = static_cast<std::byte>(packed[i]);
  }
}

}  // namespace imageadapt
