#include "imageadapt/codecs/png_inflater.h"

#include <isa-l.h>

#include <array>

namespace imageadapt {
namespace {

constexpr absl::string_view kImageData = "IDAT";
constexpr absl::string_view kFrameData = "fdAT";

}  // namespace

PngInflater::PngInflater(PngChunkReader& chunks)
    : chunks_(chunks), state_(std::make_unique<inflate_state>()) {}

PngInflater::~PngInflater() = default;

uint64_t PngInflater::WorkingBytes() { return sizeof(inflate_state); }

const char* PngInflater::Start(uint32_t* sequence) {
  isal_inflate_init(state_.get());
  state_->crc_flag = ISAL_ZLIB;
  state_->avail_in = 0;
  is_frame_data_ = chunks_.type() == kFrameData;
  sequence_ = sequence;
  problem_ = "";
  CheckSequence();
  return problem_;
}

bool PngInflater::CheckSequence() {
  if (!is_frame_data_) return true;
  std::array<std::byte, 4> number;
  if (chunks_.bytes_left() < number.size()) {
    problem_ = "a chunk of a frame is too short";
    return false;
  }
  if (!chunks_.Read(number)) {
    problem_ = chunks_.problem();
    return false;
  }
  if (BigEndian32(number.data()) != (*sequence_)++) {
    problem_ = "the chunks of its frames are out of order";
    return false;
  }
  return true;
}

bool PngInflater::NextData() {
  while (chunks_.bytes_left() == 0) {
    if (!chunks_.Next()) {
      problem_ = chunks_.problem();
      return false;
    }
    if (chunks_.type() != (is_frame_data_ ? kFrameData : kImageData)) {
      problem_ = "its compressed data end too early";
      return false;
    }
    if (!CheckSequence()) return false;
  }
  std::span<const std::byte> data;
  if (!chunks_.ReadSome(data)) {
    problem_ = chunks_.problem();
    return false;
  }
  // The library's interface is older than const; it does not write to it.
  state_->next_in =
      reinterpret_cast<uint8_t*>(const_cast<std::byte*>(data.data()));
  state_->avail_in = static_cast<uint32_t>(data.size());
  return true;
}

// Until there is no more room, or no more to come.
bool PngInflater::Inflate() {
  while (state_->avail_out > 0 && state_->block_state != ISAL_BLOCK_FINISH) {
    const uint32_t room = state_->avail_out;
    const int result = isal_inflate(state_.get());
    if (result == ISAL_INCORRECT_CHECKSUM) {
      problem_ = "the checksum of its compressed data is wrong";
      return false;
    }
    if (result != ISAL_DECOMP_OK) {
      problem_ = "its compressed data are damaged";
      return false;
    }
    const bool has_stopped =
        state_->avail_out == room && state_->block_state != ISAL_BLOCK_FINISH;
    if (state_->avail_in == 0 && has_stopped && !NextData()) return false;
  }
  return true;
}

const char* PngInflater::Read(std::span<uint8_t> target) {
  state_->next_out = target.data();
  state_->avail_out = static_cast<uint32_t>(target.size());
  if (Inflate() && state_->avail_out > 0) {
    problem_ = "its compressed data have too few rows";
  }
  return problem_;
}

size_t PngInflater::missing_bytes() const { return state_->avail_out; }

const char* PngInflater::Finish() {
  // More than was asked for is nobody's.
  uint8_t surplus = 0;
  state_->next_out = &surplus;
  state_->avail_out = 1;
  Inflate();
  return problem_;
}

}  // namespace imageadapt
