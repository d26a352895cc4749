// Everything an operator can set about a server, with its default.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_SERVER_SERVER_OPTIONS_H_
#define IMAGEADAPT_SERVER_SERVER_OPTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "absl/strings/string_view.h"
#include "imageadapt/rpc/call_record.h"

namespace imageadapt {

// A value of 0 means "chosen from the machine", where that is said.
struct ServerOptions {
  // Where to listen: a name, an IPv4 or IPv6 address (with or without
  // brackets), or unix:PATH. Empty: nowhere, only in-process channels.
  std::string host;
  // 0: the system chooses.
  int port = 0;

  // Allow plaintext on an address that is not loopback.
  bool allows_insecure = false;
  // PEM files; empty for plaintext. Both or neither.
  std::string tls_cert_file;
  std::string tls_key_file;
  // PEM file of the authorities whose client certificates are required; empty
  // to ask for none.
  std::string tls_client_ca_file;

  // Threads that compute. 0: one a core.
  size_t workers = 0;
  // Calls that may wait for a worker. 0: 8 a worker.
  size_t max_queued = 0;
  // How long a call may wait for a worker before it is refused.
  std::chrono::milliseconds max_wait{5'000};
  // Bytes of messages, pixels and answers held at once. 0: half of the
  // machine's memory, at most 4 GiB.
  uint64_t memory_budget_bytes = 0;

  uint64_t max_message_bytes = uint64_t{512} << 20;
  // Of a decoded file.
  uint64_t max_pixels = 100'000'000;

  // Limits on each phase of a call, whatever its own deadline says.
  std::chrono::milliseconds upload_timeout{30'000};
  std::chrono::milliseconds work_timeout{30'000};
  std::chrono::milliseconds download_timeout{30'000};
  // How long calls in flight may take to finish when the server stops.
  std::chrono::milliseconds drain_timeout{30'000};

  // Called once for each image call that ended, by any thread; must not block.
  // Empty: nobody is told.
  std::function<void(const CallRecord&)> on_call;
  // What an operator should know, in words; as above.
  std::function<void(absl::string_view)> on_warning;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_SERVER_SERVER_OPTIONS_H_
