#include "imageadapt/client/image_client.h"

#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/v1/image_processing.grpc.pb.h"
#include "imageadapt/v1/rich_error.pb.h"

namespace imageadapt {
namespace {

using Clock = std::chrono::system_clock;
using std::chrono::milliseconds;

absl::StatusOr<std::string> ReadPem(const std::string& file) {
  if (file.empty()) return std::string();
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf())) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", file));
  }
  return text.str();
}

std::string ReasonIn(const grpc::Status& status) {
  v1::RichStatus rich;
  if (!rich.ParseFromString(status.error_details())) return std::string();
  for (const auto& detail : rich.details()) {
    v1::ErrorInfo info;
    if (absl::EndsWith(detail.type_url(), "/google.rpc.ErrorInfo") &&
        info.ParseFromString(detail.value())) {
      return info.reason();
    }
  }
  return std::string();
}

absl::Status ToStatus(const grpc::Status& status) {
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  const std::string reason = ReasonIn(status);
  if (reason.empty()) return absl::Status(code, status.error_message());
  return Refusal(code, reason, status.error_message());
}

// How long a busy server asks to be left alone.
std::optional<milliseconds> Pushback(const grpc::Status& status,
                                     const grpc::ClientContext& context) {
  if (status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED) {
    return std::nullopt;
  }
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find("grpc-retry-pushback-ms");
  if (found == trailers.end()) return std::nullopt;
  int64_t wait = 0;
  const absl::string_view text(found->second.data(), found->second.size());
  if (!absl::SimpleAtoi(text, &wait) || wait < 0) return std::nullopt;
  return milliseconds(wait);
}

}  // namespace

struct ImageClient::Stub {
  std::unique_ptr<v1::ImageProcessingService::Stub> service;
};

std::string TargetOf(const ServerAddress& address) {
  if (absl::StartsWith(address.host, "unix:")) return address.host;
  absl::string_view host = address.host;
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  return absl::StrContains(host, ':')
             ? absl::StrCat("[", host, "]:", address.port)
             : absl::StrCat(host, ":", address.port);
}

absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(
    const ServerAddress& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  // The address says where to go; an environment variable must not say
  // otherwise.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  std::shared_ptr<grpc::ChannelCredentials> credentials =
      grpc::InsecureChannelCredentials();
  if (address.uses_tls) {
    if (address.tls_cert_file.empty() != address.tls_key_file.empty()) {
      return absl::InvalidArgumentError(
          "a client certificate needs both --tls-cert and --tls-key");
    }
    grpc::SslCredentialsOptions tls;
    ASSIGN_OR_RETURN(tls.pem_root_certs, ReadPem(address.tls_ca_file));
    ASSIGN_OR_RETURN(tls.pem_cert_chain, ReadPem(address.tls_cert_file));
    ASSIGN_OR_RETURN(tls.pem_private_key, ReadPem(address.tls_key_file));
    credentials = grpc::SslCredentials(tls);
  }
  return grpc::CreateCustomChannel(TargetOf(address), credentials, arguments);
}

void SilenceLibraryLog() {
  gpr_set_log_function([](gpr_log_func_args*) {});
}

ImageClient::ImageClient(std::shared_ptr<grpc::Channel> channel)
    : stub_(std::make_unique<Stub>()) {
  stub_->service = v1::ImageProcessingService::NewStub(std::move(channel));
}

ImageClient::~ImageClient() = default;

absl::StatusOr<v1::ProcessImageResponse> ImageClient::Process(
    const v1::ProcessImageRequest& request, milliseconds timeout) const {
  const Clock::time_point deadline = Clock::now() + timeout;
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    v1::ProcessImageResponse response;
    const grpc::Status status =
        stub_->service->ProcessImage(&context, request, &response);
    if (status.ok()) return response;
    const std::optional<milliseconds> wait = Pushback(status, context);
    if (!wait.has_value() || Clock::now() + *wait >= deadline) {
      return ToStatus(status);
    }
    std::this_thread::sleep_for(*wait);
  }
}

}  // namespace imageadapt
