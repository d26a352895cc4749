#include "imageadapt/codecs/jpeg_turn.h"

#include <turbojpeg.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/codec_list.h"

namespace imageadapt {
namespace {

using Handle = std::unique_ptr<void, int (*)(tjhandle)>;
using Output = std::unique_ptr<unsigned char, void (*)(unsigned char*)>;

// TurboJPEG names turns by their clockwise angle.
TJXOP OperationOf(Orientation turn) {
  constexpr std::array<TJXOP, 4> kTurned = {TJXOP_NONE, TJXOP_ROT270,
                                            TJXOP_ROT180, TJXOP_ROT90};
  constexpr std::array<TJXOP, 4> kMirrored = {TJXOP_HFLIP, TJXOP_TRANSPOSE,
                                              TJXOP_VFLIP, TJXOP_TRANSVERSE};
  const auto quarters = static_cast<size_t>(turn.quarter_turns);
  return turn.mirrored ? kMirrored[quarters] : kTurned[quarters];
}

// A profile is cut into numbered APP2 segments (ICC.1:2022, annex B.4).
std::vector<std::byte> IccSegments(std::span<const std::byte> profile) {
  constexpr char kName[] = "ICC_PROFILE";  // with its final zero
  constexpr size_t kMaxPart = 65535 - 2 - sizeof(kName) - 2;
  const size_t parts = (profile.size() + kMaxPart - 1) / kMaxPart;
  std::vector<std::byte> segments;
  if (parts > 255) return segments;
  const auto append = [&](size_t byte) {
    segments.push_back(static_cast<std::byte>(byte & 0xff));
  };
  for (size_t part = 1; part <= parts; ++part) {
    const auto bytes = profile.first(std::min(kMaxPart, profile.size()));
    profile = profile.subspan(bytes.size());
    const size_t length = 2 + sizeof(kName) + 2 + bytes.size();
    append(0xff);
    append(0xe2);
    append(length >> 8);
    append(length);
    for (const char c : kName) append(static_cast<unsigned char>(c));
    append(part);
    append(parts);
    segments.insert(segments.end(), bytes.begin(), bytes.end());
  }
  return segments;
}

// Where metadata may be put: behind the start marker and the JFIF segment,
// which must come first.
size_t EndOfJfif(std::span<const std::byte> file) {
  constexpr size_t kStart = 2;
  if (file.size() < kStart + 4 || file[kStart] != std::byte{0xff} ||
      file[kStart + 1] != std::byte{0xe0}) {
    return std::min(kStart, file.size());
  }
  const size_t length = std::to_integer<size_t>(file[kStart + 2]) << 8 |
                        std::to_integer<size_t>(file[kStart + 3]);
  return std::min(kStart + 2 + length, file.size());
}

absl::Status NotExact(const char* why) {
  return absl::FailedPreconditionError(
      absl::StrCat("the JPEG file cannot be turned without loss: ", why));
}

}  // namespace

absl::Status TurnJpegLosslessly(const ByteRope& file, Orientation turn,
                                const DecodeLimits& limits, ByteSink& sink) {
  // Limits are checked, and the profile is read, by the decoder.
  RopeSource source(file);
  ASSIGN_OR_RETURN(const std::unique_ptr<Decoder> header,
                   kJpegCodec.open(source, limits));
  const Handle handle(tjInitTransform(), tjDestroy);
  if (handle == nullptr) return NotExact("no memory");

  const std::string input = file.ToString();
  tjtransform transform = {};
  transform.op = OperationOf(turn);
  transform.options = TJXOPT_PERFECT | TJXOPT_COPYNONE;
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const int result = tjTransform(
      handle.get(), reinterpret_cast<const unsigned char*>(input.data()),
      input.size(), 1, &bytes, &size, &transform,
      TJFLAG_LIMITSCANS | TJFLAG_STOPONWARNING);
  const Output output(bytes, tjFree);
  if (result != 0) return NotExact(tjGetErrorStr2(handle.get()));

  const auto turned = std::as_bytes(std::span(output.get(), size));
  const size_t head = EndOfJfif(turned);
  RETURN_IF_ERROR(sink.Append(turned.first(head)));
  RETURN_IF_ERROR(sink.Append(IccSegments(header->metadata().icc_profile)));
  return sink.Append(turned.subspan(head));
}

}  // namespace imageadapt
