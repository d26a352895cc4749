#include "imageadapt/base/refusal.h"
#include "imageadapt/kernels/hsv.h"
#include "imageadapt/ops/operation_makers.h"

namespace imageadapt {
namespace {

class ConvertColor final : public Operation {
 public:
  explicit ConvertColor(bool to_hsv) : to_hsv_(to_hsv) {}

  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const override {
    if (input.shape.channels < 3) {
      return InvalidField("direction",
                          "needs 3 or 4 channels, but the image has ",
                          input.shape.channels);
    }
    return OperationPlan{.output = input, .need = {}, .scratch_bytes = 0};
  }

  void Run(const RowBand<AnyConstImageView>& source,
           const RowBand<AnyImageView>& target,
           std::span<std::byte> /*scratch*/) const override {
    const uint32_t offset = target.first_row - source.first_row;
    target.rows.Visit([&]<typename T>(ImageView<T> to) {
      const ImageView<const T> from =
          source.rows.As<T>().Rows(offset, to.shape().height);
      if (to_hsv_) {
        RgbToHsv(from, to);
      } else {
        HsvToRgb(from, to);
      }
    });
  }

 private:
  const bool to_hsv_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeConvertColor(
    const v1::ConvertColor& spec) {
  switch (spec.direction()) {
    case v1::ConvertColor::DIRECTION_RGB_TO_HSV:
      return std::make_unique<ConvertColor>(/*to_hsv=*/true);
    case v1::ConvertColor::DIRECTION_HSV_TO_RGB:
      return std::make_unique<ConvertColor>(/*to_hsv=*/false);
    default:
      return InvalidField("direction",
                          "must be DIRECTION_RGB_TO_HSV (1) or "
                          "DIRECTION_HSV_TO_RGB (2), got ",
                          static_cast<int>(spec.direction()));
  }
}

}  // namespace imageadapt
