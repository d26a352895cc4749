#include "imageadapt/server/server_tls.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

constexpr unsigned kReloadSeconds = 1;

using Bio = std::unique_ptr<BIO, int (*)(BIO*)>;
using Certificate = std::unique_ptr<X509, void (*)(X509*)>;
using Key = std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)>;

absl::StatusOr<Certificate> ReadCertificate(const std::string& file) {
  const Bio bio(BIO_new_file(file.c_str(), "r"), BIO_free);
  if (bio == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read the certificate file ", file));
  }
  Certificate certificate(
      PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
  if (certificate == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, " holds no PEM certificate"));
  }
  return certificate;
}

absl::StatusOr<Key> ReadKey(const std::string& file) {
  const Bio bio(BIO_new_file(file.c_str(), "r"), BIO_free);
  if (bio == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read the key file ", file));
  }
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

absl::Status CheckFiles(const ServerOptions& options) {
  ASSIGN_OR_RETURN(const Certificate certificate,
                   ReadCertificate(options.tls_cert_file));
  ASSIGN_OR_RETURN(const Key key, ReadKey(options.tls_key_file));
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the key in ", options.tls_key_file,
        " is not that of the certificate in ", options.tls_cert_file));
  }
  if (options.tls_client_ca_file.empty()) return absl::OkStatus();
  return ReadCertificate(options.tls_client_ca_file).status();
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const ServerOptions& options) {
  const bool has_cert = !options.tls_cert_file.empty();
  if (has_cert != !options.tls_key_file.empty()) {
    return absl::InvalidArgumentError(
        "TLS needs both a certificate and a key (--tls-cert and --tls-key)");
  }
  if (!has_cert) {
    if (!options.tls_client_ca_file.empty()) {
      return absl::InvalidArgumentError(
          "client certificates (--tls-client-ca) need TLS (--tls-cert and "
          "--tls-key)");
    }
    return grpc::InsecureServerCredentials();
  }
  RETURN_IF_ERROR(CheckFiles(options));
  namespace tls = grpc::experimental;
  const bool is_mutual = !options.tls_client_ca_file.empty();
  tls::TlsServerCredentialsOptions credentials(
      std::make_shared<tls::FileWatcherCertificateProvider>(
          options.tls_key_file, options.tls_cert_file,
          options.tls_client_ca_file, kReloadSeconds));
  credentials.watch_identity_key_cert_pairs();
  if (is_mutual) {
    credentials.watch_root_certs();
    credentials.set_cert_request_type(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  } else {
    credentials.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  }
  return tls::TlsServerCredentials(credentials);
}

}  // namespace imageadapt
