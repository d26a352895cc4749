#include "imageadapt/exec/workspace.h"

#include <chrono>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/refusal.h"

namespace imageadapt {
namespace {

// A passing shortage is over as soon as another call ends.
constexpr std::chrono::milliseconds kRetryAfter{500};

}  // namespace

absl::Status ReserveMemory(uint64_t bytes, const Workspace& work) {
  if (work.memory.TryGrow(bytes)) return absl::OkStatus();
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  const uint64_t held = work.memory.bytes();
  // Without overflow: what is held is within the limit.
  if (bytes > work.memory.limit() - held) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "the work needs ", (held / kMiB) + (bytes / kMiB) + 1,
                   " MiB of memory, and this server has ",
                   work.memory.limit() / kMiB, " MiB in all");
  }
  return Busy(absl::StrCat("the server is busy: ", bytes / kMiB + 1,
                           " MiB of memory are not free now"),
              kRetryAfter);
}

}  // namespace imageadapt
