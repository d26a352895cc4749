// Sums over windows along a row, compiled for each target.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>

#include "hwy/highway.h"

// Included once for each target, as Highway's own *-inl.h files are.
#if defined(IMAGEADAPT_KERNELS_BOX_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef IMAGEADAPT_KERNELS_BOX_SUMS_INL_H_
#undef IMAGEADAPT_KERNELS_BOX_SUMS_INL_H_
#else
#define IMAGEADAPT_KERNELS_BOX_SUMS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Sums of an odd number of columns of a row, by doubling: without subtraction,
// and in an order that is the same at every place.
template <typename L>
class WindowSums {
 public:
  using Tag = hn::ScalableTag<L>;

  // Prepares the sums of `window` columns of `columns`, for `count` samples;
  // `columns` has count + (window - 1) * channels; `work` as many, and is in
  // use as long as this object. Both have a vector more, for reading.
  WindowSums(const L* columns, size_t channels, size_t window, size_t count,
             L* work)
      : columns_(columns), half_(columns), window_(window) {
    const Tag d;
    const size_t lanes = hn::Lanes(d);
    const size_t all = count + (window - 1) * channels;
    size_t bit = 1;
    while (bit <= window / 4) bit *= 2;
    // Sums of `width` columns become those of twice as many, and one more
    // where window has a bit. Reads at or behind what is written, so `work` can
    // be doubled in place.
    size_t width = 1;
    for (; bit > 1; bit /= 2) {
      const L* from = half_;
      const size_t step = width * channels;
      width *= 2;
      const bool odd = (window & bit) != 0;
      if (odd) ++width;
      const size_t length = all - (width - 1) * channels;
      if (odd) {
        const L* more = columns + 2 * step;
        for (size_t i = 0; i < length; i += lanes) {
          const auto two =
              hn::Add(hn::LoadU(d, from + i), hn::LoadU(d, from + i + step));
          hn::StoreU(hn::Add(two, hn::LoadU(d, more + i)), d, work + i);
        }
      } else {
        for (size_t i = 0; i < length; i += lanes) {
          hn::StoreU(
              hn::Add(hn::LoadU(d, from + i), hn::LoadU(d, from + i + step)), d,
              work + i);
        }
      }
      half_ = work;
    }
    step_ = window == 1 ? 0 : width * channels;
  }

  // The sums at i and behind. Requires a window of more than one column.
  template <class D>
  HWY_INLINE hn::Vec<D> At(D d, size_t i) const {
    const auto two =
        hn::Add(hn::LoadU(d, half_ + i), hn::LoadU(d, half_ + i + step_));
    return hn::Add(two, hn::LoadU(d, columns_ + i + 2 * step_));
  }

  bool is_single() const { return window_ == 1; }
  const L* columns() const { return columns_; }

 private:
  const L* columns_;
  const L* half_;
  const size_t window_;
  size_t step_ = 0;
};

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // IMAGEADAPT_KERNELS_BOX_SUMS_INL_H_
