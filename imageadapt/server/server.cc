#include "imageadapt/server/server.h"

#include <grpcpp/grpcpp.h>
#include <grpcpp/resource_quota.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/exec/admission.h"
#include "imageadapt/exec/memory_budget.h"
#include "imageadapt/exec/worker_pool.h"
#include "imageadapt/rpc/health_service.h"
#include "imageadapt/rpc/image_server.h"
#include "imageadapt/rpc/legacy/nlimage_methods.h"
#include "imageadapt/rpc/reflection_service.h"
#include "imageadapt/rpc/v1/image_processing_methods.h"
#include "imageadapt/rpc/v1/server_info_methods.h"
#include "imageadapt/server/listen_address.h"
#include "imageadapt/server/machine.h"
#include "imageadapt/server/server_tls.h"
#include "imageadapt/service/image_processing.h"
#include "imageadapt/service/legacy_images.h"
#include "imageadapt/service/server_info.h"

namespace imageadapt {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;

// By the names of their contracts.
constexpr std::array<const char*, 3> kOwnServices = {
    "NLImageService", "imageadapt.v1.ImageProcessingService",
    "imageadapt.v1.ServerInfoService"};

std::vector<std::string> AllServices() {
  std::vector<std::string> names(kOwnServices.begin(), kOwnServices.end());
  names.insert(names.end(),
               {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection"});
  return names;
}

// Every 0 that means "chosen from the machine", chosen.
ServerOptions Chosen(ServerOptions options) {
  constexpr uint64_t kMostMemory = 4096 * kMiB;
  constexpr size_t kQueuedPerWorker = 8;
  if (options.workers == 0) options.workers = UsableCores();
  if (options.max_queued == 0) {
    options.max_queued = kQueuedPerWorker * options.workers;
  }
  if (options.memory_budget_bytes == 0) {
    options.memory_budget_bytes = std::min(UsableMemory() / 2, kMostMemory);
  }
  return options;
}

absl::Status Check(const ServerOptions& options) {
  constexpr uint64_t kLeastMemory = 16 * kMiB;
  // gRPC counts a message's bytes in a signed 32-bit number.
  constexpr uint64_t kMostMessage = 2047 * kMiB;
  if (options.memory_budget_bytes < kLeastMemory) {
    return absl::InvalidArgumentError(
        absl::StrCat("the memory budget must be at least ", kLeastMemory / kMiB,
                     " MiB, got ", options.memory_budget_bytes, " bytes"));
  }
  if (options.max_message_bytes == 0 ||
      options.max_message_bytes > kMostMessage) {
    return absl::InvalidArgumentError(
        absl::StrCat("the largest message must be from 1 byte to ",
                     kMostMessage / kMiB, " MiB"));
  }
  return absl::OkStatus();
}

CallLimits LimitsOf(const ServerOptions& options) {
  return {.max_message_bytes = options.max_message_bytes,
          .upload = options.upload_timeout,
          .queued = options.max_wait,
          .work = options.work_timeout,
          .download = options.download_timeout};
}

DecodeLimits DecodeLimitsOf(const ServerOptions& options) {
  DecodeLimits limits;
  limits.max_pixels = options.max_pixels;
  return limits;
}

// How gRPC itself behaves. Each setting closes a way to make the server hold
// memory, or a connection, for nothing.
void Configure(grpc::ServerBuilder& builder, const ServerOptions& options) {
  constexpr int kSecond = 1000;
  const auto set = [&](const char* name, int value) {
    builder.AddChannelArgument(name, value);
  };
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  // With bandwidth probing, windows grow to the size of a message, and reading
  // only what was admitted bounds nothing. Larger frames make up for it.
  set(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  set(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, static_cast<int>(kMiB));
  // A second server on the same port must fail, not take half of the calls.
  set(GRPC_ARG_ALLOW_REUSEPORT, 0);
  set(GRPC_ARG_MAX_METADATA_SIZE, 16 << 10);
  set(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 3 * kSecond);
  set(GRPC_ARG_MAX_CONCURRENT_STREAMS, 128);
  set(GRPC_ARG_KEEPALIVE_TIME_MS, 60 * kSecond);
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20 * kSecond);
  set(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10 * kSecond);
  set(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 300 * kSecond);
  set(GRPC_ARG_MAX_CONNECTION_AGE_MS, 3600 * kSecond);
  set(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, 300 * kSecond);
  // Compressed messages are inflated by us, under a limit; gRPC would inflate
  // first and ask then.
  set("grpc.per_message_decompression", 0);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  // Counts only what gRPC buffers of requests, and ends calls at random: a last
  // resort behind the memory budget.
  grpc::ResourceQuota quota("imageadapt");
  quota.Resize(options.memory_budget_bytes + 256 * kMiB);
  builder.SetResourceQuota(quota);
}

// After a rush, what was freed would stay with the process for ever.
void GiveMemoryBack(BufferPool& buffers) {
  buffers.DropIdle();
  malloc_trim(0);
}

ServerFacts FactsOf(const ServerOptions& options) {
  return {.decode = DecodeLimitsOf(options),
          .max_message_bytes = options.max_message_bytes,
          .memory_budget_bytes = options.memory_budget_bytes,
          .workers = options.workers,
          .max_queued = options.max_queued,
          .max_wait = options.max_wait};
}

std::vector<ImageMethod> AllMethods(const LegacyImages& legacy,
                                    const ImageProcessing& processing,
                                    const ServerOptions& options) {
  std::vector<ImageMethod> methods = NLImageMethods(legacy);
  const auto add = [&](std::vector<ImageMethod> others) {
    std::move(others.begin(), others.end(), std::back_inserter(methods));
  };
  add(ImageProcessingMethods(processing));
  add(ServerInfoMethods(DescribeServer(FactsOf(options))));
  return methods;
}

}  // namespace

// In the order of their lives: what stands further down uses what stands above.
struct Server::Parts {
  explicit Parts(const ServerOptions& chosen)
      : options(chosen),
        memory(options.memory_budget_bytes),
        admission(options.workers + options.max_queued),
        workers(options.workers),
        legacy(DecodeLimitsOf(options), options.max_message_bytes),
        processing(DecodeLimitsOf(options), options.max_message_bytes),
        images({.workers = workers,
                .buffers = buffers,
                .memory = memory,
                .admission = admission},
               LimitsOf(options), AllMethods(legacy, processing, options),
               {.on_call =
                    [this](const CallRecord& record) {
                      if (options.on_call) options.on_call(record);
                    },
                .on_idle = [this] { GiveMemoryBack(buffers); }}) {}

  const ServerOptions options;
  BufferPool buffers;
  MemoryBudget memory;
  Admission admission;
  WorkerPool workers;
  const LegacyImages legacy;
  const ImageProcessing processing;
  ImageServer images;
  HealthService health{{kOwnServices.begin(), kOwnServices.end()}};
  ReflectionService reflection{AllServices()};
  std::unique_ptr<TlsFiles> tls_files;
  std::unique_ptr<grpc::Server> grpc_server;
  std::string address;
  std::once_flag stopped;
};

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const ServerOptions& options) {
  const ServerOptions chosen = Chosen(options);
  RETURN_IF_ERROR(Check(chosen));
  auto parts = std::make_unique<Parts>(chosen);
  grpc::ServerBuilder builder;
  Configure(builder, chosen);

  ListenAddress address;
  int port = 0;
  if (!chosen.host.empty()) {
    ASSIGN_OR_RETURN(address, ParseListenAddress(chosen.host, chosen.port));
    ASSIGN_OR_RETURN(const auto credentials,
                     MakeServerCredentials(chosen, parts->tls_files));
    if (chosen.tls_cert_file.empty() && !address.is_local &&
        !chosen.allows_insecure) {
      return absl::InvalidArgumentError(absl::StrCat(
          "others can reach ", address.host,
          ", so it needs TLS (--tls-cert and --tls-key); --insecure serves "
          "plaintext there"));
    }
    if (address.is_unix && IsAnswered(address)) {
      return absl::UnavailableError(
          absl::StrCat("cannot listen on ", address.grpc_address,
                       ": another server answers there"));
    }
    builder.AddListeningPort(address.grpc_address, credentials, &port);
  }
  parts->images.Register(builder);
  builder.RegisterService(&parts->health);
  parts->reflection.Register(builder);
  parts->grpc_server = builder.BuildAndStart();
  const bool listens = chosen.host.empty() || port != 0;
  if (parts->grpc_server == nullptr || !listens) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address.grpc_address,
                     ": the port is taken, or not ours to take"));
  }
  if (!chosen.host.empty()) {
    parts->address = address.is_unix ? address.grpc_address
                                     : absl::StrCat(address.host, ":", port);
  }
  parts->images.Start();
  parts->health.SetServing(true);
  return std::unique_ptr<Server>(new Server(std::move(parts)));
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Server::~Server() { Stop(); }

const std::string& Server::address() const { return parts_->address; }

std::shared_ptr<grpc::Channel> Server::InProcessChannel() {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  return parts_->grpc_server->InProcessChannel(arguments);
}

void Server::Stop() {
  std::call_once(parts_->stopped, [this] {
    parts_->images.PrepareShutdown();
    parts_->health.Stop();
    parts_->reflection.Stop();
    parts_->grpc_server->Shutdown(std::chrono::system_clock::now() +
                                  parts_->options.drain_timeout);
    parts_->images.Shutdown();
  });
}

}  // namespace imageadapt
