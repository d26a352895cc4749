#include "imageadapt/codecs/codec.h"

#include "imageadapt/base/refusal.h"

namespace imageadapt {

absl::Status Decoder::NextFrame() {
  return Refusal(absl::StatusCode::kInternal, kBug,
                 "asked for a frame after the last one");
}

absl::Status Encoder::NextFrame(const ImageSpec& /*spec*/,
                                FrameDelay /*delay*/) {
  return Refusal(absl::StatusCode::kInternal, kBug,
                 "this format holds one frame only");
}

}  // namespace imageadapt
