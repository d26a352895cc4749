#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/kernels/edge_magnitude.h"
#include "imageadapt/ops/filter_window.h"
#include "imageadapt/ops/operation_makers.h"
#include "imageadapt/ops/typed_bands.h"

namespace imageadapt {
namespace {

class DetectEdges final : public Operation {
 public:
  explicit DetectEdges(const EdgeOptions& options) : options_(options) {}

  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const override {
    return FilterPlan(input, {.width = 3, .height = 3}, 0);
  }

  void Run(const RowBand<AnyConstImageView>& source,
           const RowBand<AnyImageView>& target,
           std::span<std::byte> /*scratch*/) const override {
    WithTypedBands(source, target, [&](const auto& from, const auto& to) {
      EdgeMagnitude(from, options_, to);
    });
  }

 private:
  const EdgeOptions options_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeDetectEdges(
    const v1::DetectEdges& spec) {
  EdgeOptions options;
  ASSIGN_OR_RETURN(options.border,
                   FilterBorder(spec.border(), BorderMode::kReplicate));
  if (options.border == BorderMode::kClip) {
    return InvalidField("border", "must not be BORDER_MODE_CLIP: a gradient ",
                        "needs both neighbours");
  }
  return std::make_unique<DetectEdges>(options);
}

}  // namespace imageadapt
