// Writes seeds for a fuzzer: small good inputs, made here.
//
//   make_seeds TARGET FOLDER
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_split.h"
#include "fuzz/seed_files.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/image/image.h"
#include "nlimage.pb.h"

namespace imageadapt {
namespace {

std::string FileOf(const Codec& codec, const ImageSpec& spec,
                   const EncodeOptions& options = {}) {
  BufferPool pool;
  auto image = Image::Create(spec, pool);
  if (!image.ok()) return std::string();
  for (uint32_t y = 0; y < spec.shape.height; ++y) {
    auto value = static_cast<uint8_t>(y * 7);
    for (std::byte& byte : image->view().row_bytes(y)) {
      byte = static_cast<std::byte>(value);
      value = static_cast<uint8_t>(value * 5 + 3);
    }
  }
  BufferSink sink(pool);
  auto encoder = codec.create(sink, spec, options);
  absl::Status status = encoder.status();
  for (uint32_t frame = 0; frame < options.frames.count && status.ok();
       ++frame) {
    if (frame > 0) status = (*encoder)->NextFrame(spec, options.first_delay);
    if (status.ok()) status = (*encoder)->WriteRows(image->view());
  }
  if (!status.ok() || !(*encoder)->Finish().ok()) return std::string();
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  return RopeOf(blocks).ToString();
}

std::vector<std::string> FilesOf(const Codec& codec) {
  std::vector<std::string> files;
  for (const SampleType type :
       {SampleType::kU8, SampleType::kU16, SampleType::kF32}) {
    for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
      const ImageSpec spec = {
          .shape = {.width = 17, .height = 16, .channels = channels},
          .sample_type = type};
      if (codec.can_hold(spec).ok()) files.push_back(FileOf(codec, spec));
    }
  }
  return files;
}

// Without loss, of 10 and 12 bits, and animations.
std::vector<std::string> SeedAvifs() {
  std::vector<std::string> files;
  for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
    ImageSpec spec = {
        .shape = {.width = 17, .height = 16, .channels = channels}};
    const FrameSequence frames = {.count = 3, .is_animation = true, .plays = 2};
    files.push_back(FileOf(kAvifCodec, spec, {.lossless = true}));
    files.push_back(FileOf(kAvifCodec, spec, {.frames = frames}));
    spec.sample_type = SampleType::kU16;
    files.push_back(FileOf(kAvifCodec, spec, {.sample_bits = 10}));
    files.push_back(FileOf(kAvifCodec, spec, {.sample_bits = 12}));
  }
  return files;
}

std::vector<std::string> Joined(std::vector<std::string> files,
                                const std::vector<std::string>& more) {
  files.insert(files.end(), more.begin(), more.end());
  return files;
}

// The codec whose files are called so, or null.
const Codec* CodecOf(const std::string& target) {
  for (const Codec* codec : AllCodecs()) {
    const std::vector<absl::string_view> names =
        absl::StrSplit(codec->extensions, ' ');
    if (absl::c_linear_search(names, target)) return codec;
  }
  return nullptr;
}

std::vector<std::string> Seeds(const std::string& target) {
  if (target == "png") return Joined(FilesOf(kPngCodec), SeedPngs());
  if (target == "jpeg") return Joined(FilesOf(kJpegCodec), SeedJpegs());
  if (target == "bmp") return Joined(FilesOf(kBmpCodec), SeedBmps());
  if (target == "pnm") return Joined(FilesOf(kPnmCodec), SeedPnms());
  if (target == "tiff") return Joined(FilesOf(kTiffCodec), SeedTiffs());
  if (target == "tga") return Joined(FilesOf(kTgaCodec), SeedTgas());
  if (target == "avif" && kAvifCodec.create != nullptr) {
    return Joined(FilesOf(kAvifCodec), SeedAvifs());
  }
  if (target == "nifti") {
    return Joined(FilesOf(kNiftiCodec), FilesOf(kNiftiGzipCodec));
  }
  if (target == "dicom") {
    const ImageSpec spec = {
        .shape = {.width = 16, .height = 16, .channels = 3}};
    return SeedDicoms(FileOf(kJpegCodec, spec), kJp2Codec.create != nullptr
                                                    ? FileOf(kJp2Codec, spec)
                                                    : "");
  }
  if (const Codec* const codec = CodecOf(target)) {
    if (codec->create != nullptr) return FilesOf(*codec);
  }
  if (target == "jpeg_turn") {
    std::vector<std::string> seeds;
    for (const std::string& file : Joined(FilesOf(kJpegCodec), SeedJpegs())) {
      for (char turn = 0; turn < 8; ++turn) seeds.push_back(turn + file);
    }
    return seeds;
  }
  if (target == "exif") {
    return {std::string("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06"
                        "\0\0\0\0\0\0",
                        26),
            std::string("Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"
                        "\x08\0\0\0\0\0\0\0",
                        32)};
  }
  if (target == "messages") {
    NLImageRotateRequest request;
    request.set_rotation(NLImageRotateRequest::NINETY_DEG);
    request.mutable_image()->set_data("abcdef");
    request.mutable_image()->set_width(3);
    request.mutable_image()->set_height(2);
    return {request.SerializeAsString(), request.image().SerializeAsString()};
  }
  return {};
}

}  // namespace
}  // namespace imageadapt

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: make_seeds TARGET FOLDER\n", stderr);
    return 2;
  }
  const auto seeds = imageadapt::Seeds(argv[1]);
  for (size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream file(std::string(argv[2]) + "/seed" + std::to_string(i),
                       std::ios::binary);
    file << seeds[i];
    if (!file || seeds[i].empty()) return 1;
  }
  return seeds.empty() ? 1 : 0;
}
