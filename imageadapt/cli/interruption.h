// What happens when the user, or the system, ends the program early.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CLI_INTERRUPTION_H_
#define IMAGEADAPT_CLI_INTERRUPTION_H_

#include <functional>
#include <thread>

namespace imageadapt {

// While it lives, SIGINT, SIGTERM and SIGHUP are not sent to the threads but
// handed to a function, which may do anything that a signal handler may not.
// Those that the program was started to ignore stay ignored.
class Interruption {
 public:
  // Requires that no other thread runs yet: threads inherit what is blocked.
  // `on_signal` gets the signal's number, in a thread of its own.
  explicit Interruption(std::function<void(int)> on_signal);
  ~Interruption();
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

 private:
  const int signals_;  // -1 if the system has none to give
  const int end_;
  std::thread thread_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CLI_INTERRUPTION_H_
