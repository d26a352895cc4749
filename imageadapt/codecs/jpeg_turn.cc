#include "imageadapt/codecs/jpeg_turn.h"

#include <turbojpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/jpeg_blocks.h"

namespace imageadapt {
namespace {

using Handle = std::unique_ptr<void, int (*)(tjhandle)>;
using Output = std::unique_ptr<unsigned char, void (*)(unsigned char*)>;

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
      absl::StrCat("the JPEG file cannot be moved without loss: ", why));
}

// The same coefficients in a file of the usual kind; null if it is damaged or
// of a kind that nobody reads.
Output ToUsualKind(tjhandle handle, std::span<const std::byte> file,
                   size_t& size) {
  tjtransform transform = {};
  transform.op = TJXOP_NONE;
  transform.options = TJXOPT_COPYNONE;
  unsigned char* bytes = nullptr;
  unsigned long count = 0;
  const int result = tjTransform(
      handle, reinterpret_cast<const unsigned char*>(file.data()), file.size(),
      1, &bytes, &count, &transform, TJFLAG_LIMITSCANS | TJFLAG_STOPONWARNING);
  Output output(bytes, tjFree);
  if (result != 0) output.reset();
  size = count;
  return output;
}

}  // namespace

absl::Status TurnJpegLosslessly(const ByteRope& file, const LosslessMove& move,
                                const DecodeLimits& limits, ByteSink& sink) {
  // Limits are checked, and the profile is read, by the decoder.
  RopeSource source(file);
  ASSIGN_OR_RETURN(const std::unique_ptr<Decoder> header,
                   kJpegCodec.open(source, limits));
  const Handle handle(tjInitTransform(), tjDestroy);
  if (handle == nullptr) return NotExact("no memory");

  // The library wants the file in one piece, and so do we.
  const std::string copy =
      file.pieces().size() == 1 ? std::string() : file.ToString();
  const auto input = file.pieces().size() == 1 ? file.pieces().front()
                                               : std::as_bytes(std::span(copy));
  if (CountScans(input) > limits.max_scans) {
    return NotExact("it has more scans than the limit");
  }
  if (StoresInks(handle.get(), input)) return NotExact("it stores inks");

  BufferPool own_buffers(0);
  BufferPool& buffers = move.buffers == nullptr ? own_buffers : *move.buffers;
  const JpegMove how = {
      .region = move.region, .turn = move.turn, .parallel = move.parallel};
  JpegBlocks blocks;
  JpegBlocksResult result = ReadJpegBlocks(input, how, buffers, blocks);
  if (result == JpegBlocksResult::kOtherKind) {
    size_t size = 0;
    const Output usual = ToUsualKind(handle.get(), input, size);
    if (usual == nullptr) return NotExact(tjGetErrorStr2(handle.get()));
    result = ReadJpegBlocks(std::as_bytes(std::span(usual.get(), size)), how,
                            buffers, blocks);
  }
  switch (result) {
    case JpegBlocksResult::kDone:
      break;
    case JpegBlocksResult::kOtherKind:
      return NotExact("it is of an unusual kind");
    case JpegBlocksResult::kInexact:
      return NotExact("it would start with part of a block");
    case JpegBlocksResult::kNoMemory:
      return Refusal(absl::StatusCode::kResourceExhausted, kOutOfMemory,
                     "no memory for the coefficients of a JPEG file");
  }
  std::vector<std::byte> icc_segments;
  if (move.keeps_icc_profile) {
    icc_segments = IccSegments(header->metadata().icc_profile);
  }
  return WriteJpegBlocks(blocks, icc_segments, move.parallel, buffers, sink);
}

}  // namespace imageadapt
