// The rows of one picture in a PNG file, unfiltered but still packed.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_PNG_ROWS_H_
#define IMAGEADAPT_CODECS_PNG_ROWS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "imageadapt/codecs/png_filter.h"
#include "imageadapt/codecs/png_inflater.h"

namespace imageadapt {

class PngRows {
 public:
  explicit PngRows(PngInflater& inflater) : inflater_(inflater) {}

  // Starts `rows` rows of so many bytes, with no row above the first.
  void Start(size_t row_bytes, size_t filter_bytes, uint32_t rows) {
    row_bytes_ = row_bytes;
    filter_bytes_ = filter_bytes;
    rows_left_ = rows;
    at_hand_ = 0;
    next_ = 0;
    problem_ = "";
    rows_at_once_ = std::clamp<size_t>(kAtOnceBytes / (row_bytes + 1), 1,
                                       std::max<uint32_t>(rows, 1));
    buffer_.resize(rows_at_once_ * (row_bytes + 1));
    above_.assign(row_bytes, 0);
  }

  // Bytes that this holds for rows of `row_bytes`.
  static uint64_t WorkingBytes(uint64_t row_bytes) {
    return std::max<uint64_t>(kAtOnceBytes, row_bytes + 1) + row_bytes;
  }

  // Sets `row`, valid until the next call. Returns what is wrong, or "".
  // Requires that one is left.
  const char* Next(std::span<const uint8_t>& row) {
    if (next_ == at_hand_ && *problem_ == '\0') Refill();
    if (next_ == at_hand_) return problem_;
    uint8_t* const bytes = &buffer_[next_ * (row_bytes_ + 1)];
    if (bytes[0] >= kPngFilters) return "a row has an unknown filter";
    const std::span samples(bytes + 1, row_bytes_);
    const std::span<const uint8_t> above =
        next_ == 0 ? std::span<const uint8_t>(above_)
                   : std::span<const uint8_t>(samples.data() - row_bytes_ - 1,
                                              row_bytes_);
    UndoPngFilter(static_cast<PngFilter>(bytes[0]), samples, above,
                  filter_bytes_);
    ++next_;
    row = samples;
    return "";
  }

 private:
  // About as much as fits in a second-level cache beside what inflates it.
  static constexpr size_t kAtOnceBytes = size_t{128} << 10;

  // Where the data are broken, what comes before is still given.
  void Refill() {
    if (at_hand_ > 0) {
      std::memcpy(above_.data(),
                  &buffer_[(at_hand_ - 1) * (row_bytes_ + 1) + 1], row_bytes_);
    }
    at_hand_ = std::min<size_t>(rows_at_once_, rows_left_);
    rows_left_ -= static_cast<uint32_t>(at_hand_);
    next_ = 0;
    problem_ =
        inflater_.Read(std::span(buffer_).first(at_hand_ * (row_bytes_ + 1)));
    if (*problem_ != '\0') {
      at_hand_ -= (inflater_.missing_bytes() + row_bytes_) / (row_bytes_ + 1);
    }
  }

  PngInflater& inflater_;
  size_t row_bytes_ = 0;
  size_t filter_bytes_ = 1;
  uint32_t rows_left_ = 0;  // not yet inflated
  size_t rows_at_once_ = 1;
  size_t at_hand_ = 0;
  const char* problem_ = "";  // behind them
  size_t next_ = 0;
  std::vector<uint8_t> buffer_;  // rows with their filters' bytes
  std::vector<uint8_t> above_;   // the last row of the buffer before
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_PNG_ROWS_H_
