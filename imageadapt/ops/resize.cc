#include <algorithm>
#include <cmath>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/kernels/resample.h"
#include "imageadapt/ops/operation_makers.h"
#include "imageadapt/ops/typed_bands.h"

namespace imageadapt {
namespace {

constexpr uint32_t kMostSide = 0x7fffffff;

// The side that goes with `given` in an image of `across` by `along`.
uint32_t InProportion(uint32_t given, uint32_t along, uint32_t across) {
  const double side = std::round(double{1} * given / across * along);
  return static_cast<uint32_t>(
      std::clamp<double>(side, 1, double{1} + kMostSide));
}

class ResizeOperation final : public Operation {
 public:
  explicit ResizeOperation(const v1::Resize& spec)
      : width_(spec.width()), height_(spec.height()), filter_(spec.filter()) {}

  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const override {
    OperationPlan plan{.output = input, .need = {}, .scratch_bytes = 0};
    const ImageShape& from = input.shape;
    ImageShape& to = plan.output.shape;
    to.width =
        width_ != 0 ? width_ : InProportion(height_, from.width, from.height);
    to.height =
        height_ != 0 ? height_ : InProportion(width_, from.height, from.width);
    if (to.width > kMostSide || to.height > kMostSide) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "the image would be ", to.width, " x ", to.height,
                     " pixels");
    }
    plan.need.all = true;
    plan.scratch_bytes = ResizeScratchBytes(input, to, Filter(from, to));
    return plan;
  }

  void Run(const RowBand<AnyConstImageView>& source,
           const RowBand<AnyImageView>& target,
           std::span<std::byte> scratch) const override {
    ImageShape to = target.rows.shape();
    to.height = target.image_height;
    const ResizeFilter filter = Filter(source.rows.shape(), to);
    WithTypedBands(source, target, [&](const auto& from, const auto& rows) {
      Resize(from, filter, rows, scratch);
    });
  }

 private:
  ResizeFilter Filter(const ImageShape& from, const ImageShape& to) const {
    switch (filter_) {
      case v1::Resize::FILTER_AREA:
        return ResizeFilter::kArea;
      case v1::Resize::FILTER_BILINEAR:
        return ResizeFilter::kBilinear;
      case v1::Resize::FILTER_BICUBIC:
        return ResizeFilter::kBicubic;
      case v1::Resize::FILTER_LANCZOS3:
        return ResizeFilter::kLanczos3;
      default:
        return to.width <= from.width && to.height <= from.height
                   ? ResizeFilter::kArea
                   : ResizeFilter::kBicubic;
    }
  }

  const uint32_t width_;
  const uint32_t height_;
  const v1::Resize::Filter filter_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeResize(const v1::Resize& spec) {
  if (spec.width() == 0 && spec.height() == 0) {
    return InvalidField("width", "must be given, or the height");
  }
  if (spec.width() > kMostSide) {
    return InvalidField("width", "must be at most ", kMostSide, ", got ",
                        spec.width());
  }
  if (spec.height() > kMostSide) {
    return InvalidField("height", "must be at most ", kMostSide, ", got ",
                        spec.height());
  }
  if (!v1::Resize::Filter_IsValid(spec.filter())) {
    return InvalidField("filter", "has no value ",
                        static_cast<int>(spec.filter()));
  }
  return std::make_unique<ResizeOperation>(spec);
}

}  // namespace imageadapt
