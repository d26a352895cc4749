// PNG, with the animations of APNG.
#include <algorithm>
#include <cstring>

#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/encode_checks.h"
#include "imageadapt/codecs/png_chunks.h"
#include "imageadapt/codecs/png_reader.h"
#include "imageadapt/codecs/png_writer.h"

namespace imageadapt {
namespace {

constexpr uint32_t kLongestSide = 0x7fffffff;

bool Recognizes(std::span<const std::byte> head) {
  return head.size() >= kPngSignature.size() &&
         std::memcmp(head.data(), kPngSignature.data(), kPngSignature.size()) ==
             0;
}

absl::Status CanHold(const ImageSpec& spec) {
  if (spec.sample_type == SampleType::kF32) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                   "PNG cannot hold float samples");
  }
  return CheckSides("PNG", spec, kLongestSide);
}

}  // namespace

const Codec kPngCodec = {.name = "PNG",
                         .mime_type = "image/png",
                         .recognizes = Recognizes,
                         .open = OpenPng,
                         .can_hold = CanHold,
                         .create = CreatePng,
                         .turn_losslessly = nullptr,
                         .encoder_bytes = PngWriterBytes,
                         .frames = Codec::Frames::kAlike,
                         .extensions = "png apng",
                         .reads = kReadsU8 | kReadsU16,
                         .is_lossless = true,
                         .keeps_icc_profile = true};

}  // namespace imageadapt
