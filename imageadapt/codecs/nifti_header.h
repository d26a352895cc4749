// The headers of NIfTI-1 and NIfTI-2 files, in either byte order.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_NIFTI_HEADER_H_
#define IMAGEADAPT_CODECS_NIFTI_HEADER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "imageadapt/image/pixel_map.h"

namespace imageadapt {

// Values of NiftiHeader::datatype.
enum class NiftiType : int16_t {
  kU8 = 2,
  kI16 = 4,
  kI32 = 8,
  kF32 = 16,
  kF64 = 64,
  kRgb24 = 128,
  kI8 = 256,
  kU16 = 512,
  kU32 = 768,
  kI64 = 1024,
  kU64 = 1280,
  kRgba32 = 2304,
};

// All fields of both versions, under the names that the standard gives them.
struct NiftiHeader {
  bool is_version_2 = false;
  bool is_big_endian = false;

  uint8_t dim_info = 0;
  std::array<int64_t, 8> dim = {};
  std::array<double, 3> intent_p = {};
  int32_t intent_code = 0;
  int32_t datatype = 0;
  int32_t bitpix = 0;
  int64_t slice_start = 0;
  std::array<double, 8> pixdim = {};
  double vox_offset = 0;
  double scl_slope = 0;
  double scl_inter = 0;
  int64_t slice_end = 0;
  int32_t slice_code = 0;
  int32_t xyzt_units = 0;
  double cal_max = 0;
  double cal_min = 0;
  double slice_duration = 0;
  double toffset = 0;
  std::array<char, 80> descrip = {};
  std::array<char, 24> aux_file = {};
  int32_t qform_code = 0;
  int32_t sform_code = 0;
  std::array<double, 3> quatern = {};
  std::array<double, 3> qoffset = {};
  std::array<std::array<double, 4>, 3> srow = {};
  std::array<char, 16> intent_name = {};

  // Bytes of the header itself; four bytes about extensions follow it.
  size_t size() const { return is_version_2 ? 540 : 348; }
};

inline constexpr size_t kLongestNiftiHeader = 540;

// How long a header is that begins so: 348, 540, or 0 if this is none.
size_t NiftiHeaderSize(std::span<const std::byte, 4> first);

// Reads a header. Requires NiftiHeaderSize(bytes) == bytes.size().
// INVALID_ARGUMENT (UNKNOWN_FORMAT) if it is that of a file in two parts, or of
// an older format.
absl::StatusOr<NiftiHeader> ParseNiftiHeader(std::span<const std::byte> bytes);

// The header of a file in one part, in little-endian order.
std::vector<std::byte> NiftiHeaderBytes(const NiftiHeader& header);

// Makes the places in space true for an image whose pixels came from where
// `map` says; takes them out if that is not known.
void MoveNiftiPixels(NiftiHeader& header, const std::optional<PixelMap>& map);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_NIFTI_HEADER_H_
