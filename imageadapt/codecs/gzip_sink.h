// Makes a gzip file (RFC 1952) of what is written to it.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_GZIP_SINK_H_
#define IMAGEADAPT_CODECS_GZIP_SINK_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/parallel.h"
#include "imageadapt/codecs/codec.h"

namespace imageadapt {

// Deflates in pieces, side by side on all threads. What is written does not
// depend on how many there are. Must not outlive the other sink.
class GzipSink final : public ByteSink {
 public:
  // `parallel` can be null.
  GzipSink(ByteSink& target, EncodeOptions::Effort effort, Parallel* parallel);

  // RESOURCE_EXHAUSTED if there is no memory.
  absl::Status Begin();

  absl::Status Append(std::span<const std::byte> bytes) override;

  // Ends the file. Nothing may be appended after it.
  absl::Status Finish();

  static uint64_t WorkingBytes(EncodeOptions::Effort effort,
                               const Parallel* parallel);

 private:
  // Of blocks that wait for the next piece.
  static constexpr size_t kIdleBytes = size_t{8} << 20;

  struct Piece {
    Buffer deflated;
    size_t deflated_bytes = 0;
  };

  absl::Status WritePieces();

  ByteSink& target_;
  const EncodeOptions::Effort effort_;
  Parallel* const parallel_;
  BufferPool buffers_{kIdleBytes};
  std::vector<Piece> pieces_;
  Buffer waiting_;
  size_t waiting_bytes_ = 0;
  uint32_t crc_ = 0;
  uint64_t size_ = 0;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_GZIP_SINK_H_
