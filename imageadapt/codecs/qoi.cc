// QOI, "The Quite OK Image Format", specification 1.0 of 2022 (qoiformat.org).
// RGB and RGBA of 8 bits. Whether the colours are sRGB or linear is not kept.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/byte_order.h"
#include "imageadapt/codecs/byte_reader.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/encode_checks.h"

namespace imageadapt {
namespace {

constexpr char kFormat[] = "QOI";

constexpr size_t kHeaderBytes = 14;

// The last bytes of a file.
constexpr std::array<uint8_t, 8> kEnd = {0, 0, 0, 0, 0, 0, 0, 1};

// Tags: two bits with six of data, or a whole byte.
constexpr uint8_t kIndexTag = 0x00;
constexpr uint8_t kDiffTag = 0x40;
constexpr uint8_t kLumaTag = 0x80;
constexpr uint8_t kRunTag = 0xc0;
constexpr uint8_t kRgbTag = 0xfe;
constexpr uint8_t kRgbaTag = 0xff;

constexpr uint32_t kLongestRun = 62;

// Red, green, blue, alpha.
using Pixel = std::array<uint8_t, 4>;

// What decoder and encoder both remember of the pixels before.
struct Memory {
  Pixel last = {0, 0, 0, 255};
  std::array<Pixel, 64> seen = {};

  static size_t PlaceOf(const Pixel& pixel) {
    return (pixel[0] * 3u + pixel[1] * 5u + pixel[2] * 7u + pixel[3] * 11u) %
           64;
  }
};

class QoiDecoder final : public Decoder {
 public:
  explicit QoiDecoder(ByteSource& source) : reader_(source) {}

  absl::Status Open(const DecodeLimits& limits) {
    std::array<uint8_t, kHeaderBytes> header = {};
    if (!reader_.Fill(header)) {
      return reader_.Failure(DamagedHeader(kFormat, "it ends too early"));
    }
    if (std::memcmp(header.data(), "qoif", 4) != 0) {
      return DamagedHeader(kFormat, "it does not begin as such files do");
    }
    spec_.shape = {.width = LoadBig32(&header[4]),
                   .height = LoadBig32(&header[8]),
                   .channels = header[12]};
    if (spec_.shape.width == 0 || spec_.shape.height == 0) {
      return DamagedHeader(kFormat, "a side is 0");
    }
    if (spec_.shape.channels != 3 && spec_.shape.channels != 4) {
      return DamagedHeader(kFormat, "its channels are neither 3 nor 4");
    }
    if (header[13] > 1) {
      return DamagedHeader(kFormat, "its colour space does not exist");
    }
    return CheckSize(spec_.shape.width, spec_.shape.height, limits);
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }
  uint64_t max_working_bytes() const override { return 0; }

  absl::Status ReadRows(const AnyImageView& target) override {
    const ImageView<uint8_t> rows = target.As<uint8_t>();
    for (uint32_t y = 0; y < rows.shape().height; ++y) {
      if (!ReadRow(rows.row(y))) return Damaged("it ends too early");
      ++next_row_;
    }
    return next_row_ == spec_.shape.height ? ReadEnd() : absl::OkStatus();
  }

 private:
  bool ReadRow(std::span<uint8_t> row) {
    const size_t channels = spec_.shape.channels;
    for (size_t at = 0; at < row.size(); at += channels) {
      if (run_left_ > 0) {
        --run_left_;
      } else if (!ReadPixel()) {
        return false;
      }
      std::memcpy(&row[at], memory_.last.data(), channels);
    }
    return true;
  }

  bool ReadPixel() {
    uint8_t tag = 0;
    if (!reader_.ReadByte(tag)) return false;
    Pixel& pixel = memory_.last;
    if (tag == kRgbTag || tag == kRgbaTag) {
      if (!reader_.Fill(std::span(pixel).first(tag == kRgbTag ? 3 : 4))) {
        return false;
      }
    } else if ((tag & 0xc0) == kIndexTag) {
      pixel = memory_.seen[tag];
    } else if ((tag & 0xc0) == kDiffTag) {
      Add((tag >> 4 & 3) - 2, (tag >> 2 & 3) - 2, (tag & 3) - 2);
    } else if ((tag & 0xc0) == kLumaTag) {
      uint8_t more = 0;
      if (!reader_.ReadByte(more)) return false;
      const int green = (tag & 0x3f) - 32;
      Add(green + (more >> 4) - 8, green, green + (more & 15) - 8);
    } else {
      run_left_ = tag & 0x3f;  // after this one
    }
    memory_.seen[Memory::PlaceOf(pixel)] = pixel;
    return true;
  }

  // Around the end of 8 bits.
  void Add(int red, int green, int blue) {
    Pixel& pixel = memory_.last;
    pixel[0] = static_cast<uint8_t>(pixel[0] + red);
    pixel[1] = static_cast<uint8_t>(pixel[1] + green);
    pixel[2] = static_cast<uint8_t>(pixel[2] + blue);
  }

  absl::Status ReadEnd() {
    if (run_left_ > 0) return Damaged("it has more pixels than it says");
    std::array<uint8_t, kEnd.size()> end = {};
    if (!reader_.Fill(end)) return Damaged("it ends too early");
    if (end != kEnd) return Damaged("it does not end after its last pixel");
    return absl::OkStatus();
  }

  absl::Status Damaged(absl::string_view problem) const {
    return reader_.Failure(
        DamagedRows(kFormat, next_row_, spec_.shape.height, problem));
  }

  ByteReader reader_;
  ImageSpec spec_;
  const ImageMetadata metadata_;
  Memory memory_;
  uint32_t run_left_ = 0;
  uint32_t next_row_ = 0;
};

class QoiEncoder final : public Encoder {
 public:
  QoiEncoder(ByteSink& sink, const ImageSpec& spec)
      : sink_(sink), channels_(spec.shape.channels) {}

  absl::Status Begin(const ImageSpec& spec) {
    out_ = {'q', 'o', 'i', 'f'};
    AppendBig32(out_, spec.shape.width);
    AppendBig32(out_, spec.shape.height);
    out_.push_back(static_cast<uint8_t>(channels_));
    out_.push_back(0);  // sRGB
    return Flush();
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    const ImageView<const uint8_t> rows = source.As<const uint8_t>();
    for (uint32_t y = 0; y < rows.shape().height; ++y) {
      const std::span<const uint8_t> row = rows.row(y);
      for (size_t at = 0; at < row.size(); at += channels_) {
        Pixel pixel = {0, 0, 0, 255};
        std::memcpy(pixel.data(), &row[at], channels_);
        WritePixel(pixel);
      }
      RETURN_IF_ERROR(Flush());
    }
    return absl::OkStatus();
  }

  absl::Status Finish() override {
    EndRun();
    out_.insert(out_.end(), kEnd.begin(), kEnd.end());
    return Flush();
  }

 private:
  void WritePixel(const Pixel& pixel) {
    if (pixel == memory_.last) {
      if (++run_ == kLongestRun) EndRun();
      return;
    }
    EndRun();
    Pixel& seen = memory_.seen[Memory::PlaceOf(pixel)];
    if (seen == pixel) {
      out_.push_back(static_cast<uint8_t>(kIndexTag | Memory::PlaceOf(pixel)));
    } else {
      seen = pixel;
      WriteNewPixel(pixel);
    }
    memory_.last = pixel;
  }

  void WriteNewPixel(const Pixel& pixel) {
    const Pixel& last = memory_.last;
    if (pixel[3] != last[3]) {
      Put(kRgbaTag);
      out_.insert(out_.end(), pixel.begin(), pixel.end());
      return;
    }
    const int red = Step(pixel[0], last[0]);
    const int green = Step(pixel[1], last[1]);
    const int blue = Step(pixel[2], last[2]);
    const auto fits = [](int value, int reach) {
      return value >= -reach && value < reach;
    };
    if (fits(red, 2) && fits(green, 2) && fits(blue, 2)) {
      Put(kDiffTag | (red + 2) << 4 | (green + 2) << 2 | (blue + 2));
    } else if (fits(green, 32) && fits(red - green, 8) &&
               fits(blue - green, 8)) {
      Put(kLumaTag | (green + 32));
      Put((red - green + 8) << 4 | (blue - green + 8));
    } else {
      Put(kRgbTag);
      out_.insert(out_.end(), pixel.begin(), pixel.begin() + 3);
    }
  }

  // From `b` to `a` the short way around.
  static int Step(uint8_t a, uint8_t b) { return static_cast<int8_t>(a - b); }

  void Put(int value) { out_.push_back(static_cast<uint8_t>(value)); }

  void EndRun() {
    if (run_ > 0) Put(static_cast<int>(kRunTag | (run_ - 1)));
    run_ = 0;
  }

  absl::Status Flush() {
    const absl::Status status = sink_.Append(std::as_bytes(std::span(out_)));
    out_.clear();
    return status;
  }

  ByteSink& sink_;
  const size_t channels_;
  Memory memory_;
  uint32_t run_ = 0;
  std::vector<uint8_t> out_;  // at most a row's
};

bool Recognizes(std::span<const std::byte> head) {
  return head.size() >= 4 && std::memcmp(head.data(), "qoif", 4) == 0;
}

absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  auto decoder = std::make_unique<QoiDecoder>(source);
  RETURN_IF_ERROR(decoder->Open(limits));
  return decoder;
}

absl::Status CanHold(const ImageSpec& spec) {
  RETURN_IF_ERROR(CheckHasBytes("QOI", spec));
  if (spec.shape.channels < 3) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                   "QOI cannot hold grey images, only RGB and RGBA");
  }
  return PixelBytes(spec).status();
}

absl::StatusOr<std::unique_ptr<Encoder>> Create(
    ByteSink& sink, const ImageSpec& spec, const EncodeOptions& /*options*/) {
  auto encoder = std::make_unique<QoiEncoder>(sink, spec);
  RETURN_IF_ERROR(encoder->Begin(spec));
  return encoder;
}

}  // namespace

const Codec kQoiCodec = {.name = kFormat,
                         .mime_type = "image/qoi",
                         .recognizes = Recognizes,
                         .open = Open,
                         .can_hold = CanHold,
                         .create = Create,
                         .turn_losslessly = nullptr,
                         .extensions = "qoi",
                         .reads = kReadsU8,
                         .is_lossless = true};

}  // namespace imageadapt
