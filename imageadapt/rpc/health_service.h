// The standard health service (grpc.health.v1).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_HEALTH_SERVICE_H_
#define IMAGEADAPT_RPC_HEALTH_SERVICE_H_

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <unordered_map>

#include "grpc/health/v1/health.grpc.pb.h"

namespace imageadapt {

// Our own, because that of gRPC is not visible to reflection. Served raw, so
// that messages of any length are seen, and let go of, before they are parsed.
// Thread-safe.
class HealthService final
    : public grpc::health::v1::Health::WithRawCallbackMethod_Check<
          grpc::health::v1::Health::WithRawCallbackMethod_Watch<
              grpc::health::v1::Health::Service>> {
 public:
  // Names of the services that can be asked about, beside "" for the whole
  // server. Nothing is serving at first.
  explicit HealthService(std::set<std::string> services);
  ~HealthService() override;

  // All services at once. Those who watch are told.
  void SetServing(bool serving);

  // Tells those who watch that nothing is serving, and ends their calls. No
  // call can watch after this.
  void Stop();

  // NOT_FOUND for a service that does not exist; otherwise as
  // ReadSmallMessage().
  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;

  // RESOURCE_EXHAUSTED if too many watch already; otherwise as
  // ReadSmallMessage().
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(
      grpc::CallbackServerContext* context,
      const grpc::ByteBuffer* request) override;

 private:
  using Status = grpc::health::v1::HealthCheckResponse::ServingStatus;
  class Watcher;

  bool Knows(const std::string& service) const;
  void Remove(Watcher* watcher);

  const std::set<std::string> services_;
  std::mutex mutex_;
  bool is_serving_ = false;
  bool is_stopped_ = false;
  std::unordered_map<Watcher*, std::shared_ptr<Watcher>> watchers_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_HEALTH_SERVICE_H_
