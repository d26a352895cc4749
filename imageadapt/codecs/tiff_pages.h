// The chain of a TIFF file's directories, looked at before libtiff is.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_TIFF_PAGES_H_
#define IMAGEADAPT_CODECS_TIFF_PAGES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "imageadapt/codecs/codec.h"

namespace imageadapt {

// A directory, and the sizes it says. 0 where it says none.
struct TiffPage {
  uint64_t offset = 0;
  uint64_t width = 0;
  uint64_t height = 0;
  uint64_t tile_width = 0;
  uint64_t tile_height = 0;
  uint64_t rows_per_strip = 0;
};

// The pages of a file, TIFF or BigTIFF, in the order of their chain. Pages that
// NewSubfileType calls a reduced copy or a mask of another are left out, unless
// they come first. A chain that comes back to a directory it has passed ends
// there. IMAGE_DAMAGED if a directory lies outside the file or claims more than
// the file has; IMAGE_TOO_LARGE if there are more than limits.max_frames pages
// or directories without measure. Takes little memory whatever the file says.
absl::StatusOr<std::vector<TiffPage>> FindTiffPages(
    std::span<const std::byte> file, const DecodeLimits& limits);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_TIFF_PAGES_H_
