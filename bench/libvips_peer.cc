// libvips: the operation is built once and evaluated into memory each time.
#include <vips/vips.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <numbers>
#include <utility>
#include <vector>

#include "bench/peers.h"

namespace imageadapt::bench {
namespace {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
using VipsPointer = std::unique_ptr<VipsImage, Unref>;

VipsBandFormat Format(SampleType type) {
  switch (type) {
    case SampleType::kU8:
      return VIPS_FORMAT_UCHAR;
    case SampleType::kU16:
      return VIPS_FORMAT_USHORT;
    case SampleType::kF32:
      break;
  }
  return VIPS_FORMAT_FLOAT;
}

VipsPointer ToVips(const AnyConstImageView& view) {
  const ImageSpec spec = view.spec();
  return VipsPointer(vips_image_new_from_memory(
      view.row_bytes(0).data(), RowBytes(spec) * spec.shape.height,
      static_cast<int>(spec.shape.width), static_cast<int>(spec.shape.height),
      static_cast<int>(spec.shape.channels), Format(spec.sample_type)));
}

// Its pixels, or null if they cannot be computed.
VipsPointer Evaluate(VipsImage* image) {
  VipsPointer memory(vips_image_new_memory());
  if (vips_image_write(image, memory.get()) != 0) return nullptr;
  return memory;
}

VipsPointer Ones(int width, int height) {
  VipsPointer mask(vips_image_new_matrix(width, height));
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) *VIPS_MATRIX(mask.get(), x, y) = 1;
  }
  vips_image_set_double(mask.get(), "scale", width * height);
  return mask;
}

double EvaluationSeconds(VipsImage* image) {
  const auto start = std::chrono::steady_clock::now();
  Evaluate(image);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

// Both ways it has of making a mean, and whichever is faster here.
VipsImage* Mean(VipsImage* source, int side) {
  const VipsPrecision precision =
      vips_image_get_format(source) == VIPS_FORMAT_FLOAT
          ? VIPS_PRECISION_FLOAT
          : VIPS_PRECISION_INTEGER;
  VipsImage* separable = nullptr;
  const VipsPointer line = Ones(side, 1);
  if (vips_convsep(source, &separable, line.get(), "precision", precision,
                   nullptr) != 0) {
    return nullptr;
  }
  constexpr int kWorthTrying = 5;
  if (side > kWorthTrying) return separable;
  VipsImage* direct = nullptr;
  const VipsPointer square = Ones(side, side);
  if (vips_conv(source, &direct, square.get(), "precision", precision,
                nullptr) != 0) {
    return separable;
  }
  if (EvaluationSeconds(direct) < EvaluationSeconds(separable)) {
    std::swap(direct, separable);
  }
  g_object_unref(direct);
  return separable;
}

VipsImage* Rotated(const Job& job, VipsImage* source) {
  // It has no Lanczos to rotate with; this is the sharpest that it has.
  const char* const name =
      job.operation.resampling == Resampling::kBilinear  ? "bilinear"
      : job.operation.resampling == Resampling::kBicubic ? "bicubic"
                                                         : "lbb";
  VipsInterpolate* const interpolate = vips_interpolate_new(name);
  const double angle = job.operation.parameter * std::numbers::pi / 180;
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  const double x = (vips_image_get_width(source) - 1) / 2.0;
  const double y = (vips_image_get_height(source) - 1) / 2.0;
  VipsArrayInt* const area = vips_array_int_newv(
      4, 0, 0, vips_image_get_width(source), vips_image_get_height(source));
  VipsImage* result = nullptr;
  vips_affine(source, &result, cosine, sine, -sine, cosine, "interpolate",
              interpolate, "oarea", area, "odx", x - cosine * x - sine * y,
              "ody", y + sine * x - cosine * y, nullptr);
  vips_area_unref(VIPS_AREA(area));
  g_object_unref(interpolate);
  return result;
}

VipsImage* Convert(const Job& job, VipsImage* source) {
  if (job.source.sample_type() != SampleType::kU8) return nullptr;
  VipsImage* result = nullptr;
  if (job.operation.kind == Kind::kRgbToHsv) {
    vips_sRGB2HSV(source, &result, nullptr);
  } else {
    // Otherwise it takes the samples for RGB and converts them first.
    VipsImage* hsv = nullptr;
    vips_copy(source, &hsv, "interpretation", VIPS_INTERPRETATION_HSV, nullptr);
    vips_HSV2sRGB(hsv, &result, nullptr);
    g_object_unref(hsv);
  }
  return result;
}

// What the operation makes, not evaluated yet; null if there is no such one.
VipsImage* Build(const Job& job, VipsImage* source) {
  VipsImage* result = nullptr;
  const auto side = static_cast<int>(job.operation.parameter);
  switch (job.operation.kind) {
    case Kind::kQuarterTurn:
      vips_rot(source, &result, side == 1 ? VIPS_ANGLE_D270 : VIPS_ANGLE_D180,
               nullptr);
      return result;
    case Kind::kMirror:
      vips_flip(source, &result, VIPS_DIRECTION_HORIZONTAL, nullptr);
      return result;
    case Kind::kMean:
      return Mean(source, side);
    case Kind::kMedian:
      vips_median(source, &result, side, nullptr);
      return result;
    case Kind::kRotate:
      return Rotated(job, source);
    case Kind::kRgbToHsv:
    case Kind::kHsvToRgb:
      return Convert(job, source);
    case Kind::kQuarterTurnInPlace:
    case Kind::kMirrorInPlace:
      break;
  }
  return nullptr;
}

Agreement AgreementOf(const Job& job) {
  const double step = OneStep(job.source.sample_type());
  switch (job.operation.kind) {
    case Kind::kMean:
      // Its sums of 8 bits are rough; others it rounds twice.
      if (job.source.sample_type() == SampleType::kU8) {
        return {.most = 6.01 * step, .mean = 2 * step};
      }
      return {.most = 1.01 * step};
    case Kind::kMedian:
      // Where it counts 8 bits in histograms, 8.14 takes a wrong rank.
      if (job.source.sample_type() == SampleType::kU8 &&
          job.operation.parameter > 3) {
        return {};
      }
      return kExactly;
    case Kind::kRotate:
      return {.mean = 0.004};
    case Kind::kRgbToHsv:
      return {.most = 2.01 * step};
    case Kind::kHsvToRgb:
      return {.most = 6.01 * step};
    default:
      return kExactly;
  }
}

bool Start() {
  static const bool kStarted = [] {
    if (VIPS_INIT("bench") != 0) return false;
    vips_cache_set_max(0);
    return true;
  }();
  return kStarted;
}

}  // namespace

std::string LibvipsVersion() { return vips_version_string(); }

std::optional<Contender> MakeLibvips(const Job& job) {
  if (!Start()) return std::nullopt;
  vips_concurrency_set(job.workers == nullptr ? 1 : 2);
  struct State {
    VipsPointer source;
    VipsPointer operation;
    VipsPointer result;
    ImageSpec spec;
  };
  const auto state = std::make_shared<State>();
  state->spec = job.result_spec();
  state->source = ToVips(job.source);
  state->operation = VipsPointer(Build(job, state->source.get()));
  if (state->operation == nullptr ||
      vips_image_get_format(state->operation.get()) !=
          Format(state->spec.sample_type)) {
    vips_error_clear();
    return std::nullopt;
  }
  const auto run = [state] {
    // First, so that its memory is used again.
    state->result.reset();
    state->result = Evaluate(state->operation.get());
  };
  const auto result = [state]() -> AnyConstImageView {
    const auto view = [&]<typename T>(T) {
      return AnyConstImageView(ImageView<const T>(
          static_cast<const T*>(vips_image_get_data(state->result.get())),
          state->spec.shape, RowSamples(state->spec.shape)));
    };
    switch (state->spec.sample_type) {
      case SampleType::kU8:
        return view(uint8_t{});
      case SampleType::kU16:
        return view(uint16_t{});
      case SampleType::kF32:
        break;
    }
    return view(float{});
  };
  return Contender{.prepare = nullptr,
                   .run = run,
                   .result = result,
                   .agreement = AgreementOf(job)};
}

}  // namespace imageadapt::bench
