#include "imageadapt/cli/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

// A message of gRPC has fewer bytes than this, and reading must end even where
// the file does not.
constexpr size_t kLargestInput = (size_t{1} << 31) - (size_t{1} << 20);

// The system's word for `error`, after what was tried.
absl::Status SystemError(absl::string_view what, absl::string_view path,
                         int error) {
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

absl::Status WriteAll(int file, absl::string_view bytes,
                      absl::string_view path) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("write", path, errno);
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

// What `path` points to, if it is a link to something that exists.
std::string Resolved(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> resolved(
      realpath(path.c_str(), nullptr), &std::free);
  return resolved == nullptr ? path : std::string(resolved.get());
}

absl::Status Fill(int file, absl::string_view bytes, mode_t mode,
                  const std::string& path) {
  RETURN_IF_ERROR(WriteAll(file, bytes, path));
  if (fchmod(file, mode) != 0 || fsync(file) != 0) {
    return SystemError("write", path, errno);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> UnfinishedFile::Create(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  RemoveLocked();
  std::string path = absl::StrCat(folder, "/.imageadapt-XXXXXX");
  const int file = mkostemp(path.data(), O_CLOEXEC);
  if (file < 0) return absl::UnknownError(std::strerror(errno));
  path_ = path;
  return file;
}

absl::Status UnfinishedFile::MoveTo(const std::string& path) {
  const std::lock_guard lock(mutex_);
  if (rename(path_.c_str(), path.c_str()) != 0) {
    return absl::UnknownError(std::strerror(errno));
  }
  path_.clear();
  return absl::OkStatus();
}

void UnfinishedFile::Remove() {
  const std::lock_guard lock(mutex_);
  RemoveLocked();
}

void UnfinishedFile::RemoveAndExit(int exit_code) {
  // Held to the end, so that the writer makes no other file meanwhile.
  const std::lock_guard lock(mutex_);
  RemoveLocked();
  _exit(exit_code);
}

void UnfinishedFile::RemoveLocked() {
  if (!path_.empty()) unlink(path_.c_str());
  path_.clear();
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const bool is_standard = path == "-";
  const std::string name = is_standard ? "standard input" : path;
  const FileDescriptor file(
      is_standard ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) return SystemError("read", name, errno);
  const absl::Status too_large = absl::OutOfRangeError(
      absl::StrCat("cannot read ", name, ": it has more than ",
                   kLargestInput >> 20, " MiB"));
  constexpr size_t kChunk = size_t{256} << 10;
  std::string bytes;
  struct stat properties = {};
  if (fstat(file.number(), &properties) == 0 && S_ISREG(properties.st_mode)) {
    const auto size = static_cast<size_t>(properties.st_size);
    if (size > kLargestInput) return too_large;
    bytes.reserve(size + kChunk);
  }
  while (bytes.size() <= kLargestInput) {
    const size_t used = bytes.size();
    bytes.resize(used + kChunk);
    const ssize_t count = read(file.number(), bytes.data() + used, kChunk);
    const int error = errno;
    bytes.resize(used + static_cast<size_t>(count < 0 ? 0 : count));
    if (count == 0) return bytes;
    if (count < 0 && error != EINTR) return SystemError("read", name, error);
  }
  return too_large;
}

absl::Status CheckWritable(const std::string& path) {
  struct stat existing = {};
  if (stat(path.c_str(), &existing) == 0) {
    if (S_ISREG(existing.st_mode)) return absl::OkStatus();
    return absl::UnknownError(
        absl::StrCat("cannot write ", path, ": it is not an ordinary file"));
  }
  if (errno != ENOENT) return SystemError("write", path, errno);
  if (stat(FolderOf(path).c_str(), &existing) != 0) {
    return SystemError("write", path, errno);
  }
  return absl::OkStatus();
}

absl::Status WriteFileWhole(const std::string& path, absl::string_view bytes,
                            UnfinishedFile& unfinished) {
  RETURN_IF_ERROR(CheckWritable(path));
  const auto cannot = [&](const absl::Status& why) {
    return absl::UnknownError(
        absl::StrCat("cannot write ", path, ": ", why.message()));
  };
  const std::string target = Resolved(path);
  const absl::StatusOr<int> created = unfinished.Create(FolderOf(target));
  if (!created.ok()) return cannot(created.status());
  const FileDescriptor file(*created);
  const absl::Status filled = Fill(file.number(), bytes, ModeFor(target), path);
  if (!filled.ok()) {
    unfinished.Remove();
    return filled;
  }
  if (const absl::Status moved = unfinished.MoveTo(target); !moved.ok()) {
    unfinished.Remove();
    return cannot(moved);
  }
  // The new name must survive a power cut too; where folders cannot be synced,
  // the file is whole all the same.
  const FileDescriptor folder(
      open(FolderOf(target).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.number() >= 0) fsync(folder.number());
  return absl::OkStatus();
}

absl::Status WriteFileWhole(const std::string& path, absl::string_view bytes) {
  UnfinishedFile unfinished;
  return WriteFileWhole(path, bytes, unfinished);
}

absl::Status CheckStandardOutput() {
  if (isatty(STDOUT_FILENO) == 0) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "standard output is a terminal: send it to a file or a program");
}

absl::Status WriteToStandardOutput(absl::string_view bytes) {
  return WriteAll(STDOUT_FILENO, bytes, "standard output");
}

}  // namespace imageadapt
