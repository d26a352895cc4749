// How often an AVIF animation is shown: libavif 0.11 cannot write it.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_AVIF_PLAYS_H_
#define IMAGEADAPT_CODECS_AVIF_PLAYS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace imageadapt {

// The head of an animation as libavif has written it, with an edit list in
// every track; `plays` 0: without end.
struct AvifHead {
  std::vector<uint8_t> bytes;
  // So many bytes of the file it stands for.
  size_t replaces = 0;
};

// Nothing if the file is not laid out as libavif does it.
std::optional<AvifHead> AddPlays(std::span<const std::byte> file,
                                 uint32_t plays);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_AVIF_PLAYS_H_
