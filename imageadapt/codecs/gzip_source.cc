#include "imageadapt/codecs/gzip_source.h"

#include <isa-l.h>

#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

constexpr size_t kInflatedBytes = size_t{64} << 10;
constexpr uint8_t kMagic = 0x1f;

void StartStream(inflate_state& state) {
  uint8_t* const next = state.next_in;
  const uint32_t left = state.avail_in;
  isal_inflate_init(&state);
  state.crc_flag = ISAL_GZIP;
  state.next_in = next;
  state.avail_in = left;
}

}  // namespace

GzipSource::GzipSource(ByteSource& compressed)
    : compressed_(compressed),
      state_(std::make_unique<inflate_state>()),
      inflated_(kInflatedBytes) {
  StartStream(*state_);
  state_->avail_in = 0;
}

GzipSource::~GzipSource() = default;

uint64_t GzipSource::WorkingBytes() {
  return sizeof(inflate_state) + kInflatedBytes;
}

absl::Status GzipSource::TakeCompressed() {
  ASSIGN_OR_RETURN(const std::span<const std::byte> next, compressed_.Next());
  // The library's interface is older than const; it does not write to it.
  state_->next_in =
      reinterpret_cast<uint8_t*>(const_cast<std::byte*>(next.data()));
  state_->avail_in = static_cast<uint32_t>(next.size());
  is_at_end_ = next.empty();
  return absl::OkStatus();
}

absl::StatusOr<bool> GzipSource::StartMember() {
  if (state_->avail_in == 0 && !is_at_end_) RETURN_IF_ERROR(TakeCompressed());
  // Zeros that fill a block of a tape, or other bytes that are nobody's.
  if (is_at_end_ || *state_->next_in != kMagic) return false;
  StartStream(*state_);
  return true;
}

absl::StatusOr<std::span<const std::byte>> GzipSource::Next() {
  while (!has_ended_) {
    state_->next_out = inflated_.data();
    state_->avail_out = static_cast<uint32_t>(inflated_.size());
    const uint32_t before = state_->avail_in;
    const int result = isal_inflate(state_.get());
    const size_t made = inflated_.size() - state_->avail_out;
    const bool has_moved = made > 0 || state_->avail_in < before;
    if (result != ISAL_DECOMP_OK) {
      has_ended_ = true;
      problem_ = result == ISAL_INCORRECT_CHECKSUM
                     ? "the checksum of its compressed data is wrong"
                     : "its compressed data are damaged";
    } else if (state_->block_state == ISAL_BLOCK_FINISH) {
      ASSIGN_OR_RETURN(const bool goes_on, StartMember());
      has_ended_ = !goes_on;
    } else if (!has_moved && state_->avail_in == 0) {
      if (!is_at_end_) RETURN_IF_ERROR(TakeCompressed());
      if (is_at_end_) {
        has_ended_ = true;
        problem_ = "its compressed data end too early";
      }
    }
    if (made > 0) return std::as_bytes(std::span(inflated_)).first(made);
  }
  return std::span<const std::byte>();
}

bool IsGzip(std::span<const std::byte> head) {
  constexpr std::byte kDeflate{8};
  constexpr std::byte kReservedFlags{0xe0};
  return head.size() >= 4 && head[0] == std::byte{kMagic} &&
         head[1] == std::byte{0x8b} && head[2] == kDeflate &&
         (head[3] & kReservedFlags) == std::byte{0};
}

}  // namespace imageadapt
