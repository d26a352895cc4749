// Colours by ICC profiles, through Little CMS.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_COLOR_TRANSFORM_H_
#define IMAGEADAPT_CODECS_COLOR_TRANSFORM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "imageadapt/image/image_spec.h"
#include "imageadapt/image/image_view.h"

namespace imageadapt {

// From the colours of a profile to those of sRGB (IEC 61966-2-1), relative
// colorimetric with black point compensation. Usable by many threads at once.
class ColorTransform {
 public:
  // For pixels of this spec, to pixels of the same spec: grey by a profile for
  // grey, RGB by one for RGB; alpha stays as it is. FAILED_PRECONDITION, in
  // words, if the profile is damaged or for other colours. Float samples may
  // leave 0 to 1, and come out beyond it.
  static absl::StatusOr<std::unique_ptr<ColorTransform>> ToSrgb(
      std::span<const std::byte> profile, const ImageSpec& spec);

  // For 4 samples of cyan, magenta, yellow and black, where the largest is all
  // of an ink, or none if `is_inverted`, to 3 samples of RGB; u8 or u16. Errors
  // as above.
  static absl::StatusOr<std::unique_ptr<ColorTransform>> InksToSrgb(
      std::span<const std::byte> profile, bool is_inverted,
      SampleType type = SampleType::kU8);

  virtual ~ColorTransform() = default;

  // `pixels` pixels that lie side by side; `to` may be `from` where both are of
  // one size.
  virtual void Run(const std::byte* from, std::byte* to,
                   uint32_t pixels) const = 0;

  // Memory that a transform by a profile of so many bytes takes, with room.
  static uint64_t MemoryBytes(size_t profile_bytes);
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_COLOR_TRANSFORM_H_
