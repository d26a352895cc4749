// Our kernels as contenders.
// SPDX-License-Identifier: Apache-2.0
#ifndef BENCH_OURS_H_
#define BENCH_OURS_H_

#include <cstddef>
#include <functional>
#include <optional>
#include <span>

#include "bench/contender.h"

namespace imageadapt::bench {

// Nothing if we have no such operation.
std::optional<Contender> MakeOurs(const Job& job);

// Copies the source as it is: what the memory allows.
std::optional<Contender> MakeMemcpy(const Job& job);

// Computes the rows of a band of the result, with scratch of its own.
using BandWork = std::function<void(const RowBand<AnyImageView>& target,
                                    std::span<std::byte> scratch)>;

// Horizontal bands, one for each thread.
Contender InBands(const Job& job, size_t scratch_bytes, BandWork work);

// The same band of the known sample type.
template <Sample T>
RowBand<ImageView<T>> TypedBand(const RowBand<AnyImageView>& band,
                                ImageView<T> rows) {
  return {.rows = rows,
          .first_row = band.first_row,
          .image_height = band.image_height};
}

std::optional<Contender> OurQuarterTurn(const Job& job);
std::optional<Contender> OurMirror(const Job& job);
std::optional<Contender> OurQuarterTurnInPlace(const Job& job);
std::optional<Contender> OurMirrorInPlace(const Job& job);
std::optional<Contender> OurMean(const Job& job);
std::optional<Contender> OurMedian(const Job& job);
std::optional<Contender> OurRotate(const Job& job);
std::optional<Contender> OurRgbToHsv(const Job& job);
std::optional<Contender> OurHsvToRgb(const Job& job);

}  // namespace imageadapt::bench

#endif  // BENCH_OURS_H_
