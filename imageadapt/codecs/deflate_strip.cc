#include "imageadapt/codecs/deflate_strip.h"

#include <isa-l.h>
#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>

#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/codecs/deflate_literals.h"

namespace imageadapt {
namespace {

// An empty stored block: three bits, so many more that a byte is full, a length
// of 0 and its complement.
constexpr std::array<uint8_t, 4> kEmptyLength = {0, 0, 0xff, 0xff};
constexpr size_t kMaxStored = 65535;
constexpr size_t kStoredHead = 5;

// Parts that tell how bytes repeat themselves, and room for one deflated.
constexpr size_t kSamplePart = size_t{16} << 10;
constexpr size_t kSampleBytes = kSamplePart + 1024;

size_t Store(std::span<const std::byte> bytes, std::span<std::byte> target) {
  size_t at = 0;
  for (size_t from = 0; from < bytes.size(); from += kMaxStored) {
    const size_t size = std::min(kMaxStored, bytes.size() - from);
    const std::array<uint8_t, kStoredHead> head = {
        0, static_cast<uint8_t>(size), static_cast<uint8_t>(size >> 8),
        static_cast<uint8_t>(~size), static_cast<uint8_t>(~size >> 8)};
    std::memcpy(&target[at], head.data(), head.size());
    std::memcpy(&target[at + head.size()], &bytes[from], size);
    at += head.size() + size;
  }
  return at;
}

// 0 if there is too little room or memory.
size_t DeflateFast(std::span<const std::byte> bytes,
                   std::span<std::byte> target, BufferPool& pool) {
  // By pools, which do not throw: jobs on other threads must not.
  const auto state = pool.Take(sizeof(isal_zstream));
  const auto level_buffer = pool.Take(ISAL_DEF_LVL1_DEFAULT);
  if (!state.ok() || !level_buffer.ok()) return 0;
  auto* const stream = reinterpret_cast<isal_zstream*>(state->data());
  isal_deflate_init(stream);
  stream->level = 1;
  stream->level_buf = reinterpret_cast<uint8_t*>(level_buffer->data());
  stream->level_buf_size = static_cast<uint32_t>(level_buffer->size());
  stream->flush = FULL_FLUSH;
  stream->end_of_stream = 0;
  // The library's interface is older than const; it does not write to it.
  stream->next_in =
      reinterpret_cast<uint8_t*>(const_cast<std::byte*>(bytes.data()));
  stream->avail_in = static_cast<uint32_t>(bytes.size());
  stream->next_out = reinterpret_cast<uint8_t*>(target.data());
  stream->avail_out = static_cast<uint32_t>(target.size());
  if (isal_deflate(stream) != COMP_OK || stream->avail_in != 0 ||
      stream->internal_state.state != ZSTATE_NEW_HDR) {
    return 0;
  }
  return stream->total_out;
}

// Where in a stream its last block begins and ends, in bits.
struct LastBlock {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// By inflating it all: libdeflate does not say, and zlib stops at each block.
std::optional<LastBlock> FindLastBlock(std::span<const std::byte> deflated) {
  constexpr int kAtBlock = 128;
  constexpr int kInLast = 64;
  constexpr int kUnusedBits = 7;
  constexpr size_t kScratchBytes = size_t{32} << 10;
  z_stream stream = {};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return std::nullopt;
  std::array<uint8_t, kScratchBytes> scratch;
  stream.next_in =
      reinterpret_cast<Bytef*>(const_cast<std::byte*>(deflated.data()));
  stream.avail_in = static_cast<uInt>(deflated.size());
  LastBlock block;
  while (true) {
    stream.next_out = scratch.data();
    stream.avail_out = static_cast<uInt>(scratch.size());
    const int result = inflate(&stream, Z_BLOCK);
    if (result != Z_OK) break;
    if ((stream.data_type & kAtBlock) == 0) continue;
    const uint64_t bit = uint64_t{stream.total_in} * 8 -
                         static_cast<uint64_t>(stream.data_type & kUnusedBits);
    if ((stream.data_type & kInLast) != 0) {
      block.end = bit;
      break;
    }
    block.begin = bit;
  }
  inflateEnd(&stream);
  if (block.end == 0) return std::nullopt;
  return block;
}

// 0 if there is too little room or memory.
size_t DeflateSmall(std::span<const std::byte> bytes, int level,
                    std::span<std::byte> target) {
  const std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)>
      compressor(libdeflate_alloc_compressor(level),
                 libdeflate_free_compressor);
  if (compressor == nullptr) return 0;
  const size_t size =
      libdeflate_deflate_compress(compressor.get(), bytes.data(), bytes.size(),
                                  target.data(), target.size());
  if (size == 0) return 0;
  const std::optional<LastBlock> last = FindLastBlock(target.first(size));
  if (!last.has_value()) return 0;
  // The first bit of a block says that it is the last.
  target[last->begin / 8] &= ~(std::byte{1} << (last->begin % 8));
  // Three bits of the empty block, the first two of which may be in the last
  // byte, and all are 0, as the bits behind the end are.
  const size_t end = (last->end + 3 + 7) / 8;
  if (end + kEmptyLength.size() > target.size()) return 0;
  if (end > size) target[size] = std::byte{0};
  std::memcpy(&target[end], kEmptyLength.data(), kEmptyLength.size());
  return end + kEmptyLength.size();
}

// Whether literals alone are as small as what a search for repetitions finds,
// by two parts of `bytes`. ISA-L's search stands for all: slower ones make
// about 3 % less of photographs, which `level` must be worth.
bool RepeatsLittle(std::span<const std::byte> bytes, DeflateLevel level,
                   BufferPool& pool) {
  constexpr size_t kParts = 2;
  if (level != DeflateLevel::kFast && level != DeflateLevel::kGood) {
    return false;
  }
  const auto room = pool.Take(kSampleBytes);
  if (!room.ok()) return false;
  size_t literals = 0;
  size_t searched = 0;
  for (size_t i = 0; i < kParts; ++i) {
    const size_t size = std::min(kSamplePart, bytes.size());
    const auto part =
        bytes.subspan((bytes.size() - size) * (i + 1) / (kParts + 1), size);
    const size_t found = DeflateFast(part, room->span(), pool);
    if (found == 0) return false;
    literals += EstimateLiterals(part);
    searched += found;
  }
  const size_t gain = level == DeflateLevel::kGood ? searched / 32 : 0;
  return literals <= searched - gain;
}

int LibdeflateLevel(DeflateLevel level) {
  switch (level) {
    case DeflateLevel::kFast:
      return 1;
    case DeflateLevel::kGood:
      return 6;
    case DeflateLevel::kBetter:
      return 7;
    case DeflateLevel::kSmallest:
      return 12;
  }
  return 1;
}

}  // namespace

size_t MaxDeflatedBytes(size_t size) {
  return size + (size / kMaxStored + 1) * kStoredHead;
}

uint64_t DeflateWorkingBytes(DeflateLevel level) {
  switch (level) {
    case DeflateLevel::kFast:
      return sizeof(isal_zstream) + ISAL_DEF_LVL1_DEFAULT + kSampleBytes;
    case DeflateLevel::kGood:
    case DeflateLevel::kBetter:
      return uint64_t{1} << 20;
    case DeflateLevel::kSmallest:
      return uint64_t{10} << 20;
  }
  return 0;
}

size_t DeflateStrip(std::span<const std::byte> bytes, DeflateLevel level,
                    std::span<std::byte> target, BufferPool& buffers) {
  if (bytes.empty()) return 0;
  const std::span<std::byte> room =
      target.first(MaxDeflatedBytes(bytes.size()));
  if (RepeatsLittle(bytes, level, buffers)) {
    const size_t size = DeflateLiterals(bytes, room);
    return size == 0 ? Store(bytes, room) : size;
  }
  const size_t size = level == DeflateLevel::kFast
                          ? DeflateFast(bytes, room, buffers)
                          : DeflateSmall(bytes, LibdeflateLevel(level), room);
  return size == 0 ? Store(bytes, room) : size;
}

}  // namespace imageadapt
