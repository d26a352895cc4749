#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/kernels/box_mean.h"
#include "imageadapt/ops/filter_window.h"
#include "imageadapt/ops/operation_makers.h"
#include "imageadapt/ops/typed_bands.h"

namespace imageadapt {
namespace {

constexpr uint32_t kLargestKernel = 65535;

class MeanFilter final : public Operation {
 public:
  MeanFilter(WindowSize window, MeanRounding rounding)
      : window_(window), rounding_(rounding) {}

  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const override {
    return FilterPlan(input, window_, BoxMeanScratchBytes(input, Options()));
  }

  void Run(const RowBand<AnyConstImageView>& source,
           const RowBand<AnyImageView>& target,
           std::span<std::byte> scratch) const override {
    WithTypedBands(source, target, [&](const auto& from, const auto& to) {
      BoxMean(from, Options(), to, scratch);
    });
  }

 private:
  MeanOptions Options() const {
    return {.window = window_, .rounding = rounding_};
  }

  const WindowSize window_;
  const MeanRounding rounding_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeMeanFilter(
    const v1::MeanFilter& spec) {
  ASSIGN_OR_RETURN(
      const WindowSize window,
      FilterWindow(spec.kernel_width(), spec.kernel_height(), kLargestKernel));
  switch (spec.rounding()) {
    case v1::MeanFilter::ROUNDING_UNSPECIFIED:
    case v1::MeanFilter::ROUNDING_NEAREST:
      return std::make_unique<MeanFilter>(window, MeanRounding::kNearest);
    case v1::MeanFilter::ROUNDING_TRUNCATE:
      return std::make_unique<MeanFilter>(window, MeanRounding::kTruncate);
    default:
      return InvalidField("rounding", "has no value ",
                          static_cast<int>(spec.rounding()));
  }
}

}  // namespace imageadapt
