#include "imageadapt/kernels/hsv.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "imageadapt/kernels/hsv_sector.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/hsv.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"
#include "imageadapt/kernels/hsv_float-inl.h"
#include "imageadapt/kernels/hsv_u16-inl.h"
#include "imageadapt/kernels/hsv_u8-inl.h"
#include "imageadapt/kernels/triples-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

// The definition as it stands, but for the sectors.
template <class D, class V = hn::Vec<D>>
HWY_INLINE Three<V> RgbToHsvOf(D d, V red, V green, V blue) {
  using T = hn::TFromD<D>;
  constexpr uint32_t kMax = std::numeric_limits<T>::max();
  const uint32_t r = hn::GetLane(red);
  const uint32_t g = hn::GetLane(green);
  const uint32_t b = hn::GetLane(blue);
  const uint32_t max = std::max(r, std::max(g, b));
  const uint32_t min = std::min(r, std::min(g, b));
  const uint32_t delta = max - min;
  const uint32_t y = r + g + b - max - 2 * min;
  uint32_t hue = 0;
  if (delta != 0) {
    const uint32_t high = std::max(g, b);
    const Sector sector =
        SectorOf((g >= b ? 1U : 0U) | (r >= high ? 2U : 0U) |
                 (std::min(r, high) >= std::min(g, b) ? 4U : 0U));
    const uint32_t m = ((kMax / 2 + 1) * y + delta / 2) / delta;
    const uint32_t steps = (m + sector.rest()) / 3;
    const uint32_t turn = sector.template turn<T>();
    hue = sector.negative ? turn - steps : turn + steps;
  }
  const uint32_t saturation = max == 0 ? 0 : (kMax * delta + max / 2) / max;
  return {.first = hn::Set(d, static_cast<T>(hue)),
          .second = hn::Set(d, static_cast<T>(saturation)),
          .third = hn::Set(d, static_cast<T>(max))};
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE Three<V> HsvToRgbOf(D d, V hue, V saturation, V value) {
  using T = hn::TFromD<D>;
  constexpr int64_t kMax = std::numeric_limits<T>::max();
  constexpr int64_t kSteps = kMax + 1;
  const int64_t h = hn::GetLane(hue);
  const int64_t s = hn::GetLane(saturation);
  const int64_t v = hn::GetLane(value);
  const auto channel = [&](int64_t k) {
    constexpr int64_t kOne = kMax * kSteps;
    const int64_t factor = kOne - s * std::clamp<int64_t>(k, 0, kSteps);
    return hn::Set(d, static_cast<T>((2 * v * factor + kOne) / (2 * kOne)));
  };
  const auto distance = [&](int64_t middle) {
    return std::abs(6 * h - middle * kSteps);
  };
  return {.first = channel(2 * kSteps - distance(3)),
          .second = channel(distance(2) - kSteps),
          .third = channel(distance(4) - kSteps)};
}

#endif

template <int kChannels, class D, typename T = hn::TFromD<D>, class Convert>
HWY_INLINE void ConvertAt(D d, const T* from, T* to, Convert&& convert) {
  if constexpr (kChannels == 4) {
    Three<hn::Vec<D>> v;
    hn::Vec<D> fourth;
    hn::LoadInterleaved4(d, from, v.first, v.second, v.third, fourth);
    v = convert(v.first, v.second, v.third);
    hn::StoreInterleaved4(v.first, v.second, v.third, fourth, d, to);
  } else {
    const Three<hn::Vec<D>> v = LoadTriples(d, from);
    StoreTriples(convert(v.first, v.second, v.third), d, to);
  }
}

template <int kChannels, class D, typename T = hn::TFromD<D>>
HWY_INLINE void RgbToHsvAt(D d, const T* from, T* to) {
  ConvertAt<kChannels>(d, from, to, [d](auto r, auto g, auto b) {
    return RgbToHsvOf(d, r, g, b);
  });
}

template <int kChannels, class D, typename T = hn::TFromD<D>>
HWY_INLINE void HsvToRgbAt(D d, const T* from, T* to) {
  ConvertAt<kChannels>(d, from, to, [d](auto h, auto s, auto v) {
    return HsvToRgbOf(d, h, s, v);
  });
}

// Calls convert(d, from, to) for every vector of a row of `width` pixels. `to`
// may be `from`, so the last cannot overlap the one before.
template <int kChannels, class D, typename T, class Convert>
HWY_INLINE void ConvertRow(D d, const T* from, T* to, size_t width,
                           Convert&& convert) {
  const size_t lanes = hn::Lanes(d);
  size_t x = 0;
  for (; x + lanes <= width; x += lanes) {
    convert(d, from + x * kChannels, to + x * kChannels);
  }
  if (x == width) return;
  HWY_ALIGN T few[hn::MaxLanes(d) * kChannels] = {};
  const size_t samples = (width - x) * kChannels;
  std::copy_n(from + x * kChannels, samples, few);
  convert(d, few, few);
  std::copy_n(few, samples, to + x * kChannels);
}

template <int kChannels, class D, typename T, class Convert>
HWY_INLINE void ConvertRows(D d, const ImageView<const T>& source,
                            const ImageView<T>& target, Convert&& convert) {
  const ImageShape shape = source.shape();
  for (uint32_t y = 0; y < shape.height; ++y) {
    ConvertRow<kChannels>(d, source.row(y).data(), target.row(y).data(),
                          shape.width, convert);
  }
}

template <class D, typename T = hn::TFromD<D>>
HWY_INLINE void RgbToHsvRows(D d, const ImageView<const T>& source,
                             const ImageView<T>& target) {
  if (source.shape().channels == 4) {
    ConvertRows<4>(d, source, target, [](auto tag, const T* from, T* to) {
      RgbToHsvAt<4>(tag, from, to);
    });
  } else {
    ConvertRows<3>(d, source, target, [](auto tag, const T* from, T* to) {
      RgbToHsvAt<3>(tag, from, to);
    });
  }
}

template <class D, typename T = hn::TFromD<D>>
HWY_INLINE void HsvToRgbRows(D d, const ImageView<const T>& source,
                             const ImageView<T>& target) {
  if (source.shape().channels == 4) {
    ConvertRows<4>(d, source, target, [](auto tag, const T* from, T* to) {
      HsvToRgbAt<4>(tag, from, to);
    });
  } else {
    ConvertRows<3>(d, source, target, [](auto tag, const T* from, T* to) {
      HsvToRgbAt<3>(tag, from, to);
    });
  }
}

void RgbToHsv8(const ImageView<const uint8_t>& source,
               const ImageView<uint8_t>& target) {
  RgbToHsvRows(hn::ScalableTag<uint8_t>(), source, target);
}
void RgbToHsv16(const ImageView<const uint16_t>& source,
                const ImageView<uint16_t>& target) {
  RgbToHsvRows(hn::ScalableTag<uint16_t>(), source, target);
}
void RgbToHsvFloat(const ImageView<const float>& source,
                   const ImageView<float>& target) {
  RgbToHsvRows(FloatTag(), source, target);
}
void HsvToRgb8(const ImageView<const uint8_t>& source,
               const ImageView<uint8_t>& target) {
  HsvToRgbRows(hn::ScalableTag<uint8_t>(), source, target);
}
void HsvToRgb16(const ImageView<const uint16_t>& source,
                const ImageView<uint16_t>& target) {
  HsvToRgbRows(hn::ScalableTag<uint16_t>(), source, target);
}
void HsvToRgbFloat(const ImageView<const float>& source,
                   const ImageView<float>& target) {
  HsvToRgbRows(FloatTag(), source, target);
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(RgbToHsv8);
HWY_EXPORT(RgbToHsv16);
HWY_EXPORT(RgbToHsvFloat);
HWY_EXPORT(HsvToRgb8);
HWY_EXPORT(HsvToRgb16);
HWY_EXPORT(HsvToRgbFloat);

template <>
void RgbToHsv(const ImageView<const uint8_t>& source,
              const ImageView<uint8_t>& target) {
  HWY_DYNAMIC_DISPATCH(RgbToHsv8)(source, target);
}
template <>
void RgbToHsv(const ImageView<const uint16_t>& source,
              const ImageView<uint16_t>& target) {
  HWY_DYNAMIC_DISPATCH(RgbToHsv16)(source, target);
}
template <>
void RgbToHsv(const ImageView<const float>& source,
              const ImageView<float>& target) {
  HWY_DYNAMIC_DISPATCH(RgbToHsvFloat)(source, target);
}
template <>
void HsvToRgb(const ImageView<const uint8_t>& source,
              const ImageView<uint8_t>& target) {
  HWY_DYNAMIC_DISPATCH(HsvToRgb8)(source, target);
}
template <>
void HsvToRgb(const ImageView<const uint16_t>& source,
              const ImageView<uint16_t>& target) {
  HWY_DYNAMIC_DISPATCH(HsvToRgb16)(source, target);
}
template <>
void HsvToRgb(const ImageView<const float>& source,
              const ImageView<float>& target) {
  HWY_DYNAMIC_DISPATCH(HsvToRgbFloat)(source, target);
}

}  // namespace imageadapt
#endif  // HWY_ONCE
