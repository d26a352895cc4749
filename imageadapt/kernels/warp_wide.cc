// 16-bit and float samples without alpha.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "imageadapt/kernels/channels.h"
#include "imageadapt/kernels/warp_plain.h"
#include "imageadapt/kernels/warp_span.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/warp_wide.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

#if HWY_TARGET != HWY_AVX2 && HWY_TARGET != HWY_AVX3_DL

// Without vectors of eight lanes there is little to gain.
template <Sample T, int kTaps, int kChannels>
void RunSpan(const WarpSpan<T>& span) {
  PlainSpan<T, kTaps, kChannels>(span);
}

#else

namespace hn = hwy::HWY_NAMESPACE;

// Vectors of eight lanes for all: a pixel's taps of a row are up to 8 samples,
// or pairs of three channels.
using Floats = hn::CappedTag<float, 8>;
using Ints = hn::CappedTag<int32_t, 8>;
using HalfWords = hn::CappedTag<uint16_t, 8>;
using FloatVector = hn::Vec<Floats>;
using IntVector = hn::Vec<Ints>;
constexpr uint32_t kGroup = 8;  // target pixels at a time

template <typename T>
using VectorOf =
    std::conditional_t<std::is_same_v<T, float>, FloatVector, IntVector>;

constexpr int32_t kHalfWeight = 1 << (kWeightBits - 1);
constexpr int32_t kMiddle = 1 << 15;

// Islands of intrinsics: what Highway 1.0.3 lacks, which is sums of
// neighbouring lanes, loads into parts of registers and moves of two vectors
// within blocks.

// Of 16 bits in neighbouring lanes: a0 b0 + a1 b1.
HWY_INLINE IntVector SumOfProducts(IntVector a, IntVector b) {
  return IntVector{_mm256_madd_epi16(a.raw, b.raw)};
}

HWY_INLINE FloatVector SumOfNeighbours(FloatVector a, FloatVector b) {
  return FloatVector{_mm256_hadd_ps(a.raw, b.raw)};
}
HWY_INLINE IntVector SumOfNeighbours(IntVector a, IntVector b) {
  return IntVector{_mm256_hadd_epi32(a.raw, b.raw)};
}

// The sums over 8 pixels of four lanes: v[k] holds pixels k and k + 4.
template <typename Vector>
HWY_INLINE Vector SumsOfHalves(const Vector (&v)[4]) {
  return SumOfNeighbours(SumOfNeighbours(v[0], v[1]),
                         SumOfNeighbours(v[2], v[3]));
}

// 8 bytes from each of two places.
HWY_INLINE __m128 LoadTwo(const void* a, const void* b) {
  const __m128i low = _mm_loadl_epi64(static_cast<const __m128i*>(a));
  return _mm_loadh_pi(_mm_castsi128_ps(low), static_cast<const __m64*>(b));
}

// Rows of samples: 8 from one place, or 4 from each of two.
HWY_INLINE FloatVector LoadRow(const float* from) {
  return hn::LoadU(Floats(), from);
}
HWY_INLINE FloatVector LoadRows(const float* a, const float* b) {
  return FloatVector{_mm256_insertf128_ps(
      _mm256_castps128_ps256(_mm_loadu_ps(a)), _mm_loadu_ps(b), 1)};
}
HWY_INLINE IntVector LoadRow(const uint16_t* from) {
  return hn::PromoteTo(Ints(), hn::LoadU(HalfWords(), from));
}
HWY_INLINE IntVector LoadRows(const uint16_t* a, const uint16_t* b) {
  return IntVector{_mm256_cvtepu16_epi32(_mm_castps_si128(LoadTwo(a, b)))};
}

// 16-bit samples of two rows in the halves of lanes, about their middle.
HWY_INLINE IntVector Interleaved(IntVector above, IntVector below) {
  return hn::Xor(hn::Or(above, hn::ShiftLeft<16>(below)),
                 hn::Set(Ints(), static_cast<int32_t>(0x80008000)));
}

// Where a group of pixels is in the source.
template <typename T, int kTaps>
struct Places {
  // The first sample that takes part.
  const T* first[kGroup];
  // Of float samples: the fractions; for six taps those of a phase.
  HWY_ALIGN float x[kGroup];
  HWY_ALIGN float y[kGroup];
  // Phases.
  HWY_ALIGN int32_t phase_x[kGroup];
  HWY_ALIGN int32_t phase_y[kGroup];
  // Of float samples: whether any weights are zero. A product of nothing with
  // what is not finite would not be nothing.
  bool has_zeros = false;
};

// A coordinate of theirs.
struct Axis {
  IntVector pixel;
  IntVector phase;
  FloatVector fraction;
};

template <typename T, int kTaps>
HWY_INLINE Axis Split(IntVector position) {
  const Ints d;
  const auto fraction = hn::And(position, hn::Set(d, kWarpFraction));
  auto pixel = hn::ShiftRight<kWarpBits>(position);
  if constexpr (std::is_same_v<T, float>) {
    constexpr float kUnit = 1.0F / static_cast<float>(kWarpPixel);
    if constexpr (kTaps == 6) {
      constexpr int kShift = kWarpBits - kLanczosPhaseBits;
      const auto share = hn::And(position, hn::Set(d, (1 << kShift) - 1));
      return {pixel, hn::ShiftRight<kShift>(fraction),
              hn::Mul(hn::ConvertTo(Floats(), share),
                      hn::Set(Floats(), 1.0F / (1 << kShift)))};
    } else {
      return {
          pixel, fraction,
          hn::Mul(hn::ConvertTo(Floats(), fraction), hn::Set(Floats(), kUnit))};
    }
  } else if constexpr (kTaps == 2) {
    constexpr int kShift = kWarpBits - kWeightBits;
    const auto half = hn::Set(d, 1 << (kShift - 1));
    return {pixel, hn::ShiftRight<kShift>(hn::Add(fraction, half)),
            hn::Zero(Floats())};
  } else {
    constexpr int kShift = kWarpBits - kPhaseBits;
    const auto half = hn::Set(d, 1 << (kShift - 1));
    const auto rounded = hn::ShiftRight<kShift>(hn::Add(position, half));
    return {hn::ShiftRight<kPhaseBits>(rounded),
            hn::And(rounded, hn::Set(d, kPhases - 1)), hn::Zero(Floats())};
  }
}

template <typename T, int kTaps, int kChannels>
HWY_INLINE void FindPlaces(const WarpSpan<T>& span, uint32_t i,
                           Places<T, kTaps>& places) {
  const Ints d;
  const auto x =
      hn::Add(hn::LoadU(d, span.steps->x.data() + i), hn::Set(d, span.x));
  const auto y =
      hn::Add(hn::LoadU(d, span.steps->y.data() + i), hn::Set(d, span.y));
  const auto column = Split<T, kTaps>(x);
  const auto row = Split<T, kTaps>(y);
  if constexpr (std::is_same_v<T, float>) {
    const auto mask = hn::Set(d, kWarpFraction);
    const auto least = hn::Min(hn::And(x, mask), hn::And(y, mask));
    places.has_zeros = !hn::AllFalse(d, hn::Eq(least, hn::Zero(d)));
    hn::Store(column.fraction, Floats(), places.x);
    hn::Store(row.fraction, Floats(), places.y);
  }
  hn::Store(column.phase, d, places.phase_x);
  hn::Store(row.phase, d, places.phase_y);
  // Offsets within a tile fit in 31 bits.
  const auto stride = hn::Set(d, static_cast<int32_t>(span.stride));
  const auto across = kChannels == 1
                          ? column.pixel
                          : hn::Mul(column.pixel, hn::Set(d, kChannels));
  HWY_ALIGN int32_t offsets[kGroup];
  hn::Store(hn::Add(hn::Mul(row.pixel, stride), across), d, offsets);
  const T* const origin =
      span.source - (kTaps / 2 - 1) * span.stride - (kTaps / 2 - 1) * kChannels;
  for (size_t k = 0; k < kGroup; ++k) places.first[k] = origin + offsets[k];
}

// Keys' weights by Horner's rule, in each block of four lanes.
HWY_INLINE FloatVector CubicWeightsOf(FloatVector t) {
  const Floats d;
  alignas(16) static constexpr float kCubic[] = {-0.5F, 1.5F, -1.5F, 0.5F};
  alignas(16) static constexpr float kSquare[] = {1, -2.5F, 2, -0.5F};
  alignas(16) static constexpr float kLinear[] = {-0.5F, 0, 0.5F, 0};
  alignas(16) static constexpr float kConstant[] = {0, 1, 0, 0};
  auto sum =
      hn::MulAdd(hn::LoadDup128(d, kCubic), t, hn::LoadDup128(d, kSquare));
  sum = hn::MulAdd(sum, t, hn::LoadDup128(d, kLinear));
  return hn::MulAdd(sum, t, hn::LoadDup128(d, kConstant));
}

HWY_INLINE FloatVector LanczosWeightsOf(int32_t phase, float share) {
  const Floats d;
  const float* const here = kLanczosTable[static_cast<size_t>(phase)].data();
  const auto first = hn::LoadU(d, here);
  const auto next = hn::LoadU(d, here + kWeightsPerPhase<6>);
  return hn::MulAdd(hn::Set(d, share), hn::Sub(next, first), first);
}

// Of two pixels, in the halves.
template <typename Number>
HWY_INLINE auto Halves(Number low, Number high) {
  const hn::CappedTag<Number, 8> d;
  return hn::ConcatUpperLower(d, hn::Set(d, high), hn::Set(d, low));
}

// Two neighbouring weights.
template <int kTaps>
HWY_INLINE int32_t PairOfWeights(int32_t phase, size_t pair) {
  int32_t weights;
  std::memcpy(
      &weights,
      kIntegerWeights<kTaps>[static_cast<size_t>(phase)].data() + 2 * pair,
      sizeof(weights));
  return weights;
}

// Without the weights' fractional bits.
HWY_INLINE IntVector RoundedColumns(IntVector sum) {
  return hn::ShiftRight<kWeightBits>(
      hn::Add(sum, hn::Set(Ints(), kHalfWeight)));
}

HWY_INLINE void StoreSums(FloatVector sums, float* to) {
  hn::StoreU(sums, Floats(), to);
}
HWY_INLINE auto RoundedSums(IntVector sums) {
  const auto whole = hn::Add(RoundedColumns(sums), hn::Set(Ints(), kMiddle));
  return hn::DemoteTo(HalfWords(), whole);
}
HWY_INLINE void StoreSums(IntVector sums, uint16_t* to) {
  hn::StoreU(RoundedSums(sums), HalfWords(), to);
}

// One channel, two taps.
HWY_INLINE void GreyBilinear(const Places<float, 2>& places, ptrdiff_t stride,
                             float* to) {
  const Floats d;
  const auto x = hn::Load(d, places.x);
  const auto y = hn::Load(d, places.y);
  const auto one = hn::Set(d, 1);
  const auto rest = hn::Sub(one, x);
  const auto row = [&](ptrdiff_t offset) {
    const auto four = [&](size_t i) {
      return _mm256_insertf128_ps(
          _mm256_castps128_ps256(
              LoadTwo(places.first[i] + offset, places.first[i + 1] + offset)),
          LoadTwo(places.first[i + 4] + offset, places.first[i + 5] + offset),
          1);
    };
    const __m256 a = four(0);
    const __m256 b = four(2);
    const FloatVector left{_mm256_shuffle_ps(a, b, 0x88)};
    const FloatVector right{_mm256_shuffle_ps(a, b, 0xdd)};
    return hn::MulAdd(right, x, hn::Mul(left, rest));
  };
  const auto above = row(0);
  const auto below = row(stride);
  hn::StoreU(hn::MulAdd(below, y, hn::Mul(above, hn::Sub(one, y))), d, to);
}

HWY_INLINE void GreyBilinear(const Places<uint16_t, 2>& places,
                             ptrdiff_t stride, uint16_t* to) {
  const Ints d;
  const auto row = [&](ptrdiff_t offset) {
    HWY_ALIGN int32_t pairs[kGroup];
    for (size_t i = 0; i < kGroup; ++i) {
      std::memcpy(&pairs[i], places.first[i] + offset, sizeof(int32_t));
    }
    return hn::Load(d, pairs);
  };
  const auto above = row(0);
  const auto below = row(stride);
  const auto low = hn::Set(d, 0xffff);
  const auto one = hn::Set(d, 1 << kWeightBits);
  const auto x = hn::Load(d, places.phase_x);
  const auto y = hn::Load(d, places.phase_y);
  const auto down = hn::Or(hn::Sub(one, y), hn::ShiftLeft<16>(y));
  const auto left =
      SumOfProducts(Interleaved(hn::And(above, low), below), down);
  const hn::RebindToUnsigned<Ints> du;
  const auto upper_above =
      hn::BitCast(d, hn::ShiftRight<16>(hn::BitCast(du, above)));
  const auto upper_below =
      hn::BitCast(d, hn::ShiftRight<16>(hn::BitCast(du, below)));
  const auto right = SumOfProducts(Interleaved(upper_above, upper_below), down);
  StoreSums(hn::Add(hn::Mul(RoundedColumns(left), hn::Sub(one, x)),
                    hn::Mul(RoundedColumns(right), x)),
            to);
}

// One channel, four taps, of pixels i and i + 4: what is to be summed.
HWY_INLINE FloatVector GreyCubic(const Places<float, 4>& places, size_t i,
                                 ptrdiff_t stride) {
  const auto across = CubicWeightsOf(Halves(places.x[i], places.x[i + 4]));
  const auto down = CubicWeightsOf(Halves(places.y[i], places.y[i + 4]));
  const auto row = [&](ptrdiff_t j) {
    return LoadRows(places.first[i] + j * stride,
                    places.first[i + 4] + j * stride);
  };
  auto sum = hn::Mul(row(0), hn::Broadcast<0>(down));
  sum = hn::MulAdd(row(1), hn::Broadcast<1>(down), sum);
  auto more = hn::Mul(row(2), hn::Broadcast<2>(down));
  more = hn::MulAdd(row(3), hn::Broadcast<3>(down), more);
  return hn::Mul(hn::Add(sum, more), across);
}

HWY_INLINE IntVector GreyCubic(const Places<uint16_t, 4>& places, size_t i,
                               ptrdiff_t stride) {
  const auto row = [&](ptrdiff_t j) {
    return LoadRows(places.first[i] + j * stride,
                    places.first[i + 4] + j * stride);
  };
  const auto down = [&](size_t pair) {
    return Halves(PairOfWeights<4>(places.phase_y[i], pair),
                  PairOfWeights<4>(places.phase_y[i + 4], pair));
  };
  const auto weights = [&](int32_t phase) {
    return kIntegerWeights<4>[static_cast<size_t>(phase)].data();
  };
  const IntVector across{_mm256_cvtepi16_epi32(_mm_castps_si128(
      LoadTwo(weights(places.phase_x[i]), weights(places.phase_x[i + 4]))))};
  const auto sum = hn::Add(SumOfProducts(Interleaved(row(0), row(1)), down(0)),
                           SumOfProducts(Interleaved(row(2), row(3)), down(1)));
  return hn::Mul(RoundedColumns(sum), across);
}

// 8 samples of a pixel's rows, weighted down the columns.
template <int kTaps>
HWY_INLINE FloatVector Columns(const float* from, ptrdiff_t stride,
                               const float* down) {
  const Floats d;
  auto even = hn::Mul(LoadRow(from), hn::Set(d, down[0]));
  auto odd = hn::Mul(LoadRow(from + stride), hn::Set(d, down[1]));
  HWY_UNROLL(3)
  for (int j = 2; j < kTaps; j += 2) {
    even = hn::MulAdd(LoadRow(from + j * stride), hn::Set(d, down[j]), even);
    odd = hn::MulAdd(LoadRow(from + (j + 1) * stride), hn::Set(d, down[j + 1]),
                     odd);
  }
  return hn::Add(even, odd);
}

// `down` are pairs.
template <int kTaps>
HWY_INLINE IntVector Columns(const uint16_t* from, ptrdiff_t stride,
                             const int32_t* down) {
  const Ints d;
  auto sum = hn::Zero(d);
  HWY_UNROLL(3)
  for (int j = 0; j < kTaps; j += 2) {
    const auto rows = Interleaved(LoadRow(from + j * stride),
                                  LoadRow(from + (j + 1) * stride));
    sum = hn::Add(sum, SumOfProducts(rows, hn::Set(d, down[j / 2])));
  }
  return RoundedColumns(sum);
}

// The weights of one pixel: along the row in the first lanes, down the column
// in memory. The latter are pairs if samples have 16 bits.
template <int kTaps>
HWY_INLINE FloatVector WeightsOf(const Places<float, kTaps>& places, size_t i,
                                 float* down) {
  const Floats d;
  if constexpr (kTaps == 2) {
    down[0] = 1 - places.y[i];
    down[1] = places.y[i];
    alignas(32) static constexpr float kFirst[] = {1, 0, 0, 0, 0, 0, 0, 0};
    alignas(32) static constexpr float kSign[] = {-1, 1, 0, 0, 0, 0, 0, 0};
    return hn::MulAdd(hn::Set(d, places.x[i]), hn::Load(d, kSign),
                      hn::Load(d, kFirst));
  } else if constexpr (kTaps == 4) {
    const auto weights = CubicWeightsOf(Halves(places.x[i], places.y[i]));
    hn::Store(hn::ConcatUpperUpper(d, weights, weights), d, down);
    return weights;
  } else {
    hn::Store(LanczosWeightsOf(places.phase_y[i], places.y[i]), d, down);
    return LanczosWeightsOf(places.phase_x[i], places.x[i]);
  }
}

template <int kTaps>
HWY_INLINE IntVector WeightsOf(const Places<uint16_t, kTaps>& places, size_t i,
                               int32_t* down) {
  const Ints d;
  if constexpr (kTaps == 2) {
    const int32_t x = places.phase_x[i];
    const int32_t y = places.phase_y[i];
    down[0] = ((1 << kWeightBits) - y) | (y << 16);
    alignas(32) static constexpr int32_t kSign[] = {-1, 1, 0, 0, 0, 0, 0, 0};
    return hn::Add(
        hn::Mul(hn::Set(d, x), hn::Load(d, kSign)),
        hn::IfThenElseZero(hn::FirstN(d, 1), hn::Set(d, 1 << kWeightBits)));
  } else {
    for (size_t pair = 0; pair < kTaps / 2; ++pair) {
      down[pair] = PairOfWeights<kTaps>(places.phase_y[i], pair);
    }
    const hn::CappedTag<int16_t, kTaps == 4 ? 4 : 8> d16;
    const int16_t* const across =
        kIntegerWeights<kTaps>[static_cast<size_t>(places.phase_x[i])].data();
    if constexpr (kTaps == 4) {
      // The upper lanes are anything.
      return IntVector{_mm256_cvtepi16_epi32(
          _mm_loadl_epi64(reinterpret_cast<const __m128i*>(across)))};
    } else {
      return hn::PromoteTo(d, hn::LoadU(d16, across));
    }
  }
}

// One channel, six taps, of pixel i.
template <typename T>
HWY_INLINE VectorOf<T> GreyLanczos(const Places<T, 6>& places, size_t i,
                                   ptrdiff_t stride) {
  HWY_ALIGN std::conditional_t<std::is_same_v<T, float>, float, int32_t>
      down[8];
  const auto across = WeightsOf(places, i, down);
  const auto sum = hn::Mul(Columns<6>(places.first[i], stride, down), across);
  if constexpr (std::is_same_v<T, float>) {
    // What is read too much may not be finite.
    return hn::IfThenElseZero(hn::FirstN(Floats(), 6), sum);
  } else {
    return sum;
  }
}

template <typename T, int kTaps>
HWY_INLINE void Grey(const Places<T, kTaps>& places, ptrdiff_t stride, T* to) {
  if constexpr (kTaps == 2) {
    GreyBilinear(places, stride, to);
  } else {
    VectorOf<T> sums[4];
    HWY_UNROLL(4)
    for (size_t i = 0; i < 4; ++i) {
      if constexpr (kTaps == 4) {
        sums[i] = GreyCubic(places, i, stride);
      } else {
        const hn::DFromV<VectorOf<T> > d;
        const auto a = GreyLanczos<T>(places, i, stride);
        const auto b = GreyLanczos<T>(places, i + 4, stride);
        sums[i] = hn::Add(hn::ConcatLowerLower(d, b, a),
                          hn::ConcatUpperUpper(d, b, a));
      }
    }
    StoreSums(SumsOfHalves(sums), to);
  }
}

// Pixel i of three channels, two taps in a vector.
template <typename T, int kTaps>
HWY_INLINE VectorOf<T> Colors(const Places<T, kTaps>& places, size_t i,
                              ptrdiff_t stride) {
  using Number = std::conditional_t<std::is_same_v<T, float>, float, int32_t>;
  const hn::DFromV<VectorOf<T> > d;
  HWY_ALIGN Number down[8];
  const auto across = WeightsOf<kTaps>(places, i, down);
  alignas(32) static constexpr int32_t kSpread[3][8] = {
      {0, 0, 0, 1, 1, 1, 1, 1},
      {2, 2, 2, 3, 3, 3, 3, 3},
      {4, 4, 4, 5, 5, 5, 5, 5}};
  auto sum = hn::Zero(d);
  HWY_UNROLL(3)
  for (int pair = 0; pair < kTaps / 2; ++pair) {
    const auto weights =
        hn::TableLookupLanes(across, hn::SetTableIndices(d, kSpread[pair]));
    const auto columns =
        Columns<kTaps>(places.first[i] + pair * 6, stride, down);
    sum = pair == 0 ? hn::Mul(columns, weights)
                    : hn::Add(hn::Mul(columns, weights), sum);
  }
  alignas(32) static constexpr int32_t kSecond[8] = {3, 4, 5, 5, 5, 5, 5, 5};
  return hn::Add(sum,
                 hn::TableLookupLanes(sum, hn::SetTableIndices(d, kSecond)));
}

// One sample too much is written if `is_last` is false.
HWY_INLINE void StorePixel(FloatVector pixel, bool is_last, float* to) {
  const hn::CappedTag<float, 4> d;
  const auto low = hn::LowerHalf(d, pixel);
  if (is_last) {
    float samples[4];
    hn::StoreU(low, d, samples);
    std::memcpy(to, samples, 3 * sizeof(float));
  } else {
    hn::StoreU(low, d, to);
  }
}
HWY_INLINE void StorePixel(IntVector pixel, bool is_last, uint16_t* to) {
  const hn::CappedTag<uint16_t, 4> d;
  const auto low = hn::LowerHalf(hn::CappedTag<int32_t, 4>(), pixel);
  const hn::CappedTag<int32_t, 4> d32;
  const auto whole = hn::Add(
      hn::ShiftRight<kWeightBits>(hn::Add(low, hn::Set(d32, kHalfWeight))),
      hn::Set(d32, kMiddle));
  const auto words = hn::DemoteTo(d, whole);
  if (is_last) {
    uint16_t samples[4];
    hn::StoreU(words, d, samples);
    std::memcpy(to, samples, 3 * sizeof(uint16_t));
  } else {
    hn::StoreU(words, d, to);
  }
}

template <Sample T, int kTaps, int kChannels>
HWY_INLINE void RunSpan(const WarpSpan<T>& span) {
  if (span.count < kGroup) {
    PlainSpan<T, kTaps, kChannels>(span);
    return;
  }
  for (uint32_t i = 0; i < span.count; i += kGroup) {
    // The last group overlaps the one before.
    const uint32_t at = std::min(i, span.count - kGroup);
    T* const to = span.target + at * kChannels;
    Places<T, kTaps> places;
    FindPlaces<T, kTaps, kChannels>(span, span.first + at, places);
    if (HWY_UNLIKELY(places.has_zeros)) {
      WarpSpan<T> group = span;
      group.first += at;
      group.count = kGroup;
      group.target = to;
      PlainSpan<T, kTaps, kChannels>(group);
    } else if constexpr (kChannels == 1) {
      Grey<T, kTaps>(places, span.stride, to);
    } else {
      for (uint32_t k = 0; k < kGroup; ++k) {
        StorePixel(Colors<T, kTaps>(places, k, span.stride), k + 1 == kGroup,
                   to + k * kChannels);
      }
    }
  }
}

#endif  // HWY_TARGET

#define WITH_TAPS(name, T, channels)                                       \
  void name##2(const WarpSpan<T>& span) { RunSpan<T, 2, channels>(span); } \
  void name##4(const WarpSpan<T>& span) { RunSpan<T, 4, channels>(span); } \
  void name##6(const WarpSpan<T>& span) { RunSpan<T, 6, channels>(span); }
WITH_TAPS(GreyWords, uint16_t, 1)
WITH_TAPS(GreyFloats, float, 1)
WITH_TAPS(ColorWords, uint16_t, 3)
WITH_TAPS(ColorFloats, float, 3)
#undef WITH_TAPS

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

namespace {

// Spills are how far the last of the samples that are read at once is from the
// last that is needed, in pixels, begun ones too.
#define WITH_TAPS(name, T, spill2, spill4, spill6)                         \
  HWY_EXPORT(name##2);                                                     \
  HWY_EXPORT(name##4);                                                     \
  HWY_EXPORT(name##6);                                                     \
  WarpKernel<T> name(Interpolation interpolation) {                        \
    switch (interpolation) {                                               \
      case Interpolation::kNearest:                                        \
        return {};                                                         \
      case Interpolation::kBilinear:                                       \
        return {.run = &HWY_DYNAMIC_DISPATCH(name##2), .spill = (spill2)}; \
      case Interpolation::kBicubic:                                        \
        return {.run = &HWY_DYNAMIC_DISPATCH(name##4), .spill = (spill4)}; \
      case Interpolation::kLanczos3:                                       \
        return {.run = &HWY_DYNAMIC_DISPATCH(name##6), .spill = (spill6)}; \
    }                                                                      \
    return {};                                                             \
  }
WITH_TAPS(GreyWords, uint16_t, 0, 0, 2)
WITH_TAPS(GreyFloats, float, 0, 0, 2)
WITH_TAPS(ColorWords, uint16_t, 1, 1, 1)
WITH_TAPS(ColorFloats, float, 1, 1, 1)
#undef WITH_TAPS

}  // namespace

template <>
WarpKernel<uint16_t> WideKernel(Interpolation interpolation,
                                uint32_t channels) {
  if (HasAlpha(channels)) return {};
  return channels == 1 ? GreyWords(interpolation) : ColorWords(interpolation);
}
template <>
WarpKernel<float> WideKernel(Interpolation interpolation, uint32_t channels) {
  if (HasAlpha(channels)) return {};
  return channels == 1 ? GreyFloats(interpolation) : ColorFloats(interpolation);
}

}  // namespace imageadapt
#endif  // HWY_ONCE
