// Errors with a reason a program can read and a text in the caller's words.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_BASE_REFUSAL_H_
#define IMAGEADAPT_BASE_REFUSAL_H_

#include <chrono>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace imageadapt {

// Reasons that cross the wire, UPPER_SNAKE as in google.rpc.ErrorInfo.
inline constexpr char kBadField[] = "BAD_FIELD";
inline constexpr char kBadMessage[] = "BAD_MESSAGE";
inline constexpr char kUnknownFormat[] = "UNKNOWN_FORMAT";
inline constexpr char kImageDamaged[] = "IMAGE_DAMAGED";
inline constexpr char kImageTooLarge[] = "IMAGE_TOO_LARGE";
inline constexpr char kCodecNotBuilt[] = "CODEC_NOT_BUILT";
inline constexpr char kServerBusy[] = "SERVER_BUSY";
inline constexpr char kOutOfMemory[] = "OUT_OF_MEMORY";
inline constexpr char kDraining[] = "DRAINING";
inline constexpr char kBug[] = "BUG";

// An error of `code` with one of the reasons above.
absl::Status RefusalFromText(absl::StatusCode code, absl::string_view reason,
                             absl::string_view text);

// The same, its text put together as by absl::StrCat:
//   Refusal(absl::StatusCode::kInvalidArgument, kImageDamaged,
//           "PNG data ends in row ", row);
template <typename... Parts>
absl::Status Refusal(absl::StatusCode code, absl::string_view reason,
                     const Parts&... parts) {
  return RefusalFromText(code, reason, absl::StrCat(parts...));
}

// INVALID_ARGUMENT about `field`, in the caller's own words:
//   InvalidField("angle_degrees", "must be finite, got ", angle)
absl::Status InvalidFieldFromText(absl::string_view field,
                                  absl::string_view problem);
template <typename... Parts>
absl::Status InvalidField(absl::string_view field, const Parts&... problem) {
  return InvalidFieldFromText(field, absl::StrCat(problem...));
}

// Says where the field lives, one level further out; a caller that knows the
// position adds it on the way up: Within("operations[1].rotate", status).
// Statuses that are OK, or not about a field, pass through unchanged.
absl::Status Within(absl::string_view parent, const absl::Status& status);

// RESOURCE_EXHAUSTED for a passing shortage, with the time after which a retry
// makes sense.
absl::Status Busy(absl::string_view text,
                  std::chrono::milliseconds retry_after);

// The reason of `status`, or "" if it has none.
std::string ReasonOf(const absl::Status& status);

// The path of the field `status` is about, or "" if it is not about one.
std::string FieldOf(const absl::Status& status);

// When to try again, if that was said.
std::optional<std::chrono::milliseconds> RetryAfterOf(
    const absl::Status& status);

}  // namespace imageadapt

#endif  // IMAGEADAPT_BASE_REFUSAL_H_
