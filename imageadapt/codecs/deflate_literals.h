// Deflate without a search for repetitions: Huffman codes alone.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_DEFLATE_LITERALS_H_
#define IMAGEADAPT_CODECS_DEFLATE_LITERALS_H_

#include <cstddef>
#include <span>

namespace imageadapt {

// How large DeflateLiterals() makes `bytes`, nearly.
size_t EstimateLiterals(std::span<const std::byte> bytes);

// Writes `bytes` as blocks of literals, none of which is the last, and an empty
// stored block, so that whole bytes are written and more can follow. Returns
// their number, or 0 if `target` has too little room. Takes no memory.
//
// Filtered rows of photographs hardly repeat themselves: what a search finds
// there is chance, and costs more bits than it saves.
size_t DeflateLiterals(std::span<const std::byte> bytes,
                       std::span<std::byte> target);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_DEFLATE_LITERALS_H_
