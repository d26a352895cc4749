#include "imageadapt/kernels/small_sums.h"

#include <algorithm>
#include <bit>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/small_sums.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag16 = hn::ScalableTag<uint16_t>;
using Tag8 = hn::Rebind<uint8_t, Tag16>;
using Sums = hn::Vec<Tag16>;

HWY_INLINE Sums Widened(const uint8_t* row) {
  return hn::PromoteTo(Tag16(), hn::LoadU(Tag8(), row));
}

void Add(const uint8_t* row, uint16_t* sums, size_t count) {
  const Tag16 d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), Widened(row + i)), d, sums + i);
  }
  for (; i < count; ++i) sums[i] = static_cast<uint16_t>(sums[i] + row[i]);
}

void Subtract(const uint8_t* row, uint16_t* sums, size_t count) {
  const Tag16 d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Sub(hn::LoadU(d, sums + i), Widened(row + i)), d, sums + i);
  }
  for (; i < count; ++i) sums[i] = static_cast<uint16_t>(sums[i] - row[i]);
}

void Slide(const uint8_t* entering, const uint8_t* leaving, uint16_t* sums,
           size_t count) {
  const Tag16 d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const Sums grown = hn::Add(hn::LoadU(d, sums + i), Widened(entering + i));
    hn::StoreU(hn::Sub(grown, Widened(leaving + i)), d, sums + i);
  }
  for (; i < count; ++i) {
    sums[i] = static_cast<uint16_t>(sums[i] + entering[i] - leaving[i]);
  }
}

// The division in all lanes.
class Divider {
 public:
  explicit Divider(const SmallDivision& division)
      : division_(division),
        half_(hn::Set(Tag16(), division.half)),
        multiplier_(hn::Set(Tag16(), division.multiplier)) {}

  HWY_INLINE void Store(Sums sums, uint8_t* means) const {
    const Sums n = hn::Add(sums, half_);
    const Sums high = hn::MulHigh(n, multiplier_);
    const Sums rest =
        hn::ShiftRightSame(hn::Sub(n, high), division_.first_shift);
    const Sums mean =
        hn::ShiftRightSame(hn::Add(high, rest), division_.second_shift);
    // At most 255, so the sign does not matter.
    const hn::RebindToSigned<Tag16> signed_tag;
    hn::StoreU(hn::DemoteTo(Tag8(), hn::BitCast(signed_tag, mean)), Tag8(),
               means);
  }

 private:
  const SmallDivision& division_;
  const Sums half_;
  const Sums multiplier_;
};

// Calls sum_at(i) for vectors that cover [0, means.size()); the last one
// overlaps the one before.
template <typename SumAt>
HWY_INLINE void ForEachVector(std::span<uint8_t> means, const Divider& divider,
                              SumAt&& sum_at) {
  const size_t lanes = hn::Lanes(Tag16());
  size_t i = 0;
  for (; i + lanes <= means.size(); i += lanes) {
    divider.Store(sum_at(i), means.data() + i);
  }
  if (i == means.size()) return;
  if (means.size() >= lanes) {
    i = means.size() - lanes;
    divider.Store(sum_at(i), means.data() + i);
    return;
  }
  HWY_ALIGN uint8_t few[hn::MaxLanes(Tag8())];
  divider.Store(sum_at(0), few);
  std::copy_n(few, means.size(), means.data());
}

// Sums of 1, 2, 4... columns by doubling, and those that the window is made of.
void SumByDoubling(const uint16_t* columns, size_t channels, size_t window,
                   size_t count, uint16_t* power, uint16_t* sums) {
  const Tag16 d;
  const size_t lanes = hn::Lanes(d);
  const uint16_t* from = columns;
  size_t done = 0;  // columns that `sums` covers already
  for (size_t width = 1; width <= window; width *= 2) {
    if (width > 1) {
      // In place: what is read lies at or behind what is written.
      const size_t offset = width / 2 * channels;
      const size_t length = count + (window - width) * channels;
      for (size_t i = 0; i < length; i += lanes) {
        hn::StoreU(
            hn::Add(hn::LoadU(d, from + i), hn::LoadU(d, from + i + offset)), d,
            power + i);
      }
      from = power;
    }
    if ((window & width) == 0) continue;
    const size_t offset = done * channels;
    for (size_t i = 0; i < count; i += lanes) {
      const Sums part = hn::LoadU(d, from + i + offset);
      hn::StoreU(done == 0 ? part : hn::Add(part, hn::LoadU(d, sums + i)), d,
                 sums + i);
    }
    done += width;
  }
}

void Means(const uint16_t* columns, size_t channels, size_t window,
           const SmallDivision& division, uint16_t* first, uint16_t* second,
           std::span<uint8_t> means) {
  const Tag16 d;
  const Divider divider(division);
  const auto column = [&](size_t i, size_t t) {
    return hn::LoadU(d, columns + i + t * channels);
  };
  if (window == 3) {
    ForEachVector(means, divider, [&](size_t i) {
      return hn::Add(hn::Add(column(i, 0), column(i, 1)), column(i, 2));
    });
    return;
  }
  if (window == 5) {
    ForEachVector(means, divider, [&](size_t i) {
      const Sums outer = hn::Add(column(i, 0), column(i, 4));
      const Sums inner = hn::Add(column(i, 1), column(i, 3));
      return hn::Add(hn::Add(outer, inner), column(i, 2));
    });
    return;
  }
  SumByDoubling(columns, channels, window, means.size(), first, second);
  ForEachVector(means, divider,
                [&](size_t i) { return hn::LoadU(d, second + i); });
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Add);
HWY_EXPORT(Subtract);
HWY_EXPORT(Slide);
HWY_EXPORT(Means);

void AddToSums(std::span<const uint8_t> row, std::span<uint16_t> sums) {
  HWY_DYNAMIC_DISPATCH(Add)(row.data(), sums.data(), row.size());
}

void SubtractFromSums(std::span<const uint8_t> row, std::span<uint16_t> sums) {
  HWY_DYNAMIC_DISPATCH(Subtract)(row.data(), sums.data(), row.size());
}

void SlideSums(std::span<const uint8_t> entering,
               std::span<const uint8_t> leaving, std::span<uint16_t> sums) {
  HWY_DYNAMIC_DISPATCH(Slide)
  (entering.data(), leaving.data(), sums.data(), entering.size());
}

SmallDivision MakeSmallDivision(uint32_t count, uint32_t half) {
  const int log = std::bit_width(count - 1);  // rounded up
  return {.half = static_cast<uint16_t>(half),
          .multiplier = static_cast<uint16_t>(
              (((uint32_t{1} << log) - count) << 16) / count + 1),
          .first_shift = std::min(log, 1),
          .second_shift = std::max(log - 1, 0)};
}

void MeansOfSums(const uint16_t* columns, size_t channels, size_t window,
                 const SmallDivision& division, uint16_t* first,
                 uint16_t* second, std::span<uint8_t> means) {
  HWY_DYNAMIC_DISPATCH(Means)
  (columns, channels, window, division, first, second, means);
}

}  // namespace imageadapt
#endif  // HWY_ONCE
