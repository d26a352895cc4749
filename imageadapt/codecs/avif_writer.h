// Writes AVIF files.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_AVIF_WRITER_H_
#define IMAGEADAPT_CODECS_AVIF_WRITER_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "imageadapt/codecs/codec.h"

namespace imageadapt {

inline constexpr char kAvifFormat[] = "AVIF";

// As Codec::create and Codec::encoder_bytes.
absl::StatusOr<std::unique_ptr<Encoder>> CreateAvif(
    ByteSink& sink, const ImageSpec& spec, const EncodeOptions& options);
uint64_t AvifWriterBytes(const ImageSpec& spec, const EncodeOptions& options);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_AVIF_WRITER_H_
