// Writes a file so that it is either the old one or the whole new one.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CLI_OUTPUT_FILE_H_
#define IMAGEADAPT_CLI_OUTPUT_FILE_H_

#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace imageadapt {

// The file that is being written, known by a name of its own until it is whole.
// Thread-safe.
class UnfinishedFile {
 public:
  // Opens a new, empty file in `folder` for writing. The caller closes it.
  absl::StatusOr<int> Create(const std::string& folder);

  // Gives the file its name, in place of what has that name now.
  absl::Status MoveTo(const std::string& path);

  // Removes the file, if there is one.
  void Remove();

  // Removes the file and ends the process, so that what is interrupted leaves
  // nothing behind.
  [[noreturn]] void RemoveAndExit(int exit_code);

 private:
  void RemoveLocked();

  std::mutex mutex_;
  std::string path_;  // "" if there is none
};

// Everything in a file, or from standard input for "-". Errors say which file
// and why.
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Whether WriteFileWhole() may succeed: `path` is, or may become, an ordinary
// file in a folder that exists. Asked before the work, to spare it.
absl::Status CheckWritable(const std::string& path);

// Writes `bytes` beside `path` and renames the result, so that nobody ever sees
// half of it, and a failure leaves what was there. Keeps the permissions of a
// file that exists; a link to a file stays a link.
absl::Status WriteFileWhole(const std::string& path, absl::string_view bytes,
                            UnfinishedFile& unfinished);
// The same where nobody interrupts.
absl::Status WriteFileWhole(const std::string& path, absl::string_view bytes);

// FAILED_PRECONDITION if standard output is a terminal.
absl::Status CheckStandardOutput();
absl::Status WriteToStandardOutput(absl::string_view bytes);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CLI_OUTPUT_FILE_H_
