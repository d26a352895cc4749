// Orientations in EXIF metadata, good and malformed.
#include "imageadapt/codecs/exif_orientation.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace imageadapt {
namespace {

std::span<const std::byte> BytesOf(const std::string& text) {
  return std::as_bytes(std::span(text));
}

// TIFF metadata with nothing but an orientation.
std::string Exif(uint16_t orientation, bool is_big_endian) {
  std::string exif = is_big_endian ? "MM" : "II";
  const auto append = [&](uint32_t value, int size) {
    for (int i = 0; i < size; ++i) {
      const int shift = 8 * (is_big_endian ? size - 1 - i : i);
      exif.push_back(static_cast<char>(value >> shift));
    }
  };
  append(42, 2);
  append(8, 4);
  append(1, 2);
  append(0x0112, 2);
  append(3, 2);
  append(1, 4);
  append(orientation, 2);
  append(0, 2);
  append(0, 4);
  return exif;
}

TEST(ExifTest, ReadsAllOrientationsInBothByteOrders) {
  for (uint16_t tag = 0; tag <= 10; ++tag) {
    for (const bool is_big_endian : {false, true}) {
      const std::string exif = Exif(tag, is_big_endian);
      EXPECT_EQ(ExifOrientation(BytesOf(exif)), OrientationOfExifTag(tag));
      const std::string segment = std::string("Exif\0\0", 6) + exif;
      EXPECT_EQ(ExifOrientationOfApp1(BytesOf(segment)),
                OrientationOfExifTag(tag));
    }
  }
}

TEST(ExifTest, DamagedMetadataAreUpright) {
  const std::string good = Exif(6, true);
  for (size_t size = 0; size < 20; ++size) {
    const std::string cut = good.substr(0, size);
    EXPECT_TRUE(ExifOrientation(BytesOf(cut)).is_upright()) << size;
  }
  for (const auto& [at, value] :
       {std::pair{0, 'X'}, {3, '+'}, {4, '\xff'}, {13, '\x05'}, {17, '\x02'}}) {
    std::string bad = good;
    bad[static_cast<size_t>(at)] = value;
    EXPECT_TRUE(ExifOrientation(BytesOf(bad)).is_upright()) << at;
  }
}

TEST(ExifTest, TheTagIsFoundBehindOthersWhereverTheDirectoryStands) {
  std::string exif = std::string("MM\0*\0\0\0\x0d", 8) + "other";
  exif += std::string("\0\x03", 2);
  exif += std::string("\x01\x0f\0\x02\0\0\0\x04xyz\0", 12);
  exif += std::string("\x01\x10\0\x04\0\0\0\x01\0\0\0\x03", 12);
  exif += std::string("\x01\x12\0\x03\0\0\0\x01\0\x08\0\0", 12);
  EXPECT_EQ(ExifOrientation(BytesOf(exif)), OrientationOfExifTag(8));
}

TEST(ExifTest, OtherSegmentsAreUpright) {
  const std::string exif = Exif(6, true);
  for (const std::string& head :
       {std::string(), std::string("Exif"), std::string("Exif\0", 5),
        std::string("exif\0\0", 6), std::string("http://ns.adobe.com/")}) {
    EXPECT_TRUE(ExifOrientationOfApp1(BytesOf(head)).is_upright());
    EXPECT_TRUE(ExifOrientationOfApp1(BytesOf(head + exif)).is_upright());
  }
}

TEST(ExifTest, NoByteIsReadOutsideWhateverAnyOfThemSays) {
  for (const bool is_big_endian : {false, true}) {
    const std::string good = Exif(6, is_big_endian);
    for (size_t size = 0; size <= good.size(); ++size) {
      for (size_t at = 0; at < size; ++at) {
        for (const char value : {'\0', '\x01', '\x7f', '\x80', '\xff'}) {
          // Exactly as long as its bytes, so that a sanitizer sees the end.
          std::vector<char> bytes(good.begin(),
                                  good.begin() + static_cast<int64_t>(size));
          bytes[at] = value;
          const Orientation found =
              ExifOrientation(std::as_bytes(std::span(bytes)));
          EXPECT_TRUE(found.quarter_turns >= 0 && found.quarter_turns < 4);
        }
      }
    }
  }
}

}  // namespace
}  // namespace imageadapt
