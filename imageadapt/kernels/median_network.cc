#include "imageadapt/kernels/median_network.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <utility>

#include "imageadapt/kernels/median_network_rows.h"
#include "imageadapt/kernels/rank_median.h"

namespace imageadapt {
namespace {

constexpr size_t kAlignment = 64;
// Rows of medians at a time: their source stays in the second-level cache while
// columns of windows walk down.
constexpr size_t kBlockRows = 64;
constexpr size_t kMostRadius = kLargestNetworkWindow / 2;
constexpr size_t kMostSourceRows = kBlockRows + 2 * kMostRadius;
// Samples in a row of a small copy: at least a vector of 64 bytes, and the
// neighbours of its ends; or a block's rows side by side, and theirs.
constexpr size_t kCopySamples = 128;
static_assert(kCopySamples >= 64 + 2 * kMostRadius * kMaxChannels);
static_assert(kCopySamples >= kMostSourceRows);
constexpr size_t kCopyRows = kMostSourceRows + kBlockRows;

template <typename T>
constexpr T Lowest() {
  return std::is_same_v<T, float> ? -std::numeric_limits<T>::infinity() : T{0};
}
template <typename T>
constexpr T Highest() {
  return std::is_same_v<T, float> ? std::numeric_limits<T>::infinity()
                                  : std::numeric_limits<T>::max();
}

constexpr size_t Aligned(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// What the filter works in, in this order.
struct ScratchSizes {
  size_t network = 0;     // bytes
  size_t board_row = 0;   // bytes of each of two rows of a chessboard
  size_t other_rows = 0;  // bytes of medians on the other chessboard
  size_t copies = 0;      // bytes
  size_t marks = 0;       // bytes

  ScratchSizes(size_t row_samples, size_t sample_bytes,
               const MedianOptions& options) {
    const size_t radius = options.window.width / 2;
    network = NetworkScratchVectors(options.window.width) * kAlignment;
    if (options.border == BorderMode::kClip) {
      board_row = Aligned(row_samples * sample_bytes);
      other_rows = radius * board_row;
    }
    copies = Aligned(kCopyRows * kCopySamples * sample_bytes);
    if (sample_bytes == sizeof(float)) marks = Aligned(row_samples);
  }
  size_t total() const {
    return network + 2 * board_row + other_rows + copies + marks;
  }
};

bool HasNan(std::span<const float> values) {
  // Not std::any_of: this way the compiler makes it vectors.
  unsigned count = 0;
  for (const float value : values) count += value != value ? 1U : 0U;
  return count != 0;
}

template <typename T>
class NetworkFilter {
 public:
  NetworkFilter(const RowBand<ImageView<const T>>& source,
                const MedianOptions& options,
                const RowBand<ImageView<T>>& target,
                std::span<std::byte> scratch)
      : source_(source),
        target_(target),
        border_(options.border),
        side_(options.window.width),
        radius_(options.window.width / 2),
        width_(target.rows.shape().width),
        height_(source.image_height),
        channels_(target.rows.shape().channels),
        row_samples_(RowSamples(target.rows.shape())) {
    const ScratchSizes sizes(RowSamples(target.rows.shape()), sizeof(T),
                             options);
    std::byte* next = scratch.data();
    const auto take = [&](size_t bytes) {
      return reinterpret_cast<T*>(std::exchange(next, next + bytes));
    };
    network_ = reinterpret_cast<std::byte*>(take(sizes.network));
    board_ = {take(sizes.board_row), take(sizes.board_row)};
    other_row_samples_ = sizes.board_row / sizeof(T);
    other_rows_ = take(sizes.other_rows);
    copies_ = take(sizes.copies);
    std::fill_n(copies_, sizes.copies / sizeof(T), T{0});
    marks_ = reinterpret_cast<uint8_t*>(take(sizes.marks));
    rank_scratch_ = scratch.subspan(sizes.total());
  }

  void Run() {
    const uint32_t end = target_.end_row();
    for (int64_t y = target_.first_row; y < end; y += kBlockRows) {
      Block(y, std::min<int64_t>(y + kBlockRows, end));
    }
  }

 private:
  // The rows [first, end) of the image.
  void Block(int64_t first, int64_t end) {
    bool unusual = false;
    // Windows that have all their columns.
    if (border_ == BorderMode::kClip) {
      const int64_t upper = std::clamp<int64_t>(radius_, first, end);
      const int64_t lower = std::clamp<int64_t>(height_ - radius_, first, end);
      unusual |= ClippedRows(first, upper);
      unusual |= WholeRows(upper, lower);
      unusual |= ClippedRows(lower, end);
    } else {
      unusual |= WholeRows(first, end);
    }
    if (border_ == BorderMode::kClip) FillBoardColumns(first);
    for (uint32_t c = 0; c < channels_; ++c) {
      unusual |= EdgeColumns(first, end, 0, c);
      unusual |= EdgeColumns(first, end, width_ - radius_, c);
    }
    if constexpr (std::is_same_v<T, float>) {
      if (unusual && !LeaveOutNan(first, end)) RankRows(first, end);
    }
  }

  const T* SourceRow(int64_t y) const {
    return source_.rows.row(static_cast<uint32_t>(y) - source_.first_row)
        .data();
  }
  T* TargetRow(int64_t y) const {
    return target_.rows.row(static_cast<uint32_t>(y) - target_.first_row)
        .data();
  }
  bool IsInside(int64_t y) const { return y >= 0 && y < height_; }

  // A row outside the image, on a chessboard whose square of column 0 and row
  // `board` is low.
  const T* BoardRow(int64_t y, int64_t board) {
    if (!has_board_) {
      for (size_t i = 0; i < row_samples_; ++i) {
        const bool even = i / channels_ % 2 == 0;
        board_[0][i] = even ? Lowest<T>() : Highest<T>();
        board_[1][i] = even ? Highest<T>() : Lowest<T>();
      }
      has_board_ = true;
    }
    return board_[static_cast<size_t>((y + board) & 1)];
  }

  // Points `source` at the rows of the windows of rows [first, end).
  void FindSourceRows(int64_t first, int64_t end, int64_t board) {
    for (int64_t i = 0; i < end - first + 2 * radius_; ++i) {
      const int64_t y = first - radius_ + i;
      const T* row = nullptr;
      if (IsInside(y)) {
        row = SourceRow(y);
      } else if (border_ == BorderMode::kClip) {
        row = BoardRow(y, board);
      } else {
        row = SourceRow(
            BorderPosition(y, static_cast<uint32_t>(height_), border_));
      }
      source_rows_[static_cast<size_t>(i)] = row;
    }
  }

  // The medians of `count` rows of `samples`, from source_rows_ to
  // target_rows_.
  bool Medians(size_t count, size_t samples, size_t step) {
    // Rows that are read for nothing.
    const size_t used = count + side_ - 1;
    std::fill_n(source_rows_.begin() + static_cast<long>(used),
                NetworkRows<T>::kRowMultiple, source_rows_[used - 1]);
    return MediansOfRows(NetworkRows<T>{.side = side_,
                                        .step = step,
                                        .samples = samples,
                                        .rows = count,
                                        .source = source_rows_.data(),
                                        .target = target_rows_.data()},
                         network_);
  }

  // The medians of rows [first, end) whose windows have all columns. Rows
  // outside the image are those of a chessboard.
  bool WholeRows(int64_t first, int64_t end, int64_t board = 0,
                 bool to_other_rows = false) {
    const size_t samples = (width_ - 2 * radius_) * channels_;
    if (first >= end || samples == 0) return false;
    const auto count = static_cast<size_t>(end - first);
    FindSourceRows(first, end, board);
    for (size_t i = 0; i < count; ++i) {
      T* const row = to_other_rows ? other_rows_ + i * other_row_samples_
                                   : TargetRow(first + static_cast<long>(i));
      target_rows_[i] = row + radius_ * channels_;
    }
    if (samples >= NetworkRows<T>::kLeastSamples) {
      return Medians(count, samples, channels_);
    }
    // Rows shorter than a vector, by way of longer copies.
    for (size_t i = 0; i < count + side_ - 1; ++i) {
      std::copy_n(source_rows_[i], row_samples_, Copied(i));
      source_rows_[i] = Copied(i);
    }
    const std::array<T*, kBlockRows> targets = target_rows_;
    for (size_t i = 0; i < count; ++i) {
      target_rows_[i] = Copied(kMostSourceRows + i);
    }
    const bool unusual =
        Medians(count, NetworkRows<T>::kLeastSamples, channels_);
    for (size_t i = 0; i < count; ++i) {
      std::copy_n(target_rows_[i], samples, targets[i]);
    }
    return unusual;
  }

  // The same for rows whose windows lack some: once for each chessboard, and
  // each window has a corner on a low square of one of them.
  bool ClippedRows(int64_t first, int64_t end) {
    if (first >= end) return false;
    WholeRows(first, end, 0);
    WholeRows(first, end, 1, true);
    for (int64_t y = first; y < end; ++y) {
      const T* const other = other_rows_ + (y - first) * other_row_samples_;
      T* const row = TargetRow(y);
      const int64_t first_x = radius_ + ((radius_ + y + 1) & 1);
      for (int64_t x = first_x; x < width_ - radius_; x += 2) {
        for (int64_t c = 0; c < channels_; ++c) {
          row[x * channels_ + c] = other[x * channels_ + c];
        }
      }
    }
    return true;
  }

  T* Copied(size_t row) const { return copies_ + row * kCopySamples; }

  // The medians of `radius_` columns from `first_column` on, at the left or the
  // right edge, of rows [first, end). Their columns are made rows, so that
  // vectors are full.
  bool EdgeColumns(int64_t first, int64_t end, int64_t first_column,
                   uint32_t channel) {
    const auto count = static_cast<size_t>(end - first);
    const int64_t first_real = first_column == 0 ? 0 : width_ - 2 * radius_;
    const bool unusual = CopyColumns(first, end, first_real, channel);
    const int64_t boards = border_ == BorderMode::kClip ? 2 : 1;
    for (int64_t board = 0; board < boards; ++board) {
      if (border_ == BorderMode::kClip) {
        FillOutsideRows(first, end, first_real, board);
      }
      for (int64_t i = 0; i < 3 * radius_; ++i) {
        source_rows_[static_cast<size_t>(i)] =
            CopiedColumn(first_column - radius_ + i, first_real, board);
      }
      for (int64_t i = 0; i < radius_; ++i) {
        target_rows_[static_cast<size_t>(i)] =
            Copied(2 * kMostRadius + 2 + static_cast<size_t>(i));
      }
      Medians(static_cast<size_t>(radius_),
              std::max(count, NetworkRows<T>::kLeastSamples), 1);
      for (int64_t i = 0; i < radius_; ++i) {
        const int64_t x = first_column + i;
        for (int64_t y = first; y < end; ++y) {
          if (boards == 2 && ((x + y + board) & 1) != 0) continue;
          TargetRow(y)[x * channels_ + channel] =
              target_rows_[static_cast<size_t>(i)][y - first];
        }
      }
    }
    return unusual;
  }

  // Copies 2 * radius_ columns from `first_column` on, of the rows that the
  // windows of rows [first, end) touch: a row of copies_ for each. Returns
  // whether there is a NaN.
  bool CopyColumns(int64_t first, int64_t end, int64_t first_column,
                   uint32_t channel) {
    const auto columns = static_cast<size_t>(2 * radius_);
    for (int64_t y = first - radius_; y < end + radius_; ++y) {
      int64_t from = y;
      if (!IsInside(y)) {
        if (border_ == BorderMode::kClip) continue;
        from = BorderPosition(y, static_cast<uint32_t>(height_), border_);
      }
      const T* const row = SourceRow(from) + first_column * channels_ + channel;
      T* const copy = copies_ + (y - first + radius_);
      for (size_t i = 0; i < columns; ++i) {
        copy[i * kCopySamples] = row[i * channels_];
      }
    }
    if constexpr (std::is_same_v<T, float>) {
      return HasNan({copies_, columns * kCopySamples});
    }
    return false;
  }

  // A chessboard's columns, made rows that begin at row first - radius_: one
  // that is low in even rows, and one that is so in odd rows.
  void FillBoardColumns(int64_t first) {
    const auto from = static_cast<size_t>((first - radius_) & 1);
    for (size_t i = 0; i < 2; ++i) {
      T* const copy = BoardColumn(i);
      for (size_t y = 0; y < kCopySamples; ++y) {
        copy[y] = (from + y + i) % 2 == 0 ? Lowest<T>() : Highest<T>();
      }
    }
  }
  T* BoardColumn(size_t odd) const { return Copied(2 * kMostRadius + odd); }

  // Puts a chessboard into the copied columns where rows are outside the image.
  void FillOutsideRows(int64_t first, int64_t end, int64_t first_column,
                       int64_t board) {
    const auto fill = [&](int64_t y) {
      for (int64_t i = 0; i < 2 * radius_; ++i) {
        const auto odd = static_cast<size_t>((first_column + i + board) & 1);
        T* const copy = Copied(static_cast<size_t>(i));
        copy[y - first + radius_] = BoardColumn(odd)[y - first + radius_];
      }
    };
    for (int64_t y = first - radius_; y < 0; ++y) fill(y);
    for (int64_t y = height_; y < end + radius_; ++y) fill(y);
  }

  // The copy that stands for column `x`.
  const T* CopiedColumn(int64_t x, int64_t first_real, int64_t board) const {
    if (x >= 0 && x < width_)
      return Copied(static_cast<size_t>(x - first_real));
    if (border_ == BorderMode::kClip) {
      return BoardColumn(static_cast<size_t>((x + board) & 1));
    }
    return Copied(BorderPosition(x, static_cast<uint32_t>(width_), border_) -
                  static_cast<size_t>(first_real));
  }

  // Does rows [first, end) again, whatever they hold.
  void RankRows(int64_t first, int64_t end) {
    const auto y = static_cast<uint32_t>(first);
    const auto side = static_cast<uint32_t>(side_);
    RankMedian<T>(source_, {.window = {side, side}, .border = border_},
                  {.rows = target_.rows.Rows(y - target_.first_row,
                                             static_cast<uint32_t>(end) - y),
                   .first_row = y,
                   .image_height = target_.image_height},
                  rank_scratch_);
  }

  // Does the windows with NaN in rows [first, end) again. False, and not all
  // done, if they are so many that ranks take less time.
  bool LeaveOutNan(int64_t first, int64_t end) {
    // A window costs about 12 ns for each of its samples, ranks 24 ns.
    windows_left_ =
        2 * static_cast<size_t>(end - first) * row_samples_ / (side_ * side_);
    std::array<bool, kMostSourceRows> has_nan = {};
    const int64_t top = std::max<int64_t>(first - radius_, 0);
    const int64_t bottom = std::min(end + radius_, height_);
    for (int64_t y = top; y < bottom; ++y) {
      has_nan[static_cast<size_t>(y - top)] =
          HasNan({SourceRow(y), row_samples_});
    }
    for (int64_t y = first; y < end; ++y) {
      const int64_t above = std::max<int64_t>(y - radius_, 0);
      const int64_t below = std::min(y + radius_ + 1, height_);
      bool any = false;
      for (int64_t v = above; v < below; ++v) {
        any |= has_nan[static_cast<size_t>(v - top)];
      }
      if (any && !LeaveOutNanInRow(y, above, below)) return false;
    }
    return true;
  }

  // `marks_` tells in which columns of the windows a NaN is.
  bool LeaveOutNanInRow(int64_t y, int64_t above, int64_t below) {
    const size_t samples = row_samples_;
    std::fill_n(marks_, samples, uint8_t{0});
    for (int64_t v = above; v < below; ++v) {
      const T* const row = SourceRow(v);
      for (size_t i = 0; i < samples; ++i) {
        marks_[i] = static_cast<uint8_t>(marks_[i] | (row[i] != row[i]));
      }
    }
    for (int64_t c = 0; c < channels_; ++c) {
      int64_t nearest = -1;  // the last marked column up to x + radius_
      for (int64_t x = -radius_; x < width_; ++x) {
        const int64_t column = x + radius_;
        if (column < width_ && marks_[column * channels_ + c] != 0) {
          nearest = column;
        }
        if (x < 0 || nearest < 0 || nearest < x - radius_) continue;
        if (windows_left_ == 0) return false;
        --windows_left_;
        TargetRow(y)[x * channels_ + c] = MedianOfNumbers(x, y, c);
      }
    }
    return true;
  }

  // The exact median of one window with NaN.
  T MedianOfNumbers(int64_t x, int64_t y, int64_t channel) const {
    std::array<T, kLargestNetworkWindow * kLargestNetworkWindow> values;
    size_t count = 0;
    for (int64_t v = y - radius_; v <= y + radius_; ++v) {
      if (border_ == BorderMode::kClip && !IsInside(v)) continue;
      const T* const row = SourceRow(
          IsInside(v)
              ? v
              : BorderPosition(v, static_cast<uint32_t>(height_), border_));
      for (int64_t u = x - radius_; u <= x + radius_; ++u) {
        int64_t column = u;
        if (u < 0 || u >= width_) {
          if (border_ == BorderMode::kClip) continue;
          column = BorderPosition(u, static_cast<uint32_t>(width_), border_);
        }
        const T value = row[column * channels_ + channel];
        if (value == value) values[count++] = value;
      }
    }
    if (count == 0) return std::numeric_limits<T>::quiet_NaN();
    const auto middle = values.begin() + static_cast<long>((count - 1) / 2);
    std::nth_element(values.begin(), middle,
                     values.begin() + static_cast<long>(count));
    return *middle + T{0};  // zeros without a sign
  }

  const RowBand<ImageView<const T>>& source_;
  const RowBand<ImageView<T>>& target_;
  BorderMode border_;
  size_t side_;
  int64_t radius_;
  int64_t width_;
  int64_t height_;
  int64_t channels_;
  size_t row_samples_;

  std::byte* network_ = nullptr;
  std::array<T*, 2> board_ = {};
  bool has_board_ = false;
  size_t other_row_samples_ = 0;
  T* other_rows_ = nullptr;
  T* copies_ = nullptr;
  uint8_t* marks_ = nullptr;
  std::span<std::byte> rank_scratch_;
  size_t windows_left_ = 0;  // that may be done one by one
  std::array<const T*, kMostSourceRows + NetworkRows<T>::kRowMultiple>
      source_rows_ = {};
  std::array<T*, kBlockRows> target_rows_ = {};
};

}  // namespace

bool HasMedianNetwork(const MedianOptions& options, uint32_t image_width,
                      uint32_t image_height) {
  const uint32_t side = options.window.width;
  return options.window.height == side && side >= 3 &&
         side <= kLargestNetworkWindow && image_width >= side &&
         image_height >= side;
}

size_t NetworkMedianScratchBytes(const ImageSpec& spec,
                                 const MedianOptions& options) {
  const size_t bytes = ScratchSizes(RowSamples(spec.shape),
                                    SampleBytes(spec.sample_type), options)
                           .total();
  return spec.sample_type == SampleType::kF32
             ? bytes + RankMedianScratchBytes(spec, options)
             : bytes;
}

template <Sample T>
void NetworkMedian(const RowBand<ImageView<const T>>& source,
                   const MedianOptions& options,
                   const RowBand<ImageView<T>>& target,
                   std::span<std::byte> scratch) {
  NetworkFilter<T>(source, options, target, scratch).Run();
}

#define INSTANTIATE(T)                                          \
  template void NetworkMedian(                                  \
      const RowBand<ImageView<const T>>&, const MedianOptions&, \
      const RowBand<ImageView<T>>&, std::span<std::byte>)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
