#include "bench/photograph.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>
#include <type_traits>
#include <vector>

#include "bench/contender.h"

namespace imageadapt::bench {
namespace {

// Random heights at the corners of squares, and smooth slopes between them.
class Hills {
 public:
  Hills(const ImageShape& shape, uint32_t side, float height,
        std::mt19937& random)
      : side_(side),
        columns_(shape.width / side + 2),
        corners_(columns_ * (shape.height / side + 2)),
        row_(columns_) {
    std::uniform_real_distribution<float> any(-height, height);
    for (float& corner : corners_) corner = any(random);
  }

  void AddRow(uint32_t y, std::vector<float>& row) {
    const float* const above = &corners_[y / side_ * columns_];
    const float down = Part(y);
    for (size_t i = 0; i < columns_; ++i) {
      row_[i] = std::lerp(above[i], above[i + columns_], down);
    }
    for (size_t x = 0; x < row.size(); ++x) {
      const float right = Part(x);
      const float left = row_[x / side_];
      row[x] += left + right * (row_[x / side_ + 1] - left);
    }
  }

 private:
  // How far from a square's corner to the next.
  float Part(size_t position) const {
    return static_cast<float>(position % side_) / static_cast<float>(side_);
  }

  const uint32_t side_;
  const size_t columns_;
  std::vector<float> corners_;
  std::vector<float> row_;
};

// An ellipse or a rectangle in a colour of its own.
struct Shape {
  bool is_round = false;
  float x = 0;
  float y = 0;
  float half_width = 0;
  float half_height = 0;
  std::array<float, kMaxChannels> color = {};
  float texture = 0;  // height of its waves, 0 for none
  float wave_x = 0;
  float wave_y = 0;

  void AddRow(uint32_t row_y, uint32_t channel, std::vector<float>& row) const {
    const float up = (static_cast<float>(row_y) - y) / half_height;
    if (std::abs(up) >= 1) return;
    const float reach = half_width * (is_round ? std::sqrt(1 - up * up) : 1.0F);
    const auto last = static_cast<float>(row.size());
    const auto first = static_cast<size_t>(std::clamp(x - reach, 0.0F, last));
    const auto end = static_cast<size_t>(std::clamp(x + reach, 0.0F, last));
    for (size_t i = first; i < end; ++i) row[i] += color[channel];
    if (texture == 0) return;
    for (size_t i = first; i < end; ++i) {
      row[i] += texture * std::sin(static_cast<float>(i) * wave_x +
                                   static_cast<float>(row_y) * wave_y);
    }
  }
};

std::vector<Shape> MakeShapes(const ImageShape& image, std::mt19937& random) {
  constexpr int kShapes = 60;
  std::uniform_real_distribution<float> any(0, 1);
  std::vector<Shape> shapes(kShapes);
  const auto width = static_cast<float>(image.width);
  const auto height = static_cast<float>(image.height);
  for (Shape& shape : shapes) {
    shape.is_round = any(random) < 0.6F;
    shape.x = width * any(random);
    shape.y = height * any(random);
    shape.half_width = width * (0.01F + 0.1F * any(random));
    shape.half_height = height * (0.01F + 0.15F * any(random));
    const float light = 0.5F * (any(random) - 0.5F);
    for (float& color : shape.color) {
      color = light + 0.3F * (any(random) - 0.5F);
    }
    if (any(random) < 0.3F) {
      shape.texture = 0.02F + 0.06F * any(random);
      shape.wave_x = 0.1F + 1.2F * any(random);
      shape.wave_y = 1.2F * any(random);
    }
  }
  return shapes;
}

// What 1.0 is in samples of type T.
template <typename T>
constexpr float kFullScale =
    std::is_same_v<T, float>
        ? 1.0F
        : static_cast<float>(std::numeric_limits<T>::max());

template <typename T>
T ToSample(float value) {
  value = std::clamp(value, 0.0F, 1.0F) * kFullScale<T>;
  return static_cast<T>(std::is_same_v<T, float> ? value : value + 0.5F);
}

// Sums of four uniform numbers, which are nearly normal.
class Noise {
 public:
  float Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    const auto sum =
        static_cast<float>((state_ & 0xffff) + (state_ >> 16 & 0xffff) +
                           (state_ >> 32 & 0xffff) + (state_ >> 48));
    return sum / 131072.0F - 1;  // of deviation 0.29
  }

 private:
  uint64_t state_ = 88172645463325252;
};

template <typename T>
void RgbToHsv(T* pixel) {
  constexpr bool kIsFloat = std::is_same_v<T, float>;
  const double red = pixel[0];
  const double green = pixel[1];
  const double blue = pixel[2];
  const double value = std::max({red, green, blue});
  const double range = value - std::min({red, green, blue});
  double sixths = 0;
  if (range > 0) {
    sixths = value == red     ? (green - blue) / range
             : value == green ? 2 + (blue - red) / range
                              : 4 + (red - green) / range;
  }
  if (sixths < 0) sixths += 6;
  const double saturation =
      value == 0 ? 0 : range / value * double{kFullScale<T>};
  if constexpr (kIsFloat) {
    pixel[0] = static_cast<float>(sixths * 60);
    pixel[1] = static_cast<float>(saturation);
  } else {
    constexpr double kCircle = double{std::numeric_limits<T>::max()} + 1;
    pixel[0] =
        static_cast<T>(static_cast<uint32_t>(sixths / 6 * kCircle + 0.5));
    pixel[1] = static_cast<T>(saturation + 0.5);
  }
  pixel[2] = static_cast<T>(value);
}

}  // namespace

Image MakePhotograph(const ImageSpec& spec, BufferPool& buffers) {
  Image image = TakeImage(spec, buffers);
  const ImageShape& shape = spec.shape;
  std::mt19937 random(2026);
  const std::vector<Shape> shapes = MakeShapes(shape, random);
  std::vector<Hills> hills;
  for (uint32_t channel = 0; channel < shape.channels; ++channel) {
    hills.emplace_back(shape, shape.width / 3, 0.3F, random);
    hills.emplace_back(shape, 90, 0.08F, random);
    hills.emplace_back(shape, 11, 0.03F, random);
  }
  Noise noise;
  std::vector<float> row(shape.width);
  image.view().Visit([&]<typename T>(ImageView<T> view) {
    for (uint32_t y = 0; y < shape.height; ++y) {
      T* const samples = view.row(y).data();
      for (uint32_t channel = 0; channel < shape.channels; ++channel) {
        std::ranges::fill(row, 0.45F);
        for (size_t i = 0; i < 3; ++i) hills[3 * channel + i].AddRow(y, row);
        for (const Shape& each : shapes) each.AddRow(y, channel, row);
        for (uint32_t x = 0; x < shape.width; ++x) {
          samples[size_t{x} * shape.channels + channel] =
              ToSample<T>(row[x] + 0.025F * noise.Next());
        }
      }
    }
  });
  return image;
}

void PhotographToHsv(Image& photograph) {
  photograph.view().Visit([]<typename T>(ImageView<T> view) {
    for (uint32_t y = 0; y < view.shape().height; ++y) {
      const std::span<T> row = view.row(y);
      for (size_t i = 0; i < row.size(); i += 3) RgbToHsv(&row[i]);
    }
  });
}

}  // namespace imageadapt::bench
