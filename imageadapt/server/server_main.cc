#include <malloc.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <span>

#include "absl/strings/str_cat.h"
#include "imageadapt/server/server.h"
#include "imageadapt/server/server_flags.h"
#include "imageadapt/server/server_log.h"

namespace imageadapt {
namespace {

constexpr int kExitOk = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

// gRPC's own buffers are up to a megabyte. By default the C library takes such
// blocks from the system and gives them back each time, and pages cost more
// than copies.
//
// One arena: of others, malloc_trim() never gives back the end, which may be
// all that a rush has left there. Calls cost no more with it.
void TuneAllocator() {
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_ARENA_MAX, 1);
}

// Each connection is an open file, and gRPC 1.51 stops to listen for good when
// there are no more to be had. The system's usual limit is meant for programs
// that use select().
void RaiseFileLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// SIGTERM and SIGINT no longer end the process, in any thread, but can be read
// from the result.
int BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signalfd(-1, &signals, SFD_CLOEXEC);
}

void AwaitSignal(int signals) {
  pollfd waiting = {.fd = signals, .events = POLLIN, .revents = 0};
  while (poll(&waiting, 1, -1) < 0) {
  }
}

int Run(std::span<const char* const> arguments) {
  absl::StatusOr<ServerFlags> flags = ParseServerFlags(arguments);
  if (!flags.ok()) {
    std::fprintf(stderr, "imageadapt-server: %s\n",
                 std::string(flags.status().message()).c_str());
    return kExitUsage;
  }
  if (!flags->text_to_print.empty()) {
    std::fputs(flags->text_to_print.c_str(), stdout);
    return kExitOk;
  }
  RaiseFileLimit();
  const int signals = BlockStopSignals();
  // A closed standard output or error must not end the server.
  signal(SIGPIPE, SIG_IGN);

  ServerLog log(flags->log_format, flags->log_level);
  // What keeps the server from starting is said once, by us.
  TakeOverLibraryLog(nullptr);
  flags->options.on_call = [&log](const CallRecord& record) {
    log.Call(record);
  };
  flags->options.on_warning = [&log](absl::string_view text) {
    log.Warning(text);
  };
  auto server = Server::Start(flags->options);
  if (!server.ok()) {
    std::fprintf(stderr, "imageadapt-server: %s\n",
                 std::string(server.status().message()).c_str());
    return absl::IsInvalidArgument(server.status()) ? kExitUsage : kExitFailed;
  }
  TakeOverLibraryLog(&log);
  std::printf("imageadapt: serving on %s\n", (*server)->address().c_str());
  std::fflush(stdout);
  log.Info(absl::StrCat("serving on ", (*server)->address()));

  AwaitSignal(signals);
  log.Info("stopping: calls in flight may finish");
  (*server)->Stop();
  log.Info("stopped");
  return kExitOk;
}

}  // namespace
}  // namespace imageadapt

int main(int argc, char** argv) {
  imageadapt::TuneAllocator();
  return imageadapt::Run(std::span<const char* const>(argv + 1, argv + argc));
}
