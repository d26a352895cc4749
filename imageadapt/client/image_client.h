// Speaks to an ImageAdapt server.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CLIENT_IMAGE_CLIENT_H_
#define IMAGEADAPT_CLIENT_IMAGE_CLIENT_H_

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "imageadapt/v1/image_processing.pb.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace imageadapt {

// Where a server is, and how to trust it.
struct ServerAddress {
  // A name, an IPv4 or IPv6 address (with or without brackets), or unix:PATH.
  std::string host;
  int port = 0;

  bool uses_tls = false;
  // PEM files. Without authorities those of the system are trusted; certificate
  // and key, both or neither, are shown to servers that ask for them.
  std::string tls_ca_file;
  std::string tls_cert_file;
  std::string tls_key_file;
};

// Does not connect yet. INVALID_ARGUMENT if a file cannot be read or holds not
// what it should, or only one of certificate and key is given.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(
    const ServerAddress& address);

// The address as gRPC wants it: "host:port", "[::1]:50051" or "unix:PATH".
std::string TargetOf(const ServerAddress& address);

// gRPC writes nothing to standard error any more, in the whole process.
void SilenceLibraryLog();

// gRPC stays up to the end of the process. Otherwise it shuts down with its
// last channel, and after large messages that can wait 10 s for one of its
// pollers.
void KeepLibraryUp();

// Thread-safe.
class ImageClient {
 public:
  explicit ImageClient(const std::shared_ptr<grpc::Channel>& channel);
  ~ImageClient();

  // One ProcessImage call; if the server does not know it, the calls of the
  // older NLImage contract that do the same, if there are such. If the server
  // asks to be left alone for a while, waits and tries again, until `timeout`,
  // which holds for everything together, is over. The status has the server's
  // code and text, and where it gave them its reason and field (see refusal.h).
  // DATA_LOSS if an old server's answer is not a file; UNIMPLEMENTED if the
  // server knows neither contract, or the older one cannot express `request`.
  absl::StatusOr<v1::ProcessImageResponse> Process(
      const v1::ProcessImageRequest& request,
      std::chrono::milliseconds timeout) const;

 private:
  struct Stubs;
  std::unique_ptr<Stubs> stubs_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CLIENT_IMAGE_CLIENT_H_
