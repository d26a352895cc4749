#include "imageadapt/base/status_macros.h"
#include "imageadapt/kernels/window_median.h"
#include "imageadapt/ops/filter_window.h"
#include "imageadapt/ops/operation_makers.h"
#include "imageadapt/ops/typed_bands.h"

namespace imageadapt {
namespace {

constexpr uint32_t kLargestKernel = 255;

class MedianFilter final : public Operation {
 public:
  explicit MedianFilter(WindowSize window) : window_(window) {}

  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const override {
    return FilterPlan(input, window_,
                      WindowMedianScratchBytes(input, Options()));
  }

  void Run(const RowBand<AnyConstImageView>& source,
           const RowBand<AnyImageView>& target,
           std::span<std::byte> scratch) const override {
    WithTypedBands(source, target, [&](const auto& from, const auto& to) {
      WindowMedian(from, Options(), to, scratch);
    });
  }

 private:
  MedianOptions Options() const { return {.window = window_}; }

  const WindowSize window_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeMedianFilter(
    const v1::MedianFilter& spec) {
  ASSIGN_OR_RETURN(
      const WindowSize window,
      FilterWindow(spec.kernel_width(), spec.kernel_height(), kLargestKernel));
  return std::make_unique<MedianFilter>(window);
}

}  // namespace imageadapt
