// A whole ImageAdapt server in one object.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_SERVER_SERVER_H_
#define IMAGEADAPT_SERVER_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "imageadapt/server/server_options.h"

namespace grpc {
class Channel;
}  // namespace grpc

namespace imageadapt {

// Thread-safe.
class Server {
 public:
  // Starts to serve. INVALID_ARGUMENT if an option is wrong (plaintext on a
  // public address included), UNAVAILABLE if the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const ServerOptions& options);

  // Stops, if Stop() was not called.
  ~Server();

  // The address clients use, for example "127.0.0.1:50051"; empty if the
  // server listens nowhere.
  const std::string& address() const;

  // A channel that crosses no network and has no message limit.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // Reports NOT_SERVING, takes no new calls, lets those in flight finish for at
  // most the drain timeout, and cancels what is left. Blocks.
  void Stop();

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_SERVER_SERVER_H_
