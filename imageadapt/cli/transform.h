// The client's main job: one image in, one image out.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CLI_TRANSFORM_H_
#define IMAGEADAPT_CLI_TRANSFORM_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "imageadapt/cli/client_flags.h"
#include "imageadapt/cli/exit_codes.h"
#include "imageadapt/cli/output_file.h"

namespace imageadapt {

// What the program ends with, and why, in the user's words.
struct Failure {
  ExitCode code = kExitFailed;
  std::string text;
};

// Reads, asks the server (one in this process if none is named) and writes. On
// failure prints one line on standard error and leaves the output as it was.
ExitCode Transform(const ClientFlags& flags, UnfinishedFile& unfinished);

// Tells the user about an error of ImageClient::Process(). Repeats what a
// server says, but nothing that gRPC says.
Failure FailureFrom(const absl::Status& status, const ClientFlags& flags);

// `text` with a space for each control character, so that it neither breaks the
// line nor speaks to the terminal.
std::string OneLine(absl::string_view text);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CLI_TRANSFORM_H_
