// Where a server listens, in the words of an operator and in those of gRPC.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_SERVER_LISTEN_ADDRESS_H_
#define IMAGEADAPT_SERVER_LISTEN_ADDRESS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace imageadapt {

struct ListenAddress {
  // "127.0.0.1:50051", "[::1]:50051" or "unix:PATH".
  std::string grpc_address;
  // Without the port, as it is shown to users.
  std::string host;
  bool is_unix = false;
  // Nobody outside this machine can reach it.
  bool is_local = false;
};

// `host` is a name, an IPv4 or IPv6 address (with or without brackets), or
// unix:PATH. INVALID_ARGUMENT if the port is out of range or the name unknown.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view host,
                                                 int port);

// Whether somebody listens at a unix:PATH already. gRPC would take the path
// away from them without a word.
bool IsAnswered(const ListenAddress& address);

}  // namespace imageadapt

#endif  // IMAGEADAPT_SERVER_LISTEN_ADDRESS_H_
