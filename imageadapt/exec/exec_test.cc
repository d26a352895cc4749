#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "imageadapt/exec/admission.h"
#include "imageadapt/exec/memory_budget.h"
#include "imageadapt/exec/worker_pool.h"

namespace imageadapt {
namespace {

TEST(MemoryBudgetTest, RefusesWhatIsNotFreeAndChangesNothing) {
  MemoryBudget budget(100);
  auto first = budget.TryReserve(60);
  ASSERT_TRUE(first.has_value());
  EXPECT_FALSE(budget.TryReserve(41).has_value());
  EXPECT_FALSE(first->TryGrow(41));
  EXPECT_EQ(budget.used(), 60);
  EXPECT_TRUE(first->TryGrow(40));
  EXPECT_EQ(budget.used(), 100);
}

TEST(MemoryBudgetTest, GivesBackWhatIsShrunkMovedAwayOrDropped) {
  MemoryBudget budget(100);
  {
    auto first = budget.TryReserve(60);
    first->Shrink(10);
    EXPECT_EQ(budget.used(), 10);
    first->Shrink(50);  // no growth
    EXPECT_EQ(budget.used(), 10);
    MemoryBudget::Reservation second = *std::move(first);
    EXPECT_EQ(second.bytes(), 10);
    second = *budget.TryReserve(5);
    EXPECT_EQ(budget.used(), 5);
  }
  EXPECT_EQ(budget.used(), 0);
}

TEST(MemoryBudgetTest, HugeRequestsDoNotWrapAround) {
  MemoryBudget budget(100);
  const auto held = budget.TryReserve(50);
  EXPECT_FALSE(budget.TryReserve(~uint64_t{0}).has_value());
  EXPECT_FALSE(budget.TryReserve(~uint64_t{0} - 40).has_value());
}

TEST(AdmissionTest, HasSoManyPlacesAndNoMore) {
  Admission admission(2);
  Admission::Place first = admission.TryEnter();
  const Admission::Place second = admission.TryEnter();
  EXPECT_TRUE(first.is_inside());
  EXPECT_TRUE(second.is_inside());
  EXPECT_FALSE(admission.TryEnter().is_inside());
  first.Leave();
  first.Leave();  // once is enough
  EXPECT_EQ(admission.taken(), 1);
  EXPECT_TRUE(admission.TryEnter().is_inside());
}

TEST(AdmissionTest, NeverAdmitsMoreUnderContention) {
  Admission admission(3);
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20000; ++i) {
        const Admission::Place place = admission.TryEnter();
        if (!place.is_inside()) continue;
        const int now = ++inside;
        int seen = most.load();
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        --inside;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most.load(), 3);
  EXPECT_EQ(admission.taken(), 0);
}

TEST(WorkerPoolTest, RunsEverythingThatWasPostedBeforeItEnds) {
  std::atomic<int> done = 0;
  {
    WorkerPool pool(2);
    for (int i = 0; i < 1000; ++i) pool.Post([&done] { ++done; });
  }
  EXPECT_EQ(done.load(), 1000);
}

// Deadlocks (and so runs into the test's time limit) if fewer run at once.
TEST(WorkerPoolTest, RunsAsManyJobsAtOnceAsItHasThreads) {
  for (const size_t threads : {1U, 2U, 4U}) {
    std::mutex mutex;
    std::condition_variable all_here;
    size_t here = 0;
    WorkerPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (size_t i = 0; i < threads; ++i) {
      pool.Post([&] {
        std::unique_lock lock(mutex);
        ++here;
        all_here.notify_all();
        all_here.wait(lock, [&] { return here == threads; });
      });
    }
  }
}

TEST(WorkerPoolTest, ParallelForVisitsEveryIndexOnce) {
  WorkerPool pool(3);
  std::vector<std::atomic<int>> visits(1000);
  pool.ParallelFor(visits.size(), [&](size_t i) { ++visits[i]; });
  for (const auto& count : visits) EXPECT_EQ(count.load(), 1);
}

TEST(WorkerPoolTest, ParallelForWorksInsideAJob) {
  std::atomic<int> visits = 0;
  {
    WorkerPool pool(2);
    for (int job = 0; job < 8; ++job) {
      pool.Post([&] { pool.ParallelFor(100, [&](size_t) { ++visits; }); });
    }
  }
  EXPECT_EQ(visits.load(), 800);
}

}  // namespace
}  // namespace imageadapt
