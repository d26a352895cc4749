// What the mean and the median filter share: the colours and channels that are
// filtered.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_OPS_WINDOW_FILTER_H_
#define IMAGEADAPT_OPS_WINDOW_FILTER_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>

#include "absl/status/statusor.h"
#include "google/protobuf/repeated_field.h"
#include "imageadapt/kernels/window_size.h"
#include "imageadapt/ops/operation.h"

namespace imageadapt {

struct FilterColors {
  bool in_hsv = false;
  // The channels to filter; none set stands for all.
  std::bitset<kMaxChannels> channels;
};

// INVALID_ARGUMENT about "color_space" or "channels[i]" for a number without
// meaning.
absl::StatusOr<FilterColors> ReadFilterColors(
    v1::ColorSpace color_space,
    const google::protobuf::RepeatedField<uint32_t>& channels);

// A filter of windows. Its children know how one is filtered, this how that is
// done in HSV and to some channels only.
class WindowFilter : public Operation {
 public:
  WindowFilter(WindowSize window, const FilterColors& colors)
      : window_(window), colors_(colors) {}

  absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const final;
  void Run(const RowBand<AnyConstImageView>& source,
           const RowBand<AnyImageView>& target,
           std::span<std::byte> scratch) const final;

 protected:
  WindowSize window() const { return window_; }

 private:
  // Filters each channel by itself.
  virtual uint64_t ScratchBytes(const ImageSpec& spec) const = 0;
  virtual void Filter(const RowBand<AnyConstImageView>& source,
                      const RowBand<AnyImageView>& target,
                      std::span<std::byte> scratch) const = 0;

  // Filters channel 0 as hue, and writes no other.
  virtual uint64_t HueScratchBytes(const ImageSpec& spec) const = 0;
  // Whether that can take time that grows with the window.
  virtual bool HueIsSlow(SampleType type) const = 0;
  virtual void FilterHue(const RowBand<AnyConstImageView>& source,
                         const RowBand<AnyImageView>& target,
                         std::span<std::byte> scratch) const = 0;

  bool Filters(uint32_t channel) const {
    return colors_.channels.none() || colors_.channels[channel];
  }
  uint64_t HsvBytes(const ImageSpec& spec) const;
  void RunInHsv(const RowBand<AnyConstImageView>& source,
                const RowBand<AnyImageView>& target,
                std::span<std::byte> scratch) const;
  void FilterHsvRows(const RowBand<AnyConstImageView>& hsv,
                     const RowBand<AnyImageView>& target,
                     std::span<std::byte> scratch) const;
  void RestoreChannels(const RowBand<AnyConstImageView>& source,
                       const RowBand<AnyImageView>& target) const;

  const WindowSize window_;
  const FilterColors colors_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_OPS_WINDOW_FILTER_H_
