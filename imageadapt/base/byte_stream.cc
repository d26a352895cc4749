#include "imageadapt/base/byte_stream.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

// Large enough that a picture is few blocks, small enough that a small answer
// does not hold much. At this size blocks come from the pool.
constexpr size_t kBlockBytes = size_t{256} << 10;

absl::Status TooMuch(uint64_t max_bytes) {
  return absl::OutOfRangeError(absl::StrCat("more than ", max_bytes, " bytes"));
}

}  // namespace

absl::StatusOr<std::span<const std::byte>> RopeSource::Next() {
  if (next_ == rope_.pieces().size()) return std::span<const std::byte>();
  const std::span<const std::byte> piece = rope_.pieces()[next_++];
  bytes_left_ -= piece.size();
  return piece;
}

absl::Status ByteSink::AppendBuffer(Buffer block) {
  return Append(block.span());
}

absl::Status BufferSink::Append(std::span<const std::byte> bytes) {
  if (bytes.size() > max_bytes_ - size_) return TooMuch(max_bytes_);
  while (!bytes.empty()) {
    if (open_ == 0 || open_ == blocks_.back().size()) {
      ASSIGN_OR_RETURN(Buffer block, pool_.Take(kBlockBytes));
      blocks_.push_back(std::move(block));
      open_ = 0;
    }
    const Buffer& block = blocks_.back();
    const size_t taken = std::min(bytes.size(), block.size() - open_);
    std::memcpy(block.data() + open_, bytes.data(), taken);
    open_ += taken;
    size_ += taken;
    bytes = bytes.subspan(taken);
  }
  return absl::OkStatus();
}

absl::Status BufferSink::AppendBuffer(Buffer block) {
  if (block.size() > max_bytes_ - size_) return TooMuch(max_bytes_);
  if (open_ != 0) blocks_.back().Truncate(open_);
  open_ = 0;
  size_ += block.size();
  blocks_.push_back(std::move(block));
  return absl::OkStatus();
}

std::vector<Buffer> BufferSink::TakeBlocks() {
  if (open_ != 0) blocks_.back().Truncate(open_);
  open_ = 0;
  size_ = 0;
  return std::exchange(blocks_, {});
}

ByteRope RopeOf(std::span<const Buffer> blocks) {
  ByteRope rope;
  for (const Buffer& block : blocks) rope.Append(block.span());
  return rope;
}

}  // namespace imageadapt
