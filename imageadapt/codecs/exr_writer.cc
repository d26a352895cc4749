// One part of rows in blocks of 16, each packed as "ZIP" says: after "OpenEXR
// File Layout" and "Technical Introduction to OpenEXR" of openexr.com. A table
// of where the blocks are stands before them, so that they are held until the
// last one is made.
#include "imageadapt/codecs/exr_writer.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/byte_order.h"
#include "imageadapt/codecs/half_float.h"

namespace imageadapt {
namespace {

constexpr uint32_t kBlockRows = 16;
constexpr size_t kBlockHead = 8;

constexpr uint32_t kMagic = 20000630;
constexpr uint32_t kVersion = 2;
constexpr uint32_t kHalf = 1;
constexpr uint32_t kFloat = 2;
constexpr uint8_t kZip = 3;

// The names of a picture's channels, in its own order.
constexpr std::array<absl::string_view, kMaxChannels> kNames = {"Y", "YA",
                                                                "RGB", "RGBA"};

void AppendText(std::vector<uint8_t>& bytes, absl::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
  bytes.push_back(0);
}

void AppendAttribute(std::vector<uint8_t>& bytes, absl::string_view name,
                     absl::string_view type,
                     const std::vector<uint8_t>& value) {
  AppendText(bytes, name);
  AppendText(bytes, type);
  AppendLittle32(bytes, static_cast<uint32_t>(value.size()));
  bytes.insert(bytes.end(), value.begin(), value.end());
}

std::vector<uint8_t> Numbers(std::initializer_list<uint32_t> values) {
  std::vector<uint8_t> bytes;
  for (const uint32_t value : values) AppendLittle32(bytes, value);
  return bytes;
}

// Channels are stored in the order of the alphabet: which of the picture's.
std::vector<uint32_t> StoredOrder(uint32_t channels) {
  std::vector<uint32_t> order(channels);
  for (uint32_t c = 0; c < channels; ++c) order[c] = c;
  const absl::string_view names = kNames[channels - 1];
  std::sort(order.begin(), order.end(),
            [names](uint32_t a, uint32_t b) { return names[a] < names[b]; });
  return order;
}

std::vector<uint8_t> HeaderOf(const ImageShape& shape, uint32_t pixel_type) {
  std::vector<uint8_t> bytes;
  AppendLittle32(bytes, kMagic);
  AppendLittle32(bytes, kVersion);
  std::vector<uint8_t> channels;
  for (const uint32_t channel : StoredOrder(shape.channels)) {
    AppendText(channels, kNames[shape.channels - 1].substr(channel, 1));
    AppendLittle32(channels, pixel_type);
    AppendLittle32(channels, 0);  // not linear in what is seen; three reserved
    AppendLittle32(channels, 1);  // every column
    AppendLittle32(channels, 1);  // and row
  }
  channels.push_back(0);
  const std::vector<uint8_t> window =
      Numbers({0, 0, shape.width - 1, shape.height - 1});
  constexpr auto kOne = std::bit_cast<uint32_t>(1.0f);
  AppendAttribute(bytes, "channels", "chlist", channels);
  AppendAttribute(bytes, "compression", "compression", {kZip});
  AppendAttribute(bytes, "dataWindow", "box2i", window);
  AppendAttribute(bytes, "displayWindow", "box2i", window);
  AppendAttribute(bytes, "lineOrder", "lineOrder", {0});
  AppendAttribute(bytes, "pixelAspectRatio", "float", Numbers({kOne}));
  AppendAttribute(bytes, "screenWindowCenter", "v2f", Numbers({0, 0}));
  AppendAttribute(bytes, "screenWindowWidth", "float", Numbers({kOne}));
  bytes.push_back(0);
  return bytes;
}

// All first bytes of words, then all second ones; each less the one before.
void Predict(std::span<const uint8_t> bytes, std::span<uint8_t> target) {
  const size_t half = (bytes.size() + 1) / 2;
  for (size_t i = 0; i < bytes.size(); ++i) {
    target[i / 2 + (i % 2 == 0 ? 0 : half)] = bytes[i];
  }
  uint8_t before = target[0];
  for (uint8_t& byte : target.subspan(1)) {
    byte = static_cast<uint8_t>(byte - std::exchange(before, byte) + 128);
  }
}

class ExrEncoder final : public Encoder {
 public:
  ExrEncoder(ByteSink& sink, const ImageSpec& spec,
             const EncodeOptions& options)
      : sink_(sink),
        shape_(spec.shape),
        is_half_(options.half_floats),
        level_(options.effort),
        parallel_(options.parallel),
        order_(StoredOrder(spec.shape.channels)) {}

  absl::Status Begin() {
    const size_t samples = size_t{kBlockRows} * RowSamples(shape_);
    ASSIGN_OR_RETURN(waiting_, pool_.Take(Blocks() * samples * sizeof(float)));
    return absl::OkStatus();
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    for (uint32_t y = 0; y < source.shape().height; ++y) {
      const auto row = source.As<float>().row(y);
      std::copy(row.begin(), row.end(), Waiting(rows_));
      ++rows_;
      ++rows_taken_;
      if (rows_ == Blocks() * kBlockRows || rows_taken_ == shape_.height) {
        RETURN_IF_ERROR(PackBlocks());
      }
    }
    return absl::OkStatus();
  }

  uint64_t held_bytes() const override { return held_bytes_; }

  absl::Status Finish() override {
    std::vector<uint8_t> head = HeaderOf(shape_, is_half_ ? kHalf : kFloat);
    uint64_t at = head.size() + 8 * packed_.size();
    for (const Buffer& block : packed_) {
      AppendLittle32(head, static_cast<uint32_t>(at));
      AppendLittle32(head, static_cast<uint32_t>(at >> 32));
      at += block.size();
    }
    RETURN_IF_ERROR(sink_.Append(std::as_bytes(std::span(head))));
    for (Buffer& block : packed_) {
      held_bytes_ -= block.size();
      RETURN_IF_ERROR(sink_.AppendBuffer(std::move(block)));
    }
    return absl::OkStatus();
  }

 private:
  size_t Blocks() const {
    return parallel_ == nullptr ? 1 : parallel_->threads();
  }
  float* Waiting(size_t row) const {
    return reinterpret_cast<float*>(waiting_.data()) + row * RowSamples(shape_);
  }

  absl::Status PackBlocks() {
    const size_t count = (rows_ + kBlockRows - 1) / kBlockRows;
    const size_t first = packed_.size();
    packed_.resize(first + count);
    std::vector<absl::Status> results(count);
    const auto pack = [&](size_t i) {
      results[i] = PackBlock(i, (first + i) * kBlockRows, packed_[first + i]);
    };
    if (parallel_ == nullptr || count == 1) {
      for (size_t i = 0; i < count; ++i) pack(i);
    } else {
      parallel_->ParallelFor(count, pack);
    }
    rows_ = 0;
    for (size_t i = 0; i < count; ++i) {
      RETURN_IF_ERROR(results[i]);
      held_bytes_ += packed_[first + i].size();
    }
    return absl::OkStatus();
  }

  absl::Status PackBlock(size_t index, size_t first_row, Buffer& packed) {
    const size_t rows =
        std::min<size_t>(kBlockRows, rows_ - index * kBlockRows);
    const size_t size =
        rows * RowSamples(shape_) * (is_half_ ? 2 : sizeof(float));
    ASSIGN_OR_RETURN(const Buffer plain, pool_.Take(size));
    ASSIGN_OR_RETURN(const Buffer predicted, pool_.Take(size));
    const auto bytes_of = [size](const Buffer& buffer) {
      return std::span(reinterpret_cast<uint8_t*>(buffer.data()), size);
    };
    uint8_t* target = bytes_of(plain).data();
    for (size_t row = 0; row < rows; ++row) {
      target = StoreRow(Waiting(index * kBlockRows + row), target);
    }
    Predict(bytes_of(plain), bytes_of(predicted));

    ASSIGN_OR_RETURN(packed, pool_.Take(kBlockHead + size));
    size_t packed_size = Deflate(bytes_of(predicted), packed);
    if (packed_size == 0) {
      // As it is, where that is not longer.
      std::memcpy(packed.data() + kBlockHead, plain.data(), size);
      packed_size = size;
    }
    std::vector<uint8_t> head;
    AppendLittle32(head, static_cast<uint32_t>(first_row));
    AppendLittle32(head, static_cast<uint32_t>(packed_size));
    std::memcpy(packed.data(), head.data(), head.size());
    // Not in more memory than it needs.
    ASSIGN_OR_RETURN(Buffer tight, pool_.Take(kBlockHead + packed_size));
    std::memcpy(tight.data(), packed.data(), tight.size());
    packed = std::move(tight);
    return absl::OkStatus();
  }

  // 0 if it would not become shorter.
  size_t Deflate(std::span<const uint8_t> bytes, const Buffer& target) const {
    constexpr std::array<int, 3> kLevels = {1, 4, 9};
    const std::unique_ptr<libdeflate_compressor,
                          void (*)(libdeflate_compressor*)>
        compressor(
            libdeflate_alloc_compressor(kLevels[static_cast<size_t>(level_)]),
            libdeflate_free_compressor);
    if (compressor == nullptr) return 0;
    return libdeflate_zlib_compress(compressor.get(), bytes.data(),
                                    bytes.size(), target.data() + kBlockHead,
                                    bytes.size() - 1);
  }

  // Multiplies alpha in, and puts each channel by itself.
  uint8_t* StoreRow(float* row, uint8_t* target) const {
    const uint32_t channels = shape_.channels;
    if (HasAlpha(channels)) {
      for (size_t x = 0; x < shape_.width; ++x) {
        float* const pixel = row + x * channels;
        for (uint32_t c = 0; c + 1 < channels; ++c) {
          pixel[c] *= pixel[channels - 1];
        }
      }
    }
    for (const uint32_t channel : order_) {
      for (size_t x = 0; x < shape_.width; ++x) {
        const float sample = row[x * channels + channel];
        const uint32_t bits =
            is_half_ ? HalfOf(sample) : std::bit_cast<uint32_t>(sample);
        for (int byte = 0; byte < (is_half_ ? 2 : 4); ++byte) {
          *target++ = static_cast<uint8_t>(bits >> 8 * byte);
        }
      }
    }
    return target;
  }

  ByteSink& sink_;
  const ImageShape shape_;
  const bool is_half_;
  const EncodeOptions::Effort level_;
  Parallel* const parallel_;
  const std::vector<uint32_t> order_;
  BufferPool pool_{0};
  Buffer waiting_;
  size_t rows_ = 0;  // that wait
  uint32_t rows_taken_ = 0;
  std::vector<Buffer> packed_;
  uint64_t held_bytes_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Encoder>> CreateExr(
    ByteSink& sink, const ImageSpec& spec, const EncodeOptions& options) {
  auto encoder = std::make_unique<ExrEncoder>(sink, spec, options);
  RETURN_IF_ERROR(encoder->Begin());
  return encoder;
}

uint64_t ExrWriterBytes(const ImageSpec& spec, const EncodeOptions& options) {
  const uint64_t threads =
      options.parallel == nullptr ? 1 : options.parallel->threads();
  constexpr uint64_t kLibrary = uint64_t{2} << 20;
  return threads * (5 * kBlockRows * uint64_t{RowBytes(spec)} + kLibrary);
}

}  // namespace imageadapt
