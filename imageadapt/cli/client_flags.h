// The command line of the client program.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CLI_CLIENT_FLAGS_H_
#define IMAGEADAPT_CLI_CLIENT_FLAGS_H_

#include <chrono>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "imageadapt/client/image_client.h"
#include "imageadapt/v1/image_processing.pb.h"

namespace imageadapt {

struct ClientFlags {
  // Absent: run a server in this process.
  std::optional<ServerAddress> server;
  std::string input;   // "-" for standard input
  std::string output;  // "-" for standard output
  // What to do, but not yet with an image. Operations always stand in the order
  // rotate, angle, mean, median, whatever the order of the flags.
  v1::ProcessImageRequest request;
  std::chrono::milliseconds timeout{60'000};
  bool is_quiet = false;
  // --help or --version was asked for: print this and end.
  std::string text_to_print;
};

// INVALID_ARGUMENT with one line for the user if a flag is unknown, missing or
// wrong. `arguments` are those after the program's name.
absl::StatusOr<ClientFlags> ParseClientFlags(
    std::span<const char* const> arguments);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CLI_CLIENT_FLAGS_H_
