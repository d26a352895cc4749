// Windows onto pixels that someone else owns.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_IMAGE_IMAGE_VIEW_H_
#define IMAGEADAPT_IMAGE_IMAGE_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>

#include "imageadapt/image/image_spec.h"

namespace imageadapt {

// A window onto pixels of one known sample type. Cheap to copy; must not
// outlive the pixels. ImageView<const uint8_t> cannot write.
template <Sample T>
class ImageView {
 public:
  ImageView() = default;

  // Row y begins at first + y * stride. Requires stride >= RowSamples(shape).
  ImageView(T* first, const ImageShape& shape, size_t stride)
      : first_(first), shape_(shape), stride_(stride) {}

  const ImageShape& shape() const { return shape_; }
  size_t stride() const { return stride_; }  // in samples

  // Row `y`, without padding. Requires y < shape().height.
  std::span<T> row(uint32_t y) const {
    return {first_ + y * stride_, RowSamples(shape_)};
  }

  // Rows [first, first + count). Requires that they exist.
  ImageView Rows(uint32_t first, uint32_t count) const {
    return {
        first_ + first * stride_,
        {.width = shape_.width, .height = count, .channels = shape_.channels},
        stride_};
  }

  operator ImageView<const T>() const  // NOLINT(google-explicit-constructor)
    requires(!std::is_const_v<T>)
  {
    return {first_, shape_, stride_};
  }

 private:
  T* first_ = nullptr;
  ImageShape shape_;
  size_t stride_ = 0;
};

// A window onto pixels whose sample type is known only when the program runs:
// what stands at the seams between codecs, operations and the pipeline.
template <bool kWritable>
class BasicAnyImageView {
  template <typename T>
  using View = ImageView<std::conditional_t<kWritable, T, const T>>;

 public:
  BasicAnyImageView() = default;

  template <Sample T>
  BasicAnyImageView(ImageView<T> view)  // NOLINT(google-explicit-constructor)
    requires(!kWritable || !std::is_const_v<T>)
      : view_(View<std::remove_const_t<T>>(view)) {}

  // A template, because otherwise it would be a copy constructor.
  template <bool kFromWritable>
    requires(kFromWritable && !kWritable)
  BasicAnyImageView(  // NOLINT(google-explicit-constructor)
      const BasicAnyImageView<kFromWritable>& view) {
    view.Visit([this](auto typed) { *this = BasicAnyImageView(typed); });
  }

  ImageSpec spec() const {
    return Visit([]<typename T>(ImageView<T> view) {
      return ImageSpec{.shape = view.shape(), .sample_type = kSampleTypeOf<T>};
    });
  }
  ImageShape shape() const { return spec().shape; }
  SampleType sample_type() const { return spec().sample_type; }

  // Calls `work` with the ImageView of the true sample type.
  template <typename Work>
  decltype(auto) Visit(Work&& work) const {
    return std::visit(std::forward<Work>(work), view_);
  }

  // The same pixels as a typed view. Requires sample_type() ==
  // kSampleTypeOf<T>.
  template <Sample T>
  auto As() const {
    return *std::get_if<View<std::remove_const_t<T>>>(&view_);
  }

  // Rows [first, first + count). Requires that they exist.
  BasicAnyImageView Rows(uint32_t first, uint32_t count) const {
    return Visit(
        [&](auto view) { return BasicAnyImageView(view.Rows(first, count)); });
  }

  // Row `y` as bytes, in the machine's byte order.
  auto row_bytes(uint32_t y) const {
    return Visit([y](auto view) {
      if constexpr (kWritable) {
        return std::as_writable_bytes(view.row(y));
      } else {
        return std::as_bytes(view.row(y));
      }
    });
  }

 private:
  std::variant<View<uint8_t>, View<uint16_t>, View<float>> view_;
};

using AnyImageView = BasicAnyImageView<true>;
using AnyConstImageView = BasicAnyImageView<false>;

// Consecutive rows of an image that may be taller than what is at hand.
template <typename View>
struct RowBand {
  View rows;                  // rows.shape().height of them
  uint32_t first_row = 0;     // where they stand in the image
  uint32_t image_height = 0;  // of the whole image

  // One past the last row at hand.
  uint32_t end_row() const { return first_row + rows.shape().height; }
};

// A band that is a whole image.
template <typename View>
RowBand<View> WholeImage(View view) {
  return {.rows = view, .first_row = 0, .image_height = view.shape().height};
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_IMAGE_IMAGE_VIEW_H_
