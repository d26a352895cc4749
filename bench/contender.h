// One of those whose time is taken: we, or another library.
// SPDX-License-Identifier: Apache-2.0
#ifndef BENCH_CONTENDER_H_
#define BENCH_CONTENDER_H_

#include <functional>
#include <limits>
#include <optional>

#include "bench/benchmark_row.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/exec/worker_pool.h"
#include "imageadapt/image/image.h"
#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/border.h"

namespace imageadapt::bench {

// What each contender of a row is asked to do.
struct Job {
  BenchmarkOperation operation;
  AnyConstImageView source;  // rows without padding
  // Two threads in all, or one if there are none here.
  WorkerPool* workers = nullptr;
  BufferPool& buffers;
  // Of our windows. Peers replicate the edge.
  BorderMode border = BorderMode::kClip;

  ImageSpec result_spec() const {
    return {.shape = ResultShape(operation, source.shape()),
            .sample_type = source.sample_type()};
  }
};

// How near two results must be, as parts of full scale.
struct Agreement {
  double most = std::numeric_limits<double>::infinity();  // at any sample
  double mean = std::numeric_limits<double>::infinity();  // over all samples
};

constexpr Agreement kExactly = {.most = 0, .mean = 0};

// The least difference that integers can have; for float, what rounding does.
constexpr double OneStep(SampleType type) {
  switch (type) {
    case SampleType::kU8:
      return 1 / 255.0;
    case SampleType::kU16:
      return 1 / 65535.0;
    case SampleType::kF32:
      break;
  }
  return 1e-5;
}

struct Contender {
  // Called before each run and not timed; may be empty.
  std::function<void()> prepare;
  std::function<void()> run;
  // What the last run made; stays until the next one.
  std::function<AnyConstImageView()> result;
  Agreement agreement;  // of our result with this one's
};

// Nothing if the library has no such operation.
using ContenderMaker = std::optional<Contender> (*)(const Job&);

// Uninitialized. Ends the program if there is no memory.
Image TakeImage(const ImageSpec& spec, BufferPool& buffers);

}  // namespace imageadapt::bench

#endif  // BENCH_CONTENDER_H_
