// The places of a server: how many calls may be inside it at once.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_EXEC_ADMISSION_H_
#define IMAGEADAPT_EXEC_ADMISSION_H_

#include <atomic>
#include <cstddef>
#include <utility>

namespace imageadapt {

// Thread-safe. Never blocks: whoever finds no place decides what that means.
class Admission {
 public:
  // A place inside, left when dropped. Move-only; must not outlive its
  // Admission.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept
        : admission_(std::exchange(other.admission_, nullptr)) {}
    Place& operator=(Place&& other) noexcept {
      if (this != &other) {
        Leave();
        admission_ = std::exchange(other.admission_, nullptr);
      }
      return *this;
    }
    ~Place() { Leave(); }

    bool is_inside() const { return admission_ != nullptr; }

    void Leave() {
      if (admission_ != nullptr) --admission_->taken_;
      admission_ = nullptr;
    }

   private:
    friend class Admission;
    explicit Place(Admission* admission) : admission_(admission) {}

    Admission* admission_ = nullptr;
  };

  explicit Admission(size_t places) : places_(places) {}
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  size_t places() const { return places_; }
  size_t taken() const { return taken_.load(); }

  // A place that is_inside(), unless all are taken.
  [[nodiscard]] Place TryEnter() {
    size_t taken = taken_.load();
    do {
      if (taken >= places_) return Place();
    } while (!taken_.compare_exchange_weak(taken, taken + 1));
    return Place(this);
  }

 private:
  const size_t places_;
  std::atomic<size_t> taken_ = 0;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_EXEC_ADMISSION_H_
