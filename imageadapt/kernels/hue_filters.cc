#include "imageadapt/kernels/hue_filters.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "imageadapt/kernels/hue_vectors.h"
#include "imageadapt/kernels/radix_sort.h"

namespace imageadapt {
namespace {

constexpr size_t kAlignment = 64;
constexpr uint32_t kLargestMedianSide = 255;

constexpr size_t Aligned(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Takes `count` values of type T from the front of `scratch`.
template <typename T>
std::span<T> Take(std::span<std::byte>& scratch, size_t count) {
  const std::span<T> taken(reinterpret_cast<T*>(scratch.data()), count);
  scratch = scratch.subspan(Aligned(count * sizeof(T)));
  return taken;
}

int64_t FloorDivide(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

// A window's positions along one axis, of which some may be beyond the image.
class Axis {
 public:
  Axis(uint32_t side, uint32_t length, BorderMode border)
      : side_(side), length_(length), border_(border) {}

  uint32_t side() const { return side_; }
  uint32_t length() const { return length_; }

  // Calls work(position) with what stands for a position, unless that is
  // nothing.
  template <typename Work>
  void At(int64_t position, Work&& work) const {
    if (position >= 0 && position < length_) {
      work(static_cast<uint32_t>(position));
    } else if (border_ != BorderMode::kClip) {
      work(BorderPosition(position, length_, border_));
    }
  }

  // Calls work(position, times) for all positions of the window around
  // `middle`, each once.
  template <typename Work>
  void ForEach(uint32_t middle, Work&& work) const {
    const int64_t first = int64_t{middle} - side_ / 2;
    const Extent inside = ClippedExtent(middle, side_, length_);
    for (uint32_t p = inside.first; p < inside.end; ++p) {
      work(p, Times(p, first, first + side_));
    }
  }

  // All positions that the windows around some see: others that a border takes
  // instead are among them.
  Extent Seen(Extent middles) const {
    return {.first = ClippedExtent(middles.first, side_, length_).first,
            .end = ClippedExtent(middles.end - 1, side_, length_).end};
  }

  // Of windows in here, and of those one position before, all is inside.
  Extent Inner() const {
    const uint32_t first = std::min(side_ / 2 + 1, length_);
    return {.first = first,
            .end = std::max(first, length_ - std::min(side_ / 2, length_))};
  }

  // Calls leave(position) and enter(position) for what changes from the window
  // around middle - 1 to the one around `middle`.
  template <typename Enter, typename Leave>
  void Step(uint32_t middle, Enter&& enter, Leave&& leave) const {
    const int64_t first = int64_t{middle} - side_ / 2;
    At(first - 1, leave);
    At(first - 1 + side_, enter);
  }

 private:
  // How often `p` stands for a position in [first, end).
  int64_t Times(int64_t p, int64_t first, int64_t end) const {
    if (border_ == BorderMode::kClip) return 1;
    if (length_ == 1) return end - first;
    const int64_t last = int64_t{length_} - 1;
    if (border_ == BorderMode::kReplicate) {
      const int64_t left = p == 0 ? std::max<int64_t>(-first, 0) : 0;
      const int64_t right = p == last ? std::max<int64_t>(end - length_, 0) : 0;
      return 1 + left + right;
    }
    const int64_t period = 2 * last;
    const auto congruent = [&](int64_t q) {
      return FloorDivide(end - 1 - q, period) -
             FloorDivide(first - 1 - q, period);
    };
    return congruent(p) + (p == 0 || p == last ? 0 : congruent(-p));
  }

  uint32_t side_;
  uint32_t length_;
  BorderMode border_;
};

// The hues of a band of rows.
template <typename T>
class Hues {
 public:
  explicit Hues(const RowBand<ImageView<const T>>& band) : band_(band) {}

  // Of the image's row `y`; x * channels() is where pixel x is.
  const T* row(uint32_t y) const {
    return band_.rows.row(y - band_.first_row).data();
  }
  size_t channels() const { return band_.rows.shape().channels; }

 private:
  RowBand<ImageView<const T>> band_;
};

// Scratch for the sums of so many columns.
template <Sample T>
constexpr size_t ColumnBytes(uint32_t width) {
  return Aligned(width * sizeof(HueSum)) +
         (kHueMayBeMissing<T> ? Aligned(width * sizeof(int64_t)) : 0);
}

// From the front of `scratch`.
template <Sample T>
HueColumns TakeColumns(std::span<std::byte>& scratch, uint32_t width) {
  return {.sums = Take<HueSum>(scratch, width),
          .counts = Take<int64_t>(scratch, kHueMayBeMissing<T> ? width : 0)};
}

// Circular means, row after row.
template <typename T>
class Means {
 public:
  Means(const Hues<T>& hues, const Axis& columns, const Axis& rows,
        const HueColumns& sums)
      : hues_(hues), columns_(columns), rows_(rows), sums_(sums) {}

  // Moves to row `y`: any at first, then the next one.
  void MoveTo(uint32_t y) {
    if (!started_) {
      std::fill(sums_.sums.begin(), sums_.sums.end(), HueSum());
      std::fill(sums_.counts.begin(), sums_.counts.end(), 0);
      rows_.ForEach(y,
                    [&](uint32_t row, int64_t times) { AddRow(row, times); });
    } else {
      rows_.Step(
          y, [&](uint32_t row) { AddRow(row, 1); },
          [&](uint32_t row) { AddRow(row, -1); });
    }
    started_ = true;
    row_ = y;
  }

  // Writes the means of the row to target[x * channels].
  void Write(T* target) {
    window_ = {};
    count_ = 0;
    columns_.ForEach(0,
                     [&](uint32_t x, int64_t times) { AddColumn(x, times); });
    const size_t channels = hues_.channels();
    const T* const middles = hues_.row(row_);
    for (uint32_t x = 0; x < columns_.length(); x += kHuesAtOnce) {
      const Extent columns = {
          .first = x,
          .end = std::min<uint32_t>(x + kHuesAtOnce, columns_.length())};
      SumWindows(columns);
      HuesOfWindows(windows_, columns.size(), middles + x * channels, channels,
                    target + x * channels);
    }
  }

 private:
  void AddRow(uint32_t y, int64_t times) {
    AddHues(hues_.row(y), hues_.channels(), times, sums_);
    row_count_ += times;
  }

  void AddColumn(uint32_t x, int64_t times) {
    window_.Add(sums_.sums[x], times);
    count_ += times * (kHueMayBeMissing<T> ? sums_.counts[x] : row_count_);
  }

  // Sums up the windows of some columns, which follow those before.
  void SumWindows(Extent columns) {
    const Extent inner = columns_.Inner();
    const Extent fast = {
        .first = std::clamp(inner.first, columns.first, columns.end),
        .end = std::clamp(inner.end, columns.first, columns.end)};
    SumWindowsAtEdges({.first = columns.first, .end = fast.first},
                      columns.first);
    SumInnerWindows(fast, columns.first);
    SumWindowsAtEdges({.first = fast.end, .end = columns.end}, columns.first);
  }

  // The sum of column x goes to place x - first.
  void SumWindowsAtEdges(Extent columns, uint32_t first) {
    for (uint32_t x = columns.first; x < columns.end; ++x) {
      if (x > 0) {
        columns_.Step(
            x, [&](uint32_t column) { AddColumn(column, 1); },
            [&](uint32_t column) { AddColumn(column, -1); });
      }
      windows_.sums[x - first] = window_;
      windows_.counts[x - first] = static_cast<double>(count_);
    }
  }

  void SumInnerWindows(Extent columns, uint32_t first) {
    const uint32_t half = columns_.side() / 2;
    // Copies, which stay in registers.
    HueSum window = window_;
    int64_t count = count_;
    for (uint32_t x = columns.first; x < columns.end; ++x) {
      const uint32_t enter = x + half;
      const uint32_t leave = x - half - 1;
      window.x += sums_.sums[enter].x - sums_.sums[leave].x;
      window.y += sums_.sums[enter].y - sums_.sums[leave].y;
      if constexpr (kHueMayBeMissing<T>) {
        count += sums_.counts[enter] - sums_.counts[leave];
      }
      windows_.sums[x - first] = window;
      windows_.counts[x - first] = static_cast<double>(count);
    }
    window_ = window;
    count_ = count;
  }

  Hues<T> hues_;
  Axis columns_;
  Axis rows_;
  HueColumns sums_;
  int64_t row_count_ = 0;  // in each column
  HueSum window_;
  int64_t count_ = 0;  // in the window
  HueWindows windows_;
  bool started_ = false;
  uint32_t row_ = 0;
};

// Counts keys, and their first halves.
class Histogram {
 public:
  static constexpr size_t Counters(int bits) {
    return (size_t{1} << bits) + (size_t{1} << (bits / 2));
  }

  // Of keys of `bits` bits, in Counters(bits) counters. A window has less than
  // 2^16 samples.
  Histogram(std::span<uint16_t> counters, int bits)
      : half_bits_(bits / 2),
        coarse_(counters.first(size_t{1} << half_bits_)),
        fine_(counters.subspan(coarse_.size())) {
    Clear();
  }

  void Clear() {
    std::fill(coarse_.begin(), coarse_.end(), uint16_t{0});
    std::fill(fine_.begin(), fine_.end(), uint16_t{0});
    count_ = 0;
  }
  void Add(uint32_t key) {
    ++coarse_[key >> half_bits_];
    ++fine_[key];
    ++count_;
  }
  void Remove(uint32_t key) {
    --coarse_[key >> half_bits_];
    --fine_[key];
    --count_;
  }

  uint32_t count() const { return count_; }
  size_t size() const { return fine_.size(); }

  // `key` may be one more than the largest.
  uint32_t CountBelow(uint32_t key) const {
    const uint32_t first = key >> half_bits_ << half_bits_;
    return Sum(coarse_.first(key >> half_bits_)) +
           Sum(fine_.subspan(first, key - first));
  }

  // The key at `rank` in ascending order.
  uint32_t Find(uint32_t rank) const {
    const size_t high = FindAmong(coarse_.data(), rank);
    const size_t first = high << half_bits_;
    return static_cast<uint32_t>(first + FindAmong(&fine_[first], rank));
  }

 private:
  static uint32_t Sum(std::span<const uint16_t> counts) {
    uint32_t sum = 0;
    for (const uint16_t count : counts) sum += count;
    return sum;
  }

  // Where the sum of `counts` exceeds `rank`; leaves the rank among what counts
  // there. By sixteens, which the compiler makes vectors.
  static size_t FindAmong(const uint16_t* counts, uint32_t& rank) {
    constexpr size_t kStep = 16;
    size_t at = 0;
    for (;; at += kStep) {
      uint16_t sum = 0;
      for (size_t i = 0; i < kStep; ++i) {
        sum = static_cast<uint16_t>(sum + counts[at + i]);
      }
      if (sum > rank) break;
      rank -= sum;
    }
    for (; counts[at] <= rank; ++at) rank -= counts[at];
    return at;
  }

  int half_bits_;
  std::span<uint16_t> coarse_;
  std::span<uint16_t> fine_;
  uint32_t count_ = 0;
};

// Where a turn begins whose middle is `mean`.
template <typename T>
T OppositeHue(T mean) {
  if constexpr (std::is_same_v<T, float>) {
    if (mean >= 180) return mean - 180;
    // The sum may round to a whole turn.
    return mean + 180 < 360 ? mean + 180 : 0;
  } else {
    return static_cast<T>(mean + std::numeric_limits<T>::max() / 2 + 1);
  }
}

// What hues of some rows and columns are counted by: a key for each, in the
// order of the hues.
template <typename T>
class Keys;

// Integers are their own keys.
template <typename T>
  requires std::is_integral_v<T>
class Keys<T> {
 public:
  static constexpr int kBits = std::numeric_limits<T>::digits;

  explicit Keys(const Hues<T>& hues) : hues_(hues) {}

  const T* row(uint32_t y) const { return hues_.row(y); }
  template <typename Work>
  void At(const T* row, uint32_t x, Work&& work) const {
    work(row[x * hues_.channels()]);
  }
  uint32_t FirstFrom(T hue) const { return hue; }
  T HueOf(uint32_t key) const { return static_cast<T>(key); }

 private:
  Hues<T> hues_;
};

constexpr uint32_t kNoKey = std::numeric_limits<uint32_t>::max();

// Floats are sorted, and their places are the keys.
template <>
class Keys<float> {
 public:
  // Memory for so many hues.
  struct Parts {
    std::span<RadixItem> items;
    std::span<RadixItem> other;
    std::span<uint32_t> counts;
    std::span<uint32_t> keys;
    std::span<float> sorted;
  };

  // Of the hues in these columns and rows.
  Keys(const Hues<float>& hues, Extent columns, Extent rows, const Parts& parts)
      : columns_(columns), rows_(rows), keys_(parts.keys) {
    uint32_t at = 0;
    size_t count = 0;
    for (uint32_t y = rows.first; y < rows.end; ++y) {
      const float* const from = hues.row(y);
      for (uint32_t x = columns.first; x < columns.end; ++x, ++at) {
        // Adding 0 makes both zeros one.
        const float hue = CanonicalHue(from[x * hues.channels()]) + 0.0F;
        keys_[at] = kNoKey;
        if (std::isnan(hue)) continue;
        // The bits of numbers from 0 on are in the order of the numbers.
        parts.items[count++] = {.key = std::bit_cast<uint32_t>(hue),
                                .value = at};
      }
    }
    const std::span<const RadixItem> items = RadixSort(
        parts.items.first(count), parts.other.first(count), parts.counts);
    for (size_t i = 0; i < count; ++i) {
      parts.sorted[i] = std::bit_cast<float>(items[i].key);
      keys_[items[i].value] = static_cast<uint32_t>(i);
    }
    sorted_ = parts.sorted.first(count);
  }

  const uint32_t* row(uint32_t y) const {
    return &keys_[size_t{y - rows_.first} * columns_.size()];
  }
  template <typename Work>
  void At(const uint32_t* row, uint32_t x, Work&& work) const {
    const uint32_t key = row[x - columns_.first];
    if (key != kNoKey) work(key);
  }
  uint32_t FirstFrom(float hue) const {
    return static_cast<uint32_t>(
        std::lower_bound(sorted_.begin(), sorted_.end(), hue) -
        sorted_.begin());
  }
  float HueOf(uint32_t key) const { return sorted_[key]; }

 private:
  Extent columns_;
  Extent rows_;
  std::span<uint32_t> keys_;
  std::span<const float> sorted_;
};

// Medians of rows.
template <typename T>
class Medians {
 public:
  Medians(const Axis& columns, const Axis& rows, Histogram histogram)
      : columns_(columns), rows_(rows), histogram_(histogram) {}

  // Puts medians in place of the means of `to`, row `y` of the image, at some
  // columns.
  void Run(const Keys<T>& keys, Extent columns, uint32_t y, size_t channels,
           std::span<T> to) {
    row_count_ = 0;
    rows_.ForEach(y, [&](uint32_t row, int64_t times) {
      for (; times > 0; --times) key_rows_[row_count_++] = keys.row(row);
    });
    const auto add = [&](uint32_t key) { histogram_.Add(key); };
    const auto remove = [&](uint32_t key) { histogram_.Remove(key); };
    columns_.ForEach(columns.first, [&](uint32_t x, int64_t times) {
      for (; times > 0; --times) ForColumn(keys, x, add);
    });
    for (uint32_t x = columns.first; x < columns.end; ++x) {
      if (x > columns.first) {
        columns_.Step(
            x, [&](uint32_t column) { ForColumn(keys, column, add); },
            [&](uint32_t column) { ForColumn(keys, column, remove); });
      }
      T& hue = to[x * channels];
      hue = Median(keys, hue);
    }
    // Whichever takes less time.
    if (histogram_.count() > histogram_.size() / 32) return histogram_.Clear();
    columns_.ForEach(columns.end - 1, [&](uint32_t x, int64_t times) {
      for (; times > 0; --times) ForColumn(keys, x, remove);
    });
  }

 private:
  template <typename Work>
  void ForColumn(const Keys<T>& keys, uint32_t x, const Work& work) {
    for (size_t i = 0; i < row_count_; ++i) keys.At(key_rows_[i], x, work);
  }

  // From the cut on, the median is at rank (count - 1) / 2; in ascending order
  // so many ranks further as there are hues below the cut.
  T Median(const Keys<T>& keys, T mean) const {
    const uint32_t count = histogram_.count();
    if (std::is_same_v<T, float> && count == 0) return mean;  // NaN
    const uint32_t below =
        histogram_.CountBelow(keys.FirstFrom(OppositeHue(mean)));
    return keys.HueOf(histogram_.Find((below + (count - 1) / 2) % count));
  }

  using Row = decltype(std::declval<Keys<T>>().row(0));

  Axis columns_;
  Axis rows_;
  Histogram histogram_;
  std::array<Row, kLargestMedianSide> key_rows_ = {};
  size_t row_count_ = 0;
};

// Float medians that are found from one set of keys, along an axis of windows
// of this side: wide enough that not most of the work is for the hues around
// them.
constexpr uint32_t TileMedians(uint32_t side) {
  return (side <= 101 ? 256 : 512) - (side - 1);
}

// The most hues that one set of keys has, and the bits of these keys.
size_t TileHues(const ImageShape& shape, WindowSize window) {
  return size_t{std::min(TileMedians(window.width) + window.width - 1,
                         shape.width)} *
         (TileMedians(window.height) + window.height - 1);
}
constexpr int TileKeyBits(WindowSize window) {
  return std::max(window.width, window.height) <= 101 ? 16 : 18;
}

// The part of the scratch that is taken for keys.
size_t KeyBytes(const ImageSpec& spec, WindowSize window) {
  switch (spec.sample_type) {
    case SampleType::kU8:
      return Aligned(Histogram::Counters(Keys<uint8_t>::kBits) *
                     sizeof(uint16_t));
    case SampleType::kU16:
      return Aligned(Histogram::Counters(Keys<uint16_t>::kBits) *
                     sizeof(uint16_t));
    case SampleType::kF32:
      break;
  }
  const size_t hues = TileHues(spec.shape, window);
  return Aligned(Histogram::Counters(TileKeyBits(window)) * sizeof(uint16_t)) +
         2 * Aligned(hues * sizeof(RadixItem)) +
         Aligned(kRadixCounts * sizeof(uint32_t)) +
         Aligned(hues * sizeof(uint32_t)) + Aligned(hues * sizeof(float));
}

// Puts medians in place of the means in `target`.
template <typename T>
  requires std::is_integral_v<T>
void MediansForMeans(const Hues<T>& hues, WindowSize /*window*/,
                     const Axis& columns, const Axis& rows,
                     const RowBand<ImageView<T>>& target,
                     std::span<std::byte> scratch) {
  constexpr int kBits = Keys<T>::kBits;
  Medians<T> medians(
      columns, rows,
      Histogram(Take<uint16_t>(scratch, Histogram::Counters(kBits)), kBits));
  const Keys<T> keys(hues);
  const ImageShape& shape = target.rows.shape();
  for (uint32_t y = 0; y < shape.height; ++y) {
    medians.Run(keys, {.first = 0, .end = shape.width}, target.first_row + y,
                shape.channels, target.rows.row(y));
  }
}

// Tile by tile.
void MediansForMeans(const Hues<float>& hues, WindowSize window,
                     const Axis& columns, const Axis& rows,
                     const RowBand<ImageView<float>>& target,
                     std::span<std::byte> scratch) {
  const ImageShape& shape = target.rows.shape();
  const int bits = TileKeyBits(window);
  Medians<float> medians(
      columns, rows,
      Histogram(Take<uint16_t>(scratch, Histogram::Counters(bits)), bits));
  const size_t most = TileHues(shape, window);
  const Keys<float>::Parts parts = {
      .items = Take<RadixItem>(scratch, most),
      .other = Take<RadixItem>(scratch, most),
      .counts = Take<uint32_t>(scratch, kRadixCounts),
      .keys = Take<uint32_t>(scratch, most),
      .sorted = Take<float>(scratch, most)};
  const uint32_t across = TileMedians(window.width);
  const uint32_t down = TileMedians(window.height);
  for (uint32_t y = target.first_row; y < target.end_row(); y += down) {
    const Extent of_rows = {.first = y,
                            .end = std::min(y + down, target.end_row())};
    for (uint32_t x = 0; x < shape.width; x += across) {
      const Extent of_columns = {.first = x,
                                 .end = std::min(x + across, shape.width)};
      const Keys<float> keys(hues, columns.Seen(of_columns), rows.Seen(of_rows),
                             parts);
      for (uint32_t row = of_rows.first; row < of_rows.end; ++row) {
        medians.Run(keys, of_columns, row, shape.channels,
                    target.rows.row(row - target.first_row));
      }
    }
  }
}

}  // namespace

size_t HueMeanScratchBytes(const ImageSpec& spec,
                           const MeanOptions& /*options*/) {
  const uint32_t width = spec.shape.width;
  return spec.sample_type == SampleType::kF32 ? ColumnBytes<float>(width)
                                              : ColumnBytes<uint8_t>(width);
}

template <Sample T>
void HueMean(const RowBand<ImageView<const T>>& source,
             const MeanOptions& options, const RowBand<ImageView<T>>& target,
             std::span<std::byte> scratch) {
  const ImageShape shape = target.rows.shape();
  const Axis columns(options.window.width, shape.width, options.border);
  const Axis rows(options.window.height, source.image_height, options.border);
  Means<T> means(Hues<T>(source), columns, rows,
                 TakeColumns<T>(scratch, shape.width));
  for (uint32_t y = 0; y < shape.height; ++y) {
    means.MoveTo(target.first_row + y);
    means.Write(target.rows.row(y).data());
  }
}

size_t HueMedianScratchBytes(const ImageSpec& spec,
                             const MedianOptions& options) {
  return HueMeanScratchBytes(spec, {.window = options.window}) +
         KeyBytes(spec, options.window);
}

template <Sample T>
void HueMedian(const RowBand<ImageView<const T>>& source,
               const MedianOptions& options,
               const RowBand<ImageView<T>>& target,
               std::span<std::byte> scratch) {
  const WindowSize window = options.window;
  HueMean<T>(source, {.window = window, .border = options.border}, target,
             scratch);
  const uint32_t width = target.rows.shape().width;
  MediansForMeans(Hues<T>(source), window,
                  Axis(window.width, width, options.border),
                  Axis(window.height, source.image_height, options.border),
                  target, scratch.subspan(ColumnBytes<T>(width)));
}

#define INSTANTIATE(T)                                                        \
  template void HueMean(const RowBand<ImageView<const T>>&,                   \
                        const MeanOptions&, const RowBand<ImageView<T>>&,     \
                        std::span<std::byte>);                                \
  template void HueMedian(const RowBand<ImageView<const T>>&,                 \
                          const MedianOptions&, const RowBand<ImageView<T>>&, \
                          std::span<std::byte>)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
