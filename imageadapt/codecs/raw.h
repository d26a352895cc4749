// Samples without a file around them: width x height x channels, row by row.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_RAW_H_
#define IMAGEADAPT_CODECS_RAW_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "imageadapt/codecs/codec.h"

namespace imageadapt {

// How raw samples lie in their bytes, in the machine's byte order and without
// padding.
struct RawLayout {
  // What the decoder gives.
  ImageSpec spec;
  // Samples a pixel in the bytes; those past spec.shape.channels are dropped.
  uint32_t stored_channels = 0;
};

// Bytes that `layout` needs. Fails as PixelBytes().
absl::StatusOr<uint64_t> RawBytes(const RawLayout& layout);

// The raw format cannot be recognized, so it is not in the registry.
absl::StatusOr<std::unique_ptr<Decoder>> OpenRaw(ByteSource& source,
                                                 const RawLayout& layout);
absl::StatusOr<std::unique_ptr<Encoder>> CreateRaw(ByteSink& sink,
                                                   const ImageSpec& spec);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_RAW_H_
