// What the client program ends with; documented in docs/client.md.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CLI_EXIT_CODES_H_
#define IMAGEADAPT_CLI_EXIT_CODES_H_

namespace imageadapt {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,  // something else went wrong
  kExitUsage = 2,   // a flag is unknown or its value wrong
  kExitInput = 3,   // the input cannot be read, or is no image
  kExitServerUnreachable = 4,
  kExitServerRefused = 5,  // busy, a limit, or something it cannot do
  kExitTimeout = 6,
  kExitOutput = 7,         // the output cannot be written
  kExitInterrupted = 130,  // SIGINT; 129 for SIGHUP, 143 for SIGTERM
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CLI_EXIT_CODES_H_
