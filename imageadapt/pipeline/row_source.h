// Where the rows of an image come from, one strip after the other.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_PIPELINE_ROW_SOURCE_H_
#define IMAGEADAPT_PIPELINE_ROW_SOURCE_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/image/image_spec.h"
#include "imageadapt/image/image_view.h"

namespace imageadapt {

// Rows that are worked on between two looks at the caller's deadline: about as
// much as a core's cache holds, but some rows even of the widest image.
inline uint32_t StripRows(const ImageSpec& spec) {
  constexpr size_t kStripBytes = size_t{1} << 20;
  constexpr uint64_t kMinRows = 16;
  const uint64_t rows = kStripBytes / std::max<size_t>(RowBytes(spec), 1);
  return static_cast<uint32_t>(
      std::min<uint64_t>(std::max(rows, kMinRows), spec.shape.height));
}

// a + b, or the greatest number if that is too large.
inline uint64_t AddOrMost(uint64_t a, uint64_t b) {
  uint64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

// Used by one thread at a time.
class RowSource {
 public:
  virtual ~RowSource() = default;

  virtual const ImageSpec& spec() const = 0;

  // At most this much memory is taken while rows are read, by this and by what
  // it reads from; the greatest number if it cannot be counted.
  virtual uint64_t memory_bytes() const = 0;

  // How many rows are best read at once.
  virtual uint32_t strip_rows() const = 0;

  // Reads the next rows, as many as `target` has. An error is final. Requires
  // that `target` has the spec of this image apart from the height, and that so
  // many rows are left.
  virtual absl::Status ReadRows(const AnyImageView& target) = 0;
};

// The rows of one frame of a file, or of raw samples.
class DecoderRows final : public RowSource {
 public:
  // Frees the decoder at its own end, or, if there are frames to come, puts it
  // back into `home`, which must outlive it.
  DecoderRows(std::unique_ptr<Decoder> decoder, std::unique_ptr<Decoder>* home)
      : decoder_(std::move(decoder)), home_(home) {}

  ~DecoderRows() override {
    if (home_ != nullptr) *home_ = std::move(decoder_);
  }

  DecoderRows(const DecoderRows&) = delete;
  DecoderRows& operator=(const DecoderRows&) = delete;

  const ImageSpec& spec() const override { return decoder_->spec(); }
  uint64_t memory_bytes() const override {
    return decoder_->max_working_bytes();
  }
  uint32_t strip_rows() const override { return StripRows(spec()); }
  absl::Status ReadRows(const AnyImageView& target) override {
    return decoder_->ReadRows(target);
  }

 private:
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Decoder>* const home_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_PIPELINE_ROW_SOURCE_H_
