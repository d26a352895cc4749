#include "imageadapt/base/status_macros.h"
#include "imageadapt/kernels/hue_filters.h"
#include "imageadapt/kernels/window_median.h"
#include "imageadapt/ops/filter_window.h"
#include "imageadapt/ops/operation_makers.h"
#include "imageadapt/ops/typed_bands.h"
#include "imageadapt/ops/window_filter.h"

namespace imageadapt {
namespace {

constexpr uint32_t kLargestKernel = 255;

class MedianFilter final : public WindowFilter {
 public:
  MedianFilter(const MedianOptions& options, const FilterColors& colors)
      : WindowFilter(options.window, colors), options_(options) {}

 private:
  uint64_t ScratchBytes(const ImageSpec& spec) const override {
    return WindowMedianScratchBytes(spec, options_);
  }
  void Filter(const RowBand<AnyConstImageView>& source,
              const RowBand<AnyImageView>& target,
              std::span<std::byte> scratch) const override {
    WithTypedBands(source, target, [&](const auto& from, const auto& to) {
      WindowMedian(from, options_, to, scratch);
    });
  }

  uint64_t HueScratchBytes(const ImageSpec& spec) const override {
    return HueMedianScratchBytes(spec, options_);
  }
  // Hues that share a key are searched one by one.
  bool HueIsSlow(SampleType type) const override {
    return type == SampleType::kF32;
  }
  void FilterHue(const RowBand<AnyConstImageView>& source,
                 const RowBand<AnyImageView>& target,
                 std::span<std::byte> scratch) const override {
    WithTypedBands(source, target, [&](const auto& from, const auto& to) {
      HueMedian(from, options_, to, scratch);
    });
  }

  const MedianOptions options_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeMedianFilter(
    const v1::MedianFilter& spec) {
  MedianOptions options;
  ASSIGN_OR_RETURN(
      options.window,
      FilterWindow(spec.kernel_width(), spec.kernel_height(), kLargestKernel));
  ASSIGN_OR_RETURN(options.border,
                   FilterBorder(spec.border(), BorderMode::kClip));
  ASSIGN_OR_RETURN(const FilterColors colors,
                   ReadFilterColors(spec.color_space(), spec.channels()));
  return std::make_unique<MedianFilter>(options, colors);
}

}  // namespace imageadapt
