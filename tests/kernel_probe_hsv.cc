#include "imageadapt/kernels/hsv.h"
#include "tests/kernel_probe.h"

namespace imageadapt {

ProbeImage ProbeRgbToHsv(const ProbeFields& fields, const ProbeImage& source) {
  return ProbeInBands(fields, source, source.spec().shape, 0,
                      [](const auto& from, const auto& to) {
                        WithTypedProbeBands(
                            from, to, [](const auto& rows, const auto& band) {
                              RgbToHsv(rows.rows, band.rows);
                            });
                      });
}

ProbeImage ProbeHsvToRgb(const ProbeFields& fields, const ProbeImage& source) {
  return ProbeInBands(fields, source, source.spec().shape, 0,
                      [](const auto& from, const auto& to) {
                        WithTypedProbeBands(
                            from, to, [](const auto& rows, const auto& band) {
                              HsvToRgb(rows.rows, band.rows);
                            });
                      });
}

}  // namespace imageadapt
