#include "imageadapt/codecs/color_quantizer.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

namespace imageadapt {
namespace {

constexpr size_t kBins = size_t{1} << 15;

size_t BinOf(int red, int green, int blue) {
  return static_cast<size_t>(red >> 3 << 10 | green >> 3 << 5 | blue >> 3);
}

bool Counts(const uint8_t* pixel, uint32_t channels) {
  return channels == 3 || pixel[3] >= 128;
}

uint32_t Packed(const uint8_t* pixel) {
  return uint32_t{pixel[0]} << 16 | uint32_t{pixel[1]} << 8 | pixel[2];
}

// A box of bins that will become one colour.
struct Box {
  size_t first = 0;  // of the list of bins
  size_t end = 0;
  uint64_t pixels = 0;
  int axis = 0;    // the longest: 0 red, 1 green, 2 blue
  int length = 0;  // along it
  uint64_t weight() const {
    return pixels * static_cast<uint64_t>(length) *
           static_cast<uint64_t>(length);
  }
};

int Coordinate(size_t bin, int axis) {
  return static_cast<int>(bin >> (10 - 5 * axis) & 31);
}

uint8_t Mean(uint64_t sum, uint64_t count) {
  return static_cast<uint8_t>((sum + count / 2) / count);
}

}  // namespace

ColorQuantizer::ColorQuantizer(const ImageView<const uint8_t>& picture,
                               int max_colors)
    : channels_(picture.shape().channels) {
  if (TakeExactColors(picture, max_colors)) return;
  is_exact_ = false;
  palette_.clear();
  CutColors(picture, max_colors);
  nearest_.assign(kBins, -1);
  carried_.assign((size_t{picture.shape().width} + 2) * 3, 0);
  carried_next_ = carried_;
}

ColorQuantizer::Slot& ColorQuantizer::SlotOf(uint32_t color) {
  size_t at = (color * 2654435761u) >> 22;
  while (slots_[at].index >= 0 && slots_[at].color != color) {
    at = (at + 1) % slots_.size();
  }
  return slots_[at];
}

bool ColorQuantizer::TakeExactColors(const ImageView<const uint8_t>& picture,
                                     int max_colors) {
  for (uint32_t y = 0; y < picture.shape().height; ++y) {
    const std::span<const uint8_t> row = picture.row(y);
    for (size_t at = 0; at < row.size(); at += channels_) {
      const uint8_t* const pixel = row.data() + at;
      if (!Counts(pixel, channels_)) continue;
      Slot& slot = SlotOf(Packed(pixel));
      if (slot.index >= 0) continue;
      if (palette_.size() == static_cast<size_t>(max_colors)) return false;
      slot = {.color = Packed(pixel),
              .index = static_cast<int16_t>(palette_.size())};
      palette_.push_back(
          {.red = pixel[0], .green = pixel[1], .blue = pixel[2]});
    }
  }
  return true;
}

void ColorQuantizer::CutColors(const ImageView<const uint8_t>& picture,
                               int max_colors) {
  std::vector<Bin> bins(kBins);
  for (uint32_t y = 0; y < picture.shape().height; ++y) {
    const std::span<const uint8_t> row = picture.row(y);
    for (size_t at = 0; at < row.size(); at += channels_) {
      const uint8_t* const pixel = row.data() + at;
      if (!Counts(pixel, channels_)) continue;
      Bin& bin = bins[BinOf(pixel[0], pixel[1], pixel[2])];
      ++bin.count;
      bin.red += pixel[0];
      bin.green += pixel[1];
      bin.blue += pixel[2];
    }
  }
  std::vector<size_t> used;
  for (size_t bin = 0; bin < kBins; ++bin) {
    if (bins[bin].count > 0) used.push_back(bin);
  }
  const auto measured = [&](size_t first, size_t end) {
    Box box{.first = first, .end = end};
    for (size_t i = first; i < end; ++i) box.pixels += bins[used[i]].count;
    for (int axis = 0; axis < 3; ++axis) {
      int low = 31;
      int high = 0;
      for (size_t i = first; i < end; ++i) {
        low = std::min(low, Coordinate(used[i], axis));
        high = std::max(high, Coordinate(used[i], axis));
      }
      if (high - low > box.length) {
        box.length = high - low;
        box.axis = axis;
      }
    }
    return box;
  };
  std::vector<Box> boxes = {measured(0, used.size())};
  while (boxes.size() < static_cast<size_t>(max_colors)) {
    const auto widest = std::max_element(
        boxes.begin(), boxes.end(),
        [](const Box& a, const Box& b) { return a.weight() < b.weight(); });
    if (widest->length == 0) break;
    const Box box = *widest;
    // Bins are sorted whole: equal coordinates always in the same order.
    std::sort(used.begin() + static_cast<ptrdiff_t>(box.first),
              used.begin() + static_cast<ptrdiff_t>(box.end),
              [&](size_t a, size_t b) {
                return std::pair(Coordinate(a, box.axis), a) <
                       std::pair(Coordinate(b, box.axis), b);
              });
    // Half of the pixels on each side, but at least one bin.
    size_t cut = box.first + 1;
    uint64_t below = bins[used[box.first]].count;
    while (cut + 1 < box.end && below * 2 < box.pixels) {
      below += bins[used[cut++]].count;
    }
    *widest = measured(box.first, cut);
    boxes.push_back(measured(cut, box.end));
  }
  for (const Box& box : boxes) {
    Bin sum;
    for (size_t i = box.first; i < box.end; ++i) {
      sum.red += bins[used[i]].red;
      sum.green += bins[used[i]].green;
      sum.blue += bins[used[i]].blue;
    }
    palette_.push_back({.red = Mean(sum.red, box.pixels),
                        .green = Mean(sum.green, box.pixels),
                        .blue = Mean(sum.blue, box.pixels)});
  }
}

uint8_t ColorQuantizer::Nearest(int red, int green, int blue) {
  int16_t& known = nearest_[BinOf(red, green, blue)];
  if (known >= 0) return static_cast<uint8_t>(known);
  // Of the middle of the bin, so that it does not matter who asks first.
  const int middle_red = (red & ~7) + 4;
  const int middle_green = (green & ~7) + 4;
  const int middle_blue = (blue & ~7) + 4;
  int least = std::numeric_limits<int>::max();
  for (size_t i = 0; i < palette_.size(); ++i) {
    const int d_red = palette_[i].red - middle_red;
    const int d_green = palette_[i].green - middle_green;
    const int d_blue = palette_[i].blue - middle_blue;
    // Eyes see differences of green most and of blue least.
    const int distance =
        3 * d_red * d_red + 6 * d_green * d_green + d_blue * d_blue;
    if (distance < least) {
      least = distance;
      known = static_cast<int16_t>(i);
    }
  }
  return static_cast<uint8_t>(known);
}

void ColorQuantizer::ToIndices(std::span<const uint8_t> row, Dither dither,
                               uint8_t transparent,
                               std::span<uint8_t> indices) {
  if (!is_exact_ && dither == Dither::kDiffuse) {
    Diffuse(row, transparent, indices);
    return;
  }
  for (size_t x = 0; x < indices.size(); ++x) {
    const uint8_t* const pixel = row.data() + x * channels_;
    if (!Counts(pixel, channels_)) {
      indices[x] = transparent;
    } else if (is_exact_) {
      indices[x] = static_cast<uint8_t>(SlotOf(Packed(pixel)).index);
    } else {
      indices[x] = Nearest(pixel[0], pixel[1], pixel[2]);
    }
  }
}

void ColorQuantizer::Diffuse(std::span<const uint8_t> row, uint8_t transparent,
                             std::span<uint8_t> indices) {
  std::swap(carried_, carried_next_);
  std::fill(carried_next_.begin(), carried_next_.end(), 0);
  for (size_t x = 0; x < indices.size(); ++x) {
    const uint8_t* const pixel = row.data() + x * channels_;
    if (!Counts(pixel, channels_)) {
      indices[x] = transparent;
      continue;
    }
    std::array<int, 3> wanted;
    for (size_t c = 0; c < 3; ++c) {
      wanted[c] = std::clamp(pixel[c] + carried_[(x + 1) * 3 + c] / 16, 0, 255);
    }
    indices[x] = Nearest(wanted[0], wanted[1], wanted[2]);
    const Rgb& got = palette_[indices[x]];
    const std::array<int, 3> errors = {
        wanted[0] - got.red, wanted[1] - got.green, wanted[2] - got.blue};
    for (size_t c = 0; c < 3; ++c) {
      carried_[(x + 2) * 3 + c] += 7 * errors[c];
      carried_next_[x * 3 + c] += 3 * errors[c];
      carried_next_[(x + 1) * 3 + c] += 5 * errors[c];
      carried_next_[(x + 2) * 3 + c] += errors[c];
    }
  }
}

uint64_t ColorQuantizer::Bytes(uint32_t width) {
  return sizeof(ColorQuantizer) + kBins * (sizeof(Bin) + 16) +
         (uint64_t{width} + 2) * 3 * 2 * sizeof(int);
}

}  // namespace imageadapt
