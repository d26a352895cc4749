#include "imageadapt/kernels/rank_median.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "imageadapt/kernels/column_histogram.h"
#include "imageadapt/kernels/radix_sort.h"
#include "imageadapt/kernels/rank_search.h"

namespace imageadapt {
namespace {

constexpr size_t kBuckets = 256;

// The longest side of a tile, and that of tiles for all but large windows.
constexpr uint32_t kMostSide = 512;

// A number for each sample, in the order of the samples; NaN comes last, and
// zeros have no sign.
uint32_t KeyOf(float sample) {
  if (std::isnan(sample)) return std::numeric_limits<uint32_t>::max();
  const auto bits = std::bit_cast<uint32_t>(sample + 0.0F);
  constexpr uint32_t kSign = uint32_t{1} << 31;
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

float SampleOf(uint32_t key) {
  constexpr uint32_t kSign = uint32_t{1} << 31;
  if (key == std::numeric_limits<uint32_t>::max()) {
    return std::numeric_limits<float>::quiet_NaN();
  }
  return std::bit_cast<float>((key & kSign) != 0 ? key ^ kSign : ~key);
}

// Most medians per tile along an axis where windows are `window` wide. Wide
// enough that not most of the work is for samples around the medians, and small
// enough that buckets are small.
constexpr uint32_t MostMedians(uint32_t window) {
  return (window <= 101 ? 256 : kMostSide) - (window - 1);
}

// Medians per tile, so that tiles are of about one size.
uint32_t TileMedians(uint32_t length, uint32_t window) {
  const uint32_t tiles = (length - 1) / MostMedians(window) + 1;
  return (length - 1) / tiles + 1;
}

constexpr size_t RoundUp(size_t bytes) { return (bytes + 63) / 64 * 64; }

// Counts become the sums of the counts before them.
void SumUp(std::span<uint32_t> counts) {
  uint32_t before = 0;
  for (uint32_t& count : counts) {
    const uint32_t here = count;
    count = before;
    before += here;
  }
}

// The sizes of a tile, and where its parts stand in the scratch.
struct Layout {
  Layout(uint32_t medians_across, uint32_t medians_down, WindowSize window,
         SampleType type)
      : width(medians_across + window.width - 1),
        height(medians_down + window.height - 1) {
    const size_t samples = size_t{width} * height;
    size_t end = RoundUp(ColumnHistogramsBytes(width));
    const auto take = [&](size_t size) {
      const size_t begin = end;
      end += RoundUp(size);
      return begin;
    };
    const bool floats = type == SampleType::kF32;
    unsorted = take(samples * (floats ? sizeof(RadixItem) : sizeof(uint16_t)));
    other = take(floats ? samples * sizeof(RadixItem) : 0);
    counts = take((floats ? kRadixCounts : kValues) * sizeof(uint32_t));
    positions = take((samples + kRankSearchPadding) * sizeof(uint32_t));
    sorted = take(samples * SampleBytes(type));
    buckets = take(samples);
    nans = take(width * sizeof(uint16_t));
    ranks = take(medians_across * sizeof(uint16_t));
    places = take(medians_across * sizeof(uint16_t));
    values = take(medians_across);
    bytes = end;
  }

  static constexpr size_t kValues = size_t{1} << 16;  // of 16-bit samples

  uint32_t width;
  uint32_t height;
  size_t unsorted = 0;  // offsets
  size_t other = 0;
  size_t counts = 0;
  size_t positions = 0;
  size_t sorted = 0;
  size_t buckets = 0;
  size_t nans = 0;
  size_t ranks = 0;
  size_t places = 0;
  size_t values = 0;
  size_t bytes = 0;
};

// One channel of the medians of a rectangle of the image.
template <typename T, TilePosition P>
class Tile {
  static constexpr unsigned kHalf = 4 * sizeof(P);  // bits of a coordinate

 public:
  Tile(const RowBand<ImageView<const T>>& source, const MedianOptions& options,
       Extent across, Extent down, uint32_t channel,
       std::span<std::byte> scratch)
      : source_(source),
        window_(options.window),
        border_(options.border),
        across_(across),
        down_(down),
        channel_(channel),
        layout_(across.size(), down.size(), options.window, kSampleTypeOf<T>),
        scratch_(scratch),
        columns_(Existing(across, window_.width, source.rows.shape().width)),
        rows_(Existing(down, window_.height, source.image_height)) {
    const size_t samples = size_t{rows_.size()} * columns_.size();
    bucket_size_ = (samples + kBuckets - 1) / kBuckets;
    // Exact for at most 2^18 samples and every bucket size.
    inverse_ = ((uint64_t{1} << 40) + bucket_size_ - 1) / bucket_size_;
    const ImageShape& shape = source.rows.shape();
    for (uint32_t x = columns_.first; x < columns_.end; ++x) {
      samples_of_row_[x] =
          size_t{shape.channels} *
              ImagePosition(x, across_, window_.width, shape.width) +
          channel;
    }
  }

  void Run(const RowBand<ImageView<T>>& target) {
    Sort();
    const ColumnHistograms histograms =
        EmptyColumnHistograms(layout_.width, scratch_);
    const std::span<uint16_t> nans =
        Part<uint16_t>(layout_.nans, layout_.width);
    if (has_nans_) std::fill(nans.begin(), nans.end(), uint16_t{0});
    Extent held = {.first = rows_.first, .end = rows_.first};
    for (uint32_t y = 0; y < down_.size(); ++y) {
      const Extent wanted = {.first = std::max(y, rows_.first),
                             .end = std::min(y + window_.height, rows_.end)};
      while (held.first < wanted.first || held.end < wanted.end) {
        const bool enters = held.end < wanted.end;
        const bool leaves = held.first < wanted.first;
        const auto row = [&](bool exists, uint32_t at) {
          return exists
                     ? BucketsOfRow(at).subspan(columns_.first, columns_.size())
                     : std::span<uint8_t>();
        };
        SlideColumns(histograms, columns_.first, row(enters, held.end),
                     row(leaves, held.first));
        if (has_nans_ && enters) CountNans(held.end, 1);
        if (has_nans_ && leaves) CountNans(held.first, -1);
        held.end += enters;
        held.first += leaves;
      }
      SetRanks(wanted.size());
      Select(histograms, y, target);
    }
  }

 private:
  template <typename U>
  std::span<U> Part(size_t offset, size_t size) const {
    return {reinterpret_cast<U*>(scratch_.data() + offset), size};
  }
  template <typename U>
  U* Part(size_t offset) const {
    return reinterpret_cast<U*>(scratch_.data() + offset);
  }

  // The part of the tile along one axis that has samples.
  Extent Existing(Extent medians, uint32_t side, uint32_t length) const {
    const uint32_t size = medians.size() + side - 1;
    if (border_ != BorderMode::kClip) return {.first = 0, .end = size};
    const uint32_t radius = side / 2;
    return {.first = radius - std::min(medians.first, radius),
            .end = size - radius + std::min(length - medians.end, radius)};
  }

  uint32_t ImagePosition(uint32_t in_tile, Extent medians, uint32_t side,
                         uint32_t length) const {
    const int64_t at = int64_t{medians.first} + in_tile - side / 2;
    return border_ == BorderMode::kClip ? static_cast<uint32_t>(at)
                                        : BorderPosition(at, length, border_);
  }

  // Row y of the tile, in the image.
  const T* SourceRow(uint32_t y) const {
    const uint32_t row =
        ImagePosition(y, down_, window_.height, source_.image_height);
    return source_.rows.row(row - source_.first_row).data();
  }

  std::span<uint8_t> BucketsOfRow(uint32_t y) const {
    return Part<uint8_t>(layout_.buckets + size_t{y} * layout_.width,
                         layout_.width);
  }

  // Notes where the sample of order `at` lies, and tells it its bucket.
  void Put(size_t at, T sample, uint32_t x, uint32_t y, uint8_t& bucket) const {
    Part<P>(layout_.positions)[at] = static_cast<P>(x | y << kHalf);
    Part<T>(layout_.sorted)[at] = sample;
    bucket = static_cast<uint8_t>((at * inverse_) >> 40);
  }

  // By counting each value.
  void Sort()
    requires std::is_same_v<T, uint16_t>
  {
    const std::span<uint32_t> counts =
        Part<uint32_t>(layout_.counts, Layout::kValues);
    std::fill(counts.begin(), counts.end(), 0);
    T* to = Part<T>(layout_.unsorted);
    for (uint32_t y = rows_.first; y < rows_.end; ++y) {
      const T* const from = SourceRow(y);
      for (uint32_t x = columns_.first; x < columns_.end; ++x) {
        const T sample = from[samples_of_row_[x]];
        *to++ = sample;
        ++counts[sample];
      }
    }
    SumUp(counts);
    const T* from = Part<T>(layout_.unsorted);
    for (uint32_t y = rows_.first; y < rows_.end; ++y) {
      const std::span<uint8_t> buckets = BucketsOfRow(y);
      for (uint32_t x = columns_.first; x < columns_.end; ++x) {
        const T sample = *from++;
        Put(counts[sample]++, sample, x, y, buckets[x]);
      }
    }
  }

  void Sort()
    requires std::is_same_v<T, float>
  {
    const size_t most = size_t{layout_.width} * layout_.height;
    const auto unsorted = Part<RadixItem>(layout_.unsorted, most);
    size_t size = 0;
    for (uint32_t y = rows_.first; y < rows_.end; ++y) {
      const T* const from = SourceRow(y);
      for (uint32_t x = columns_.first; x < columns_.end; ++x) {
        const float sample = from[samples_of_row_[x]];
        has_nans_ |= std::isnan(sample);
        unsorted[size++] = {.key = KeyOf(sample), .value = x | y << 16};
      }
    }
    const std::span<const RadixItem> sorted = RadixSort(
        unsorted.first(size), Part<RadixItem>(layout_.other, most).first(size),
        Part<uint32_t>(layout_.counts, kRadixCounts));
    for (size_t at = 0; at < size; ++at) {
      const uint32_t x = sorted[at].value & 0xffff;
      const uint32_t y = sorted[at].value >> 16;
      Put(at, SampleOf(sorted[at].key), x, y, BucketsOfRow(y)[x]);
    }
  }

  void CountNans(uint32_t y, int sign) const {
    const T* const from = SourceRow(y);
    const std::span<uint16_t> nans =
        Part<uint16_t>(layout_.nans, layout_.width);
    for (uint32_t x = columns_.first; x < columns_.end; ++x) {
      const T sample = from[samples_of_row_[x]];
      if (sample != sample) {  // NOLINT(misc-redundant-expression): NaN
        nans[x] = static_cast<uint16_t>(nans[x] + sign);
      }
    }
  }

  void SetRanks(uint32_t rows) {
    if (!has_nans_ && rows == ranked_rows_) return;
    ranked_rows_ = rows;
    const std::span<uint16_t> ranks =
        Part<uint16_t>(layout_.ranks, across_.size());
    const std::span<const uint16_t> nans =
        Part<uint16_t>(layout_.nans, layout_.width);
    uint32_t out = 0;  // NaNs in the window
    if (has_nans_) {
      for (uint32_t x = 0; x + 1 < window_.width; ++x) out += nans[x];
    }
    for (uint32_t x = 0; x < across_.size(); ++x) {
      if (has_nans_) out += nans[x + window_.width - 1];
      const uint32_t columns = std::min(x + window_.width, columns_.end) -
                               std::max(x, columns_.first);
      const uint32_t count = rows * columns - out;
      // Without any number, the first NaN: NaN is sorted last.
      ranks[x] = static_cast<uint16_t>(count == 0 ? 0 : (count - 1) / 2);
      if (has_nans_) out -= nans[x];
    }
  }

  void Select(const ColumnHistograms& histograms, uint32_t y,
              const RowBand<ImageView<T>>& target) const {
    const size_t count = across_.size();
    const std::span<uint8_t> values = Part<uint8_t>(layout_.values, count);
    const std::span<uint16_t> places = Part<uint16_t>(layout_.places, count);
    SelectInWindows(histograms, window_.width,
                    size_t{window_.width} * window_.height,
                    Part<uint16_t>(layout_.ranks, count), values, places);
    const size_t channels = source_.rows.shape().channels;
    FindInWindows<P, T>(
        {.positions = Part<P>(layout_.positions),
         .samples = Part<T>(layout_.sorted),
         .bucket_size = bucket_size_},
        window_, y, values, places,
        target.rows.row(down_.first + y - target.first_row).data() +
            across_.first * channels + channel_,
        channels);
  }

  const RowBand<ImageView<const T>>& source_;
  WindowSize window_;
  BorderMode border_;
  Extent across_;  // medians, in the image
  Extent down_;
  uint32_t channel_;
  Layout layout_;
  std::span<std::byte> scratch_;
  Extent columns_;  // of the tile that have samples
  Extent rows_;
  size_t bucket_size_ = 0;
  uint64_t inverse_ = 0;  // 2^40 / bucket_size_
  bool has_nans_ = false;
  uint32_t ranked_rows_ = 0;
  std::array<size_t, kMostSide> samples_of_row_;  // by column of the tile
};

}  // namespace

size_t RankMedianScratchBytes(const ImageSpec& spec,
                              const MedianOptions& options) {
  const auto most = [](uint32_t length, uint32_t side) {
    return std::min(length, MostMedians(side));
  };
  return Layout(most(spec.shape.width, options.window.width),
                most(spec.shape.height, options.window.height), options.window,
                spec.sample_type)
      .bytes;
}

template <Sample T>
void RankMedian(const RowBand<ImageView<const T>>& source,
                const MedianOptions& options,
                const RowBand<ImageView<T>>& target,
                std::span<std::byte> scratch) {
  const ImageShape shape = target.rows.shape();
  const uint32_t across = TileMedians(shape.width, options.window.width);
  const uint32_t down = TileMedians(shape.height, options.window.height);
  const bool small = across + options.window.width - 1 <= 256 &&
                     down + options.window.height - 1 <= 256;
  for (uint32_t y = 0; y < shape.height; y += down) {
    const uint32_t rows = std::min(down, shape.height - y);
    const Extent tile_down = {.first = target.first_row + y,
                              .end = target.first_row + y + rows};
    for (uint32_t x = 0; x < shape.width; x += across) {
      const Extent tile_across = {.first = x,
                                  .end = x + std::min(across, shape.width - x)};
      for (uint32_t c = 0; c < shape.channels; ++c) {
        if (small) {
          Tile<T, uint16_t>(source, options, tile_across, tile_down, c, scratch)
              .Run(target);
        } else {
          Tile<T, uint32_t>(source, options, tile_across, tile_down, c, scratch)
              .Run(target);
        }
      }
    }
  }
}

template void RankMedian(const RowBand<ImageView<const uint16_t>>&,
                         const MedianOptions&,
                         const RowBand<ImageView<uint16_t>>&,
                         std::span<std::byte>);
template void RankMedian(const RowBand<ImageView<const float>>&,
                         const MedianOptions&, const RowBand<ImageView<float>>&,
                         std::span<std::byte>);

}  // namespace imageadapt
