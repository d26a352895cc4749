// The bytes of a DICOM file, in order, inflated where its transfer syntax says
// so.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_DICOM_STREAM_H_
#define IMAGEADAPT_CODECS_DICOM_STREAM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "absl/status/status.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/codecs/byte_reader.h"

namespace imageadapt {

// Must not outlive its source.
class DicomStream {
 public:
  explicit DicomStream(ByteSource& source);
  ~DicomStream();

  // True if all of it was there; see Failure().
  [[nodiscard]] bool Fill(std::span<std::byte> target) {
    at_ += target.size();
    return reader_->Fill(target);
  }
  [[nodiscard]] bool Skip(uint64_t count) {
    at_ += count;
    return reader_->Skip(count);
  }

  // Makes bytes the next ones again; the last that were read, once.
  void PutBack(std::span<const std::byte, 4> bytes);
  [[nodiscard]] bool FillTag(std::span<std::byte, 4> bytes);

  // What follows, put back bytes among it, is raw deflate (RFC 1951).
  void Inflate();
  bool is_inflating() const { return inflated_ != nullptr; }

  // Bytes read or skipped so far.
  uint64_t at() const { return at_; }

  // How many bytes follow at most, if that is known; of inflated ones it is
  // not.
  std::optional<uint64_t> bytes_left() const;

  uint64_t working_bytes() const;

  // Why reading has stopped: the source's own error, or else `at_end`.
  absl::Status Failure(const absl::Status& at_end) const;

 private:
  class InflateSource;

  ByteSource& source_;
  ByteReader plain_;
  std::unique_ptr<InflateSource> inflated_;
  std::optional<ByteReader> inflated_reader_;
  ByteReader* reader_ = &plain_;
  std::array<std::byte, 4> put_back_ = {};
  bool has_put_back_ = false;
  uint64_t at_ = 0;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_DICOM_STREAM_H_
