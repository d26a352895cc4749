// Turns and cuts JPEG files without decoding their samples.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_JPEG_TURN_H_
#define IMAGEADAPT_CODECS_JPEG_TURN_H_

#include "absl/status/status.h"
#include "imageadapt/base/byte_rope.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/codecs/codec.h"

namespace imageadapt {

// As Codec::turn_losslessly: moves whole blocks of coefficients. Sides where
// the result would start with part of a block make it inexact.
absl::Status TurnJpegLosslessly(const ByteRope& file, const LosslessMove& move,
                                const DecodeLimits& limits, ByteSink& sink);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_JPEG_TURN_H_
