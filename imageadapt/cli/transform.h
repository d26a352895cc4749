// The client's main job: one image in, one image out.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CLI_TRANSFORM_H_
#define IMAGEADAPT_CLI_TRANSFORM_H_

#include "imageadapt/cli/client_flags.h"
#include "imageadapt/cli/exit_codes.h"

namespace imageadapt {

// Reads, asks the server (one in this process if none is named) and writes. On
// failure prints one line on standard error and leaves the output as it was.
ExitCode Transform(const ClientFlags& flags);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CLI_TRANSFORM_H_
