// Reads the fields of a serialized protobuf message without copying them.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_WIRE_READER_H_
#define IMAGEADAPT_RPC_WIRE_READER_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "imageadapt/base/byte_rope.h"

namespace imageadapt {

enum class WireType : uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,
  kFixed32 = 5,
};

struct WireField {
  uint32_t number = 0;
  WireType type = WireType::kVarint;
  // For kVarint.
  uint64_t value = 0;
  // For kBytes: a view of the message.
  ByteRope bytes;
  // Where the whole field, with its tag, stands in the message.
  size_t begin = 0;
  size_t end = 0;
};

// Goes through the fields in the order they were sent, known or not. The
// message must outlive it and the fields. Groups, which no message of ours has
// ever had, are refused.
class WireReader {
 public:
  explicit WireReader(const ByteRope& message) : message_(message) {}

  // Reads the next field, or returns false at the end. INVALID_ARGUMENT
  // (BAD_MESSAGE) if the bytes are no protobuf message, or one of more than
  // 1000 fields.
  absl::StatusOr<bool> Next(WireField& field);

 private:
  absl::StatusOr<uint64_t> ReadVarint(size_t max_bytes);
  absl::StatusOr<ByteRope> ReadBytes(uint64_t size);
  absl::Status Skip(uint64_t size);
  absl::Status Malformed(const char* problem) const;
  void MoveTo(size_t offset);
  std::byte Byte(size_t offset);

  const ByteRope& message_;
  size_t at_ = 0;
  int fields_ = 0;
  // The piece that holds byte at_, and where that piece begins.
  size_t piece_ = 0;
  size_t piece_begin_ = 0;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_WIRE_READER_H_
