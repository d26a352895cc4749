// The log of the server program: calls, and what its libraries say.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_SERVER_SERVER_LOG_H_
#define IMAGEADAPT_SERVER_SERVER_LOG_H_

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/strings/string_view.h"
#include "imageadapt/rpc/call_record.h"

namespace spdlog {
class logger;  // NOLINT(readability-identifier-naming): the library's name
}  // namespace spdlog

namespace imageadapt {

enum class LogFormat { kText, kJson };

// Writes to standard error, one line an entry. Never blocks: what comes too
// fast, or while nobody reads, is counted and not written. Thread-safe.
class ServerLog {
 public:
  // `level` is one of debug, info, warning, error, off.
  ServerLog(LogFormat format, const std::string& level);
  ~ServerLog();

  ServerLog(const ServerLog&) = delete;
  ServerLog& operator=(const ServerLog&) = delete;

  void Info(absl::string_view text);
  void Warning(absl::string_view text);
  void Error(absl::string_view text);

  // Debug if the call was answered, info if it was refused, error if that was
  // our fault.
  void Call(const CallRecord& record);

 private:
  void Write(int level, absl::string_view text);

  // Counts the entries of this second.
  bool MayWrite();

  const std::shared_ptr<spdlog::logger> logger_;
  const LogFormat format_;
  std::mutex mutex_;
  int64_t second_ = 0;
  uint64_t written_ = 0;
  uint64_t left_out_ = 0;
};

// From now on gRPC's own messages no longer go straight to standard error: its
// errors are warnings of `log` until that is destroyed, the rest is dropped.
// Null: all are dropped.
void TakeOverLibraryLog(ServerLog* log);

}  // namespace imageadapt

#endif  // IMAGEADAPT_SERVER_SERVER_LOG_H_
