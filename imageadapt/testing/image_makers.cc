#include "imageadapt/testing/image_makers.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"

namespace imageadapt::testing {
namespace {

// What 1.0 is in samples of type T.
template <typename T>
constexpr double kFullScale =
    std::is_integral_v<T> ? double{std::numeric_limits<T>::max()} : 1.0;

std::string SpecText(const ImageSpec& spec) {
  return absl::StrCat(spec.shape.width, " x ", spec.shape.height, " x ",
                      spec.shape.channels, " ",
                      SampleTypeName(spec.sample_type));
}

}  // namespace

ImageSpec Spec(uint32_t width, uint32_t height, uint32_t channels,
               SampleType type) {
  return {.shape = {.width = width, .height = height, .channels = channels},
          .sample_type = type};
}

Image MakeImage(const ImageSpec& spec) {
  BufferPool pool(0);
  absl::StatusOr<Image> image = Image::Create(spec, pool);
  if (!image.ok()) std::abort();
  return *std::move(image);
}

Image MakeNoise(const ImageSpec& spec, uint32_t seed) {
  Image image = MakeImage(spec);
  std::mt19937 random(seed);
  image.view().Visit([&]<typename T>(ImageView<T> view) {
    for (uint32_t y = 0; y < view.shape().height; ++y) {
      for (T& sample : view.row(y)) {
        if constexpr (std::is_integral_v<T>) {
          sample = static_cast<T>(random());
        } else {
          sample = static_cast<T>(random() >> 8) / 16777216.0F;
        }
      }
    }
  });
  return image;
}

Image MakeGradient(const ImageSpec& spec, uint32_t seed) {
  Image image = MakeImage(spec);
  std::mt19937 random(seed);
  image.view().Visit([&]<typename T>(ImageView<T> view) {
    const ImageShape shape = view.shape();
    for (uint32_t y = 0; y < shape.height; ++y) {
      const auto row = view.row(y);
      for (size_t i = 0; i < row.size(); ++i) {
        const size_t column = i / shape.channels;
        const double x = static_cast<double>(column) / shape.width;
        const double down = static_cast<double>(y) / shape.height;
        const auto phase = static_cast<double>(i % shape.channels);
        const double wave =
            0.5 + 0.4 * std::sin(5 * x + 3 * down + phase + seed);
        const double noise = static_cast<double>(random() % 1000) / 50000.0;
        row[i] = static_cast<T>((wave + noise) * kFullScale<T>);
      }
    }
  });
  return image;
}

Image MakeConstant(const ImageSpec& spec, double value) {
  Image image = MakeImage(spec);
  image.view().Visit([&]<typename T>(ImageView<T> view) {
    for (uint32_t y = 0; y < view.shape().height; ++y) {
      std::ranges::fill(view.row(y), static_cast<T>(value));
    }
  });
  return image;
}

Image Clone(const AnyConstImageView& source) {
  Image image = MakeImage(source.spec());
  for (uint32_t y = 0; y < source.shape().height; ++y) {
    const auto from = source.row_bytes(y);
    std::memcpy(image.view().row_bytes(y).data(), from.data(), from.size());
  }
  return image;
}

std::string Difference(const AnyConstImageView& a, const AnyConstImageView& b) {
  if (a.spec() != b.spec()) {
    return absl::StrCat(SpecText(a.spec()), " against ", SpecText(b.spec()));
  }
  return a.Visit([&]<typename T>(ImageView<T> left) -> std::string {
    const auto right = b.As<T>();
    const uint32_t channels = left.shape().channels;
    for (uint32_t y = 0; y < left.shape().height; ++y) {
      const auto l = left.row(y);
      const auto r = right.row(y);
      for (size_t i = 0; i < l.size(); ++i) {
        // Bits, so that NaN equals itself and -0 is not 0.
        // NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
        if (std::memcmp(&l[i], &r[i], sizeof(T)) == 0) continue;
        return absl::StrCat("at x ", i / channels, ", y ", y, ", channel ",
                            i % channels, ": ", +l[i], " against ", +r[i]);
      }
    }
    return "";
  });
}

}  // namespace imageadapt::testing
