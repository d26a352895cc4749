#include "imageadapt/kernels/hue_filters.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>

#include "imageadapt/kernels/hue_vectors.h"

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

// Circular means, row after row.
template <typename T>
class Means {
 public:
  Means(const Hues<T>& hues, const Axis& columns, const Axis& rows,
        std::span<HueSum> sums)
      : hues_(hues), columns_(columns), rows_(rows), sums_(sums) {}

  // Moves to row `y`: any at first, then the next one.
  void MoveTo(uint32_t y) {
    if (!started_) {
      std::fill(sums_.begin(), sums_.end(), HueSum());
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

  // Calls work(x, mean) for all of the row.
  template <typename Work>
  void ForEach(Work&& work) const {
    HueSum window;
    columns_.ForEach(
        0, [&](uint32_t x, int64_t times) { window.Add(sums_[x], times); });
    const T* const middle = hues_.row(row_);
    for (uint32_t x = 0; x < columns_.length(); ++x) {
      if (x > 0) {
        columns_.Step(
            x, [&](uint32_t column) { window.Add(sums_[column], 1); },
            [&](uint32_t column) { window.Add(sums_[column], -1); });
      }
      work(x, HueOfSum(window, middle[x * hues_.channels()]));
    }
  }

 private:
  void AddRow(uint32_t y, int64_t times) {
    const T* const row = hues_.row(y);
    for (size_t x = 0; x < sums_.size(); ++x) {
      sums_[x].Add(HueVector(row[x * hues_.channels()]), times);
    }
  }

  Hues<T> hues_;
  Axis columns_;
  Axis rows_;
  std::span<HueSum> sums_;
  bool started_ = false;
  uint32_t row_ = 0;
};

// Counts keys of kBits bits, and of their first halves.
template <int kBits>
class Histogram {
  static constexpr int kHalfBits = kBits / 2;
  static constexpr uint32_t kHalf = 1U << kHalfBits;

 public:
  static constexpr size_t kCounters = (size_t{1} << kBits) + kHalf;

  // A window has less than 2^16 samples.
  explicit Histogram(std::span<uint16_t> counters)
      : coarse_(counters.first(kHalf)), fine_(counters.subspan(kHalf)) {}

  void Clear() {
    std::fill(coarse_.begin(), coarse_.end(), uint16_t{0});
    std::fill(fine_.begin(), fine_.end(), uint16_t{0});
    count_ = 0;
  }
  void Add(uint32_t key) {
    ++coarse_[key >> kHalfBits];
    ++fine_[key];
    ++count_;
  }
  void Remove(uint32_t key) {
    --coarse_[key >> kHalfBits];
    --fine_[key];
    --count_;
  }

  uint32_t count() const { return count_; }
  uint32_t CountOf(uint32_t key) const { return fine_[key]; }

  uint32_t CountBelow(uint32_t key) const {
    const uint32_t first = key >> kHalfBits << kHalfBits;
    return Sum(coarse_.first(key >> kHalfBits)) +
           Sum(fine_.subspan(first, key - first));
  }

  // The key at `rank` in ascending order, and its rank among equal ones.
  struct Found {
    uint32_t key = 0;
    uint32_t rank = 0;
  };
  Found Find(uint32_t rank) const {
    uint32_t high = 0;
    for (; coarse_[high] <= rank; ++high) rank -= coarse_[high];
    uint32_t key = high << kHalfBits;
    for (; fine_[key] <= rank; ++key) rank -= fine_[key];
    return {.key = key, .rank = rank};
  }

 private:
  static uint32_t Sum(std::span<const uint16_t> counts) {
    uint32_t sum = 0;
    for (const uint16_t count : counts) sum += count;
    return sum;
  }

  std::span<uint16_t> coarse_;
  std::span<uint16_t> fine_;
  uint32_t count_ = 0;
};

// A hue's first bits.
constexpr int kFloatKeyBits = 16;
template <typename T>
constexpr int kKeyBits =
    std::is_same_v<T, uint8_t> ? std::numeric_limits<uint8_t>::digits
                               : kFloatKeyBits;

// Requires a canonical hue. Never falls where hues rise.
uint32_t KeyOf(uint8_t hue) { return hue; }
uint32_t KeyOf(uint16_t hue) { return hue; }
uint32_t KeyOf(float hue) {
  constexpr double kScale = (1 << kFloatKeyBits) / 360.0;
  return static_cast<uint32_t>(hue * kScale);
}

// Calls work(key) unless the hue is left out.
template <typename T, typename Work>
void WithKey(T hue, Work&& work) {
  const T canonical = CanonicalHue(hue);
  if constexpr (std::is_same_v<T, float>) {
    if (std::isnan(canonical)) return;
  }
  work(KeyOf(canonical));
}

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

// Medians of a row.
template <typename T>
class Medians {
 public:
  using RowHistogram = Histogram<kKeyBits<T>>;

  Medians(const Hues<T>& hues, const Axis& columns, uint32_t window_width,
          RowHistogram histogram, std::span<T> candidates)
      : hues_(hues),
        columns_(columns),
        radius_(window_width / 2),
        histogram_(histogram),
        candidates_(candidates) {}

  // Calls work(x, median) for all of row `y`, whose means are given.
  template <typename Work>
  void ForEach(const Axis& rows, uint32_t y, std::span<const T> means,
               Work&& work) {
    row_count_ = 0;
    rows.ForEach(y, [&](uint32_t row, int64_t times) {
      for (; times > 0; --times) rows_[row_count_++] = hues_.row(row);
    });
    histogram_.Clear();
    columns_.ForEach(0, [&](uint32_t x, int64_t times) {
      for (; times > 0; --times) AddColumn(x);
    });
    for (uint32_t x = 0; x < columns_.length(); ++x) {
      if (x > 0) {
        columns_.Step(
            x, [&](uint32_t column) { AddColumn(column); },
            [&](uint32_t column) { RemoveColumn(column); });
      }
      work(x, Median(x, means[x]));
    }
  }

 private:
  void AddColumn(uint32_t x) {
    for (size_t i = 0; i < row_count_; ++i) {
      WithKey(rows_[i][x * hues_.channels()],
              [&](uint32_t key) { histogram_.Add(key); });
    }
  }
  void RemoveColumn(uint32_t x) {
    for (size_t i = 0; i < row_count_; ++i) {
      WithKey(rows_[i][x * hues_.channels()],
              [&](uint32_t key) { histogram_.Remove(key); });
    }
  }

  // From the cut on, the median is at rank (count - 1) / 2; in ascending order
  // so many ranks further as there are hues below the cut.
  T Median(uint32_t x, T mean) {
    const uint32_t count = histogram_.count();
    if (std::is_same_v<T, float> && count == 0) return mean;  // NaN
    const T cut = OppositeHue(mean);
    const uint32_t below =
        histogram_.CountBelow(KeyOf(cut)) + CountBelowInKey(x, cut);
    const auto found = histogram_.Find((below + (count - 1) / 2) % count);
    if constexpr (std::is_same_v<T, float>) {
      return FindInKey(x, found.key, found.rank);
    } else {
      return static_cast<T>(found.key);
    }
  }

  // Calls work(hue) for all hues of the window around x that have a key, for
  // as long as it returns true.
  template <typename Work>
  void ForEachOfKey(uint32_t x, uint32_t key, Work&& work) const {
    const int64_t first = int64_t{x} - radius_;
    bool goes_on = true;
    for (int64_t t = first; t <= first + 2 * radius_ && goes_on; ++t) {
      columns_.At(t, [&](uint32_t column) {
        for (size_t i = 0; i < row_count_ && goes_on; ++i) {
          const T hue = CanonicalHue(rows_[i][column * hues_.channels()]);
          if (!std::isnan(hue) && KeyOf(hue) == key) goes_on = work(hue);
        }
      });
    }
  }

  // A key of an integer is but one hue.
  uint32_t CountBelowInKey(uint32_t x, T cut) const {
    if constexpr (!std::is_same_v<T, float>) return 0;
    const uint32_t key = KeyOf(cut);
    uint32_t left = histogram_.CountOf(key);
    uint32_t below = 0;
    if (left == 0) return 0;
    ForEachOfKey(x, key, [&](T hue) {
      below += hue < cut ? 1 : 0;
      return --left > 0;
    });
    return below;
  }

  T FindInKey(uint32_t x, uint32_t key, uint32_t rank) const {
    const uint32_t all = histogram_.CountOf(key);
    uint32_t count = 0;
    ForEachOfKey(x, key, [&](T hue) {
      candidates_[count++] = hue;
      return count < all;
    });
    const auto wanted = candidates_.begin() + rank;
    std::nth_element(candidates_.begin(), wanted, candidates_.begin() + count);
    return *wanted;
  }

  Hues<T> hues_;
  Axis columns_;
  int64_t radius_;
  RowHistogram histogram_;
  std::span<T> candidates_;
  std::array<const T*, kLargestMedianSide> rows_ = {};
  size_t row_count_ = 0;
};

// How many hues of one key a window may have.
template <typename T>
size_t CandidatesOf(WindowSize window) {
  return std::is_same_v<T, float> ? size_t{window.width} * window.height : 0;
}

template <typename T>
size_t MedianBytes(const ImageShape& shape, WindowSize window) {
  return Aligned(shape.width * sizeof(HueSum)) +
         Aligned(shape.width * sizeof(T)) +
         Aligned(Histogram<kKeyBits<T>>::kCounters * sizeof(uint16_t)) +
         Aligned(CandidatesOf<T>(window) * sizeof(T));
}

}  // namespace

size_t HueMeanScratchBytes(const ImageSpec& spec,
                           const MeanOptions& /*options*/) {
  return Aligned(spec.shape.width * sizeof(HueSum));
}

template <Sample T>
void HueMean(const RowBand<ImageView<const T>>& source,
             const MeanOptions& options, const RowBand<ImageView<T>>& target,
             std::span<std::byte> scratch) {
  const ImageShape shape = target.rows.shape();
  const Axis columns(options.window.width, shape.width, options.border);
  const Axis rows(options.window.height, source.image_height, options.border);
  Means<T> means(Hues<T>(source), columns, rows,
                 Take<HueSum>(scratch, shape.width));
  for (uint32_t y = 0; y < shape.height; ++y) {
    means.MoveTo(target.first_row + y);
    const std::span<T> to = target.rows.row(y);
    means.ForEach([&](size_t x, T mean) { to[x * shape.channels] = mean; });
  }
}

size_t HueMedianScratchBytes(const ImageSpec& spec,
                             const MedianOptions& options) {
  switch (spec.sample_type) {
    case SampleType::kU8:
      return MedianBytes<uint8_t>(spec.shape, options.window);
    case SampleType::kU16:
      return MedianBytes<uint16_t>(spec.shape, options.window);
    case SampleType::kF32:
      return MedianBytes<float>(spec.shape, options.window);
  }
  return 0;
}

template <Sample T>
void HueMedian(const RowBand<ImageView<const T>>& source,
               const MedianOptions& options,
               const RowBand<ImageView<T>>& target,
               std::span<std::byte> scratch) {
  using RowHistogram = typename Medians<T>::RowHistogram;
  const ImageShape shape = target.rows.shape();
  const Hues<T> hues(source);
  const Axis columns(options.window.width, shape.width, options.border);
  const Axis rows(options.window.height, source.image_height, options.border);
  Means<T> means(hues, columns, rows, Take<HueSum>(scratch, shape.width));
  const std::span<T> mean_row = Take<T>(scratch, shape.width);
  const std::span<uint16_t> counters =
      Take<uint16_t>(scratch, RowHistogram::kCounters);
  Medians<T> medians(hues, columns, options.window.width,
                     RowHistogram(counters),
                     Take<T>(scratch, CandidatesOf<T>(options.window)));
  for (uint32_t y = 0; y < shape.height; ++y) {
    means.MoveTo(target.first_row + y);
    means.ForEach([&](uint32_t x, T mean) { mean_row[x] = mean; });
    const std::span<T> to = target.rows.row(y);
    medians.ForEach(
        rows, target.first_row + y, mean_row,
        [&](size_t x, T median) { to[x * shape.channels] = median; });
  }
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
