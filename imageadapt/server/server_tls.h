// The credentials a server shows, and asks for.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_SERVER_SERVER_TLS_H_
#define IMAGEADAPT_SERVER_SERVER_TLS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>

#include "absl/status/statusor.h"
#include "imageadapt/server/server_options.h"

namespace imageadapt {

// TLS from PEM files that are read again within a second after they change, or
// plaintext without them. INVALID_ARGUMENT if a file cannot be read or the key
// is not that of the certificate.
//
// Replace key and certificate together (by swapping a symbolic link to their
// folder): between two separate writes, new connections fail.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const ServerOptions& options);

}  // namespace imageadapt

#endif  // IMAGEADAPT_SERVER_SERVER_TLS_H_
