#include "imageadapt/base/refusal.h"

#include <cstdint>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"

namespace imageadapt {
namespace {

constexpr char kReasonKey[] = "imageadapt/reason";
constexpr char kFieldKey[] = "imageadapt/field";
constexpr char kRetryKey[] = "imageadapt/retry-after-ms";

std::string Payload(const absl::Status& status, absl::string_view key) {
  const auto payload = status.GetPayload(key);
  return payload.has_value() ? std::string(*payload) : std::string();
}

}  // namespace

absl::Status RefusalFromText(absl::StatusCode code, absl::string_view reason,
                             absl::string_view text) {
  absl::Status status(code, text);
  status.SetPayload(kReasonKey, absl::Cord(reason));
  return status;
}

absl::Status InvalidFieldFromText(absl::string_view field,
                                  absl::string_view problem) {
  absl::Status status = Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                                field, ": ", problem);
  status.SetPayload(kFieldKey, absl::Cord(field));
  return status;
}

absl::Status Within(absl::string_view parent, const absl::Status& status) {
  const std::string field = FieldOf(status);
  if (status.ok() || field.empty()) return status;
  // The text begins with the field, so the parent goes straight before it.
  absl::Status wider(status.code(),
                     absl::StrCat(parent, ".", status.message()));
  status.ForEachPayload([&](absl::string_view key, const absl::Cord& value) {
    wider.SetPayload(key, value);
  });
  wider.SetPayload(kFieldKey, absl::Cord(absl::StrCat(parent, ".", field)));
  return wider;
}

absl::Status Busy(absl::string_view text,
                  std::chrono::milliseconds retry_after) {
  absl::Status status =
      RefusalFromText(absl::StatusCode::kResourceExhausted, kServerBusy, text);
  status.SetPayload(kRetryKey, absl::Cord(absl::StrCat(retry_after.count())));
  return status;
}

std::string ReasonOf(const absl::Status& status) {
  return Payload(status, kReasonKey);
}

std::string FieldOf(const absl::Status& status) {
  return Payload(status, kFieldKey);
}

std::optional<std::chrono::milliseconds> RetryAfterOf(
    const absl::Status& status) {
  int64_t milliseconds = 0;
  if (!absl::SimpleAtoi(Payload(status, kRetryKey), &milliseconds)) {
    return std::nullopt;
  }
  return std::chrono::milliseconds(milliseconds);
}

}  // namespace imageadapt
