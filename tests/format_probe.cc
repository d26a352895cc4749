// Decodes and encodes files with our codecs, for tests in other languages:
//
//   format_probe FILE >FRAMES
//   format_probe encode TYPE QUALITY <FRAMES >FILE
//   format_probe move FILE MIRRORED QUARTERS [X Y WIDTH HEIGHT] >FILE
//
// For each frame a line "frame WIDTH HEIGHT CHANNELS TYPE DELAY" with TYPE u8,
// u16 or f32 and DELAY in seconds, then its samples row by row in the machine's
// byte order. At last a line "end PLAYS", or "refused MESSAGE".
//
// To encode, TYPE is a media type, QUALITY a number or "lossless", with ",10"
// or ",12" behind it where u16 samples get so few bits, and frames are alike;
// before them stands a line "frames COUNT PLAYS", PLAYS -1 for a still picture.
//
// To move is to cut a file's pixels X, Y, WIDTH, HEIGHT out (all if not given),
// to mirror them if MIRRORED is 1, and to turn them by QUARTERS
// counter-clockwise, without loss. The exit code is 3 if that cannot be exact.
#include <algorithm>
#include <cmath>
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
      FindCodec(bytes.first(std::min(kFormatHeadBytes, bytes.size())));
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

// The next frame's line.
struct FrameLine {
  ImageSpec spec;
  FrameDelay delay;
};

FrameLine ReadFrameLine() {
  std::string word;
  std::string type;
  double seconds = 0;
  FrameLine line;
  ImageShape& shape = line.spec.shape;
  std::cin >> word >> shape.width >> shape.height >> shape.channels >> type >>
      seconds;
  std::cin.get();
  for (const SampleType known :
       {SampleType::kU8, SampleType::kU16, SampleType::kF32}) {
    if (SampleTypeName(known) == type) line.spec.sample_type = known;
  }
  line.delay.numerator = static_cast<uint32_t>(std::lround(seconds * 1000));
  return line;
}

absl::Status EncodeFrame(const ImageSpec& spec, Encoder& encoder) {
  BufferPool pool;
  ASSIGN_OR_RETURN(Image image, Image::Create(spec, pool));
  for (uint32_t row = 0; row < spec.shape.height; ++row) {
    const auto bytes = image.view().row_bytes(row);
    std::cin.read(reinterpret_cast<char*>(bytes.data()),
                  static_cast<std::streamsize>(bytes.size()));
  }
  return encoder.WriteRows(image.view());
}

absl::Status EncodeFile(const std::string& type, const std::string& quality) {
  const Codec* const codec = FindCodecByMimeType(type);
  if (codec == nullptr) return absl::InvalidArgumentError("unknown format");
  std::string word;
  int plays = 0;
  EncodeOptions options;
  std::cin >> word >> options.frames.count >> plays;
  options.frames.is_animation = plays >= 0;
  options.frames.plays = static_cast<uint32_t>(std::max(plays, 0));
  const size_t comma = quality.find(',');
  if (comma != std::string::npos) {
    options.sample_bits =
        static_cast<uint32_t>(std::stoul(quality.substr(comma + 1)));
  }
  options.lossless = quality.starts_with("lossless");
  if (!options.lossless) options.quality = std::stoi(quality);
  BufferPool pool;
  BufferSink sink(pool);
  std::unique_ptr<Encoder> encoder;
  for (uint32_t frame = 0; frame < options.frames.count; ++frame) {
    const FrameLine line = ReadFrameLine();
    if (frame == 0) {
      RETURN_IF_ERROR(CanHold(*codec, line.spec, options));
      options.first_delay = line.delay;
      ASSIGN_OR_RETURN(encoder, codec->create(sink, line.spec, options));
    } else {
      RETURN_IF_ERROR(encoder->NextFrame(line.spec, line.delay));
    }
    RETURN_IF_ERROR(EncodeFrame(line.spec, *encoder));
  }
  RETURN_IF_ERROR(encoder->Finish());
  for (const Buffer& block : sink.TakeBlocks()) {
    std::cout.write(reinterpret_cast<const char*>(block.data()),
                    static_cast<std::streamsize>(block.size()));
  }
  return absl::OkStatus();
}

std::string ContentsOf(const char* name) {
  std::ifstream file(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The arguments behind the file's name.
absl::Status MoveFile(const std::string& file,
                      std::span<const char* const> arguments) {
  const auto number = [&](size_t i) {
    return static_cast<uint32_t>(std::stoul(arguments[i]));
  };
  LosslessMove move{.turn = {.mirrored = number(0) == 1,
                             .quarter_turns = static_cast<int>(number(1))}};
  if (arguments.size() > 2) {
    move.region = PixelRect{.x = number(2),
                            .y = number(3),
                            .width = number(4),
                            .height = number(5)};
  }
  const auto bytes = std::as_bytes(std::span(file));
  const Codec* const codec =
      FindCodec(bytes.first(std::min<size_t>(32, bytes.size())));
  if (codec == nullptr || codec->turn_losslessly == nullptr) {
    return absl::InvalidArgumentError("no format that can be moved");
  }
  BufferPool pool;
  BufferSink sink(pool);
  RETURN_IF_ERROR(codec->turn_losslessly(ByteRope(bytes), move, {}, sink));
  for (const Buffer& block : sink.TakeBlocks()) {
    std::cout.write(reinterpret_cast<const char*>(block.data()),
                    static_cast<std::streamsize>(block.size()));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace imageadapt

int main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (argc == 4 && first == "encode") {
    const absl::Status status = imageadapt::EncodeFile(argv[2], argv[3]);
    if (!status.ok()) std::cerr << status << "\n";
    return status.ok() && std::cout.flush() ? 0 : 1;
  }
  if ((argc == 5 || argc == 9) && first == "move") {
    const std::span arguments(argv, static_cast<size_t>(argc));
    const absl::Status status = imageadapt::MoveFile(
        imageadapt::ContentsOf(argv[2]), arguments.subspan(3));
    if (!status.ok()) std::cerr << status << "\n";
    if (absl::IsFailedPrecondition(status)) return 3;
    return status.ok() && std::cout.flush() ? 0 : 1;
  }
  if (argc != 2) {
    std::cerr << "usage: format_probe FILE | encode TYPE QUALITY | move FILE "
                 "MIRRORED "
                 "QUARTERS [X Y WIDTH HEIGHT]\n";
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
