// The whole server, called without a network.
#include "imageadapt/server/server.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <future>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "imageadapt/v1/image_processing.grpc.pb.h"
#include "nlimage.grpc.pb.h"

namespace imageadapt {
namespace {

using grpc::StatusCode;

std::unique_ptr<Server> StartServer(ServerOptions options = {}) {
  auto server = Server::Start(options);
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

NLImage Grey(int width, int height, char first = 0) {
  NLImage image;
  image.set_width(width);
  image.set_height(height);
  for (int i = 0; i < width * height; ++i) {
    image.mutable_data()->push_back(static_cast<char>(first + i));
  }
  return image;
}

// One unary call of any path with any bytes.
grpc::Status CallRaw(const std::shared_ptr<grpc::Channel>& channel,
                     const std::string& path, const std::string& request,
                     std::string& reply) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(30));
  grpc::CompletionQueue queue;
  grpc::Slice slice(request);
  const grpc::ByteBuffer message(&slice, 1);
  const auto call = stub.PrepareUnaryCall(&context, path, message, &queue);
  call->StartCall();
  grpc::ByteBuffer answer;
  grpc::Status status;
  call->Finish(&answer, &status, &queue);
  void* tag = nullptr;
  bool ok = false;
  queue.Next(&tag, &ok);
  std::vector<grpc::Slice> slices;
  reply.clear();
  if (status.ok() && answer.Dump(&slices).ok()) {
    for (const grpc::Slice& piece : slices) {
      reply.append(reinterpret_cast<const char*>(piece.begin()), piece.size());
    }
  }
  return status;
}

TEST(ServerTest, EveryLegacyPathLeadsToItsMethod) {
  const auto server = StartServer();
  const auto channel = server->InProcessChannel();
  NLImageRotateRequest rotate;
  *rotate.mutable_image() = Grey(3, 2);
  rotate.set_rotation(NLImageRotateRequest::NINETY_DEG);
  NLImageMedianRequest median;
  *median.mutable_image() = Grey(3, 2);
  median.set_kernel(3);
  const std::string rotate_bytes = rotate.SerializeAsString();
  const std::string mean_bytes = Grey(3, 2).SerializeAsString();
  const std::string median_bytes = median.SerializeAsString();
  const std::string rotated("\2\5\1\4\0\3", 6);
  const std::string mean("\2\2\3\2\2\3", 6);
  const std::string middle("\1\2\2\1\2\2", 6);
  const struct {
    const char* path;
    const std::string& request;
    const std::string& data;
  } kCases[] = {
      {"/NLImageService/RotateImage", rotate_bytes, rotated},
      {"/NLImageService/MeanFilter", mean_bytes, mean},
      {"/NLImageService/MedianBlurFilter", median_bytes, middle},
      {"/image.NLImageService/RotateImage", rotate_bytes, rotated},
      {"/image.NLImageService/MeanFilter", mean_bytes, mean},
      {"/io.github.patrickacheung.NLImageService/RotateImage", rotate_bytes,
       rotated},
      {"/io.github.patrickacheung.NLImageService/MeanFilter", mean_bytes, mean},
      {"/ABImageService/RotateImage", rotate_bytes, rotated},
      {"/ProtoImgService/rotate_img", rotate_bytes, rotated},
      {"/ProtoImgService/moving_avg_filter", mean_bytes, mean},
  };
  for (const auto& each : kCases) {
    std::string reply;
    const grpc::Status status =
        CallRaw(channel, each.path, each.request, reply);
    ASSERT_TRUE(status.ok()) << each.path << ": " << status.error_message();
    NLImage image;
    ASSERT_TRUE(image.ParseFromString(reply));
    EXPECT_EQ(image.data(), each.data) << each.path;
  }
}

TEST(ServerTest, AnUnknownPathIsUnimplemented) {
  const auto server = StartServer();
  std::string reply;
  EXPECT_EQ(CallRaw(server->InProcessChannel(), "/Nobody/Knows", "", reply)
                .error_code(),
            StatusCode::UNIMPLEMENTED);
}

TEST(ServerTest, ACallWithoutAMessageIsRefusedAndTheServerGoesOn) {
  const auto server = StartServer();
  const auto channel = server->InProcessChannel();
  grpc::GenericStub stub(channel);
  for (int i = 0; i < 20; ++i) {
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    auto call =
        stub.PrepareCall(&context, "/NLImageService/MeanFilter", &queue);
    void* tag = nullptr;
    bool ok = false;
    call->StartCall(nullptr);
    queue.Next(&tag, &ok);
    call->WritesDone(nullptr);
    queue.Next(&tag, &ok);
    grpc::Status status;
    call->Finish(&status, nullptr);
    queue.Next(&tag, &ok);
    EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  }
  NLImage answer;
  grpc::ClientContext context;
  EXPECT_TRUE(NLImageService::NewStub(channel)
                  ->MeanFilter(&context, Grey(2, 2), &answer)
                  .ok());
}

TEST(ServerTest, CallersThatLeaveHoldNothing) {
  ServerOptions options;
  options.workers = 1;
  options.max_queued = 1;
  const auto server = StartServer(options);
  const auto channel = server->InProcessChannel();
  grpc::GenericStub stub(channel);
  for (int i = 0; i < 50; ++i) {
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    auto call =
        stub.PrepareCall(&context, "/NLImageService/MeanFilter", &queue);
    void* tag = nullptr;
    bool ok = false;
    call->StartCall(nullptr);
    queue.Next(&tag, &ok);
    context.TryCancel();
    grpc::Status status;
    call->Finish(&status, nullptr);
    queue.Next(&tag, &ok);
    EXPECT_EQ(status.error_code(), StatusCode::CANCELLED);
  }
  // Both places are free again, at the latest when their ends were noticed.
  bool is_served = false;
  for (int i = 0; i < 1000 && !is_served; ++i) {
    NLImage answer;
    grpc::ClientContext context;
    is_served = NLImageService::NewStub(channel)
                    ->MeanFilter(&context, Grey(2, 2), &answer)
                    .ok();
  }
  EXPECT_TRUE(is_served);
}

TEST(ServerTest, AFullServerRefusesAtOnceAndSaysWhenToComeBack) {
  ServerOptions options;
  options.workers = 1;
  options.max_queued = 1;
  const auto server = StartServer(options);
  const auto channel = server->InProcessChannel();
  // Two uploads that never end take both places.
  grpc::GenericStub stub(channel);
  grpc::ClientContext contexts[2];
  grpc::CompletionQueue queue;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> calls[2];
  void* tag = nullptr;
  bool ok = false;
  for (int i = 0; i < 2; ++i) {
    calls[i] =
        stub.PrepareCall(&contexts[i], "/NLImageService/MeanFilter", &queue);
    calls[i]->StartCall(nullptr);
    queue.Next(&tag, &ok);
  }
  // Their arrival is not told to us: the first refusal shows it.
  grpc::Status status;
  std::string pushback;
  for (int i = 0; i < 1000 && status.ok(); ++i) {
    grpc::ClientContext context;
    NLImage answer;
    status = NLImageService::NewStub(channel)->MeanFilter(&context, Grey(2, 2),
                                                          &answer);
    const auto& trailers = context.GetServerTrailingMetadata();
    const auto found = trailers.find("grpc-retry-pushback-ms");
    if (found != trailers.end()) {
      pushback.assign(found->second.data(), found->second.size());
    }
  }
  EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_GT(std::atoi(pushback.c_str()), 0);
  for (int i = 0; i < 2; ++i) {
    contexts[i].TryCancel();
    grpc::Status ended;
    calls[i]->Finish(&ended, nullptr);
    queue.Next(&tag, &ok);
  }
}

TEST(ServerTest, AnUploadThatTakesTooLongIsEnded) {
  ServerOptions options;
  options.upload_timeout = std::chrono::milliseconds(100);
  const auto server = StartServer(options);
  grpc::GenericStub stub(server->InProcessChannel());
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  auto call = stub.PrepareCall(&context, "/NLImageService/MeanFilter", &queue);
  void* tag = nullptr;
  bool ok = false;
  call->StartCall(nullptr);
  queue.Next(&tag, &ok);
  grpc::Status status;
  call->Finish(&status, nullptr);
  queue.Next(&tag, &ok);
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_NE(status.error_message().find("upload"), std::string::npos);
}

TEST(ServerTest, WorkThatTakesTooLongIsEnded) {
  ServerOptions options;
  options.work_timeout = std::chrono::milliseconds(1);
  const auto server = StartServer(options);
  NLImageMedianRequest request;
  *request.mutable_image() = Grey(1500, 1500);
  request.set_kernel(255);
  NLImage answer;
  grpc::ClientContext context;
  const grpc::Status status =
      NLImageService::NewStub(server->InProcessChannel())
          ->MedianBlurFilter(&context, request, &answer);
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
}

TEST(ServerTest, AMessageOverTheMemoryOfTheServerIsRefused) {
  ServerOptions options;
  options.memory_budget_bytes = 16 << 20;
  const auto server = StartServer(options);
  const auto stub = NLImageService::NewStub(server->InProcessChannel());
  NLImage answer;
  grpc::ClientContext context;
  const grpc::Status status =
      stub->MeanFilter(&context, Grey(8000, 1000), &answer);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT)
      << status.error_message();
  NLImage good;
  grpc::ClientContext next;
  EXPECT_TRUE(stub->MeanFilter(&next, Grey(1000, 1000), &good).ok());
}

TEST(ServerTest, ManyCallersAtOnceAllGetTheirOwnAnswer) {
  ServerOptions options;
  options.workers = 2;
  options.max_queued = 100;
  const auto server = StartServer(options);
  const auto channel = server->InProcessChannel();
  std::vector<std::jthread> callers;
  std::atomic<int> right = 0;
  for (int caller = 0; caller < 8; ++caller) {
    callers.emplace_back([&, caller] {
      const auto stub = NLImageService::NewStub(channel);
      for (int i = 0; i < 50; ++i) {
        NLImageRotateRequest request;
        *request.mutable_image() =
            Grey(20 + caller, 10 + i, static_cast<char>(caller));
        request.set_rotation(NLImageRotateRequest::ONE_EIGHTY_DEG);
        NLImage answer;
        grpc::ClientContext context;
        if (!stub->RotateImage(&context, request, &answer).ok()) continue;
        std::string expected = request.image().data();
        std::reverse(expected.begin(), expected.end());
        if (answer.data() == expected) ++right;
      }
    });
  }
  callers.clear();
  EXPECT_EQ(right, 400);
}

TEST(ServerTest, ProcessImageGivesDetailsWithItsErrors) {
  const auto server = StartServer();
  v1::ProcessImageRequest request;
  request.set_image("no image");
  v1::ProcessImageResponse response;
  grpc::ClientContext context;
  const grpc::Status status =
      v1::ImageProcessingService::NewStub(server->InProcessChannel())
          ->ProcessImage(&context, request, &response);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_NE(status.error_details(), "");
}

TEST(ServerTest, HealthIsToldPerService) {
  const auto server = StartServer();
  const auto stub =
      grpc::health::v1::Health::NewStub(server->InProcessChannel());
  for (const char* name :
       {"", "NLImageService", "imageadapt.v1.ImageProcessingService"}) {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(name);
    grpc::health::v1::HealthCheckResponse response;
    grpc::ClientContext context;
    ASSERT_TRUE(stub->Check(&context, request, &response).ok());
    EXPECT_EQ(response.status(),
              grpc::health::v1::HealthCheckResponse::SERVING);
  }
  grpc::health::v1::HealthCheckRequest request;
  request.set_service("Nobody");
  grpc::health::v1::HealthCheckResponse response;
  grpc::ClientContext context;
  EXPECT_EQ(stub->Check(&context, request, &response).error_code(),
            StatusCode::NOT_FOUND);
}

TEST(ServerTest, WhoWatchesHealthIsToldOfTheStop) {
  const auto server = StartServer();
  const auto stub =
      grpc::health::v1::Health::NewStub(server->InProcessChannel());
  grpc::ClientContext context;
  const auto reader = stub->Watch(&context, {});
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  const std::jthread stopper([&] { server->Stop(); });
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.status(),
            grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(reader->Read(&response));
  EXPECT_EQ(reader->Finish().error_code(), StatusCode::UNAVAILABLE);
}

template <typename Reflection, typename Request, typename Response>
void ReflectionDescribesEverything(const Server& /*server*/,
                                   std::shared_ptr<grpc::Channel> channel) {
  const auto stub = Reflection::NewStub(channel);
  grpc::ClientContext context;
  const auto stream = stub->ServerReflectionInfo(&context);
  Request request;
  Response response;
  request.set_list_services("");
  ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
  std::set<std::string> names;
  for (const auto& each : response.list_services_response().service()) {
    names.insert(each.name());
  }
  EXPECT_EQ(names.count("NLImageService"), 1);
  EXPECT_EQ(names.count("grpc.health.v1.Health"), 1);
  for (const std::string& name : names) {
    request.set_file_containing_symbol(name);
    ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
    EXPECT_GT(response.file_descriptor_response().file_descriptor_proto_size(),
              0)
        << name;
  }
  request.set_file_by_filename("no/such.proto");
  ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
  EXPECT_EQ(response.error_response().error_code(), StatusCode::NOT_FOUND);
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST(ServerTest, ReflectionDescribesEverythingInBothVersions) {
  const auto server = StartServer();
  namespace v1 = grpc::reflection::v1;
  namespace v1alpha = grpc::reflection::v1alpha;
  ReflectionDescribesEverything<v1::ServerReflection,
                                v1::ServerReflectionRequest,
                                v1::ServerReflectionResponse>(
      *server, server->InProcessChannel());
  ReflectionDescribesEverything<v1alpha::ServerReflection,
                                v1alpha::ServerReflectionRequest,
                                v1alpha::ServerReflectionResponse>(
      *server, server->InProcessChannel());
}

TEST(ServerTest, StopsThoughToolsKeepTheirCallsOpen) {
  const auto server = StartServer();
  const auto channel = server->InProcessChannel();
  const auto health = grpc::health::v1::Health::NewStub(channel);
  const auto reflection =
      grpc::reflection::v1::ServerReflection::NewStub(channel);
  grpc::ClientContext watching;
  const auto watch = health->Watch(&watching, {});
  grpc::ClientContext reflecting;
  const auto stream = reflection->ServerReflectionInfo(&reflecting);
  grpc::reflection::v1::ServerReflectionRequest request;
  grpc::reflection::v1::ServerReflectionResponse response;
  request.set_list_services("");
  ASSERT_TRUE(stream->Write(request) && stream->Read(&response));
  server->Stop();
  EXPECT_EQ(stream->Finish().error_code(), StatusCode::UNAVAILABLE);
  watching.TryCancel();
  watch->Finish();
}

TEST(ServerOptionsTest, WrongOptionsAreRefusedInWords) {
  ServerOptions options;
  options.host = "0.0.0.0";
  EXPECT_TRUE(absl::IsInvalidArgument(Server::Start(options).status()));
  options.host = "127.0.0.1";
  options.tls_cert_file = "only-one.pem";
  EXPECT_TRUE(absl::IsInvalidArgument(Server::Start(options).status()));
  options = {};
  options.memory_budget_bytes = 1000;
  EXPECT_TRUE(absl::IsInvalidArgument(Server::Start(options).status()));
}

TEST(ServerOptionsTest, APortThatIsTakenIsUnavailable) {
  ServerOptions options;
  options.host = "127.0.0.1";
  const auto first = StartServer(options);
  const std::string& address = first->address();
  options.port = std::stoi(address.substr(address.rfind(':') + 1));
  EXPECT_TRUE(absl::IsUnavailable(Server::Start(options).status()));
}

}  // namespace
}  // namespace imageadapt
