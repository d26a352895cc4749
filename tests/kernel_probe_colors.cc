#include <algorithm>

#include "imageadapt/kernels/hsv.h"
#include "imageadapt/kernels/hue_filters.h"
#include "imageadapt/kernels/luma.h"
#include "tests/kernel_probe.h"

namespace imageadapt {
namespace {

// convert(source, target), also with both in the same memory.
template <typename Convert>
absl::StatusOr<ProbePixels> ConvertPixels(const ProbeFields& fields,
                                          const ProbePixels& source,
                                          const Convert& convert) {
  const bool in_place = fields.Count("in_place") != 0;
  return ProbeInBands(
      fields, source,
      {.result = source.spec.shape, .source_rows = RowsAround(source, 0)},
      TypedBand([&]<typename T>(const RowBand<ImageView<const T>>& rows,
                                const RowBand<ImageView<T>>& band,
                                auto /*scratch*/) {
        if (!in_place) return convert(rows.rows, band.rows);
        for (uint32_t y = 0; y < rows.rows.shape().height; ++y) {
          std::ranges::copy(rows.rows.row(y), band.rows.row(y).begin());
        }
        convert(ImageView<const T>(band.rows), band.rows);
      }));
}

// The first channel; nothing may have been written to the others.
absl::StatusOr<ProbePixels> HueOf(const ProbeFields& fields,
                                  const absl::StatusOr<ProbePixels>& pixels) {
  if (!pixels.ok()) return pixels.status();
  ProbePixels hues = {.spec = pixels->spec, .samples = {}};
  hues.spec.shape.channels = 1;
  const std::byte fill{fields.Surroundings().fill};
  const size_t sample = SampleBytes(hues.spec.sample_type);
  const size_t pixel = sample * pixels->spec.shape.channels;
  for (size_t i = 0; i < pixels->samples.size(); ++i) {
    if (i % pixel < sample) {
      hues.samples.push_back(pixels->samples[i]);
    } else if (pixels->samples[i] != fill) {
      return absl::InternalError("written to other channels");
    }
  }
  return hues;
}

}  // namespace

absl::StatusOr<ProbePixels> ProbeRgbToHsv(const ProbeFields& fields,
                                          const ProbePixels& source) {
  return ConvertPixels(fields, source, [](const auto& from, const auto& to) {
    RgbToHsv(from, to);
  });
}

absl::StatusOr<ProbePixels> ProbeHsvToRgb(const ProbeFields& fields,
                                          const ProbePixels& source) {
  return ConvertPixels(fields, source, [](const auto& from, const auto& to) {
    HsvToRgb(from, to);
  });
}

absl::StatusOr<ProbePixels> ProbeHueMean(const ProbeFields& fields,
                                         const ProbePixels& source) {
  const MeanOptions options = {.window = fields.Window(),
                               .border = fields.Border()};
  return HueOf(
      fields,
      ProbeInBands(
          fields, source,
          {.result = source.spec.shape,
           .source_rows = RowsAround(source, options.window.height / 2),
           .scratch_bytes = HueMeanScratchBytes(source.spec, options)},
          TypedBand([&](const auto& rows, const auto& band, auto scratch) {
            HueMean(rows, options, band, scratch);
          })));
}

absl::StatusOr<ProbePixels> ProbeHueMedian(const ProbeFields& fields,
                                           const ProbePixels& source) {
  const MedianOptions options = {.window = fields.Window(),
                                 .border = fields.Border()};
  return HueOf(
      fields,
      ProbeInBands(
          fields, source,
          {.result = source.spec.shape,
           .source_rows = RowsAround(source, options.window.height / 2),
           .scratch_bytes = HueMedianScratchBytes(source.spec, options)},
          TypedBand([&](const auto& rows, const auto& band, auto scratch) {
            HueMedian(rows, options, band, scratch);
          })));
}

absl::StatusOr<ProbePixels> ProbeGrayscale(const ProbeFields& fields,
                                           const ProbePixels& source) {
  ImageShape grey = source.spec.shape;
  grey.channels = HasAlpha(grey.channels) ? 2 : 1;
  return ProbeInBands(
      fields, source, {.result = grey, .source_rows = RowsAround(source, 0)},
      TypedBand([](const auto& rows, const auto& band, auto /*scratch*/) {
        Grayscale(rows.rows, band.rows);
      }));
}

}  // namespace imageadapt
