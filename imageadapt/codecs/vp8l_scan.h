// What a lossless WebP picture makes its decoder take beside pixels.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_VP8L_SCAN_H_
#define IMAGEADAPT_CODECS_VP8L_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace imageadapt {

// The bytes of libwebp's tables of prefix codes: about 12 to 20 KB for each
// group of codes. Blocks of 4 x 4 pixels can have groups of their own, so that
// 200 KB of a file can ask for more than a gigabyte; encoders make some dozens
// of groups.
//
// `stream` begins behind the header that tells width and height (RFC 9649,
// 3.8): with the transforms. Only what stands before the codes is read. Less is
// told where the stream is damaged or ends before them: decoding does, too.
uint64_t Vp8lTableBytes(std::span<const std::byte> stream, uint32_t width,
                        uint32_t height);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_VP8L_SCAN_H_
