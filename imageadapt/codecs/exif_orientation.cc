#include "imageadapt/codecs/exif_orientation.h"

#include <cstdint>
#include <cstring>
#include <optional>

namespace imageadapt {
namespace {

constexpr uint32_t kMagic = 42;
constexpr uint32_t kOrientationTag = 0x0112;
constexpr uint32_t kTypeShort = 3;
constexpr size_t kEntryBytes = 12;

// Numbers of either byte order; nothing outside the bytes.
class TiffReader {
 public:
  TiffReader(std::span<const std::byte> bytes, bool is_big_endian)
      : bytes_(bytes), is_big_endian_(is_big_endian) {}

  std::optional<uint32_t> Short(uint64_t offset) const {
    return Number(offset, 2);
  }
  std::optional<uint32_t> Long(uint64_t offset) const {
    return Number(offset, 4);
  }

 private:
  std::optional<uint32_t> Number(uint64_t offset, size_t size) const {
    if (offset > bytes_.size() || size > bytes_.size() - offset) {
      return std::nullopt;
    }
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t at = is_big_endian_ ? i : size - 1 - i;
      value = value << 8 | std::to_integer<uint32_t>(bytes_[offset + at]);
    }
    return value;
  }

  std::span<const std::byte> bytes_;
  bool is_big_endian_;
};

bool BeginsWith(std::span<const std::byte> bytes, const char* text,
                size_t size) {
  return bytes.size() >= size && std::memcmp(bytes.data(), text, size) == 0;
}

}  // namespace

Orientation ExifOrientation(std::span<const std::byte> tiff) {
  const bool is_big_endian = BeginsWith(tiff, "MM", 2);
  if (!is_big_endian && !BeginsWith(tiff, "II", 2)) return {};
  const TiffReader reader(tiff, is_big_endian);
  if (reader.Short(2) != kMagic) return {};
  const std::optional<uint32_t> directory = reader.Long(4);
  if (!directory.has_value()) return {};
  const std::optional<uint32_t> entries = reader.Short(*directory);
  if (!entries.has_value()) return {};
  for (uint64_t i = 0; i < *entries; ++i) {
    const uint64_t entry = uint64_t{*directory} + 2 + i * kEntryBytes;
    const std::optional<uint32_t> tag = reader.Short(entry);
    if (!tag.has_value()) return {};
    if (*tag != kOrientationTag) continue;
    // One short, which stands in the entry itself.
    if (reader.Short(entry + 2) != kTypeShort) return {};
    if (reader.Long(entry + 4) != 1u) return {};
    return OrientationOfExifTag(reader.Short(entry + 8).value_or(1));
  }
  return {};
}

Orientation ExifOrientationOfApp1(std::span<const std::byte> segment) {
  constexpr size_t kHeaderBytes = 6;
  if (!BeginsWith(segment, "Exif\0\0", kHeaderBytes)) return {};
  return ExifOrientation(segment.subspan(kHeaderBytes));
}

}  // namespace imageadapt
