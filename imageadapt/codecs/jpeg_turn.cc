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

// The starts of scans in `file`. Garbage between segments may hide some, but a
// file that the library can follow is counted right.
uint64_t CountScans(std::span<const std::byte> file) {
  constexpr unsigned kStartOfScan = 0xda;
  uint64_t scans = 0;
  size_t at = 2;
  while (at + 4 <= file.size()) {
    const void* const next = std::memchr(&file[at], 0xff, file.size() - at - 3);
    if (next == nullptr) break;
    at = static_cast<size_t>(static_cast<const std::byte*>(next) - file.data());
    const auto marker = std::to_integer<unsigned>(file[at + 1]);
    // Fill bytes; 0xff of the samples; restart marks and others without length.
    const bool has_length =
        marker >= 0xc0 && marker != 0xff && (marker < 0xd0 || marker > 0xd9);
    if (!has_length) {
      at += marker == 0xff ? 1 : 2;
      continue;
    }
    if (marker == kStartOfScan) ++scans;
    at += 2 + (std::to_integer<size_t>(file[at + 2]) << 8 |
               std::to_integer<size_t>(file[at + 3]));
  }
  return scans;
}

// The library would add Adobe's marker to inks, by which the same samples mean
// other colours. And what is read of their profile is not for inks.
bool StoresInks(tjhandle handle, std::span<const std::byte> file) {
  int width = 0;
  int height = 0;
  int subsampling = 0;
  int colors = 0;
  const int result = tjDecompressHeader3(
      handle, reinterpret_cast<const unsigned char*>(file.data()), file.size(),
      &width, &height, &subsampling, &colors);
  return result == 0 && (colors == TJCS_CMYK || colors == TJCS_YCCK);
}

absl::Status NotExact(const char* why) {
  return absl::FailedPreconditionError(
      absl::StrCat("the JPEG file cannot be turned without loss: ", why));
}

}  // namespace

absl::Status TurnJpegLosslessly(const ByteRope& file, Orientation turn,
                                bool keeps_icc_profile,
                                const DecodeLimits& limits, ByteSink& sink) {
  // Limits are checked, and the profile is read, by the decoder.
  RopeSource source(file);
  ASSIGN_OR_RETURN(const std::unique_ptr<Decoder> header,
                   kJpegCodec.open(source, limits));
  const Handle handle(tjInitTransform(), tjDestroy);
  if (handle == nullptr) return NotExact("no memory");

  // The library wants the file in one piece.
  const std::string copy =
      file.pieces().size() == 1 ? std::string() : file.ToString();
  const auto input = file.pieces().size() == 1 ? file.pieces().front()
                                               : std::as_bytes(std::span(copy));
  if (CountScans(input) > limits.max_scans) {
    return NotExact("it has more scans than the limit");
  }
  if (StoresInks(handle.get(), input)) return NotExact("it stores inks");

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
  if (keeps_icc_profile) {
    RETURN_IF_ERROR(sink.Append(IccSegments(header->metadata().icc_profile)));
  }
  return sink.Append(turned.subspan(head));
}

}  // namespace imageadapt
