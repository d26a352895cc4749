#include "imageadapt/client/image_client.h"

#include <grpc/grpc.h>
#include <grpc/support/log.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/client/legacy_calls.h"
#include "imageadapt/v1/image_processing.grpc.pb.h"
#include "imageadapt/v1/rich_error.pb.h"
#include "nlimage.grpc.pb.h"

namespace imageadapt {
namespace {

using Clock = std::chrono::system_clock;
using std::chrono::milliseconds;

constexpr char kCertificate[] = "CERTIFICATE";

// Everything in `file`; `label` is how PEM names what it must hold. gRPC itself
// says nothing of a file that it cannot use.
absl::StatusOr<std::string> ReadPem(const std::string& file,
                                    absl::string_view label) {
  if (file.empty()) return std::string();
  const std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  if (!stream || !(text << stream.rdbuf())) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read ", file));
  }
  if (!absl::StrContains(text.str(), absl::StrCat(label, "-----"))) {
    return absl::InvalidArgumentError(absl::StrCat(
        file, " holds no ", absl::AsciiStrToLower(label), " in PEM form"));
  }
  return text.str();
}

// What a server's error says beside its code and text.
struct ErrorDetails {
  std::string reason;
  std::string field;
};

ErrorDetails DetailsIn(const grpc::Status& status) {
  ErrorDetails details;
  v1::RichStatus rich;
  if (!rich.ParseFromString(status.error_details())) return details;
  for (const auto& any : rich.details()) {
    v1::ErrorInfo info;
    v1::BadRequest request;
    if (absl::EndsWith(any.type_url(), "/google.rpc.ErrorInfo") &&
        info.ParseFromString(any.value())) {
      details.reason = info.reason();
    } else if (absl::EndsWith(any.type_url(), "/google.rpc.BadRequest") &&
               request.ParseFromString(any.value()) &&
               !request.field_violations().empty()) {
      details.field = request.field_violations(0).field();
    }
  }
  return details;
}

absl::Status ToStatus(const grpc::Status& status) {
  const auto code = static_cast<absl::StatusCode>(status.error_code());
  const ErrorDetails details = DetailsIn(status);
  const std::string message = status.error_message();
  absl::string_view text = message;
  if (!details.field.empty() && details.reason == kBadField &&
      absl::ConsumePrefix(&text, details.field + ": ")) {
    return InvalidField(details.field, text);
  }
  if (!details.reason.empty()) return Refusal(code, details.reason, text);
  return absl::Status(code, text);
}

// How long a server that cannot serve now asks to be left alone. A negative or
// unreadable number means: for ever.
std::optional<milliseconds> Pushback(const grpc::Status& status,
                                     const grpc::ClientContext& context) {
  if (status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED &&
      status.error_code() != grpc::StatusCode::UNAVAILABLE) {
    return std::nullopt;
  }
  const auto& trailers = context.GetServerTrailingMetadata();
  const auto found = trailers.find("grpc-retry-pushback-ms");
  if (found == trailers.end()) return std::nullopt;
  uint32_t wait = 0;
  const absl::string_view text(found->second.data(), found->second.size());
  if (!absl::SimpleAtoi(text, &wait)) return std::nullopt;
  // Not even a server that says 0 is asked in a tight loop.
  return std::max(milliseconds(wait), milliseconds(1));
}

// Calls until there is an answer, an error that waiting does not mend, or no
// time left to wait as long as the server asks.
grpc::Status CallPatiently(
    Clock::time_point deadline,
    absl::FunctionRef<grpc::Status(grpc::ClientContext*)> call) {
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    grpc::Status status = call(&context);
    if (status.ok()) return status;
    const std::optional<milliseconds> wait = Pushback(status, context);
    if (!wait.has_value() || Clock::now() + *wait >= deadline) return status;
    std::this_thread::sleep_for(*wait);
  }
}

grpc::Status CallLegacy(NLImageService::Stub& service, const LegacyCall& call,
                        std::string file, Clock::time_point deadline,
                        NLImage& answer) {
  NLImage image;
  image.set_data(std::move(file));
  switch (call.method) {
    case LegacyCall::kMeanFilter:
      return CallPatiently(deadline, [&](grpc::ClientContext* context) {
        return service.MeanFilter(context, image, &answer);
      });
    case LegacyCall::kMedianBlurFilter: {
      NLImageMedianRequest request;
      *request.mutable_image() = std::move(image);
      request.set_kernel(call.number);
      return CallPatiently(deadline, [&](grpc::ClientContext* context) {
        return service.MedianBlurFilter(context, request, &answer);
      });
    }
    default: {
      NLImageRotateRequest request;
      *request.mutable_image() = std::move(image);
      request.set_rotation(
          static_cast<NLImageRotateRequest::Rotation>(call.number));
      return CallPatiently(deadline, [&](grpc::ClientContext* context) {
        return service.RotateImage(context, request, &answer);
      });
    }
  }
}

absl::StatusOr<v1::ProcessImageResponse> ProcessLegacy(
    NLImageService::Stub& service, const v1::ProcessImageRequest& request,
    Clock::time_point deadline) {
  const auto calls = LegacyCallsFor(request);
  if (!calls.has_value()) {
    return absl::UnimplementedError(
        "it does not know imageadapt.v1, and the older NLImage contract "
        "cannot express this");
  }
  std::string file = request.image();
  for (const LegacyCall& call : *calls) {
    NLImage answer;
    const grpc::Status status =
        CallLegacy(service, call, std::move(file), deadline, answer);
    if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
      return absl::UnimplementedError(
          "it knows neither imageadapt.v1 nor the NLImage call for this");
    }
    if (!status.ok()) return ToStatus(status);
    file = std::move(*answer.mutable_data());
  }
  return ResponseFromPng(std::move(file));
}

}  // namespace

struct ImageClient::Stubs {
  std::unique_ptr<v1::ImageProcessingService::Stub> processing;
  std::unique_ptr<NLImageService::Stub> legacy;
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
    ASSIGN_OR_RETURN(tls.pem_root_certs,
                     ReadPem(address.tls_ca_file, kCertificate));
    ASSIGN_OR_RETURN(tls.pem_cert_chain,
                     ReadPem(address.tls_cert_file, kCertificate));
    ASSIGN_OR_RETURN(tls.pem_private_key,
                     ReadPem(address.tls_key_file, "PRIVATE KEY"));
    credentials = grpc::SslCredentials(tls);
  }
  return grpc::CreateCustomChannel(TargetOf(address), credentials, arguments);
}

void SilenceLibraryLog() {
  gpr_set_log_function([](gpr_log_func_args*) {});
}

void KeepLibraryUp() { grpc_init(); }

ImageClient::ImageClient(const std::shared_ptr<grpc::Channel>& channel)
    : stubs_(std::make_unique<Stubs>()) {
  stubs_->processing = v1::ImageProcessingService::NewStub(channel);
  stubs_->legacy = NLImageService::NewStub(channel);
}

ImageClient::~ImageClient() = default;

absl::StatusOr<v1::ProcessImageResponse> ImageClient::Process(
    const v1::ProcessImageRequest& request, milliseconds timeout) const {
  const Clock::time_point deadline = Clock::now() + timeout;
  v1::ProcessImageResponse response;
  const grpc::Status status =
      CallPatiently(deadline, [&](grpc::ClientContext* context) {
        return stubs_->processing->ProcessImage(context, request, &response);
      });
  if (status.ok()) return response;
  // With a reason, the server knows the call but not what it asks for.
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED &&
      DetailsIn(status).reason.empty()) {
    return ProcessLegacy(*stubs_->legacy, request, deadline);
  }
  return ToStatus(status);
}

}  // namespace imageadapt
