// Decodes a file with our codecs, for tests in other languages:
//
//   format_probe FILE >FRAMES
//
// For each frame a line "frame WIDTH HEIGHT CHANNELS TYPE DELAY" with TYPE u8,
// u16 or f32 and DELAY in seconds, then its samples row by row in the machine's
// byte order. At last a line "end PLAYS", or "refused MESSAGE".
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/image/image.h"

namespace imageadapt {
namespace {

absl::Status WriteFrame(Decoder& decoder) {
  const ImageSpec& spec = decoder.spec();
  BufferPool pool;
  // As the pipeline does, some rows at a time.
  constexpr uint32_t kRows = 50;
  for (uint32_t y = 0; y < spec.shape.height; y += kRows) {
    Image rows;
    const uint32_t count = std::min(kRows, spec.shape.height - y);
    ImageSpec part = spec;
    part.shape.height = count;
    ASSIGN_OR_RETURN(rows, Image::Create(part, pool));
    RETURN_IF_ERROR(decoder.ReadRows(rows.view()));
    if (y == 0) {
      const FrameDelay delay = decoder.delay();
      std::cout << "frame " << spec.shape.width << " " << spec.shape.height
                << " " << spec.shape.channels << " "
                << SampleTypeName(spec.sample_type) << " "
                << static_cast<double>(delay.numerator) / delay.denominator
                << "\n";
    }
    for (uint32_t row = 0; row < count; ++row) {
      const auto bytes = rows.view().row_bytes(row);
      std::cout.write(reinterpret_cast<const char*>(bytes.data()),
                      static_cast<std::streamsize>(bytes.size()));
    }
  }
  return absl::OkStatus();
}

absl::Status WriteFrames(const std::string& file) {
  const auto bytes = std::as_bytes(std::span(file));
  const Codec* const codec =
      FindCodec(bytes.first(std::min<size_t>(32, bytes.size())));
  if (codec == nullptr) return absl::InvalidArgumentError("unknown format");
  if (codec->open == nullptr) return absl::UnimplementedError("not built");
  RopeSource source{ByteRope(bytes)};
  ASSIGN_OR_RETURN(const std::unique_ptr<Decoder> decoder,
                   codec->open(source, {}));
  const FrameSequence frames = decoder->metadata().frames;
  for (uint32_t frame = 0; frame < frames.count; ++frame) {
    if (frame > 0) RETURN_IF_ERROR(decoder->NextFrame());
    RETURN_IF_ERROR(WriteFrame(*decoder));
  }
  std::cout << "end " << frames.plays << "\n";
  return absl::OkStatus();
}

}  // namespace
}  // namespace imageadapt

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: format_probe FILE\n";
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  if (!file) {
    std::cerr << argv[1] << ": cannot be read\n";
    return 2;
  }
  const absl::Status status = imageadapt::WriteFrames(
      std::string(std::istreambuf_iterator<char>(file), {}));
  if (!status.ok()) std::cout << "refused " << status.message() << "\n";
  return std::cout.flush() ? 0 : 1;
}
