// Turns JPEG files without decoding their samples.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_JPEG_TURN_H_
#define IMAGEADAPT_CODECS_JPEG_TURN_H_

#include "absl/status/status.h"
#include "imageadapt/base/byte_rope.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/image/orientation.h"

namespace imageadapt {

// As Codec::turn_losslessly: moves the coefficients of whole blocks. Sides that
// would have to start with part of a block make it inexact.
absl::Status TurnJpegLosslessly(const ByteRope& file, Orientation turn,
                                bool keeps_icc_profile,
                                const DecodeLimits& limits, ByteSink& sink);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_JPEG_TURN_H_
