#include "absl/strings/str_cat.h"
#include "bench/codec_contender.h"

namespace imageadapt::bench {
namespace {

struct Kind {
  const char* name;
  CodecRow::Format format;
  bool is_fast;
};

constexpr Kind kKinds[] = {{"jpeg_turn", CodecRow::Format::kJpeg, false},
                           {"png_turn", CodecRow::Format::kPng, false},
                           {"png_turn_fast", CodecRow::Format::kPng, true}};

constexpr ImageShape kSizes[] = {
    {.width = 1920, .height = 1080, .channels = 3},
    {.width = 4000, .height = 3000, .channels = 3}};

constexpr CodecPeer kPeers[] = {
#ifdef IMAGEADAPT_BENCH_OPENCV_CODEC
    {"opencv", MakeOpenCvCodec, false},
#else
    {"opencv"},
#endif
#ifdef IMAGEADAPT_BENCH_LIBVIPS_CODEC
    {"libvips", MakeLibvipsCodec, true},
#else
    {"libvips"},
#endif
#ifdef IMAGEADAPT_BENCH_PILLOW_CODEC
    {"pillow", MakePillowCodec, false},
#else
    {"pillow"},
#endif
    {"turbojpeg", MakeTurboJpeg, false},
};

}  // namespace

std::string CodecRow::Name() const {
  return absl::StrCat(name, "/", SampleTypeName(spec.sample_type), "x",
                      spec.shape.channels, "/", spec.shape.width, "x",
                      spec.shape.height, threads == 1 ? "" : "@2");
}

std::vector<CodecRow> AllCodecRows() {
  std::vector<CodecRow> rows;
  for (const int threads : {1, 2}) {
    for (const Kind& kind : kKinds) {
      for (const ImageShape& shape : kSizes) {
        rows.push_back(
            {.name = kind.name,
             .format = kind.format,
             .spec = {.shape = shape, .sample_type = SampleType::kU8},
             .is_fast = kind.is_fast,
             .threads = threads});
      }
    }
  }
  return rows;
}

std::span<const CodecPeer> CodecPeers() { return kPeers; }

}  // namespace imageadapt::bench
