// Images whose neighbours in memory may not be touched.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_TESTING_GUARDED_IMAGE_H_
#define IMAGEADAPT_TESTING_GUARDED_IMAGE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size) \
  (static_cast<void>(start), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) \
  (static_cast<void>(start), static_cast<void>(size))
#endif

#include "imageadapt/image/image_view.h"
#include "imageadapt/testing/guarded_bytes.h"

namespace imageadapt::testing {

// The pixels, zeroed, end (or begin) where GuardedBytes does; between rows lie
// `padding` samples that nobody may write to, nor read where AddressSanitizer
// looks on.
template <Sample T>
class GuardedImage {
 public:
  static constexpr T kPadding = T{77};

  GuardedImage(const ImageShape& shape, size_t padding, bool at_end)
      : shape_(shape),
        stride_(RowSamples(shape) + padding),
        bytes_((stride_ * shape.height - padding) * sizeof(T), at_end) {
    ForEachPadding([](T& sample) { sample = kPadding; });
    ForEachRowsPadding([](std::span<T> gap) {
      ASAN_POISON_MEMORY_REGION(gap.data(), gap.size_bytes());
    });
  }
  ~GuardedImage() { LayPaddingOpen(); }
  GuardedImage(const GuardedImage&) = delete;
  GuardedImage& operator=(const GuardedImage&) = delete;

  ImageView<T> view() const {
    return {reinterpret_cast<T*>(bytes_.data()), shape_, stride_};
  }
  ImageView<const T> const_view() const { return view(); }

  bool PaddingIsUntouched() const {
    LayPaddingOpen();
    bool is_untouched = true;
    ForEachPadding([&](T& sample) { is_untouched &= sample == kPadding; });
    return is_untouched;
  }

 private:
  template <typename Work>
  void ForEachRowsPadding(Work&& work) const {
    for (uint32_t y = 0; y + 1 < shape_.height; ++y) {
      T* const row = view().row(y).data();
      work(std::span<T>(row + RowSamples(shape_), row + stride_));
    }
  }
  template <typename Work>
  void ForEachPadding(Work&& work) const {
    ForEachRowsPadding(
        [&](std::span<T> gap) { std::for_each(gap.begin(), gap.end(), work); });
  }
  void LayPaddingOpen() const {
    ForEachRowsPadding([](std::span<T> gap) {
      ASAN_UNPOISON_MEMORY_REGION(gap.data(), gap.size_bytes());
    });
  }

  ImageShape shape_;
  size_t stride_;
  GuardedBytes bytes_;
};

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_TESTING_GUARDED_IMAGE_H_
