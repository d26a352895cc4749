// What a DICOM file says of its pixels. Of everything else, patients among it,
// nothing is kept.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_DICOM_HEADER_H_
#define IMAGEADAPT_CODECS_DICOM_HEADER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/codecs/dicom_stream.h"

namespace imageadapt {

inline constexpr char kDicomFormat[] = "DICOM";

// A length that is not told: a delimiter ends the value.
inline constexpr uint32_t kDicomNoLength = 0xffffffff;

// One colour of a palette (PS3.3, C.7.6.3.1.5).
struct DicomPalette {
  uint32_t entries = 0;  // 1 to 65536
  int32_t first = 0;     // the stored value of the first entry
  uint32_t bits = 0;     // 8 or 16
  std::vector<uint16_t> values;
};

// The names are those of the standard's attributes.
struct DicomHeader {
  // How pixel data are packed, by the transfer syntax.
  enum class Packing : uint8_t { kNone, kRle, kJpeg, kJpegLs, kJpeg2000 };
  enum class Photometric : uint8_t {
    kMonochrome1,
    kMonochrome2,
    kPalette,
    kRgb,
    kYbrFull,
    kYbrFull422,
    // Made RGB within JPEG 2000.
    kYbrOfJpeg2000,
  };
  enum class VoiFunction : uint8_t { kLinear, kLinearExact, kSigmoid };

  Packing packing = Packing::kNone;
  bool is_big_endian = false;

  Photometric photometric = Photometric::kMonochrome2;
  uint32_t samples_per_pixel = 0;
  bool is_planar = false;
  uint64_t frames = 1;
  uint32_t rows = 0;
  uint32_t columns = 0;
  uint32_t bits_allocated = 0;  // 1, 8, 16 or 32
  uint32_t bits_stored = 0;     // of these, up to high_bit
  uint32_t high_bit = 0;
  bool is_signed = false;
  std::array<DicomPalette, 3> palette;
  std::vector<std::byte> icc_profile;

  // From stored values to what they measure.
  bool has_rescale = false;
  double rescale_slope = 1;
  double rescale_intercept = 0;
  bool has_modality_lut = false;
  // From there to what is shown; the first window.
  std::optional<double> window_center;
  std::optional<double> window_width;
  VoiFunction voi_function = VoiFunction::kLinear;
  // Some of this differs from frame to frame, and is not read.
  bool has_values_of_frames = false;

  // Empty, one for all frames, or one for each.
  std::vector<double> frame_milliseconds;

  // Of the pixel data that follow; kDicomNoLength where they are packed.
  uint32_t pixel_bytes = 0;

  bool is_monochrome() const {
    return photometric == Photometric::kMonochrome1 ||
           photometric == Photometric::kMonochrome2;
  }
};

// Reads a file up to its pixel data. INVALID_ARGUMENT if it is damaged
// (IMAGE_DAMAGED), over a limit, or of a kind that is not read.
absl::Status ReadDicomHeader(DicomStream& stream, const DecodeLimits& limits,
                             DicomHeader& header);

// Whether a file begins as DICOM files do. Requires 132 bytes to say yes.
bool IsDicom(std::span<const std::byte> head);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_DICOM_HEADER_H_
