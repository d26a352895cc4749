// Writes OpenEXR files.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_EXR_WRITER_H_
#define IMAGEADAPT_CODECS_EXR_WRITER_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "imageadapt/codecs/codec.h"

namespace imageadapt {

// Codec::create and Codec::encoder_bytes, for floats of 1 to 4 channels.
absl::StatusOr<std::unique_ptr<Encoder>> CreateExr(
    ByteSink& sink, const ImageSpec& spec, const EncodeOptions& options);
uint64_t ExrWriterBytes(const ImageSpec& spec, const EncodeOptions& options);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_EXR_WRITER_H_
