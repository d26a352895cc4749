
#include <csignal>
#include <cstdio>
#include <span>
#include <string>

#include "imageadapt/cli/client_flags.h"
#include "imageadapt/cli/exit_codes.h"
#include "imageadapt/cli/interruption.h"
#include "imageadapt/cli/output_file.h"
#include "imageadapt/cli/transform.h"
#include "imageadapt/client/image_client.h"

namespace imageadapt {
namespace {

int Run(std::span<const char* const> arguments) {
  UnfinishedFile unfinished;
  const Interruption interruption([&unfinished](int signal_number) {
    unfinished.RemoveAndExit(kExitInterrupted - SIGINT + signal_number);
  });
  // A reader that leaves is an error of writing, not the end of the program.
  signal(SIGPIPE, SIG_IGN);
  SilenceLibraryLog();
  KeepLibraryUp();
  const auto flags = ParseClientFlags(arguments);
  if (!flags.ok()) {
    std::fprintf(stderr, "imageadapt: %s (--help tells more)\n",
                 OneLine(flags.status().message()).c_str());
    return kExitUsage;
  }
  if (!flags->text_to_print.empty()) {
    std::fputs(flags->text_to_print.c_str(), stdout);
    return kExitOk;
  }
  return Transform(*flags, unfinished);
}

}  // namespace
}  // namespace imageadapt

int main(int argc, char** argv) {
  return imageadapt::Run(std::span<const char* const>(argv + 1, argv + argc));
}
