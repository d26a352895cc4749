#include <cstdlib>

#include "fuzz/fuzz_decode.h"
#include "fuzz/fuzz_target.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/jpeg_turn.h"

// The first byte says how to turn, the rest is the file. Nothing is written, or
// a file that is the turned one.
int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace imageadapt;  // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  const Orientation turn{.mirrored = (bytes[0] & 4) != 0,
                         .quarter_turns = bytes[0] & 3};
  const ByteRope file(std::as_bytes(std::span(bytes + 1, size - 1)));
  BufferPool pool;
  BufferSink sink(pool, /*max_bytes=*/1 << 24);
  const absl::Status status =
      TurnJpegLosslessly(file, {.turn = turn}, FuzzLimits(), sink);
  if (!status.ok()) {
    if (sink.size() != 0 && !absl::IsOutOfRange(status)) std::abort();
    return 0;
  }
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  RopeSource before(file);
  RopeSource after(RopeOf(blocks));
  const auto original = kJpegCodec.open(before, FuzzLimits());
  const auto turned = kJpegCodec.open(after, FuzzLimits());
  if (!original.ok() || !turned.ok() ||
      (*turned)->spec().shape != turn.Apply((*original)->spec().shape)) {
    std::abort();
  }
  return 0;
}
