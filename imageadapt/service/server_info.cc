#include "imageadapt/service/server_info.h"

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/codecs/format_table.h"
#include "imageadapt/kernels/kernel_target.h"
#include "imageadapt/service/image_processing.h"

namespace imageadapt {
namespace {

v1::SampleType TypeOf(SampleType type) {
  switch (type) {
    case SampleType::kU8:
      return v1::SAMPLE_TYPE_U8;
    case SampleType::kU16:
      return v1::SAMPLE_TYPE_U16;
    case SampleType::kF32:
      return v1::SAMPLE_TYPE_F32;
  }
  return v1::SAMPLE_TYPE_UNSPECIFIED;
}

v1::ImageFormat::Frames FramesOf(const Codec& codec) {
  if (codec.create == nullptr) return v1::ImageFormat::FRAMES_UNSPECIFIED;
  switch (codec.frames) {
    case Codec::Frames::kOne:
      return v1::ImageFormat::FRAMES_ONE;
    case Codec::Frames::kAlike:
      return v1::ImageFormat::FRAMES_ANIMATION;
    case Codec::Frames::kSlices:
      return v1::ImageFormat::FRAMES_SLICES;
    case Codec::Frames::kDifferent:
      return v1::ImageFormat::FRAMES_PAGES;
  }
  return v1::ImageFormat::FRAMES_UNSPECIFIED;
}

void Describe(const Codec& codec, v1::ImageFormat& format) {
  format.set_name(std::string(codec.name));
  format.set_mime_type(std::string(codec.mime_type));
  for (const absl::string_view extension :
       absl::StrSplit(codec.extensions, ' ')) {
    format.add_extensions(std::string(extension));
  }
  for (const SampleType type : TypesRead(codec)) {
    format.add_read_types(TypeOf(type));
  }
  for (const SampleType type : TypesWritten(codec)) {
    format.add_written_types(TypeOf(type));
  }
  format.set_written_frames(FramesOf(codec));
  format.set_lossless(codec.is_lossless);
  format.set_takes_quality(codec.takes_quality);
}

void AddOperations(v1::GetServerInfoResponse& info) {
  const auto* const kind = v1::Operation::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kind->field_count(); ++i) {
    info.add_operations(kind->field(i)->name());
  }
}

}  // namespace

v1::GetServerInfoResponse DescribeServer(const ServerFacts& facts) {
  v1::GetServerInfoResponse info;
  info.set_version(IMAGEADAPT_VERSION);
  info.set_simd_target(KernelTargetName());
  for (const Codec* const codec : AllCodecs()) {
    Describe(*codec, *info.add_formats());
  }
  AddOperations(info);
  v1::ServerLimits& limits = *info.mutable_limits();
  limits.set_max_message_bytes(facts.max_message_bytes);
  limits.set_max_pixels(facts.decode.max_pixels);
  limits.set_max_pixels_of_all_frames(facts.decode.max_pixels_of_all_frames);
  limits.set_max_frames(facts.decode.max_frames);
  limits.set_max_side(facts.decode.max_side);
  limits.set_max_operations(kMaxOperations);
  limits.set_memory_budget_bytes(facts.memory_budget_bytes);
  limits.set_workers(static_cast<uint32_t>(facts.workers));
  limits.set_max_queued(static_cast<uint32_t>(facts.max_queued));
  const auto wait = facts.max_wait.count();
  limits.mutable_max_wait()->set_seconds(wait / 1000);
  limits.mutable_max_wait()->set_nanos(
      static_cast<int32_t>(wait % 1000 * 1'000'000));
  return info;
}

}  // namespace imageadapt
