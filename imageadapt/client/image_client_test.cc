#include "imageadapt/client/image_client.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "imageadapt/base/refusal.h"
#include "imageadapt/v1/image_processing.grpc.pb.h"
#include "imageadapt/v1/rich_error.pb.h"

namespace imageadapt {
namespace {

// Refuses as often as it is told, then answers.
class FakeService final : public v1::ImageProcessingService::Service {
 public:
  grpc::Status ProcessImage(grpc::ServerContext* context,
                            const v1::ProcessImageRequest* request,
                            v1::ProcessImageResponse* response) override {
    ++calls;
    if (refusals > 0) {
      --refusals;
      if (pushback != nullptr) {
        context->AddTrailingMetadata("grpc-retry-pushback-ms", pushback);
      }
      return refusal;
    }
    response->set_image(request->image());
    response->mutable_image()->append(request->image());
    return grpc::Status::OK;
  }

  std::atomic<int> calls = 0;
  std::atomic<int> refusals = 0;
  const char* pushback = nullptr;
  grpc::Status refusal{grpc::StatusCode::RESOURCE_EXHAUSTED, "busy"};
};

class ImageClientTest : public ::testing::Test {
 protected:
  ImageClientTest() {
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(-1);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    client_ =
        std::make_unique<ImageClient>(server_->InProcessChannel(arguments));
  }
  ~ImageClientTest() override { server_->Shutdown(); }

  absl::StatusOr<v1::ProcessImageResponse> Process(
      const std::string& image,
      std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    v1::ProcessImageRequest request;
    request.set_image(image);
    return client_->Process(request, timeout);
  }

  FakeService service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<ImageClient> client_;
};

TEST_F(ImageClientTest, LargeImagesGoBothWays) {
  const auto response = Process(std::string(12'000'000, 'x'));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->image().size(), 24'000'000);
}

TEST_F(ImageClientTest, TriesAgainWhenTheServerSaysWhen) {
  service_.refusals = 3;
  service_.pushback = "1";
  EXPECT_TRUE(Process("x").ok());
  EXPECT_EQ(service_.calls, 4);
}

TEST_F(ImageClientTest, DoesNotTryAgainUnasked) {
  service_.refusals = 3;
  EXPECT_TRUE(absl::IsResourceExhausted(Process("x").status()));
  EXPECT_EQ(service_.calls, 1);
  service_.pushback = "-1";  // "never", by gRPC's retry design
  EXPECT_TRUE(absl::IsResourceExhausted(Process("x").status()));
  EXPECT_EQ(service_.calls, 2);
}

TEST_F(ImageClientTest, DoesNotWaitLongerThanItMay) {
  service_.refusals = 1;
  service_.pushback = "3600000";
  EXPECT_TRUE(absl::IsResourceExhausted(
      Process("x", std::chrono::seconds(5)).status()));
  EXPECT_EQ(service_.calls, 1);
}

TEST_F(ImageClientTest, TheReasonOfARefusalComesThrough) {
  v1::RichStatus rich;
  v1::ErrorInfo info;
  info.set_reason(kImageDamaged);
  rich.add_details()->set_type_url("type.googleapis.com/google.rpc.ErrorInfo");
  rich.mutable_details(0)->set_value(info.SerializeAsString());
  service_.refusals = 1;
  service_.refusal = grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "bad",
                                  rich.SerializeAsString());
  const auto response = Process("x");
  EXPECT_TRUE(absl::IsInvalidArgument(response.status()));
  EXPECT_EQ(ReasonOf(response.status()), kImageDamaged);
  EXPECT_EQ(response.status().message(), "bad");
}

TEST(OpenChannelTest, WrongFilesAreRefused) {
  EXPECT_FALSE(OpenChannel({.host = "h",
                            .port = 1,
                            .uses_tls = true,
                            .tls_ca_file = "no-such-file.pem",
                            .tls_cert_file = {},
                            .tls_key_file = {}})
                   .ok());
  EXPECT_FALSE(OpenChannel({.host = "h",
                            .port = 1,
                            .uses_tls = true,
                            .tls_ca_file = {},
                            .tls_cert_file = "only-one.pem",
                            .tls_key_file = {}})
                   .ok());
}

}  // namespace
}  // namespace imageadapt
