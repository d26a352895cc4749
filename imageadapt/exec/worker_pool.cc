#include "imageadapt/exec/worker_pool.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <condition_variable>
#include <mutex>
#include <utility>

namespace imageadapt {

struct WorkerPool::Threads {
  explicit Threads(size_t count)
      // oneTBB makes one thread less than this, as it counts a caller that
      // waits; our callers do not wait.
      : parallelism(tbb::global_control::max_allowed_parallelism, count + 1),
        arena(static_cast<int>(count), /*reserved_for_masters=*/0) {}

  tbb::global_control parallelism;
  tbb::task_arena arena;

  std::mutex mutex;
  std::condition_variable all_done;
  size_t unfinished = 0;
};

WorkerPool::WorkerPool(size_t threads)
    : threads_(std::make_unique<Threads>(threads)) {}

WorkerPool::~WorkerPool() {
  std::unique_lock lock(threads_->mutex);
  threads_->all_done.wait(lock, [this] { return threads_->unfinished == 0; });
}

size_t WorkerPool::threads() const {
  return static_cast<size_t>(threads_->arena.max_concurrency());
}

void WorkerPool::Post(std::function<void()> work) {
  Threads& threads = *threads_;
  {
    const std::lock_guard lock(threads.mutex);
    ++threads.unfinished;
  }
  // oneTBB calls its own, const copy; what `work` holds must go before anybody
  // is told that it is done.
  auto held = std::make_shared<std::function<void()>>(std::move(work));
  threads.arena.enqueue([&threads, held = std::move(held)] {
    (*held)();
    *held = nullptr;
    const std::lock_guard lock(threads.mutex);
    if (--threads.unfinished == 0) threads.all_done.notify_all();
  });
}

void WorkerPool::ParallelFor(size_t count,
                             absl::FunctionRef<void(size_t)> work) {
  if (count == 1) {
    work(0);
    return;
  }
  threads_->arena.execute([&] {
    // Isolated: otherwise the wait at the end could start another call's work
    // on this stack and make this call as slow as that one.
    tbb::this_task_arena::isolate([&] {
      tbb::parallel_for(size_t{0}, count, [&](size_t i) { work(i); });
    });
  });
}

}  // namespace imageadapt
