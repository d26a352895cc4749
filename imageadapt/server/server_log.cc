#include "imageadapt/server/server_log.h"

#include <grpc/support/log.h>
#include <poll.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "imageadapt/base/refusal.h"

namespace imageadapt {
namespace {

// More than an operator reads, and far less than an overloaded server refuses.
constexpr uint64_t kEntriesASecond = 200;

// Of a name or message that a caller has sent.
constexpr size_t kMaxTextBytes = 500;

// As RFC 8259 wants it, quotes included.
std::string JsonText(absl::string_view text) {
  text = text.substr(0, kMaxTextBytes);
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json.push_back('\\');
      json.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else if (static_cast<unsigned char>(c) >= 0x7f) {
      json.push_back('?');  // perhaps half a character, or none
    } else {
      json.push_back(c);
    }
  }
  json.push_back('"');
  return json;
}

std::string CallAsJson(const CallRecord& record) {
  return absl::StrCat("\"event\":\"call\",\"method\":", JsonText(record.method),
                      ",\"peer\":", JsonText(record.peer), ",\"code\":",
                      JsonText(absl::StatusCodeToString(record.status.code())),
                      ",\"reason\":", JsonText(ReasonOf(record.status)),
                      ",\"message\":", JsonText(record.status.message()),
                      ",\"request_bytes\":", record.request_bytes,
                      ",\"reply_bytes\":", record.reply_bytes,
                      ",\"queued_us\":", record.queued.count(),
                      ",\"worked_us\":", record.worked.count());
}

// A line stays a line, whatever a caller has put into it.
std::string Printable(absl::string_view text) {
  std::string line(text.substr(0, kMaxTextBytes));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return line;
}

std::string CallAsText(const CallRecord& record) {
  std::string line =
      absl::StrCat(Printable(record.method), " ", Printable(record.peer), " ",
                   absl::StatusCodeToString(record.status.code()),
                   " in=", record.request_bytes, " out=", record.reply_bytes,
                   " queued=", record.queued.count(),
                   "us worked=", record.worked.count(), "us");
  if (!record.status.ok()) {
    absl::StrAppend(&line, " ", ReasonOf(record.status), ": ",
                    Printable(record.status.message()));
  }
  return line;
}

spdlog::level::level_enum LevelOf(const CallRecord& record) {
  switch (record.status.code()) {
    case absl::StatusCode::kOk:
      return spdlog::level::debug;
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kDataLoss:
      return spdlog::level::err;
    default:
      return spdlog::level::info;
  }
}

// gRPC takes a plain function, so the log it writes to can only be reached by a
// name that lives as long as the program.
std::atomic<ServerLog*> library_log = nullptr;

void WriteLibraryEntry(gpr_log_func_args* entry) {
  ServerLog* const log = library_log.load();
  if (log == nullptr || entry->severity != GPR_LOG_SEVERITY_ERROR) return;
  log->Warning(absl::StrCat("gRPC: ", Printable(entry->message)));
}

}  // namespace

ServerLog::ServerLog(LogFormat format, const std::string& level)
    : logger_(std::make_shared<spdlog::logger>(
          "imageadapt", std::make_shared<spdlog::sinks::stderr_sink_mt>())),
      format_(format) {
  logger_->set_level(spdlog::level::from_str(level));
  logger_->flush_on(spdlog::level::info);
  // Fields of JSON entries are put together by those who know them.
  logger_->set_pattern(
      format == LogFormat::kJson
          ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})"
          : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
}

ServerLog::~ServerLog() {
  ServerLog* self = this;
  library_log.compare_exchange_strong(self, nullptr);
}

// Entries are far shorter than what a pipe takes at once, so an entry that may
// begin does not wait. Requires that mutex_ is held.
bool ServerLog::MayWrite() {
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                          std::chrono::steady_clock::now().time_since_epoch())
                          .count();
  pollfd output = {.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  const bool is_writable = poll(&output, 1, 0) == 1;
  if (second_ != now && is_writable) {
    second_ = now;
    written_ = 0;
    if (const uint64_t left_out = std::exchange(left_out_, 0); left_out > 0) {
      const std::string text = absl::StrCat(left_out, " entries left out");
      logger_->warn("{}", format_ == LogFormat::kJson
                              ? absl::StrCat("\"event\":\"log\",\"message\":",
                                             JsonText(text))
                              : text);
    }
  }
  if (is_writable && written_++ < kEntriesASecond) return true;
  ++left_out_;
  return false;
}

void ServerLog::Write(int level, absl::string_view text) {
  const auto severity = static_cast<spdlog::level::level_enum>(level);
  const std::lock_guard lock(mutex_);
  if (!logger_->should_log(severity) || !MayWrite()) return;
  logger_->log(
      severity, "{}",
      format_ == LogFormat::kJson
          ? absl::StrCat("\"event\":\"server\",\"message\":", JsonText(text))
          : std::string(text));
}

void ServerLog::Info(absl::string_view text) {
  Write(spdlog::level::info, text);
}

void ServerLog::Warning(absl::string_view text) {
  Write(spdlog::level::warn, text);
}

void ServerLog::Error(absl::string_view text) {
  Write(spdlog::level::err, text);
}

void ServerLog::Call(const CallRecord& record) {
  const spdlog::level::level_enum level = LevelOf(record);
  const std::lock_guard lock(mutex_);
  if (!logger_->should_log(level) || !MayWrite()) return;
  logger_->log(
      level, "{}",
      format_ == LogFormat::kJson ? CallAsJson(record) : CallAsText(record));
}

void TakeOverLibraryLog(ServerLog* log) {
  library_log = log;
  gpr_set_log_function(WriteLibraryEntry);
}

}  // namespace imageadapt
