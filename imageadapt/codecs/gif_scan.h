// The blocks of a GIF file (GIF89a), without looking into compressed data:
// cheap however large the pictures are. SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_GIF_SCAN_H_
#define IMAGEADAPT_CODECS_GIF_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "imageadapt/codecs/codec.h"

namespace imageadapt {

struct GifFrame {
  enum class Disposal : uint8_t { kKeep, kClear, kRestore };

  uint32_t left = 0;
  uint32_t top = 0;
  uint32_t width = 0;
  uint32_t height = 0;
  bool is_interlaced = false;
  int transparent_index = -1;  // -1: none
  Disposal disposal = Disposal::kKeep;
  uint32_t delay_hundredths = 0;
  // The palette that counts, its own or the file's: where it lies in the file,
  // three bytes a colour. Empty if there is none.
  size_t palette_at = 0;
  uint32_t colors = 0;
  // Where the compressed data lie: the byte of the code size, then blocks.
  size_t data_at = 0;
};

struct GifScan {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<GifFrame> frames;  // never empty
  FrameSequence sequence;
  // Composited frames can have transparent pixels: one has a transparent index.
  bool has_alpha = false;
  // Where in the file the background's colour lies, if there is one.
  std::optional<size_t> background_at;
  // What is wrong behind the last frame's data, or in them; null if nothing.
  const char* problem = nullptr;
};

// Reads all blocks. INVALID_ARGUMENT if the file ends or is damaged before its
// first picture (IMAGE_DAMAGED), or if it is over a limit (IMAGE_TOO_LARGE).
// What is damaged later is told in `problem`.
//
// The canvas is the file's screen, and larger if a picture reaches out of it:
// so in libvips and, picture by picture, in Pillow. NETSCAPE2.0 counts
// repetitions: N of them are N + 1 plays, 0 is without end, and an animation
// without this block is played once.
absl::StatusOr<GifScan> ScanGif(std::span<const std::byte> file,
                                const DecodeLimits& limits);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_GIF_SCAN_H_
