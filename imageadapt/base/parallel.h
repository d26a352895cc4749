// Several threads for work that knows nothing of the pool they are from.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_BASE_PARALLEL_H_
#define IMAGEADAPT_BASE_PARALLEL_H_

#include <cstddef>

#include "absl/functional/function_ref.h"

namespace imageadapt {

// Thread-safe.
class Parallel {
 public:
  virtual ~Parallel() = default;

  // How many calls can run side by side; at least 1.
  virtual size_t threads() const = 0;

  // Calls work(0) to work(count - 1), in any order, and returns when all are
  // done. `work` must not throw.
  virtual void ParallelFor(size_t count,
                           absl::FunctionRef<void(size_t)> work) = 0;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_BASE_PARALLEL_H_
