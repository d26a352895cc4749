#include "imageadapt/cli/interruption.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <utility>

namespace imageadapt {
namespace {

bool IsIgnored(int signal_number) {
  struct sigaction now = {};
  return sigaction(signal_number, nullptr, &now) == 0 &&
         now.sa_handler == SIG_IGN;
}

int BlockAndWatch() {
  sigset_t watched;
  sigemptyset(&watched);
  for (const int each : {SIGINT, SIGTERM, SIGHUP}) {
    if (!IsIgnored(each)) sigaddset(&watched, each);
  }
  const int file = signalfd(-1, &watched, SFD_CLOEXEC);
  if (file >= 0) pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  return file;
}

void Watch(int signals, int end, const std::function<void(int)>& on_signal) {
  while (true) {
    pollfd waiting[] = {{.fd = signals, .events = POLLIN, .revents = 0},
                        {.fd = end, .events = POLLIN, .revents = 0}};
    if (poll(waiting, 2, -1) < 0) continue;
    if (waiting[1].revents != 0) return;
    signalfd_siginfo arrived = {};
    if (read(signals, &arrived, sizeof(arrived)) == sizeof(arrived)) {
      on_signal(static_cast<int>(arrived.ssi_signo));
    }
  }
}

}  // namespace

Interruption::Interruption(std::function<void(int)> on_signal)
    : signals_(BlockAndWatch()), end_(eventfd(0, EFD_CLOEXEC)) {
  if (signals_ < 0 || end_ < 0) return;
  thread_ = std::thread(
      [this, call = std::move(on_signal)] { Watch(signals_, end_, call); });
}

Interruption::~Interruption() {
  if (thread_.joinable()) {
    const uint64_t one = 1;
    while (write(end_, &one, sizeof(one)) < 0) {
    }
    thread_.join();
  }
  if (signals_ >= 0) close(signals_);
  if (end_ >= 0) close(end_);
}

}  // namespace imageadapt
