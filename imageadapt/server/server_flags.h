// The command line of the server program.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_SERVER_SERVER_FLAGS_H_
#define IMAGEADAPT_SERVER_SERVER_FLAGS_H_

#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "imageadapt/server/server_log.h"
#include "imageadapt/server/server_options.h"

namespace imageadapt {

struct ServerFlags {
  ServerOptions options;
  LogFormat log_format = LogFormat::kText;
  std::string log_level = "info";
  // --help or --version was asked for: print this and end.
  std::string text_to_print;
};

// INVALID_ARGUMENT with one line for the operator if a flag is unknown or its
// value wrong. `arguments` are those after the program's name.
absl::StatusOr<ServerFlags> ParseServerFlags(
    std::span<const char* const> arguments);

// "250ms", "5s", "2min", or seconds without a unit.
absl::StatusOr<std::chrono::milliseconds> ParseDuration(absl::string_view text);

}  // namespace imageadapt

#endif  // IMAGEADAPT_SERVER_SERVER_FLAGS_H_
