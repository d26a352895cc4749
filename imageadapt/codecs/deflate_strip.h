// Deflate (RFC 1951) in pieces that are made side by side and then follow each
// other in one stream.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_DEFLATE_STRIP_H_
#define IMAGEADAPT_CODECS_DEFLATE_STRIP_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "imageadapt/base/buffer_pool.h"

namespace imageadapt {

// From quick and larger to slow and smaller. kFast is ISA-L's level 1; the
// others are libdeflate's levels 6, 7 and 12. What hardly repeats itself, such
// as filtered rows of photographs, kFast and kGood write as literals alone.
enum class DeflateLevel : uint8_t { kFast, kGood, kBetter, kSmallest };

// What a piece of `size` bytes becomes at the most.
size_t MaxDeflatedBytes(size_t size);

// Memory that DeflateStrip() takes while it works, at the most.
uint64_t DeflateWorkingBytes(DeflateLevel level);

// Writes `bytes` to `target` as blocks of which none is the last of a stream,
// ending at a whole byte and reaching back to nothing before them, and returns
// their size. Where memory is short they are stored as they are. Works in
// memory of `buffers`, which one that keeps blocks makes quicker. Requires
// target.size() >= MaxDeflatedBytes(bytes.size()).
size_t DeflateStrip(std::span<const std::byte> bytes, DeflateLevel level,
                    std::span<std::byte> target, BufferPool& buffers);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_DEFLATE_STRIP_H_
