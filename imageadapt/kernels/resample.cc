#include "imageadapt/kernels/resample.h"

#include <algorithm>
#include <array>
#include <type_traits>

#include "imageadapt/kernels/weighted_columns.h"
#include "imageadapt/kernels/weighted_rows.h"

namespace imageadapt {
namespace {

// Columns are resized in strips that are made of about so many source samples:
// their blocks stay in the second-level cache.
constexpr size_t kStripSamples = 4096;

// The most taps along a row for which sums in 16 bits are good enough: weights
// are off by at most 2^-15 each, all together by at most a quarter.
constexpr size_t kMostFixedTaps = 32;

// Likewise along a column, with weights that are off by 2^-22.
constexpr size_t kMostFixedRows = 4096;

constexpr size_t kRowPadding = 32;

size_t RoundedUp(size_t count, size_t unit) {
  return (count + unit - 1) / unit * unit;
}

// The most source and target pixels in a strip's row.
size_t StripPixels(uint32_t channels, const ResizeAxis& columns) {
  return std::max(kStripSamples / channels, 4 * columns.MostTaps());
}

// How much of everything a resize needs.
struct Plan {
  ResizeAxis rows;
  ResizeAxis columns;
  uint32_t channels = 1;

  size_t source_pixels() const {
    return std::min<size_t>(columns.source_length,
                            StripPixels(channels, columns));
  }
  size_t target_pixels() const {
    return std::min<size_t>(columns.target_length,
                            StripPixels(channels, columns));
  }
  size_t row_samples() const {
    return RoundedUp(source_pixels() * channels, kBlockGroup);
  }
  // Not a power of two: sixteen rows at the same place of a page would have to
  // share a few lines of the first-level cache.
  size_t row_stride() const { return row_samples() + kRowPadding; }
  // One pixel more, because fixed weights are even in number.
  size_t block_samples() const {
    return (row_samples() + channels) * kBlockRows;
  }
  size_t row_taps() const { return EvenCount(rows.MostTaps()); }
  // When an image shrinks, a source pixel is a tap of at most 6 target pixels;
  // when it grows, a target pixel has at most 7 taps. One more makes them even.
  size_t column_weights() const {
    return std::min(target_pixels() * EvenCount(columns.MostTaps()),
                    8 * std::max(source_pixels(), target_pixels()));
  }
};

// Cuts pieces off scratch, each aligned to 64 bytes; without scratch, only
// counts bytes.
class Cutter {
 public:
  explicit Cutter(std::span<std::byte> scratch) : scratch_(scratch) {}

  template <typename T>
  std::span<T> Cut(size_t count) {
    const size_t first = used_;
    used_ += RoundedUp(count * sizeof(T), 64);
    if (scratch_.empty()) return {};
    return {reinterpret_cast<T*>(scratch_.data() + first), count};
  }

  size_t used() const { return used_; }

 private:
  std::span<std::byte> scratch_;
  size_t used_ = 0;
};

// Number is float, with double weights, or int16_t, with weights of 16 bits.
template <typename T, typename Number>
struct Workspace {
  Workspace(const Plan& plan, Cutter& cutter)
      : rows(cutter.Cut<Number>(plan.row_stride() * kBlockRows)),
        block(cutter.Cut<Number>(plan.block_samples())),
        taps(cutter.Cut<ColumnTaps>(plan.target_pixels())),
        column_weights(cutter.Cut<double>(plan.column_weights())),
        fixed_column_weights(cutter.Cut<int16_t>(plan.column_weights())),
        row_weights(cutter.Cut<double>(plan.row_taps())),
        fixed_row_weights(cutter.Cut<int16_t>(plan.row_taps())),
        row_pointers(cutter.Cut<const T*>(plan.row_taps())) {}

  std::span<Number> rows;
  std::span<Number> block;
  std::span<ColumnTaps> taps;
  std::span<double> column_weights;
  std::span<int16_t> fixed_column_weights;
  std::span<double> row_weights;
  std::span<int16_t> fixed_row_weights;
  std::span<const T*> row_pointers;
};

// Columns [target.first, target.end) of the target, and what they are made of.
struct Strip {
  Extent target;
  Extent source;
};

template <typename T, typename Number>
class Resizer {
  static constexpr bool kIsFixed = std::is_same_v<Number, int16_t>;

 public:
  Resizer(const Plan& plan, const RowBand<ImageView<const T>>& source,
          const RowBand<ImageView<T>>& target, std::span<std::byte> scratch)
      : plan_(plan),
        source_(source),
        target_(target),
        cutter_(scratch),
        space_(plan, cutter_) {}

  void Run() {
    // What lies between the samples of rows and blocks is read, but not used.
    std::fill(space_.rows.begin(), space_.rows.end(), Number{});
    std::fill(space_.block.begin(), space_.block.end(), Number{});
    const uint32_t height = target_.rows.shape().height;
    for (uint32_t x = 0; x < plan_.columns.target_length;) {
      const Strip strip = BeginStrip(x);
      for (uint32_t y = 0; y < height;) {
        const uint32_t count = std::min<uint32_t>(kBlockRows, height - y);
        ResizeBlock(strip, {.first = y, .end = y + count});
        y += count;
      }
      x = strip.target.end;
    }
  }

 private:
  // Weighs the strip's columns.
  Strip BeginStrip(uint32_t x) {
    const ResizeAxis& axis = plan_.columns;
    Strip strip = {.target = {.first = x, .end = x}, .source = axis.Taps(x)};
    const uint32_t first = strip.source.first;
    size_t weights = 0;
    for (; x < axis.target_length; ++x) {
      const Extent taps = axis.Taps(x);
      const size_t place = x - strip.target.first;
      if (place == plan_.target_pixels() ||
          taps.end - first > plan_.source_pixels()) {
        break;
      }
      ColumnTaps& column = space_.taps[place];
      column = {.first = taps.first - first,
                .count = taps.size(),
                .weights_at = weights};
      const auto values = space_.column_weights.subspan(weights, taps.size());
      axis.Weigh(x, values);
      const size_t even = EvenCount(taps.size());
      if constexpr (kIsFixed) {
        column.shift =
            MakeFixedWeights(values, kMostShiftOfFixed,
                             space_.fixed_column_weights.subspan(weights, even))
                .shift;
      }
      weights += even;
      strip.source.end = taps.end;
      strip.target.end = x + 1;
    }
    return strip;
  }

  // Row y of the target band, not yet resized along the row.
  void ResizeRow(const Strip& strip, uint32_t y, std::span<Number> sums) {
    const Extent taps = plan_.rows.Taps(target_.first_row + y);
    const auto weights = space_.row_weights.first(taps.size());
    plan_.rows.Weigh(target_.first_row + y, weights);
    size_t count = 0;
    for (uint32_t i = 0; i < taps.size(); ++i) {
      if (weights[i] == 0) continue;
      weights[count] = weights[i];
      space_.row_pointers[count] =
          source_.rows.row(taps.first + i - source_.first_row).data() +
          size_t{strip.source.first} * plan_.channels;
      ++count;
    }
    if constexpr (std::is_same_v<T, uint8_t>) {
      if (kIsFixed || (!HasAlpha(plan_.channels) && count <= kMostFixedRows)) {
        space_.row_pointers[EvenCount(count) - 1] =
            space_.row_pointers[count - 1];
        WeightedRows(space_.row_pointers.first(EvenCount(count)),
                     MakeFixedWeights(weights.first(count), kMostShiftOf8Bits,
                                      space_.fixed_row_weights),
                     sums);
        return;
      }
    }
    if constexpr (!kIsFixed) {
      const std::span<const T* const> rows = space_.row_pointers.first(count);
      if (HasAlpha(plan_.channels)) {
        WeightedPremultipliedRows<T>(rows, weights.first(count), plan_.channels,
                                     sums);
      } else {
        WeightedRows<T>(rows, weights.first(count), sums);
      }
    }
  }

  // Rows [rows.first, rows.end) of the target band, at most kBlockRows.
  void ResizeBlock(const Strip& strip, Extent rows) {
    const size_t samples = size_t{strip.source.size()} * plan_.channels;
    std::array<T*, kBlockRows> targets;
    for (uint32_t r = 0; r < rows.size(); ++r) {
      ResizeRow(strip, rows.first + r,
                space_.rows.subspan(r * plan_.row_stride(), samples));
      targets[r] = target_.rows.row(rows.first + r).data() +
                   size_t{strip.target.first} * plan_.channels;
    }
    MakeBlock(space_.rows.data(), plan_.row_stride(),
              RoundedUp(samples, kBlockGroup), space_.block.data());
    const auto columns = space_.taps.first(strip.target.size());
    const std::span<T* const> rows_of_target(targets.data(), rows.size());
    if constexpr (kIsFixed) {
      WeightedColumns(space_.block.data(), plan_.channels, columns,
                      space_.fixed_column_weights.data(), rows_of_target);
    } else {
      WeightedColumns<T>(space_.block.data(), plan_.channels, columns,
                         space_.column_weights.data(), rows_of_target);
    }
  }

  const Plan& plan_;
  const RowBand<ImageView<const T>>& source_;
  const RowBand<ImageView<T>>& target_;
  Cutter cutter_;
  Workspace<T, Number> space_;
};

}  // namespace

Extent ResizeSourceRows(uint32_t source_height, uint32_t target_height,
                        ResizeFilter filter, Extent rows) {
  const ResizeAxis axis = {.source_length = source_height,
                           .target_length = target_height,
                           .filter = filter};
  return {.first = axis.Taps(rows.first).first,
          .end = axis.Taps(rows.end - 1).end};
}

size_t ResizeScratchBytes(const ImageSpec& source, const ImageShape& target,
                          ResizeFilter filter) {
  const Plan plan = {.rows = {.source_length = source.shape.height,
                              .target_length = target.height,
                              .filter = filter},
                     .columns = {.source_length = source.shape.width,
                                 .target_length = target.width,
                                 .filter = filter},
                     .channels = source.shape.channels};
  Cutter cutter({});
  const Workspace<float, float> unused(plan, cutter);
  return cutter.used();
}

template <Sample T>
void Resize(const RowBand<ImageView<const T>>& source, ResizeFilter filter,
            const RowBand<ImageView<T>>& target, std::span<std::byte> scratch) {
  const ImageShape& from = source.rows.shape();
  const Plan plan = {.rows = {.source_length = source.image_height,
                              .target_length = target.image_height,
                              .filter = filter},
                     .columns = {.source_length = from.width,
                                 .target_length = target.rows.shape().width,
                                 .filter = filter},
                     .channels = from.channels};
  if constexpr (std::is_same_v<T, uint8_t>) {
    if (!HasAlpha(plan.channels) && plan.columns.MostTaps() <= kMostFixedTaps &&
        plan.rows.MostTaps() <= kMostFixedRows) {
      Resizer<T, int16_t>(plan, source, target, scratch).Run();
      return;
    }
  }
  Resizer<T, float>(plan, source, target, scratch).Run();
}

#define INSTANTIATE(T)                                                   \
  template void Resize(const RowBand<ImageView<const T>>&, ResizeFilter, \
                       const RowBand<ImageView<T>>&, std::span<std::byte>)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
