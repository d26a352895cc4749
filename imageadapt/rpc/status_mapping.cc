#include "imageadapt/rpc/status_mapping.h"

#include <chrono>
#include <string>

#include "absl/strings/string_view.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/v1/rich_error.pb.h"

namespace imageadapt {
namespace {

constexpr size_t kMaxTextBytes = 1024;
constexpr size_t kMaxFieldBytes = 256;

// Callers' names and values come back to them in texts, but as plain text: one
// line of printable ASCII.
std::string PlainText(absl::string_view text, size_t max_bytes) {
  std::string plain(text.substr(0, max_bytes));
  for (char& c : plain) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return plain;
}

template <typename Message>
void AddDetail(const char* name, const Message& message, v1::RichStatus& rich) {
  google::protobuf::Any* const any = rich.add_details();
  any->set_type_url(std::string("type.googleapis.com/google.rpc.") + name);
  any->set_value(message.SerializeAsString());
}

std::string DetailsOf(const absl::Status& status, const std::string& text) {
  v1::RichStatus rich;
  rich.set_code(static_cast<int>(status.code()));
  rich.set_message(text);
  if (const std::string reason = ReasonOf(status); !reason.empty()) {
    v1::ErrorInfo info;
    info.set_reason(reason);
    info.set_domain("imageadapt");
    AddDetail("ErrorInfo", info, rich);
  }
  if (const std::string field = FieldOf(status); !field.empty()) {
    v1::BadRequest request;
    auto* const violation = request.add_field_violations();
    violation->set_field(PlainText(field, kMaxFieldBytes));
    violation->set_description(text);
    AddDetail("BadRequest", request, rich);
  }
  if (const auto delay = RetryAfterOf(status)) {
    v1::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(delay->count() / 1000);
    retry.mutable_retry_delay()->set_nanos(
        static_cast<int32_t>(delay->count() % 1000) * 1'000'000);
    AddDetail("RetryInfo", retry, rich);
  }
  return rich.details().empty() ? std::string() : rich.SerializeAsString();
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  if (status.code() == absl::StatusCode::kInternal ||
      status.code() == absl::StatusCode::kUnknown) {
    return grpc::Status(grpc::StatusCode::INTERNAL,
                        "the server made a mistake; its log says which");
  }
  const std::string text = PlainText(status.message(), kMaxTextBytes);
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), text,
                      DetailsOf(status, text));
}

std::optional<int64_t> PushbackMs(const absl::Status& status) {
  const auto delay = RetryAfterOf(status);
  if (!delay.has_value()) return std::nullopt;
  return delay->count();
}

}  // namespace imageadapt
