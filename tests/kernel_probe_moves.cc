#include "imageadapt/image/orientation.h"
#include "imageadapt/kernels/quarter_turn.h"
#include "tests/kernel_probe.h"

namespace imageadapt {

absl::StatusOr<ProbePixels> ProbeTurn(const ProbeFields& fields,
                                      const ProbePixels& source) {
  const auto turns = static_cast<int>(fields.Count("turns"));
  const Orientation turned = {.mirrored = false, .quarter_turns = turns};
  return ProbeInBands(
      fields, source,
      {.result = turned.Apply(source.spec.shape),
       .source_rows = AllRows(source)},
      TypedBand([&](const auto& rows, const auto& band, auto /*scratch*/) {
        QuarterTurn(rows.rows, turns, band);
      }));
}

absl::StatusOr<ProbePixels> ProbeTranspose(const ProbeFields& fields,
                                           const ProbePixels& source) {
  const ImageShape& shape = source.spec.shape;
  return ProbeInBands(
      fields, source,
      {.result = {.width = shape.height,
                  .height = shape.width,
                  .channels = shape.channels},
       .source_rows = AllRows(source)},
      TypedBand([](const auto& rows, const auto& band, auto /*scratch*/) {
        TransposeImage(rows.rows, band);
      }));
}

absl::StatusOr<ProbePixels> ProbeMirrorColumns(const ProbeFields& fields,
                                               const ProbePixels& source) {
  return ProbeInBands(
      fields, source,
      {.result = source.spec.shape, .source_rows = RowsAround(source, 0)},
      TypedBand([](const auto& rows, const auto& band, auto /*scratch*/) {
        MirrorColumns(rows, band);
      }));
}

absl::StatusOr<ProbePixels> ProbeMirrorRows(const ProbeFields& fields,
                                            const ProbePixels& source) {
  return ProbeInBands(
      fields, source,
      {.result = source.spec.shape, .source_rows = AllRows(source)},
      TypedBand([](const auto& rows, const auto& band, auto /*scratch*/) {
        MirrorRows(rows.rows, band);
      }));
}

}  // namespace imageadapt
