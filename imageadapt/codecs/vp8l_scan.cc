#include "imageadapt/codecs/vp8l_scan.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <vector>

namespace imageadapt {
namespace {

constexpr int kMaxCodeLength = 15;
constexpr uint32_t kLengthSymbols = 24;
constexpr uint32_t kDistanceSymbols = 40;

// Reads bits, the lowest of each byte first; zeros behind the end.
class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  // At most 16.
  uint32_t Take(int count) {
    while (count_ < count) {
      if (at_ == bytes_.size()) {
        has_ended_ = true;
        return 0;
      }
      bits_ |= static_cast<uint32_t>(bytes_[at_++]) << count_;
      count_ += 8;
    }
    const uint32_t value = bits_ & ((1u << count) - 1);
    bits_ >>= count;
    count_ -= count;
    taken_ += static_cast<uint64_t>(count);
    return value;
  }

  uint64_t taken() const { return taken_; }

  bool has_ended() const { return has_ended_; }

 private:
  const std::span<const std::byte> bytes_;
  size_t at_ = 0;
  uint32_t bits_ = 0;
  int count_ = 0;
  uint64_t taken_ = 0;
  bool has_ended_ = false;
};

// A canonical prefix code, by the numbers of codes of each length.
class PrefixCode {
 public:
  // False if the lengths are of no complete code.
  bool Build(std::span<const uint8_t> lengths) {
    counts_.fill(0);
    for (const uint8_t length : lengths) ++counts_[length];
    const size_t used = lengths.size() - counts_[0];
    counts_[0] = 0;
    std::array<uint32_t, kMaxCodeLength + 2> next = {};
    uint32_t taken = 0;  // of all codes of 15 bits
    for (size_t length = 1; length <= kMaxCodeLength; ++length) {
      next[length + 1] = next[length] + counts_[length];
      taken += counts_[length] << (kMaxCodeLength - length);
    }
    symbols_.resize(used);
    for (size_t symbol = 0; symbol < lengths.size(); ++symbol) {
      if (lengths[symbol] == 0) continue;
      symbols_[next[lengths[symbol]]++] = static_cast<uint16_t>(symbol);
    }
    return used == 1 || taken == 1u << kMaxCodeLength;
  }

  // A code of one symbol has no bits.
  uint32_t Take(BitReader& bits) const {
    if (symbols_.size() == 1) return symbols_[0];
    uint32_t code = 0;
    uint32_t first = 0;   // code of this length
    uint32_t before = 0;  // symbols of shorter codes
    for (size_t length = 1; length <= kMaxCodeLength; ++length) {
      code = code << 1 | bits.Take(1);
      if (code - first < counts_[length])
        return symbols_[before + code - first];
      before += counts_[length];
      first = (first + counts_[length]) << 1;
    }
    return 0;
  }

 private:
  std::array<uint32_t, kMaxCodeLength + 1> counts_ = {};
  std::vector<uint16_t> symbols_;
};

uint32_t Parts(uint32_t size, uint32_t bits) {
  return static_cast<uint32_t>((uint64_t{size} + (1u << bits) - 1) >> bits);
}

class Scanner {
 public:
  Scanner(std::span<const std::byte> stream, uint32_t width, uint32_t height)
      : bits_(stream), width_(width), height_(height) {}

  uint64_t Run() {
    if (!SkipTransforms()) return 0;
    uint32_t cache_bits = 0;
    if (!ReadCacheBits(cache_bits)) return 0;
    uint64_t groups = 1;
    if (bits_.Take(1) == 1) {
      const uint32_t block_bits = bits_.Take(3) + 2;
      if (!SkipImage(Parts(width_, block_bits), Parts(height_, block_bits))) {
        return 0;
      }
      // The library numbers groups anew only if there seem to be many.
      const uint64_t numbered = uint64_t{greatest_} + 1;
      const bool is_sparse =
          numbered > 1000 || numbered > uint64_t{width_} * height_;
      groups = is_sparse ? seen_.count() : numbered;
      // The numbers, and where each lies now.
      if (bits_.has_ended()) return 0;
    }
    // Entries of 4 bytes for five codes, and one table that joins them.
    const uint64_t entries = 2300 + 656 + (uint64_t{1} << cache_bits);
    constexpr uint64_t kJoined = 600;
    constexpr uint64_t kNumbers = uint64_t{4} << 16;
    return groups * (entries * 4 + kJoined) + kNumbers;
  }

 private:
  bool SkipTransforms() {
    enum Transform : uint32_t { kPredictor, kColor, kSubtractGreen, kPalette };
    unsigned seen = 0;
    while (bits_.Take(1) == 1) {
      const uint32_t transform = bits_.Take(2);
      if ((seen & 1u << transform) != 0) return false;
      seen |= 1u << transform;
      if (transform == kPalette) {
        const uint32_t colors = bits_.Take(8) + 1;
        if (!SkipImage(colors, 1)) return false;
        const uint32_t packed = colors <= 2    ? 3
                                : colors <= 4  ? 2
                                : colors <= 16 ? 1
                                               : 0;
        width_ = Parts(width_, packed);
      } else if (transform != kSubtractGreen) {
        const uint32_t block_bits = bits_.Take(3) + 2;
        if (!SkipImage(Parts(width_, block_bits), Parts(height_, block_bits))) {
          return false;
        }
      }
    }
    return !bits_.has_ended();
  }

  bool ReadCacheBits(uint32_t& cache_bits) {
    cache_bits = 0;
    if (bits_.Take(1) == 0) return true;
    cache_bits = bits_.Take(4);
    return cache_bits >= 1 && cache_bits <= 11;
  }

  // An image without groups; what its pixels say as numbers of groups is kept.
  bool SkipImage(uint32_t width, uint32_t height) {
    uint32_t cache_bits = 0;
    if (!ReadCacheBits(cache_bits)) return false;
    const uint32_t cache_size = cache_bits == 0 ? 0 : 1u << cache_bits;
    PrefixCode green;
    PrefixCode red;
    PrefixCode blue;
    PrefixCode alpha;
    PrefixCode distance;
    if (!ReadCode(256 + kLengthSymbols + cache_size, green) ||
        !ReadCode(256, red) || !ReadCode(256, blue) || !ReadCode(256, alpha) ||
        !ReadCode(kDistanceSymbols, distance)) {
      return false;
    }
    seen_.reset();
    greatest_ = 0;
    const uint64_t count = uint64_t{width} * height;
    for (uint64_t at = 0; at < count && !bits_.has_ended();) {
      const uint64_t taken = bits_.taken();
      const uint32_t symbol = green.Take(bits_);
      if (symbol < 256) {
        See(red.Take(bits_) << 8 | symbol);
        blue.Take(bits_);
        alpha.Take(bits_);
        ++at;
      } else if (symbol < 256 + kLengthSymbols) {
        // Copies of pixels that were seen.
        at += TakeNumber(symbol - 256);
        TakeNumber(distance.Take(bits_));
      } else {
        // The same, or 0 if there was none yet.
        See(0);
        ++at;
      }
      // Codes without bits: the rest is the same, however large it says it is.
      if (bits_.taken() == taken) break;
    }
    return !bits_.has_ended();
  }

  void See(uint32_t group) {
    seen_.set(group);
    greatest_ = std::max(greatest_, group);
  }

  // A length or distance, whose upper bits are a symbol.
  uint64_t TakeNumber(uint32_t symbol) {
    if (symbol < 4) return symbol + 1;
    const int extra = static_cast<int>(symbol - 2) >> 1;
    const uint64_t upper = uint64_t{2 + (symbol & 1)} << extra;
    // Up to 18 bits.
    const uint64_t low = bits_.Take(std::min(extra, 9));
    const uint64_t high = extra > 9 ? bits_.Take(extra - 9) : 0;
    return upper + (high << 9 | low) + 1;
  }

  bool ReadCode(uint32_t symbols, PrefixCode& code) {
    lengths_.assign(symbols, 0);
    if (bits_.Take(1) == 1) {
      const uint32_t count = bits_.Take(1) + 1;
      const uint32_t first = bits_.Take(bits_.Take(1) == 1 ? 8 : 1);
      const uint32_t second = count == 2 ? bits_.Take(8) : first;
      if (std::max(first, second) >= symbols) return false;
      lengths_[first] = 1;
      lengths_[second] = 1;
    } else if (!ReadLengths()) {
      return false;
    }
    return !bits_.has_ended() && code.Build(lengths_);
  }

  bool ReadLengths() {
    constexpr std::array<uint8_t, 19> kOrder = {
        17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    std::array<uint8_t, 19> lengths_of_lengths = {};
    const uint32_t count = bits_.Take(4) + 4;
    for (uint32_t i = 0; i < count; ++i) {
      lengths_of_lengths[kOrder[i]] = static_cast<uint8_t>(bits_.Take(3));
    }
    PrefixCode code;
    if (!code.Build(lengths_of_lengths)) return false;
    auto left = static_cast<uint32_t>(lengths_.size());
    if (bits_.Take(1) == 1) {
      const auto size = static_cast<int>(2 + 2 * bits_.Take(3));
      left = 2 + bits_.Take(size);
    }
    uint8_t before = 8;
    for (size_t at = 0; at < lengths_.size() && left > 0; --left) {
      const uint32_t symbol = code.Take(bits_);
      if (bits_.has_ended()) return false;
      if (symbol < 16) {
        lengths_[at++] = static_cast<uint8_t>(symbol);
        if (symbol != 0) before = static_cast<uint8_t>(symbol);
        continue;
      }
      const uint32_t repeats = symbol == 16   ? 3 + bits_.Take(2)
                               : symbol == 17 ? 3 + bits_.Take(3)
                                              : 11 + bits_.Take(7);
      if (repeats > lengths_.size() - at) return false;
      if (symbol == 16) std::fill_n(&lengths_[at], repeats, before);
      at += repeats;
    }
    return true;
  }

  BitReader bits_;
  uint32_t width_;
  const uint32_t height_;
  std::vector<uint8_t> lengths_;
  std::bitset<65536> seen_;
  uint32_t greatest_ = 0;
};

}  // namespace

uint64_t Vp8lTableBytes(std::span<const std::byte> stream, uint32_t width,
                        uint32_t height) {
  return Scanner(stream, width, height).Run();
}

}  // namespace imageadapt
