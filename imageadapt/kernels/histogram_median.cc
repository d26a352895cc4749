#include "imageadapt/kernels/histogram_median.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "imageadapt/kernels/column_histogram.h"
#include "imageadapt/kernels/rank_median.h"

namespace imageadapt {
namespace {

// Histograms of so many columns, 272 bytes each, stay in a second-level cache
// of 1 MiB. Fits HD rows, and many times the halo of the widest window.
constexpr uint32_t kMostColumns = 2304;

// Medians per strip, so that strips are of about one width.
uint32_t StripWidth(uint32_t image_width, uint32_t window_width) {
  const uint32_t most = kMostColumns - (window_width - 1);
  const uint32_t strips = (image_width - 1) / most + 1;
  return (image_width - 1) / strips + 1;
}

constexpr size_t RoundUp(size_t bytes) { return (bytes + 63) / 64 * 64; }

// The parts of the scratch, for strips of `medians` medians.
struct Parts {
  Parts(uint32_t medians, uint32_t window_width)
      : columns(size_t{medians} + window_width - 1),
        entering(RoundUp(ColumnHistogramsBytes(columns))),
        leaving(entering + RoundUp(columns)),
        values(leaving + RoundUp(columns)),
        ranks(values + RoundUp(medians)),
        bytes(ranks + RoundUp(medians * sizeof(uint16_t))) {}

  size_t columns;
  size_t entering;  // offsets
  size_t leaving;
  size_t values;
  size_t ranks;
  size_t bytes;
};

// One channel of some columns of a band, from top to bottom.
class Strip {
 public:
  Strip(const RowBand<ImageView<const uint8_t>>& source,
        const MedianOptions& options, Extent medians, uint32_t channel,
        std::span<std::byte> scratch)
      : source_(source),
        options_(options),
        medians_(medians),
        channel_(channel),
        scratch_(scratch),
        parts_(medians.size(), options.window.width),
        histograms_(EmptyColumnHistograms(parts_.columns, scratch)) {
    const int64_t radius = options.window.width / 2;
    const int64_t first = int64_t{medians.first} - radius;
    const int64_t end = int64_t{medians.end} + radius;
    const int64_t width = source.rows.shape().width;
    const bool clips = options.border == BorderMode::kClip;
    first_ = clips ? std::max<int64_t>(first, 0) : first;
    end_ = clips ? std::min(end, width) : end;
    first_column_ = static_cast<size_t>(first_ - first);
  }

  // The rows of the windows of row `y`, for the first of a band.
  void Fill(uint32_t y) {
    const int64_t radius = options_.window.height / 2;
    for (int64_t row = y - radius; row <= y + radius; ++row) {
      if (const auto at = RowAt(row)) Slide(at, std::nullopt);
    }
  }

  // From the windows of row y - 1 to those of `y`.
  void Descend(uint32_t y) {
    const int64_t radius = options_.window.height / 2;
    Slide(RowAt(y + radius), RowAt(y - radius - 1));
  }

  void Select(uint32_t y, std::span<uint8_t> target) {
    SetRanks(y);
    const size_t channels = source_.rows.shape().channels;
    const size_t count = medians_.size();
    const size_t largest =
        size_t{options_.window.width} * options_.window.height;
    if (channels == 1) {
      SelectInWindows(histograms_, options_.window.width, largest,
                      Part<uint16_t>(parts_.ranks, count),
                      target.subspan(medians_.first, count), {});
      return;
    }
    const std::span<uint8_t> values = Part<uint8_t>(parts_.values, count);
    SelectInWindows(histograms_, options_.window.width, largest,
                    Part<uint16_t>(parts_.ranks, count), values, {});
    uint8_t* to = target.data() + medians_.first * channels + channel_;
    for (size_t i = 0; i < count; ++i) to[i * channels] = values[i];
  }

 private:
  template <typename T>
  std::span<T> Part(size_t offset, size_t size) const {
    return {reinterpret_cast<T*>(scratch_.data() + offset), size};
  }

  // The row of the image that stands at `position`, if any does.
  std::optional<uint32_t> RowAt(int64_t position) const {
    const uint32_t height = source_.image_height;
    if (options_.border != BorderMode::kClip) {
      return BorderPosition(position, height, options_.border);
    }
    if (position < 0 || position >= height) return std::nullopt;
    return static_cast<uint32_t>(position);
  }

  void Slide(std::optional<uint32_t> entering,
             std::optional<uint32_t> leaving) {
    if (entering == leaving) return;
    SlideColumns(histograms_, first_column_,
                 entering ? Samples(*entering, parts_.entering)
                          : std::span<const uint8_t>(),
                 leaving ? Samples(*leaving, parts_.leaving)
                         : std::span<const uint8_t>());
  }

  // The samples of a row that enter columns: the row itself where it can be.
  std::span<const uint8_t> Samples(uint32_t y, size_t offset) const {
    const std::span<const uint8_t> row =
        source_.rows.row(y - source_.first_row);
    const auto size = static_cast<size_t>(end_ - first_);
    const size_t channels = source_.rows.shape().channels;
    const auto width = static_cast<int64_t>(source_.rows.shape().width);
    if (channels == 1 && first_ >= 0 && end_ <= width) {
      return row.subspan(static_cast<size_t>(first_), size);
    }
    const std::span<uint8_t> samples = Part<uint8_t>(offset, size);
    const int64_t inner_first = std::clamp<int64_t>(0, first_, end_);
    const int64_t inner_end = std::clamp<int64_t>(width, inner_first, end_);
    const uint8_t* const from = row.data() + channel_;
    uint8_t* to = samples.data();
    const auto outside = [&](int64_t x, int64_t end) {
      for (; x < end; ++x) {
        *to++ = from[channels * BorderPosition(x, static_cast<uint32_t>(width),
                                               options_.border)];
      }
    };
    outside(first_, inner_first);
    for (auto x = static_cast<size_t>(inner_first);
         x < static_cast<size_t>(inner_end); ++x) {
      *to++ = from[channels * x];
    }
    outside(inner_end, end_);
    return samples;
  }

  void SetRanks(uint32_t y) {
    const bool clips = options_.border == BorderMode::kClip;
    const uint32_t rows =
        clips ? ClippedExtent(y, options_.window.height, source_.image_height)
                    .size()
              : options_.window.height;
    if (rows == ranked_rows_) return;
    ranked_rows_ = rows;
    const std::span<uint16_t> ranks =
        Part<uint16_t>(parts_.ranks, medians_.size());
    for (uint32_t i = 0; i < medians_.size(); ++i) {
      const uint32_t columns =
          clips ? ClippedExtent(medians_.first + i, options_.window.width,
                                source_.rows.shape().width)
                      .size()
                : options_.window.width;
      ranks[i] = static_cast<uint16_t>((rows * columns - 1) / 2);
    }
  }

  const RowBand<ImageView<const uint8_t>>& source_;
  const MedianOptions& options_;
  Extent medians_;
  uint32_t channel_;
  std::span<std::byte> scratch_;
  Parts parts_;
  ColumnHistograms histograms_;
  int64_t first_ = 0;  // of the columns that have samples, in the image
  int64_t end_ = 0;
  size_t first_column_ = 0;   // where the first of them stands
  uint32_t ranked_rows_ = 0;  // rows of the windows that the ranks are for
};

}  // namespace

size_t HistogramMedianScratchBytes(const ImageSpec& spec,
                                   const MedianOptions& options) {
  if (spec.sample_type != SampleType::kU8) {
    return RankMedianScratchBytes(spec, options);
  }
  const uint32_t window_width = options.window.width;
  return Parts(StripWidth(spec.shape.width, window_width), window_width).bytes;
}

template <>
void HistogramMedian(const RowBand<ImageView<const uint8_t>>& source,
                     const MedianOptions& options,
                     const RowBand<ImageView<uint8_t>>& target,
                     std::span<std::byte> scratch) {
  const ImageShape shape = target.rows.shape();
  const uint32_t step = StripWidth(shape.width, options.window.width);
  for (uint32_t x = 0; x < shape.width;) {
    const Extent medians = {.first = x,
                            .end = x + std::min(step, shape.width - x)};
    for (uint32_t c = 0; c < shape.channels; ++c) {
      Strip strip(source, options, medians, c, scratch);
      for (uint32_t y = 0; y < shape.height; ++y) {
        const uint32_t row = target.first_row + y;
        if (y == 0) {
          strip.Fill(row);
        } else {
          strip.Descend(row);
        }
        strip.Select(row, target.rows.row(y));
      }
    }
    x = medians.end;
  }
}

template <>
void HistogramMedian(const RowBand<ImageView<const uint16_t>>& source,
                     const MedianOptions& options,
                     const RowBand<ImageView<uint16_t>>& target,
                     std::span<std::byte> scratch) {
  RankMedian<uint16_t>(source, options, target, scratch);
}

}  // namespace imageadapt
