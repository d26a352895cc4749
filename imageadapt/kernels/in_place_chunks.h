// Transposing a matrix of chunks of memory where it stands.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_IN_PLACE_CHUNKS_H_
#define IMAGEADAPT_KERNELS_IN_PLACE_CHUNKS_H_

#include <cstddef>
#include <cstdint>

namespace imageadapt {

inline constexpr size_t kMaxChunkBytes = 4096;

// Chunks in rows and columns that stand, row after row, in places of which each
// `run` adjoin; behind those is a gap.
struct ChunkMatrix {
  uint8_t* first = nullptr;
  size_t chunk_bytes = 0;  // 1 to kMaxChunkBytes
  size_t rows = 0;
  size_t columns = 0;
  size_t run = 0;  // at least 1
  size_t gap_bytes = 0;
  bool mirrors_rows = false;  // before they are transposed
  bool mirrors_columns = false;
  // Each row stands where the one before it should, and the first one where the
  // last should.
  bool rows_lead = false;
  // Each row of the result, a column of the matrix, is to stand where the one
  // behind it should, and the last one where the first should.
  bool columns_lag = false;
};

constexpr size_t ChunkMarkBytes(size_t chunks) {
  return (chunks + 63) / 64 * sizeof(uint64_t);
}

// Chunk (x, y) of the matrix becomes its chunk (y, x), in the same places.
// Requires ChunkMarkBytes() of memory at `marks`.
//
// Chunks move along the cycles of their permutation, with a mark for each
// (Gustavson and Swirszcz, "In-place transposition of rectangular matrices",
// 2007). The way along a cycle does not depend on what is moved, so that chunks
// are fetched long before they are moved.
void TransposeChunks(const ChunkMatrix& matrix, uint64_t* marks);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_IN_PLACE_CHUNKS_H_
