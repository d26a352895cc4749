#include "imageadapt/codecs/png_chunks.h"

#include <libdeflate.h>

#include <algorithm>

namespace imageadapt {

bool PngChunkReader::ReadSignature() {
  std::array<std::byte, kPngSignature.size()> signature;
  if (!bytes_.Fill(signature)) return false;
  problem_ = "it does not begin as a PNG file";
  if (std::memcmp(signature.data(), kPngSignature.data(), signature.size()) !=
      0) {
    return false;
  }
  problem_ = "it ends too early";
  return true;
}

bool PngChunkReader::Finish() {
  std::span<const std::byte> skipped;
  while (bytes_left_ > 0) {
    if (!ReadSome(skipped)) return false;
  }
  std::array<std::byte, kPngChunkTail> checksum;
  if (!bytes_.Fill(checksum)) return false;
  if (BigEndian32(checksum.data()) != checksum_) {
    problem_ = "the checksum of a chunk is wrong";
    return false;
  }
  return true;
}

bool PngChunkReader::Next() {
  if (is_in_chunk_ && !Finish()) return false;
  std::array<std::byte, kPngChunkHead> head;
  if (!bytes_.Fill(head)) return false;
  bytes_left_ = BigEndian32(head.data());
  constexpr uint32_t kMost = 0x7fffffff;
  if (bytes_left_ > kMost) {
    problem_ = "a chunk has an impossible length";
    return false;
  }
  const auto is_letter = [](std::byte byte) {
    const int lower = std::to_integer<int>(byte) | 0x20;
    return lower >= 'a' && lower <= 'z';
  };
  if (!std::all_of(&head[4], &head[0] + head.size(), is_letter)) {
    problem_ = "a chunk has an impossible name";
    return false;
  }
  std::memcpy(type_.data(), &head[4], type_.size());
  checksum_ = libdeflate_crc32(0, &head[4], type_.size());
  is_in_chunk_ = true;
  return true;
}

bool PngChunkReader::Read(std::span<std::byte> target) {
  if (!bytes_.Fill(target)) return false;
  checksum_ = libdeflate_crc32(checksum_, target.data(), target.size());
  bytes_left_ -= static_cast<uint32_t>(target.size());
  return true;
}

bool PngChunkReader::ReadSome(std::span<const std::byte>& data) {
  if (!bytes_.Some(bytes_left_, data)) return false;
  checksum_ = libdeflate_crc32(checksum_, data.data(), data.size());
  bytes_left_ -= static_cast<uint32_t>(data.size());
  return true;
}

void SealPngChunk(absl::string_view type, std::span<std::byte> chunk) {
  const size_t size = chunk.size() - kPngChunkHead - kPngChunkTail;
  PutBigEndian32(static_cast<uint32_t>(size), chunk.data());
  std::memcpy(&chunk[4], type.data(), 4);
  PutBigEndian32(libdeflate_crc32(0, &chunk[4], size + 4),
                 &chunk[kPngChunkHead + size]);
}

}  // namespace imageadapt
