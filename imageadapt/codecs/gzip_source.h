// What is inside a gzip file (RFC 1952), as it is read.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_GZIP_SOURCE_H_
#define IMAGEADAPT_CODECS_GZIP_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "imageadapt/base/byte_stream.h"

// Of ISA-L.
struct inflate_state;  // NOLINT(readability-identifier-naming)

namespace imageadapt {

// Inflates another source by ISA-L, all members one after the other, and
// verifies their checksums. Must not outlive that source.
class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(ByteSource& compressed);
  ~GzipSource() override;

  // Ends early where the compressed bytes are damaged; see problem(). No more
  // is inflated than is asked for.
  absl::StatusOr<std::span<const std::byte>> Next() override;

  // Why Next() has ended: what is wrong, or "" at the true end.
  const char* problem() const { return problem_; }

  // Memory of the library's state, and of the bytes that were inflated.
  static uint64_t WorkingBytes();

 private:
  absl::Status TakeCompressed();
  // Goes on to the next member; false if there is none.
  absl::StatusOr<bool> StartMember();

  ByteSource& compressed_;
  std::unique_ptr<inflate_state> state_;
  std::vector<uint8_t> inflated_;
  bool is_at_end_ = false;  // of the compressed bytes
  bool has_ended_ = false;
  const char* problem_ = "";
};

// Whether a file begins as gzip's do.
bool IsGzip(std::span<const std::byte> head);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_GZIP_SOURCE_H_
