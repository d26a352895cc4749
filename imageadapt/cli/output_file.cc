#include "imageadapt/cli/output_file.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

// The system's word for the last error, after what was tried.
absl::Status SystemError(absl::string_view what, const std::string& path) {
  const int error = errno;
  return absl::UnknownError(
      absl::StrCat("cannot ", what, " ", path, ": ", std::strerror(error)));
}

class FileDescriptor {
 public:
  explicit FileDescriptor(int number) : number_(number) {}
  ~FileDescriptor() {
    if (number_ > STDERR_FILENO) close(number_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int number() const { return number_; }

 private:
  const int number_;
};

// A temporary file would be left behind by a signal that ends the program.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  ~BlockedSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_;
};

absl::Status WriteAll(int file, absl::string_view bytes,
                      const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

// Permissions of the file that is replaced, or those of a new file.
mode_t ModeFor(const std::string& path) {
  struct stat existing = {};
  if (stat(path.c_str(), &existing) == 0) return existing.st_mode & 07777;
  const mode_t mask = umask(0);
  umask(mask);
  return 0666 & ~mask;
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status WriteAndRename(const std::string& temporary, int file,
                            const std::string& path, absl::string_view bytes) {
  RETURN_IF_ERROR(WriteAll(file, bytes, path));
  if (fchmod(file, ModeFor(path)) != 0) return SystemError("write", path);
  if (fsync(file) != 0) return SystemError("write", path);
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    return SystemError("write", path);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const bool is_standard = path == "-";
  const FileDescriptor file(
      is_standard ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) return SystemError("read", path);
  std::string bytes;
  constexpr size_t kChunk = size_t{1} << 20;
  while (true) {
    const size_t used = bytes.size();
    bytes.resize(used + kChunk);
    const ssize_t count = read(file.number(), bytes.data() + used, kChunk);
    if (count < 0 && errno != EINTR) {
      return SystemError("read", is_standard ? "standard input" : path);
    }
    bytes.resize(used + static_cast<size_t>(count < 0 ? 0 : count));
    if (count == 0) return bytes;
  }
}

absl::Status WriteFileWhole(const std::string& path, absl::string_view bytes) {
  struct stat existing = {};
  if (stat(path.c_str(), &existing) == 0 && !S_ISREG(existing.st_mode)) {
    return absl::UnknownError(
        absl::StrCat("cannot write ", path, ": it is not an ordinary file"));
  }
  // A link stays a link: what it points to is replaced.
  std::string target = path;
  char* const resolved = realpath(path.c_str(), nullptr);
  if (resolved != nullptr) {
    target = resolved;
    std::free(resolved);
  }
  const BlockedSignals blocked;
  std::string temporary = absl::StrCat(FolderOf(target), "/.imageadapt-XXXXXX");
  const FileDescriptor file(mkostemp(temporary.data(), O_CLOEXEC));
  if (file.number() < 0) return SystemError("write", path);
  const absl::Status status =
      WriteAndRename(temporary, file.number(), target, bytes);
  if (!status.ok()) {
    unlink(temporary.c_str());
    return status;
  }
  const FileDescriptor folder(
      open(FolderOf(target).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.number() >= 0) fsync(folder.number());
  return absl::OkStatus();
}

absl::Status WriteToStandardOutput(absl::string_view bytes) {
  if (isatty(STDOUT_FILENO) != 0) {
    return absl::FailedPreconditionError(
        "standard output is a terminal: redirect it to a file or a program");
  }
  return WriteAll(STDOUT_FILENO, bytes, "standard output");
}

}  // namespace imageadapt
