// The JPEG kinds that DICOM packs frames in and libjpeg-turbo does not read:
// lossless, and more than 8 bits. By the three JPEG libraries that come with
// GDCM, one for each width of samples.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_DICOM_JPEG_H_
#define IMAGEADAPT_CODECS_DICOM_JPEG_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace imageadapt {

// What the markers of a JPEG or JPEG-LS frame say.
struct JpegMarkers {
  uint32_t precision = 0;
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t components = 0;
  uint32_t scans = 0;
  bool is_lossless = false;
  bool is_jpeg_ls = false;
  bool has_jfif = false;
  int adobe_transform = -1;
  // Coefficients or samples of whole blocks, of all components.
  uint64_t padded_samples = 0;

  // Samples are in one byte, otherwise in two.
  uint32_t sample_bytes() const { return precision <= 8 ? 1 : 2; }
};

// Walks over the markers; false if they are none, or a length is too long.
bool ReadJpegMarkers(std::span<const std::byte> frame, JpegMarkers& markers);

// Memory that DecodeDicomJpeg() takes.
uint64_t DicomJpegBytes(const JpegMarkers& markers);

// All samples as they are stored: components side by side, without change of
// colours, in the machine's byte order. Null, or what is wrong. Requires
// that `markers` are the frame's and that `target` has their size.
const char* DecodeDicomJpeg(std::span<const std::byte> frame,
                            const JpegMarkers& markers,
                            std::span<std::byte> target);

// The same by each library.
const char* DecodeDicomJpeg8(std::span<const std::byte> frame,
                             const JpegMarkers& markers,
                             std::span<std::byte> target);
const char* DecodeDicomJpeg12(std::span<const std::byte> frame,
                              const JpegMarkers& markers,
                              std::span<std::byte> target);
const char* DecodeDicomJpeg16(std::span<const std::byte> frame,
                              const JpegMarkers& markers,
                              std::span<std::byte> target);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_DICOM_JPEG_H_
