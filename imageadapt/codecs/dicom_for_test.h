// DICOM files put together element by element, for tests and seeds. Only these
// include it.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_DICOM_FOR_TEST_H_
#define IMAGEADAPT_CODECS_DICOM_FOR_TEST_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "imageadapt/codecs/decode_for_test.h"

namespace imageadapt::testing {

inline constexpr char kDicomImplicit[] = "1.2.840.10008.1.2";
inline constexpr char kDicomExplicit[] = "1.2.840.10008.1.2.1";
inline constexpr char kDicomDeflated[] = "1.2.840.10008.1.2.1.99";
inline constexpr char kDicomBigEndian[] = "1.2.840.10008.1.2.2";
inline constexpr char kDicomJpegLossless[] = "1.2.840.10008.1.2.4.70";
inline constexpr char kDicomJpeg[] = "1.2.840.10008.1.2.4.50";
inline constexpr char kDicomJpegLs[] = "1.2.840.10008.1.2.4.80";
inline constexpr char kDicomJpeg2000[] = "1.2.840.10008.1.2.4.90";
inline constexpr char kDicomRle[] = "1.2.840.10008.1.2.5";

inline constexpr char kDicomPatientName[] = "Mustermann^Erika";

inline std::string Even(std::string value, char with = ' ') {
  if (value.size() % 2 != 0) value.push_back(with);
  return value;
}

// An element of the explicit little-endian syntax.
inline std::string DicomElement(uint32_t tag, absl::string_view vr,
                                const std::string& value) {
  const bool is_long = vr == "OB" || vr == "OW" || vr == "SQ" || vr == "UN";
  return absl::StrCat(
      Little16(tag >> 16), Little16(tag & 0xffff), vr,
      is_long ? Little16(0) + Little32(static_cast<uint32_t>(value.size()))
              : Little16(static_cast<uint32_t>(value.size())),
      value);
}
inline std::string DicomNumber(uint32_t tag, uint32_t value) {
  return DicomElement(tag, "US", Little16(value));
}
inline std::string DicomText(uint32_t tag, absl::string_view vr,
                             const std::string& value) {
  return DicomElement(tag, vr, Even(value));
}

// The signature and the file's head.
inline std::string DicomHead(const std::string& syntax) {
  return std::string(128, '\0') + "DICM" +
         DicomElement(0x00020010, "UI", Even(syntax, '\0'));
}

struct DicomPicture {
  std::string syntax = kDicomExplicit;
  std::string photometric = "MONOCHROME2";
  uint32_t columns = 3;
  uint32_t rows = 2;
  uint32_t samples = 1;
  uint32_t allocated = 8;
  uint32_t stored = 8;
  bool is_signed = false;
  bool is_planar = false;
  uint32_t frames = 1;
  // Elements of group 28 beyond 0103, in order, and those of group 18.
  std::string more = {};
  std::string times = {};
};

// The data set, up to its pixel data.
inline std::string DicomDataset(const DicomPicture& picture) {
  std::string data = DicomText(0x00100010, "PN", kDicomPatientName) +
                     picture.times + DicomNumber(0x00280002, picture.samples) +
                     DicomText(0x00280004, "CS", picture.photometric);
  if (picture.is_planar) data += DicomNumber(0x00280006, 1);
  if (picture.frames != 1) {
    data += DicomText(0x00280008, "IS", absl::StrCat(picture.frames));
  }
  return data + DicomNumber(0x00280010, picture.rows) +
         DicomNumber(0x00280011, picture.columns) +
         DicomNumber(0x00280100, picture.allocated) +
         DicomNumber(0x00280101, picture.stored) +
         DicomNumber(0x00280102, picture.stored - 1) +
         DicomNumber(0x00280103, picture.is_signed ? 1 : 0) + picture.more;
}

// A file with pixel data as they are.
inline std::string DicomFile(const DicomPicture& picture,
                             const std::string& pixels) {
  return DicomHead(picture.syntax) + DicomDataset(picture) +
         DicomElement(0x7fe00010, "OW", Even(pixels, '\0'));
}

// One with frames that are packed, each in one fragment.
inline std::string PackedDicomFile(const DicomPicture& picture,
                                   const std::vector<std::string>& frames) {
  const std::string item = Bytes({0xfe, 0xff, 0x00, 0xe0});
  std::string file = DicomHead(picture.syntax) + DicomDataset(picture) +
                     Bytes({0xe0, 0x7f, 0x10, 0x00}) + "OB" + Little16(0) +
                     Little32(0xffffffff) + item + Little32(0);
  for (const std::string& frame : frames) {
    const std::string padded = Even(frame, '\0');
    file += item + Little32(static_cast<uint32_t>(padded.size())) + padded;
  }
  return file + Bytes({0xfe, 0xff, 0xdd, 0xe0}) + Little32(0);
}

// A frame of RLE whose segments are stored without runs.
inline std::string DicomRleFrame(const std::vector<std::string>& segments) {
  std::string head = Little32(static_cast<uint32_t>(segments.size()));
  std::string body;
  for (const std::string& segment : segments) {
    head += Little32(static_cast<uint32_t>(64 + body.size()));
    std::string packed;
    for (size_t at = 0; at < segment.size(); at += 128) {
      const std::string part = segment.substr(at, 128);
      packed.push_back(static_cast<char>(part.size() - 1));
      packed += part;
    }
    body += Even(packed, '\0');
  }
  head.resize(64, '\0');
  return head + body;
}

// A lossless JPEG (ISO/IEC 10918-1, process 14) of one component, predicted
// from the left.
inline std::string LosslessJpeg(int precision, uint32_t columns,
                                const std::vector<int>& values) {
  const auto rows = static_cast<uint32_t>(values.size()) / columns;
  const auto big = [](uint32_t value) {
    return Bytes({static_cast<int>(value >> 8), static_cast<int>(value & 255)});
  };
  // Categories 0 to 16, each in five bits.
  std::string table = Bytes({0});
  for (int length = 1; length <= 16; ++length) {
    table.push_back(length == 5 ? 17 : 0);
  }
  for (int category = 0; category <= 16; ++category) {
    table.push_back(static_cast<char>(category));
  }
  std::string file = Bytes({0xff, 0xd8, 0xff, 0xc3}) + big(11) +
                     Bytes({precision}) + big(rows) + big(columns) +
                     Bytes({1, 1, 0x11, 0, 0xff, 0xc4}) +
                     big(static_cast<uint32_t>(table.size()) + 2) + table +
                     Bytes({0xff, 0xda}) + big(8) + Bytes({1, 1, 0, 1, 0, 0});
  uint32_t bits = 0;
  int count = 0;
  const auto put = [&](uint32_t value, int length) {
    for (int i = length - 1; i >= 0; --i) {
      bits = bits << 1 | (value >> i & 1);
      if (++count % 8 != 0) continue;
      file.push_back(static_cast<char>(bits));
      if ((bits & 255) == 255) file.push_back('\0');
    }
  };
  for (size_t i = 0; i < values.size(); ++i) {
    const int predicted = i == 0             ? 1 << (precision - 1)
                          : i % columns == 0 ? values[i - columns]
                                             : values[i - 1];
    const int difference = static_cast<int16_t>(values[i] - predicted);
    int category = 0;
    while ((difference < 0 ? -difference : difference) >> category != 0) {
      ++category;
    }
    put(static_cast<uint32_t>(category), 5);
    if (category < 16) {
      put(static_cast<uint32_t>(difference < 0 ? difference - 1 : difference),
          category);
    }
  }
  while (count % 8 != 0) put(1, 1);
  return file + Bytes({0xff, 0xd9});
}

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_CODECS_DICOM_FOR_TEST_H_
