// Memory promised to calls before they take it, so that the sum stays bounded.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_EXEC_MEMORY_BUDGET_H_
#define IMAGEADAPT_EXEC_MEMORY_BUDGET_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <utility>

namespace imageadapt {

// Counts bytes; takes none itself. Thread-safe.
class MemoryBudget {
 public:
  // Bytes promised to one piece of work, given back when dropped. Move-only;
  // used by one thread at a time; must not outlive its budget.
  class Reservation {
   public:
    Reservation() = default;
    Reservation(Reservation&& other) noexcept
        : budget_(std::exchange(other.budget_, nullptr)),
          bytes_(std::exchange(other.bytes_, 0)) {}
    Reservation& operator=(Reservation&& other) noexcept {
      if (this != &other) {
        Shrink(0);
        budget_ = std::exchange(other.budget_, nullptr);
        bytes_ = std::exchange(other.bytes_, 0);
      }
      return *this;
    }
    ~Reservation() { Shrink(0); }

    uint64_t bytes() const { return bytes_; }

    // What the whole budget is, 0 without one: more can never be had.
    uint64_t limit() const { return budget_ == nullptr ? 0 : budget_->limit(); }

    // Makes it `bytes` larger, or returns false at once and changes nothing.
    [[nodiscard]] bool TryGrow(uint64_t bytes) {
      if (budget_ == nullptr || !budget_->TryTake(bytes)) return false;
      bytes_ += bytes;
      return true;
    }

    // Gives back all above `bytes`, if it is larger.
    void Shrink(uint64_t bytes) {
      if (bytes_ <= bytes) return;
      budget_->used_ -= bytes_ - bytes;
      bytes_ = bytes;
    }

   private:
    friend class MemoryBudget;
    explicit Reservation(MemoryBudget* budget) : budget_(budget) {}

    MemoryBudget* budget_ = nullptr;
    uint64_t bytes_ = 0;
  };

  explicit MemoryBudget(uint64_t limit) : limit_(limit) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  uint64_t limit() const { return limit_; }
  uint64_t used() const { return used_.load(); }

  // `bytes`, or nothing at once if they are not free. Never blocks.
  [[nodiscard]] std::optional<Reservation> TryReserve(uint64_t bytes) {
    Reservation reservation(this);
    if (!reservation.TryGrow(bytes)) return std::nullopt;
    return reservation;
  }

 private:
  bool TryTake(uint64_t bytes) {
    uint64_t used = used_.load();
    do {
      if (bytes > limit_ - used) return false;
    } while (!used_.compare_exchange_weak(used, used + bytes));
    return true;
  }

  const uint64_t limit_;
  std::atomic<uint64_t> used_ = 0;  // never above limit_
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_EXEC_MEMORY_BUDGET_H_
