// The frame of a PNG file: signature and chunks.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_PNG_CHUNKS_H_
#define IMAGEADAPT_CODECS_PNG_CHUNKS_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/codecs/byte_reader.h"

namespace imageadapt {

inline constexpr std::array<uint8_t, 8> kPngSignature = {
    0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

// Of a chunk, before its data, and behind it.
inline constexpr size_t kPngChunkHead = 8;
inline constexpr size_t kPngChunkTail = 4;

inline void PutBigEndian32(uint32_t value, std::byte* target) {
  for (size_t i = 0; i < 4; ++i) {
    target[i] = static_cast<std::byte>(value >> (24 - 8 * i));
  }
}

inline uint32_t BigEndian32(const std::byte* bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    value = value << 8 | std::to_integer<uint32_t>(bytes[i]);
  }
  return value;
}

inline uint32_t BigEndian16(const std::byte* bytes) {
  return std::to_integer<uint32_t>(bytes[0]) << 8 |
         std::to_integer<uint32_t>(bytes[1]);
}

// Reads the chunks of a file one after the other, and checks every checksum.
class PngChunkReader {
 public:
  // `source` is lent.
  explicit PngChunkReader(ByteSource& source) : bytes_(source) {}

  // All of these: false if the file ends, a checksum is wrong or the source
  // fails; then problem() and status() say more.

  bool ReadSignature();

  // Skips what is left of the present chunk, and reads the head of the next.
  bool Next();

  // Skips what is left of the present chunk, the last of the file.
  bool FinishLast() { return Finish(); }

  absl::string_view type() const { return {type_.data(), type_.size()}; }
  uint32_t bytes_left() const { return bytes_left_; }  // of the chunk's data

  // Reads data of the present chunk. Requires that so many bytes are left.
  bool Read(std::span<std::byte> target);

  // Some data of the present chunk, uncopied and valid until the next call; not
  // empty. Requires that some are left.
  bool ReadSome(std::span<const std::byte>& data);

  const char* problem() const { return problem_; }
  const absl::Status& status() const { return bytes_.source_status(); }

 private:
  bool Finish();

  ByteReader bytes_;
  std::array<char, 4> type_ = {};
  uint32_t bytes_left_ = 0;
  uint32_t checksum_ = 0;
  bool is_in_chunk_ = false;
  const char* problem_ = "it ends too early";
};

// Writes length, type and checksum around the data, which stand in
// `chunk` from kPngChunkHead to kPngChunkTail before its end.
void SealPngChunk(absl::string_view type, std::span<std::byte> chunk);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_PNG_CHUNKS_H_
