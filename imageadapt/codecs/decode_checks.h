// What every decoder does with a header.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_DECODE_CHECKS_H_
#define IMAGEADAPT_CODECS_DECODE_CHECKS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "imageadapt/codecs/codec.h"

namespace imageadapt {

// INVALID_ARGUMENT (IMAGE_TOO_LARGE) if an image of this size is over a limit.
absl::Status CheckSize(uint64_t width, uint64_t height,
                       const DecodeLimits& limits);

// The same for so many frames, each of this size. For formats whose frames are
// of one size; where they differ, the pipeline counts them as they come.
absl::Status CheckFrames(uint64_t count, uint64_t width, uint64_t height,
                         const DecodeLimits& limits);

// INVALID_ARGUMENT (IMAGE_DAMAGED) about a header that cannot be used.
absl::Status DamagedHeader(absl::string_view format, absl::string_view problem);

// INVALID_ARGUMENT (IMAGE_DAMAGED) that tells how far reading came.
absl::Status DamagedRows(absl::string_view format, uint32_t row,
                         uint32_t height, absl::string_view problem);

// INVALID_ARGUMENT (UNKNOWN_FORMAT) about a kind of the format that is not
// read: NotSupported("BMP", "a JPEG inside").
absl::Status NotSupported(absl::string_view format, absl::string_view kind);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_DECODE_CHECKS_H_
