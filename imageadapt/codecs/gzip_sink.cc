#include "imageadapt/codecs/gzip_sink.h"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/byte_order.h"
#include "imageadapt/codecs/deflate_strip.h"

namespace imageadapt {
namespace {

constexpr size_t kPieceBytes = size_t{512} << 10;

// Deflate, no name, no time, of an unknown system.
constexpr std::array<uint8_t, 10> kHead = {0x1f, 0x8b, 8, 0, 0,
                                           0,    0,    0, 0, 255};
// An empty last block.
constexpr std::array<uint8_t, 2> kLastBlock = {0x03, 0x00};

DeflateLevel LevelOf(EncodeOptions::Effort effort) {
  switch (effort) {
    case EncodeOptions::Effort::kFast:
      return DeflateLevel::kFast;
    case EncodeOptions::Effort::kDefault:
      return DeflateLevel::kGood;
    case EncodeOptions::Effort::kSmallest:
      return DeflateLevel::kSmallest;
  }
  return DeflateLevel::kGood;
}

size_t PiecesOf(const Parallel* parallel) {
  return parallel == nullptr ? 1 : parallel->threads();
}

}  // namespace

GzipSink::GzipSink(ByteSink& target, EncodeOptions::Effort effort,
                   Parallel* parallel)
    : target_(target),
      effort_(effort),
      parallel_(parallel),
      pieces_(PiecesOf(parallel)) {}

uint64_t GzipSink::WorkingBytes(EncodeOptions::Effort effort,
                                const Parallel* parallel) {
  return PiecesOf(parallel) * (kPieceBytes + MaxDeflatedBytes(kPieceBytes) +
                               DeflateWorkingBytes(LevelOf(effort)));
}

absl::Status GzipSink::Begin() {
  BufferPool pool(0);
  ASSIGN_OR_RETURN(waiting_, pool.Take(pieces_.size() * kPieceBytes));
  for (Piece& piece : pieces_) {
    ASSIGN_OR_RETURN(piece.deflated, pool.Take(MaxDeflatedBytes(kPieceBytes)));
  }
  return target_.Append(std::as_bytes(std::span(kHead)));
}

absl::Status GzipSink::Append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const size_t taken =
        std::min(bytes.size(), waiting_.size() - waiting_bytes_);
    std::memcpy(waiting_.data() + waiting_bytes_, bytes.data(), taken);
    waiting_bytes_ += taken;
    bytes = bytes.subspan(taken);
    if (waiting_bytes_ == waiting_.size()) RETURN_IF_ERROR(WritePieces());
  }
  return absl::OkStatus();
}

absl::Status GzipSink::WritePieces() {
  const std::span<const std::byte> waiting =
      waiting_.span().first(waiting_bytes_);
  const size_t count = (waiting.size() + kPieceBytes - 1) / kPieceBytes;
  const auto deflate = [&](size_t i) {
    const auto bytes = waiting.subspan(i * kPieceBytes);
    Piece& piece = pieces_[i];
    piece.deflated_bytes =
        DeflateStrip(bytes.first(std::min(bytes.size(), kPieceBytes)),
                     LevelOf(effort_), piece.deflated.span(), buffers_);
  };
  if (parallel_ == nullptr || count <= 1) {
    for (size_t i = 0; i < count; ++i) deflate(i);
  } else {
    parallel_->ParallelFor(count, deflate);
  }
  crc_ = libdeflate_crc32(crc_, waiting.data(), waiting.size());
  size_ += waiting.size();
  waiting_bytes_ = 0;
  for (const Piece& piece : std::span(pieces_).first(count)) {
    RETURN_IF_ERROR(
        target_.Append(piece.deflated.span().first(piece.deflated_bytes)));
  }
  return absl::OkStatus();
}

absl::Status GzipSink::Finish() {
  RETURN_IF_ERROR(WritePieces());
  std::vector<uint8_t> tail(kLastBlock.begin(), kLastBlock.end());
  AppendLittle32(tail, crc_);
  AppendLittle32(tail, static_cast<uint32_t>(size_));
  return target_.Append(std::as_bytes(std::span(tail)));
}

}  // namespace imageadapt
