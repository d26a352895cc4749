// OpenCV, into a target that is there already.
#include <cmath>
#include <memory>
#include <numbers>
#include <opencv2/core.hpp>
#include <opencv2/imgproc.hpp>
#include <utility>

#include "bench/peers.h"

namespace imageadapt::bench {
namespace {

int MatType(const ImageSpec& spec) {
  const auto channels = static_cast<int>(spec.shape.channels);
  switch (spec.sample_type) {
    case SampleType::kU8:
      return CV_8UC(channels);
    case SampleType::kU16:
      return CV_16UC(channels);
    case SampleType::kF32:
      break;
  }
  return CV_32FC(channels);
}

template <typename View>
cv::Mat ToMat(const View& view) {
  // OpenCV knows no constant pixels.
  const auto* const first =
      reinterpret_cast<const std::byte*>(view.row_bytes(0).data());
  const ImageSpec spec = view.spec();
  return {static_cast<int>(spec.shape.height),
          static_cast<int>(spec.shape.width), MatType(spec),
          const_cast<std::byte*>(first)};
}

// Positions of a target in the source, as our rotation defines them.
cv::Matx23d SourcePositions(const Job& job) {
  const double angle = job.operation.parameter * std::numbers::pi / 180;
  const double cosine = std::cos(angle);
  const double sine = std::sin(angle);
  const ImageShape shape = job.source.shape();
  const double x = (shape.width - 1) / 2.0;
  const double y = (shape.height - 1) / 2.0;
  return {cosine, -sine,  x - cosine * x + sine * y,
          sine,   cosine, y - sine * x - cosine * y};
}

int Interpolation(Resampling resampling) {
  switch (resampling) {
    case Resampling::kBicubic:
      return cv::INTER_CUBIC;
    case Resampling::kLanczos:
      return cv::INTER_LANCZOS4;
    default:
      return cv::INTER_LINEAR;
  }
}

using Work = std::function<void(const cv::Mat& source, cv::Mat& target)>;

// What it flips in place; it turns no rectangle there, but turns it into other
// memory and copies back.
Contender InPlace(const Job& job) {
  struct State {
    Image image;
    Image turned;  // empty if the image is flipped
    AnyConstImageView result;
  };
  const auto state = std::make_shared<State>();
  state->image = TakeImage(job.source.spec(), job.buffers);
  state->result = state->image.view();
  const bool is_mirror = job.operation.kind == Kind::kMirrorInPlace;
  const bool turns = !is_mirror && job.operation.parameter % 2 == 1;
  if (turns) {
    state->turned = TakeImage(job.result_spec(), job.buffers);
    state->result = state->turned.view();
  }
  const auto prepare = [state, source = job.source] {
    cv::Mat image = ToMat(state->image.view());
    ToMat(source).copyTo(image);
  };
  // Around both axes, or around the vertical one.
  const int axes = is_mirror ? 1 : -1;
  const auto run = [state, turns, axes] {
    cv::Mat image = ToMat(state->image.view());
    if (!turns) {
      cv::flip(image, image, axes);
      return;
    }
    cv::Mat turned = ToMat(state->turned.view());
    cv::rotate(image, turned, cv::ROTATE_90_COUNTERCLOCKWISE);
    cv::Mat back(turned.rows, turned.cols, turned.type(), image.data);
    turned.copyTo(back);
  };
  return {.prepare = prepare,
          .run = run,
          .result = [state] { return state->result; },
          .agreement = kExactly};
}

Work FilterWork(const Job& job) {
  const auto side = static_cast<int>(job.operation.parameter);
  if (job.operation.kind == Kind::kMean) {
    return [side](const cv::Mat& source, cv::Mat& target) {
      cv::blur(source, target, {side, side}, {-1, -1}, cv::BORDER_REPLICATE);
    };
  }
  // Larger ones only of 8 bits.
  if (side > 5 && job.source.sample_type() != SampleType::kU8) return nullptr;
  return [side](const cv::Mat& source, cv::Mat& target) {
    cv::medianBlur(source, target, side);
  };
}

Work HsvWork(const Job& job) {
  const bool to_hsv = job.operation.kind == Kind::kRgbToHsv;
  int code = 0;
  switch (job.source.sample_type()) {
    case SampleType::kU8:
      code = to_hsv ? cv::COLOR_RGB2HSV_FULL : cv::COLOR_HSV2RGB_FULL;
      break;
    case SampleType::kU16:
      return nullptr;
    case SampleType::kF32:
      code = to_hsv ? cv::COLOR_RGB2HSV : cv::COLOR_HSV2RGB;
      break;
  }
  return [code](const cv::Mat& source, cv::Mat& target) {
    cv::cvtColor(source, target, code);
  };
}

Work MakeWork(const Job& job) {
  switch (job.operation.kind) {
    case Kind::kQuarterTurn: {
      const int code = job.operation.parameter == 1
                           ? cv::ROTATE_90_COUNTERCLOCKWISE
                           : cv::ROTATE_180;
      return [code](const cv::Mat& source, cv::Mat& target) {
        cv::rotate(source, target, code);
      };
    }
    case Kind::kMirror:
      return [](const cv::Mat& source, cv::Mat& target) {
        cv::flip(source, target, 1);
      };
    case Kind::kMean:
    case Kind::kMedian:
      return FilterWork(job);
    case Kind::kRotate:
      return [positions = SourcePositions(job),
              interpolation = Interpolation(job.operation.resampling)](
                 const cv::Mat& source, cv::Mat& target) {
        cv::warpAffine(source, target, positions, target.size(),
                       interpolation | cv::WARP_INVERSE_MAP,
                       cv::BORDER_CONSTANT);
      };
    case Kind::kRgbToHsv:
    case Kind::kHsvToRgb:
      return HsvWork(job);
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
      return {.most = step};
    case Kind::kRotate:
      // It rounds positions to 1/32 of a pixel, its cubic is a sharper one, and
      // its Lanczos has eight lobes.
      return {.mean = 0.004};
    case Kind::kRgbToHsv:
      // In float it adds a little to what it divides by, which turns the hues
      // of greys.
      if (job.source.sample_type() == SampleType::kF32) return {.mean = 1e-6};
      return {.most = 1.01 * step};
    case Kind::kHsvToRgb:
      // Its whole circle of hues is 255 on the way back.
      return {.most = 6.01 * step};
    default:
      return kExactly;
  }
}

}  // namespace

std::string OpenCvVersion() { return cv::getVersionString(); }

std::optional<Contender> MakeOpenCv(const Job& job) {
  cv::setNumThreads(job.workers == nullptr ? 1 : 2);
  if (job.operation.kind == Kind::kQuarterTurnInPlace ||
      job.operation.kind == Kind::kMirrorInPlace) {
    return InPlace(job);
  }
  Work work = MakeWork(job);
  if (work == nullptr) return std::nullopt;
  const auto target =
      std::make_shared<Image>(TakeImage(job.result_spec(), job.buffers));
  const auto run = [target, work = std::move(work), source = job.source] {
    cv::Mat to = ToMat(target->view());
    work(ToMat(source), to);
  };
  return Contender{
      .prepare = nullptr,
      .run = run,
      .result = [target] { return AnyConstImageView(target->view()); },
      .agreement = AgreementOf(job)};
}

}  // namespace imageadapt::bench
