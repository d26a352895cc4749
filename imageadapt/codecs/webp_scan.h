// The chunks of a WebP file (RFC 9649), before libwebp makes lists of them.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_WEBP_SCAN_H_
#define IMAGEADAPT_CODECS_WEBP_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "imageadapt/codecs/codec.h"

namespace imageadapt {

struct WebpScan {
  // There are lossless pictures, or such alpha.
  bool has_lossless = false;
  bool has_lossless_alpha = false;
  // Of these: see Vp8lTableBytes(). The most of any frame.
  uint64_t table_bytes = 0;
  // What libwebp takes to remember the chunks.
  uint64_t list_bytes = 0;
};

// Only looks at what is there: whether the chunks are whole and fit together is
// for libwebp to say. INVALID_ARGUMENT if there are more frames than the limits
// allow, or tables far beyond what encoders make (IMAGE_TOO_LARGE), or more
// other chunks than make sense (IMAGE_DAMAGED): a chunk takes 8 bytes of a file
// and many times that in memory.
absl::StatusOr<WebpScan> ScanWebp(std::span<const std::byte> file,
                                  const DecodeLimits& limits);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_WEBP_SCAN_H_
