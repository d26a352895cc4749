#include <cstdlib>

#include "fuzz/fuzz_decode.h"
#include "fuzz/fuzz_target.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/jpeg_turn.h"

// The first byte says how to turn and whether to cut, the rest is the file.
// Nothing is written, or a file that is the turned one.
int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace imageadapt;  // NOLINT(google-build-using-namespace)
  if (size == 0) return 0;
  LosslessMove move{
      .turn = {.mirrored = (bytes[0] & 4) != 0, .quarter_turns = bytes[0] & 3}};
  const ByteRope file(std::as_bytes(std::span(bytes + 1, size - 1)));
  RopeSource before(file);
  const auto original = kJpegCodec.open(before, FuzzLimits());
  ImageShape shape;
  if (original.ok()) shape = (*original)->spec().shape;
  const PixelRect region = {.x = 8U * (bytes[0] >> 4 & 3),
                            .y = 8U * (bytes[0] >> 6),
                            .width = 16,
                            .height = 9};
  if ((bytes[0] & 8) != 0 && IsWithin(region, shape)) {
    move.region = region;
    shape.width = region.width;
    shape.height = region.height;
  }
  BufferPool pool;
  BufferSink sink(pool, /*max_bytes=*/1 << 24);
  const absl::Status status =
      TurnJpegLosslessly(file, move, FuzzLimits(), sink);
  if (!status.ok()) {
    if (sink.size() != 0 && !absl::IsOutOfRange(status)) std::abort();
    return 0;
  }
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  RopeSource after(RopeOf(blocks));
  const auto turned = kJpegCodec.open(after, FuzzLimits());
  if (!original.ok() || !turned.ok() ||
      (*turned)->spec().shape != move.turn.Apply(shape)) {
    std::abort();
  }
  return 0;
}
