#include "imageadapt/codecs/png_writer.h"

#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/deflate_strip.h"
#include "imageadapt/codecs/png_chunks.h"
#include "imageadapt/codecs/png_filter.h"

namespace imageadapt {
namespace {

constexpr size_t kStripBytes = size_t{512} << 10;

// Of blocks that wait for the next strip: what threads work in is as much.
constexpr size_t kIdleBytes = size_t{8} << 20;

// A strip is also one chunk, and chunks are shorter than 2 GiB.
constexpr size_t kFilterByte = 1;

// zlib (RFC 1950): deflate with a window of 32 KiB; an empty last block.
using ZlibHead = std::array<uint8_t, 2>;
constexpr std::array<uint8_t, 2> kLastBlock = {0x03, 0x00};
constexpr size_t kAdlerBytes = 4;

// APNG numbers its chunks; the frames after the first have the number before
// their data.
constexpr size_t kSequenceBytes = 4;

// Where so many of the samples are just as predicted, matches are long and a
// search for them pays: drawings, not photographs.
constexpr double kDrawing = 0.5;

size_t RowsPerStrip(const ImageSpec& spec) {
  const size_t row = RowBytes(spec) + kFilterByte;
  return std::clamp<size_t>(kStripBytes / row, 1, spec.shape.height);
}

size_t ThreadsOf(const EncodeOptions& options) {
  return options.parallel == nullptr ? 1 : options.parallel->threads();
}

size_t StripsOf(const ImageSpec& spec, const EncodeOptions& options) {
  const size_t rows = RowsPerStrip(spec);
  return std::min<size_t>(ThreadsOf(options),
                          (spec.shape.height + rows - 1) / rows);
}

DeflateLevel LevelOf(EncodeOptions::Effort effort, double predicted_share) {
  switch (effort) {
    case EncodeOptions::Effort::kFast:
      return DeflateLevel::kFast;
    case EncodeOptions::Effort::kDefault:
      return predicted_share > kDrawing ? DeflateLevel::kBetter
                                        : DeflateLevel::kGood;
    case EncodeOptions::Effort::kSmallest:
      return DeflateLevel::kSmallest;
  }
  return DeflateLevel::kGood;
}

// A window of 32 KiB; then how hard the packer has tried.
ZlibHead ZlibHeadOf(EncodeOptions::Effort effort) {
  switch (effort) {
    case EncodeOptions::Effort::kFast:
      return {0x78, 0x01};
    case EncodeOptions::Effort::kDefault:
      return {0x78, 0x9c};
    case EncodeOptions::Effort::kSmallest:
      return {0x78, 0xda};
  }
  return {0x78, 0x9c};
}

// Whether a profile is one, and for such colours; others make readers complain.
bool IsProfileFor(std::span<const std::byte> profile, uint32_t channels) {
  constexpr size_t kHead = 128;
  if (profile.size() <= kHead || profile.size() > UINT32_MAX ||
      BigEndian32(profile.data()) != profile.size()) {
    return false;
  }
  const bool is_grey = channels <= 2;
  return std::memcmp(&profile[36], "acsp", 4) == 0 &&
         std::memcmp(&profile[16], is_grey ? "GRAY" : "RGB ", 4) == 0;
}

// What becomes of some rows.
struct Strip {
  Buffer filtered;
  Buffer chunk;  // room for a chunk
  size_t chunk_bytes = 0;
  size_t filtered_bytes = 0;
  uint32_t adler = 1;
};

class PngEncoder final : public Encoder {
 public:
  PngEncoder(ByteSink& sink, const ImageSpec& spec,
             const EncodeOptions& options)
      : sink_(sink),
        spec_(spec),
        effort_(options.effort),
        parallel_(options.parallel),
        frames_(options.frames),
        row_bytes_(RowBytes(spec)),
        rows_per_strip_(RowsPerStrip(spec)),
        strips_(StripsOf(spec, options)),
        pool_(kIdleBytes) {}

  absl::Status Begin(const EncodeOptions& options) {
    RETURN_IF_ERROR(TakeMemory());
    RETURN_IF_ERROR(sink_.Append(std::as_bytes(std::span(kPngSignature))));
    RETURN_IF_ERROR(WriteHeader());
    RETURN_IF_ERROR(WriteProfile(options.icc_profile));
    if (!IsApng()) return absl::OkStatus();
    std::vector<std::byte> control(8);
    PutBigEndian32(frames_.count, control.data());
    PutBigEndian32(frames_.plays, &control[4]);
    RETURN_IF_ERROR(WriteChunk("acTL", control));
    return WriteFrameControl(options.first_delay);
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    for (uint32_t y = 0; y < source.shape().height; ++y) {
      TakeRow(source.row_bytes(y));
      const bool is_last = rows_taken_ == spec_.shape.height;
      if (is_last || rows_ == strips_.size() * rows_per_strip_) {
        RETURN_IF_ERROR(WriteStrips(is_last));
      }
    }
    return absl::OkStatus();
  }

  absl::Status NextFrame(const ImageSpec& /*spec*/, FrameDelay delay) override {
    ++frame_;
    rows_taken_ = 0;
    adler_ = 1;
    has_begun_ = false;
    std::memset(RowAt(0), 0, row_bytes_);
    return WriteFrameControl(delay);
  }

  absl::Status Finish() override { return WriteChunk("IEND", {}); }

 private:
  bool IsApng() const { return frames_.count > 1 || frames_.is_animation; }

  // Rows that wait, from 1 on; before them the last row that went.
  std::byte* RowAt(size_t row) const {
    return waiting_.data() + row * row_bytes_;
  }

  absl::Status TakeMemory() {
    const size_t rows = strips_.size() * rows_per_strip_ + 1;
    ASSIGN_OR_RETURN(waiting_, pool_.Take(rows * row_bytes_));
    std::memset(RowAt(0), 0, row_bytes_);
    const size_t filtered = rows_per_strip_ * (row_bytes_ + kFilterByte);
    for (Strip& strip : strips_) {
      ASSIGN_OR_RETURN(strip.filtered, pool_.Take(filtered));
      ASSIGN_OR_RETURN(
          strip.chunk,
          pool_.Take(kPngChunkHead + kSequenceBytes + sizeof(ZlibHead) +
                     MaxDeflatedBytes(filtered) + kLastBlock.size() +
                     kAdlerBytes + kPngChunkTail));
    }
    return absl::OkStatus();
  }

  absl::Status WriteChunk(absl::string_view type,
                          std::span<const std::byte> data) {
    std::vector<std::byte> chunk(kPngChunkHead + data.size() + kPngChunkTail);
    std::copy(data.begin(), data.end(), &chunk[kPngChunkHead]);
    SealPngChunk(type, chunk);
    return sink_.Append(chunk);
  }

  absl::Status WriteHeader() {
    // Grey, grey and alpha, RGB, RGB and alpha.
    constexpr std::array<uint8_t, kMaxChannels> kColorTypes = {0, 4, 2, 6};
    std::array<std::byte, 13> header = {};
    PutBigEndian32(spec_.shape.width, header.data());
    PutBigEndian32(spec_.shape.height, &header[4]);
    header[8] = static_cast<std::byte>(8 * SampleBytes(spec_.sample_type));
    header[9] = static_cast<std::byte>(kColorTypes[spec_.shape.channels - 1]);
    return WriteChunk("IHDR", header);
  }

  absl::Status WriteProfile(std::span<const std::byte> profile) {
    if (!IsProfileFor(profile, spec_.shape.channels)) return absl::OkStatus();
    constexpr absl::string_view kName("ICC profile\0\0", 13);
    const std::unique_ptr<libdeflate_compressor,
                          void (*)(libdeflate_compressor*)>
        compressor(libdeflate_alloc_compressor(6), libdeflate_free_compressor);
    if (compressor == nullptr) {
      return Refusal(absl::StatusCode::kResourceExhausted, kOutOfMemory,
                     "no memory to compress an ICC profile");
    }
    std::vector<std::byte> data(
        kName.size() +
        libdeflate_zlib_compress_bound(compressor.get(), profile.size()));
    std::memcpy(data.data(), kName.data(), kName.size());
    data.resize(kName.size() +
                libdeflate_zlib_compress(compressor.get(), profile.data(),
                                         profile.size(), &data[kName.size()],
                                         data.size() - kName.size()));
    return WriteChunk("iCCP", data);
  }

  absl::Status WriteFrameControl(FrameDelay delay) {
    std::array<std::byte, 26> control = {};
    PutBigEndian32(sequence_++, control.data());
    PutBigEndian32(spec_.shape.width, &control[4]);
    PutBigEndian32(spec_.shape.height, &control[8]);
    // The place is 0, 0; the picture stays, and replaces the one before.
    const FrameDelay shown = InSixteenBits(delay);
    control[20] = static_cast<std::byte>(shown.numerator >> 8);
    control[21] = static_cast<std::byte>(shown.numerator);
    control[22] = static_cast<std::byte>(shown.denominator >> 8);
    control[23] = static_cast<std::byte>(shown.denominator);
    return WriteChunk("fcTL", control);
  }

  // The same delay, or the nearest there is.
  static FrameDelay InSixteenBits(FrameDelay delay) {
    constexpr uint32_t kMost = 65535;
    if (delay.denominator == 0) return {.numerator = 0, .denominator = 100};
    const uint32_t common = std::gcd(delay.numerator, delay.denominator);
    delay.numerator /= common;
    delay.denominator /= common;
    while (std::max(delay.numerator, delay.denominator) > kMost) {
      if (delay.denominator == 1) return {.numerator = kMost, .denominator = 1};
      delay.numerator = delay.numerator / 2 + delay.numerator % 2;
      delay.denominator = delay.denominator / 2 + delay.denominator % 2;
    }
    return delay;
  }

  void TakeRow(std::span<const std::byte> row) {
    std::byte* const target = RowAt(1 + rows_);
    if (spec_.sample_type == SampleType::kU16 &&
        std::endian::native == std::endian::little) {
      for (size_t i = 0; i < row.size(); i += 2) {
        target[i] = row[i + 1];
        target[i + 1] = row[i];
      }
    } else {
      std::memcpy(target, row.data(), row.size());
    }
    ++rows_;
    ++rows_taken_;
  }

  absl::Status WriteStrips(bool is_last) {
    const size_t count = (rows_ + rows_per_strip_ - 1) / rows_per_strip_;
    const auto make = [this](size_t strip) { MakeStrip(strip); };
    if (parallel_ == nullptr || count == 1) {
      for (size_t strip = 0; strip < count; ++strip) make(strip);
    } else {
      parallel_->ParallelFor(count, make);
    }
    for (size_t i = 0; i < count; ++i) {
      Strip& strip = strips_[i];
      adler_ = static_cast<uint32_t>(adler32_combine(
          adler_, strip.adler, static_cast<z_off_t>(strip.filtered_bytes)));
      RETURN_IF_ERROR(SendStrip(strip, is_last && i + 1 == count));
    }
    std::memmove(RowAt(0), RowAt(rows_), row_bytes_);
    rows_ = 0;
    return absl::OkStatus();
  }

  // Filters and deflates, leaving room for what stands before and behind.
  void MakeStrip(size_t index) {
    Strip& strip = strips_[index];
    const size_t first = index * rows_per_strip_;
    const size_t rows = std::min(rows_per_strip_, rows_ - first);
    const size_t pixel_bytes =
        spec_.shape.channels * SampleBytes(spec_.sample_type);
    auto* target = reinterpret_cast<uint8_t*>(strip.filtered.data());
    for (size_t y = 0; y < rows; ++y) {
      const std::span row(reinterpret_cast<uint8_t*>(RowAt(1 + first + y)),
                          row_bytes_);
      const std::span above(row.data() - row_bytes_, row_bytes_);
      const PngFilter filter = BestPngFilter(row, above, pixel_bytes);
      *target = static_cast<uint8_t>(filter);
      ApplyPngFilter(filter, row, above, pixel_bytes,
                     {target + kFilterByte, row_bytes_});
      target += kFilterByte + row_bytes_;
    }
    strip.filtered_bytes = rows * (kFilterByte + row_bytes_);
    const auto filtered = strip.filtered.span().first(strip.filtered_bytes);
    strip.adler = libdeflate_adler32(1, filtered.data(), filtered.size());
    const auto predicted =
        std::count(filtered.begin(), filtered.end(), std::byte{0});
    const double share = static_cast<double>(predicted) /
                         static_cast<double>(strip.filtered_bytes);
    strip.chunk_bytes =
        DeflateStrip(filtered, LevelOf(effort_, share),
                     strip.chunk.span().subspan(kPngChunkHead + kSequenceBytes +
                                                sizeof(ZlibHead)),
                     pool_);
  }

  absl::Status SendStrip(Strip& strip, bool is_last) {
    size_t begin = kSequenceBytes + sizeof(ZlibHead);
    size_t end = kPngChunkHead + begin + strip.chunk_bytes;
    if (!has_begun_) {
      const ZlibHead head = ZlibHeadOf(effort_);
      begin -= sizeof(ZlibHead);
      std::memcpy(&strip.chunk.span()[kPngChunkHead + begin], head.data(),
                  head.size());
      has_begun_ = true;
    }
    if (frame_ > 0) {
      begin -= kSequenceBytes;
      PutBigEndian32(sequence_++, &strip.chunk.span()[kPngChunkHead + begin]);
    }
    if (is_last) {
      std::memcpy(&strip.chunk.span()[end], kLastBlock.data(),
                  kLastBlock.size());
      end += kLastBlock.size();
      PutBigEndian32(adler_, &strip.chunk.span()[end]);
      end += kAdlerBytes;
    }
    const std::span<std::byte> chunk =
        strip.chunk.span().subspan(begin, end - begin + kPngChunkTail);
    SealPngChunk(frame_ == 0 ? "IDAT" : "fdAT", chunk);
    return sink_.Append(chunk);
  }

  ByteSink& sink_;
  const ImageSpec spec_;
  const EncodeOptions::Effort effort_;
  Parallel* const parallel_;
  const FrameSequence frames_;
  const size_t row_bytes_;
  const size_t rows_per_strip_;
  std::vector<Strip> strips_;
  BufferPool pool_;
  Buffer waiting_;
  size_t rows_ = 0;          // that wait
  uint32_t rows_taken_ = 0;  // of this frame
  uint32_t frame_ = 0;
  uint32_t sequence_ = 0;
  uint32_t adler_ = 1;
  bool has_begun_ = false;  // this frame's data
};

}  // namespace

absl::StatusOr<std::unique_ptr<Encoder>> CreatePng(
    ByteSink& sink, const ImageSpec& spec, const EncodeOptions& options) {
  auto encoder = std::make_unique<PngEncoder>(sink, spec, options);
  RETURN_IF_ERROR(encoder->Begin(options));
  return encoder;
}

uint64_t PngWriterBytes(const ImageSpec& spec, const EncodeOptions& options) {
  const uint64_t filtered =
      RowsPerStrip(spec) * (uint64_t{RowBytes(spec)} + kFilterByte);
  constexpr uint64_t kRest = 4096;
  return StripsOf(spec, options) *
             (3 * filtered + kRest +
              DeflateWorkingBytes(LevelOf(options.effort, 0))) +
         2 * RowBytes(spec) + options.icc_profile.size() * 2;
}

}  // namespace imageadapt
