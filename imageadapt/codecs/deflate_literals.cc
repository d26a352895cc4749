#include "imageadapt/codecs/deflate_literals.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace imageadapt {
namespace {

// With codes of its own for each block; a table has about 100 bytes.
constexpr size_t kBlockBytes = size_t{64} << 10;

// Bytes and the mark of a block's end.
constexpr size_t kSymbols = 257;
constexpr size_t kEndOfBlock = 256;

// Deflate allows 15; with 12, four codes and the rest of a byte fit into a
// word.
constexpr unsigned kLongestCode = 12;
// Of the codes that lengths are written in.
constexpr size_t kLengthSymbols = 19;
constexpr unsigned kLongestLengthCode = 7;

using Histogram = std::array<uint32_t, kSymbols>;

// Four tables, because the same byte again would wait for its own sum.
Histogram Count(std::span<const std::byte> bytes) {
  std::array<std::array<uint32_t, 256>, 4> parts = {};
  size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    for (size_t part = 0; part < 4; ++part) {
      ++parts[part][std::to_integer<size_t>(bytes[i + part])];
    }
  }
  for (; i < bytes.size(); ++i) {
    ++parts[0][std::to_integer<size_t>(bytes[i])];
  }
  Histogram counts = {};
  for (size_t s = 0; s < 256; ++s) {
    counts[s] = parts[0][s] + parts[1][s] + parts[2][s] + parts[3][s];
  }
  counts[kEndOfBlock] = 1;
  return counts;
}

// Lengths of Huffman codes of at most `longest` bits, 0 for symbols that are
// not there. Requires room for all symbols in such codes.
template <size_t kCount>
std::array<uint8_t, kCount> LengthsOf(
    const std::array<uint32_t, kCount>& counts, unsigned longest) {
  std::array<uint16_t, kCount> order = {};
  size_t used = 0;
  for (size_t s = 0; s < kCount; ++s) {
    if (counts[s] > 0) order[used++] = static_cast<uint16_t>(s);
  }
  std::array<uint8_t, kCount> lengths = {};
  // A code of no bits cannot be read.
  if (used <= 1) {
    lengths[order[0]] = 1;
    return lengths;
  }
  std::sort(order.begin(), order.begin() + used, [&](uint16_t a, uint16_t b) {
    return counts[a] != counts[b] ? counts[a] < counts[b] : a < b;
  });
  // Two queues: symbols in their order, and pairs, which come into being in
  // theirs. Symbols are 0 to used - 1, pairs follow.
  std::array<uint32_t, 2 * kCount> weights = {};
  std::array<uint16_t, 2 * kCount> parents = {};
  for (size_t i = 0; i < used; ++i) weights[i] = counts[order[i]];
  size_t symbol = 0;
  size_t pair = used;
  for (size_t next = used; next < 2 * used - 1; ++next) {
    for (int side = 0; side < 2; ++side) {
      const bool takes_symbol =
          symbol < used && (pair >= next || weights[symbol] <= weights[pair]);
      const size_t least = takes_symbol ? symbol++ : pair++;
      weights[next] += weights[least];
      parents[least] = static_cast<uint16_t>(next);
    }
  }
  std::array<uint16_t, 2 * kCount> depths = {};
  std::array<uint32_t, kCount + 1> of_length = {};
  for (size_t i = 2 * used - 2; i-- > 0;) {
    depths[i] = depths[parents[i]] + 1;
    if (i < used) ++of_length[std::min<unsigned>(depths[i], longest)];
  }
  // Codes that were cut short take room that others must give: a shorter code
  // becomes two of the next length.
  uint32_t taken = 0;
  for (unsigned bits = 1; bits <= longest; ++bits) {
    taken += of_length[bits] << (longest - bits);
  }
  for (; taken > uint32_t{1} << longest; --taken) {
    --of_length[longest];
    unsigned bits = longest - 1;
    while (of_length[bits] == 0) --bits;
    --of_length[bits];
    of_length[bits + 1] += 2;
  }
  // The rarest have the longest.
  size_t i = 0;
  for (unsigned bits = longest; bits >= 1; --bits) {
    for (uint32_t n = 0; n < of_length[bits]; ++n) {
      lengths[order[i++]] = static_cast<uint8_t>(bits);
    }
  }
  return lengths;
}

struct Code {
  uint16_t bits = 0;  // the first one lowest
  uint16_t length = 0;
};

template <size_t kCount>
std::array<Code, kCount> CodesOf(const std::array<uint8_t, kCount>& lengths) {
  constexpr unsigned kMost = 16;
  std::array<unsigned, kMost> next = {};
  std::array<unsigned, kMost> of_length = {};
  for (const uint8_t length : lengths) ++of_length[length];
  of_length[0] = 0;
  for (unsigned bits = 1; bits < kMost; ++bits) {
    next[bits] = (next[bits - 1] + of_length[bits - 1]) << 1;
  }
  std::array<Code, kCount> codes = {};
  for (size_t s = 0; s < kCount; ++s) {
    const unsigned length = lengths[s];
    if (length == 0) continue;
    unsigned left = next[length]++;
    unsigned reversed = 0;
    for (unsigned i = 0; i < length; ++i, left >>= 1) {
      reversed = reversed << 1 | (left & 1);
    }
    codes[s] = {.bits = static_cast<uint16_t>(reversed),
                .length = static_cast<uint16_t>(length)};
  }
  return codes;
}

// Bits from the lowest on.
class BitWriter {
 public:
  explicit BitWriter(std::byte* next) : next_(next) {}

  // Requires fewer than 57 bits between two flushes.
  void Put(uint64_t bits, unsigned length) {
    pending_ |= bits << count_;
    count_ += length;
  }

  // Room for 8 bytes is written to.
  void Flush() {
    uint64_t word = pending_;
    if constexpr (std::endian::native == std::endian::big) {
      word = __builtin_bswap64(word);
    }
    std::memcpy(next_, &word, sizeof(word));
    next_ += count_ / 8;
    pending_ >>= count_ & ~7U;
    count_ &= 7;
  }

  void PutOne(uint64_t bits, unsigned length) {
    Put(bits, length);
    Flush();
  }

  void FillByte() {
    count_ = (count_ + 7) & ~7U;
    Flush();
  }

  std::byte* next() const { return next_; }

 private:
  std::byte* next_;
  uint64_t pending_ = 0;
  unsigned count_ = 0;
};

// What stands before a block's literals.
struct BlockHead {
  // Literals, the end, and two distances, which are not used: some readers do
  // not like a code without symbols.
  static constexpr size_t kLengths = kSymbols + 2;

  explicit BlockHead(const Histogram& counts)
      : literal_lengths(LengthsOf(counts, kLongestCode)) {
    std::copy(literal_lengths.begin(), literal_lengths.end(), lengths.begin());
    lengths[kSymbols] = 1;
    lengths[kSymbols + 1] = 1;
    std::array<uint32_t, kLengthSymbols> length_counts = {};
    for (const uint8_t length : lengths) ++length_counts[length];
    length_lengths = LengthsOf(length_counts, kLongestLengthCode);
    bits = 3 + 5 + 5 + 4 + 3 * kLengthSymbols;
    for (size_t s = 0; s < kLengthSymbols; ++s) {
      bits += uint64_t{length_counts[s]} * length_lengths[s];
    }
    for (size_t s = 0; s < kSymbols; ++s) {
      bits += uint64_t{counts[s]} * literal_lengths[s];
    }
  }

  void Write(BitWriter& out) const {
    // In this order, so that those at the end are seldom there.
    constexpr std::array<uint8_t, kLengthSymbols> kOrder = {
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    constexpr unsigned kDynamicBlock = 2;
    out.PutOne(kDynamicBlock << 1, 3);
    out.PutOne(kSymbols - 257, 5);
    out.PutOne(2 - 1, 5);
    out.PutOne(kLengthSymbols - 4, 4);
    for (const uint8_t s : kOrder) out.PutOne(length_lengths[s], 3);
    const auto codes = CodesOf(length_lengths);
    for (const uint8_t length : lengths) {
      out.PutOne(codes[length].bits, codes[length].length);
    }
  }

  std::array<uint8_t, kSymbols> literal_lengths;
  std::array<uint8_t, kLengths> lengths = {};
  std::array<uint8_t, kLengthSymbols> length_lengths = {};
  uint64_t bits = 0;  // of the whole block
};

void WriteLiterals(std::span<const std::byte> bytes,
                   const std::array<Code, kSymbols>& codes, BitWriter& writer) {
  // A copy, which what is written cannot be a part of.
  BitWriter out = writer;
  size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    for (size_t n = 0; n < 4; ++n) {
      const Code code = codes[std::to_integer<size_t>(bytes[i + n])];
      out.Put(code.bits, code.length);
    }
    out.Flush();
  }
  for (; i < bytes.size(); ++i) {
    const Code code = codes[std::to_integer<size_t>(bytes[i])];
    out.PutOne(code.bits, code.length);
  }
  out.PutOne(codes[kEndOfBlock].bits, codes[kEndOfBlock].length);
  writer = out;
}

}  // namespace

size_t EstimateLiterals(std::span<const std::byte> bytes) {
  if (bytes.empty()) return 0;
  const Histogram counts = Count(bytes);
  double bits = 0;
  const auto all = static_cast<double>(bytes.size());
  for (size_t s = 0; s < 256; ++s) {
    if (counts[s] == 0) continue;
    // No code is shorter than a bit.
    bits += counts[s] * std::max(1.0, std::log2(all / counts[s]));
  }
  return static_cast<size_t>(bits / 8);
}

size_t DeflateLiterals(std::span<const std::byte> bytes,
                       std::span<std::byte> target) {
  constexpr std::array<uint8_t, 4> kEmptyLength = {0, 0, 0xff, 0xff};
  // Behind a block: the rest of a byte, the empty block, and what is written
  // too far.
  constexpr size_t kBehind = 24;
  BitWriter out(target.data());
  while (!bytes.empty()) {
    const auto block = bytes.first(std::min(kBlockBytes, bytes.size()));
    bytes = bytes.subspan(block.size());
    const BlockHead head(Count(block));
    const auto used = static_cast<size_t>(out.next() - target.data());
    if (used + head.bits / 8 + kBehind > target.size()) return 0;
    head.Write(out);
    WriteLiterals(block, CodesOf(head.literal_lengths), out);
  }
  out.PutOne(0, 3);
  out.FillByte();
  std::memcpy(out.next(), kEmptyLength.data(), kEmptyLength.size());
  return static_cast<size_t>(out.next() - target.data()) + kEmptyLength.size();
}

}  // namespace imageadapt
