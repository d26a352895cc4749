#include "bench/ours.h"
#include "imageadapt/kernels/quarter_turn.h"

namespace imageadapt::bench {

std::optional<Contender> OurQuarterTurn(const Job& job) {
  const auto quarters = static_cast<int>(job.operation.parameter);
  return InBands(
      job, 0,
      [source = job.source, quarters](const RowBand<AnyImageView>& target,
                                      std::span<std::byte> /*scratch*/) {
        target.rows.Visit([&]<typename T>(ImageView<T> rows) {
          QuarterTurn(source.As<T>(), quarters, TypedBand(target, rows));
        });
      });
}

std::optional<Contender> OurMirror(const Job& job) {
  return InBands(job, 0,
                 [source = job.source](const RowBand<AnyImageView>& target,
                                       std::span<std::byte> /*scratch*/) {
                   target.rows.Visit([&]<typename T>(ImageView<T> rows) {
                     MirrorColumns(WholeImage(source.As<T>()),
                                   TypedBand(target, rows));
                   });
                 });
}

}  // namespace imageadapt::bench
