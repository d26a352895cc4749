#include "imageadapt/codecs/whole_file.h"

#include <cstring>
#include <optional>
#include <vector>

#include "imageadapt/base/status_macros.h"

namespace imageadapt {

absl::StatusOr<Buffer> ReadWholeFile(ByteSource& source) {
  // Not kept: blocks of just this size are not wanted again soon.
  BufferPool pool(0);
  if (const std::optional<uint64_t> size = source.bytes_left()) {
    ASSIGN_OR_RETURN(Buffer whole, pool.Take(*size));
    for (size_t at = 0; at < whole.size();) {
      ASSIGN_OR_RETURN(const std::span<const std::byte> next, source.Next());
      std::memcpy(whole.data() + at, next.data(), next.size());
      at += next.size();
    }
    return whole;
  }
  BufferSink sink(pool);
  while (true) {
    ASSIGN_OR_RETURN(const std::span<const std::byte> next, source.Next());
    if (next.empty()) break;
    RETURN_IF_ERROR(sink.Append(next));
  }
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  const ByteRope rope = RopeOf(blocks);
  ASSIGN_OR_RETURN(Buffer whole, pool.Take(rope.size()));
  rope.CopyTo(0, whole.span());
  return whole;
}

}  // namespace imageadapt
