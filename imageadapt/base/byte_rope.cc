#include "imageadapt/base/byte_rope.h"

#include <algorithm>
#include <cstring>

namespace imageadapt {

void ByteRope::Append(std::span<const std::byte> piece) {
  if (piece.empty()) return;
  pieces_.push_back(piece);
  size_ += piece.size();
}

ByteRope ByteRope::Subrange(size_t offset, size_t size) const {
  ByteRope range;
  for (const auto& piece : pieces_) {
    if (size == 0) break;
    if (offset >= piece.size()) {
      offset -= piece.size();
      continue;
    }
    const size_t taken = std::min(size, piece.size() - offset);
    range.Append(piece.subspan(offset, taken));
    size -= taken;
    offset = 0;
  }
  return range;
}

size_t ByteRope::CopyTo(size_t offset, std::span<std::byte> target) const {
  size_t copied = 0;
  for (const auto& piece : pieces_) {
    if (copied == target.size()) break;
    if (offset >= piece.size()) {
      offset -= piece.size();
      continue;
    }
    const size_t taken =
        std::min(target.size() - copied, piece.size() - offset);
    std::memcpy(target.data() + copied, piece.data() + offset, taken);
    copied += taken;
    offset = 0;
  }
  return copied;
}

std::string ByteRope::ToString() const {
  std::string text(size_, '\0');
  CopyTo(0, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace imageadapt
