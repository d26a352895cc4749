#include "imageadapt/kernels/box_float.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "imageadapt/kernels/box_border.h"
#include "imageadapt/kernels/box_float_plan.h"
#include "imageadapt/kernels/box_float_running.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/box_float.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "imageadapt/kernels/box_sums-inl.h"

#ifndef IMAGEADAPT_KERNELS_BOX_FLOAT_CC_
#define IMAGEADAPT_KERNELS_BOX_FLOAT_CC_
namespace imageadapt {
namespace {

// Rows of doubles of one kind of sums.
size_t FloatRows(const FloatPlan& plan) {
  return size_t{plan.group} + 1 + plan.groups + 2;
}

// Two kinds of sums of columns, three rows for sums along rows, two for their
// results, and one of reciprocals.
size_t FloatScratchRows(const FloatPlan& plan) {
  return 2 * FloatRows(plan) + 6;
}

}  // namespace
}  // namespace imageadapt
#endif  // IMAGEADAPT_KERNELS_BOX_FLOAT_CC_

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

using Doubles = hn::ScalableTag<double>;
using One = hn::CappedTag<double, 1>;

// What is summed: samples; samples that are numbers; how many are.
enum class Summed : uint8_t { kAll, kNumbers, kCounts };

template <Summed kSummed, class D>
HWY_INLINE hn::Vec<D> Load(D d, const float* samples) {
  const hn::Rebind<float, D> f;
  const auto v = hn::LoadU(f, samples);
  if constexpr (kSummed == Summed::kAll) {
    return hn::PromoteTo(d, v);
  } else if constexpr (kSummed == Summed::kNumbers) {
    return hn::PromoteTo(d, hn::IfThenZeroElse(hn::IsNaN(v), v));
  } else {
    return hn::PromoteTo(d, hn::IfThenZeroElse(hn::IsNaN(v), hn::Set(f, 1.0F)));
  }
}

// Calls work(tag, i) for vectors that cover [0, count) without overlap.
template <typename Work>
HWY_INLINE void ForVectors(size_t count, Work&& work) {
  const Doubles d;
  const size_t lanes = hn::Lanes(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) work(d, i);
  for (; i < count; ++i) work(One(), i);
}

// Sums of the rows of windows, for columns at hand.
template <Summed kSummed>
class ColumnSums {
 public:
  ColumnSums(const FloatJob& job, double* scratch)
      : job_(job),
        plan_(*job.plan),
        ends_(scratch),
        sums_(ends_ + (plan_.group + size_t{1}) * plan_.samples),
        beginning_(sums_ + plan_.groups * plan_.samples),
        folded_(beginning_ + plan_.samples) {}

  // Samples [first, first + count) of rows from now on; windows of `row` are
  // next.
  void Start(size_t first, size_t count, uint32_t row) {
    first_ = first;
    count_ = count;
    SumFolds();
    SetGroup(row);
    for (uint32_t g = 1; g < plan_.groups; ++g) {
      double* const sum = GroupSum(group_ + g);
      Clear(sum);
      for (uint32_t i = 0; i < plan_.group; ++i) {
        AddRow(FirstRow(group_ + g) + i, sum, sum);
      }
    }
    StartGroup();
  }

  // The sums of the next row's windows.
  void Next(double* sums) {
    if (in_group_ == plan_.group) {
      if (plan_.groups > 1 && plan_.rest == 0) {
        AddBeginning();
      }
      ++group_;
      in_group_ = 0;
      StartGroup();
    }
    const double* const end = ends_ + in_group_ * plan_.samples;
    const int64_t next_row = FirstRow(group_ + plan_.groups) + begun_;
    const float* const row =
        in_group_ > first_in_group_ ? Row(next_row) : nullptr;
    const float* const later = RowToFetch(next_row + 1);
    if (row == nullptr) {
      ForVectors(count_, [&](auto d, size_t i) {
        const auto begin = hn::LoadU(d, beginning_ + i);
        hn::StoreU(hn::Add(hn::LoadU(d, end + i), begin), d, sums + i);
      });
    } else {
      ForVectors(count_, [&](auto d, size_t i) {
        hwy::Prefetch(later + i);
        const auto begin =
            hn::Add(hn::LoadU(d, beginning_ + i), Load<kSummed>(d, row + i));
        hn::StoreU(begin, d, beginning_ + i);
        hn::StoreU(hn::Add(hn::LoadU(d, end + i), begin), d, sums + i);
      });
    }
    if (in_group_ > first_in_group_) Begun();
    ++in_group_;
    if (plan_.rows.folds == 0) return;
    ForVectors(count_, [&](auto d, size_t i) {
      hn::StoreU(hn::Add(hn::LoadU(d, sums + i), hn::LoadU(d, folded_ + i)), d,
                 sums + i);
    });
  }

 private:
  int64_t FirstRow(int64_t group) const { return group * plan_.group; }

  double* GroupSum(int64_t group) const {
    const int64_t slots = plan_.groups;
    return sums_ +
           static_cast<size_t>((group % slots + slots) % slots) * plan_.samples;
  }

  // Null if nothing is seen there.
  const float* Row(int64_t row) const {
    const float* const found =
        BorderRow(*job_.source, row, job_.options.border);
    return found == nullptr ? nullptr : found + first_;
  }

  // What comes next, to be fetched early: rows lie far apart, and the processor
  // does not see by itself where the next one begins.
  const float* RowToFetch(int64_t row) const {
    const int64_t last = int64_t{job_.source->end_row()} - 1;
    const int64_t first = job_.source->first_row;
    const auto at_hand =
        static_cast<uint32_t>(std::clamp(row, first, last) - first);
    return job_.source->rows.row(at_hand).data() + first_;
  }

  void Clear(double* sums) const { std::fill_n(sums, count_, 0.0); }

  void AddRow(int64_t row, const double* sums, double* result) const {
    const float* const samples = Row(row);
    if (samples == nullptr) {
      if (result != sums) std::copy_n(sums, count_, result);
      return;
    }
    const float* const later = RowToFetch(row - 1);
    ForVectors(count_, [&](auto d, size_t i) {
      hwy::Prefetch(later + i);
      hn::StoreU(hn::Add(hn::LoadU(d, sums + i), Load<kSummed>(d, samples + i)),
                 d, result + i);
    });
  }

  void SetGroup(uint32_t row) {
    const int64_t first = plan_.rows.start + row;
    const int64_t size = plan_.group;
    group_ = first / size - (first % size < 0 ? 1 : 0);
    in_group_ = static_cast<uint32_t>(first - group_ * size);
  }

  void StartGroup() {
    first_in_group_ = in_group_;
    double* const whole = ends_ + plan_.group * plan_.samples;
    Clear(whole);
    for (uint32_t g = 1; g < plan_.groups; ++g) {
      const double* const sum = GroupSum(group_ + g);
      ForVectors(count_, [&](auto d, size_t i) {
        hn::StoreU(hn::Add(hn::LoadU(d, whole + i), hn::LoadU(d, sum + i)), d,
                   whole + i);
      });
    }
    for (uint32_t i = plan_.group; i-- > in_group_;) {
      double* const end = ends_ + i * plan_.samples;
      AddRow(FirstRow(group_) + i, end + plan_.samples, end);
    }
    Clear(beginning_);
    begun_ = 0;
    while (begun_ < plan_.rest + in_group_) AddBeginning();
  }

  void AddBeginning() {
    AddRow(FirstRow(group_ + plan_.groups) + begun_, beginning_, beginning_);
    Begun();
  }

  void Begun() {
    ++begun_;
    if (begun_ == plan_.group && plan_.groups > 1) {
      std::copy_n(beginning_, count_, GroupSum(group_ + plan_.groups));
    }
  }

  void SumFolds() {
    if (plan_.rows.folds == 0) return;
    const uint32_t height = plan_.rows.length;
    const BorderMode mode = job_.options.border;
    Clear(folded_);
    const auto add = [&](uint32_t row) {
      AddRow(row, folded_, folded_);
      if (FoldSeesTwice(row, height, mode)) AddRow(row, folded_, folded_);
    };
    if (mode == BorderMode::kReplicate) {
      add(0);
      if (height > 1) add(height - 1);
    } else {
      for (uint32_t row = 0; row < height; ++row) add(row);
    }
    const auto times = static_cast<double>(plan_.rows.folds);
    ForVectors(count_, [&](auto d, size_t i) {
      hn::StoreU(hn::Mul(hn::LoadU(d, folded_ + i), hn::Set(d, times)), d,
                 folded_ + i);
    });
  }

  const FloatJob& job_;
  const FloatPlan& plan_;
  double* const ends_;       // group + 1 rows: of windows' ends in their group
  double* const sums_;       // of whole groups, a ring
  double* const beginning_;  // of the group where windows end
  double* const folded_;
  size_t first_ = 0;
  size_t count_ = 0;
  int64_t group_ = 0;            // where the next windows begin
  uint32_t in_group_ = 0;        // their row in it
  uint32_t first_in_group_ = 0;  // the first row of it that mattered
  uint32_t begun_ = 0;           // rows in beginning_
};

// Sums along rows of sums of columns.
class RowSums {
 public:
  RowSums(const FloatJob& job, double* scratch)
      : job_(job),
        columns_(scratch),
        padded_(columns_ + job.plan->samples),
        work_(padded_ + job.plan->samples) {}

  // Where the columns that the tile sees belong.
  double* columns(const FloatTile& tile) const {
    const BoxAxis& axis = job_.plan->columns;
    if (axis.folds != 0) return columns_;
    return padded_ + static_cast<size_t>(tile.seen.first - axis.start -
                                         int64_t{tile.first}) *
                         channels();
  }

  WindowSums<double> Sums(const FloatTile& tile) {
    const BoxAxis& axis = job_.plan->columns;
    const int64_t first = axis.start + tile.first;
    const int64_t end = first + tile.width + axis.side - 1;
    if (axis.folds == 0) {
      FillBorderColumns(first, end, axis.length, channels(),
                        job_.options.border, padded_);
    } else {
      SumFolds();
      for (int64_t x = first; x < end; ++x) {
        std::copy_n(
            columns_ + BorderPosition(x, axis.length, job_.options.border) *
                           channels(),
            channels(), padded_ + static_cast<size_t>(x - first) * channels());
      }
    }
    return {padded_, channels(), axis.side, tile.width * channels(), work_};
  }

  // What a window that folds sees beyond Sums().
  const double* folded() const { return folded_; }

 private:
  size_t channels() const { return job_.target->rows.shape().channels; }

  void SumFolds() {
    const BoxAxis& axis = job_.plan->columns;
    const BorderMode mode = job_.options.border;
    for (size_t c = 0; c < channels(); ++c) {
      double sum = 0;
      const auto add = [&](uint32_t x) {
        const double value = columns_[x * channels() + c];
        sum += value;
        if (FoldSeesTwice(x, axis.length, mode)) sum += value;
      };
      if (mode == BorderMode::kReplicate) {
        add(0);
        if (axis.length > 1) add(axis.length - 1);
      } else {
        for (uint32_t x = 0; x < axis.length; ++x) add(x);
      }
      folded_[c] = sum * static_cast<double>(axis.folds);
    }
  }

  const FloatJob& job_;
  double* const columns_;
  double* const padded_;
  double* const work_;
  double folded_[4] = {};
};

// The means of the windows of a tile.
class TileMeans {
 public:
  TileMeans(const FloatJob& job, const FloatTile& tile, double* scratch)
      : job_(job),
        tile_(tile),
        samples_(size_t{tile.width} * Channels()),
        row_(job, scratch),
        results_(scratch + 3 * job.plan->samples),
        counts_(results_ + job.plan->samples),
        reciprocals_(job, tile, counts_ + job.plan->samples),
        kind_(counts_ + 2 * job.plan->samples),
        other_kind_(kind_ + FloatRows(*job.plan) * job.plan->samples) {}

  void Run() {
    ColumnSums<Summed::kAll> sums(job_, kind_);
    const uint32_t height = job_.target->rows.shape().height;
    Start(0, sums);
    for (uint32_t y = 0; y < height; ++y) {
      reciprocals_.SetRow(y);
      sums.Next(row_.columns(tile_));
      if (!StoreMeans(Target(y))) {
        RunWithoutNan(y);
        return;
      }
    }
  }

 private:
  size_t Channels() const { return job_.target->rows.shape().channels; }

  float* Target(uint32_t y) const {
    return job_.target->rows.row(y).data() + size_t{tile_.first} * Channels();
  }

  template <Summed kSummed>
  void Start(uint32_t y, ColumnSums<kSummed>& sums) const {
    sums.Start(tile_.seen.first * Channels(), tile_.seen.size() * Channels(),
               job_.target->first_row + y);
  }

  // False if a mean is not finite.
  bool StoreMeans(float* target) {
    const WindowSums<double> sums = row_.Sums(tile_);
    if (job_.plan->columns.folds != 0) {
      AddFolds(sums, results_);
      return StoreEach(
          target, [&](size_t i) { return hn::LoadU(Doubles(), results_ + i); });
    }
    if (sums.is_single()) {
      return StoreEach(target, [&](size_t i) {
        return hn::LoadU(Doubles(), sums.columns() + i);
      });
    }
    return StoreEach(target, [&](size_t i) { return sums.At(Doubles(), i); });
  }

  template <typename SumAt>
  HWY_INLINE bool StoreEach(float* target, SumAt&& sum_at) const {
    const Doubles d;
    const hn::Rebind<float, Doubles> f;
    const size_t lanes = hn::Lanes(d);
    const auto mean_at = [&](size_t i) {
      return hn::Mul(sum_at(i), hn::LoadU(d, reciprocals_.values() + i));
    };
    const size_t stride = job_.target->rows.stride();
    // Becomes NaN with the first infinity or NaN.
    auto zero = hn::Zero(d);
    size_t i = 0;
    for (; i + lanes <= samples_; i += lanes) {
      // The next row's.
      __builtin_prefetch(target + stride + i, 1);
      const auto mean = mean_at(i);
      zero = hn::MulAdd(mean, hn::Zero(d), zero);
      hn::StoreU(hn::DemoteTo(f, mean), f, target + i);
    }
    bool finite = hn::AllTrue(d, hn::Eq(zero, hn::Zero(d)));
    if (i < samples_) {
      HWY_ALIGN float few[hn::MaxLanes(f)];
      hn::StoreU(hn::DemoteTo(f, mean_at(i)), f, few);
      for (size_t k = 0; i + k < samples_; ++k) {
        finite = finite && std::isfinite(few[k]);
      }
      std::copy_n(few, samples_ - i, target + i);
    }
    return finite;
  }

  void AddFolds(const WindowSums<double>& sums, double* results) const {
    StoreSums(sums, results);
    if (job_.plan->columns.folds == 0) return;
    for (size_t i = 0; i < samples_; ++i) {
      results[i] += row_.folded()[i % Channels()];
    }
  }

  void StoreSums(const WindowSums<double>& sums, double* results) const {
    const Doubles d;
    if (sums.is_single()) {
      std::copy_n(sums.columns(), samples_, results);
      return;
    }
    for (size_t i = 0; i < samples_; i += hn::Lanes(d)) {
      hn::StoreU(sums.At(Doubles(), i), d, results + i);
    }
  }

  // From row y on. Where all samples are numbers, the sums are the same to the
  // bit: of the same numbers in the same order.
  void RunWithoutNan(uint32_t y) {
    ColumnSums<Summed::kNumbers> numbers(job_, kind_);
    ColumnSums<Summed::kCounts> counts(job_, other_kind_);
    Start(y, numbers);
    Start(y, counts);
    for (; y < job_.target->rows.shape().height; ++y) {
      numbers.Next(row_.columns(tile_));
      AddFolds(row_.Sums(tile_), results_);
      counts.Next(row_.columns(tile_));
      AddFolds(row_.Sums(tile_), counts_);
      float* const target = Target(y);
      for (size_t i = 0; i < samples_; ++i) {
        target[i] = counts_[i] == 0
                        ? std::numeric_limits<float>::quiet_NaN()
                        : static_cast<float>(results_[i] * (1 / counts_[i]));
      }
    }
  }

  const FloatJob& job_;
  const FloatTile tile_;
  const size_t samples_;
  RowSums row_;
  double* const results_;
  double* const counts_;
  FloatReciprocals reciprocals_;
  double* const kind_;
  double* const other_kind_;
};

void MeansByAdding(const FloatJob& job, const FloatTile& tile,
                   double* scratch) {
  TileMeans(job, tile, scratch).Run();
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(MeansByAdding);

namespace {

void AddUp(const FloatJob& job, const FloatTile& tile, double* scratch) {
  HWY_DYNAMIC_DISPATCH(MeansByAdding)(job, tile, scratch);
}

// Rows that are summed by additions alone before running sums are tried again:
// enough that the tries cost little.
uint32_t RowsByAdding(const FloatPlan& plan) { return 32 + plan.rows.side; }

void TileMeansAtBest(const FloatJob& job, const FloatTile& tile,
                     double* scratch) {
  const ImageView<float>& rows = job.target->rows;
  const uint32_t height = rows.shape().height;
  for (uint32_t y = 0; y < height;) {
    y = RunningFloatMeans(job, tile, y, scratch);
    if (y == height) return;
    const uint32_t count = std::min(height - y, RowsByAdding(*job.plan));
    const RowBand<ImageView<float>> some = {
        .rows = rows.Rows(y, count),
        .first_row = job.target->first_row + y,
        .image_height = job.target->image_height};
    FloatJob part = job;
    part.target = &some;
    AddUp(part, tile, scratch);
    y += count;
  }
}

template <typename Work>
void ForEachTile(const RowBand<ImageView<const float>>& source,
                 const MeanOptions& options,
                 const RowBand<ImageView<float>>& target, Work&& work) {
  const FloatPlan plan =
      MakeFloatPlan(target.rows.shape(), source.image_height, options);
  const FloatJob job = {
      .source = &source, .target = &target, .plan = &plan, .options = options};
  const uint32_t width = target.rows.shape().width;
  for (uint32_t x = 0;;) {
    work(job, MakeFloatTile(plan, x));
    if (width - x <= plan.tile) return;
    x += plan.tile;
  }
}

}  // namespace

size_t FloatBoxScratchBytes(const ImageShape& shape,
                            const MeanOptions& options) {
  const FloatPlan plan = MakeFloatPlan(shape, shape.height, options);
  return FloatScratchRows(plan) * plan.samples * sizeof(double);
}

void MeanOfFloatBoxes(const RowBand<ImageView<const float>>& source,
                      const MeanOptions& options,
                      const RowBand<ImageView<float>>& target,
                      std::span<std::byte> scratch) {
  auto* const doubles = reinterpret_cast<double*>(scratch.data());
  ForEachTile(source, options, target,
              [&](const FloatJob& job, const FloatTile& tile) {
                const FloatPlan& plan = *job.plan;
                if (plan.rows.folds == 0 && plan.columns.folds == 0) {
                  TileMeansAtBest(job, tile, doubles);
                } else {
                  AddUp(job, tile, doubles);
                }
              });
}

void MeanOfFloatBoxesByAdding(const RowBand<ImageView<const float>>& source,
                              const MeanOptions& options,
                              const RowBand<ImageView<float>>& target,
                              std::span<std::byte> scratch) {
  auto* const doubles = reinterpret_cast<double*>(scratch.data());
  ForEachTile(source, options, target,
              [&](const FloatJob& job, const FloatTile& tile) {
                AddUp(job, tile, doubles);
              });
}

}  // namespace imageadapt
#endif  // HWY_ONCE
