#include "imageadapt/rpc/inflate_message.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

constexpr size_t kChunkBytes = size_t{256} << 10;
constexpr int kGzipWindowBits = 15 + 16;  // zlib: 16 more means gzip

absl::Status Damaged(const char* problem) {
  return Refusal(absl::StatusCode::kInvalidArgument, kBadMessage,
                 "the compressed message is ", problem);
}

class Inflater {
 public:
  Inflater(uint64_t max_bytes, const Workspace& work)
      : work_(work), sink_(work.buffers, max_bytes) {
    is_open_ = inflateInit2(&stream_, kGzipWindowBits) == Z_OK;
  }
  ~Inflater() {
    if (is_open_) inflateEnd(&stream_);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  absl::Status Take(std::span<const std::byte> piece) {
    if (!is_open_) return Damaged("not readable now: no memory");
    // zlib's interface is older than const; it does not write to its input.
    stream_.next_in =
        reinterpret_cast<Bytef*>(const_cast<std::byte*>(piece.data()));
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
      if (is_at_end_) {
        // Several members in a row are one message.
        if (stream_.avail_in == 0) return absl::OkStatus();
        if (inflateReset(&stream_) != Z_OK) return Damaged("damaged");
        is_at_end_ = false;
      }
      RETURN_IF_ERROR(Step());
    } while (stream_.avail_in > 0 || has_more_);
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<Buffer>> Finish() {
    if (!is_at_end_) return Damaged("cut off");
    return sink_.TakeBlocks();
  }

 private:
  absl::Status Step() {
    RETURN_IF_ERROR(work_.call.Check());
    if (chunk_.size() == 0) {
      RETURN_IF_ERROR(ReserveMemory(kChunkBytes, work_));
      ASSIGN_OR_RETURN(chunk_, work_.buffers.Take(kChunkBytes));
    }
    stream_.next_out = reinterpret_cast<Bytef*>(chunk_.data());
    stream_.avail_out = static_cast<uInt>(chunk_.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    is_at_end_ = result == Z_STREAM_END;
    if (!is_at_end_ && result != Z_OK && result != Z_BUF_ERROR) {
      return Damaged("damaged");
    }
    has_more_ = stream_.avail_out == 0 && !is_at_end_;
    const size_t made = chunk_.size() - stream_.avail_out;
    RETURN_IF_ERROR(ReserveMemory(made, work_));
    const absl::Status appended = sink_.Append(chunk_.span().first(made));
    if (absl::IsOutOfRange(appended)) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "the compressed message inflates to ", appended.message(),
                     ", the limit for a message");
    }
    return appended;
  }

  const Workspace& work_;
  BufferSink sink_;
  z_stream stream_ = {};
  Buffer chunk_;
  bool is_open_ = false;
  bool is_at_end_ = false;
  bool has_more_ = false;
};

}  // namespace

bool IsGzip(const ByteRope& message) {
  std::array<std::byte, 2> head;
  return message.CopyTo(0, head) == head.size() && head[0] == std::byte{0x1f} &&
         head[1] == std::byte{0x8b};
}

absl::StatusOr<std::vector<Buffer>> InflateGzip(const ByteRope& message,
                                                uint64_t max_bytes,
                                                const Workspace& work) {
  Inflater inflater(max_bytes, work);
  for (const auto piece : message.pieces()) {
    RETURN_IF_ERROR(inflater.Take(piece));
  }
  return inflater.Finish();
}

}  // namespace imageadapt
