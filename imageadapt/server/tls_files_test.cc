#include "imageadapt/server/tls_files.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>

namespace imageadapt {
namespace {

constexpr std::chrono::seconds kPatience{20};

std::string TextOf(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<size_t>(size)};
}

struct Pair {
  std::string cert;
  std::string key;
};

// A certificate for nobody, signed by itself.
Pair MakePair() {
  using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;
  const std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key(EVP_EC_gen("P-256"),
                                                           EVP_PKEY_free);
  const std::unique_ptr<X509, void (*)(X509*)> cert(X509_new(), X509_free);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), 3600);
  X509_set_pubkey(cert.get(), key.get());
  X509_sign(cert.get(), key.get(), EVP_sha256());
  const Bio cert_bio(BIO_new(BIO_s_mem()), BIO_free);
  const Bio key_bio(BIO_new(BIO_s_mem()), BIO_free);
  PEM_write_bio_X509(cert_bio.get(), cert.get());
  PEM_write_bio_PrivateKey(key_bio.get(), key.get(), nullptr, nullptr, 0,
                           nullptr, nullptr);
  return {.cert = TextOf(cert_bio.get()), .key = TextOf(key_bio.get())};
}

std::string ReadAll(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

class TlsFilesTest : public ::testing::Test {
 protected:
  TlsFilesTest() {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ("tls_files_" + std::to_string(getpid()));
    std::filesystem::create_directories(folder_);
    paths_ = {.cert = folder_ / "cert.pem",
              .key = folder_ / "key.pem",
              .client_ca = ""};
  }
  ~TlsFilesTest() override { std::filesystem::remove_all(folder_); }

  void Write(const Pair& pair) const {
    std::ofstream(paths_.cert) << pair.cert;
    std::ofstream(paths_.key) << pair.key;
  }

  void OnWarning(absl::string_view warning) {
    const std::lock_guard lock(mutex_);
    warnings_ += std::string(warning) + "\n";
    warned_.notify_all();
  }

  bool IsWarnedOf(const std::string& part) {
    std::unique_lock lock(mutex_);
    return warned_.wait_for(lock, kPatience, [&] {
      return warnings_.find(part) != std::string::npos;
    });
  }

  static bool Becomes(const std::string& file, const std::string& text) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (std::chrono::steady_clock::now() < end) {
      if (ReadAll(file) == text) return true;
      usleep(50'000);
    }
    return false;
  }

  std::filesystem::path folder_;
  TlsFiles::Paths paths_;
  std::mutex mutex_;
  std::condition_variable warned_;
  std::string warnings_;
};

TEST_F(TlsFilesTest, ASetIsReplacedAsAWholeAndOnlyByOneThatFits) {
  const Pair first = MakePair();
  const Pair second = MakePair();
  Write(first);
  const auto files = TlsFiles::Open(
      paths_, [this](absl::string_view warning) { OnWarning(warning); });
  ASSERT_TRUE(files.ok()) << files.status();
  Write({.cert = second.cert, .key = first.key});
  EXPECT_TRUE(IsWarnedOf("is not that of the certificate"));
  EXPECT_EQ(ReadAll((*files)->copies().cert), first.cert);
  Write(second);
  EXPECT_TRUE(Becomes((*files)->copies().cert, second.cert));
  EXPECT_TRUE(Becomes((*files)->copies().key, second.key));
}

TEST_F(TlsFilesTest, ASetThatFindsNoRoomIsTakenLater) {
  const Pair first = MakePair();
  const Pair second = MakePair();
  Write(first);
  const auto files = TlsFiles::Open(
      paths_, [this](absl::string_view warning) { OnWarning(warning); });
  ASSERT_TRUE(files.ok()) << files.status();
  Write(second);
  // Enough open files to read the new ones, not to keep their copies.
  rlimit whole = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &whole), 0);
  const int next = dup(STDERR_FILENO);
  ASSERT_GE(next, 0);
  close(next);
  rlimit small = whole;
  small.rlim_cur = static_cast<rlim_t>(next) + 2;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &small), 0);
  EXPECT_TRUE(IsWarnedOf("no memory for a copy"));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &whole), 0);
  EXPECT_TRUE(Becomes((*files)->copies().key, second.key));
  EXPECT_TRUE(Becomes((*files)->copies().cert, second.cert));
}

}  // namespace
}  // namespace imageadapt
