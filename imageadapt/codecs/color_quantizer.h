// Pictures of at most 256 colours, for formats with palettes.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_COLOR_QUANTIZER_H_
#define IMAGEADAPT_CODECS_COLOR_QUANTIZER_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "imageadapt/image/image_view.h"

namespace imageadapt {

struct Rgb {
  uint8_t red = 0;
  uint8_t green = 0;
  uint8_t blue = 0;

  bool operator==(const Rgb&) const = default;
};

enum class Dither : uint8_t {
  kNone,
  kDiffuse,  // errors go on to the neighbours (Floyd and Steinberg, 1976)
};

// Chooses colours for one picture and gives each pixel one of them. A picture
// that has no more colours than are allowed keeps them exactly; otherwise they
// are chosen by median cut (Heckbert, 1982) of a histogram of 5 bits a sample.
class ColorQuantizer {
 public:
  // Looks at all pixels of `picture`, of 3 or 4 channels; those with alpha
  // below 128 count for nothing. At most `max_colors` of 1 to 256.
  ColorQuantizer(const ImageView<const uint8_t>& picture, int max_colors);

  // Empty if no pixel counts.
  std::span<const Rgb> palette() const { return palette_; }
  bool is_exact() const { return is_exact_; }

  // The next row of the picture as indices; `transparent` for pixels that do
  // not count. Rows must come in order.
  void ToIndices(std::span<const uint8_t> row, Dither dither,
                 uint8_t transparent, std::span<uint8_t> indices);

  // What one takes for a picture so wide.
  static uint64_t Bytes(uint32_t width);

 private:
  // Sums of the pixels whose colours share their upper 5 bits.
  struct Bin {
    uint32_t count = 0;
    uint64_t red = 0;
    uint64_t green = 0;
    uint64_t blue = 0;
  };

  // The exact colours, by open addressing.
  struct Slot {
    uint32_t color = 0;
    int16_t index = -1;
  };

  bool TakeExactColors(const ImageView<const uint8_t>& picture, int max_colors);
  Slot& SlotOf(uint32_t color);
  void CutColors(const ImageView<const uint8_t>& picture, int max_colors);
  uint8_t Nearest(int red, int green, int blue);
  void Diffuse(std::span<const uint8_t> row, uint8_t transparent,
               std::span<uint8_t> indices);

  const uint32_t channels_;
  bool is_exact_ = true;
  std::vector<Rgb> palette_;
  std::array<Slot, 1024> slots_ = {};
  // By upper bits: the nearest colour, -1 as long as nobody has asked.
  std::vector<int16_t> nearest_;
  // What is carried to this row and the next, 16ths, one pixel more on both
  // sides.
  std::vector<int> carried_;
  std::vector<int> carried_next_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_COLOR_QUANTIZER_H_
