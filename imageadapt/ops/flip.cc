#include "imageadapt/base/refusal.h"
#include "imageadapt/kernels/quarter_turn.h"
#include "imageadapt/ops/operation_makers.h"
#include "imageadapt/ops/typed_bands.h"

namespace imageadapt {
namespace {

class Flip final : public Operation {
 public:
  explicit Flip(bool swaps_rows) : swaps_rows_(swaps_rows) {}

  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const override {
    return OperationPlan{.output = input,
                         .need = {.all = swaps_rows_, .above = 0, .below = 0},
                         .scratch_bytes = 0};
  }

  void Run(const RowBand<AnyConstImageView>& source,
           const RowBand<AnyImageView>& target,
           std::span<std::byte> /*scratch*/) const override {
    WithTypedBands(source, target, [&](const auto& from, const auto& to) {
      if (swaps_rows_) {
        MirrorRows(from.rows, to);
      } else {
        MirrorColumns(from, to);
      }
    });
  }

 private:
  const bool swaps_rows_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeFlip(const v1::Flip& spec) {
  switch (spec.axis()) {
    case v1::Flip::AXIS_HORIZONTAL:
      return std::make_unique<Flip>(/*swaps_rows=*/false);
    case v1::Flip::AXIS_VERTICAL:
      return std::make_unique<Flip>(/*swaps_rows=*/true);
    default:
      return InvalidField(
          "axis", "must be AXIS_HORIZONTAL (1) or AXIS_VERTICAL (2), got ",
          static_cast<int>(spec.axis()));
  }
}

}  // namespace imageadapt
