#include <utility>

#include "imageadapt/kernels/quarter_turn.h"
#include "imageadapt/ops/operation_makers.h"
#include "imageadapt/ops/typed_bands.h"

namespace imageadapt {
namespace {

class Transpose final : public Operation {
 public:
  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const override {
    OperationPlan plan{.output = input, .need = {}, .scratch_bytes = 0};
    plan.need.all = true;
    std::swap(plan.output.shape.width, plan.output.shape.height);
    return plan;
  }

  void Run(const RowBand<AnyConstImageView>& source,
           const RowBand<AnyImageView>& target,
           std::span<std::byte> /*scratch*/) const override {
    WithTypedBands(source, target, [](const auto& from, const auto& to) {
      TransposeImage(from.rows, to);
    });
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeTranspose(
    const v1::Transpose& /*spec*/) {
  return std::make_unique<Transpose>();
}

}  // namespace imageadapt
