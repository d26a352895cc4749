// Whether a composited animation can have transparent pixels.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_ANIMATION_ALPHA_H_
#define IMAGEADAPT_CODECS_ANIMATION_ALPHA_H_

namespace imageadapt {

// Fed with the frames in order. The canvas begins transparent, as browsers
// have it, whatever background colour a file names.
class AnimationAlpha {
 public:
  // `is_opaque`: no pixel of the frame is transparent. `clears`: its place, or
  // all before the first, becomes transparent again after it.
  void Add(bool covers_canvas, bool is_opaque, bool clears) {
    if (!is_opaque || (may_show_canvas_ && !covers_canvas)) is_needed_ = true;
    may_show_canvas_ = clears;
  }

  bool is_needed() const { return is_needed_; }

 private:
  bool may_show_canvas_ = true;
  bool is_needed_ = false;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_ANIMATION_ALPHA_H_
