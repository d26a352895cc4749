// Decodes any bytes with one codec, as a server would.
// SPDX-License-Identifier: Apache-2.0
#ifndef FUZZ_FUZZ_DECODE_H_
#define FUZZ_FUZZ_DECODE_H_

#include <algorithm>
#include <cstdlib>

#include "imageadapt/base/byte_stream.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/image/image.h"

namespace imageadapt {

inline DecodeLimits FuzzLimits() {
  DecodeLimits limits;
  limits.max_pixels = 1 << 20;
  limits.max_frames = 20;
  limits.max_pixels_of_all_frames = 2 << 20;
  limits.max_scans = 20;
  return limits;
}

inline bool FuzzFrame(Decoder& decoder) {
  const ImageSpec spec = decoder.spec();
  // What limits allowed must be an image that fits.
  if (!PixelBytes(spec).ok() || uint64_t{spec.shape.width} * spec.shape.height >
                                    FuzzLimits().max_pixels) {
    std::abort();
  }
  BufferPool pool;
  auto image = Image::Create(spec, pool);
  if (!image.ok()) return false;
  for (uint32_t row = 0; row < spec.shape.height; row += 16) {
    const uint32_t count = std::min(16u, spec.shape.height - row);
    if (!decoder.ReadRows(image->view().Rows(row, count)).ok()) return false;
  }
  return true;
}

inline void FuzzDecode(const Codec& codec, std::span<const std::byte> bytes) {
  // In two pieces: a decoder must not care where the wire has cut.
  ByteRope rope(bytes.first(bytes.size() / 3));
  rope.Append(bytes.subspan(bytes.size() / 3));
  RopeSource source(rope);
  const auto decoder = codec.open(source, FuzzLimits());
  if (!decoder.ok()) return;
  const uint32_t frames = (*decoder)->metadata().frames.count;
  if (frames == 0 || frames > FuzzLimits().max_frames) std::abort();
  for (uint32_t frame = 0; frame < frames; ++frame) {
    if (frame > 0 && !(*decoder)->NextFrame().ok()) return;
    if (!FuzzFrame(**decoder)) return;
  }
}

}  // namespace imageadapt

#endif  // FUZZ_FUZZ_DECODE_H_
