#include "imageadapt/kernels/in_place_turn.h"
#include "tests/kernel_probe.h"

namespace imageadapt {
namespace {

// work(view, scratch) returns the view of what has become of a copy of the
// source, whose padding may become pixels if it is not to be kept.
template <typename Work>
absl::StatusOr<ProbePixels> InPlace(const ProbeFields& fields,
                                    const ProbePixels& source,
                                    bool keeps_padding, size_t scratch_bytes,
                                    const Work& work) {
  const ProbeSurroundings surroundings = fields.Surroundings();
  const ProbeImage image(source.spec, surroundings, keeps_padding);
  image.Fill(source, 0);
  const ProbeScratch scratch(scratch_bytes, surroundings);
  AnyConstImageView changed;
  image.view().Visit([&]<typename T>(ImageView<T> view) {
    changed = ImageView<const T>(work(view, scratch.span()));
  });
  for (const absl::Status& status :
       {image.CheckSurroundings(), scratch.CheckSurroundings()}) {
    if (!status.ok()) return status;
  }
  ProbePixels result = {.spec = changed.spec(), .samples = {}};
  AppendRows(changed, result);
  return result;
}

}  // namespace

absl::StatusOr<ProbePixels> ProbeTurnInPlace(const ProbeFields& fields,
                                             const ProbePixels& source) {
  const auto turns = static_cast<int>(fields.Count("turns"));
  const bool is_half = turns == 2;
  return InPlace(fields, source, is_half,
                 is_half ? 0 : InPlaceTurnScratchBytes(source.spec),
                 [&](const auto& view, auto scratch) {
                   return QuarterTurnInPlace(view, turns, scratch);
                 });
}

absl::StatusOr<ProbePixels> ProbeTransposeInPlace(const ProbeFields& fields,
                                                  const ProbePixels& source) {
  return InPlace(fields, source, false, InPlaceTurnScratchBytes(source.spec),
                 [](const auto& view, auto scratch) {
                   return TransposeInPlace(view, scratch);
                 });
}

absl::StatusOr<ProbePixels> ProbeMirrorColumnsInPlace(
    const ProbeFields& fields, const ProbePixels& source) {
  return InPlace(fields, source, true, 0,
                 [](const auto& view, auto /*scratch*/) {
                   MirrorColumnsInPlace(view);
                   return view;
                 });
}

absl::StatusOr<ProbePixels> ProbeMirrorRowsInPlace(const ProbeFields& fields,
                                                   const ProbePixels& source) {
  return InPlace(fields, source, true, 0,
                 [](const auto& view, auto /*scratch*/) {
                   MirrorRowsInPlace(view);
                   return view;
                 });
}

}  // namespace imageadapt
