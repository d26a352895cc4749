// What many formats cannot hold.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_ENCODE_CHECKS_H_
#define IMAGEADAPT_CODECS_ENCODE_CHECKS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "imageadapt/image/image_spec.h"

namespace imageadapt {

// INVALID_ARGUMENT (BAD_FIELD) unless samples are of 8 bits.
absl::Status CheckHasBytes(absl::string_view format, const ImageSpec& spec);

// INVALID_ARGUMENT (IMAGE_TOO_LARGE) if a side is longer than `most`, or the
// pixels too many for a number.
absl::Status CheckSides(absl::string_view format, const ImageSpec& spec,
                        uint32_t most);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_ENCODE_CHECKS_H_
