// Takes the times of a row.
// SPDX-License-Identifier: Apache-2.0
#ifndef BENCH_MEASURE_H_
#define BENCH_MEASURE_H_

#include <optional>
#include <string>
#include <vector>

#include "bench/benchmark_row.h"
#include "bench/contender.h"

namespace imageadapt::bench {

struct Time {
  double milliseconds = 0;
  // Taken from a part of the image, because the whole would take too long.
  bool is_estimate = false;
};

struct RowTimes {
  std::optional<Time> ours;
  std::optional<Time> copy;
  std::vector<std::optional<Time>> peers;  // in the order of Peers()
  // Where our result is not as near to a peer's as it should be.
  std::vector<std::string> disagreements;
  // What else is to be said.
  std::vector<std::string> notes;
};

// All contenders in turn, round after round, for about `seconds`; the time of
// each is the lower quartile of its rounds. A contender that needs a second or
// more runs once.
RowTimes Measure(const BenchmarkRow& row, AnyConstImageView source,
                 double seconds, WorkerPool* workers, BufferPool& buffers);

}  // namespace imageadapt::bench

#endif  // BENCH_MEASURE_H_
