#include "imageadapt/image/orientation.h"
#include "imageadapt/kernels/quarter_turn.h"
#include "tests/kernel_probe.h"

namespace imageadapt {

ProbeImage ProbeTurn(const ProbeFields& fields, const ProbeImage& source) {
  const auto turns = static_cast<int>(fields.Count("turns"));
  const Orientation turned = {.mirrored = false, .quarter_turns = turns};
  return ProbeInBands(fields, source, turned.Apply(source.spec().shape),
                      kAllRows, [&](const auto& from, const auto& to) {
                        WithTypedProbeBands(
                            from, to, [&](const auto& rows, const auto& band) {
                              QuarterTurn(rows.rows, turns, band);
                            });
                      });
}

ProbeImage ProbeMirrorColumns(const ProbeFields& fields,
                              const ProbeImage& source) {
  return ProbeInBands(fields, source, source.spec().shape, 0,
                      [](const auto& from, const auto& to) {
                        WithTypedProbeBands(
                            from, to, [](const auto& rows, const auto& band) {
                              MirrorColumns(rows, band);
                            });
                      });
}

ProbeImage ProbeMirrorRows(const ProbeFields& fields,
                           const ProbeImage& source) {
  return ProbeInBands(fields, source, source.spec().shape, kAllRows,
                      [](const auto& from, const auto& to) {
                        WithTypedProbeBands(
                            from, to, [](const auto& rows, const auto& band) {
                              MirrorRows(rows.rows, band);
                            });
                      });
}

}  // namespace imageadapt
