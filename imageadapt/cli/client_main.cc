#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <span>
#include <string>

#include "imageadapt/cli/client_flags.h"
#include "imageadapt/cli/exit_codes.h"
#include "imageadapt/cli/transform.h"
#include "imageadapt/client/image_client.h"

namespace {

void OnInterrupt(int /*signal*/) { _exit(imageadapt::kExitInterrupted); }

}  // namespace

int main(int argc, char** argv) {
  using namespace imageadapt;  // NOLINT(google-build-using-namespace)
  signal(SIGINT, OnInterrupt);
  // A reader that leaves is an error of writing, not the end of the program.
  signal(SIGPIPE, SIG_IGN);
  SilenceLibraryLog();
  const auto flags =
      ParseClientFlags(std::span<const char* const>(argv + 1, argv + argc));
  if (!flags.ok()) {
    std::fprintf(stderr, "imageadapt: %s (--help tells more)\n",
                 std::string(flags.status().message()).c_str());
    return kExitUsage;
  }
  if (!flags->text_to_print.empty()) {
    std::fputs(flags->text_to_print.c_str(), stdout);
    return kExitOk;
  }
  return Transform(*flags);
}
