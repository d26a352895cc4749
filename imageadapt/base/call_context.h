// What a long piece of work must know of the call it works for.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_BASE_CALL_CONTEXT_H_
#define IMAGEADAPT_BASE_CALL_CONTEXT_H_

#include <atomic>
#include <chrono>

#include "absl/status/status.h"

namespace imageadapt {

// A value; cheap to copy. Must not outlive the flag it was made with.
class CallContext {
 public:
  using Clock = std::chrono::steady_clock;

  // Never ends.
  CallContext() = default;

  // Ends at `deadline`, or once `*cancelled` is true (if given).
  explicit CallContext(Clock::time_point deadline,
                       const std::atomic<bool>* cancelled = nullptr)
      : deadline_(deadline), cancelled_(cancelled) {}

  Clock::time_point deadline() const { return deadline_; }

  // OK, or CANCELLED or DEADLINE_EXCEEDED if nobody waits any more. Cheap:
  // ask it once a strip.
  absl::Status Check() const {
    if (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) {
      return absl::CancelledError("the caller has left");
    }
    if (deadline_ != Clock::time_point::max() && Clock::now() >= deadline_) {
      return absl::DeadlineExceededError("the deadline passed during the work");
    }
    return absl::OkStatus();
  }

 private:
  Clock::time_point deadline_ = Clock::time_point::max();
  const std::atomic<bool>* cancelled_ = nullptr;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_BASE_CALL_CONTEXT_H_
