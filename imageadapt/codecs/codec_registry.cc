#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "imageadapt/codecs/codec_list.h"

namespace imageadapt {
namespace {

constexpr const Codec* kCodecs[] = {
#define IMAGEADAPT_CODEC(name) &name,
#include "imageadapt/codecs/codecs.inc"
#undef IMAGEADAPT_CODEC
};

}  // namespace

std::span<const Codec* const> AllCodecs() { return kCodecs; }

const Codec* FindCodec(std::span<const std::byte> head) {
  for (const Codec* codec : kCodecs) {
    if (codec->recognizes(head)) return codec;
  }
  return nullptr;
}

const Codec* FindCodecByMimeType(absl::string_view mime_type) {
  for (const Codec* codec : kCodecs) {
    if (codec->mime_type == mime_type) return codec;
  }
  return nullptr;
}

const Codec* FindCodecByExtension(absl::string_view extension) {
  const std::string wanted = absl::AsciiStrToLower(extension);
  for (const Codec* codec : kCodecs) {
    for (const absl::string_view known :
         absl::StrSplit(codec->extensions, ' ')) {
      if (known == wanted) return codec;
    }
  }
  return nullptr;
}

}  // namespace imageadapt
