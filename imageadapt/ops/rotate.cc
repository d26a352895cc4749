#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/kernels/quarter_turn.h"
#include "imageadapt/kernels/warp.h"
#include "imageadapt/ops/operation_makers.h"
#include "imageadapt/ops/typed_bands.h"

namespace imageadapt {
namespace {

// What quarter turns and free rotation share: the canvas and what fills it.
struct RotateSpec {
  double degrees = 0;  // -180 to 180
  v1::Rotate::Canvas canvas = v1::Rotate::CANVAS_EXPAND;
  Interpolation interpolation = Interpolation::kBilinear;
  WarpBorder border = WarpBorder::kConstant;
  bool needs_alpha = false;
  std::vector<float> background;
};

absl::Status CheckBackground(const RotateSpec& spec, const ImageSpec& input) {
  if (spec.needs_alpha && !HasAlpha(input.shape.channels)) {
    return InvalidField("border", "BORDER_TRANSPARENT needs an image with ",
                        "alpha, but this one has ", input.shape.channels,
                        input.shape.channels == 1 ? " channel" : " channels");
  }
  const size_t given = spec.background.size();
  if (given > 1 && given != input.shape.channels) {
    return InvalidField("background", "has ", given,
                        " values, but the image has ", input.shape.channels,
                        " channels");
  }
  if (input.sample_type == SampleType::kF32) return absl::OkStatus();
  for (size_t i = 0; i < given; ++i) {
    const float value = spec.background[i];
    if (value < 0 || value > 1) {
      return InvalidField(absl::StrCat("background[", i, "]"),
                          "must be from 0 to 1, got ", value);
    }
  }
  return absl::OkStatus();
}

template <Sample T>
std::array<double, kMaxChannels> BackgroundSamples(
    const std::vector<float>& values) {
  constexpr double kMost =
      std::is_same_v<T, float> ? 1.0 : std::numeric_limits<T>::max();
  std::array<double, kMaxChannels> samples = {};
  for (size_t c = 0; c < samples.size() && !values.empty(); ++c) {
    samples[c] = kMost * values[std::min(c, values.size() - 1)];
  }
  return samples;
}

class TurnByQuarters final : public Operation {
 public:
  TurnByQuarters(RotateSpec spec, int quarter_turns)
      : spec_(std::move(spec)), quarter_turns_(quarter_turns) {}

  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const override {
    RETURN_IF_ERROR(CheckBackground(spec_, input));
    OperationPlan plan{.output = input, .need = {}, .scratch_bytes = 0};
    plan.need.all = quarter_turns_ != 0;
    if (quarter_turns_ % 2 == 1 && !keeps_canvas()) {
      std::swap(plan.output.shape.width, plan.output.shape.height);
    }
    return plan;
  }

  void Run(const RowBand<AnyConstImageView>& source,
           const RowBand<AnyImageView>& target,
           std::span<std::byte> /*scratch*/) const override {
    WithTypedBands(
        source, target,
        [&]<typename T>(const RowBand<ImageView<const T>>& from,
                        const RowBand<ImageView<T>>& to) {
          if (quarter_turns_ == 0) {
            const uint32_t offset = to.first_row - from.first_row;
            for (uint32_t y = 0; y < to.rows.shape().height; ++y) {
              const std::span<const T> row = from.rows.row(offset + y);
              std::copy(row.begin(), row.end(), to.rows.row(y).begin());
            }
          } else if (keeps_canvas() && quarter_turns_ != 2) {
            QuarterTurnOntoSameCanvas(from.rows, quarter_turns_, spec_.border,
                                      BackgroundSamples<T>(spec_.background),
                                      to);
          } else {
            QuarterTurn(from.rows, quarter_turns_, to);
          }
        });
  }

 private:
  bool keeps_canvas() const { return spec_.canvas == v1::Rotate::CANVAS_SAME; }

  const RotateSpec spec_;
  const int quarter_turns_;
};

// A side of the smallest box around a turned rectangle. Not one pixel more for
// what is only a rounding error.
double TurnedSide(double along, double across, double cosine, double sine) {
  constexpr double kRoundingError = 1e-9;
  const double side = along * std::abs(cosine) + across * std::abs(sine);
  return std::max(1.0, std::ceil(side - kRoundingError * (along + across)));
}

// The sides of the largest upright rectangle within a turned one, not rounded.
// Either two of its corners lie on a long side of the turned one, which is so
// for flat ones and at 45 degrees, or one lies on each side.
std::pair<double, double> InnerSides(double width, double height, double cosine,
                                     double sine) {
  cosine = std::abs(cosine);
  sine = std::abs(sine);
  const double shorter = std::min(width, height);
  const double longer = std::max(width, height);
  if (shorter <= 2 * sine * cosine * longer || cosine == sine) {
    const double half = shorter / 2;
    return width >= height ? std::pair(half / sine, half / cosine)
                           : std::pair(half / cosine, half / sine);
  }
  const double determinant = cosine * cosine - sine * sine;
  return {(width * cosine - height * sine) / determinant,
          (height * cosine - width * sine) / determinant};
}

// A side of the inner rectangle in whole pixels, of those that the canvas
// which is centred on the image can show.
uint32_t InnerSide(double side) {
  constexpr double kRoundingError = 1e-9;
  return static_cast<uint32_t>(
      std::max(1.0, std::floor(side * (1 + kRoundingError))));
}

class TurnByDegrees final : public Operation {
 public:
  explicit TurnByDegrees(RotateSpec spec)
      : spec_(std::move(spec)),
        cosine_(std::cos(spec_.degrees * std::numbers::pi / 180)),
        sine_(std::sin(spec_.degrees * std::numbers::pi / 180)) {}

  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const override {
    RETURN_IF_ERROR(CheckBackground(spec_, input));
    OperationPlan plan{.output = input, .need = {}, .scratch_bytes = 0};
    plan.need.all = true;
    if (spec_.canvas == v1::Rotate::CANVAS_SAME) return plan;
    const ImageShape& shape = input.shape;
    if (spec_.canvas == v1::Rotate::CANVAS_INNER) {
      const auto [inner_width, inner_height] =
          InnerSides(shape.width, shape.height, cosine_, sine_);
      plan.output.shape.width = InnerSide(inner_width);
      plan.output.shape.height = InnerSide(inner_height);
      return plan;
    }
    const double width = TurnedSide(shape.width, shape.height, cosine_, sine_);
    const double height = TurnedSide(shape.height, shape.width, cosine_, sine_);
    constexpr double kMostSide = std::numeric_limits<int32_t>::max();
    if (width > kMostSide || height > kMostSide) {
      return InvalidField("canvas", "would have ", static_cast<uint64_t>(width),
                          " x ", static_cast<uint64_t>(height),
                          " pixels; a side has at most ", uint32_t{0x7fffffff});
    }
    plan.output.shape.width = static_cast<uint32_t>(width);
    plan.output.shape.height = static_cast<uint32_t>(height);
    return plan;
  }

  void Run(const RowBand<AnyConstImageView>& source,
           const RowBand<AnyImageView>& target,
           std::span<std::byte> /*scratch*/) const override {
    ImageShape canvas = target.rows.shape();
    canvas.height = target.image_height;
    WithTypedBands(source, target,
                   [&]<typename T>(const RowBand<ImageView<const T>>& from,
                                   const RowBand<ImageView<T>>& to) {
                     Rotate(
                         from.rows,
                         {.cosine = cosine_,
                          .sine = sine_,
                          .interpolation = spec_.interpolation,
                          .border = spec_.border,
                          .background = BackgroundSamples<T>(spec_.background)},
                         canvas, to);
                   });
  }

 private:
  const RotateSpec spec_;
  const double cosine_;
  const double sine_;
};

absl::StatusOr<Interpolation> ReadInterpolation(
    v1::Rotate::Interpolation interpolation) {
  switch (interpolation) {
    case v1::Rotate::INTERPOLATION_NEAREST:
      return Interpolation::kNearest;
    case v1::Rotate::INTERPOLATION_UNSPECIFIED:
    case v1::Rotate::INTERPOLATION_BILINEAR:
      return Interpolation::kBilinear;
    case v1::Rotate::INTERPOLATION_BICUBIC:
      return Interpolation::kBicubic;
    case v1::Rotate::INTERPOLATION_LANCZOS3:
      return Interpolation::kLanczos3;
    default:
      return InvalidField("interpolation", "has no value ",
                          static_cast<int>(interpolation));
  }
}

absl::StatusOr<WarpBorder> ReadBorder(v1::Rotate::Border border) {
  switch (border) {
    case v1::Rotate::BORDER_UNSPECIFIED:
    case v1::Rotate::BORDER_CONSTANT:
    case v1::Rotate::BORDER_TRANSPARENT:
      return WarpBorder::kConstant;
    case v1::Rotate::BORDER_REPLICATE:
      return WarpBorder::kReplicate;
    case v1::Rotate::BORDER_REFLECT_101:
      return WarpBorder::kReflect101;
    default:
      return InvalidField("border", "has no value ", static_cast<int>(border));
  }
}

absl::StatusOr<std::vector<float>> ReadBackground(const v1::Rotate& spec) {
  if (spec.background_size() > 0 &&
      spec.border() != v1::Rotate::BORDER_UNSPECIFIED &&
      spec.border() != v1::Rotate::BORDER_CONSTANT) {
    return InvalidField("background", "is used with BORDER_CONSTANT only");
  }
  for (int i = 0; i < spec.background_size(); ++i) {
    if (!std::isfinite(spec.background(i))) {
      return InvalidField(absl::StrCat("background[", i, "]"),
                          "must be finite, got ", spec.background(i));
    }
  }
  return std::vector<float>(spec.background().begin(), spec.background().end());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeRotate(const v1::Rotate& spec) {
  if (!std::isfinite(spec.angle_degrees())) {
    return InvalidField("angle_degrees", "must be finite, got ",
                        spec.angle_degrees());
  }
  if (!v1::Rotate::Canvas_IsValid(spec.canvas())) {
    return InvalidField("canvas", "has no value ",
                        static_cast<int>(spec.canvas()));
  }
  RotateSpec made;
  made.degrees = std::remainder(spec.angle_degrees(), 360.0);
  made.canvas = spec.canvas();
  made.needs_alpha = spec.border() == v1::Rotate::BORDER_TRANSPARENT;
  ASSIGN_OR_RETURN(made.interpolation, ReadInterpolation(spec.interpolation()));
  ASSIGN_OR_RETURN(made.border, ReadBorder(spec.border()));
  // Wide kernels would see over the edge of the inner rectangle.
  if (made.canvas == v1::Rotate::CANVAS_INNER &&
      made.border == WarpBorder::kConstant) {
    made.border = WarpBorder::kReplicate;
  }
  ASSIGN_OR_RETURN(made.background, ReadBackground(spec));
  const double quarters = made.degrees / 90;
  if (quarters == std::trunc(quarters)) {
    const int turns = (static_cast<int>(quarters) + 4) % 4;
    return std::make_unique<TurnByQuarters>(std::move(made), turns);
  }
  return std::make_unique<TurnByDegrees>(std::move(made));
}

}  // namespace imageadapt
