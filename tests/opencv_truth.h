// Images for us and for OpenCV.
// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_OPENCV_TRUTH_H_
#define TESTS_OPENCV_TRUTH_H_

#include <cstdint>
#include <cstdlib>
#include <opencv2/core.hpp>
#include <random>
#include <string>
#include <type_traits>

#include "imageadapt/image/image.h"
#include "imageadapt/image/image_view.h"

namespace imageadapt {

// The pixels of `view` as OpenCV's own.
template <Sample T>
cv::Mat ToMat(const ImageView<T>& view) {
  using Pixel = std::remove_const_t<T>;
  const ImageShape& shape = view.shape();
  // OpenCV knows no constant pixels.
  return {
      static_cast<int>(shape.height), static_cast<int>(shape.width),
      CV_MAKETYPE(cv::DataType<Pixel>::type, static_cast<int>(shape.channels)),
      const_cast<Pixel*>(view.row(0).data()), view.stride() * sizeof(T)};
}

// IMAGEADAPT_TRUTH_SEED=N repeats the cases of a run whose seed was N.
inline uint32_t TruthSeed() {
  static const uint32_t kSeed = [] {
    const char* const given = std::getenv("IMAGEADAPT_TRUTH_SEED");
    return given == nullptr ? std::random_device()()
                            : static_cast<uint32_t>(std::stoul(given));
  }();
  return kSeed;
}

class RandomCase {
 public:
  explicit RandomCase(uint32_t index) : random_(TruthSeed() + 7919 * index) {}

  // From `least` to `most`.
  uint32_t Number(uint32_t least, uint32_t most) {
    return std::uniform_int_distribution<uint32_t>(least, most)(random_);
  }

  ImageSpec Spec(uint32_t channels) {
    constexpr SampleType kTypes[] = {SampleType::kU8, SampleType::kU16,
                                     SampleType::kF32};
    return {.shape = {.width = Number(1, 140),
                      .height = Number(1, 50),
                      .channels = channels},
            .sample_type = kTypes[Number(0, 2)]};
  }

 private:
  std::mt19937 random_;
};

}  // namespace imageadapt

#endif  // TESTS_OPENCV_TRUTH_H_
