#include "imageadapt/codecs/raw.h"

#include <cstring>
#include <utility>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/byte_reader.h"

namespace imageadapt {
namespace {

class RawDecoder final : public Decoder {
 public:
  RawDecoder(ByteSource& source, const RawLayout& layout)
      : reader_(source), layout_(layout) {}

  const ImageSpec& spec() const override { return layout_.spec; }
  const ImageMetadata& metadata() const override { return metadata_; }
  uint64_t max_working_bytes() const override {
    return stored_bytes() == pixel_bytes() ? 0 : stored_row_bytes();
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    // Not before a caller has found room for a row of the same width.
    row_.resize(max_working_bytes());
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      const std::span<std::byte> row = target.row_bytes(y);
      if (row_.empty()) {
        RETURN_IF_ERROR(Read(row));
      } else {
        RETURN_IF_ERROR(Read(row_));
        DropExtraChannels(row);
      }
      ++rows_read_;
    }
    return absl::OkStatus();
  }

 private:
  // Of one pixel, as stored and as given.
  size_t stored_bytes() const {
    return layout_.stored_channels * SampleBytes(layout_.spec.sample_type);
  }
  size_t pixel_bytes() const {
    return layout_.spec.shape.channels * SampleBytes(layout_.spec.sample_type);
  }

  size_t stored_row_bytes() const {
    return stored_bytes() * layout_.spec.shape.width;
  }

  absl::Status Read(std::span<std::byte> target) {
    if (!reader_.Fill(target)) {
      return reader_.Failure(Refusal(absl::StatusCode::kInvalidArgument,
                                     kImageDamaged,
                                     "the raw samples end in row ", rows_read_,
                                     " of ", layout_.spec.shape.height));
    }
    return absl::OkStatus();
  }

  void DropExtraChannels(std::span<std::byte> target) const {
    const size_t kept = pixel_bytes();
    const std::byte* from = row_.data();
    for (size_t at = 0; at < target.size(); at += kept) {
      std::memcpy(&target[at], from, kept);
      from += stored_bytes();
    }
  }

  ByteReader reader_;
  const RawLayout layout_;
  const ImageMetadata metadata_;
  std::vector<std::byte> row_;  // as stored; only if channels are dropped
  uint32_t rows_read_ = 0;
};

class RawEncoder final : public Encoder {
 public:
  explicit RawEncoder(ByteSink& sink) : sink_(sink) {}

  absl::Status WriteRows(const AnyConstImageView& source) override {
    for (uint32_t y = 0; y < source.shape().height; ++y) {
      RETURN_IF_ERROR(sink_.Append(source.row_bytes(y)));
    }
    return absl::OkStatus();
  }

  absl::Status Finish() override { return absl::OkStatus(); }

 private:
  ByteSink& sink_;
};

}  // namespace

absl::StatusOr<uint64_t> RawBytes(const RawLayout& layout) {
  ImageSpec stored = layout.spec;
  stored.shape.channels = layout.stored_channels;
  return PixelBytes(stored);
}

absl::StatusOr<std::unique_ptr<Decoder>> OpenRaw(ByteSource& source,
                                                 const RawLayout& layout) {
  RETURN_IF_ERROR(RawBytes(layout).status());
  RETURN_IF_ERROR(PixelBytes(layout.spec).status());
  if (layout.stored_channels < layout.spec.shape.channels) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                   "fewer channels are stored than are wanted");
  }
  return std::make_unique<RawDecoder>(source, layout);
}

absl::StatusOr<std::unique_ptr<Encoder>> CreateRaw(ByteSink& sink,
                                                   const ImageSpec& spec) {
  RETURN_IF_ERROR(PixelBytes(spec).status());
  return std::make_unique<RawEncoder>(sink);
}

}  // namespace imageadapt
