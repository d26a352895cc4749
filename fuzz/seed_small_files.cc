// The formats that are nothing but a header and samples.
#include <cstdint>
#include <initializer_list>

#include "fuzz/seed_files.h"

namespace imageadapt {
namespace {

constexpr uint32_t kWidth = 9;
constexpr uint32_t kHeight = 5;

std::string Little(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) {
    text.push_back(static_cast<char>(value >> 8 * i & 0xff));
  }
  return text;
}

// Bytes that differ.
std::string Samples(size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) {
    bytes.push_back(static_cast<char>(i * 37 + i / 7));
  }
  return bytes;
}

std::string MakeBmp(uint32_t header_bytes, uint32_t bits, uint32_t compression,
                    const std::string& behind_header,
                    const std::string& pixels) {
  const bool is_core = header_bytes == 12;
  std::string header = Little(header_bytes, 4) +
                       Little(kWidth, is_core ? 2 : 4) +
                       Little(kHeight, is_core ? 2 : 4) + Little(1, 2) +
                       Little(bits, 2) + Little(compression, is_core ? 0 : 4);
  const std::string masks =
      Little(0xf00, 4) + Little(0xf0, 4) + Little(0xf, 4) + Little(0xf000, 4);
  if (header_bytes >= 56) {
    header.resize(40);
    header += masks;
  }
  header.resize(header_bytes);
  header += behind_header;
  const auto pixels_at = static_cast<uint32_t>(14 + header.size());
  return "BM" + Little(0, 8) + Little(pixels_at, 4) + header + pixels;
}

std::string MakeTga(int kind, int map_bits, int bits, int descriptor,
                    const std::string& pixels) {
  const uint32_t map_size = map_bits > 0 ? 16 : 0;
  std::string file = Little(2, 1) + Little(map_bits > 0, 1) +
                     Little(static_cast<uint32_t>(kind), 1) + Little(0, 2) +
                     Little(map_size, 2) +
                     Little(static_cast<uint32_t>(map_bits), 1) + Little(0, 4) +
                     Little(kWidth, 2) + Little(kHeight, 2) +
                     Little(static_cast<uint32_t>(bits), 1) +
                     Little(static_cast<uint32_t>(descriptor), 1) + "id" +
                     Samples(map_size * ((map_bits + 7) / 8)) + pixels;
  const auto extension_at = static_cast<uint32_t>(file.size());
  file += Little(495, 2) + std::string(492, '\0') + Little(4, 1);
  return file + Little(extension_at, 4) + Little(0, 4) +
         std::string("TRUEVISION-XFILE.", 18);
}

// One run a row, and pixels that are stored.
std::string TgaPackets(const std::string& pixel) {
  std::string packets;
  for (uint32_t y = 0; y < kHeight; ++y) {
    packets += '\x83' + pixel + '\x04';
    for (int i = 0; i < 5; ++i) packets += pixel;
  }
  return packets;
}

}  // namespace

std::vector<std::string> SeedBmps() {
  std::vector<std::string> files;
  for (const uint32_t bits : {1u, 2u, 4u, 8u}) {
    const size_t row = (kWidth * bits + 31) / 32 * 4;
    files.push_back(
        MakeBmp(40, bits, 0, Samples(4u << bits), Samples(row * kHeight)));
  }
  files.push_back(MakeBmp(12, 4, 0, Samples(3 << 4), Samples(8 * kHeight)));
  files.push_back(MakeBmp(64, 24, 0, "", Samples(28 * kHeight)));
  files.push_back(MakeBmp(40, 16, 0, "", Samples(20 * kHeight)));
  files.push_back(MakeBmp(56, 16, 3, "", Samples(20 * kHeight)));
  files.push_back(MakeBmp(108, 32, 3, "", Samples(36 * kHeight)));
  const std::string three_masks =
      Little(0x3ff00000, 4) + Little(0xffc00, 4) + Little(0x3ff, 4);
  files.push_back(MakeBmp(40, 32, 3, three_masks, Samples(36 * kHeight)));
  // A run, three pixels, end of row; a step up; end of image.
  const std::string row("\x04\x01\x00\x03\x01\x02\x03\x00\x00\x00", 10);
  const std::string rows =
      row + row + std::string("\x00\x02\x01\x02\x03\x02\x00\x01", 8);
  files.push_back(MakeBmp(40, 8, 1, Samples(4 << 8), rows));
  files.push_back(MakeBmp(40, 4, 2, Samples(4 << 4), rows));
  return files;
}

std::vector<std::string> SeedPnms() {
  return {"P1\n3 2\n101\n0 1 0\n",
          "P2 # grey\n3 1 15\n1 7 15\n",
          "P3\n1 2\n1023\n1 2 3\n1000 1001 1002\n",
          "P4\n9 5\n" + Samples(10),
          "P5\n9 5 255\n" + Samples(45),
          "P6\n3 1\n65535\n" + Samples(18),
          "P7\nWIDTH 3\nHEIGHT 2\nDEPTH 3\nMAXVAL 255\n# comment\nTUPLTYPE "
          "RGB\nENDHDR\n" +
              Samples(18),
          "P7\nWIDTH 2\nHEIGHT 1\nDEPTH 2\nMAXVAL 1\nTUPLTYPE "
          "BLACKANDWHITE_ALPHA\nENDHDR\n" +
              std::string("\0\1\1\1", 4),
          "Pf\n2 2\n1.0\n" + Samples(16)};
}

std::vector<std::string> SeedTgas() {
  std::vector<std::string> files;
  const std::string indices = std::string(kWidth * kHeight, '\x07');
  for (const int map_bits : {15, 16, 24, 32}) {
    files.push_back(MakeTga(1, map_bits, 8, 0, indices));
    files.push_back(MakeTga(9, map_bits, 8, 8, TgaPackets("\x05")));
  }
  files.push_back(MakeTga(2, 0, 16, 0x11, Samples(90)));
  files.push_back(MakeTga(10, 0, 16, 0x01, TgaPackets("ab")));
  files.push_back(MakeTga(2, 0, 32, 0x38, Samples(180)));
  files.push_back(MakeTga(10, 0, 32, 0x08, TgaPackets("abcd")));
  files.push_back(MakeTga(3, 0, 8, 0, Samples(45)));
  files.push_back(MakeTga(11, 0, 16, 8, TgaPackets("ab")));
  return files;
}

}  // namespace imageadapt
