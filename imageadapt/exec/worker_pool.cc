#include "imageadapt/exec/worker_pool.h"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <utility>

namespace imageadapt {

struct WorkerPool::Threads {
  explicit Threads(size_t count)
      // oneTBB makes one thread less than this, as it counts a caller that
      // waits; our callers do not wait.
      : parallelism(tbb::global_control::max_allowed_parallelism, count + 1),
        arena(static_cast<int>(count), /*reserved_for_masters=*/0) {}

  // Runs the work that was posted first.
  void RunNext() {
    std::function<void()> work;
    {
      const std::lock_guard lock(mutex);
      work = std::move(posted.front());
      posted.pop_front();
    }
    work();
    // What it holds must go before anybody is told that it is done.
    work = nullptr;
    const std::lock_guard lock(mutex);
    if (--unfinished == 0) all_done.notify_all();
  }

  tbb::global_control parallelism;
  tbb::task_arena arena;

  std::mutex mutex;
  std::deque<std::function<void()>> posted;
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
    threads.posted.push_back(std::move(work));
    ++threads.unfinished;
  }
  threads.arena.enqueue([&threads] { threads.RunNext(); });
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
