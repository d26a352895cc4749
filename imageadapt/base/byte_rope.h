// A view of bytes that lie in several pieces, as a message from the wire does.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_BASE_BYTE_ROPE_H_
#define IMAGEADAPT_BASE_BYTE_ROPE_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace imageadapt {

// Owns none of its bytes: it must not outlive them. A value; cheap to copy for
// few pieces.
class ByteRope {
 public:
  ByteRope() = default;
  explicit ByteRope(std::span<const std::byte> bytes) { Append(bytes); }

  // Empty pieces are left out.
  void Append(std::span<const std::byte> piece);

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::span<const std::span<const std::byte>> pieces() const { return pieces_; }

  // The bytes [offset, offset + size). Requires that they exist.
  ByteRope Subrange(size_t offset, size_t size) const;

  // Copies from `offset` on as much as `target` holds, and returns how much
  // that was (0 at or past the end).
  size_t CopyTo(size_t offset, std::span<std::byte> target) const;

  // A copy of everything, for texts and small messages.
  std::string ToString() const;

 private:
  std::vector<std::span<const std::byte>> pieces_;
  size_t size_ = 0;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_BASE_BYTE_ROPE_H_
