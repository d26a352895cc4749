#include <string>
#include <vector>

#include "fuzz/seed_files.h"
#include "imageadapt/codecs/dicom_for_test.h"

namespace imageadapt {
namespace {

using testing::Bytes;
using testing::DicomElement;
using testing::DicomPicture;
using testing::DicomText;
using testing::Little16;
using testing::PackedDicomFile;

// JPEG-LS (ISO/IEC 14495-1) of 3 x 2 zeros: one run to the end of each line.
std::string JpegLs() {
  return Bytes({0xff, 0xd8, 0xff, 0xf7, 0, 11,   8,    0,   2, 0,
                3,    1,    1,    0x11, 0, 0xff, 0xda, 0,   8, 1,
                1,    0,    0,    0,    0, 0xf8, 0xff, 0xd9});
}

std::string Native(const DicomPicture& picture, size_t bytes) {
  std::string pixels;
  for (size_t i = 0; i < bytes; ++i)
    pixels.push_back(static_cast<char>(37 * i));
  return testing::DicomFile(picture, pixels);
}

std::string ImplicitElement(uint32_t tag, const std::string& value) {
  return Little16(tag >> 16) + Little16(tag & 0xffff) +
         testing::Little32(static_cast<uint32_t>(value.size())) + value;
}

std::string Implicit() {
  return testing::DicomHead(testing::kDicomImplicit) +
         ImplicitElement(0x00280002, Little16(1)) +
         ImplicitElement(0x00280004, "MONOCHROME2 ") +
         ImplicitElement(0x00280010, Little16(2)) +
         ImplicitElement(0x00280011, Little16(3)) +
         ImplicitElement(0x00280100, Little16(8)) +
         ImplicitElement(0x00280101, Little16(8)) +
         ImplicitElement(0x7fe00010, "abcdef");
}

// In one block that is stored as it is (RFC 1951, 3.2.4).
std::string Deflated() {
  const std::string data =
      testing::DicomDataset({}) + DicomElement(0x7fe00010, "OW", "abcdef");
  const auto size = static_cast<uint32_t>(data.size());
  return testing::DicomHead(testing::kDicomDeflated) + Bytes({1}) +
         Little16(size) + Little16(~size & 0xffff) + data;
}

std::string Palette() {
  std::string elements;
  for (uint32_t color = 0; color < 3; ++color) {
    elements += DicomElement(0x00281101 + color, "US",
                             Little16(4) + Little16(1) + Little16(16));
  }
  for (uint32_t color = 0; color < 3; ++color) {
    elements += DicomElement(0x00281201 + color, "OW", "abcdefgh");
  }
  return elements;
}

std::string Values() {
  return DicomText(0x00281050, "DS", "10\\20") +
         DicomText(0x00281051, "DS", "100\\30") +
         DicomText(0x00281052, "DS", "-1e3") +
         DicomText(0x00281053, "DS", "2.5") +
         DicomText(0x00281056, "CS", "SIGMOID");
}

}  // namespace

std::vector<std::string> SeedDicoms(const std::string& jpeg,
                                    const std::string& jpeg2000) {
  std::vector<std::string> files = {
      Native({}, 6),
      Native(
          {.allocated = 16, .stored = 12, .is_signed = true, .more = Values()},
          12),
      Native({.allocated = 32, .stored = 32}, 24),
      Native({.allocated = 1, .stored = 1, .frames = 3}, 3),
      Native({.photometric = "MONOCHROME1",
              .frames = 2,
              .times = DicomText(0x00181065, "DS", "0\\40")},
             12),
      Native({.photometric = "RGB", .samples = 3, .is_planar = true}, 18),
      Native({.photometric = "YBR_FULL", .samples = 3}, 18),
      Native({.photometric = "YBR_FULL_422", .columns = 4, .samples = 3}, 16),
      Native({.photometric = "PALETTE COLOR", .more = Palette()}, 6),
      Implicit(),
      Deflated()};
  files.push_back(
      PackedDicomFile({.syntax = testing::kDicomRle,
                       .allocated = 16,
                       .stored = 16,
                       .frames = 2},
                      {testing::DicomRleFrame({"abcdef", "ghijkl"}),
                       testing::DicomRleFrame({"aaaaaa", "bbbbbb"})}));
  for (const int bits : {8, 12, 16}) {
    const DicomPicture picture{.syntax = testing::kDicomJpegLossless,
                               .allocated = bits > 8 ? 16u : 8u,
                               .stored = static_cast<uint32_t>(bits)};
    files.push_back(PackedDicomFile(
        picture, {testing::LosslessJpeg(bits, 3, {1, 200, 3, 44, 5, 60})}));
  }
  files.push_back(
      PackedDicomFile({.syntax = testing::kDicomJpegLs}, {JpegLs()}));
  DicomPicture colors{.syntax = testing::kDicomJpeg,
                      .photometric = "YBR_FULL_422",
                      .columns = 16,
                      .rows = 16,
                      .samples = 3};
  files.push_back(PackedDicomFile(colors, {jpeg}));
  if (!jpeg2000.empty()) {
    colors.syntax = testing::kDicomJpeg2000;
    colors.photometric = "YBR_RCT";
    files.push_back(PackedDicomFile(colors, {jpeg2000}));
  }
  return files;
}

}  // namespace imageadapt
