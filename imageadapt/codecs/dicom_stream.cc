#include "imageadapt/codecs/dicom_stream.h"

#include <zlib.h>

#include <algorithm>
#include <vector>

namespace imageadapt {
namespace {

constexpr size_t kInflatedBytes = size_t{32} << 10;
// zlib's window and state.
constexpr uint64_t kZlibBytes = uint64_t{48} << 10;

}  // namespace

// Inflates what a reader gives, a piece at a time. Damage ends it as the end of
// the file does.
class DicomStream::InflateSource final : public ByteSource {
 public:
  InflateSource(ByteReader& compressed, std::span<const std::byte> first)
      : compressed_(compressed),
        first_(first.begin(), first.end()),
        inflated_(kInflatedBytes) {
    is_open_ = inflateInit2(&zlib_, -MAX_WBITS) == Z_OK;
    zlib_.next_in = reinterpret_cast<Bytef*>(first_.data());
    zlib_.avail_in = static_cast<uInt>(first_.size());
  }
  ~InflateSource() override {
    if (is_open_) inflateEnd(&zlib_);
  }

  absl::StatusOr<std::span<const std::byte>> Next() override {
    zlib_.next_out = reinterpret_cast<Bytef*>(inflated_.data());
    zlib_.avail_out = static_cast<uInt>(inflated_.size());
    while (is_open_ && !has_ended_ && zlib_.avail_out == inflated_.size()) {
      if (zlib_.avail_in == 0) {
        std::span<const std::byte> next;
        if (!compressed_.Some(kInflatedBytes, next)) break;
        // The library's interface is older than const; it does not write to
        // it.
        zlib_.next_in =
            reinterpret_cast<Bytef*>(const_cast<std::byte*>(next.data()));
        zlib_.avail_in = static_cast<uInt>(next.size());
      }
      has_ended_ = inflate(&zlib_, Z_NO_FLUSH) != Z_OK;
    }
    if (!compressed_.source_status().ok()) return compressed_.source_status();
    return std::span<const std::byte>(inflated_).first(inflated_.size() -
                                                       zlib_.avail_out);
  }

 private:
  ByteReader& compressed_;
  std::vector<std::byte> first_;
  std::vector<std::byte> inflated_;
  z_stream zlib_ = {};
  bool is_open_ = false;
  bool has_ended_ = false;
};

DicomStream::DicomStream(ByteSource& source)
    : source_(source), plain_(source) {}

DicomStream::~DicomStream() = default;

void DicomStream::PutBack(std::span<const std::byte, 4> bytes) {
  std::copy(bytes.begin(), bytes.end(), put_back_.begin());
  has_put_back_ = true;
  at_ -= bytes.size();
}

bool DicomStream::FillTag(std::span<std::byte, 4> bytes) {
  if (!has_put_back_) return Fill(bytes);
  std::copy(put_back_.begin(), put_back_.end(), bytes.begin());
  has_put_back_ = false;
  at_ += bytes.size();
  return true;
}

void DicomStream::Inflate() {
  const std::span<const std::byte> first =
      has_put_back_ ? std::span<const std::byte>(put_back_)
                    : std::span<const std::byte>();
  has_put_back_ = false;
  inflated_ = std::make_unique<InflateSource>(plain_, first);
  reader_ = &inflated_reader_.emplace(*inflated_);
}

std::optional<uint64_t> DicomStream::bytes_left() const {
  // The reader may have some of what the source has given; a rope's first
  // block is all of it.
  const std::optional<uint64_t> left = source_.bytes_left();
  if (inflated_ != nullptr || !left.has_value()) return std::nullopt;
  return *left + plain_.bytes_ready();
}

uint64_t DicomStream::working_bytes() const {
  return inflated_ != nullptr ? kZlibBytes + kInflatedBytes : 0;
}

absl::Status DicomStream::Failure(const absl::Status& at_end) const {
  return reader_->Failure(at_end);
}

}  // namespace imageadapt
