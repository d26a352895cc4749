// The threads that compute.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_EXEC_WORKER_POOL_H_
#define IMAGEADAPT_EXEC_WORKER_POOL_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/functional/function_ref.h"
#include "imageadapt/base/parallel.h"

namespace imageadapt {

// A fixed number of threads. Its queue has no end of its own: whoever posts
// work holds a place of an Admission. Thread-safe.
class WorkerPool final : public Parallel {
 public:
  // Requires threads > 0.
  explicit WorkerPool(size_t threads);

  // Waits for all posted work.
  ~WorkerPool() override;

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  size_t threads() const override;

  // Runs `work` on a thread of the pool, soon. Never blocks. `work` must not
  // throw.
  void Post(std::function<void()> work);

  // Calls work(0) to work(count - 1), in any order, on the calling thread and
  // on those threads of the pool that are idle, and returns when all are done.
  // The calling thread takes up no other posted work meanwhile.
  void ParallelFor(size_t count, absl::FunctionRef<void(size_t)> work) override;

 private:
  struct Threads;
  std::unique_ptr<Threads> threads_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_EXEC_WORKER_POOL_H_
