// The frames of a DICOM file that are packed: RLE, JPEG, JPEG-LS, JPEG 2000.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_DICOM_FRAMES_H_
#define IMAGEADAPT_CODECS_DICOM_FRAMES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/codecs/dicom_header.h"
#include "imageadapt/codecs/dicom_stream.h"

namespace imageadapt {

// One frame unpacked: samples of a pixel side by side, in the machine's byte
// order.
struct DicomFrame {
  std::span<const std::byte> samples;
  uint32_t sample_bytes = 1;
  // Luma and chroma, as JPEG has them.
  bool is_ycc = false;
};

// Gives the frames one after the other. What it is made of must outlive it.
class DicomFrames {
 public:
  DicomFrames(DicomStream& stream, const DicomHeader& header,
              const DecodeLimits& limits)
      : stream_(stream), header_(header), limits_(limits) {}

  // Reads up to the first frame. INVALID_ARGUMENT if that is damaged.
  absl::Status Begin();

  // At most so much is held while frames are read.
  uint64_t working_bytes() const;

  // The next frame, valid until the next call. INVALID_ARGUMENT if it is
  // damaged. Requires that it is not the last of the header's.
  absl::Status Next(DicomFrame& frame);

 private:
  // A part of a frame's packed bytes, whose beginning was read.
  struct Fragment {
    uint32_t length = 0;
    uint64_t offset = 0;  // from the first fragment
    std::array<std::byte, 4> first = {};
    size_t first_size() const { return length < 4 ? length : 4; }
  };

  absl::Status Damaged(absl::string_view problem) const;
  absl::Status ReadFragmentHead();
  bool IsOfNextFrame() const;
  absl::Status TakeFragment();
  absl::Status GatherFrame();

  absl::Status DecodeRle(DicomFrame& frame);
  absl::Status DecodeJpeg(DicomFrame& frame);
  absl::Status DecodeJpegLs(DicomFrame& frame);
  absl::Status DecodeJpeg2000(DicomFrame& frame);

  uint64_t pixels() const { return uint64_t{header_.rows} * header_.columns; }
  uint64_t frame_bytes() const {
    return pixels() * header_.samples_per_pixel * (header_.bits_allocated / 8);
  }
  uint64_t max_packed_bytes() const;
  uint64_t max_library_bytes() const;

  DicomStream& stream_;
  const DicomHeader& header_;
  const DecodeLimits& limits_;
  std::vector<uint32_t> offsets_;  // of frames; empty if they are not told
  uint64_t first_at_ = 0;
  std::optional<Fragment> next_;  // nothing after the last
  std::vector<std::byte> packed_;
  Buffer samples_;
  Buffer planes_;
  uint64_t index_ = 0;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_DICOM_FRAMES_H_
