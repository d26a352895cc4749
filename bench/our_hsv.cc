#include "bench/ours.h"
#include "imageadapt/kernels/hsv.h"

namespace imageadapt::bench {

std::optional<Contender> OurRgbToHsv(const Job& job) {
  return InBands(job, 0,
                 [source = job.source](const RowBand<AnyImageView>& target,
                                       std::span<std::byte> /*scratch*/) {
                   target.rows.Visit([&]<typename T>(ImageView<T> rows) {
                     RgbToHsv<T>(
                         source.Rows(target.first_row, rows.shape().height)
                             .template As<T>(),
                         rows);
                   });
                 });
}

std::optional<Contender> OurHsvToRgb(const Job& job) {
  return InBands(job, 0,
                 [source = job.source](const RowBand<AnyImageView>& target,
                                       std::span<std::byte> /*scratch*/) {
                   target.rows.Visit([&]<typename T>(ImageView<T> rows) {
                     HsvToRgb<T>(
                         source.Rows(target.first_row, rows.shape().height)
                             .template As<T>(),
                         rows);
                   });
                 });
}

}  // namespace imageadapt::bench
