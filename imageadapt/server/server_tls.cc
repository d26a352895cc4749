#include "imageadapt/server/server_tls.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "absl/status/status.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

// gRPC looks at the copies this often; a thread of ours at the files.
constexpr unsigned kReloadSeconds = 1;

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const ServerOptions& options, std::unique_ptr<TlsFiles>& files) {
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
  ASSIGN_OR_RETURN(files,
                   TlsFiles::Open({.cert = options.tls_cert_file,
                                   .key = options.tls_key_file,
                                   .client_ca = options.tls_client_ca_file},
                                  options.on_warning));
  namespace tls = grpc::experimental;
  const bool is_mutual = !options.tls_client_ca_file.empty();
  tls::TlsServerCredentialsOptions credentials(
      std::make_shared<tls::FileWatcherCertificateProvider>(
          files->copies().key, files->copies().cert, files->copies().client_ca,
          kReloadSeconds));
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
