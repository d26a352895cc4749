// Writes TIFF files: deflate with a predictor, directories before their strips.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_TIFF_WRITER_H_
#define IMAGEADAPT_CODECS_TIFF_WRITER_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "imageadapt/codecs/codec.h"

namespace imageadapt {

// As Codec::can_hold and Codec::create.
absl::Status CanTiffHold(const ImageSpec& spec);
absl::StatusOr<std::unique_ptr<Encoder>> CreateTiff(
    ByteSink& sink, const ImageSpec& spec, const EncodeOptions& options);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_TIFF_WRITER_H_
