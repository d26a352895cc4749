#include "imageadapt/kernels/rank_median.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "imageadapt/kernels/column_histogram.h"
#include "imageadapt/kernels/rank_search.h"

namespace imageadapt {
namespace {

constexpr size_t kBuckets = 256;

// A number for each sample, in the order of the samples; NaN comes last.
inline uint32_t KeyOf(uint16_t sample) { return sample; }
inline uint32_t KeyOf(float sample) {
  if (std::isnan(sample)) return std::numeric_limits<uint32_t>::max();
  const auto bits = std::bit_cast<uint32_t>(sample);
  constexpr uint32_t kSign = uint32_t{1} << 31;
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

inline void SetSample(uint32_t key, uint16_t& sample) {
  sample = static_cast<uint16_t>(key);
}
inline void SetSample(uint32_t key, float& sample) {
  constexpr uint32_t kSign = uint32_t{1} << 31;
  sample = key == std::numeric_limits<uint32_t>::max()
               ? std::numeric_limits<float>::quiet_NaN()
               : std::bit_cast<float>((key & kSign) != 0 ? key ^ kSign : ~key);
}

// Medians per tile along one axis of `length`, where windows are `window` wide.
// Wide enough that not most of the work is for samples around the medians, and
// small enough that buckets are small.
uint32_t TileMedians(uint32_t length, uint32_t window) {
  const uint32_t most = (window <= 101 ? 256 : 512) - (window - 1);
  const uint32_t tiles = (length - 1) / most + 1;
  return (length - 1) / tiles + 1;
}

constexpr size_t RoundUp(size_t bytes) { return (bytes + 63) / 64 * 64; }

struct KeyAt {
  uint32_t key;
  uint32_t position;
};

// The sizes of a tile, and where its parts stand in the scratch.
struct Layout {
  Layout(uint32_t medians_across, uint32_t medians_down, WindowSize window)
      : width(medians_across + window.width - 1),
        height(medians_down + window.height - 1) {
    const size_t samples = size_t{width} * height;
    size_t end = RoundUp(ColumnHistogramsBytes(width));
    const auto take = [&](size_t size) {
      const size_t begin = end;
      end += RoundUp(size);
      return begin;
    };
    unsorted = take(samples * sizeof(KeyAt));
    sorted = take(samples * sizeof(KeyAt));
    positions = take((samples + kRankSearchPadding) * sizeof(uint32_t));
    keys = take(samples * sizeof(uint32_t));
    buckets = take(samples);
    nans = take(width * sizeof(uint16_t));
    ranks = take(medians_across * sizeof(uint16_t));
    places = take(medians_across * sizeof(uint16_t));
    found = take(medians_across * sizeof(uint32_t));
    values = take(medians_across);
    bytes = end;
  }

  uint32_t width;
  uint32_t height;
  size_t unsorted = 0;
  size_t sorted = 0;
  size_t positions = 0;
  size_t keys = 0;
  size_t buckets = 0;
  size_t nans = 0;
  size_t ranks = 0;
  size_t places = 0;
  size_t found = 0;
  size_t values = 0;
  size_t bytes = 0;
};

// One channel of the medians of a rectangle of the image.
template <typename T, TilePosition P>
class Tile {
  static constexpr unsigned kDigitBits = sizeof(T) == 2 ? 8 : 11;
  static constexpr unsigned kDigits = sizeof(T) == 2 ? 2 : 3;
  static constexpr size_t kDigitValues = size_t{1} << kDigitBits;
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
        layout_(across.size(), down.size(), options.window),
        scratch_(scratch),
        columns_(Existing(across, window_.width, source.rows.shape().width)),
        rows_(Existing(down, window_.height, source.image_height)) {}

  void Run(const RowBand<ImageView<T>>& target) {
    Gather();
    Sort();
    const ColumnHistograms histograms =
        EmptyColumnHistograms(layout_.width, scratch_);
    const bool has_nans = nans_ > 0;
    const std::span<uint16_t> nans =
        Part<uint16_t>(layout_.nans, layout_.width);
    if (has_nans) std::fill(nans.begin(), nans.end(), uint16_t{0});
    Extent held = {.first = rows_.first, .end = rows_.first};
    for (uint32_t y = 0; y < down_.size(); ++y) {
      const uint32_t first = std::max(y, rows_.first);
      const uint32_t end = std::min(y + window_.height, rows_.end);
      while (held.first < first || held.end < end) {
        const auto entering =
            held.end < end ? Buckets(held.end) : std::span<const uint8_t>();
        const auto leaving = held.first < first ? Buckets(held.first)
                                                : std::span<const uint8_t>();
        SlideColumns(histograms, columns_.first, entering, leaving);
        if (has_nans && held.end < end) CountNans(entering, held.end, 1);
        if (has_nans && held.first < first) CountNans(leaving, held.first, -1);
        held.end += held.end < end;
        held.first += held.first < first;
      }
      SetRanks(end - first, has_nans);
      Select(histograms, y, target);
    }
  }

 private:
  template <typename U>
  std::span<U> Part(size_t offset, size_t size) const {
    return {reinterpret_cast<U*>(scratch_.data() + offset), size};
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

  std::span<const uint8_t> Buckets(uint32_t y) const {
    return Part<uint8_t>(layout_.buckets,
                         size_t{layout_.width} * layout_.height)
        .subspan(size_t{y} * layout_.width + columns_.first, columns_.size());
  }

  // Reads the samples, and counts the digits of their keys.
  void Gather() {
    const ImageShape& shape = source_.rows.shape();
    KeyAt* to = Part<KeyAt>(layout_.unsorted, 0).data();
    for (auto& counts : counts_) counts.fill(0);
    nans_ = 0;
    samples_ = 0;
    for (uint32_t y = rows_.first; y < rows_.end; ++y) {
      const uint32_t row =
          ImagePosition(y, down_, window_.height, source_.image_height);
      const T* const from =
          source_.rows.row(row - source_.first_row).data() + channel_;
      for (uint32_t x = columns_.first; x < columns_.end; ++x) {
        const size_t column =
            ImagePosition(x, across_, window_.width, shape.width);
        const T sample = from[column * shape.channels];
        const uint32_t key = KeyOf(sample);
        if constexpr (std::is_same_v<T, float>) nans_ += std::isnan(sample);
        for (unsigned digit = 0; digit < kDigits; ++digit) {
          ++counts_[digit][Digit(key, digit)];
        }
        *to++ = {.key = key, .position = x | y << kHalf};
      }
    }
    samples_ = static_cast<size_t>(rows_.size()) * columns_.size();
    bucket_size_ = (samples_ + kBuckets - 1) / kBuckets;
  }

  static size_t Digit(uint32_t key, unsigned digit) {
    return (key >> (digit * kDigitBits)) & (kDigitValues - 1);
  }

  // By digits from the last to the first; then tells each sample its bucket.
  void Sort() {
    KeyAt* from = Part<KeyAt>(layout_.unsorted, 0).data();
    KeyAt* to = Part<KeyAt>(layout_.sorted, 0).data();
    for (auto& counts : counts_) {
      uint32_t before = 0;
      for (uint32_t& count : counts) {
        const uint32_t here = count;
        count = before;
        before += here;
      }
    }
    for (unsigned digit = 0; digit + 1 < kDigits; ++digit) {
      for (size_t i = 0; i < samples_; ++i) {
        to[counts_[digit][Digit(from[i].key, digit)]++] = from[i];
      }
      std::swap(from, to);
    }
    P* const positions = Part<P>(layout_.positions, 0).data();
    uint32_t* const keys = Part<uint32_t>(layout_.keys, 0).data();
    uint8_t* const buckets = Part<uint8_t>(layout_.buckets, 0).data();
    // At most 2^18 samples: exact for every bucket size.
    const uint64_t inverse =
        ((uint64_t{1} << 40) + bucket_size_ - 1) / bucket_size_;
    for (size_t i = 0; i < samples_; ++i) {
      const KeyAt sample = from[i];
      const size_t at = counts_[kDigits - 1][Digit(sample.key, kDigits - 1)]++;
      positions[at] = static_cast<P>(sample.position);
      keys[at] = sample.key;
      const size_t x = sample.position & ((1U << kHalf) - 1);
      const size_t y = sample.position >> kHalf;
      buckets[y * layout_.width + x] =
          static_cast<uint8_t>((at * inverse) >> 40);
    }
  }

  // NaN is sorted last: it has the last buckets, and a part of the first one of
  // those.
  void CountNans(std::span<const uint8_t> row, uint32_t y, int sign) {
    if constexpr (std::is_same_v<T, float>) {
      const uint32_t at =
          ImagePosition(y, down_, window_.height, source_.image_height);
      const ImageShape& shape = source_.rows.shape();
      const float* const from =
          source_.rows.row(at - source_.first_row).data() + channel_;
      const std::span<uint16_t> nans =
          Part<uint16_t>(layout_.nans, layout_.width);
      for (size_t i = 0; i < row.size(); ++i) {
        const uint32_t x = columns_.first + static_cast<uint32_t>(i);
        const size_t column =
            ImagePosition(x, across_, window_.width, shape.width);
        if (std::isnan(from[column * shape.channels])) {
          nans[x] = static_cast<uint16_t>(nans[x] + sign);
        }
      }
    }
  }

  void SetRanks(uint32_t rows, bool has_nans) {
    if (!has_nans && rows == ranked_rows_) return;
    ranked_rows_ = rows;
    const std::span<uint16_t> ranks =
        Part<uint16_t>(layout_.ranks, across_.size());
    const std::span<const uint16_t> nans =
        Part<uint16_t>(layout_.nans, layout_.width);
    uint32_t out = 0;  // NaNs in the window
    if (has_nans) {
      for (uint32_t x = 0; x + 1 < window_.width; ++x) out += nans[x];
    }
    for (uint32_t x = 0; x < across_.size(); ++x) {
      if (has_nans) out += nans[x + window_.width - 1];
      const uint32_t columns = std::min(x + window_.width, columns_.end) -
                               std::max(x, columns_.first);
      const uint32_t count = rows * columns - out;
      // Without any number, the first NaN.
      ranks[x] = static_cast<uint16_t>(count == 0 ? 0 : (count - 1) / 2);
      if (has_nans) out -= nans[x];
    }
  }

  void Select(const ColumnHistograms& histograms, uint32_t y,
              const RowBand<ImageView<T>>& target) {
    const size_t count = across_.size();
    const std::span<uint8_t> values = Part<uint8_t>(layout_.values, count);
    const std::span<uint16_t> places = Part<uint16_t>(layout_.places, count);
    const std::span<uint32_t> found = Part<uint32_t>(layout_.found, count);
    SelectInWindows(histograms, window_.width,
                    size_t{window_.width} * window_.height,
                    Part<uint16_t>(layout_.ranks, count), values, places);
    FindInWindows<P>(Part<P>(layout_.positions, 0).data(), bucket_size_,
                     window_, y, values, places, found);
    const uint32_t* const keys = Part<uint32_t>(layout_.keys, 0).data();
    const size_t channels = source_.rows.shape().channels;
    T* const to = target.rows.row(down_.first + y - target.first_row).data() +
                  across_.first * channels + channel_;
    for (size_t x = 0; x < count; ++x) {
      SetSample(keys[found[x]], to[x * channels]);
    }
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
  size_t samples_ = 0;
  size_t nans_ = 0;
  size_t bucket_size_ = 0;
  uint32_t ranked_rows_ = 0;
  std::array<std::array<uint32_t, kDigitValues>, kDigits> counts_;
};

}  // namespace

size_t RankMedianScratchBytes(const ImageSpec& spec,
                              const MedianOptions& options) {
  return Layout(TileMedians(spec.shape.width, options.window.width),
                TileMedians(spec.shape.height, options.window.height),
                options.window)
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
