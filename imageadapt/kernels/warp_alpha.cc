// Samples with three colours and alpha: the channels of a pixel side by side in
// a vector. But for bytes between two, see warp_alpha_bytes.cc.
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "imageadapt/kernels/warp_plain.h"
#include "imageadapt/kernels/warp_span.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/warp_alpha.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_SSE4

// Without vectors of four doubles there is nothing to gain.
template <Sample T, int kTaps>
void RunSpan(const WarpSpan<T>& span) {
  PlainSpan<T, kTaps, 4>(span);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

// Whole numbers below 2^53 are exact in double, fused or not, so this gives the
// same bytes as PlainIntegersWithAlpha.
template <typename T>
using Real = std::conditional_t<std::is_same_v<T, float>, float, double>;
template <typename T>
using Tag = hn::CappedTag<Real<T>, 4>;
template <typename T>
using Vector = hn::Vec<Tag<T> >;

template <typename T>
HWY_INLINE Vector<T> LoadPixel(const T* pixel) {
  if constexpr (std::is_same_v<T, float>) {
    return hn::LoadU(Tag<T>(), pixel);
  } else {
    const hn::CappedTag<int32_t, 4> d32;
    const hn::CappedTag<T, 4> narrow;
    return hn::PromoteTo(Tag<T>(),
                         hn::PromoteTo(d32, hn::LoadU(narrow, pixel)));
  }
}

// The last lane, in all lanes.
HWY_INLINE hn::Vec<Tag<float> > AlphaOf(hn::Vec<Tag<float> > pixel) {
  return hn::Broadcast<3>(pixel);
}
HWY_INLINE hn::Vec<Tag<uint8_t> > AlphaOf(hn::Vec<Tag<uint8_t> > pixel) {
  // Highway 1.0.3 broadcasts within blocks of two.
  return hn::Vec<Tag<uint8_t> >{_mm256_permute4x64_pd(pixel.raw, 0xff)};
}

template <typename T, int kTaps>
HWY_INLINE Vector<T> Row(const T* pixel, const Real<T>* weights,
                         hn::Mask<Tag<T> > is_alpha) {
  const Tag<T> d;
  const auto zero = hn::Zero(d);
  const auto one = hn::Set(d, Real<T>{1});
  auto sum = zero;
  HWY_UNROLL(6)
  for (int i = 0; i < kTaps; ++i) {
    auto samples = LoadPixel(pixel + i * 4);
    auto weight = hn::Mul(hn::Set(d, weights[i]), AlphaOf(samples));
    if constexpr (std::is_same_v<T, float>) {
      // Nothing times infinity is not nothing.
      if (weights[i] == 0) continue;
      samples = hn::IfThenElse(is_alpha, one, samples);
      samples = hn::IfThenElse(hn::Eq(weight, zero), zero, samples);
    } else {
      samples = hn::IfThenElse(is_alpha, one, samples);
    }
    sum = hn::MulAdd(weight, samples, sum);
  }
  return sum;
}

template <typename T, int kTaps>
HWY_INLINE void Pixel(const T* first, ptrdiff_t stride, const Real<T>* across,
                      const Real<T>* down, Vector<T> background, T* to) {
  const Tag<T> d;
  const auto is_alpha = hn::Not(hn::FirstN(d, 3));
  auto sum = hn::Zero(d);
  HWY_UNROLL(6)
  for (int j = 0; j < kTaps; ++j) {
    if (std::is_same_v<T, float> && down[j] == 0) continue;
    auto row = Row<T, kTaps>(first + j * stride, across, is_alpha);
    if constexpr (sizeof(T) == 2) {
      constexpr double kUnit = 1.0 / (1 << kAlphaRowShift<T>);
      row = hn::Floor(hn::MulAdd(row, hn::Set(d, kUnit), hn::Set(d, 0.5)));
    }
    sum = hn::MulAdd(hn::Set(d, down[j]), row, sum);
  }
  const auto alpha = AlphaOf(sum);
  const auto color = hn::Div(sum, alpha);
  if constexpr (std::is_same_v<T, float>) {
    const auto none = hn::Eq(alpha, hn::Zero(d));
    const auto visible = hn::IfThenElse(none, background, color);
    hn::StoreU(hn::IfThenElse(is_alpha, sum, visible), d, to);
  } else {
    constexpr double kUnit =
        1.0 / (int64_t{1} << (2 * kWeightBits - kAlphaRowShift<T>));
    constexpr double kLargest = std::numeric_limits<T>::max();
    const auto none = hn::Le(alpha, hn::Zero(d));
    const auto visible = hn::IfThenElse(none, background, color);
    auto value =
        hn::IfThenElse(is_alpha, hn::Mul(sum, hn::Set(d, kUnit)), visible);
    value = hn::Floor(hn::Add(value, hn::Set(d, 0.5)));
    value = hn::Min(hn::Max(value, hn::Zero(d)), hn::Set(d, kLargest));
    const hn::CappedTag<int32_t, 4> d32;
    const hn::CappedTag<T, 4> narrow;
    hn::StoreU(hn::DemoteTo(narrow, hn::DemoteTo(d32, value)), narrow, to);
  }
}

template <Sample T, int kTaps>
HWY_INLINE void RunSpan(const WarpSpan<T>& span) {
  const Tag<T> d;
  Real<T> colors[4];
  for (size_t c = 0; c < 4; ++c) colors[c] = Real<T>{1} * span.background[c];
  const auto background = hn::LoadU(d, colors);
  T* to = span.target;
  for (uint32_t i = span.first; i < span.first + span.count; ++i, to += 4) {
    const int32_t x = span.x + span.steps->x[i];
    const int32_t y = span.y + span.steps->y[i];
    const auto pixel_at = [&](ptrdiff_t column, ptrdiff_t row) {
      return span.source + (row - (kTaps / 2 - 1)) * span.stride +
             (column - (kTaps / 2 - 1)) * 4;
    };
    if constexpr (std::is_same_v<T, float>) {
      const auto across = FloatWeights<kTaps>(x);
      const auto down = FloatWeights<kTaps>(y);
      Pixel<T, kTaps>(pixel_at(x >> kWarpBits, y >> kWarpBits), span.stride,
                      across.data(), down.data(), background, to);
    } else {
      const Phase column = IntegerPhase<kTaps>(x);
      const Phase row = IntegerPhase<kTaps>(y);
      const auto across = IntegerWeights<kTaps>(column.phase);
      const auto down = IntegerWeights<kTaps>(row.phase);
      std::array<double, kTaps> across_real;
      std::array<double, kTaps> down_real;
      for (size_t k = 0; k < kTaps; ++k) {
        across_real[k] = across[k];
        down_real[k] = down[k];
      }
      Pixel<T, kTaps>(pixel_at(column.pixel, row.pixel), span.stride,
                      across_real.data(), down_real.data(), background, to);
    }
  }
}

#endif  // HWY_TARGET

#define WITH_TAPS(name, T, taps) \
  void name##taps(const WarpSpan<T>& span) { RunSpan<T, taps>(span); }
WITH_TAPS(Bytes, uint8_t, 4)
WITH_TAPS(Bytes, uint8_t, 6)
WITH_TAPS(Words, uint16_t, 2)
WITH_TAPS(Words, uint16_t, 4)
WITH_TAPS(Words, uint16_t, 6)
WITH_TAPS(Floats, float, 2)
WITH_TAPS(Floats, float, 4)
WITH_TAPS(Floats, float, 6)
#undef WITH_TAPS

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Bytes4);
HWY_EXPORT(Bytes6);
HWY_EXPORT(Words2);
HWY_EXPORT(Words4);
HWY_EXPORT(Words6);
HWY_EXPORT(Floats2);
HWY_EXPORT(Floats4);
HWY_EXPORT(Floats6);

#define ALPHA_KERNEL(T, bilinear, bicubic, lanczos)        \
  template <>                                              \
  WarpKernel<T> AlphaKernel(Interpolation interpolation) { \
    switch (interpolation) {                               \
      case Interpolation::kNearest:                        \
        return {};                                         \
      case Interpolation::kBilinear:                       \
        return bilinear;                                   \
      case Interpolation::kBicubic:                        \
        return {.run = &HWY_DYNAMIC_DISPATCH(bicubic)};    \
      case Interpolation::kLanczos3:                       \
        return {.run = &HWY_DYNAMIC_DISPATCH(lanczos)};    \
    }                                                      \
    return {};                                             \
  }
ALPHA_KERNEL(uint8_t, BilinearAlphaKernel(), Bytes4, Bytes6)
ALPHA_KERNEL(uint16_t, {.run = &HWY_DYNAMIC_DISPATCH(Words2)}, Words4, Words6)
ALPHA_KERNEL(float, {.run = &HWY_DYNAMIC_DISPATCH(Floats2)}, Floats4, Floats6)
#undef ALPHA_KERNEL

}  // namespace imageadapt
#endif  // HWY_ONCE
