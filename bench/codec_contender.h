// Those whose time is taken from the bytes of a file to the bytes of another.
// SPDX-License-Identifier: Apache-2.0
#ifndef BENCH_CODEC_CONTENDER_H_
#define BENCH_CODEC_CONTENDER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "imageadapt/image/image_spec.h"

namespace imageadapt::bench {

// Of the JPEG files that are read and written.
inline constexpr int kJpegQuality = 90;

struct CodecRow {
  enum class Format : uint8_t { kJpeg, kPng };

  const char* name = "";
  Format format = Format::kPng;
  ImageSpec spec;        // of the file that is read
  bool is_fast = false;  // by the quickest way of writing that we have
  int threads = 1;       // 1 or 2

  // "png_turn/u8x3/1920x1080", with "@2" at the end for two threads.
  std::string Name() const;
};

// A quarter turn counter-clockwise, from a file to one of the same format.
std::vector<CodecRow> AllCodecRows();

struct CodecContender {
  std::function<void()> run;
  // The file that the last run made; stays until the next one.
  std::function<std::span<const std::byte>()> result;
};

// Nothing if the library has no such way. `file` outlives the contender.
using CodecContenderMaker = std::optional<CodecContender> (*)(
    const CodecRow& row, std::span<const std::byte> file);

struct CodecPeer {
  const char* name = "";
  // Null if the library was not there when this program was built.
  CodecContenderMaker make = nullptr;
  bool has_threads = false;
};

// In the order of Peers(), as far as they read and write files; then others,
// of which a table has no column.
std::span<const CodecPeer> CodecPeers();

// Each of these is defined in the file of its library.
std::optional<CodecContender> MakeOurCodec(const CodecRow& row,
                                           std::span<const std::byte> file);
std::optional<CodecContender> MakeOpenCvCodec(const CodecRow& row,
                                              std::span<const std::byte> file);
std::optional<CodecContender> MakeLibvipsCodec(const CodecRow& row,
                                               std::span<const std::byte> file);
std::optional<CodecContender> MakePillowCodec(const CodecRow& row,
                                              std::span<const std::byte> file);
std::optional<CodecContender> MakeTurboJpeg(const CodecRow& row,
                                            std::span<const std::byte> file);

}  // namespace imageadapt::bench

#endif  // BENCH_CODEC_CONTENDER_H_
