#include "imageadapt/codecs/gif_lzw.h"

#include <algorithm>

namespace imageadapt {
namespace {

constexpr char kEndsTooEarly[] = "its data end too early";
constexpr char kWrong[] = "its compressed data are wrong";

constexpr int kMaxPixelBits = 8;

}  // namespace

GifLzwReader::GifLzwReader(std::span<const std::byte> data) : data_(data) {
  if (!data_.empty()) {
    first_bits_ = static_cast<int>(data_.front());
    data_ = data_.subspan(1);
  }
  if (first_bits_ < 1 || first_bits_ > kMaxPixelBits) return;
  clear_ = 1u << first_bits_;
  for (unsigned pixel = 0; pixel < clear_; ++pixel) {
    const auto value = static_cast<uint8_t>(pixel);
    codes_[pixel] = {.before = 0, .length = 1, .first = value, .last = value};
  }
  Clear();
}

void GifLzwReader::Clear() {
  code_bits_ = first_bits_ + 1;
  known_ = clear_ + 2;
  has_before_ = false;
}

bool GifLzwReader::TakeByte() {
  if (block_left_ == 0) {
    if (data_.empty()) return false;
    block_left_ = static_cast<size_t>(data_.front());
    // Of no length: the end, however often it is read.
    if (block_left_ == 0) return false;
    data_ = data_.subspan(1);
  }
  if (data_.empty()) return false;
  bits_ |= static_cast<uint32_t>(data_.front()) << bit_count_;
  bit_count_ += 8;
  data_ = data_.subspan(1);
  --block_left_;
  return true;
}

bool GifLzwReader::TakeCode(unsigned& code) {
  while (bit_count_ < code_bits_) {
    if (!TakeByte()) return false;
  }
  code = bits_ & ((1u << code_bits_) - 1);
  bits_ >>= code_bits_;
  bit_count_ -= code_bits_;
  return true;
}

void GifLzwReader::Learn(unsigned code) {
  if (known_ == kMaxCodes) return;
  const Code& before = codes_[before_];
  codes_[known_] = {.before = static_cast<uint16_t>(before_),
                    .length = static_cast<uint16_t>(before.length + 1),
                    .first = before.first,
                    .last = code == known_ ? before.first : codes_[code].first};
  ++known_;
  if (known_ == 1u << code_bits_ && code_bits_ < kMaxCodeBits) ++code_bits_;
}

void GifLzwReader::Unpack(unsigned code, uint8_t* target) const {
  for (size_t at = codes_[code].length; at-- > 0;) {
    target[at] = codes_[code].last;
    code = codes_[code].before;
  }
}

const char* GifLzwReader::Next(std::span<uint8_t> indices) {
  if (clear_ == 0) return kWrong;
  while (!indices.empty()) {
    if (!rest_left_.empty()) {
      const size_t count = std::min(rest_left_.size(), indices.size());
      std::copy_n(rest_left_.begin(), count, indices.begin());
      rest_left_ = rest_left_.subspan(count);
      indices = indices.subspan(count);
      continue;
    }
    unsigned code = 0;
    if (!TakeCode(code)) return kEndsTooEarly;
    if (code == clear_) {
      Clear();
      continue;
    }
    if (code == clear_ + 1) return kEndsTooEarly;
    // One that is not known yet can only be the one that is learned now.
    if (code > known_ || (code >= clear_ && !has_before_)) return kWrong;
    if (has_before_) Learn(code);
    has_before_ = true;
    before_ = code;
    const size_t length = codes_[code].length;
    if (length <= indices.size()) {
      Unpack(code, indices.data());
      indices = indices.subspan(length);
    } else {
      Unpack(code, rest_.data());
      rest_left_ = std::span(rest_).first(length);
    }
  }
  return nullptr;
}

}  // namespace imageadapt
