// The PEM files of a TLS server, followed while they change.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_SERVER_TLS_FILES_H_
#define IMAGEADAPT_SERVER_TLS_FILES_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace imageadapt {

// gRPC takes whatever it finds in its files, and every handshake fails while
// they do not fit together. So it is given copies, in memory, that are replaced
// only by a whole set that fits: a half-written file, or a key whose
// certificate is still to come, changes nothing.
class TlsFiles {
 public:
  struct Paths {
    std::string cert;
    std::string key;
    std::string client_ca;  // may be empty
  };

  // INVALID_ARGUMENT in words if a file cannot be read or is not what it should
  // be, or the key is not that of the certificate. `on_warning` is told, by a
  // thread of its own, when changed files are not taken; may be empty.
  static absl::StatusOr<std::unique_ptr<TlsFiles>> Open(
      const Paths& paths, std::function<void(absl::string_view)> on_warning);

  ~TlsFiles();
  TlsFiles(const TlsFiles&) = delete;
  TlsFiles& operator=(const TlsFiles&) = delete;

  // Where the copies are read, in this process alone and as long as this lives.
  const Paths& copies() const { return copies_; }

 private:
  struct Contents {
    std::string cert;
    std::string key;
    std::string client_ca;
    bool operator==(const Contents&) const = default;
  };

  TlsFiles(const Paths& paths,
           std::function<void(absl::string_view)> on_warning);

  static absl::StatusOr<Contents> Read(const Paths& paths);
  absl::Status Replace(Contents contents);
  void Look();
  void Watch();

  const Paths paths_;
  const std::function<void(absl::string_view)> on_warning_;
  Paths copies_;
  int cert_fd_ = -1;
  int key_fd_ = -1;
  int client_ca_fd_ = -1;
  Contents contents_;
  std::string last_warning_;  // each is given once

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_SERVER_TLS_FILES_H_
