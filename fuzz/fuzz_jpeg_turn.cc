#include "fuzz/fuzz_decode.h"
#include "fuzz/fuzz_target.h"
#include "imageadapt/codecs/jpeg_turn.h"

// The first byte says how to turn, the rest is the file.
int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace imageadapt;  // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  const Orientation turn{.mirrored = (bytes[0] & 4) != 0,
                         .quarter_turns = bytes[0] & 3};
  BufferPool pool;
  BufferSink sink(pool, /*max_bytes=*/1 << 24);
  (void)TurnJpegLosslessly(
      ByteRope(std::as_bytes(std::span(bytes + 1, size - 1))), turn,
      FuzzLimits(), sink);
  return 0;
}
