#include "imageadapt/kernels/hue_vectors.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>

namespace imageadapt {
namespace {

constexpr int kBits = 30;
constexpr double kUnit = 1 << kBits;
constexpr double kHalf = 0.5;
constexpr double kTurn = 2 * std::numbers::pi;

// By their series, up to an eighth of a turn. The library's are not constexpr,
// and may differ from one processor to the next.
constexpr double SeriesOfSine(double angle) {
  double term = angle;
  double sum = 0;
  for (int i = 1; i < 24; i += 2) {
    sum += term;
    term *= -angle * angle / ((i + 1) * (i + 2));
  }
  return sum;
}

constexpr double SeriesOfCosine(double angle) {
  double term = 1;
  double sum = 0;
  for (int i = 0; i < 24; i += 2) {
    sum += term;
    term *= -angle * angle / ((i + 1) * (i + 2));
  }
  return sum;
}

struct Vector {
  int32_t x = 0;
  int32_t y = 0;
};

constexpr Vector Rounded(double x, double y) {
  return {.x = static_cast<int32_t>(x * kUnit + kHalf),
          .y = static_cast<int32_t>(y * kUnit + kHalf)};
}

// 256 directions all around; each is the mirror image or the opposite of one in
// the first eighth.
constexpr std::array<Vector, 256> MakeCoarse() {
  std::array<Vector, 256> vectors;
  for (unsigned i = 0; i < 256; ++i) {
    const unsigned quarter = i % 64;
    const double angle = kTurn * (quarter <= 32 ? quarter : 64 - quarter) / 256;
    Vector vector = Rounded(SeriesOfCosine(angle), SeriesOfSine(angle));
    if (quarter > 32) vector = {.x = vector.y, .y = vector.x};
    for (unsigned turns = i / 64; turns > 0; --turns) {
      vector = {.x = -vector.y, .y = vector.x};
    }
    vectors[i] = vector;
  }
  return vectors;
}

// 256 directions within the first of those steps.
constexpr std::array<Vector, 256> MakeFine() {
  std::array<Vector, 256> vectors;
  for (unsigned i = 0; i < 256; ++i) {
    const double angle = kTurn * i / 65536;
    vectors[i] = Rounded(SeriesOfCosine(angle), SeriesOfSine(angle));
  }
  return vectors;
}

constexpr std::array<Vector, 256> kCoarse = MakeCoarse();
constexpr std::array<Vector, 256> kFine = MakeFine();

// By the theorem of addition, in the first half of the turn.
HueSum FineVector(uint32_t hue) {
  const Vector coarse = kCoarse[hue / 256 % 128];
  const Vector fine = kFine[hue % 256];
  constexpr int64_t kRounding = int64_t{1} << (kBits - 1);
  const int64_t x = int64_t{coarse.x} * fine.x - int64_t{coarse.y} * fine.y;
  const int64_t y = int64_t{coarse.y} * fine.x + int64_t{coarse.x} * fine.y;
  const int64_t sign = hue < 32768 ? 1 : -1;
  return {.x = sign * ((x + kRounding) >> kBits),
          .y = sign * ((y + kRounding) >> kBits),
          .count = 1};
}

HueSum FloatVector(float hue) {
  const float canonical = CanonicalHue(hue);
  if (std::isnan(canonical)) return {};
  const double steps = canonical * (65536 / 360.0);
  const auto step = static_cast<uint32_t>(steps);
  const HueSum vector = FineVector(step % 65536);
  // The rest, by the first terms of the series.
  const double angle = (steps - step) * (kTurn / 65536);
  const double cosine = 1 - angle * angle / 2;
  const double sine = angle - angle * angle * angle / 6;
  const auto x = static_cast<double>(vector.x);
  const auto y = static_cast<double>(vector.y);
  return {.x = static_cast<int64_t>(std::floor(x * cosine - y * sine + kHalf)),
          .y = static_cast<int64_t>(std::floor(y * cosine + x * sine + kHalf)),
          .count = 1};
}

// In turns, for 0 <= tangent <= 1.
constexpr double TurnsOfSmall(double tangent) {
  double power = tangent;
  double sum = 0;
  for (int i = 1; i < 16; i += 2) {
    sum += power / i;
    power *= -tangent * tangent;
  }
  return sum / kTurn;
}

// The turns of the tangents i / 8, each from the one before: the difference has
// the tangent (a - b) / (1 + ab).
constexpr std::array<double, 9> MakeTurnsOfEighths() {
  std::array<double, 9> turns = {};
  for (int i = 1; i <= 8; ++i) {
    const double tangent = (1 / 8.0) / (1 + i * (i - 1) / 64.0);
    turns[static_cast<size_t>(i)] =
        turns[static_cast<size_t>(i) - 1] + TurnsOfSmall(tangent);
  }
  return turns;
}

constexpr std::array<double, 9> kTurnsOfEighths = MakeTurnsOfEighths();

// In turns from 0 to 1.
double Direction(double x, double y) {
  const double longer = std::max(std::abs(x), std::abs(y));
  const double tangent = std::min(std::abs(x), std::abs(y)) / longer;
  const auto eighth = static_cast<size_t>(tangent * 8 + kHalf);
  const double near = static_cast<double>(eighth) / 8;
  double turns = kTurnsOfEighths[eighth] +
                 TurnsOfSmall((tangent - near) / (1 + tangent * near));
  if (std::abs(y) > std::abs(x)) turns = 0.25 - turns;
  if (x < 0) turns = 0.5 - turns;
  return y < 0 ? 1 - turns : turns;
}

}  // namespace

template <Sample T>
HueSum HueVector(T hue) {
  if constexpr (std::is_same_v<T, uint8_t>) {
    const Vector vector = kCoarse[hue];
    return {.x = vector.x, .y = vector.y, .count = 1};
  } else if constexpr (std::is_same_v<T, uint16_t>) {
    return FineVector(hue);
  } else {
    return FloatVector(hue);
  }
}

template <Sample T>
T HueOfSum(const HueSum& sum, T middle) {
  constexpr bool kIsFloat = std::is_same_v<T, float>;
  if (kIsFloat && sum.count == 0) {
    return std::numeric_limits<T>::quiet_NaN();
  }
  const auto x = static_cast<double>(sum.x);
  const auto y = static_cast<double>(sum.y);
  const double shortest = static_cast<double>(sum.count) * (kUnit / (1 << 20));
  if (x * x + y * y < shortest * shortest) {
    const T otherwise = CanonicalHue(middle);
    return otherwise == otherwise ? otherwise : T{0};
  }
  const double turns = Direction(x, y);
  if constexpr (kIsFloat) {
    const auto degrees = static_cast<float>(turns * 360);
    return degrees < 360 ? degrees : 0;
  } else {
    constexpr double kSteps = std::numeric_limits<T>::max() + 1.0;
    constexpr double kNearlyHalf = 0.5 + 1.0 / (1 << 14);
    // A whole turn wraps to 0.
    return static_cast<T>(static_cast<uint32_t>(turns * kSteps + kNearlyHalf));
  }
}

float CanonicalHue(float hue) {
  if (hue >= 0 && hue < 360) return hue;
  if (!std::isfinite(hue)) return std::numeric_limits<float>::quiet_NaN();
  if (std::abs(hue) >= 16777216.0F) return 0;
  const double turns = std::floor(hue / 360.0);
  const auto canonical = static_cast<float>(hue - 360 * turns);
  return canonical < 360 ? canonical : 0;
}

#define INSTANTIATE(T)          \
  template HueSum HueVector(T); \
  template T HueOfSum(const HueSum&, T)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
