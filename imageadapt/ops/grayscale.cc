#include <cstring>

#include "imageadapt/kernels/luma.h"
#include "imageadapt/ops/operation_makers.h"
#include "imageadapt/ops/typed_bands.h"

namespace imageadapt {
namespace {

class GrayscaleOperation final : public Operation {
 public:
  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const override {
    OperationPlan plan{.output = input, .need = {}, .scratch_bytes = 0};
    if (input.shape.channels >= 3) plan.output.shape.channels -= 2;
    return plan;
  }

  void Run(const RowBand<AnyConstImageView>& source,
           const RowBand<AnyImageView>& target,
           std::span<std::byte> /*scratch*/) const override {
    const uint32_t offset = target.first_row - source.first_row;
    target.rows.Visit([&]<typename T>(ImageView<T> to) {
      Grayscale(source.rows.As<T>().Rows(offset, to.shape().height), to);
    });
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeGrayscale(
    const v1::Grayscale& /*spec*/) {
  return std::make_unique<GrayscaleOperation>();
}

}  // namespace imageadapt
