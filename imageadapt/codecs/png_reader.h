// Reads PNG and APNG files (W3C PNG specification, third edition).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_PNG_READER_H_
#define IMAGEADAPT_CODECS_PNG_READER_H_

#include <memory>

#include "absl/status/statusor.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/codecs/codec.h"

namespace imageadapt {

// Streams the rows of still images that are not interlaced; holds the picture
// of others. Every checksum is verified. An animation has the frames that it
// counts, each as the whole picture that is shown: transparent black where
// nothing was drawn, or black where the file has no alpha. A picture for
// readers that know no animations, which is not part of it, is given as a first
// frame with a delay of 0.
absl::StatusOr<std::unique_ptr<Decoder>> OpenPng(ByteSource& source,
                                                 const DecodeLimits& limits);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_PNG_READER_H_
