#include "imageadapt/client/image_client.h"

#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <functional>
#include <future>
#include <string>
#include <utility>
#include <vector>

#include "grpc/health/v1/health.grpc.pb.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/v1/image_processing.grpc.pb.h"
#include "imageadapt/v1/rich_error.pb.h"
#include "nlimage.grpc.pb.h"

namespace imageadapt {
namespace {

using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr milliseconds kAmple{60'000};

ServerAddress At(const std::string& host, int port = 1) {
  ServerAddress address;
  address.host = host;
  address.port = port;
  return address;
}

// Answers as the test says, and counts.
class FakeProcessing final : public v1::ImageProcessingService::Service {
 public:
  using Handler = std::function<grpc::Status(grpc::ServerContext&,
                                             const v1::ProcessImageRequest&,
                                             v1::ProcessImageResponse&)>;

  explicit FakeProcessing(Handler handler) : handler_(std::move(handler)) {}

  grpc::Status ProcessImage(grpc::ServerContext* context,
                            const v1::ProcessImageRequest* request,
                            v1::ProcessImageResponse* response) override {
    ++calls_;
    return handler_(*context, *request, *response);
  }

  int calls() const { return calls_; }

 private:
  const Handler handler_;
  std::atomic<int> calls_ = 0;
};

// The head of a 3 x 2 PNG, enough for a client that looks no further.
std::string PngHead() {
  return std::string(
      "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02\x08\x02", 26);
}

// Writes down what it is asked, and adds a word to the file each time.
class FakeLegacy final : public NLImageService::Service {
 public:
  grpc::Status RotateImage(grpc::ServerContext* /*context*/,
                           const NLImageRotateRequest* request,
                           NLImage* response) override {
    return Answer("rotate " + std::to_string(request->rotation()),
                  request->image(), *response);
  }
  grpc::Status MeanFilter(grpc::ServerContext* /*context*/,
                          const NLImage* request, NLImage* response) override {
    return Answer("mean", *request, *response);
  }
  grpc::Status MedianBlurFilter(grpc::ServerContext* /*context*/,
                                const NLImageMedianRequest* request,
                                NLImage* response) override {
    return Answer("median " + std::to_string(request->kernel()),
                  request->image(), *response);
  }

  const std::vector<std::string>& asked() const { return asked_; }

 private:
  grpc::Status Answer(const std::string& what, const NLImage& request,
                      NLImage& response) {
    asked_.push_back(what);
    response.set_data(request.data() + " " + what);
    return grpc::Status::OK;
  }

  std::vector<std::string> asked_;  // one call at a time
};

// Serves on a port that the system chooses.
class FakeServer {
 public:
  explicit FakeServer(const std::vector<grpc::Service*>& services) {
    KeepLibraryUp();
    grpc::ServerBuilder builder;
    builder.SetMaxReceiveMessageSize(-1);
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    for (grpc::Service* const service : services) {
      builder.RegisterService(service);
    }
    server_ = builder.BuildAndStart();
  }
  ~FakeServer() { server_->Shutdown(); }

  ImageClient Client() const {
    return ImageClient(*OpenChannel(At("127.0.0.1", port_)));
  }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

v1::ProcessImageRequest PngRequest() {
  v1::ProcessImageRequest request;
  request.set_image(PngHead());
  request.mutable_output()->set_mime_type("image/png");
  return request;
}

FakeProcessing::Handler Fails(const grpc::Status& status,
                              const std::string& pushback = "") {
  return [=](grpc::ServerContext& context, const auto& /*request*/,
             auto& /*response*/) {
    if (!pushback.empty()) {
      context.AddTrailingMetadata("grpc-retry-pushback-ms", pushback);
    }
    return status;
  };
}

const grpc::Status kBusy(grpc::StatusCode::RESOURCE_EXHAUSTED, "busy");

std::string WriteTemp(const std::string& name, const std::string& text) {
  const std::string path = ::testing::TempDir() + "/image_client_test_" + name;
  std::ofstream(path) << text;
  return path;
}

TEST(ImageClientTest, GivesTheServersAnswerToWhatWasAsked) {
  FakeProcessing processing([](auto&, const auto& request, auto& response) {
    response.set_image("answer to " + request.image());
    response.set_width(7);
    return grpc::Status::OK;
  });
  const FakeServer server({&processing});
  v1::ProcessImageRequest request;
  request.set_image("question");
  const auto response = server.Client().Process(request, kAmple);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->image(), "answer to question");
  EXPECT_EQ(response->width(), 7);
}

TEST(ImageClientTest, SendsAndReceivesMessagesOverFourMebibytes) {
  constexpr size_t kSize = size_t{9} << 20;
  FakeProcessing processing([](auto&, const auto& request, auto& response) {
    response.set_image(request.image() + request.image());
    return grpc::Status::OK;
  });
  const FakeServer server({&processing});
  v1::ProcessImageRequest request;
  request.set_image(std::string(kSize, 'x'));
  const auto response = server.Client().Process(request, kAmple);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->image().size(), 2 * kSize);
}

class PushbackTest : public ::testing::TestWithParam<grpc::StatusCode> {};

TEST_P(PushbackTest, ServersThatNameATimeAreAskedAgainAfterIt) {
  std::atomic<int> refusals_left = 2;
  FakeProcessing processing(
      [&](grpc::ServerContext& context, const auto& request, auto& response) {
        if (refusals_left-- > 0) {
          return Fails(grpc::Status(GetParam(), "later"), "1")(context, request,
                                                               response);
        }
        response.set_image("done");
        return grpc::Status::OK;
      });
  const FakeServer server({&processing});
  const auto response = server.Client().Process({}, kAmple);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->image(), "done");
  EXPECT_EQ(processing.calls(), 3);
}

INSTANTIATE_TEST_SUITE_P(Codes, PushbackTest,
                         ::testing::Values(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                           grpc::StatusCode::UNAVAILABLE));

TEST(ImageClientTest, WithoutAUsableTimeThereIsNoSecondTry) {
  for (const char* const pushback : {"", "-1", "soon"}) {
    FakeProcessing processing(Fails(kBusy, pushback));
    const FakeServer server({&processing});
    const auto response = server.Client().Process({}, kAmple);
    EXPECT_EQ(response.status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(processing.calls(), 1) << pushback;
  }
}

TEST(ImageClientTest, OtherErrorsAreNotTriedAgainWhateverTheServerSays) {
  FakeProcessing processing(
      Fails(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no"), "1"));
  const FakeServer server({&processing});
  EXPECT_EQ(server.Client().Process({}, kAmple).status(),
            absl::InvalidArgumentError("no"));
  EXPECT_EQ(processing.calls(), 1);
}

TEST(ImageClientTest, AWaitThatEndsAfterTheDeadlineIsNotBegun) {
  FakeProcessing processing(Fails(kBusy, "86400000"));
  const FakeServer server({&processing});
  const auto response = server.Client().Process({}, kAmple);
  EXPECT_EQ(response.status(), absl::ResourceExhaustedError("busy"));
  EXPECT_EQ(processing.calls(), 1);
}

TEST(ImageClientTest, AServerThatNeverAnswersIsLeftAtTheDeadline) {
  std::promise<void> over;
  const std::shared_future<void> is_over = over.get_future().share();
  FakeProcessing processing([is_over](auto&, const auto&, auto&) {
    is_over.wait();
    return grpc::Status::OK;
  });
  const FakeServer server({&processing});
  const auto response = server.Client().Process({}, milliseconds(20));
  EXPECT_EQ(response.status().code(), absl::StatusCode::kDeadlineExceeded);
  over.set_value();
}

TEST(ImageClientTest, AServerThatIsNotThereIsUnavailable) {
  const auto channel =
      OpenChannel(At("unix:" + ::testing::TempDir() + "/image_client_test_no"));
  ASSERT_TRUE(channel.ok());
  const auto response = ImageClient(*channel).Process({}, kAmple);
  EXPECT_EQ(response.status().code(), absl::StatusCode::kUnavailable);
}

grpc::Status RichStatus(grpc::StatusCode code, const std::string& text,
                        const std::string& reason, const std::string& field) {
  v1::RichStatus rich;
  v1::ErrorInfo info;
  info.set_reason(reason);
  auto* any = rich.add_details();
  any->set_type_url("type.googleapis.com/google.rpc.ErrorInfo");
  any->set_value(info.SerializeAsString());
  if (!field.empty()) {
    v1::BadRequest request;
    request.add_field_violations()->set_field(field);
    any = rich.add_details();
    any->set_type_url("type.googleapis.com/google.rpc.BadRequest");
    any->set_value(request.SerializeAsString());
  }
  return {code, text, rich.SerializeAsString()};
}

TEST(ImageClientTest, AnErrorKeepsItsCodeTextAndReason) {
  FakeProcessing processing(Fails(RichStatus(
      grpc::StatusCode::INVALID_ARGUMENT, "row 7 is cut", kImageDamaged, "")));
  const FakeServer server({&processing});
  const absl::Status status = server.Client().Process({}, kAmple).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "row 7 is cut");
  EXPECT_EQ(ReasonOf(status), kImageDamaged);
  EXPECT_EQ(FieldOf(status), "");
}

TEST(ImageClientTest, AnErrorAboutAFieldNamesIt) {
  FakeProcessing processing(
      Fails(RichStatus(grpc::StatusCode::INVALID_ARGUMENT,
                       "output.quality: is 300", kBadField, "output.quality")));
  const FakeServer server({&processing});
  const absl::Status status = server.Client().Process({}, kAmple).status();
  EXPECT_EQ(status.message(), "output.quality: is 300");
  EXPECT_EQ(FieldOf(status), "output.quality");
}

TEST(ImageClientTest, DetailsThatAreNoMessageAreIgnored) {
  FakeProcessing processing(
      Fails({grpc::StatusCode::NOT_FOUND, "gone", "\xff\xff\xff"}));
  const FakeServer server({&processing});
  EXPECT_EQ(server.Client().Process({}, kAmple).status(),
            absl::NotFoundError("gone"));
}

TEST(ImageClientTest, OldServersAreAskedInTheOldContractOneCallAfterTheOther) {
  FakeLegacy legacy;
  const FakeServer server({&legacy});
  v1::ProcessImageRequest request = PngRequest();
  request.add_operations()->mutable_rotate()->set_angle_degrees(90);
  v1::MeanFilter& mean = *request.add_operations()->mutable_mean_filter();
  mean.set_kernel_width(3);
  mean.set_rounding(v1::MeanFilter::ROUNDING_TRUNCATE);
  request.add_operations()->mutable_median_filter()->set_kernel_width(5);
  const auto response = server.Client().Process(request, kAmple);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_THAT(legacy.asked(), ElementsAre("rotate 1", "mean", "median 5"));
  EXPECT_EQ(response->image(), PngHead() + " rotate 1 mean median 5");
  EXPECT_EQ(response->mime_type(), "image/png");
  EXPECT_EQ(response->width(), 3);
  EXPECT_EQ(response->height(), 2);
}

TEST(ImageClientTest, WhatTheOldContractCannotExpressIsNotAskedOfOldServers) {
  FakeLegacy legacy;
  const FakeServer server({&legacy});
  v1::ProcessImageRequest request = PngRequest();
  request.add_operations()->mutable_rotate()->set_angle_degrees(45);
  EXPECT_EQ(server.Client().Process(request, kAmple).status().code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_THAT(legacy.asked(), ElementsAre());
}

TEST(ImageClientTest, ServersThatKnowTheCallButNotTheFormatAreNotAskedAgain) {
  FakeLegacy legacy;
  FakeProcessing processing(Fails(RichStatus(
      grpc::StatusCode::UNIMPLEMENTED, "cannot write", kCodecNotBuilt, "")));
  const FakeServer server({&legacy, &processing});
  const auto response = server.Client().Process(PngRequest(), kAmple);
  EXPECT_EQ(ReasonOf(response.status()), kCodecNotBuilt);
  EXPECT_THAT(legacy.asked(), ElementsAre());
}

TEST(ImageClientTest, AnOldServersAnswerThatIsNoFileIsDataLoss) {
  FakeLegacy legacy;
  const FakeServer server({&legacy});
  v1::ProcessImageRequest request = PngRequest();
  request.set_image("not a file, and it comes back");
  EXPECT_EQ(server.Client().Process(request, kAmple).status().code(),
            absl::StatusCode::kDataLoss);
}

TEST(ImageClientTest, AServerThatKnowsNeitherContractIsUnimplemented) {
  grpc::health::v1::Health::Service health;
  const FakeServer server({&health});
  const auto response = server.Client().Process(PngRequest(), kAmple);
  EXPECT_EQ(response.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(response.status().message()),
              HasSubstr("knows neither"));
}

TEST(TargetOfTest, WritesEveryKindOfAddressAsGrpcWantsIt) {
  EXPECT_EQ(TargetOf(At("localhost", 5)), "localhost:5");
  EXPECT_EQ(TargetOf(At("10.0.0.1", 50051)), "10.0.0.1:50051");
  EXPECT_EQ(TargetOf(At("::1")), "[::1]:1");
  EXPECT_EQ(TargetOf(At("[::1]")), "[::1]:1");
  EXPECT_EQ(TargetOf(At("fe80::1%eth0")), "[fe80::1%eth0]:1");
  EXPECT_EQ(TargetOf(At("unix:/run/x")), "unix:/run/x");
  EXPECT_EQ(TargetOf(At("unix:x")), "unix:x");
}

TEST(OpenChannelTest, RefusesTlsFilesThatAreMissingOrNotWhatTheyShouldBe) {
  const std::string text = WriteTemp("text", "hello");
  const std::string key = WriteTemp("key", "-----BEGIN PRIVATE KEY-----\n");
  for (const std::string& ca : {std::string("/no/such/file"), text, key}) {
    ServerAddress address = At("localhost");
    address.uses_tls = true;
    address.tls_ca_file = ca;
    const auto channel = OpenChannel(address);
    EXPECT_EQ(channel.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(channel.status().message()), HasSubstr(ca));
  }
}

TEST(OpenChannelTest, RefusesACertificateWithoutItsKey) {
  ServerAddress address = At("localhost");
  address.uses_tls = true;
  address.tls_cert_file = "cert.pem";
  const auto channel = OpenChannel(address);
  EXPECT_EQ(channel.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(SilenceLibraryLogTest, NothingOfGrpcReachesStandardError) {
  SilenceLibraryLog();
  ::testing::internal::CaptureStderr();
  gpr_log(GPR_ERROR, "something went wrong inside");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace imageadapt
