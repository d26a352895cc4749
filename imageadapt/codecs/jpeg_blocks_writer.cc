// Bands of the picture are coded side by side, as bits without stuffing, and
// joined. Before each band stands the mean of the last block before it, which
// is known, so that a band needs no other one.
#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/byte_order.h"
#include "imageadapt/codecs/jpeg_blocks.h"

namespace imageadapt {
namespace {

constexpr size_t kLengths = 16;

// As files have it.
struct CodeList {
  std::array<uint8_t, kLengths> counts;
  std::array<uint8_t, 162> symbols;
};

// ITU T.81, tables K.3 to K.6.
constexpr CodeList kLumaDc = {
    .counts = {0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0},
    .symbols = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}};
constexpr CodeList kChromaDc = {
    .counts = {0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0},
    .symbols = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}};
constexpr CodeList kLumaAc = {
    .counts = {0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d},
    .symbols = {
        0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06,
        0x13, 0x51, 0x61, 0x07, 0x22, 0x71, 0x14, 0x32, 0x81, 0x91, 0xa1, 0x08,
        0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
        0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28,
        0x29, 0x2a, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45,
        0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
        0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75,
        0x76, 0x77, 0x78, 0x79, 0x7a, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
        0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
        0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6,
        0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9,
        0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
        0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4,
        0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa}};
constexpr CodeList kChromaAc = {
    .counts = {0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77},
    .symbols = {
        0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41,
        0x51, 0x07, 0x61, 0x71, 0x13, 0x22, 0x32, 0x81, 0x08, 0x14, 0x42, 0x91,
        0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
        0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26,
        0x27, 0x28, 0x29, 0x2a, 0x35, 0x36, 0x37, 0x38, 0x39, 0x3a, 0x43, 0x44,
        0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
        0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74,
        0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87,
        0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
        0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4,
        0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
        0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
        0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4,
        0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa}};

constexpr size_t SymbolsOf(const CodeList& list) {
  size_t symbols = 0;
  for (const uint8_t count : list.counts) symbols += count;
  return symbols;
}

struct Code {
  uint16_t bits = 0;
  uint8_t length = 0;
};
// By symbol: zeros before it in the upper 4 bits, size in the lower.
using Codes = std::array<Code, 256>;

constexpr Codes CodesOf(const CodeList& list) {
  Codes codes = {};
  unsigned bits = 0;
  size_t next = 0;
  for (size_t i = 0; i < kLengths; ++i, bits <<= 1) {
    for (uint8_t n = 0; n < list.counts[i]; ++n, ++next, ++bits) {
      codes[list.symbols[next]] = {.bits = static_cast<uint16_t>(bits),
                                   .length = static_cast<uint8_t>(i + 1)};
    }
  }
  return codes;
}

struct PlaneCodes {
  Codes dc;
  Codes ac;
};
constexpr PlaneCodes kLumaCodes = {.dc = CodesOf(kLumaDc),
                                   .ac = CodesOf(kLumaAc)};
constexpr PlaneCodes kChromaCodes = {.dc = CodesOf(kChromaDc),
                                     .ac = CodesOf(kChromaAc)};
constexpr unsigned kZeroRun = 0xf0;
constexpr unsigned kEndOfBlock = 0x00;
constexpr unsigned kMaxDcBits = 11;

// No block has more: 64 codes of at most 16 bits with at most 11 behind them,
// and 3 runs of zeros.
constexpr size_t kMostBytesOfBlock = 256;
// Blocks between where memory is asked for and where it is needed.
constexpr size_t kAhead = 8;
constexpr size_t kChunkBytes = size_t{256} << 10;

// A band's bits, in chunks of whole bytes but for the last.
struct Band {
  std::vector<Buffer> chunks;
  unsigned last_bits = 0;  // of the byte behind the last whole one
  bool has_failed = false;
  bool is_too_large = false;  // a number that has no code
};

class BitWriter {
 public:
  BitWriter(BufferPool& buffers, Band& band) : buffers_(buffers), band_(band) {}

  // Room for one block. False if there is no memory.
  bool Reserve() {
    if (static_cast<size_t>(end_ - next_) >= kMostBytesOfBlock) [[likely]] {
      return true;
    }
    return TakeChunk();
  }

  // At most 27 bits. Room for them must be reserved.
  void Put(uint64_t bits, unsigned length) {
    pending_ = pending_ << length | bits;
    count_ += length;
    uint64_t word = pending_ << (64 - count_);
    if constexpr (std::endian::native == std::endian::little) {
      word = __builtin_bswap64(word);
    }
    std::memcpy(next_, &word, sizeof(word));
    next_ += count_ / 8;
    count_ %= 8;
  }

  void Close() {
    if (next_ == nullptr) return;
    *next_ = static_cast<uint8_t>(pending_ << (8 - count_));
    band_.last_bits = count_;
    Truncate();
  }

 private:
  void Truncate() {
    Buffer& chunk = band_.chunks.back();
    chunk.Truncate(
        static_cast<size_t>(next_ - reinterpret_cast<uint8_t*>(chunk.data())));
  }

  bool TakeChunk() {
    if (!band_.chunks.empty()) Truncate();
    // The bits of a byte that is not whole are still pending, and are written
    // once more.
    auto chunk = buffers_.Take(kChunkBytes);
    if (!chunk.ok()) {
      band_.has_failed = true;
      return false;
    }
    next_ = reinterpret_cast<uint8_t*>(chunk->data());
    end_ = next_ + chunk->size();
    band_.chunks.push_back(*std::move(chunk));
    return true;
  }

  BufferPool& buffers_;
  Band& band_;
  uint8_t* next_ = nullptr;
  uint8_t* end_ = nullptr;
  // The lowest count_ bits are not in a whole byte yet; those above went.
  uint64_t pending_ = 0;
  unsigned count_ = 0;
};

// False if the difference has no code.
bool PutBlock(BitWriter& out, const PlaneCodes& codes, const uint16_t* block,
              uint64_t present, int dc_before) {
  const int dc = static_cast<int16_t>(block[0]) - dc_before;
  const auto size = static_cast<unsigned>(
      std::bit_width(static_cast<unsigned>(std::abs(dc))));
  if (size > kMaxDcBits) return false;
  const Code dc_code = codes.dc[size];
  // Negative numbers are written less one.
  const unsigned dc_bits =
      static_cast<unsigned>(dc < 0 ? dc - 1 : dc) & ((1U << size) - 1);
  out.Put(uint64_t{dc_code.bits} << size | dc_bits, dc_code.length + size);
  unsigned before = 0;
  for (uint64_t left = present & ~uint64_t{1}; left != 0; left &= left - 1) {
    const auto place = static_cast<unsigned>(std::countr_zero(left));
    unsigned zeros = place - before - 1;
    before = place;
    for (; zeros >= 16; zeros -= 16) {
      out.Put(codes.ac[kZeroRun].bits, codes.ac[kZeroRun].length);
    }
    const unsigned value = block[place];
    const unsigned bits = value >> 12;
    const Code code = codes.ac[zeros << 4 | bits];
    out.Put(uint64_t{code.bits} << bits | (value & 0xfff), code.length + bits);
  }
  if (before != kJpegBlock - 1) {
    out.Put(codes.ac[kEndOfBlock].bits, codes.ac[kEndOfBlock].length);
  }
  return true;
}

// Joins bands, stuffs a zero behind each byte of 255, and hands all on.
class Joiner {
 public:
  Joiner(ByteSink& sink, Buffer room) : sink_(sink), room_(std::move(room)) {}

  absl::Status Append(const Band& band) {
    for (const Buffer& chunk : band.chunks) {
      const auto* const bytes = reinterpret_cast<const uint8_t*>(chunk.data());
      for (size_t at = 0; at < chunk.size();) {
        // Each byte can become two.
        const size_t count =
            std::min(chunk.size() - at, (room_.size() - used_) / 2);
        if (count < sizeof(uint64_t) && count < chunk.size() - at) {
          RETURN_IF_ERROR(Flush());
          continue;
        }
        AppendBytes({bytes + at, count});
        at += count;
      }
    }
    if (band.last_bits == 0) return absl::OkStatus();
    if (room_.size() - used_ < 4) RETURN_IF_ERROR(Flush());
    const Buffer& last = band.chunks.back();
    const auto byte =
        reinterpret_cast<const uint8_t*>(last.data())[last.size()];
    AppendBits(byte >> (8 - band.last_bits), band.last_bits);
    return absl::OkStatus();
  }

  // Fills the last byte up with ones, and ends the file.
  absl::Status Finish() {
    if (room_.size() - used_ < 8) RETURN_IF_ERROR(Flush());
    if (count_ > 0) AppendBits((1U << (8 - count_)) - 1, 8 - count_);
    *Next() = 0xff;
    *Next() = 0xd9;
    return Flush();
  }

 private:
  uint8_t* Next() { return reinterpret_cast<uint8_t*>(room_.data()) + used_++; }

  absl::Status Flush() {
    const absl::Status status = sink_.Append(room_.span().first(used_));
    used_ = 0;
    return status;
  }

  void PutByte(unsigned byte) {
    *Next() = static_cast<uint8_t>(byte);
    if (byte == 0xff) *Next() = 0;
  }

  // Requires that count_ + length <= 15.
  void AppendBits(unsigned bits, unsigned length) {
    pending_ = pending_ << length | bits;
    count_ += length;
    if (count_ < 8) return;
    count_ -= 8;
    PutByte(static_cast<unsigned>(pending_ >> count_) & 0xff);
    pending_ &= (1U << count_) - 1;
  }

  void AppendBytes(std::span<const uint8_t> bytes) {
    while (bytes.size() >= sizeof(uint64_t)) {
      uint64_t word;
      std::memcpy(&word, bytes.data(), sizeof(word));
      bytes = bytes.subspan(sizeof(word));
      if constexpr (std::endian::native == std::endian::little) {
        word = __builtin_bswap64(word);
      }
      const uint64_t shifted =
          count_ == 0 ? word : pending_ << (64 - count_) | word >> count_;
      pending_ = word & ((uint64_t{1} << count_) - 1);
      PutWord(shifted);
    }
    for (const uint8_t byte : bytes) AppendBits(byte, 8);
  }

  void PutWord(uint64_t word) {
    constexpr uint64_t kLow = 0x0101010101010101;
    constexpr uint64_t kHigh = 0x8080808080808080;
    // Whether a byte of ~word is 0.
    const bool has_ff = ((~word - kLow) & word & kHigh) != 0;
    if (has_ff) {
      for (int shift = 56; shift >= 0; shift -= 8) {
        PutByte(static_cast<unsigned>(word >> shift) & 0xff);
      }
      return;
    }
    if constexpr (std::endian::native == std::endian::little) {
      word = __builtin_bswap64(word);
    }
    std::memcpy(room_.data() + used_, &word, sizeof(word));
    used_ += sizeof(word);
  }

  ByteSink& sink_;
  Buffer room_;
  size_t used_ = 0;
  uint64_t pending_ = 0;
  unsigned count_ = 0;  // of bits that wait, fewer than 8
};

class Writer {
 public:
  Writer(const JpegBlocks& blocks, BufferPool& buffers)
      : blocks_(blocks), buffers_(buffers) {
    const auto unit_x = static_cast<uint32_t>(kJpegSide * blocks.across);
    const auto unit_y = static_cast<uint32_t>(kJpegSide * blocks.down);
    units_across_ = (blocks.width + unit_x - 1) / unit_x;
    units_down_ = (blocks.height + unit_y - 1) / unit_y;
  }

  absl::Status Run(std::span<const std::byte> icc_segments, Parallel* parallel,
                   ByteSink& sink) {
    constexpr size_t kBandsOfThread = 4;
    const size_t threads = parallel == nullptr ? 1 : parallel->threads();
    const size_t count =
        threads == 1 ? 1
                     : std::min<size_t>(threads * kBandsOfThread, units_down_);
    std::vector<Band> bands(count);
    const auto make = [&](size_t i) {
      MakeBand(static_cast<uint32_t>(uint64_t{units_down_} * i / count),
               static_cast<uint32_t>(uint64_t{units_down_} * (i + 1) / count),
               bands[i]);
    };
    if (count == 1) {
      make(0);
    } else {
      parallel->ParallelFor(count, make);
    }
    // Nothing is written before all is known to be right.
    for (const Band& band : bands) {
      if (band.is_too_large) {
        return absl::FailedPreconditionError("a coefficient is too large");
      }
      if (band.has_failed) return NoMemory();
    }
    auto room = buffers_.Take(kChunkBytes);
    if (!room.ok()) return NoMemory();
    const std::vector<uint8_t> head = MakeHead(icc_segments);
    RETURN_IF_ERROR(sink.Append(std::as_bytes(std::span(head))));
    Joiner joiner(sink, *std::move(room));
    for (Band& band : bands) {
      RETURN_IF_ERROR(joiner.Append(band));
      band.chunks.clear();
    }
    return joiner.Finish();
  }

 private:
  static absl::Status NoMemory() {
    return Refusal(absl::StatusCode::kResourceExhausted, kOutOfMemory,
                   "no memory to write a JPEG file");
  }

  // Grey, and planes that are all colours, have the codes of luma.
  bool HasLumaCodes(size_t plane) const { return plane == 0 || blocks_.is_rgb; }

  void MakeBand(uint32_t first, uint32_t end, Band& band) const {
    std::array<int, 3> dc = {};
    if (first > 0) {
      for (size_t i = 0; i < blocks_.planes.size(); ++i) {
        const JpegPlane& plane = blocks_.planes[i];
        const size_t row = size_t{first} * plane.down - 1;
        dc[i] = DcOf(plane, (row + 1) * plane.columns - 1);
      }
    }
    BitWriter out(buffers_, band);
    for (uint32_t y = first; y < end; ++y) {
      for (uint32_t x = 0; x < units_across_; ++x) {
        for (size_t i = 0; i < blocks_.planes.size(); ++i) {
          if (!PutPlane(out, i, x, y, dc[i], band)) return;
        }
      }
    }
    out.Close();
  }

  static int DcOf(const JpegPlane& plane, size_t index) {
    return static_cast<int16_t>(plane.block(index)[0]);
  }

  // The blocks of a plane in one unit. Those beyond its edge are all of the
  // mean before them.
  bool PutPlane(BitWriter& out, size_t number, uint32_t unit_x, uint32_t unit_y,
                int& dc, Band& band) const {
    const JpegPlane& plane = blocks_.planes[number];
    const PlaneCodes& codes = HasLumaCodes(number) ? kLumaCodes : kChromaCodes;
    for (uint32_t down = 0; down < plane.down; ++down) {
      for (uint32_t across = 0; across < plane.across; ++across) {
        const uint32_t x = unit_x * plane.across + across;
        const uint32_t y = unit_y * plane.down + down;
        if (!out.Reserve()) return false;
        if (x >= plane.columns || y >= plane.rows) {
          const auto same = static_cast<uint16_t>(static_cast<int16_t>(dc));
          PutBlock(out, codes, &same, 0, dc);
          continue;
        }
        const size_t index = size_t{y} * plane.columns + x;
        // Only the first half of most blocks is used: too irregular for
        // processors. Behind the last block nothing is read.
        __builtin_prefetch(plane.block(index + kAhead));
        if (!PutBlock(out, codes, plane.block(index), plane.mask(index), dc)) {
          band.is_too_large = true;
          return false;
        }
        dc = DcOf(plane, index);
      }
    }
    return true;
  }

  static void Append16(std::vector<uint8_t>& head, size_t value) {
    head.push_back(static_cast<uint8_t>(value >> 8));
    head.push_back(static_cast<uint8_t>(value));
  }

  static void AppendMarker(std::vector<uint8_t>& head, uint8_t marker,
                           size_t body) {
    head.push_back(0xff);
    head.push_back(marker);
    Append16(head, 2 + body);
  }

  std::vector<uint8_t> MakeHead(std::span<const std::byte> icc_segments) const {
    std::vector<uint8_t> head = {0xff, 0xd8};
    if (blocks_.is_rgb) {
      AppendMarker(head, 0xee, 12);
      // Version 100, no flags, planes as they are.
      const std::array<uint8_t, 12> adobe = {'A', 'd', 'o', 'b', 'e', 0,
                                             100, 0,   0,   0,   0,   0};
      head.insert(head.end(), adobe.begin(), adobe.end());
    } else {
      AppendMarker(head, 0xe0, 14);
      const std::array<uint8_t, 7> jfif = {'J', 'F', 'I', 'F', 0, 1, 1};
      head.insert(head.end(), jfif.begin(), jfif.end());
      head.push_back(blocks_.density_unit);
      Append16(head, blocks_.density_x);
      Append16(head, blocks_.density_y);
      Append16(head, 0);  // no thumbnail
    }
    for (const std::byte byte : icc_segments) {
      head.push_back(std::to_integer<uint8_t>(byte));
    }
    const bool is_extended = AppendQuantization(head);
    AppendFrame(head, is_extended);
    AppendCodes(head, 0x00, kLumaDc);
    AppendCodes(head, 0x10, kLumaAc);
    if (blocks_.planes.size() > 1 && !blocks_.is_rgb) {
      AppendCodes(head, 0x01, kChromaDc);
      AppendCodes(head, 0x11, kChromaAc);
    }
    AppendScan(head);
    return head;
  }

  // Whether a table has numbers of 16 bits.
  bool AppendQuantization(std::vector<uint8_t>& head) const {
    bool is_wide = false;
    for (size_t i = 0; i < blocks_.quantization.size(); ++i) {
      const bool is_used = std::ranges::any_of(
          blocks_.planes,
          [i](const JpegPlane& plane) { return plane.quantization == i; });
      if (!is_used) continue;
      const JpegQuantization& table = *blocks_.quantization[i];
      const bool has_16_bits =
          std::ranges::any_of(table, [](uint16_t v) { return v > 0xff; });
      is_wide = is_wide || has_16_bits;
      AppendMarker(head, 0xdb, 1 + kJpegBlock * (has_16_bits ? 2 : 1));
      head.push_back(static_cast<uint8_t>((has_16_bits ? 0x10 : 0) | i));
      for (const uint16_t value : table) {
        if (has_16_bits) head.push_back(static_cast<uint8_t>(value >> 8));
        head.push_back(static_cast<uint8_t>(value));
      }
    }
    return is_wide;
  }

  void AppendFrame(std::vector<uint8_t>& head, bool is_extended) const {
    AppendMarker(head, is_extended ? 0xc1 : 0xc0,
                 6 + 3 * blocks_.planes.size());
    head.push_back(8);
    Append16(head, blocks_.height);
    Append16(head, blocks_.width);
    head.push_back(static_cast<uint8_t>(blocks_.planes.size()));
    for (const JpegPlane& plane : blocks_.planes) {
      head.push_back(plane.id);
      head.push_back(static_cast<uint8_t>(plane.across << 4 | plane.down));
      head.push_back(plane.quantization);
    }
  }

  static void AppendCodes(std::vector<uint8_t>& head, uint8_t number,
                          const CodeList& list) {
    const size_t symbols = SymbolsOf(list);
    AppendMarker(head, 0xc4, 1 + kLengths + symbols);
    head.push_back(number);
    head.insert(head.end(), list.counts.begin(), list.counts.end());
    head.insert(head.end(), list.symbols.begin(),
                list.symbols.begin() + static_cast<ptrdiff_t>(symbols));
  }

  void AppendScan(std::vector<uint8_t>& head) const {
    AppendMarker(head, 0xda, 4 + 2 * blocks_.planes.size());
    head.push_back(static_cast<uint8_t>(blocks_.planes.size()));
    for (size_t i = 0; i < blocks_.planes.size(); ++i) {
      head.push_back(blocks_.planes[i].id);
      head.push_back(HasLumaCodes(i) ? 0x00 : 0x11);
    }
    head.push_back(0);
    head.push_back(kJpegBlock - 1);
    head.push_back(0);
  }

  const JpegBlocks& blocks_;
  BufferPool& buffers_;
  uint32_t units_across_ = 0;
  uint32_t units_down_ = 0;
};

}  // namespace

absl::Status WriteJpegBlocks(const JpegBlocks& blocks,
                             std::span<const std::byte> icc_segments,
                             Parallel* parallel, BufferPool& buffers,
                             ByteSink& sink) {
  return Writer(blocks, buffers).Run(icc_segments, parallel, sink);
}

}  // namespace imageadapt
