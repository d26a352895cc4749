// The credentials a server shows, and asks for.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_SERVER_SERVER_TLS_H_
#define IMAGEADAPT_SERVER_SERVER_TLS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "absl/status/statusor.h"
#include "imageadapt/server/server_options.h"
#include "imageadapt/server/tls_files.h"

namespace imageadapt {

// TLS from PEM files, taken anew within two seconds after they have changed and
// fit together, or plaintext without them. INVALID_ARGUMENT if a file cannot be
// read or the key is not that of the certificate. `files` must outlive the
// server; it is left null for plaintext.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const ServerOptions& options, std::unique_ptr<TlsFiles>& files);

}  // namespace imageadapt

#endif  // IMAGEADAPT_SERVER_SERVER_TLS_H_
