// TurboJPEG's lossless turn.
#include <turbojpeg.h>

#include <memory>

#include "bench/codec_contender.h"

namespace imageadapt::bench {
namespace {

struct State {
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    tjDestroy(handle);
    tjFree(bytes);
  }

  tjhandle handle = tjInitTransform();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
};

}  // namespace

std::optional<CodecContender> MakeTurboJpeg(const CodecRow& row,
                                            std::span<const std::byte> file) {
  if (row.format != CodecRow::Format::kJpeg) return std::nullopt;
  const auto state = std::make_shared<State>();
  const auto run = [state, file] {
    tjtransform transform = {};
    transform.op = TJXOP_ROT270;  // clockwise
    transform.options = TJXOPT_PERFECT | TJXOPT_COPYNONE;
    // Its memory is used again.
    tjTransform(state->handle,
                reinterpret_cast<const unsigned char*>(file.data()),
                file.size(), 1, &state->bytes, &state->size, &transform, 0);
  };
  return CodecContender{
      .run = run, .result = [state] {
        return std::as_bytes(std::span(state->bytes, state->size));
      }};
}

}  // namespace imageadapt::bench
