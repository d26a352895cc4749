// What every image format can do. A format is one file and one line in
// codecs.inc.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_CODEC_H_
#define IMAGEADAPT_CODECS_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/byte_rope.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/parallel.h"
#include "imageadapt/image/image.h"
#include "imageadapt/image/image_view.h"
#include "imageadapt/image/orientation.h"
#include "imageadapt/image/pixel_map.h"
#include "imageadapt/image/pixel_rect.h"

namespace imageadapt {

// What a decoder may take on. Enforced on the header, before memory is taken.
struct DecodeLimits {
  uint64_t max_pixels = 100'000'000;
  // Of files with several pictures: how many, and the pixels of all together.
  uint32_t max_frames = 10'000;
  uint64_t max_pixels_of_all_frames = 400'000'000;
  // The longest side that JPEG can have; PNG's own limit is 2^31 - 1.
  uint32_t max_side = 65535;
  // A progressive JPEG of a few kilobytes can ask for thousands of passes over
  // the whole image; encoders write about ten.
  uint32_t max_scans = 500;
  // Larger ICC profiles are dropped; printers' profiles reach 2 to 3 MB.
  size_t max_icc_bytes = size_t{4} << 20;
};

// What a caller asks of files that leave a choice.
struct DecodeOptions {
  // What samples of grey DICOM files become.
  enum class Grey : uint8_t {
    // Themselves, whatever they measure.
    kStored,
    // What they measure, as f32: rescale_slope * sample + rescale_intercept.
    kMeasured,
    // What is shown, from black to white, by the file's window.
    kWindowOfFile,
    // The same by the window below.
    kWindow,
  };
  Grey grey = Grey::kStored;
  // Of kWindow, in what samples measure. The width is above 0.
  double window_center = 0;
  double window_width = 0;
};

// How long a frame is shown: numerator / denominator seconds.
struct FrameDelay {
  uint32_t numerator = 0;
  uint32_t denominator = 1000;

  bool operator==(const FrameDelay&) const = default;
};

// The pictures of a file: those of an animation, pages, slices.
struct FrameSequence {
  uint32_t count = 1;
  // They are shown one after the other, each for its delay.
  bool is_animation = false;
  // How often an animation is shown; 0: without end.
  uint32_t plays = 0;

  bool operator==(const FrameSequence&) const = default;
};

// What a file says about its pictures beside the pixels.
struct ImageMetadata {
  FrameSequence frames;
  // Turns the stored pixels upright.
  Orientation orientation;
  // Empty if there is none.
  std::vector<std::byte> icc_profile;
  // Of volumes: the file's header, for encoders of such formats. Empty if there
  // is none.
  std::vector<std::byte> volume_header;
};

// Reads the frames of one file, from the first on. Used by one thread at a
// time; must not outlive its source.
class Decoder {
 public:
  virtual ~Decoder() = default;

  // Of the pixels that ReadRows gives: palettes expanded, 1 to 4 channels. The
  // frames of an animation are whole pictures of one spec, whatever part of
  // them the file stores; pages can have specs of their own.
  virtual const ImageSpec& spec() const = 0;
  virtual const ImageMetadata& metadata() const = 0;

  // Takes a choice, before anything is read; spec() may change by it. Formats
  // that leave none ignore it. INVALID_ARGUMENT, about a field of
  // v1.DicomOptions, if the file cannot give what is asked.
  virtual absl::Status Choose(const DecodeOptions& /*options*/) {
    return absl::OkStatus();
  }

  // At most this much memory is held inside while rows are read (a whole image
  // for interlaced and progressive files).
  virtual uint64_t max_working_bytes() const = 0;

  // Reads the next rows, as many as `target` has. INVALID_ARGUMENT with reason
  // IMAGE_DAMAGED, naming the row reached, if the file is damaged or ends too
  // early; nothing can be read after that. Requires that `target` has this
  // image's width, channels and sample type, and that so many rows are left.
  virtual absl::Status ReadRows(const AnyImageView& target) = 0;

  // Of the frame that is read now.
  virtual FrameDelay delay() const { return {}; }

  // Goes on to the next frame. Errors as those of ReadRows(), and
  // INVALID_ARGUMENT (IMAGE_TOO_LARGE) if that frame is over a limit. Requires
  // that all rows of this frame were read, and that it is not the last of
  // metadata().frames.
  virtual absl::Status NextFrame();
};

struct EncodeOptions {
  // Lossy formats: 1 to 100.
  int quality = 90;
  // Lossy formats: full resolution for colour (4:4:4), not half (4:2:0).
  bool full_chroma = false;
  // Lossless formats: from quick and larger to slow and smaller.
  enum class Effort : uint8_t { kFast, kDefault, kSmallest };
  Effort effort = Effort::kDefault;
  // Formats with a lossy and a lossless kind (WebP): the lossless one, where
  // `quality` says nothing.
  bool lossless = false;
  // Formats with floats of 32 and of 16 bits (OpenEXR): the latter, to the
  // nearest.
  bool half_floats = false;
  // Formats with samples of 10 and 12 bits but not of 16 (AVIF): u16 samples
  // get so many bits, to the nearest. 0: they are not narrowed, but refused.
  uint32_t sample_bits = 0;
  // Kept in the file if not empty and the format can. Lent: must outlive the
  // encoder.
  std::span<const std::byte> icc_profile = {};
  // Kept in the file if not empty and the format is one for volumes, with
  // places in space moved to where the pixels went. Lent as the profile is.
  std::span<const std::byte> volume_header = {};
  // Where the pixels stood in the image of `volume_header`; nothing if that is
  // not known.
  std::optional<PixelMap> pixel_map = PixelMap();
  // Threads to encode on; null for the calling one alone. What is written does
  // not depend on it. Lent: must outlive the encoder.
  Parallel* parallel = nullptr;
  // What the file will have. More than one only if the codec holds frames.
  FrameSequence frames = {};
  FrameDelay first_delay = {};
};

// Writes the frames of one file. Used by one thread at a time; must not outlive
// its sink.
class Encoder {
 public:
  virtual ~Encoder() = default;

  // Writes the next rows. Fails only as the sink does. Requires that `source`
  // has the spec the encoder was made with, apart from its height.
  virtual absl::Status WriteRows(const AnyConstImageView& source) = 0;

  // Starts the next frame; fails only as the sink does. Requires that all rows
  // of the frame before were written, that can_hold(spec).ok(), that the spec
  // is that of the first frame unless the codec holds different frames, and
  // that no more frames are written than EncodeOptions::frames says.
  virtual absl::Status NextFrame(const ImageSpec& spec, FrameDelay delay);

  // Memory that holds encoded frames because the format can only be written as
  // a whole; beside some rows of the present frame.
  virtual uint64_t held_bytes() const { return 0; }

  // Ends the file. Requires that all rows of all frames were written.
  virtual absl::Status Finish() = 0;
};

// What is needed of a file to recognize it: DICOM's signature stands behind 128
// bytes that can be anything.
inline constexpr size_t kFormatHeadBytes = 132;

// What a file becomes without decoding its samples.
struct LosslessMove {
  // What is taken, of the pixels as they are stored; nothing: all. Requires
  // that it is within them.
  std::optional<PixelRect> region = std::nullopt;
  // After that. The file's own orientation is ignored: put it into this.
  Orientation turn = {};
  bool keeps_icc_profile = true;
  // Threads to work on, as EncodeOptions::parallel, and memory to work in;
  // null: of its own.
  Parallel* parallel = nullptr;
  BufferPool* buffers = nullptr;
};

struct Codec {
  absl::string_view name;       // "PNG", for messages
  absl::string_view mime_type;  // IANA, e.g. "image/png"

  // Whether these first bytes of a file (kFormatHeadBytes, or all) are this
  // format.
  bool (*recognizes)(std::span<const std::byte> head);

  // Reads the header only. INVALID_ARGUMENT if it is damaged (IMAGE_DAMAGED) or
  // over a limit (IMAGE_TOO_LARGE). Null if this build lacks the library for
  // it.
  absl::StatusOr<std::unique_ptr<Decoder>> (*open)(ByteSource& source,
                                                   const DecodeLimits& limits);

  // What `create` makes of an image: the spec itself if the format can hold
  // it, INVALID_ARGUMENT if not (never narrowed in silence). Null with
  // `create`.
  absl::Status (*can_hold)(const ImageSpec& spec);

  // Starts a file. Null if the format can only be read. Requires
  // CanHold(codec, spec, options).ok().
  absl::StatusOr<std::unique_ptr<Encoder>> (*create)(
      ByteSink& sink, const ImageSpec& spec, const EncodeOptions& options);

  // Writes `file` moved as `move` says without decoding its samples, with its
  // ICC profile if that is kept, and no other metadata. FAILED_PRECONDITION,
  // and nothing written, if that cannot be done exactly for this file. Null if
  // the format has no such way.
  absl::Status (*turn_losslessly)(const ByteRope& file,
                                  const LosslessMove& move,
                                  const DecodeLimits& limits, ByteSink& sink);

  // As `can_hold`, for formats that hold more if the options ask for it. Null:
  // they make no difference.
  absl::Status (*can_hold_with)(const ImageSpec& spec,
                                const EncodeOptions& options) = nullptr;

  // Memory that an encoder takes beside what it writes and what held_bytes()
  // tells. Null: some rows and buffers.
  uint64_t (*encoder_bytes)(const ImageSpec& spec,
                            const EncodeOptions& options) = nullptr;

  // How many pictures a file that is written can have: one, an animation of
  // pictures that are alike, slices that are alike and have no times, or pages
  // that differ.
  enum class Frames : uint8_t { kOne, kAlike, kSlices, kDifferent };
  Frames frames = Frames::kOne;

  // What files of this format are called, without the dot, the usual name
  // first; separated by spaces.
  absl::string_view extensions;

  // The sample types that Decoder::spec() can have, as bits 1 << SampleType.
  uint8_t reads = 0;

  // Samples come back as they were written.
  bool is_lossless = false;

  // EncodeOptions::quality makes a difference.
  bool takes_quality = false;

  // Files have room for an ICC profile.
  bool keeps_icc_profile = false;

  // `open` holds a copy of the whole file.
  bool holds_file = false;

  // Files have no grey: it is written as RGB of three equal samples, and comes
  // back as that.
  bool stores_grey_as_rgb = false;

  // Rows come together, those of a tile or of a whole picture at once: damage
  // anywhere in it is said to be at its first row.
  bool decodes_in_tiles = false;
};

// Whether `codec` can write such an image with these options: as
// Codec::can_hold says. Requires codec.create != nullptr.
absl::Status CanHold(const Codec& codec, const ImageSpec& spec,
                     const EncodeOptions& options);

// Bits for Codec::reads.
inline constexpr uint8_t kReadsU8 = 1 << static_cast<int>(SampleType::kU8);
inline constexpr uint8_t kReadsU16 = 1 << static_cast<int>(SampleType::kU16);
inline constexpr uint8_t kReadsF32 = 1 << static_cast<int>(SampleType::kF32);

// All formats of this build, in the order they are tried.
std::span<const Codec* const> AllCodecs();

// The codec that recognizes a file by its first bytes (kFormatHeadBytes, or
// all), or null.
const Codec* FindCodec(std::span<const std::byte> head);

// The codec of an IANA media type, or null.
const Codec* FindCodecByMimeType(absl::string_view mime_type);

// The codec of files with this extension, in upper or lower case and without
// the dot, or null.
const Codec* FindCodecByExtension(absl::string_view extension);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_CODEC_H_
