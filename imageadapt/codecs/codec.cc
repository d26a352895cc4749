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

absl::Status CanHold(const Codec& codec, const ImageSpec& spec,
                     const EncodeOptions& options) {
  return codec.can_hold_with != nullptr ? codec.can_hold_with(spec, options)
                                        : codec.can_hold(spec);
}

}  // namespace imageadapt
