// What the operations of kernel_probe share.
// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_KERNEL_PROBE_H_
#define TESTS_KERNEL_PROBE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/border.h"
#include "imageadapt/kernels/window_size.h"
#include "imageadapt/testing/guarded_rows.h"

namespace imageadapt {

// Pixels without padding, as requests and answers have them.
struct ProbePixels {
  ImageSpec spec;
  std::vector<std::byte> samples;
};

// What lies around a kernel's pixels.
struct ProbeSurroundings {
  size_t padding = 0;  // samples between rows
  uint8_t fill = 0;    // each byte there, and in pixels still to be written
  bool guards_end = true;
};

// The named values of a request. Ends the program if one is missing or not a
// number, because then the test is wrong.
class ProbeFields {
 public:
  // `fill` and `guards_end` are for Surroundings().
  ProbeFields(std::map<std::string, std::string> values, uint8_t fill,
              bool guards_end)
      : values_(std::move(values)), fill_(fill), guards_end_(guards_end) {}

  std::string Text(const std::string& name) const;
  uint32_t Count(const std::string& name) const;
  double Number(const std::string& name) const;
  // Numbers with commas between them.
  std::vector<double> Numbers(const std::string& name) const;
  // The place of the field's text among `names`.
  size_t Choice(const std::string& name,
                std::span<const char* const> names) const;

  BorderMode Border() const;  // border=clip|replicate|reflect101
  WindowSize Window() const;  // window_width=, window_height=
  ImageSpec Spec() const;     // type=u8|u16|f32, width=, height=, channels=
  ProbeSurroundings Surroundings() const;  // padding=

 private:
  std::map<std::string, std::string> values_;
  uint8_t fill_;
  bool guards_end_;
};

// An image in memory of its own, at an edge that cannot be crossed. At first
// all is full of the surroundings' fill.
class ProbeImage {
 public:
  // Without guarded padding what lies between rows may be used, too.
  ProbeImage(const ImageSpec& spec, const ProbeSurroundings& surroundings,
             bool guards_padding = true);

  AnyImageView view() const;
  // Rows of `pixels` from `first` on.
  void Fill(const ProbePixels& pixels, uint32_t first) const;
  bool Equals(const ProbePixels& pixels, uint32_t first) const;
  // An error that tells what was written to around the pixels.
  absl::Status CheckSurroundings() const;

 private:
  ImageSpec spec_;
  size_t stride_;
  testing::GuardedRows rows_;
};

// Memory for a kernel to work in, aligned to 64 bytes, full of the
// surroundings' fill.
class ProbeScratch {
 public:
  ProbeScratch(size_t size, const ProbeSurroundings& surroundings);

  std::span<std::byte> span() const;
  absl::Status CheckSurroundings() const;

 private:
  size_t size_;
  testing::GuardedRows rows_;
};

void AppendRows(const AnyConstImageView& rows, ProbePixels& pixels);

// Computes one band.
using ProbeBand = std::function<void(const RowBand<AnyConstImageView>& source,
                                     const RowBand<AnyImageView>& target,
                                     std::span<std::byte> scratch)>;

struct ProbePlan {
  ImageShape result;
  // The rows of the source that a band may see.
  std::function<Extent(Extent target_rows)> source_rows;
  size_t scratch_bytes = 0;
};

// The whole result, in the bands that the request's `cuts` say, each from a
// source that has no more rows than it may see. An error if anything else was
// changed.
absl::StatusOr<ProbePixels> ProbeInBands(const ProbeFields& fields,
                                         const ProbePixels& source,
                                         const ProbePlan& plan,
                                         const ProbeBand& run);

// For ProbePlan: all rows, or those of the band and `count` on either side.
std::function<Extent(Extent)> AllRows(const ProbePixels& source);
std::function<Extent(Extent)> RowsAround(const ProbePixels& source,
                                         uint32_t count);

// A ProbeBand that calls
// work(RowBand<ImageView<const T>>, RowBand<ImageView<T>>, scratch).
template <typename Work>
ProbeBand TypedBand(Work work) {
  return [work](const RowBand<AnyConstImageView>& source,
                const RowBand<AnyImageView>& target,
                std::span<std::byte> scratch) {
    target.rows.Visit([&]<typename T>(ImageView<T> rows) {
      const RowBand<ImageView<const T>> from = {
          .rows = source.rows.As<T>(),
          .first_row = source.first_row,
          .image_height = source.image_height};
      const RowBand<ImageView<T>> to = {.rows = rows,
                                        .first_row = target.first_row,
                                        .image_height = target.image_height};
      work(from, to, scratch);
    });
  };
}

using ProbeOperation = absl::StatusOr<ProbePixels> (*)(
    const ProbeFields& fields, const ProbePixels& source);

#define DECLARE_OPERATION(name) \
  absl::StatusOr<ProbePixels> name(const ProbeFields&, const ProbePixels&)
DECLARE_OPERATION(ProbeTurn);
DECLARE_OPERATION(ProbeTranspose);
DECLARE_OPERATION(ProbeMirrorColumns);
DECLARE_OPERATION(ProbeMirrorRows);
DECLARE_OPERATION(ProbeTurnInPlace);
DECLARE_OPERATION(ProbeTransposeInPlace);
DECLARE_OPERATION(ProbeMirrorColumnsInPlace);
DECLARE_OPERATION(ProbeMirrorRowsInPlace);
DECLARE_OPERATION(ProbeMean);
DECLARE_OPERATION(ProbeMedian);
DECLARE_OPERATION(ProbeRotate);
DECLARE_OPERATION(ProbeTurnOntoCanvas);
DECLARE_OPERATION(ProbeRgbToHsv);
DECLARE_OPERATION(ProbeHsvToRgb);
DECLARE_OPERATION(ProbeHueMean);
DECLARE_OPERATION(ProbeHueMedian);
DECLARE_OPERATION(ProbeGrayscale);
DECLARE_OPERATION(ProbeResize);
DECLARE_OPERATION(ProbeGaussian);
DECLARE_OPERATION(ProbeEdges);
#undef DECLARE_OPERATION

}  // namespace imageadapt

#endif  // TESTS_KERNEL_PROBE_H_
