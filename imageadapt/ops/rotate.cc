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

// What rotation and free rotation share: the canvas and what fills it.
struct RotateSpec {
  double degrees = 0;  // -180 to 180
  bool keeps_canvas = false;
  std::vector<float> background;
};

absl::Status CheckBackground(const RotateSpec& spec, const ImageSpec& input) {
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
    if (quarter_turns_ % 2 == 1 && !spec_.keeps_canvas) {
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
          } else if (spec_.keeps_canvas && quarter_turns_ != 2) {
            QuarterTurnOntoSameCanvas(from.rows, quarter_turns_,
                                      BackgroundSamples<T>(spec_.background),
                                      to);
          } else {
            QuarterTurn(from.rows, quarter_turns_, to);
          }
        });
  }

 private:
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
    if (spec_.keeps_canvas) return plan;
    const ImageShape& shape = input.shape;
    const double width = TurnedSide(shape.width, shape.height, cosine_, sine_);
    const double height = TurnedSide(shape.height, shape.width, cosine_, sine_);
    constexpr double kMostSide = std::numeric_limits<int32_t>::max();
    if (width > kMostSide || height > kMostSide) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "the turned image would be ", width, " x ", height,
                     " pixels");
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
                          .background = BackgroundSamples<T>(spec_.background)},
                         canvas, to);
                   });
  }

 private:
  const RotateSpec spec_;
  const double cosine_;
  const double sine_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeRotate(const v1::Rotate& spec) {
  if (!std::isfinite(spec.angle_degrees())) {
    return InvalidField("angle_degrees", "must be finite, got ",
                        spec.angle_degrees());
  }
  RotateSpec made{
      .degrees = std::remainder(spec.angle_degrees(), 360.0),
      .keeps_canvas = spec.canvas() == v1::Rotate::CANVAS_SAME,
      .background = {spec.background().begin(), spec.background().end()}};
  if (!v1::Rotate::Canvas_IsValid(spec.canvas())) {
    return InvalidField("canvas", "has no value ",
                        static_cast<int>(spec.canvas()));
  }
  for (size_t i = 0; i < made.background.size(); ++i) {
    if (!std::isfinite(made.background[i])) {
      return InvalidField(absl::StrCat("background[", i, "]"),
                          "must be finite, got ", made.background[i]);
    }
  }
  const double quarters = made.degrees / 90;
  if (quarters == std::trunc(quarters)) {
    const int turns = (static_cast<int>(quarters) + 4) % 4;
    return std::make_unique<TurnByQuarters>(std::move(made), turns);
  }
  return std::make_unique<TurnByDegrees>(std::move(made));
}

}  // namespace imageadapt
