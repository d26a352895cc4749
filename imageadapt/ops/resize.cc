#include <algorithm>
#include <cstdint>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/kernels/resample.h"
#include "imageadapt/ops/operation_makers.h"
#include "imageadapt/ops/typed_bands.h"

namespace imageadapt {
namespace {

constexpr uint32_t kMostSide = 0x7fffffff;

// The side that goes with `given` in an image of `across` by `along`, to the
// nearest, halves up. Cannot overflow: given and along are below 2^31.
uint64_t InProportion(uint32_t given, uint32_t along, uint32_t across) {
  const uint64_t twice = 2 * uint64_t{given} * along + across;
  return std::max<uint64_t>(1, twice / (2 * uint64_t{across}));
}

class ResizeOperation final : public Operation {
 public:
  explicit ResizeOperation(const v1::Resize& spec)
      : width_(spec.width()), height_(spec.height()), filter_(spec.filter()) {}

  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const override {
    OperationPlan plan{.output = input, .need = {}, .scratch_bytes = 0};
    const ImageShape& from = input.shape;
    ImageShape& to = plan.output.shape;
    const uint64_t width =
        width_ != 0 ? width_ : InProportion(height_, from.width, from.height);
    const uint64_t height =
        height_ != 0 ? height_ : InProportion(width_, from.height, from.width);
    if (width > kMostSide || height > kMostSide) {
      return InvalidField(width_ != 0 ? "width" : "height",
                          "would make an image of ", width, " x ", height,
                          " pixels; a side has at most ", kMostSide);
    }
    to.width = static_cast<uint32_t>(width);
    to.height = static_cast<uint32_t>(height);
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
