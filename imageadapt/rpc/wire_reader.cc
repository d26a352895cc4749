#include "imageadapt/rpc/wire_reader.h"

#include <algorithm>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

constexpr size_t kMaxTagBytes = 5;
constexpr size_t kMaxVarintBytes = 10;

// Our messages have less than ten. Reading endless small fields would keep a
// worker busy long after the call is over.
constexpr int kMaxFields = 1000;

}  // namespace

absl::Status WireReader::Malformed(const char* problem) const {
  return Refusal(absl::StatusCode::kInvalidArgument, kBadMessage,
                 "the message is no protobuf message of this method: ", problem,
                 " at byte ", at_);
}

// Requires that there is such a byte and that offsets only grow.
void WireReader::MoveTo(size_t offset) {
  while (offset - piece_begin_ >= message_.pieces()[piece_].size()) {
    piece_begin_ += message_.pieces()[piece_].size();
    ++piece_;
  }
}

std::byte WireReader::Byte(size_t offset) {
  MoveTo(offset);
  return message_.pieces()[piece_][offset - piece_begin_];
}

absl::StatusOr<uint64_t> WireReader::ReadVarint(size_t max_bytes) {
  uint64_t value = 0;
  for (size_t i = 0; i < max_bytes; ++i) {
    if (at_ == message_.size()) return Malformed("it ends within a number");
    const auto byte = std::to_integer<uint64_t>(Byte(at_++));
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return value;
  }
  return Malformed("a number is too long");
}

absl::Status WireReader::Skip(uint64_t size) {
  if (size > message_.size() - at_) {
    return Malformed("a field is longer than the rest of the message");
  }
  at_ += size;
  return absl::OkStatus();
}

absl::StatusOr<ByteRope> WireReader::ReadBytes(uint64_t size) {
  const size_t begin = at_;
  RETURN_IF_ERROR(Skip(size));
  ByteRope bytes;
  if (size == 0) return bytes;
  MoveTo(begin);
  size_t offset = begin - piece_begin_;
  for (size_t piece = piece_; bytes.size() < size; ++piece, offset = 0) {
    const auto rest = message_.pieces()[piece].subspan(offset);
    bytes.Append(
        rest.first(std::min<uint64_t>(rest.size(), size - bytes.size())));
  }
  return bytes;
}

absl::StatusOr<bool> WireReader::Next(WireField& field) {
  if (at_ == message_.size()) return false;
  if (++fields_ > kMaxFields) {
    return Malformed("it has more than 1000 fields");
  }
  field.begin = at_;
  ASSIGN_OR_RETURN(const uint64_t tag, ReadVarint(kMaxTagBytes));
  if (tag >> 32 != 0 || tag >> 3 == 0) return Malformed("a bad field number");
  field.number = static_cast<uint32_t>(tag >> 3);
  field.value = 0;
  field.bytes = ByteRope();
  switch (tag & 7) {
    case 0: {
      ASSIGN_OR_RETURN(field.value, ReadVarint(kMaxVarintBytes));
      break;
    }
    case 1:
      RETURN_IF_ERROR(Skip(sizeof(uint64_t)));
      break;
    case 2: {
      ASSIGN_OR_RETURN(const uint64_t size, ReadVarint(kMaxVarintBytes));
      ASSIGN_OR_RETURN(field.bytes, ReadBytes(size));
      break;
    }
    case 5:
      RETURN_IF_ERROR(Skip(sizeof(uint32_t)));
      break;
    default:
      return Malformed("a field of unknown kind");
  }
  field.type = static_cast<WireType>(tag & 7);
  field.end = at_;
  return true;
}

}  // namespace imageadapt
