#include <algorithm>
#include <cstring>

#include "imageadapt/base/refusal.h"
#include "imageadapt/ops/operation_makers.h"

namespace imageadapt {
namespace {

// Whether [first, first + size) lies within [0, length).
bool Fits(uint32_t first, uint32_t size, uint32_t length) {
  return uint64_t{first} + size <= length;
}

class Crop final : public Operation {
 public:
  explicit Crop(const v1::Crop& spec)
      : x_(spec.x()),
        y_(spec.y()),
        width_(spec.width()),
        height_(spec.height()) {}

  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const override {
    const ImageShape& shape = input.shape;
    if (!Fits(x_, width_, shape.width)) {
      return InvalidField(x_ < shape.width ? "width" : "x", "columns ", x_,
                          " to ", uint64_t{x_} + width_ - 1,
                          " are not all in an image", " of ", shape.width,
                          " x ", shape.height, " pixels");
    }
    if (!Fits(y_, height_, shape.height)) {
      return InvalidField(y_ < shape.height ? "height" : "y", "rows ", y_,
                          " to ", uint64_t{y_} + height_ - 1,
                          " are not all in an image", " of ", shape.width,
                          " x ", shape.height, " pixels");
    }
    OperationPlan plan{.output = input, .need = {}, .scratch_bytes = 0};
    plan.output.shape.width = width_;
    plan.output.shape.height = height_;
    plan.need.all = true;
    return plan;
  }

  void Run(const RowBand<AnyConstImageView>& source,
           const RowBand<AnyImageView>& target,
           std::span<std::byte> /*scratch*/) const override {
    const ImageSpec spec = target.rows.spec();
    const size_t pixel_bytes =
        spec.shape.channels * SampleBytes(spec.sample_type);
    for (uint32_t y = 0; y < spec.shape.height; ++y) {
      const auto from = source.rows.row_bytes(y_ + target.first_row + y);
      const auto to = target.rows.row_bytes(y);
      std::memcpy(to.data(), from.data() + x_ * pixel_bytes, to.size());
    }
  }

 private:
  const uint32_t x_;
  const uint32_t y_;
  const uint32_t width_;
  const uint32_t height_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeCrop(const v1::Crop& spec) {
  if (spec.width() == 0) return InvalidField("width", "must be at least 1");
  if (spec.height() == 0) return InvalidField("height", "must be at least 1");
  return std::make_unique<Crop>(spec);
}

}  // namespace imageadapt
