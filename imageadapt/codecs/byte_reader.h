// Reads a source in pieces of the reader's own size.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_BYTE_READER_H_
#define IMAGEADAPT_CODECS_BYTE_READER_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "imageadapt/base/byte_stream.h"

namespace imageadapt {

// Must not outlive its source. Whatever is read is true if all of it was there,
// false at the end of the source or if that fails; see Failure().
class ByteReader {
 public:
  explicit ByteReader(ByteSource& source) : source_(source) {}

  [[nodiscard]] bool Fill(std::span<std::byte> target);
  [[nodiscard]] bool Fill(std::span<uint8_t> target) {
    return Fill(std::as_writable_bytes(target));
  }

  [[nodiscard]] bool Skip(uint64_t count);

  // Some of the next bytes, uncopied and valid until the next call: as many as
  // are at hand, but no more than `most` and at least one.
  [[nodiscard]] bool Some(size_t most, std::span<const std::byte>& bytes);

  [[nodiscard]] bool ReadByte(uint8_t& target) {
    if (ready_.empty() && !TakeNext()) return false;
    target = static_cast<uint8_t>(ready_.front());
    ready_ = ready_.subspan(1);
    return true;
  }

  // Bytes that the source has given and nobody has read.
  size_t bytes_ready() const { return ready_.size(); }

  // The source's own error, if there is one.
  const absl::Status& source_status() const { return source_status_; }

  // Why reading has stopped: the source's own error, or else `at_end`.
  absl::Status Failure(const absl::Status& at_end) const {
    return source_status_.ok() ? at_end : source_status_;
  }

 private:
  bool TakeNext();

  ByteSource& source_;
  std::span<const std::byte> ready_;
  absl::Status source_status_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_BYTE_READER_H_
