#include "imageadapt/kernels/box_float_running.h"

#include <algorithm>
#include <bit>
#include <numeric>

#include "imageadapt/kernels/box_border.h"
#include "imageadapt/kernels/channels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/box_float_running.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Doubles = hn::ScalableTag<double>;
using HalfFloats = hn::Rebind<float, Doubles>;
using Floats = hn::ScalableTag<float>;
using Words = hn::ScalableTag<uint32_t>;
using One = hn::CappedTag<double, 1>;
using DoubleVec = hn::Vec<Doubles>;
// For state that has to stay in registers: GCC leaves structures in memory that
// are assigned to each other, and what adds to them waits for stores.
using RawDoubles = decltype(DoubleVec::raw);
using WordVec = hn::Vec<Words>;

// Finds FloatExtremes of the samples shown to it.
class ExtremesOf {
 public:
  // Not left to the compiler, whose own would not be for this target.
  HWY_INLINE ExtremesOf()
      : largest_(hn::Zero(Words())), smallest_(hn::Set(Words(), ~0U)) {}

  HWY_INLINE void See(hn::Vec<Floats> samples) {
    const Words d;
    const auto bits = hn::BitCast(d, samples);
    // Without the sign; zero less one is the largest number.
    const auto twice = hn::Add(bits, bits);
    largest_ = hn::Max(largest_, twice);
    smallest_ = hn::Min(smallest_, hn::Sub(twice, hn::Set(d, 1)));
  }

  HWY_INLINE void SeeOne(float sample) {
    const uint32_t twice = std::bit_cast<uint32_t>(sample) << 1;
    few_largest_ = std::max(few_largest_, twice);
    few_smallest_ = std::min(few_smallest_, twice - 1);
  }

  FloatExtremes Found() const {
    const Words d;
    const uint32_t largest =
        std::max(hn::GetLane(hn::MaxOfLanes(d, largest_)), few_largest_);
    const uint32_t smallest =
        std::min(hn::GetLane(hn::MinOfLanes(d, smallest_)), few_smallest_);
    return {
        .smallest = smallest == ~0U ? 255 : std::max((smallest + 1) >> 24, 1U),
        .largest = largest >> 24};
  }

 private:
  WordVec largest_;
  WordVec smallest_;
  uint32_t few_largest_ = 0;
  uint32_t few_smallest_ = ~0U;
};

// What stands `kBy` lanes before the lanes of a vector, in those before it.
template <size_t kBy>
HWY_INLINE DoubleVec LanesBefore(DoubleVec now, DoubleVec last,
                                 DoubleVec last_but_one) {
  constexpr size_t kLanes = hn::MaxLanes(Doubles());
  constexpr size_t kRest = kBy % kLanes;
  if constexpr (kBy > kLanes) {
    return LanesBefore<kBy - kLanes>(last, last_but_one, last_but_one);
  } else if constexpr (kRest == 0) {
    return last;
  } else {
#if HWY_TARGET <= HWY_AVX3 && HWY_ARCH_X86_64
    // Highway 1.0.3 has no such thing across blocks.
    return DoubleVec{_mm512_castsi512_pd(
        _mm512_alignr_epi64(_mm512_castpd_si512(now.raw),
                            _mm512_castpd_si512(last.raw), kLanes - kRest))};
#elif HWY_TARGET != HWY_SCALAR
    const Doubles d;
    // Two or four lanes.
    const auto middle = hn::ConcatLowerUpper(d, now, last);
    if constexpr (2 * kRest == kLanes) {
      return middle;
    } else if constexpr (kRest == 1) {
      return hn::CombineShiftRightBytes<8>(d, now, middle);
    } else {
      return hn::CombineShiftRightBytes<8>(d, middle, last);
    }
#endif
  }
}

// Vectors that are whole pixels, and no fewer.
template <size_t kChannels>
struct Block {
  static constexpr size_t kLanes = hn::MaxLanes(Doubles());
  static constexpr size_t kPixels = kLanes / std::gcd(kLanes, kChannels);
  static constexpr size_t kVectors = kPixels * kChannels / kLanes;
};

// Of vectors of samples one after another, the sums over the pixels of a block
// that end at each sample, from sums of kPixels of them.
template <size_t kChannels, size_t kPixels = 1>
class BlockSums {
 public:
  // Not left to the compiler, whose own would not be for this target.
  HWY_INLINE BlockSums()
      : last_(hn::Zero(Doubles()).raw),
        last_but_one_(hn::Zero(Doubles()).raw) {}

  HWY_INLINE DoubleVec Next(DoubleVec now) {
    const auto more = LanesBefore<kPixels * kChannels>(
        now, DoubleVec{last_}, DoubleVec{last_but_one_});
    last_but_one_ = last_;
    last_ = now.raw;
    return doubled_.Next(hn::Add(now, more));
  }

 private:
  RawDoubles last_;
  RawDoubles last_but_one_;
  BlockSums<kChannels, 2 * kPixels> doubled_;
};

template <size_t kChannels, size_t kPixels>
  requires(kPixels == Block<kChannels>::kPixels)
class BlockSums<kChannels, kPixels> {
 public:
  HWY_INLINE DoubleVec Next(DoubleVec now) { return now; }
};

// Sums that run along interleaved samples: each is the one of the pixel before,
// and what is given. In fact it is the one of a block before, and what was
// given since: so a vector waits for one addition only, in its own lanes.
template <size_t kChannels>
class RunningSums {
 public:
  HWY_INLINE RunningSums()
      : first_(hn::Zero(Doubles()).raw),
        second_(first_),
        third_(first_),
        fourth_(first_) {}

  HWY_INLINE DoubleVec Next(DoubleVec given) {
    const auto sums = hn::Add(DoubleVec{first_}, blocks_.Next(given));
    constexpr size_t kVectors = Block<kChannels>::kVectors;
    first_ = kVectors > 1 ? second_ : sums.raw;
    second_ = kVectors > 2 ? third_ : sums.raw;
    third_ = kVectors > 3 ? fourth_ : sums.raw;
    fourth_ = sums.raw;
    return sums;
  }

 private:
  BlockSums<kChannels> blocks_;
  // Of the vectors of the block before.
  RawDoubles first_;
  RawDoubles second_;
  RawDoubles third_;
  RawDoubles fourth_;
};

template <size_t kChannels>
class RunningMeans {
 public:
  RunningMeans(const FloatJob& job, const FloatTile& tile, double* scratch)
      : job_(job),
        tile_(tile),
        plan_(*job.plan),
        count_(tile.seen.size() * kChannels),
        samples_(size_t{tile.width} * kChannels),
        window_(uint64_t{2} * plan_.columns.side * plan_.rows.side),
        seen_(scratch + (BeforeSeen() + 3 * kFloatPadding) / kLine * kLine),
        padded_(seen_ - BeforeSeen()),
        reciprocals_(job, tile, scratch + 4 * plan_.samples) {
    FindWhole();
  }

  uint32_t Run(uint32_t y) {
    const uint32_t height = job_.target->rows.shape().height;
    while (y < height) {
      if (!Start(y)) return y;
      const uint32_t end = std::min(height, y + plan_.rows.side + kFewRows);
      uint32_t next = y;
      do {
        StoreMeans(next++);
      } while (next < height && Next(next));
      y = next;
      // Windows that have to be summed anew too often are no gain.
      if (y < end) return y;
    }
    return y;
  }

 private:
  static constexpr size_t kLanes = hn::MaxLanes(Doubles());
  static constexpr uint32_t kFewRows = 16;
  static constexpr size_t kLine = 64 / sizeof(double);
  static constexpr size_t kBlock = kLanes * kChannels;  // whole pixels
  static constexpr size_t kStep = kLanes * Block<kChannels>::kVectors;

  // Samples of the columns beyond the image at the left.
  size_t BeforeSeen() const {
    return static_cast<size_t>(tile_.seen.first - plan_.columns.start -
                               int64_t{tile_.first}) *
           kChannels;
  }

  // Null if nothing is seen there.
  const float* Row(int64_t row) const {
    const float* const found =
        BorderRow(*job_.source, row, job_.options.border);
    return found == nullptr ? nullptr : found + tile_.seen.first * kChannels;
  }

  // Sums the columns for windows of row y. False if that is not exact.
  bool Start(uint32_t y) {
    std::fill(padded_ - kLine, padded_ + plan_.samples, 0.0);
    extremes_ = {};
    first_row_ = plan_.rows.start + job_.target->first_row;
    for (uint32_t i = 0; i < plan_.rows.side; ++i) {
      if (!Update(Row(first_row_ + y + i), nullptr)) return false;
    }
    return true;
  }

  bool Next(uint32_t y) {
    return Update(Row(first_row_ + y + plan_.rows.side - 1),
                  Row(first_row_ + y - 1));
  }

  bool Update(const float* add, const float* subtract) {
    if (add == nullptr && subtract == nullptr) return true;
    if (subtract == nullptr) {
      Update<true, false>(add, subtract);
    } else if (add == nullptr) {
      Update<false, true>(add, subtract);
      return true;
    } else {
      Update<true, true>(add, subtract);
    }
    return SumsAreExact(extremes_, window_);
  }

  template <bool kAdd, bool kSubtract>
  HWY_NOINLINE void Update(const float* HWY_RESTRICT add,
                           const float* HWY_RESTRICT subtract) {
    constexpr size_t kMany = hn::MaxLanes(Floats());
    double* const sums = seen_;
    // NOLINTNEXTLINE(misc-const-correctness): changes if kAdd.
    ExtremesOf extremes;
    const size_t stride = job_.source->rows.stride();
    size_t i = 0;
    for (; i + kMany <= count_; i += kMany) {
      // Rows lie far apart, and the processor does not see by itself where the
      // next one begins: without this, a third more time.
      if constexpr (kAdd) __builtin_prefetch(add + stride + i);
      if constexpr (kAdd) extremes.See(hn::LoadU(Floats(), add + i));
      for (size_t k = i; k < i + kMany; k += kLanes) {
        const Doubles d;
        auto sum = hn::LoadU(d, sums + k);
        if constexpr (kAdd) {
          sum =
              hn::Add(sum, hn::PromoteTo(d, hn::LoadU(HalfFloats(), add + k)));
        }
        if constexpr (kSubtract) {
          sum = hn::Sub(
              sum, hn::PromoteTo(d, hn::LoadU(HalfFloats(), subtract + k)));
        }
        hn::StoreU(sum, d, sums + k);
      }
    }
    for (; i < count_; ++i) {
      if constexpr (kAdd) {
        extremes.SeeOne(add[i]);
        sums[i] += double{add[i]};
      }
      if constexpr (kSubtract) sums[i] -= double{subtract[i]};
    }
    if constexpr (kAdd) Join(extremes.Found(), add);
  }

  void Join(FloatExtremes row, const float* samples) {
    row.largest = std::max(row.largest, extremes_.largest);
    // Looked at more closely only if need be, which is rare.
    if (!SumsAreExact(row, window_) && row.largest < 255) {
      row.smallest = std::max(row.smallest, LastBits(samples));
    }
    row.smallest = std::min(row.smallest, extremes_.smallest);
    extremes_ = row;
  }

  // FloatExtremes::smallest for a number with the last bit of all these.
  HWY_NOINLINE uint32_t LastBits(const float* samples) const {
    const Floats f;
    const Words d;
    constexpr size_t kMany = hn::MaxLanes(f);
    ExtremesOf last_bits;
    size_t i = 0;
    for (; i + kMany <= count_; i += kMany) {
      const auto all = hn::LoadU(f, samples + i);
      const auto bits = hn::BitCast(d, all);
      // A power of two has no bit to clear but the exponent's, which leaves at
      // most half of it: what is found is not too large then.
      const auto others = hn::And(bits, hn::Sub(bits, hn::Set(d, 1)));
      last_bits.See(hn::Sub(all, hn::BitCast(f, others)));
    }
    for (; i < count_; ++i) {
      const auto bits = std::bit_cast<uint32_t>(samples[i]);
      last_bits.SeeOne(samples[i] - std::bit_cast<float>(bits & (bits - 1)));
    }
    const uint32_t exponent = last_bits.Found().smallest;
    return exponent == 1 ? 1 : exponent + 23;
  }

  void StoreMeans(uint32_t y) {
    reciprocals_.SetRow(y);
    const BoxAxis& axis = plan_.columns;
    // Beyond the image there are zeros already.
    if (job_.options.border != BorderMode::kClip) {
      const int64_t first = axis.start + tile_.first;
      FillBorderColumns(first, first + tile_.width + axis.side - 1, axis.length,
                        kChannels, job_.options.border, padded_);
    }
    float* const target =
        job_.target->rows.row(y).data() + size_t{tile_.first} * kChannels;
    const Doubles d;
    const double* const columns = padded_;
    const auto column = [=](size_t i, size_t n) HWY_ATTR {
      return hn::LoadU(d, columns + i + n * kChannels);
    };
    switch (axis.side) {
      case 1:
        return StoreEach(target,
                         [=](size_t i) HWY_ATTR { return column(i, 0); });
      case 3:
        return StoreEach(target, [=](size_t i) HWY_ATTR {
          return hn::Add(hn::Add(column(i, 0), column(i, 1)), column(i, 2));
        });
      default:
        return StoreRunning(target);
    }
  }

  HWY_NOINLINE void StoreRunning(float* target) const {
    const size_t ahead = (plan_.columns.side - size_t{1}) * kChannels;
    const double* const columns = padded_;
    const auto step_at = [=](size_t i) HWY_ATTR {
      return hn::Sub(hn::LoadU(Doubles(), columns + ahead + i),
                     hn::LoadU(Doubles(), columns + i - kChannels));
    };
    RunningSums<kChannels> sums;
    AddRange(0, ahead, sums);
    StoreEach(target, [&](size_t i) HWY_ATTR { return sums.Next(step_at(i)); });
  }

  // Takes `sums` on by the samples [first, end) of padded_, whole pixels.
  HWY_INLINE void AddRange(size_t first, size_t end,
                           RunningSums<kChannels>& sums) const {
    const Doubles d;
    DoubleVec all[kChannels];
    // A block may begin before, where there is padding.
    const size_t begin = (end - first) / kBlock * kBlock;
    const double* from = padded_ + end - begin;
    const size_t more = end - first - begin;
    for (size_t k = 0; k < kChannels; ++k) {
      const size_t left = (kChannels - k) * kLanes;  // to the block's end
      const size_t skipped = left > more ? std::min(left - more, kLanes) : 0;
      all[k] =
          hn::IfThenZeroElse(hn::FirstN(d, skipped), hn::LoadU(d, from - left));
    }
    for (; from < padded_ + end; from += kBlock) {
      for (size_t k = 0; k < kChannels; ++k) {
        all[k] = hn::Add(all[k], hn::LoadU(d, from + k * kLanes));
      }
    }
    for (const DoubleVec& each : all) sums.Next(each);
  }

  // Calls sum_at(i) in order.
  template <typename SumAt>
  HWY_INLINE void StoreEach(float* target, SumAt&& sum_at) const {
    const Doubles d;
    const double* const reciprocals = reciprocals_.values();
    const auto own = [=](size_t i)
                         HWY_ATTR { return hn::LoadU(d, reciprocals + i); };
    // Most windows have all columns: one reciprocal in a register for them
    // takes up to a third less time.
    const auto common = hn::Set(d, reciprocals[whole_begin_]);
    const auto all = [=](size_t) HWY_ATTR { return common; };
    StoreProducts(target, 0, whole_begin_, sum_at, own);
    StoreProducts(target, whole_begin_, whole_end_, sum_at, all);
    const size_t vectors = samples_ / kLanes * kLanes;
    StoreProducts(target, whole_end_, vectors, sum_at, own);
    if (vectors == samples_) return;
    HWY_ALIGN float few[kLanes];
    const auto means = hn::Mul(sum_at(vectors), own(vectors));
    hn::StoreU(hn::DemoteTo(HalfFloats(), means), HalfFloats(), few);
    std::copy_n(few, samples_ - vectors, target + vectors);
  }

  // Of samples [i, end), whole vectors.
  template <typename SumAt, typename ReciprocalAt>
  HWY_INLINE void StoreProducts(float* target, size_t i, size_t end,
                                SumAt& sum_at,
                                const ReciprocalAt& reciprocal_at) const {
    const HalfFloats f;
    const size_t stride = job_.target->rows.stride();
    const auto store = [&](size_t at) HWY_ATTR {
      const auto mean = hn::Mul(sum_at(at), reciprocal_at(at));
      // The next row's.
      __builtin_prefetch(target + stride + at, 1);
      hn::StoreU(hn::DemoteTo(f, mean), f, target + at);
    };
    // Whole blocks, so that no vector has to move from register to register.
    constexpr size_t kVectors = Block<kChannels>::kVectors;
    for (; i + kStep <= end; i += kStep) {
      store(i);
      if constexpr (kVectors > 1) store(i + kLanes);
      if constexpr (kVectors > 2) store(i + 2 * kLanes);
      if constexpr (kVectors > 3) store(i + 3 * kLanes);
    }
    for (; i < end; i += kLanes) store(i);
  }

  // Finds the windows that have all columns, as far as they fill whole blocks.
  void FindWhole() {
    const int64_t width = tile_.width;
    int64_t begin = 0;
    int64_t end = width;
    if (job_.options.border == BorderMode::kClip) {
      const int64_t radius = plan_.columns.side / 2;
      begin = std::max<int64_t>(0, radius - tile_.first);
      end = std::min(
          width, int64_t{plan_.columns.length} - radius - int64_t{tile_.first});
    }
    const auto first = static_cast<size_t>(begin) * kChannels;
    const auto last = static_cast<size_t>(std::max(begin, end)) * kChannels;
    whole_begin_ = (first + kStep - 1) / kStep * kStep;
    whole_end_ = last / kStep * kStep;
    if (whole_begin_ >= whole_end_) whole_begin_ = whole_end_ = 0;
  }

  const FloatJob& job_;
  const FloatTile tile_;
  const FloatPlan& plan_;
  const size_t count_;     // samples that are seen in a row
  const size_t samples_;   // of a row of means
  const uint64_t window_;  // samples in a difference of two windows
  double* const seen_;     // sums of columns inside the image, aligned
  double* const padded_;   // with those beyond
  FloatReciprocals reciprocals_;
  // Samples whose windows have all columns.
  size_t whole_begin_ = 0;
  size_t whole_end_ = 0;
  FloatExtremes extremes_;  // of all rows since Start
  int64_t first_row_ = 0;   // of the windows of the target's first row
};

uint32_t RunningMeansOf(const FloatJob& job, const FloatTile& tile, uint32_t y,
                        double* scratch) {
  WithChannels(job.target->rows.shape().channels, [&](auto channels) {
    constexpr size_t kChannels = decltype(channels)::value;
    y = RunningMeans<kChannels>(job, tile, scratch).Run(y);
  });
  return y;
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(RunningMeansOf);

bool SumsAreExact(const FloatExtremes& extremes, uint64_t count) {
  constexpr uint32_t kDoubleBits = 53;
  constexpr uint32_t kFloatBits = 24;
  if (extremes.largest == 255) return false;  // not a number, or infinite
  return extremes.largest + kFloatBits + std::bit_width(count - 1) <=
         kDoubleBits + extremes.smallest;
}

uint32_t RunningFloatMeans(const FloatJob& job, const FloatTile& tile,
                           uint32_t y, double* scratch) {
  return HWY_DYNAMIC_DISPATCH(RunningMeansOf)(job, tile, y, scratch);
}

}  // namespace imageadapt
#endif  // HWY_ONCE
