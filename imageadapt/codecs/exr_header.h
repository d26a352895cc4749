// The headers of an OpenEXR file, before its library reads them.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_EXR_HEADER_H_
#define IMAGEADAPT_CODECS_EXR_HEADER_H_

#include <cstddef>
#include <span>

namespace imageadapt {

// Makes the library take no more memory for headers than `file` has bytes:
// attributes that a picture does not need (previews, manifests, the user's own)
// are given types that no library knows, in place, so that they are not looked
// into. False if an attribute does not fit in the file, is
// there twice, or has not the size of its type.
[[nodiscard]] bool TameExrHeaders(std::span<std::byte> file);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_EXR_HEADER_H_
