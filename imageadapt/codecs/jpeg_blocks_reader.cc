// The entropy decoder is our own, because a turn of a JPEG is little else: the
// codes lead straight to coefficients in their new places, in a picture that
// is written from its first block to its last only once.
#include <algorithm>
#include <bit>
#include <cstring>

#include "imageadapt/codecs/byte_order.h"
#include "imageadapt/codecs/jpeg_blocks.h"

namespace imageadapt {
namespace {

// Read behind the end of a scan: more than the longest block, which is checked
// for its end after it was read.
constexpr size_t kBehind = 512;

constexpr int kLongestCode = 16;
constexpr int kQuickBits = 10;
// As many as the standard's codes have room for, of which the writer makes use.
constexpr unsigned kMaxDcBits = 11;
constexpr unsigned kMaxAcBits = 10;

// A symbol of a code, ready for use.
struct Symbol {
  // Of the code and the number behind it; 0: the code is a long one, or none.
  uint8_t total_bits = 0;
  uint8_t code_bits = 0;
  uint8_t value_bits = 0;
  // Places to go on in the block.
  uint8_t advance = 0;
};

// Past any place in a block.
constexpr uint8_t kEndOfBlock = 2 * kJpegBlock;

class HuffmanTable {
 public:
  bool is_set() const { return is_set_; }

  // Takes the table from a file; false if it is none, or one for more bits than
  // there are in 8-bit pictures.
  bool Set(bool is_dc, std::span<const uint8_t, kLongestCode> counts,
           std::span<const uint8_t> symbols) {
    *this = HuffmanTable();
    uint32_t code = 0;
    size_t next = 0;
    for (int bits = 1; bits <= kLongestCode; ++bits, code <<= 1) {
      const uint32_t count = counts[bits - 1];
      if (code + count > uint32_t{1} << bits) return false;
      first_[bits] = static_cast<int32_t>(next) - static_cast<int32_t>(code);
      for (uint32_t i = 0; i < count; ++i, ++next, ++code) {
        Symbol symbol;
        if (!MakeSymbol(is_dc, bits, symbols[next], symbol)) return false;
        symbols_[next] = symbol;
        if (bits > kQuickBits) continue;
        const uint32_t same = uint32_t{1} << (kQuickBits - bits);
        std::fill_n(&quick_[code * same], same, symbol);
      }
      end_[bits] = code << (kLongestCode - bits);
    }
    is_set_ = true;
    return true;
  }

  // `bits` begin with the code.
  Symbol Find(uint64_t bits) const {
    const Symbol quick = quick_[bits >> (64 - kQuickBits)];
    if (quick.total_bits != 0) [[likely]] {
      return quick;
    }
    return FindLong(bits);
  }

 private:
  static bool MakeSymbol(bool is_dc, int bits, unsigned value, Symbol& symbol) {
    const unsigned size = is_dc ? value : value & 15;
    const unsigned run = is_dc ? 0 : value >> 4;
    if (size > (is_dc ? kMaxDcBits : kMaxAcBits)) return false;
    symbol.code_bits = static_cast<uint8_t>(bits);
    symbol.value_bits = static_cast<uint8_t>(size);
    symbol.total_bits = static_cast<uint8_t>(bits + static_cast<int>(size));
    symbol.advance = static_cast<uint8_t>(run + 1);
    if (is_dc || size > 0) return true;
    if (run == 0) symbol.advance = kEndOfBlock;
    return run == 0 || run == 15;
  }

  Symbol FindLong(uint64_t bits) const {
    const auto code = static_cast<uint32_t>(bits >> (64 - kLongestCode));
    for (int size = kQuickBits + 1; size <= kLongestCode; ++size) {
      if (code >= end_[size]) continue;
      const auto at = static_cast<int32_t>(code >> (kLongestCode - size));
      return symbols_[static_cast<size_t>(first_[size] + at)];
    }
    return {};
  }

  std::array<Symbol, size_t{1} << kQuickBits> quick_ = {};
  std::array<Symbol, 256> symbols_ = {};
  std::array<int32_t, kLongestCode + 1> first_ = {};
  // Behind the last code of each length, in sixteen bits.
  std::array<uint32_t, kLongestCode + 1> end_ = {};
  bool is_set_ = false;
};

class BitReader {
 public:
  explicit BitReader(const uint8_t* next) : next_(next) {}

  uint64_t bits() const { return bits_; }

  // At least 56 bits after it.
  void Refill() {
    uint64_t word;
    std::memcpy(&word, next_, sizeof(word));
    if constexpr (std::endian::native == std::endian::little) {
      word = __builtin_bswap64(word);
    }
    // What stands behind the counted bits already is the same once more.
    bits_ |= word >> count_;
    next_ += (63 - count_) >> 3;
    count_ |= 56;
  }

  void Skip(unsigned count) {
    bits_ <<= count;
    count_ -= count;
  }

  // The first byte of which no bit was taken.
  const uint8_t* position() const { return next_ - count_ / 8; }

 private:
  const uint8_t* next_;
  uint64_t bits_ = 0;
  unsigned count_ = 0;
};

// Units between where memory is asked for and where it is needed.
constexpr uint32_t kAhead = 2;

// Where a plane's blocks go to.
struct Placement {
  // Of blocks of the file that are taken; others are read and left.
  uint32_t begin_x = 0;
  uint32_t end_x = 0;
  uint32_t begin_y = 0;
  uint32_t end_y = 0;
  // The index of block (x, y) is origin + x * step_x + y * step_y.
  int64_t origin = 0;
  int64_t step_x = 0;
  int64_t step_y = 0;

  bool Takes(uint32_t x, uint32_t y) const {
    return x >= begin_x && x < end_x && y >= begin_y && y < end_y;
  }
  size_t IndexOf(uint32_t x, uint32_t y) const {
    return static_cast<size_t>(origin + x * step_x + y * step_y);
  }
};

// Where a block's coefficients go to, and which change their sign.
struct BlockMove {
  std::array<uint8_t, kJpegBlock> place;
  std::array<uint16_t, kJpegBlock> flips;  // all bits, or none
};

struct Axes {
  bool transposed = false;
  bool reversed_x = false;  // of the file
  bool reversed_y = false;
};

Axes AxesOf(Orientation turn) {
  struct Axis {
    bool is_y;
    bool is_reversed;
  };
  Axis across = {.is_y = false, .is_reversed = turn.mirrored};
  Axis down = {.is_y = true, .is_reversed = false};
  for (int i = 0; i < turn.quarter_turns; ++i) {
    const Axis before = across;
    across = down;
    down = {.is_y = before.is_y, .is_reversed = !before.is_reversed};
  }
  return {.transposed = across.is_y,
          .reversed_x = across.is_y ? down.is_reversed : across.is_reversed,
          .reversed_y = across.is_y ? across.is_reversed : down.is_reversed};
}

// The place of a transposed block's coefficient.
size_t Transposed(size_t k) {
  const JpegPlace place = kJpegPlaces[k];
  size_t at = 0;
  while (kJpegPlaces[at].column != place.row ||
         kJpegPlaces[at].row != place.column) {
    ++at;
  }
  return at;
}

BlockMove MoveOf(const Axes& axes) {
  BlockMove move = {};
  for (size_t k = 0; k < kJpegBlock; ++k) {
    const JpegPlace place = kJpegPlaces[k];
    move.place[k] = static_cast<uint8_t>(axes.transposed ? Transposed(k) : k);
    // Cosines of odd frequency change their sign where left becomes right.
    const bool flips = (axes.reversed_x && place.column % 2 == 1) !=
                       (axes.reversed_y && place.row % 2 == 1);
    move.flips[k] = flips ? 0xffff : 0;
  }
  return move;
}

constexpr uint32_t CeilOf(uint64_t a, uint64_t b) {
  return static_cast<uint32_t>((a + b - 1) / b);
}

struct ScanPlane {
  uint8_t dc_table = 0;
  uint8_t ac_table = 0;
  uint32_t columns = 0;  // of the file
  uint32_t rows = 0;
  Placement placement;
};

// A piece between restart markers, without stuffed bytes.
struct Piece {
  size_t begin = 0;
  size_t end = 0;
};

class Reader {
 public:
  Reader(std::span<const std::byte> file, const JpegMove& move,
         BufferPool& buffers, JpegBlocks& blocks)
      : file_(reinterpret_cast<const uint8_t*>(file.data()), file.size()),
        move_(move),
        buffers_(buffers),
        blocks_(blocks) {}

  JpegBlocksResult Run() {
    using Result = JpegBlocksResult;
    if (!ReadHead()) return Result::kOtherKind;
    width_ = blocks_.width;
    height_ = blocks_.height;
    if (!Place()) return is_inexact_ ? Result::kInexact : Result::kOtherKind;
    if (!TakeMemory()) return Result::kNoMemory;
    if (!RemoveStuffing()) return Result::kOtherKind;
    return ReadScan() ? Result::kDone : Result::kOtherKind;
  }

 private:
  // Segments up to the start of the scan.
  bool ReadHead() {
    constexpr unsigned kStartOfScan = 0xda;
    at_ = 2;
    while (true) {
      if (at_ + 4 > file_.size() || file_[at_] != 0xff) return false;
      const unsigned marker = file_[at_ + 1];
      if (marker == 0xff) {  // fill
        ++at_;
        continue;
      }
      const size_t length = LoadBig16(&file_[at_ + 2]);
      if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xd9) || length < 2 ||
          length > file_.size() - at_ - 2) {
        return false;
      }
      const auto body = file_.subspan(at_ + 4, length - 2);
      at_ += 2 + length;
      if (marker == kStartOfScan) return ReadScanHead(body);
      if (!ReadSegment(marker, body)) return false;
    }
  }

  bool ReadSegment(unsigned marker, std::span<const uint8_t> body) {
    switch (marker) {
      case 0xc0:  // baseline
      case 0xc1:  // extended, which with 8 bits differs in its tables only
        return ReadFrame(body);
      case 0xc4:
        return ReadHuffman(body);
      case 0xdb:
        return ReadQuantization(body);
      case 0xdd:
        if (body.size() != 2) return false;
        restart_interval_ = LoadBig16(body.data());
        return true;
      case 0xe0:
        ReadJfif(body);
        return true;
      case 0xee:
        ReadAdobe(body);
        return true;
      default:
        // Texts and other programs' own may be left out; anything else not.
        return marker == 0xfe || (marker > 0xe0 && marker <= 0xef);
    }
  }

  bool ReadFrame(std::span<const uint8_t> body) {
    constexpr size_t kHead = 6;
    if (body.size() < kHead || !blocks_.planes.empty()) return false;
    const size_t planes = body[5];
    if (body[0] != 8 || (planes != 1 && planes != 3) ||
        body.size() != kHead + 3 * planes) {
      return false;
    }
    blocks_.height = LoadBig16(&body[1]);
    blocks_.width = LoadBig16(&body[3]);
    if (blocks_.width == 0 || blocks_.height == 0) return false;
    int blocks_in_unit = 0;
    for (size_t i = 0; i < planes; ++i) {
      const uint8_t* const from = &body[kHead + 3 * i];
      JpegPlane plane;
      plane.id = from[0];
      plane.across = from[1] >> 4;
      plane.down = from[1] & 15;
      plane.quantization = from[2];
      if (plane.across < 1 || plane.across > 4 || plane.down < 1 ||
          plane.down > 4 || plane.quantization > 3) {
        return false;
      }
      // One plane alone has blocks in rows, whatever it says.
      if (planes == 1) plane.across = plane.down = 1;
      blocks_.across = std::max<uint32_t>(blocks_.across, plane.across);
      blocks_.down = std::max<uint32_t>(blocks_.down, plane.down);
      blocks_in_unit += plane.across * plane.down;
      blocks_.planes.push_back(std::move(plane));
    }
    constexpr int kMostBlocksInUnit = 10;
    return blocks_in_unit <= kMostBlocksInUnit;
  }

  bool ReadHuffman(std::span<const uint8_t> body) {
    while (!body.empty()) {
      if (body.size() < 1 + kLongestCode) return false;
      const unsigned kind = body[0];
      const auto counts = body.subspan<1, kLongestCode>();
      size_t symbols = 0;
      for (const uint8_t count : counts) symbols += count;
      const size_t length = 1 + kLongestCode + symbols;
      if ((kind & 0xef) > 3 || symbols > 256 || length > body.size()) {
        return false;
      }
      const bool is_dc = kind < 0x10;
      HuffmanTable& table = (is_dc ? dc_ : ac_)[kind & 3];
      if (!table.Set(is_dc, counts, body.subspan(1 + kLongestCode, symbols))) {
        return false;
      }
      body = body.subspan(length);
    }
    return true;
  }

  bool ReadQuantization(std::span<const uint8_t> body) {
    while (!body.empty()) {
      const size_t bytes = body[0] < 0x10 ? 1 : 2;
      const size_t length = 1 + kJpegBlock * bytes;
      if ((body[0] & 0xef) > 3 || body.size() < length) return false;
      JpegQuantization table;
      for (size_t k = 0; k < kJpegBlock; ++k) {
        table[k] = bytes == 1 ? body[1 + k] : LoadBig16(&body[1 + 2 * k]);
      }
      blocks_.quantization[body[0] & 3] = table;
      body = body.subspan(length);
    }
    return true;
  }

  void ReadJfif(std::span<const uint8_t> body) {
    constexpr size_t kLength = 14;
    if (body.size() < kLength || std::memcmp(body.data(), "JFIF", 5) != 0) {
      return;
    }
    has_jfif_ = true;
    blocks_.density_unit = body[7];
    blocks_.density_x = LoadBig16(&body[8]);
    blocks_.density_y = LoadBig16(&body[10]);
  }

  void ReadAdobe(std::span<const uint8_t> body) {
    constexpr size_t kLength = 12;
    if (body.size() < kLength || std::memcmp(body.data(), "Adobe", 5) != 0) {
      return;
    }
    adobe_transform_ = body[11];
  }

  // As libjpeg tells it.
  bool IsRgb() const {
    if (blocks_.planes.size() != 3 || has_jfif_) return false;
    if (adobe_transform_.has_value()) return *adobe_transform_ == 0;
    return blocks_.planes[0].id == 'R' && blocks_.planes[1].id == 'G' &&
           blocks_.planes[2].id == 'B';
  }

  bool ReadScanHead(std::span<const uint8_t> body) {
    const size_t planes = blocks_.planes.size();
    if (planes == 0 || body.size() != 4 + 2 * planes || body[0] != planes) {
      return false;
    }
    const uint8_t* const rest = &body[1 + 2 * planes];
    if (rest[0] != 0 || rest[1] != kJpegBlock - 1 || rest[2] != 0) return false;
    for (size_t i = 0; i < planes; ++i) {
      const uint8_t tables = body[2 + 2 * i];
      const JpegPlane& plane = blocks_.planes[i];
      if (body[1 + 2 * i] != plane.id || (tables & 0xcc) != 0 ||
          !blocks_.quantization[plane.quantization].has_value() ||
          !dc_[tables >> 4].is_set() || !ac_[tables & 3].is_set()) {
        return false;
      }
      scan_[i].dc_table = tables >> 4;
      scan_[i].ac_table = tables & 3;
    }
    blocks_.is_rgb = IsRgb();
    return true;
  }

  // Begin and end, in units, of what is taken along one side. False if the
  // picture laid down would begin within a unit.
  bool CutSide(uint32_t begin, uint32_t length, uint32_t unit, bool is_reversed,
               uint32_t& first) {
    const uint32_t start = is_reversed ? begin + length : begin;
    if (start % unit != 0) {
      is_inexact_ = true;
      return false;
    }
    first = start / unit;
    return true;
  }

  // Lays out the picture that is made.
  bool Place() {
    const ImageShape shape = {.width = width_, .height = height_};
    PixelRect region = {
        .x = 0, .y = 0, .width = shape.width, .height = shape.height};
    if (move_.region.has_value()) region = *move_.region;
    if (!IsWithin(region, shape)) return false;
    const Axes axes = AxesOf(move_.turn);
    block_move_ = MoveOf(axes);
    const auto unit_x = static_cast<uint32_t>(kJpegSide * blocks_.across);
    const auto unit_y = static_cast<uint32_t>(kJpegSide * blocks_.down);
    units_across_ = CeilOf(width_, unit_x);
    units_down_ = CeilOf(height_, unit_y);
    uint32_t first_x = 0;
    uint32_t first_y = 0;
    if (!CutSide(region.x, region.width, unit_x, axes.reversed_x, first_x) ||
        !CutSide(region.y, region.height, unit_y, axes.reversed_y, first_y)) {
      return false;
    }
    for (size_t i = 0; i < blocks_.planes.size(); ++i) {
      JpegPlane& plane = blocks_.planes[i];
      ScanPlane& scan = scan_[i];
      const auto columns_of = [&](uint32_t pixels) {
        return CeilOf(uint64_t{pixels} * plane.across, unit_x);
      };
      const auto rows_of = [&](uint32_t pixels) {
        return CeilOf(uint64_t{pixels} * plane.down, unit_y);
      };
      scan.columns = columns_of(width_);
      scan.rows = rows_of(height_);
      const uint32_t columns = columns_of(region.width);
      const uint32_t rows = rows_of(region.height);
      Placement& to = scan.placement;
      to.begin_x = first_x * plane.across - (axes.reversed_x ? columns : 0);
      to.end_x = to.begin_x + columns;
      to.begin_y = first_y * plane.down - (axes.reversed_y ? rows : 0);
      to.end_y = to.begin_y + rows;
      plane.columns = axes.transposed ? rows : columns;
      plane.rows = axes.transposed ? columns : rows;
      to.step_x = axes.transposed ? int64_t{plane.columns} : 1;
      to.step_y = axes.transposed ? 1 : int64_t{plane.columns};
      if (axes.reversed_x) to.step_x = -to.step_x;
      if (axes.reversed_y) to.step_y = -to.step_y;
      to.origin = -to.step_x * (axes.reversed_x ? to.end_x - 1 : to.begin_x) -
                  to.step_y * (axes.reversed_y ? to.end_y - 1 : to.begin_y);
    }
    TurnHead(axes, region);
    return true;
  }

  void TurnHead(const Axes& axes, const PixelRect& region) {
    blocks_.width = region.width;
    blocks_.height = region.height;
    // Samples of each plane in a unit, for the scan as it is read.
    for (size_t i = 0; i < blocks_.planes.size(); ++i) {
      across_[i] = blocks_.planes[i].across;
      down_[i] = blocks_.planes[i].down;
    }
    if (!axes.transposed) return;
    std::swap(blocks_.width, blocks_.height);
    std::swap(blocks_.across, blocks_.down);
    std::swap(blocks_.density_x, blocks_.density_y);
    for (JpegPlane& plane : blocks_.planes) {
      std::swap(plane.across, plane.down);
    }
    for (std::optional<JpegQuantization>& table : blocks_.quantization) {
      if (!table.has_value()) continue;
      const JpegQuantization before = *table;
      for (size_t k = 0; k < kJpegBlock; ++k) {
        (*table)[Transposed(k)] = before[k];
      }
    }
  }

  bool TakeMemory() {
    for (JpegPlane& plane : blocks_.planes) {
      const size_t count = size_t{plane.columns} * plane.rows;
      auto coefficients = buffers_.Take(count * kJpegBlock * sizeof(uint16_t));
      auto present = buffers_.Take(count * sizeof(uint64_t));
      if (!coefficients.ok() || !present.ok()) return false;
      plane.coefficients = *std::move(coefficients);
      plane.present = *std::move(present);
    }
    auto scan = buffers_.Take(file_.size() - at_ + kBehind);
    if (!scan.ok()) return false;
    bytes_ = *std::move(scan);
    return true;
  }

  // Copies the scan without the zeros behind bytes of 255, piece by piece.
  // False unless the file ends behind it.
  bool RemoveStuffing() {
    constexpr unsigned kEnd = 0xd9;
    const uint64_t units = uint64_t{units_across_} * units_down_;
    const uint64_t interval =
        restart_interval_ == 0 ? units : restart_interval_;
    const uint64_t expected = (units + interval - 1) / interval;
    auto* const to = reinterpret_cast<uint8_t*>(bytes_.data());
    size_t size = 0;
    Piece piece;
    while (true) {
      const uint8_t* const from = file_.data() + at_;
      const size_t left = file_.size() - at_;
      const void* const found = std::memchr(from, 0xff, left);
      if (found == nullptr) return false;
      const auto plain =
          static_cast<size_t>(static_cast<const uint8_t*>(found) - from);
      std::memcpy(to + size, from, plain);
      size += plain;
      if (plain + 1 >= left) return false;
      const unsigned marker = from[plain + 1];
      at_ += plain + 2;
      if (marker == 0) {
        to[size++] = 0xff;
        continue;
      }
      piece.end = size;
      pieces_.push_back(piece);
      piece.begin = size;
      if (marker == kEnd) break;
      if (marker != 0xd0 + (pieces_.size() - 1) % 8 ||
          pieces_.size() >= expected) {
        return false;
      }
    }
    std::memset(to + size, 0, kBehind);
    return pieces_.size() == expected;
  }

  bool ReadScan() {
    const uint64_t units = uint64_t{units_across_} * units_down_;
    const uint64_t interval =
        restart_interval_ == 0 ? units : restart_interval_;
    // Some pieces for each thread; a thread that is done takes more.
    constexpr size_t kShare = 8;
    const size_t threads =
        move_.parallel == nullptr ? 1 : move_.parallel->threads();
    const size_t parts =
        threads == 1 ? 1 : std::min(pieces_.size(), threads * kShare);
    std::vector<uint8_t> is_good(parts, 1);
    const auto read_part = [&](size_t part) {
      const size_t end = pieces_.size() * (part + 1) / parts;
      for (size_t i = pieces_.size() * part / parts; i < end; ++i) {
        const uint64_t first = i * interval;
        if (ReadPiece(pieces_[i], first, std::min(first + interval, units))) {
          continue;
        }
        is_good[part] = 0;
        return;
      }
    };
    if (parts == 1) {
      read_part(0);
    } else {
      move_.parallel->ParallelFor(parts, read_part);
    }
    return std::ranges::all_of(is_good, [](uint8_t good) { return good == 1; });
  }

  bool ReadPiece(const Piece& piece, uint64_t first, uint64_t end) const {
    const auto* const bytes = reinterpret_cast<const uint8_t*>(bytes_.data());
    BitReader in(bytes + piece.begin);
    const uint8_t* const limit = bytes + piece.end;
    std::array<int, 3> dc = {};
    auto x = static_cast<uint32_t>(first % units_across_);
    auto y = static_cast<uint32_t>(first / units_across_);
    for (uint64_t unit = first; unit < end; ++unit) {
      Prefetch(x + kAhead, y);
      if (!ReadUnit(in, limit, x, y, dc)) return false;
      if (++x == units_across_) {
        x = 0;
        ++y;
      }
    }
    // Nothing but the rest of a byte is left.
    return in.position() == limit;
  }

  // Turned pictures are written with long steps, which no processor foresees.
  void Prefetch(uint32_t unit_x, uint32_t unit_y) const {
    for (size_t i = 0; i < blocks_.planes.size(); ++i) {
      const JpegPlane& plane = blocks_.planes[i];
      const Placement& to = scan_[i].placement;
      for (uint32_t down = 0; down < down_[i]; ++down) {
        for (uint32_t across = 0; across < across_[i]; ++across) {
          const uint32_t x = unit_x * across_[i] + across;
          const uint32_t y = unit_y * down_[i] + down;
          if (!to.Takes(x, y)) continue;
          const size_t index = to.IndexOf(x, y);
          __builtin_prefetch(plane.block(index), 1);
          __builtin_prefetch(&plane.mask(index), 1);
        }
      }
    }
  }

  bool ReadUnit(BitReader& in, const uint8_t* limit, uint32_t unit_x,
                uint32_t unit_y, std::array<int, 3>& dc) const {
    for (size_t i = 0; i < blocks_.planes.size(); ++i) {
      const JpegPlane& plane = blocks_.planes[i];
      const ScanPlane& scan = scan_[i];
      for (uint32_t down = 0; down < down_[i]; ++down) {
        for (uint32_t across = 0; across < across_[i]; ++across) {
          const uint32_t x = unit_x * across_[i] + across;
          const uint32_t y = unit_y * down_[i] + down;
          std::array<uint16_t, kJpegBlock> unused;
          uint64_t unused_mask = 0;
          uint16_t* block = unused.data();
          uint64_t* mask = &unused_mask;
          if (scan.placement.Takes(x, y)) {
            const size_t index = scan.placement.IndexOf(x, y);
            block = plane.block(index);
            mask = &plane.mask(index);
          }
          if (!ReadBlock(in, scan, dc[i], block, *mask)) return false;
          if (in.position() > limit) return false;
        }
      }
    }
    return true;
  }

  // Two symbols have at most 54 bits: one refill is enough for both.
  bool ReadBlock(BitReader& in, const ScanPlane& scan, int& dc, uint16_t* block,
                 uint64_t& mask) const {
    in.Refill();
    const Symbol first = dc_[scan.dc_table].Find(in.bits());
    if (first.total_bits == 0) return false;
    dc += Difference(in.bits() << first.code_bits, first.value_bits);
    in.Skip(first.total_bits);
    if (dc < INT16_MIN || dc > INT16_MAX) return false;
    block[0] = static_cast<uint16_t>(static_cast<int16_t>(dc));
    const HuffmanTable& table = ac_[scan.ac_table];
    uint64_t present = 0;
    size_t k = 0;
    bool refills = false;
    while (k < kJpegBlock - 1) {
      if (refills) in.Refill();
      refills = !refills;
      const Symbol symbol = table.Find(in.bits());
      k += symbol.advance;
      if (k >= kJpegBlock || symbol.total_bits == 0) [[unlikely]] {
        in.Skip(symbol.total_bits);
        mask = present;
        return symbol.advance == kEndOfBlock;
      }
      const unsigned size = symbol.value_bits;
      const uint64_t value =
          ((in.bits() << symbol.code_bits) >> 1) >> (63 - size);
      in.Skip(symbol.total_bits);
      const unsigned flips = block_move_.flips[k] & ((1U << size) - 1);
      const size_t place = block_move_.place[k];
      block[place] = static_cast<uint16_t>(
          size << 12 | (static_cast<unsigned>(value) ^ flips));
      // A run of sixteen zeros has none.
      present |= uint64_t{size != 0} << place;
    }
    mask = present;
    return true;
  }

  // The signed number of `size` bits that `bits` begin with: those whose first
  // bit is 0 are negative.
  static int Difference(uint64_t bits, unsigned size) {
    const auto value = static_cast<int>((bits >> 1) >> (63 - size));
    const int half = (1 << size) >> 1;
    return value < half ? value - (1 << size) + 1 : value;
  }

  const std::span<const uint8_t> file_;
  const JpegMove& move_;
  BufferPool& buffers_;
  JpegBlocks& blocks_;
  uint32_t width_ = 0;  // of the file
  uint32_t height_ = 0;
  size_t at_ = 0;
  bool has_jfif_ = false;
  bool is_inexact_ = false;
  std::optional<uint8_t> adobe_transform_;
  uint32_t restart_interval_ = 0;
  uint32_t units_across_ = 0;
  uint32_t units_down_ = 0;
  std::array<uint32_t, 3> across_ = {};
  std::array<uint32_t, 3> down_ = {};
  std::array<ScanPlane, 3> scan_ = {};
  std::array<HuffmanTable, 4> dc_;
  std::array<HuffmanTable, 4> ac_;
  BlockMove block_move_ = {};
  std::vector<Piece> pieces_;
  Buffer bytes_;
};

}  // namespace

JpegBlocksResult ReadJpegBlocks(std::span<const std::byte> file,
                                const JpegMove& move, BufferPool& buffers,
                                JpegBlocks& blocks) {
  blocks = JpegBlocks();
  return Reader(file, move, buffers, blocks).Run();
}

}  // namespace imageadapt
