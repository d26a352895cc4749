#include "imageadapt/server/tls_files.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

constexpr std::chrono::seconds kInterval{1};

using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;
using Certificate = std::unique_ptr<X509, void (*)(X509*)>;
using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;

absl::StatusOr<std::string> ReadPem(absl::string_view what,
                                    const std::string& file) {
  constexpr std::streamsize kMostBytes = 1 << 20;
  std::ifstream stream(file, std::ios::binary);
  std::string text(kMostBytes + 1, '\0');
  if (stream.is_open()) stream.read(text.data(), kMostBytes + 1);
  if (!stream.is_open() || stream.bad() || !stream.eof()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read the ", what, " file ", file));
  }
  text.resize(static_cast<size_t>(stream.gcount()));
  return text;
}

Bio BioOf(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())),
          BIO_free};
}

absl::StatusOr<Certificate> ParseCertificate(const std::string& text,
                                             const std::string& file) {
  const Bio bio = BioOf(text);
  Certificate certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
  if (certificate == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, " holds no PEM certificate"));
  }
  return certificate;
}

absl::StatusOr<Key> ParseKey(const std::string& text, const std::string& file) {
  const Bio bio = BioOf(text);
  // A server has nobody to ask for a passphrase.
  constexpr auto kNoPassphrase = [](char*, int, int, void*) { return -1; };
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, kNoPassphrase, nullptr),
          EVP_PKEY_free);
  if (key == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, " holds no PEM private key without passphrase"));
  }
  return key;
}

// A file in memory, closed when dropped.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& text)
      : fd_(memfd_create("imageadapt-tls", MFD_CLOEXEC)) {
    const auto size = static_cast<ssize_t>(text.size());
    is_whole_ = fd_ >= 0 && write(fd_, text.data(), text.size()) == size;
  }
  MemoryFile(MemoryFile&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), is_whole_(other.is_whole_) {}
  MemoryFile& operator=(MemoryFile&&) = delete;
  ~MemoryFile() {
    if (fd_ >= 0) close(fd_);
  }

  bool is_whole() const { return is_whole_; }

  // Stands in the place of `fd` from now on, or is the first one there. Whoever
  // opens it by its path finds the old or the new one, whole.
  bool Take(int& fd) {
    if (fd >= 0) return dup3(fd_, fd, O_CLOEXEC) == fd;
    fd = std::exchange(fd_, -1);
    return true;
  }

 private:
  int fd_;
  bool is_whole_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TlsFiles>> TlsFiles::Open(
    const Paths& paths, std::function<void(absl::string_view)> on_warning) {
  ASSIGN_OR_RETURN(Contents contents, Read(paths));
  std::unique_ptr<TlsFiles> files(new TlsFiles(paths, std::move(on_warning)));
  RETURN_IF_ERROR(files->Replace(std::move(contents)));
  const auto path = [](int fd) { return absl::StrCat("/proc/self/fd/", fd); };
  files->copies_ = {
      .cert = path(files->cert_fd_),
      .key = path(files->key_fd_),
      .client_ca = paths.client_ca.empty() ? "" : path(files->client_ca_fd_)};
  files->thread_ = std::thread([raw = files.get()] { raw->Watch(); });
  return files;
}

TlsFiles::TlsFiles(const Paths& paths,
                   std::function<void(absl::string_view)> on_warning)
    : paths_(paths), on_warning_(std::move(on_warning)) {}

TlsFiles::~TlsFiles() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  for (const int fd : {cert_fd_, key_fd_, client_ca_fd_}) {
    if (fd >= 0) close(fd);
  }
}

absl::StatusOr<TlsFiles::Contents> TlsFiles::Read(const Paths& paths) {
  Contents contents;
  ASSIGN_OR_RETURN(contents.cert, ReadPem("certificate", paths.cert));
  ASSIGN_OR_RETURN(const Certificate certificate,
                   ParseCertificate(contents.cert, paths.cert));
  ASSIGN_OR_RETURN(contents.key, ReadPem("key", paths.key));
  ASSIGN_OR_RETURN(const Key key, ParseKey(contents.key, paths.key));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("the key in ", paths.key,
                     " is not that of the certificate in ", paths.cert));
  }
  if (!paths.client_ca.empty()) {
    ASSIGN_OR_RETURN(contents.client_ca,
                     ReadPem("certificate", paths.client_ca));
    RETURN_IF_ERROR(
        ParseCertificate(contents.client_ca, paths.client_ca).status());
  }
  return contents;
}

absl::Status TlsFiles::Replace(Contents contents) {
  // All are written before the first is placed: the time in which they do not
  // fit together is that of three system calls.
  MemoryFile cert(contents.cert);
  MemoryFile key(contents.key);
  MemoryFile client_ca(contents.client_ca);
  bool is_placed = cert.is_whole() && key.is_whole() && client_ca.is_whole();
  if (is_placed) {
    // Until all are in place they have to be placed again.
    contents_ = {};
    is_placed = cert.Take(cert_fd_) && key.Take(key_fd_) &&
                client_ca.Take(client_ca_fd_);
  }
  if (!is_placed) {
    return absl::UnavailableError("no memory for a copy of the TLS files");
  }
  contents_ = std::move(contents);
  return absl::OkStatus();
}

void TlsFiles::Look() {
  absl::StatusOr<Contents> contents = Read(paths_);
  absl::Status status = contents.status();
  if (status.ok() && !(*contents == contents_)) {
    status = Replace(*std::move(contents));
  }
  std::string warning;
  if (!status.ok()) {
    warning = absl::StrCat("the TLS files have changed but are not taken: ",
                           status.message());
  }
  if (!warning.empty() && warning != last_warning_ && on_warning_) {
    on_warning_(warning);
  }
  last_warning_ = std::move(warning);
}

void TlsFiles::Watch() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kInterval, [this] { return stopping_; })) {
    Look();
  }
}

}  // namespace imageadapt
