// After ISO/IEC 15444-1 (ITU-T T.800), annexes A and I.
#include "imageadapt/codecs/jp2_boxes.h"

#include <algorithm>

#include "absl/strings/string_view.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/byte_order.h"
#include "imageadapt/codecs/decode_checks.h"

namespace imageadapt {
namespace {

constexpr char kTooShort[] = "it ends too early";

constexpr uint16_t kSiz = 0xff51;
constexpr uint16_t kCod = 0xff52;
constexpr uint16_t kCoc = 0xff53;
constexpr uint16_t kSot = 0xff90;
constexpr uint16_t kSod = 0xff93;
constexpr uint16_t kEoc = 0xffd9;

constexpr uint32_t kMaxComponents = 16384;
constexpr uint32_t kMaxPaletteEntries = 1024;
constexpr uint32_t kMaxLevels = 32;

constexpr uint32_t FourLetters(absl::string_view letters) {
  return uint32_t{static_cast<uint8_t>(letters[0])} << 24 |
         uint32_t{static_cast<uint8_t>(letters[1])} << 16 |
         uint32_t{static_cast<uint8_t>(letters[2])} << 8 |
         uint32_t{static_cast<uint8_t>(letters[3])};
}

absl::Status Bad(absl::string_view problem) {
  return DamagedHeader(kJp2Format, problem);
}

// Numbers, the higher byte first. Past the end they are 0, and it is short.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  uint32_t Number(size_t size) {
    if (size > left()) {
      is_short_ = true;
      at_ = bytes_.size();
      return 0;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      value = value << 8 | static_cast<uint32_t>(bytes_[at_++]);
    }
    return value;
  }
  uint8_t U8() { return static_cast<uint8_t>(Number(1)); }
  uint16_t U16() { return static_cast<uint16_t>(Number(2)); }
  uint32_t U32() { return Number(4); }

  std::span<const std::byte> Take(size_t size) {
    if (size > left()) {
      is_short_ = true;
      size = left();
    }
    const auto taken = bytes_.subspan(at_, size);
    at_ += size;
    return taken;
  }

  void GoTo(size_t at) { at_ = std::min(at, bytes_.size()); }
  size_t at() const { return at_; }
  size_t left() const { return bytes_.size() - at_; }
  bool is_short() const { return is_short_; }

 private:
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
  bool is_short_ = false;
};

// Sizes and steps of a part of the codestream, from its box of markers.
void ReadCodingStyle(Cursor& cursor, bool has_precincts, Jp2Header& header) {
  const uint32_t levels = std::min<uint32_t>(cursor.U8(), kMaxLevels);
  header.levels = std::max(header.levels, levels);
  header.block_width_bits =
      std::min<uint32_t>(header.block_width_bits, 2u + (cursor.U8() & 15u));
  header.block_height_bits =
      std::min<uint32_t>(header.block_height_bits, 2u + (cursor.U8() & 15u));
  cursor.Take(2);  // style of blocks, transform
  if (!has_precincts) return;
  for (uint32_t level = 0; level <= levels; ++level) {
    const uint8_t bits = cursor.U8();
    uint8_t& width = header.precinct_width_bits[level];
    uint8_t& height = header.precinct_height_bits[level];
    width = std::min<uint8_t>(width, bits & 15);
    height = std::min<uint8_t>(height, bits >> 4);
  }
}

void ReadCod(Cursor cursor, Jp2Header& header) {
  const uint8_t style = cursor.U8();
  cursor.U8();  // progression
  header.layers = std::max<uint32_t>(header.layers, cursor.U16());
  cursor.U8();  // component transform
  ReadCodingStyle(cursor, (style & 1) != 0, header);
}

void ReadCoc(Cursor cursor, Jp2Header& header) {
  cursor.Take(header.components.size() < 257 ? 1 : 2);
  const uint8_t style = cursor.U8();
  ReadCodingStyle(cursor, (style & 1) != 0, header);
}

absl::Status ReadSiz(Cursor cursor, Jp2Header& header) {
  cursor.U16();  // capabilities
  header.x1 = cursor.U32();
  header.y1 = cursor.U32();
  header.x0 = cursor.U32();
  header.y0 = cursor.U32();
  header.tile_width = cursor.U32();
  header.tile_height = cursor.U32();
  header.tile_x0 = cursor.U32();
  header.tile_y0 = cursor.U32();
  const uint32_t count = cursor.U16();
  if (cursor.is_short()) return Bad(kTooShort);
  if (count < 1 || count > kMaxComponents || cursor.left() < 3 * count) {
    return Bad("it has no components");
  }
  if (header.x1 <= header.x0 || header.y1 <= header.y0) {
    return Bad("a side is 0");
  }
  if (header.tile_width == 0 || header.tile_height == 0 ||
      header.tile_x0 > header.x0 || header.tile_y0 > header.y0 ||
      uint64_t{header.tile_x0} + header.tile_width <= header.x0 ||
      uint64_t{header.tile_y0} + header.tile_height <= header.y0) {
    return Bad("its tiles make no sense");
  }
  for (uint32_t i = 0; i < count; ++i) {
    const uint8_t depth = cursor.U8();
    const Jp2Component component = {.bits = (depth & 127u) + 1,
                                    .is_signed = depth >> 7 != 0,
                                    .dx = cursor.U8(),
                                    .dy = cursor.U8()};
    if (component.dx == 0 || component.dy == 0) {
      return Bad("a component has no samples");
    }
    header.components.push_back(component);
  }
  return absl::OkStatus();
}

// Markers up to `last`, which is left behind. False if they do not come to it.
bool ReadMarkers(Cursor& cursor, uint16_t last, Jp2Header& header) {
  while (true) {
    const uint16_t marker = cursor.U16();
    if (marker == last) return true;
    if (marker < 0xff00 || marker == kSod || marker == kSot || marker == kEoc) {
      return false;
    }
    const uint16_t length = cursor.U16();
    if (length < 2) return false;
    const Cursor segment(cursor.Take(length - 2u));
    if (cursor.is_short()) return false;
    if (marker == kCod) ReadCod(segment, header);
    if (marker == kCoc) ReadCoc(segment, header);
  }
}

absl::Status ReadCodestream(std::span<const std::byte> bytes,
                            Jp2Header& header) {
  header.precinct_width_bits.fill(15);
  header.precinct_height_bits.fill(15);
  Cursor cursor(bytes);
  cursor.U16();  // SOC
  if (cursor.U16() != kSiz) return Bad("it does not begin with its sizes");
  const uint16_t length = cursor.U16();
  if (length < 2) return Bad(kTooShort);
  RETURN_IF_ERROR(ReadSiz(Cursor(cursor.Take(length - 2u)), header));
  if (cursor.is_short()) return Bad(kTooShort);
  if (!ReadMarkers(cursor, kSot, header)) return Bad("it has no tiles");
  // Headers of the parts of tiles; what stands in them is the library's.
  while (true) {
    const size_t begin = cursor.at() - 2;
    cursor.Take(4);  // length, tile
    const uint32_t part_bytes = cursor.U32();
    cursor.Take(2);  // number, and of how many
    if (cursor.is_short() || !ReadMarkers(cursor, kSod, header)) break;
    if (part_bytes < 14) break;
    cursor.GoTo(begin + part_bytes);
    if (cursor.left() < 2 || cursor.U16() != kSot) break;
  }
  return absl::OkStatus();
}

absl::Status ReadPalette(Cursor cursor, Jp2Palette& palette) {
  const uint32_t entries = cursor.U16();
  const uint32_t columns = cursor.U8();
  if (entries < 1 || entries > kMaxPaletteEntries || columns < 1) {
    return Bad("its palette makes no sense");
  }
  palette = {};
  for (uint32_t c = 0; c < columns; ++c) {
    const uint8_t depth = cursor.U8();
    if (depth > 15) return Bad("its palette makes no sense");
    palette.column_bits.push_back(depth + 1u);
  }
  for (uint32_t i = 0; i < entries * columns; ++i) {
    palette.entries.push_back(static_cast<uint16_t>(
        cursor.Number(palette.column_bits[i % columns] > 8 ? 2 : 1)));
  }
  return cursor.is_short() ? Bad("its palette is too short") : absl::OkStatus();
}

void ReadColor(Cursor cursor, Jp2Header& header) {
  // The first one that we know counts.
  if (header.color_space != 0 || !header.icc_profile.empty()) return;
  const uint8_t method = cursor.U8();
  cursor.Take(2);  // precedence, approximation
  if (method == 1) {
    header.color_space = cursor.U32();
  } else if (method == 2 || method == 3) {
    header.icc_profile = cursor.Take(cursor.left());
  }
}

absl::Status ReadHeaderBox(uint32_t type, std::span<const std::byte> bytes,
                           Jp2Header& header) {
  Cursor cursor(bytes);
  switch (type) {
    case FourLetters("colr"):
      ReadColor(cursor, header);
      break;
    case FourLetters("pclr"):
      return ReadPalette(cursor, header.palette);
    case FourLetters("cmap"):
      header.map.clear();
      while (cursor.left() >= 4) {
        Jp2Channel channel;
        channel.component = cursor.U16();
        channel.is_mapped = cursor.U8() == 1;
        channel.column = cursor.U8();
        header.map.push_back(channel);
      }
      break;
    case FourLetters("cdef"):
      header.definitions.clear();
      cursor.U16();
      while (cursor.left() >= 6) {
        Jp2Definition definition;
        definition.channel = cursor.U16();
        definition.type = cursor.U16();
        definition.of = cursor.U16();
        header.definitions.push_back(definition);
      }
      break;
    default:
      break;
  }
  return absl::OkStatus();
}

struct Box {
  uint32_t type = 0;
  std::span<const std::byte> content;
};

// The next box; its content can be cut off by the end of the file.
absl::StatusOr<Box> NextBox(Cursor& cursor) {
  uint64_t length = cursor.U32();
  Box box;
  box.type = cursor.U32();
  uint64_t head = 8;
  if (length == 1) {
    length = uint64_t{cursor.U32()} << 32;
    length |= cursor.U32();
    head = 16;
  }
  if (cursor.is_short()) return Bad(kTooShort);
  if (length == 0) length = head + cursor.left();
  if (length < head) return Bad("a box has no length");
  box.content = cursor.Take(std::min<uint64_t>(length - head, cursor.left()));
  return box;
}

absl::Status ReadBoxes(std::span<const std::byte> file, Jp2Header& header) {
  Cursor cursor(file);
  while (true) {
    ASSIGN_OR_RETURN(const Box box, NextBox(cursor));
    if (box.type == FourLetters("jp2h")) {
      Cursor inside(box.content);
      while (inside.left() >= 8) {
        ASSIGN_OR_RETURN(const Box part, NextBox(inside));
        RETURN_IF_ERROR(ReadHeaderBox(part.type, part.content, header));
      }
    } else if (box.type == FourLetters("jp2c")) {
      header.codestream_bytes = box.content.size();
      header.codestream_at = cursor.at() - box.content.size();
      return absl::OkStatus();
    }
  }
}

uint64_t CeilShift(uint64_t value, uint32_t bits) {
  return (value + (uint64_t{1} << bits) - 1) >> bits;
}

}  // namespace

bool IsJp2(std::span<const std::byte> head) {
  constexpr std::array<uint8_t, 12> kSignature = {
      0, 0, 0, 12, 'j', 'P', ' ', ' ', '\r', '\n', 0x87, '\n'};
  return head.size() >= kSignature.size() &&
         std::equal(kSignature.begin(), kSignature.end(), head.begin(),
                    [](uint8_t a, std::byte b) { return std::byte{a} == b; });
}

bool IsJp2Codestream(std::span<const std::byte> head) {
  return head.size() >= 4 && head[0] == std::byte{0xff} &&
         head[1] == std::byte{0x4f} && head[2] == std::byte{0xff} &&
         head[3] == std::byte{0x51};
}

absl::StatusOr<Jp2Header> ParseJp2(std::span<const std::byte> file) {
  Jp2Header header;
  header.has_boxes = IsJp2(file);
  header.codestream_bytes = file.size();
  if (header.has_boxes) RETURN_IF_ERROR(ReadBoxes(file, header));
  const auto codestream =
      file.subspan(header.codestream_at, header.codestream_bytes);
  if (!IsJp2Codestream(codestream)) {
    return Bad("its codestream does not begin as such do");
  }
  RETURN_IF_ERROR(ReadCodestream(codestream, header));
  return header;
}

uint64_t Jp2ListBytes(const Jp2Header& header) {
  // As large as the lists of OpenJPEG 2.5 are, roughly and rather more.
  constexpr uint64_t kTile = 6144;
  constexpr uint64_t kTileComponent = 1280;
  constexpr uint64_t kPrecinct = 640;
  constexpr uint64_t kBlock = 512;
  const uint64_t tiles = header.tiles_across() * header.tiles_down();
  uint64_t bytes = tiles * (kTile + kTileComponent * header.components.size());
  uint64_t precincts = 0;
  for (const Jp2Component& component : header.components) {
    const uint64_t width =
        std::min<uint64_t>(header.tile_width, header.x1 - header.x0) /
            component.dx +
        1;
    const uint64_t height =
        std::min<uint64_t>(header.tile_height, header.y1 - header.y0) /
            component.dy +
        1;
    for (uint32_t level = 0; level <= header.levels; ++level) {
      const uint32_t shift = header.levels - level;
      const uint64_t across = CeilShift(width, shift);
      const uint64_t down = CeilShift(height, shift);
      const uint32_t precinct_width = header.precinct_width_bits[level];
      const uint32_t precinct_height = header.precinct_height_bits[level];
      precincts += (CeilShift(across, precinct_width) + 1) *
                   (CeilShift(down, precinct_height) + 1);
      // Of the three bands together, each half as wide and high.
      const uint32_t block_width =
          std::min(header.block_width_bits,
                   precinct_width - std::min(precinct_width, 1u));
      const uint32_t block_height =
          std::min(header.block_height_bits,
                   precinct_height - std::min(precinct_height, 1u));
      bytes += kBlock * (CeilShift(across, block_width) + 1) *
               (CeilShift(down, block_height) + 1);
    }
  }
  return bytes + precincts * (kPrecinct + 2 * uint64_t{header.layers});
}

}  // namespace imageadapt
