// What an AVIF or HEIF file asks of a library, before the library sees it.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_HEIF_SCAN_H_
#define IMAGEADAPT_CODECS_HEIF_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "imageadapt/codecs/codec.h"

namespace imageadapt {

struct HeifScan {
  // Pictures, parts of pictures, thumbnails and metadata of the file.
  uint32_t items = 0;
  // Of the largest picture or part, as the file says.
  uint64_t largest_pixels = 0;
  uint32_t largest_height = 0;
  // The file ends within a box, that of its samples as a rule.
  bool ends_early = false;
  // Entries in lists of delays, of all tracks.
  uint64_t delays = 0;
  // How often the first track is shown; 0: without end, also if it does not
  // say, as browsers take it.
  uint32_t plays = 0;
};

// Looks at all boxes that libraries make lists of. INVALID_ARGUMENT if there
// are more items, frames or pixels than the limits allow, or lists so long that
// going through them takes minutes; damage is left for the library to find.
absl::StatusOr<HeifScan> ScanHeif(absl::string_view format,
                                  std::span<const std::byte> file,
                                  const DecodeLimits& limits);

// INVALID_ARGUMENT if so many frames with so long a list of delays take libavif
// more than about 2 seconds. Requires at most 2^32 - 1 frames. To be called
// again with the frames that the library has found, which it may take from
// other boxes.
absl::Status CheckHeifDelays(absl::string_view format, uint64_t frames,
                             uint64_t delays);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_HEIF_SCAN_H_
