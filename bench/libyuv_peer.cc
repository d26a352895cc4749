// libyuv, which turns and mirrors some kinds of pixels.
#include <libyuv/planar_functions.h>
#include <libyuv/rotate.h>
#include <libyuv/rotate_argb.h>
#include <libyuv/version.h>

#include <memory>
#include <utility>

#include "bench/peers.h"

namespace imageadapt::bench {
namespace {

// Both images, and strides in bytes.
struct Planes {
  const uint8_t* source = nullptr;
  uint8_t* target = nullptr;
  int source_stride = 0;
  int target_stride = 0;
  int width = 0;
  int height = 0;
};

using Work = std::function<void(const Planes&)>;

Work TurnWork(const ImageSpec& spec, libyuv::RotationMode mode) {
  const size_t pixel_bytes =
      spec.shape.channels * SampleBytes(spec.sample_type);
  if (pixel_bytes == 1) {
    return [mode](const Planes& p) {
      libyuv::RotatePlane(p.source, p.source_stride, p.target, p.target_stride,
                          p.width, p.height, mode);
    };
  }
  if (pixel_bytes == 2) {
    return [mode](const Planes& p) {
      libyuv::RotatePlane_16(reinterpret_cast<const uint16_t*>(p.source),
                             p.source_stride / 2,
                             reinterpret_cast<uint16_t*>(p.target),
                             p.target_stride / 2, p.width, p.height, mode);
    };
  }
  if (pixel_bytes == 4) {
    return [mode](const Planes& p) {
      libyuv::ARGBRotate(p.source, p.source_stride, p.target, p.target_stride,
                         p.width, p.height, mode);
    };
  }
  return nullptr;
}

Work MirrorWork(const ImageSpec& spec) {
  switch (spec.shape.channels * SampleBytes(spec.sample_type)) {
    case 1:
      return [](const Planes& p) {
        libyuv::MirrorPlane(p.source, p.source_stride, p.target,
                            p.target_stride, p.width, p.height);
      };
    case 3:
      return [](const Planes& p) {
        libyuv::RGB24Mirror(p.source, p.source_stride, p.target,
                            p.target_stride, p.width, p.height);
      };
    case 4:
      return [](const Planes& p) {
        libyuv::ARGBMirror(p.source, p.source_stride, p.target, p.target_stride,
                           p.width, p.height);
      };
    default:
      return nullptr;
  }
}

Work MakeWork(const Job& job) {
  const ImageSpec spec = job.source.spec();
  switch (job.operation.kind) {
    case Kind::kQuarterTurn:
      // Its turns are clockwise.
      return TurnWork(spec, job.operation.parameter == 1 ? libyuv::kRotate270
                                                         : libyuv::kRotate180);
    case Kind::kMirror:
      return MirrorWork(spec);
    default:
      return nullptr;
  }
}

}  // namespace

std::string LibyuvVersion() { return std::to_string(LIBYUV_VERSION); }

std::optional<Contender> MakeLibyuv(const Job& job) {
  Work work = MakeWork(job);
  if (work == nullptr) return std::nullopt;
  const auto target =
      std::make_shared<Image>(TakeImage(job.result_spec(), job.buffers));
  const ImageShape shape = job.source.shape();
  const Planes planes = {
      .source =
          reinterpret_cast<const uint8_t*>(job.source.row_bytes(0).data()),
      .target = reinterpret_cast<uint8_t*>(target->view().row_bytes(0).data()),
      .source_stride = static_cast<int>(RowBytes(job.source.spec())),
      .target_stride = static_cast<int>(RowBytes(target->spec())),
      .width = static_cast<int>(shape.width),
      .height = static_cast<int>(shape.height)};
  return Contender{
      .prepare = nullptr,
      .run = [work = std::move(work), planes] { work(planes); },
      .result = [target] { return AnyConstImageView(target->view()); },
      .agreement = kExactly};
}

}  // namespace imageadapt::bench
