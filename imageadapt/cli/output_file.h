// Writes a file so that it is either the old one or the whole new one.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CLI_OUTPUT_FILE_H_
#define IMAGEADAPT_CLI_OUTPUT_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace imageadapt {

// Everything in a file, or from standard input for "-". Errors say which file
// and why.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Writes `bytes` beside `path` and renames the result, so that nobody ever sees
// half of it, and a failure leaves what was there. Keeps the permissions of a
// file that exists. SIGINT and SIGTERM wait until it is done.
absl::Status WriteFileWhole(const std::string& path, absl::string_view bytes);

// Writes to standard output. FAILED_PRECONDITION if that is a terminal.
absl::Status WriteToStandardOutput(absl::string_view bytes);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CLI_OUTPUT_FILE_H_
