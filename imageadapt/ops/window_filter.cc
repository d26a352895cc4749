#include "imageadapt/ops/window_filter.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/kernels/hsv.h"
#include "imageadapt/ops/filter_window.h"
#include "imageadapt/ops/typed_bands.h"

namespace imageadapt {
namespace {

constexpr uint64_t kAlignment = 64;

// Target rows that are made from one window of HSV rows: not fewer than the
// window has, so that no row is moved often.
uint64_t StepRows(WindowSize window) {
  constexpr uint64_t kMinRows = 16;
  return std::max<uint64_t>(kMinRows, window.height);
}

// Rows of HSV that are held: those of a step and of the windows around it.
uint32_t HsvRows(uint32_t image_height, WindowSize window) {
  return static_cast<uint32_t>(
      std::min<uint64_t>(StepRows(window) + window.height - 1, image_height));
}

// `rows` rows like those of `spec`, side by side in `bytes`.
AnyImageView RowsIn(std::span<std::byte> bytes, ImageSpec spec, uint32_t rows) {
  spec.shape.height = rows;
  const size_t stride = RowSamples(spec.shape);
  switch (spec.sample_type) {
    case SampleType::kU8:
      return ImageView(reinterpret_cast<uint8_t*>(bytes.data()), spec.shape,
                       stride);
    case SampleType::kU16:
      return ImageView(reinterpret_cast<uint16_t*>(bytes.data()), spec.shape,
                       stride);
    case SampleType::kF32:
      return ImageView(reinterpret_cast<float*>(bytes.data()), spec.shape,
                       stride);
  }
  return {};
}

}  // namespace

absl::StatusOr<FilterColors> ReadFilterColors(
    v1::ColorSpace color_space,
    const google::protobuf::RepeatedField<uint32_t>& channels) {
  if (!v1::ColorSpace_IsValid(color_space)) {
    return InvalidField("color_space", "has no value ",
                        static_cast<int>(color_space));
  }
  FilterColors colors;
  colors.in_hsv = color_space == v1::COLOR_SPACE_HSV;
  for (int i = 0; i < channels.size(); ++i) {
    if (channels[i] >= kMaxChannels) {
      return InvalidField(absl::StrCat("channels[", i, "]"),
                          "must be from 0 to ", kMaxChannels - 1, ", got ",
                          channels[i]);
    }
    colors.channels.set(channels[i]);
  }
  return colors;
}

uint64_t WindowFilter::HsvBytes(const ImageSpec& spec) const {
  const uint64_t bytes =
      uint64_t{HsvRows(spec.shape.height, window_)} * RowBytes(spec);
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

absl::StatusOr<OperationPlan> WindowFilter::Plan(const ImageSpec& input) const {
  const uint32_t has = input.shape.channels;
  if (colors_.in_hsv && has < 3) {
    return InvalidField("color_space", "HSV needs 3 or 4 channels, but the ",
                        "image has ", has);
  }
  for (uint32_t c = has; c < kMaxChannels; ++c) {
    if (colors_.channels[c]) {
      return InvalidField("channels", "names channel ", c,
                          ", but the image has ", has,
                          has == 1 ? " channel" : " channels");
    }
  }
  uint64_t scratch = ScratchBytes(input);
  if (colors_.in_hsv) {
    scratch = HsvBytes(input) + std::max(scratch, HueScratchBytes(input));
  }
  OperationPlan plan = FilterPlan(input, window_, scratch);
  plan.has_slow_rows =
      colors_.in_hsv && Filters(0) && HueIsSlow(input.sample_type);
  return plan;
}

void WindowFilter::Run(const RowBand<AnyConstImageView>& source,
                       const RowBand<AnyImageView>& target,
                       std::span<std::byte> scratch) const {
  if (colors_.in_hsv) {
    RunInHsv(source, target, scratch);
    return;
  }
  Filter(source, target, scratch);
  RestoreChannels(source, target);
}

void WindowFilter::RunInHsv(const RowBand<AnyConstImageView>& source,
                            const RowBand<AnyImageView>& target,
                            std::span<std::byte> scratch) const {
  ImageSpec spec = target.rows.spec();
  spec.shape.height = target.image_height;
  const uint32_t capacity = HsvRows(target.image_height, window_);
  const AnyImageView hsv = RowsIn(scratch, spec, capacity);
  const std::span<std::byte> rest = scratch.subspan(HsvBytes(spec));
  Extent held = {.first = source.first_row, .end = source.first_row};
  const uint32_t height = target.rows.shape().height;
  const auto step =
      static_cast<uint32_t>(std::min<uint64_t>(StepRows(window_), height));
  for (uint32_t done = 0; done < height; done += step) {
    const uint32_t count = std::min(step, height - done);
    const uint32_t first = target.first_row + done;
    const Extent needed = {
        .first =
            ClippedExtent(first, window_.height, target.image_height).first,
        .end = ClippedExtent(first + count - 1, window_.height,
                             target.image_height)
                   .end};
    const uint32_t kept = held.end - std::min(held.end, needed.first);
    if (kept > 0 && needed.first > held.first) {
      std::memmove(hsv.row_bytes(0).data(),
                   hsv.row_bytes(needed.first - held.first).data(),
                   kept * RowBytes(spec));
    }
    held = {.first = needed.first, .end = needed.end};
    const uint32_t fresh = held.size() - kept;
    const AnyConstImageView rgb =
        source.rows.Rows(held.first + kept - source.first_row, fresh);
    hsv.Rows(kept, fresh).Visit([&]<typename T>(ImageView<T> to) {
      RgbToHsv(rgb.As<T>(), to);
    });
    const RowBand<AnyImageView> rows = {.rows = target.rows.Rows(done, count),
                                        .first_row = first,
                                        .image_height = target.image_height};
    FilterHsvRows({.rows = AnyConstImageView(hsv).Rows(0, held.size()),
                   .first_row = held.first,
                   .image_height = target.image_height},
                  rows, rest);
    rows.rows.Visit([]<typename T>(ImageView<T> to) {
      HsvToRgb(ImageView<const T>(to), to);
    });
  }
}

void WindowFilter::FilterHsvRows(const RowBand<AnyConstImageView>& hsv,
                                 const RowBand<AnyImageView>& target,
                                 std::span<std::byte> scratch) const {
  Filter(hsv, target, scratch);
  if (Filters(0)) FilterHue(hsv, target, scratch);
  RestoreChannels(hsv, target);
}

// What is not to be filtered becomes again what it was.
void WindowFilter::RestoreChannels(const RowBand<AnyConstImageView>& source,
                                   const RowBand<AnyImageView>& target) const {
  const ImageShape shape = target.rows.shape();
  const uint32_t offset = target.first_row - source.first_row;
  WithTypedBands(source, target, [&](const auto& from, const auto& to) {
    for (uint32_t c = 0; c < shape.channels; ++c) {
      if (Filters(c)) continue;
      for (uint32_t y = 0; y < shape.height; ++y) {
        const auto old = from.rows.row(offset + y);
        const auto row = to.rows.row(y);
        for (size_t i = c; i < row.size(); i += shape.channels) row[i] = old[i];
      }
    }
  });
}

}  // namespace imageadapt
