// The standard reflection services (grpc.reflection.v1 and v1alpha).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_REFLECTION_SERVICE_H_
#define IMAGEADAPT_RPC_REFLECTION_SERVICE_H_

#include <grpcpp/server_builder.h>

#include <memory>
#include <string>
#include <vector>

namespace imageadapt {

// Describes services to tools such as grpcurl. Our own, because that of gRPC
// lists only services that are served typed, and speaks only v1alpha.
class ReflectionService {
 public:
  // Full names of the services to list. Whatever they use can be looked up.
  explicit ReflectionService(std::vector<std::string> services);
  ~ReflectionService();

  // Before the server is built.
  void Register(grpc::ServerBuilder& builder);

  // Ends open calls: tools keep one open for as long as they run.
  void Stop();

 private:
  struct Versions;
  std::unique_ptr<Versions> versions_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_REFLECTION_SERVICE_H_
