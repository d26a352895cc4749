#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/kernels/gaussian.h"
#include "imageadapt/ops/filter_window.h"
#include "imageadapt/ops/operation_makers.h"
#include "imageadapt/ops/typed_bands.h"

namespace imageadapt {
namespace {

constexpr double kLeastSigma = 0.1;
constexpr double kMostSigma = 100;

class GaussianBlurOperation final : public Operation {
 public:
  explicit GaussianBlurOperation(const GaussianOptions& options)
      : options_(options) {}

  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const override {
    const uint32_t side = 2 * GaussianRadius(options_.sigma) + 1;
    return FilterPlan(input, {.width = side, .height = side},
                      GaussianBlurScratchBytes(input, options_));
  }

  void Run(const RowBand<AnyConstImageView>& source,
           const RowBand<AnyImageView>& target,
           std::span<std::byte> scratch) const override {
    WithTypedBands(source, target, [&](const auto& from, const auto& to) {
      GaussianBlur(from, options_, to, scratch);
    });
  }

 private:
  const GaussianOptions options_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeGaussianBlur(
    const v1::GaussianBlur& spec) {
  // Written so that NaN is refused too.
  if (!(spec.sigma() >= kLeastSigma && spec.sigma() <= kMostSigma)) {
    return InvalidField("sigma", "must be from ", kLeastSigma, " to ",
                        kMostSigma, ", got ", spec.sigma());
  }
  GaussianOptions options{.sigma = spec.sigma()};
  ASSIGN_OR_RETURN(options.border,
                   FilterBorder(spec.border(), BorderMode::kReplicate));
  return std::make_unique<GaussianBlurOperation>(options);
}

}  // namespace imageadapt
