#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/kernels/box_mean.h"
#include "imageadapt/kernels/hue_filters.h"
#include "imageadapt/ops/filter_window.h"
#include "imageadapt/ops/operation_makers.h"
#include "imageadapt/ops/typed_bands.h"
#include "imageadapt/ops/window_filter.h"

namespace imageadapt {
namespace {

constexpr uint32_t kLargestKernel = 65535;

class MeanFilter final : public WindowFilter {
 public:
  MeanFilter(const MeanOptions& options, const FilterColors& colors)
      : WindowFilter(options.window, colors), options_(options) {}

 private:
  uint64_t ScratchBytes(const ImageSpec& spec) const override {
    return BoxMeanScratchBytes(spec, options_);
  }
  void Filter(const RowBand<AnyConstImageView>& source,
              const RowBand<AnyImageView>& target,
              std::span<std::byte> scratch) const override {
    WithTypedBands(source, target, [&](const auto& from, const auto& to) {
      BoxMean(from, options_, to, scratch);
    });
  }

  uint64_t HueScratchBytes(const ImageSpec& spec) const override {
    return HueMeanScratchBytes(spec, options_);
  }
  bool HueIsSlow(SampleType /*type*/) const override { return false; }
  void FilterHue(const RowBand<AnyConstImageView>& source,
                 const RowBand<AnyImageView>& target,
                 std::span<std::byte> scratch) const override {
    WithTypedBands(source, target, [&](const auto& from, const auto& to) {
      HueMean(from, options_, to, scratch);
    });
  }

  const MeanOptions options_;
};

absl::StatusOr<MeanRounding> ReadRounding(v1::MeanFilter::Rounding rounding) {
  switch (rounding) {
    case v1::MeanFilter::ROUNDING_UNSPECIFIED:
    case v1::MeanFilter::ROUNDING_NEAREST:
      return MeanRounding::kNearest;
    case v1::MeanFilter::ROUNDING_TRUNCATE:
      return MeanRounding::kTruncate;
    default:
      return InvalidField("rounding", "has no value ",
                          static_cast<int>(rounding));
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeMeanFilter(
    const v1::MeanFilter& spec) {
  MeanOptions options;
  ASSIGN_OR_RETURN(
      options.window,
      FilterWindow(spec.kernel_width(), spec.kernel_height(), kLargestKernel));
  ASSIGN_OR_RETURN(options.rounding, ReadRounding(spec.rounding()));
  ASSIGN_OR_RETURN(options.border,
                   FilterBorder(spec.border(), BorderMode::kClip));
  ASSIGN_OR_RETURN(const FilterColors colors,
                   ReadFilterColors(spec.color_space(), spec.channels()));
  return std::make_unique<MeanFilter>(options, colors);
}

}  // namespace imageadapt
