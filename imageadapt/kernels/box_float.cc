#include "imageadapt/kernels/box_float.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "imageadapt/kernels/box_border.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/box_float.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"
#include "imageadapt/kernels/box_sums-inl.h"

#ifndef IMAGEADAPT_KERNELS_BOX_FLOAT_CC_
#define IMAGEADAPT_KERNELS_BOX_FLOAT_CC_
namespace imageadapt {
namespace {

// Output samples that are worked on at a time, at least: what a row of them
// needs stays in the first-level cache.
constexpr size_t kFloatTile = 512;

// Windows have sides below 2^16, so sqrt(side) rows are fewer.
constexpr uint32_t kMostGroup = 256;

// What arrays of doubles have beyond their samples.
constexpr size_t kFloatPadding = 16;

// How the work is cut. Rows of windows are summed in groups of `group` rows
// that lie at absolute places, so that no sum depends on how bands are cut: a
// window is the end of one group, whole groups, and the beginning of another
// one or two.
struct FloatPlan {
  BoxAxis columns;
  BoxAxis rows;
  uint32_t tile = 0;    // columns of output at a time
  size_t samples = 0;   // of a row of sums, with those beyond the tile
  uint32_t group = 0;   // rows
  uint32_t groups = 0;  // rows.side = groups * group + rest
  uint32_t rest = 0;
};

FloatPlan MakeFloatPlan(const ImageShape& shape, uint32_t image_height,
                        const MeanOptions& options) {
  FloatPlan plan;
  plan.columns = MakeBoxAxis(shape.width, options.window.width, options.border);
  plan.rows = MakeBoxAxis(image_height, options.window.height, options.border);
  // Little of it is what only its neighbours need.
  const auto tile = static_cast<uint32_t>(
      std::max(kFloatTile / shape.channels, size_t{4} * plan.columns.side));
  plan.tile =
      plan.columns.folds != 0 ? shape.width : std::min(shape.width, tile);
  plan.samples =
      (size_t{plan.tile} + plan.columns.side) * shape.channels + kFloatPadding;
  if (plan.columns.folds != 0) {
    plan.samples = std::max(
        plan.samples, size_t{shape.width} * shape.channels + kFloatPadding);
  }
  // Few rows stay near the processor; with as many groups as rows in one, their
  // sums cost least.
  constexpr uint32_t kFewRows = 17;
  const auto root = static_cast<uint32_t>(std::sqrt(plan.rows.side));
  const uint32_t most = std::max(kFewRows, root);
  plan.groups = (plan.rows.side + most - 1) / most;
  plan.group = plan.rows.side / plan.groups;
  plan.rest = plan.rows.side - plan.groups * plan.group;
  return plan;
}

struct FloatJob {
  const RowBand<ImageView<const float>>* source;
  const RowBand<ImageView<float>>* target;
  const FloatPlan* plan;
  MeanOptions options;
};

// Rows of doubles for the sums of columns of one tile, and those that are kept
// from group to group.
size_t FloatRows(const FloatPlan& plan) { return size_t{plan.group} + 1; }
size_t FloatKeptRows(const FloatPlan& plan) { return size_t{plan.groups} + 1; }

size_t FloatTiles(const FloatPlan& plan) {
  return (plan.columns.length - 1) / plan.tile + size_t{1};
}

// Three rows for sums along rows, two for their results, and one of
// reciprocals; sums of columns of two kinds, of which all tiles keep one.
size_t FloatScratchRows(const FloatPlan& plan) {
  return 6 + 2 * FloatRows(plan) + (FloatTiles(plan) + 1) * FloatKeptRows(plan);
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
  // `kept` stays with the columns, from group to group of rows.
  ColumnSums(const FloatJob& job, double* scratch, double* kept)
      : job_(job),
        plan_(*job.plan),
        ends_(scratch),
        beginning_(scratch + plan_.group * plan_.samples),
        folded_(kept),
        sums_(kept + plan_.samples) {}

  // Samples [first, first + count) of rows, and windows of rows from `row` on.
  void SetPlace(size_t first, size_t count, uint32_t row) {
    first_ = first;
    count_ = count;
    const int64_t window = plan_.rows.start + row;
    const int64_t size = plan_.group;
    group_ = window / size - (window % size < 0 ? 1 : 0);
    in_group_ = static_cast<uint32_t>(window - group_ * size);
  }

  // To be called before the first group, after SetPlace().
  void Keep() {
    SumFolds();
    for (uint32_t g = 1; g < plan_.groups; ++g) {
      double* const sum = GroupSum(group_ + g);
      Clear(sum);
      for (uint32_t i = 0; i < plan_.group; ++i) {
        AddRow(FirstRow(group_ + g) + i, sum);
      }
    }
  }

  // To be called before the first row of a group, after SetPlace().
  void BeginGroup() {
    SumEnds();
    Clear(beginning_);
    begun_ = 0;
    while (begun_ < plan_.rest + in_group_) AddBeginning();
  }

  // The sums of a row's windows, the first time; then of the next row's.
  void First(double* sums) const { Store(nullptr, sums); }
  void Next(double* sums) {
    ++in_group_;
    Store(Row(FirstRow(group_ + plan_.groups) + begun_), sums);
    Begun();
  }

  // To be called after the last row of a group, if there is another one.
  void EndGroup() {
    if (plan_.groups > 1 && begun_ < plan_.group) AddBeginning();
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

  void Clear(double* sums) const { std::fill_n(sums, count_, 0.0); }

  void AddRow(int64_t row, double* sums) const {
    const float* const samples = Row(row);
    if (samples == nullptr) return;
    ForVectors(count_, [&](auto d, size_t i) {
      hn::StoreU(hn::Add(hn::LoadU(d, sums + i), Load<kSummed>(d, samples + i)),
                 d, sums + i);
    });
  }

  // From each row of the group to its end, and the whole groups behind.
  void SumEnds() const {
    const float* rows[kMostGroup];
    for (uint32_t i = in_group_; i < plan_.group; ++i) {
      rows[i] = Row(FirstRow(group_) + i);
    }
    ForVectors(count_, [&](auto d, size_t i) {
      auto sum = hn::Zero(d);
      for (uint32_t g = 1; g < plan_.groups; ++g) {
        sum = hn::Add(sum, hn::LoadU(d, GroupSum(group_ + g) + i));
      }
      double* to = ends_ + plan_.group * plan_.samples + i;
      for (uint32_t k = plan_.group; k-- > in_group_;) {
        if (rows[k] != nullptr) {
          sum = hn::Add(sum, Load<kSummed>(d, rows[k] + i));
        }
        to -= plan_.samples;
        hn::StoreU(sum, d, to);
      }
    });
  }

  // With one more row in beginning_, if not null.
  void Store(const float* row, double* sums) const {
    const double* const end = ends_ + in_group_ * plan_.samples;
    if (row == nullptr) {
      ForVectors(count_, [&](auto d, size_t i) {
        const auto begin = hn::LoadU(d, beginning_ + i);
        hn::StoreU(hn::Add(hn::LoadU(d, end + i), begin), d, sums + i);
      });
    } else {
      ForVectors(count_, [&](auto d, size_t i) {
        const auto begin =
            hn::Add(hn::LoadU(d, beginning_ + i), Load<kSummed>(d, row + i));
        hn::StoreU(begin, d, beginning_ + i);
        hn::StoreU(hn::Add(hn::LoadU(d, end + i), begin), d, sums + i);
      });
    }
    if (plan_.rows.folds == 0) return;
    ForVectors(count_, [&](auto d, size_t i) {
      hn::StoreU(hn::Add(hn::LoadU(d, sums + i), hn::LoadU(d, folded_ + i)), d,
                 sums + i);
    });
  }

  void AddBeginning() {
    AddRow(FirstRow(group_ + plan_.groups) + begun_, beginning_);
    Begun();
  }

  void Begun() {
    ++begun_;
    if (begun_ == plan_.group && plan_.groups > 1) {
      std::copy_n(beginning_, count_, GroupSum(group_ + plan_.groups));
    }
  }

  void SumFolds() const {
    if (plan_.rows.folds == 0) return;
    const uint32_t height = plan_.rows.length;
    const BorderMode mode = job_.options.border;
    Clear(folded_);
    const auto add = [&](uint32_t row) {
      AddRow(row, folded_);
      if (FoldSeesTwice(row, height, mode)) AddRow(row, folded_);
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
  double* const ends_;       // of windows in their first group, a row for each
  double* const beginning_;  // of the group where windows end
  double* const folded_;
  double* const sums_;  // of whole groups, a ring
  size_t first_ = 0;
  size_t count_ = 0;
  int64_t group_ = 0;      // where windows begin
  uint32_t in_group_ = 0;  // their row in it
  uint32_t begun_ = 0;     // rows in beginning_
};

// Columns of output, and of what they need.
struct FloatTile {
  uint32_t first = 0;
  uint32_t width = 0;
  Extent seen;  // in the image
};

FloatTile MakeTile(const FloatJob& job, uint32_t first) {
  const BoxAxis& axis = job.plan->columns;
  FloatTile tile = {.first = first,
                    .width = std::min(job.plan->tile, axis.length - first),
                    .seen = {.first = 0, .end = axis.length}};
  if (axis.folds != 0) return tile;
  tile.seen.first =
      static_cast<uint32_t>(std::max<int64_t>(0, axis.start + first));
  tile.seen.end = static_cast<uint32_t>(std::min<int64_t>(
      axis.length, axis.start + first + int64_t{tile.width} + axis.side - 1));
  return tile;
}

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

// One past the last of the rows whose windows begin in the group of row y's.
uint32_t GroupEnd(const FloatJob& job, uint32_t y) {
  const int64_t size = job.plan->group;
  const int64_t first = job.plan->rows.start + job.target->first_row + y;
  const int64_t in_group = (first % size + size) % size;
  return static_cast<uint32_t>(
      std::min<int64_t>(job.target->rows.shape().height, y + size - in_group));
}

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
        reciprocals_(counts_ + job.plan->samples),
        columns_(reciprocals_ + job.plan->samples),
        other_columns_(columns_ + FloatRows(*job.plan) * job.plan->samples),
        other_kept_(other_columns_ + FloatRows(*job.plan) * job.plan->samples),
        kept_(other_kept_ + (tile.first / job.plan->tile + size_t{1}) *
                                FloatKeptRows(*job.plan) * job.plan->samples) {}

  void Keep() const {
    ColumnSums<Summed::kAll> sums(job_, columns_, kept_);
    SetPlace(0, sums);
    sums.Keep();
  }

  // Rows [y, end), of one group. False if a mean is not finite.
  bool RunGroup(uint32_t y, uint32_t end, bool is_last) {
    ColumnSums<Summed::kAll> sums(job_, columns_, kept_);
    SetPlace(y, sums);
    sums.BeginGroup();
    sums.First(row_.columns(tile_));
    while (true) {
      SetReciprocals(y);
      if (!StoreMeans(Target(y))) return false;
      if (++y == end) break;
      sums.Next(row_.columns(tile_));
    }
    if (!is_last) sums.EndGroup();
    return true;
  }

  // From row y on. Where all samples are numbers, the sums are the same to the
  // bit: of the same numbers in the same order.
  void RunWithoutNan(uint32_t y) {
    ColumnSums<Summed::kNumbers> numbers(job_, columns_, kept_);
    ColumnSums<Summed::kCounts> counts(job_, other_columns_, other_kept_);
    const uint32_t height = job_.target->rows.shape().height;
    SetPlace(y, numbers);
    SetPlace(y, counts);
    numbers.Keep();
    counts.Keep();
    while (y < height) {
      const uint32_t end = GroupEnd(job_, y);
      SetPlace(y, numbers);
      SetPlace(y, counts);
      numbers.BeginGroup();
      counts.BeginGroup();
      for (bool first = true; y < end; ++y, first = false) {
        first ? numbers.First(row_.columns(tile_))
              : numbers.Next(row_.columns(tile_));
        AddFolds(row_.Sums(tile_), results_);
        first ? counts.First(row_.columns(tile_))
              : counts.Next(row_.columns(tile_));
        AddFolds(row_.Sums(tile_), counts_);
        StoreQuotients(Target(y));
      }
      if (y == height) return;
      numbers.EndGroup();
      counts.EndGroup();
    }
  }

 private:
  size_t Channels() const { return job_.target->rows.shape().channels; }

  float* Target(uint32_t y) const {
    return job_.target->rows.row(y).data() + size_t{tile_.first} * Channels();
  }

  template <Summed kSummed>
  void SetPlace(uint32_t y, ColumnSums<kSummed>& sums) const {
    sums.SetPlace(tile_.seen.first * Channels(), tile_.seen.size() * Channels(),
                  job_.target->first_row + y);
  }

  // For windows where all samples are numbers.
  void SetReciprocals(uint32_t y) {
    const WindowSize& window = job_.options.window;
    if (job_.options.border != BorderMode::kClip) {
      if (rows_ != 0) return;
      rows_ = window.height;
      const double count = double{1} * window.width * window.height;
      std::fill_n(reciprocals_, samples_, 1 / count);
      return;
    }
    const uint32_t rows = ClippedExtent(job_.target->first_row + y,
                                        window.height, job_.plan->rows.length)
                              .size();
    if (rows == rows_) return;
    rows_ = rows;
    const uint32_t width = job_.plan->columns.length;
    const auto set = [&](uint32_t first, uint32_t end) {
      for (uint32_t x = std::max(first, tile_.first);
           x < std::min(end, tile_.first + tile_.width); ++x) {
        const double columns = ClippedExtent(x, window.width, width).size();
        std::fill_n(reciprocals_ + (x - tile_.first) * Channels(), Channels(),
                    1 / (columns * rows));
      }
    };
    std::fill_n(reciprocals_, samples_, 1 / (double{1} * window.width * rows));
    const uint32_t edge = std::min(window.width / 2, width);
    set(0, edge);
    set(std::max(edge, width - edge), width);
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
      return hn::Mul(sum_at(i), hn::LoadU(d, reciprocals_ + i));
    };
    // Becomes NaN with the first infinity or NaN.
    auto zero = hn::Zero(d);
    size_t i = 0;
    for (; i + lanes <= samples_; i += lanes) {
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

  void StoreQuotients(float* target) const {
    for (size_t i = 0; i < samples_; ++i) {
      target[i] = counts_[i] == 0
                      ? std::numeric_limits<float>::quiet_NaN()
                      : static_cast<float>(results_[i] * (1 / counts_[i]));
    }
  }

  const FloatJob& job_;
  const FloatTile tile_;
  const size_t samples_;
  RowSums row_;
  double* const results_;
  double* const counts_;
  double* const reciprocals_;
  double* const columns_;
  double* const other_columns_;
  double* const other_kept_;
  double* const kept_;
  uint32_t rows_ = 0;  // that reciprocals are for
};

template <typename Work>
void ForTiles(const FloatJob& job, double* scratch, Work&& work) {
  for (size_t i = 0; i < FloatTiles(*job.plan); ++i) {
    const auto first = static_cast<uint32_t>(i * job.plan->tile);
    work(TileMeans(job, MakeTile(job, first), scratch));
  }
}

// Tile after tile of a group of rows: the processor sees by itself which
// samples of so few rows come next.
void Means(const FloatJob& job, double* scratch) {
  const uint32_t height = job.target->rows.shape().height;
  ForTiles(job, scratch, [](TileMeans tile) { tile.Keep(); });
  uint32_t end = 0;
  for (uint32_t y = 0; y < height; y = end) {
    end = GroupEnd(job, y);
    bool finite = true;
    ForTiles(job, scratch, [&](TileMeans tile) {
      finite = finite && tile.RunGroup(y, end, end == height);
    });
    if (finite) continue;
    ForTiles(job, scratch, [&](TileMeans tile) { tile.RunWithoutNan(y); });
    return;
  }
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Means);

size_t FloatBoxScratchBytes(const ImageShape& shape,
                            const MeanOptions& options) {
  const FloatPlan plan = MakeFloatPlan(shape, shape.height, options);
  return FloatScratchRows(plan) * plan.samples * sizeof(double);
}

void MeanOfFloatBoxes(const RowBand<ImageView<const float>>& source,
                      const MeanOptions& options,
                      const RowBand<ImageView<float>>& target,
                      std::span<std::byte> scratch) {
  const FloatPlan plan =
      MakeFloatPlan(target.rows.shape(), source.image_height, options);
  const FloatJob job = {
      .source = &source, .target = &target, .plan = &plan, .options = options};
  HWY_DYNAMIC_DISPATCH(Means)
  (job, reinterpret_cast<double*>(scratch.data()));
}

}  // namespace imageadapt
#endif  // HWY_ONCE
