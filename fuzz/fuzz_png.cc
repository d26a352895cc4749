#include <zlib.h>

#include <vector>

#include "fuzz/fuzz_decode.h"
#include "fuzz/fuzz_target.h"
#include "imageadapt/codecs/codec_list.h"

namespace {

// Puts right every chunk's checksum: otherwise hardly a change would come past
// the first of them. False if all were right.
bool RepairChecksums(std::vector<uint8_t>& file) {
  constexpr size_t kSignature = 8;
  constexpr size_t kFrame = 12;  // length, type and checksum
  bool is_changed = false;
  size_t at = kSignature;
  while (at + kFrame <= file.size()) {
    size_t length = 0;
    for (size_t i = 0; i < 4; ++i) length = length << 8 | file[at + i];
    if (length > file.size() - at - kFrame) break;
    const auto checksum = static_cast<uint32_t>(
        crc32(0, &file[at + 4], static_cast<uInt>(length + 4)));
    for (size_t i = 0; i < 4; ++i) {
      uint8_t& byte = file[at + 8 + length + i];
      const auto right = static_cast<uint8_t>(checksum >> (24 - 8 * i));
      is_changed |= byte != right;
      byte = right;
    }
    at += kFrame + length;
  }
  return is_changed;
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  imageadapt::FuzzDecode(imageadapt::kPngCodec,
                         std::as_bytes(std::span(bytes, size)));
  std::vector<uint8_t> repaired(bytes, bytes + size);
  if (RepairChecksums(repaired)) {
    imageadapt::FuzzDecode(imageadapt::kPngCodec,
                           std::as_bytes(std::span(repaired)));
  }
  return 0;
}
