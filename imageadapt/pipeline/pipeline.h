// From the bytes of one image to another image: decode, operate, encode.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_PIPELINE_PIPELINE_H_
#define IMAGEADAPT_PIPELINE_PIPELINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "imageadapt/base/byte_rope.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/codecs/color_transform.h"
#include "imageadapt/codecs/raw.h"
#include "imageadapt/exec/workspace.h"
#include "imageadapt/image/image.h"
#include "imageadapt/image/pixel_map.h"
#include "imageadapt/ops/operation.h"
#include "imageadapt/pipeline/row_source.h"
#include "imageadapt/pipeline/turns.h"

namespace imageadapt {

// How a file's own metadata are met.
struct InputPolicy {
  // Turned upright before the first operation. Otherwise pixels stay as they
  // are stored.
  bool applies_orientation = true;
  // Made sRGB by the file's ICC profile, which the result then lacks. Without a
  // profile samples are taken as sRGB already.
  bool converts_to_srgb = false;
  // Where the file's format leaves a choice.
  DecodeOptions decode = {};
};

// One image that was opened, and what is to be done to it. Only headers are
// read until it runs, and it runs once. Used by one thread at a time; must not
// outlive the bytes it was opened on.
class Pipeline {
 public:
  // Opens a file in any format that can be read, and plans to turn it upright
  // and to run `operations`. INVALID_ARGUMENT if the format is unknown, the
  // header damaged or over a limit, an operation cannot be done (about its
  // field, as "operations[1].flip.axis") or makes more than twice the pixels
  // that a file may have, or the profile cannot be used for sRGB
  // ("output.color"), or a choice cannot be met ("dicom.grey"); UNIMPLEMENTED
  // (CODEC_NOT_BUILT) if the format is known but this build cannot read it;
  // RESOURCE_EXHAUSTED if there is no memory for a copy of the file, where the
  // format needs one.
  static absl::StatusOr<std::unique_ptr<Pipeline>> OpenFile(
      const ByteRope& file, const OperationSpecs& operations,
      const DecodeLimits& limits, const Workspace& work,
      InputPolicy policy = {});

  // The same for raw samples, whose size must be RawBytes(layout).
  static absl::StatusOr<std::unique_ptr<Pipeline>> OpenRaw(
      const ByteRope& samples, const RawLayout& layout,
      const OperationSpecs& operations);

  // The format of the file; null for raw samples.
  const Codec* input_codec() const { return input_codec_; }

  // The frames of the file.
  const FrameSequence& frames() const { return frames_; }

  // What comes out, of the first frame.
  const ImageSpec& output() const { return output_; }

  // Of the result: that of the file; empty if it has none or was made sRGB.
  // Lives as long as the pipeline.
  std::span<const std::byte> icc_profile() const {
    return converts_color() ? std::span<const std::byte>() : icc_profile_;
  }

  // Samples change before the first operation.
  bool converts_color() const { return color_ != nullptr; }

  // The header of the volume that the file is, if it is one, and where the
  // pixels of the result stood in it. As above.
  std::span<const std::byte> volume_header() const { return volume_header_; }
  const std::optional<PixelMap>& pixel_map() const { return pixel_map_; }

  // Runs it all on the first frame, and gives the result as an image in memory.
  // RESOURCE_EXHAUSTED if `work.memory` cannot grow enough now,
  // INVALID_ARGUMENT (IMAGE_TOO_LARGE) if it never can.
  absl::StatusOr<Image> RunToImage(const Workspace& work);

  // Runs it all, and writes the result as a file while it is made: with every
  // frame if options.frames are frames(), otherwise with the first. Requires
  // CanHold(codec, output(), options), and a codec that holds so many frames.
  // Errors as RunToImage(), those of the sink, and INVALID_ARGUMENT, in words
  // that begin with the frame's number, if a later frame is damaged, over a
  // limit, or cannot be operated on or held.
  absl::Status RunToFile(const Codec& codec, const EncodeOptions& options,
                         const Workspace& work, ByteSink& sink);

 private:
  struct Step {
    std::shared_ptr<const Operation> operation;
    OperationPlan plan;
  };

  Pipeline() = default;

  absl::Status Start();
  absl::Status Compile();
  absl::Status PrepareColor();
  absl::Status AddStep(const v1::Operation& spec);
  // The rows of the present frame's result.
  std::unique_ptr<RowSource> Connect(bool is_last_frame, const Workspace& work);
  absl::Status GoToNextFrame(const Codec& codec, const EncodeOptions& options);
  absl::Status WriteFrame(RowSource& rows, Encoder& encoder,
                          const Workspace& work);

  const Codec* input_codec_ = nullptr;
  std::unique_ptr<ByteSource> bytes_;
  std::unique_ptr<Decoder> decoder_;
  std::vector<std::byte> icc_profile_;
  InputPolicy policy_;
  std::shared_ptr<const ColorTransform> color_;  // null: none
  std::vector<std::byte> volume_header_;
  std::optional<PixelMap> pixel_map_;
  OperationSpecs operations_;
  FrameSequence frames_;
  Orientation upright_;
  DecodeLimits limits_;
  uint64_t pixels_so_far_ = 0;               // of all frames until now
  uint64_t max_result_pixels_ = UINT64_MAX;  // of each step
  std::vector<Step> steps_;
  ImageSpec output_;
};

// The format that recognizes `file`, or null.
const Codec* RecognizeFile(const ByteRope& file);

// How TurnFileLosslessly() turns and cuts.
struct LosslessTurn {
  // After the file's own orientation, if that is applied.
  OperationSpecs operations;
  bool applies_orientation = true;
  bool keeps_icc_profile = true;
};

// Writes a whole image as a file. Requires CanHold(codec, image.spec(),
// options).
absl::Status EncodeImage(const Image& image, const Codec& codec,
                         const EncodeOptions& options, const Workspace& work,
                         ByteSink& sink);

// Writes `file` as the same format, turned and cut, without decoding its
// samples. FAILED_PRECONDITION, and nothing written, if that cannot be done
// exactly, or if operations do more than move pixels; other errors as
// OpenFile(). `output` is set to the spec of the result.
absl::Status TurnFileLosslessly(const ByteRope& file, const LosslessTurn& how,
                                const DecodeLimits& limits,
                                const Workspace& work, ByteSink& sink,
                                ImageSpec& output);

}  // namespace imageadapt

#endif  // IMAGEADAPT_PIPELINE_PIPELINE_H_
