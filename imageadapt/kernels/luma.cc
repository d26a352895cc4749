#include "imageadapt/kernels/luma.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/luma.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

struct Weights {
  uint32_t r = 0;
  uint32_t g = 0;
  uint32_t b = 0;
};

constexpr Weights kWeights8 = {.r = 19595, .g = 38470, .b = 7471};
constexpr Weights kHighWeights16 = {.r = 19595, .g = 38469, .b = 7471};
constexpr Weights kLowWeights16 = {.r = 17302, .g = 41419, .b = 6815};

using FloatTag = hn::ScalableTag<float>;
using FloatVector = hn::Vec<FloatTag>;

HWY_INLINE FloatVector LumaOf(FloatTag d, FloatVector r, FloatVector g,
                              FloatVector b) {
  return hn::MulAdd(
      b, hn::Set(d, 0.114F),
      hn::MulAdd(g, hn::Set(d, 0.587F), hn::Mul(r, hn::Set(d, 0.299F))));
}

#if HWY_TARGET == HWY_SCALAR

template <class D, class V = hn::Vec<D>>
HWY_INLINE V LumaOf(D d, V red, V green, V blue) {
  using T = hn::TFromD<D>;
  const auto sum = [&](const Weights& weights) {
    return weights.r * hn::GetLane(red) + weights.g * hn::GetLane(green) +
           weights.b * hn::GetLane(blue);
  };
  const uint32_t luma = std::is_same_v<T, uint8_t>
                            ? sum(kWeights8)
                            : sum(kHighWeights16) + (sum(kLowWeights16) >> 16);
  return hn::Set(d, static_cast<T>((luma + 32768) >> 16));
}

#else  // SIMD

using Tag32 = hn::ScalableTag<uint32_t>;
using Vector32 = hn::Vec<Tag32>;

HWY_INLINE Vector32 Weighted(const Weights& weights, Vector32 r, Vector32 g,
                             Vector32 b) {
  const Tag32 d;
  return hn::Add(hn::Add(hn::Mul(r, hn::Set(d, weights.r)),
                         hn::Mul(g, hn::Set(d, weights.g))),
                 hn::Mul(b, hn::Set(d, weights.b)));
}

// Luma of every second or fourth sample: those kShift bits above the lowest
// of each 32-bit lane. In its place, with zeros in the others.
template <typename T, int kShift, class V>
HWY_INLINE Vector32 LumaOfPart(V red, V green, V blue) {
  const Tag32 d;
  const auto part = [d](V v) {
    return hn::And(hn::ShiftRight<kShift>(hn::BitCast(d, v)),
                   hn::Set(d, hwy::LimitsMax<T>()));
  };
  const Vector32 r = part(red);
  const Vector32 g = part(green);
  const Vector32 b = part(blue);
  Vector32 sum;
  if constexpr (std::is_same_v<T, uint8_t>) {
    sum = Weighted(kWeights8, r, g, b);
  } else {
    sum = hn::Add(Weighted(kHighWeights16, r, g, b),
                  hn::ShiftRight<16>(Weighted(kLowWeights16, r, g, b)));
  }
  const Vector32 luma = hn::ShiftRight<16>(hn::Add(sum, hn::Set(d, 32768)));
  return hn::ShiftLeft<kShift>(luma);
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V LumaOf(D d, V r, V g, V b) {
  using T = hn::TFromD<D>;
  constexpr int kHalf = 16;
  const Vector32 luma =
      hn::Or(LumaOfPart<T, 0>(r, g, b), LumaOfPart<T, kHalf>(r, g, b));
  if constexpr (std::is_same_v<T, uint8_t>) {
    const Vector32 others =
        hn::Or(LumaOfPart<T, 8>(r, g, b), LumaOfPart<T, 24>(r, g, b));
    return hn::BitCast(d, hn::Or(luma, others));
  } else {
    return hn::BitCast(d, luma);
  }
}

#endif  // SIMD

template <bool kAlpha, class D, typename T = hn::TFromD<D>>
HWY_INLINE void ConvertAt(D d, const T* from, T* to) {
  hn::Vec<D> r;
  hn::Vec<D> g;
  hn::Vec<D> b;
  if constexpr (kAlpha) {
    hn::Vec<D> alpha;
    hn::LoadInterleaved4(d, from, r, g, b, alpha);
    hn::StoreInterleaved2(LumaOf(d, r, g, b), alpha, d, to);
  } else {
    hn::LoadInterleaved3(d, from, r, g, b);
    hn::StoreU(LumaOf(d, r, g, b), d, to);
  }
}

template <bool kAlpha, class D, typename T = hn::TFromD<D>>
HWY_INLINE void ConvertRow(D d, const T* from, T* to, size_t width) {
  constexpr size_t kFrom = kAlpha ? 4 : 3;
  constexpr size_t kTo = kAlpha ? 2 : 1;
  const size_t lanes = hn::Lanes(d);
  size_t x = 0;
  for (; x + lanes <= width; x += lanes) {
    ConvertAt<kAlpha>(d, from + x * kFrom, to + x * kTo);
  }
  if (x == width) return;
  if (width >= lanes) {
    x = width - lanes;
    ConvertAt<kAlpha>(d, from + x * kFrom, to + x * kTo);
    return;
  }
  HWY_ALIGN T colours[hn::MaxLanes(d) * kFrom] = {};
  HWY_ALIGN T greys[hn::MaxLanes(d) * kTo];
  std::copy_n(from, width * kFrom, colours);
  ConvertAt<kAlpha>(d, colours, greys);
  std::copy_n(greys, width * kTo, to);
}

template <typename T>
HWY_INLINE void Convert(const ImageView<const T>& source,
                        const ImageView<T>& target) {
  const hn::ScalableTag<T> d;
  const ImageShape shape = source.shape();
  for (uint32_t y = 0; y < shape.height; ++y) {
    const T* const from = source.row(y).data();
    T* const to = target.row(y).data();
    if (shape.channels == 4) {
      ConvertRow<true>(d, from, to, shape.width);
    } else {
      ConvertRow<false>(d, from, to, shape.width);
    }
  }
}

void Convert8(const ImageView<const uint8_t>& source,
              const ImageView<uint8_t>& target) {
  Convert(source, target);
}
void Convert16(const ImageView<const uint16_t>& source,
               const ImageView<uint16_t>& target) {
  Convert(source, target);
}
void ConvertFloat(const ImageView<const float>& source,
                  const ImageView<float>& target) {
  Convert(source, target);
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Convert8);
HWY_EXPORT(Convert16);
HWY_EXPORT(ConvertFloat);

template <Sample T>
void Grayscale(const ImageView<const T>& source, const ImageView<T>& target) {
  const ImageShape shape = source.shape();
  if (shape.channels < 3) {
    for (uint32_t y = 0; y < shape.height; ++y) {
      std::copy_n(source.row(y).data(), RowSamples(shape),
                  target.row(y).data());
    }
    return;
  }
  if constexpr (std::is_same_v<T, uint8_t>) {
    HWY_DYNAMIC_DISPATCH(Convert8)(source, target);
  } else if constexpr (std::is_same_v<T, uint16_t>) {
    HWY_DYNAMIC_DISPATCH(Convert16)(source, target);
  } else {
    HWY_DYNAMIC_DISPATCH(ConvertFloat)(source, target);
  }
}

template void Grayscale(const ImageView<const uint8_t>&,
                        const ImageView<uint8_t>&);
template void Grayscale(const ImageView<const uint16_t>&,
                        const ImageView<uint16_t>&);
template void Grayscale(const ImageView<const float>&, const ImageView<float>&);

}  // namespace imageadapt
#endif  // HWY_ONCE
