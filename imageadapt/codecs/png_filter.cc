#include "imageadapt/codecs/png_filter.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/codecs/png_filter.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Of the three neighbours, the one nearest to left + above - corner.
HWY_INLINE int PaethOf(int left, int above, int corner) {
  const int to_left = std::abs(above - corner);
  const int to_above = std::abs(left - corner);
  const int to_corner = std::abs(left + above - 2 * corner);
  const int other = to_above <= to_corner ? above : corner;
  return to_left <= std::min(to_above, to_corner) ? left : other;
}

template <PngFilter kFilter>
HWY_INLINE int Prediction(int left, int above, int corner) {
  switch (kFilter) {
    case PngFilter::kNone:
      return 0;
    case PngFilter::kSub:
      return left;
    case PngFilter::kUp:
      return above;
    case PngFilter::kAverage:
      return (left + above) / 2;
    case PngFilter::kPaeth:
      return PaethOf(left, above, corner);
  }
  return 0;
}

// The prediction of byte `i`. Left of the first pixel all is 0.
template <PngFilter kFilter>
HWY_INLINE uint8_t PredictionAt(const uint8_t* row, const uint8_t* above,
                                size_t pixel_bytes, size_t i) {
  const bool has_left = i >= pixel_bytes;
  return static_cast<uint8_t>(
      Prediction<kFilter>(has_left ? row[i - pixel_bytes] : 0, above[i],
                          has_left ? above[i - pixel_bytes] : 0));
}

#if HWY_TARGET != HWY_SCALAR

template <class V>
HWY_INLINE V Distance(V a, V b) {
  return hn::Or(hn::SaturatedSub(a, b), hn::SaturatedSub(b, a));
}

template <class V>
HWY_INLINE auto IsAtMost(V a, V b) {
  return hn::Eq(hn::Min(a, b), a);
}

// PaethOf() in bytes: the distance to the corner is the sum of the other two
// if left and above are on one side of the corner, and their difference if
// not. A sum over 255 is never the least, so it may saturate.
template <class V>
HWY_INLINE V PaethOf(V left, V above, V corner) {
  const V to_left = Distance(above, corner);
  const V to_above = Distance(left, corner);
  const auto is_between =
      hn::Xor(hn::VecFromMask(hn::DFromV<V>(), IsAtMost(left, corner)),
              hn::VecFromMask(hn::DFromV<V>(), IsAtMost(above, corner)));
  const V to_corner = hn::IfVecThenElse(is_between, Distance(to_left, to_above),
                                        hn::SaturatedAdd(to_left, to_above));
  const V other = hn::IfThenElse(IsAtMost(to_above, to_corner), above, corner);
  return hn::IfThenElse(IsAtMost(to_left, hn::Min(to_above, to_corner)), left,
                        other);
}

template <PngFilter kFilter, class V>
HWY_INLINE V Prediction(V left, V above, V corner) {
  const hn::DFromV<V> d;
  switch (kFilter) {
    case PngFilter::kNone:
      return hn::Zero(d);
    case PngFilter::kSub:
      return left;
    case PngFilter::kUp:
      return above;
    case PngFilter::kAverage:
      // Rounded down.
      return hn::Sub(hn::AverageRound(left, above),
                     hn::And(hn::Xor(left, above), hn::Set(d, uint8_t{1})));
    case PngFilter::kPaeth:
      return PaethOf(left, above, corner);
  }
  return hn::Zero(d);
}

#endif  // SIMD

using Tag = hn::ScalableTag<uint8_t>;

// Magnitudes of the differences as signed bytes, summed for every filter.
class Sums {
 public:
  HWY_INLINE void AddByte(size_t filter, uint8_t difference) {
    total_[filter] += static_cast<uint64_t>(
        std::abs(static_cast<int>(static_cast<int8_t>(difference))));
  }
  uint64_t total(size_t filter) const { return total_[filter]; }
  void Add(size_t filter, uint64_t sum) { total_[filter] += sum; }

 private:
  std::array<uint64_t, kPngFilters> total_ = {};
};

template <PngFilter kFilter>
HWY_INLINE void AddByteFor(const uint8_t* row, const uint8_t* above,
                           size_t pixel_bytes, size_t i, Sums& sums) {
  sums.AddByte(static_cast<size_t>(kFilter),
               static_cast<uint8_t>(
                   row[i] - PredictionAt<kFilter>(row, above, pixel_bytes, i)));
}

void AddBytes(const uint8_t* row, const uint8_t* above, size_t pixel_bytes,
              size_t begin, size_t end, Sums& sums) {
  for (size_t i = begin; i < end; ++i) {
    AddByteFor<PngFilter::kNone>(row, above, pixel_bytes, i, sums);
    AddByteFor<PngFilter::kSub>(row, above, pixel_bytes, i, sums);
    AddByteFor<PngFilter::kUp>(row, above, pixel_bytes, i, sums);
    AddByteFor<PngFilter::kAverage>(row, above, pixel_bytes, i, sums);
    AddByteFor<PngFilter::kPaeth>(row, above, pixel_bytes, i, sums);
  }
}

// Five loops in one, because the loads cost more than the sums.
size_t AddVectors(const uint8_t* row, const uint8_t* above, size_t pixel_bytes,
                  size_t begin, size_t end, Sums& sums) {
  size_t i = begin;
#if HWY_TARGET != HWY_SCALAR
  const Tag d;
  const hn::Repartition<uint64_t, Tag> d64;
  const hn::RebindToSigned<Tag> di;
  using Wide = hn::Vec<decltype(d64)>;
  Wide none = hn::Zero(d64);
  Wide sub = none;
  Wide up = none;
  Wide average = none;
  Wide paeth = none;
  const auto add = [&](Wide& sum, hn::Vec<Tag> difference) HWY_ATTR {
    const auto magnitude = hn::BitCast(d, hn::Abs(hn::BitCast(di, difference)));
    sum = hn::Add(sum, hn::SumsOf8(magnitude));
  };
  for (; i + hn::Lanes(d) <= end; i += hn::Lanes(d)) {
    const auto x = hn::LoadU(d, row + i);
    const auto a = hn::LoadU(d, row + i - pixel_bytes);
    const auto b = hn::LoadU(d, above + i);
    const auto c = hn::LoadU(d, above + i - pixel_bytes);
    add(none, x);
    add(sub, hn::Sub(x, a));
    add(up, hn::Sub(x, b));
    add(average, hn::Sub(x, Prediction<PngFilter::kAverage>(a, b, c)));
    add(paeth, hn::Sub(x, Prediction<PngFilter::kPaeth>(a, b, c)));
  }
  const std::array<Wide, kPngFilters> all = {none, sub, up, average, paeth};
  for (size_t filter = 0; filter < all.size(); ++filter) {
    sums.Add(filter, hn::GetLane(hn::SumOfLanes(d64, all[filter])));
  }
#else
  static_cast<void>(row);
  static_cast<void>(above);
  static_cast<void>(pixel_bytes);
  static_cast<void>(end);
  static_cast<void>(sums);
#endif
  return i;
}

PngFilter Best(std::span<const uint8_t> row, std::span<const uint8_t> above,
               size_t pixel_bytes) {
  Sums sums;
  AddBytes(row.data(), above.data(), pixel_bytes, 0, pixel_bytes, sums);
  const size_t done = AddVectors(row.data(), above.data(), pixel_bytes,
                                 pixel_bytes, row.size(), sums);
  AddBytes(row.data(), above.data(), pixel_bytes, done, row.size(), sums);
  size_t best = 0;
  for (size_t filter = 1; filter < kPngFilters; ++filter) {
    if (sums.total(filter) < sums.total(best)) best = filter;
  }
  return static_cast<PngFilter>(best);
}

template <PngFilter kFilter>
void Apply(std::span<const uint8_t> row, std::span<const uint8_t> above,
           size_t pixel_bytes, uint8_t* target) {
  const auto one = [&](size_t i) {
    target[i] = static_cast<uint8_t>(
        row[i] -
        PredictionAt<kFilter>(row.data(), above.data(), pixel_bytes, i));
  };
  size_t i = 0;
  for (; i < pixel_bytes; ++i) one(i);
#if HWY_TARGET != HWY_SCALAR
  const Tag d;
  for (; i + hn::Lanes(d) <= row.size(); i += hn::Lanes(d)) {
    const auto prediction = Prediction<kFilter>(
        hn::LoadU(d, &row[i - pixel_bytes]), hn::LoadU(d, &above[i]),
        hn::LoadU(d, &above[i - pixel_bytes]));
    hn::StoreU(hn::Sub(hn::LoadU(d, &row[i]), prediction), d, target + i);
  }
#endif
  for (; i < row.size(); ++i) one(i);
}

void ApplyAny(PngFilter filter, std::span<const uint8_t> row,
              std::span<const uint8_t> above, size_t pixel_bytes,
              uint8_t* target) {
  switch (filter) {
    case PngFilter::kNone:
      std::memcpy(target, row.data(), row.size());
      return;
    case PngFilter::kSub:
      return Apply<PngFilter::kSub>(row, above, pixel_bytes, target);
    case PngFilter::kUp:
      return Apply<PngFilter::kUp>(row, above, pixel_bytes, target);
    case PngFilter::kAverage:
      return Apply<PngFilter::kAverage>(row, above, pixel_bytes, target);
    case PngFilter::kPaeth:
      return Apply<PngFilter::kPaeth>(row, above, pixel_bytes, target);
  }
}

template <PngFilter kFilter>
void UndoBytes(std::span<uint8_t> row, const uint8_t* above, size_t pixel_bytes,
               size_t begin) {
  for (size_t i = begin; i < row.size(); ++i) {
    row[i] = static_cast<uint8_t>(
        row[i] + PredictionAt<kFilter>(row.data(), above, pixel_bytes, i));
  }
}

// Pixel after pixel, each in a vector of its own: every pixel waits for the one
// before.
template <PngFilter kFilter, size_t kPixelBytes>
void UndoPixels(std::span<uint8_t> row, const uint8_t* above) {
  size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  constexpr size_t kLanes = kPixelBytes <= 4 ? 4 : 8;
  const hn::CappedTag<uint8_t, kLanes> d;
  auto left = hn::Zero(d);
  auto corner = hn::Zero(d);
  for (; i + kLanes <= row.size(); i += kPixelBytes) {
    const auto b = hn::LoadU(d, above + i);
    left = hn::Add(hn::LoadU(d, &row[i]), Prediction<kFilter>(left, b, corner));
    corner = b;
    // Writing a byte of the next pixel would lose its difference.
    alignas(8) std::array<uint8_t, kLanes> pixel;
    hn::Store(left, d, pixel.data());
    std::memcpy(&row[i], pixel.data(), kPixelBytes);
  }
#endif
  UndoBytes<kFilter>(row, above, kPixelBytes, i);
}

template <PngFilter kFilter>
void Undo(std::span<uint8_t> row, const uint8_t* above, size_t pixel_bytes) {
  switch (pixel_bytes) {
    case 3:
      return UndoPixels<kFilter, 3>(row, above);
    case 4:
      return UndoPixels<kFilter, 4>(row, above);
    case 6:
      return UndoPixels<kFilter, 6>(row, above);
    case 8:
      return UndoPixels<kFilter, 8>(row, above);
    default:
      return UndoBytes<kFilter>(row, above, pixel_bytes, 0);
  }
}

void UndoUp(std::span<uint8_t> row, const uint8_t* above) {
  const Tag d;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= row.size(); i += hn::Lanes(d)) {
    hn::StoreU(hn::Add(hn::LoadU(d, &row[i]), hn::LoadU(d, above + i)), d,
               &row[i]);
  }
  UndoBytes<PngFilter::kUp>(row, above, 1, i);
}

void UndoAny(PngFilter filter, std::span<uint8_t> row, const uint8_t* above,
             size_t pixel_bytes) {
  switch (filter) {
    case PngFilter::kNone:
      return;
    case PngFilter::kSub:
      return Undo<PngFilter::kSub>(row, above, pixel_bytes);
    case PngFilter::kUp:
      return UndoUp(row, above);
    case PngFilter::kAverage:
      return Undo<PngFilter::kAverage>(row, above, pixel_bytes);
    case PngFilter::kPaeth:
      return Undo<PngFilter::kPaeth>(row, above, pixel_bytes);
  }
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Best);
HWY_EXPORT(ApplyAny);
HWY_EXPORT(UndoAny);

PngFilter BestPngFilter(std::span<const uint8_t> row,
                        std::span<const uint8_t> above, size_t pixel_bytes) {
  return HWY_DYNAMIC_DISPATCH(Best)(row, above, pixel_bytes);
}

void ApplyPngFilter(PngFilter filter, std::span<const uint8_t> row,
                    std::span<const uint8_t> above, size_t pixel_bytes,
                    std::span<uint8_t> target) {
  HWY_DYNAMIC_DISPATCH(ApplyAny)
  (filter, row, above, pixel_bytes, target.data());
}

void UndoPngFilter(PngFilter filter, std::span<uint8_t> row,
                   std::span<const uint8_t> above, size_t pixel_bytes) {
  HWY_DYNAMIC_DISPATCH(UndoAny)(filter, row, above.data(), pixel_bytes);
}

}  // namespace imageadapt
#endif  // HWY_ONCE
