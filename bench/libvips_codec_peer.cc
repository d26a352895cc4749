#include <vips/vips.h>

#include <memory>

#include "bench/codec_contender.h"

namespace imageadapt::bench {
namespace {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
using VipsPointer = std::unique_ptr<VipsImage, Unref>;

struct Written {
  Written() = default;
  Written(const Written&) = delete;
  Written& operator=(const Written&) = delete;
  ~Written() { g_free(bytes); }

  void* bytes = nullptr;
  size_t size = 0;
};

bool Start() {
  static const bool kStarted = [] {
    if (VIPS_INIT("bench") != 0) return false;
    vips_cache_set_max(0);
    return true;
  }();
  return kStarted;
}

}  // namespace

std::optional<CodecContender> MakeLibvipsCodec(
    const CodecRow& row, std::span<const std::byte> file) {
  if (!Start()) return std::nullopt;
  vips_concurrency_set(row.threads);
  const auto written = std::make_shared<Written>();
  const bool is_jpeg = row.format == CodecRow::Format::kJpeg;
  const auto run = [written, file, is_jpeg] {
    g_free(written->bytes);
    written->bytes = nullptr;
    const VipsPointer image(
        vips_image_new_from_buffer(file.data(), file.size(), "", nullptr));
    VipsImage* out = nullptr;
    if (image == nullptr ||
        vips_rot(image.get(), &out, VIPS_ANGLE_D270, nullptr) != 0) {
      return;
    }
    const VipsPointer turned(out);
    if (is_jpeg) {
      vips_jpegsave_buffer(turned.get(), &written->bytes, &written->size, "Q",
                           kJpegQuality, nullptr);
    } else {
      vips_pngsave_buffer(turned.get(), &written->bytes, &written->size,
                          nullptr);
    }
  };
  return CodecContender{.run = run, .result = [written] {
                          return std::span(
                              static_cast<const std::byte*>(written->bytes),
                              written->size);
                        }};
}

}  // namespace imageadapt::bench
