#include "imageadapt/codecs/format_table.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace imageadapt {
namespace {

constexpr SampleType kTypes[] = {SampleType::kU8, SampleType::kU16,
                                 SampleType::kF32};

bool CanHold(const Codec& codec, SampleType type) {
  for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
    const ImageShape shape = {.width = 1, .height = 1, .channels = channels};
    if (codec.can_hold({.shape = shape, .sample_type = type}).ok()) return true;
  }
  return false;
}

std::string Names(const std::vector<SampleType>& types) {
  if (types.empty()) return "-";
  return absl::StrJoin(types, " ", [](std::string* out, SampleType type) {
    absl::StrAppend(out, SampleTypeName(type));
  });
}

const char* FramesOf(const Codec& codec) {
  if (codec.create == nullptr) return "-";
  switch (codec.frames) {
    case Codec::Frames::kOne:
      return "first";
    case Codec::Frames::kAlike:
      return "animation";
    case Codec::Frames::kSlices:
      return "slices";
    case Codec::Frames::kDifferent:
      return "pages";
  }
  return "-";
}

}  // namespace

std::vector<SampleType> TypesRead(const Codec& codec) {
  std::vector<SampleType> types;
  if (codec.open == nullptr) return types;
  for (const SampleType type : kTypes) {
    if ((codec.reads & 1 << static_cast<int>(type)) != 0) types.push_back(type);
  }
  return types;
}

std::vector<SampleType> TypesWritten(const Codec& codec) {
  std::vector<SampleType> types;
  if (codec.create == nullptr) return types;
  for (const SampleType type : kTypes) {
    if (CanHold(codec, type)) types.push_back(type);
  }
  return types;
}

std::string FormatTable() {
  constexpr char kLine[] = "%-14s %-12s %-12s %-10s %-26s %s\n";
  std::string table = absl::StrFormat(kLine, "FORMAT", "READS", "WRITES",
                                      "FRAMES", "MEDIA TYPE", "EXTENSIONS");
  for (const Codec* const codec : AllCodecs()) {
    absl::StrAppend(
        &table, absl::StrFormat(kLine, codec->name, Names(TypesRead(*codec)),
                                Names(TypesWritten(*codec)), FramesOf(*codec),
                                codec->mime_type, codec->extensions));
  }
  return table;
}

}  // namespace imageadapt
