// Weights of the pixels around a point, for points at a fixed number of phases
// between two pixel centres.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_WARP_WEIGHTS_H_
#define IMAGEADAPT_KERNELS_WARP_WEIGHTS_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace imageadapt {

// For |x| <= 2, by its power series: the standard's is not constexpr.
constexpr double SineOf(double x) {
  double term = x;
  double sum = x;
  for (int n = 2; n < 24; n += 2) {
    term *= -x * x / (n * (n + 1));
    sum += term;
  }
  return sum;
}

// Keys' cubic with a = -1/2, at distances fraction + 1, fraction, 1 - fraction
// and 2 - fraction.
template <typename Real>
constexpr std::array<Real, 4> CubicWeights(Real t) {
  return {((Real{2} - t) * t - Real{1}) * t / Real{2},
          ((Real{3} * t - Real{5}) * t * t + Real{2}) / Real{2},
          ((Real{4} - Real{3} * t) * t + Real{1}) * t / Real{2},
          (t - Real{1}) * t * t / Real{2}};
}

// 3 sin(pi x) sin(pi x / 3) / (pi x)^2 at distances fraction + 2 to
// 3 - fraction, scaled to sum to one.
constexpr std::array<double, 6> LanczosWeights(double fraction) {
  constexpr double kPi = 3.14159265358979323846;
  if (fraction <= 0) return {0, 0, 1, 0, 0, 0};
  if (fraction >= 1) return {0, 0, 0, 1, 0, 0};
  // sin(pi x) is the same at all six but for the sign; constants cancel.
  const double third = SineOf(kPi * fraction / 3);
  const double cosine = SineOf(kPi / 2 - kPi * fraction / 3);
  constexpr double kHalfRoot3 = 0.86602540378443864676;
  // Of pi (fraction + k) / 3, by the sum of angles, for k = 2, 1, 0.
  const double near = third / 2 + kHalfRoot3 * cosine;  // k = 1
  const double far = -third / 2 + kHalfRoot3 * cosine;  // k = 2
  std::array<double, 6> weights = {far, -near, third, far, -near, third};
  double sum = 0;
  for (int i = 0; i < 6; ++i) {
    const double distance = fraction + 2 - i;
    weights[i] /= distance * distance;
    sum += weights[i];
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

template <int kTaps>
constexpr std::array<double, kTaps> ExactWeights(double fraction) {
  if constexpr (kTaps == 4) {
    return CubicWeights(fraction);
  } else {
    return LanczosWeights(fraction);
  }
}

// Rows are padded with zeros to a length that loads well.
template <int kTaps>
inline constexpr int kWeightsPerPhase = kTaps <= 4 ? 4 : 8;

template <typename Number, int kTaps, int kPhases,
          int kLength = kWeightsPerPhase<kTaps>>
using WeightTable = std::array<std::array<Number, kLength>, kPhases>;

// Moves units between pairs of weights of few bits as long as that makes
// smaller what rounding does: to samples that have nothing to do with each
// other (the squares of the errors), and more so to slopes and curves (the
// errors times the distances, and times their squares), which are what
// photographs have. `errors` is what weights lack.
template <typename Number, size_t kTaps>
constexpr void BalanceWeights(std::array<double, kTaps>& errors,
                              Number* weights) {
  constexpr double kSlope = 0.5;
  constexpr double kCurve = 0.1;
  constexpr double kMiddle = (kTaps - 1) / 2.0;
  for (bool changed = true; changed;) {
    changed = false;
    double slope = 0;
    double curve = 0;
    for (size_t i = 0; i < kTaps; ++i) {
      const double distance = static_cast<double>(i) - kMiddle;
      slope += errors[i] * distance;
      curve += errors[i] * distance * distance;
    }
    double best = -1e-9;
    size_t gains = 0;
    size_t gives = 0;
    for (size_t i = 0; i < kTaps; ++i) {
      for (size_t j = 0; j < kTaps; ++j) {
        if (i == j) continue;
        const double near = static_cast<double>(i) - kMiddle;
        const double far = static_cast<double>(j) - kMiddle;
        const double moved = far - near;
        const double bent = far * far - near * near;
        const double change = 2 - 2 * errors[i] + 2 * errors[j] +
                              kSlope * moved * (2 * slope + moved) +
                              kCurve * bent * (2 * curve + bent);
        if (change >= best) continue;
        best = change;
        gains = i;
        gives = j;
        changed = true;
      }
    }
    if (!changed) return;
    weights[gains] = static_cast<Number>(weights[gains] + 1);
    weights[gives] = static_cast<Number>(weights[gives] - 1);
    errors[gains] -= 1;
    errors[gives] += 1;
  }
}

// Whole-number weights that sum to exactly `sum`: rounded, and then the worst
// rounded ones changed by one until it does.
template <typename Number, int kTaps, int kPhases,
          int kLength = kWeightsPerPhase<kTaps>>
constexpr WeightTable<Number, kTaps, kPhases, kLength> MakeWeightTable(
    int sum) {
  WeightTable<Number, kTaps, kPhases, kLength> table = {};
  for (int phase = 0; phase < kPhases; ++phase) {
    std::array<double, kTaps> errors =
        ExactWeights<kTaps>(static_cast<double>(phase) / kPhases);
    int rest = sum;
    for (size_t i = 0; i < kTaps; ++i) {
      const double exact = errors[i] * sum;
      const int rounded =
          static_cast<int>(exact < 0 ? exact - 0.5 : exact + 0.5);
      table[phase][i] = static_cast<Number>(rounded);
      errors[i] = exact - rounded;
      rest -= rounded;
    }
    while (rest != 0) {
      const int step = rest > 0 ? 1 : -1;
      size_t worst = 0;
      for (size_t i = 1; i < kTaps; ++i) {
        if (step * errors[i] > step * errors[worst]) worst = i;
      }
      table[phase][worst] = static_cast<Number>(table[phase][worst] + step);
      errors[worst] -= step;
      rest -= step;
    }
    if constexpr (sizeof(Number) == 1) {
      BalanceWeights(errors, table[phase].data());
    }
  }
  return table;
}

// For 8-bit samples without alpha: along rows weights of 8 bits, so that the
// processor's products of bytes apply, down columns of 16 bits, that undo the
// sum of the former together with a last factor. Positions count to 1/256
// pixel, which moves a sample less than the weights' rounding does.
inline constexpr int kBytePhaseBits = 8;
inline constexpr int kBytePhases = 1 << kBytePhaseBits;
// The largest with which a sum along a row fits in 16 bits.
template <int kTaps>
inline constexpr int kByteSum = kTaps == 4 ? 113 : 100;
// 2^15 / kByteSum, and what that lacks.
template <int kTaps>
inline constexpr int kByteFactor = kTaps == 4 ? 290 : 328;
template <int kTaps>
inline constexpr int kByteColumnSum =
    ((1 << 30) + kByteSum<kTaps> * kByteFactor<kTaps> / 2) /
    (kByteSum<kTaps> * kByteFactor<kTaps>);
template <int kTaps>
alignas(64) inline constexpr auto kByteRowWeights =
    MakeWeightTable<int8_t, kTaps, kBytePhases, 8>(kByteSum<kTaps>);
template <int kTaps>
alignas(64) inline constexpr auto kByteColumnWeights =
    MakeWeightTable<int16_t, kTaps, kBytePhases>(kByteColumnSum<kTaps>);
// Rows in the order in which they are summed, those with negative weights
// first: then sums that leave 16 bits end outside the samples' range, too.
template <int kTaps>
inline constexpr std::array<int, kTaps> kByteRowOrder = {};
template <>
inline constexpr std::array<int, 4> kByteRowOrder<4> = {0, 3, 1, 2};
template <>
inline constexpr std::array<int, 6> kByteRowOrder<6> = {1, 4, 0, 5, 2, 3};

// For the other integers: positions count to 1/1024 pixel.
inline constexpr int kPhaseBits = 10;
inline constexpr int kPhases = 1 << kPhaseBits;
inline constexpr int kWeightBits = 14;
template <int kTaps>
inline constexpr WeightTable<int16_t, kTaps, kPhases> kIntegerWeights =
    MakeWeightTable<int16_t, kTaps, kPhases>(1 << kWeightBits);

// For float samples, to be interpolated between phases.
inline constexpr int kLanczosPhaseBits = 9;
inline constexpr int kLanczosPhases = 1 << kLanczosPhaseBits;
constexpr WeightTable<float, 6, kLanczosPhases + 1> MakeLanczosTable() {
  WeightTable<float, 6, kLanczosPhases + 1> table = {};
  for (int phase = 0; phase <= kLanczosPhases; ++phase) {
    const std::array<double, 6> exact =
        LanczosWeights(static_cast<double>(phase) / kLanczosPhases);
    for (size_t i = 0; i < 6; ++i) {
      table[phase][i] = static_cast<float>(exact[i]);
    }
  }
  return table;
}
inline constexpr WeightTable<float, 6, kLanczosPhases + 1> kLanczosTable =
    MakeLanczosTable();

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_WARP_WEIGHTS_H_
