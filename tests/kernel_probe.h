// What the operations of kernel_probe share.
// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_KERNEL_PROBE_H_
#define TESTS_KERNEL_PROBE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/border.h"
#include "imageadapt/kernels/window_size.h"

namespace imageadapt {

// The named values of a request. Ends the program if one is missing or not a
// number, because then the test is wrong.
class ProbeFields {
 public:
  explicit ProbeFields(std::map<std::string, std::string> values)
      : values_(std::move(values)) {}

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
  SampleType Type() const;    // type=u8|u16|f32
  ImageShape Shape() const;   // width=, height=, channels=

 private:
  std::map<std::string, std::string> values_;
};

// An image in a block of memory that ends with its last sample, so that a
// sanitizer sees what goes beyond. Rows have padding, which must stay as it is.
class ProbeImage {
 public:
  ProbeImage(const ImageSpec& spec, size_t padding);

  const ImageSpec& spec() const { return spec_; }
  AnyImageView view() const;
  bool PaddingIsWhole() const;

 private:
  ImageSpec spec_;
  size_t stride_bytes_ = 0;
  size_t bytes_ = 0;
  std::unique_ptr<std::byte[]> memory_;
};

// Memory for a kernel to work in, aligned to 64 bytes.
std::span<std::byte> ProbeScratch(size_t size);

// Computes one band, from a source that has no more rows than `rows_around` the
// band's own.
using ProbeBand = std::function<void(const RowBand<AnyConstImageView>& source,
                                     const RowBand<AnyImageView>& target)>;

// The whole result, in the bands that the request's `cuts` say.
ProbeImage ProbeInBands(const ProbeFields& fields, const ProbeImage& source,
                        const ImageShape& result, uint32_t rows_around,
                        const ProbeBand& run);

// Enough rows around a band for any operation.
constexpr uint32_t kAllRows = UINT32_MAX;

// Calls work(RowBand<ImageView<const T>>, RowBand<ImageView<T>>).
template <typename Work>
void WithTypedProbeBands(const RowBand<AnyConstImageView>& source,
                         const RowBand<AnyImageView>& target, Work&& work) {
  target.rows.Visit([&]<typename T>(ImageView<T> rows) {
    const RowBand<ImageView<const T>> from = {
        .rows = source.rows.As<T>(),
        .first_row = source.first_row,
        .image_height = source.image_height};
    const RowBand<ImageView<T>> to = {.rows = rows,
                                      .first_row = target.first_row,
                                      .image_height = target.image_height};
    work(from, to);
  });
}

using ProbeOperation = ProbeImage (*)(const ProbeFields& fields,
                                      const ProbeImage& source);

ProbeImage ProbeTurn(const ProbeFields& fields, const ProbeImage& source);
ProbeImage ProbeMirrorColumns(const ProbeFields& fields,
                              const ProbeImage& source);
ProbeImage ProbeMirrorRows(const ProbeFields& fields, const ProbeImage& source);
ProbeImage ProbeTurnInPlace(const ProbeFields& fields,
                            const ProbeImage& source);
ProbeImage ProbeMean(const ProbeFields& fields, const ProbeImage& source);
ProbeImage ProbeMedian(const ProbeFields& fields, const ProbeImage& source);
ProbeImage ProbeRotate(const ProbeFields& fields, const ProbeImage& source);
ProbeImage ProbeRgbToHsv(const ProbeFields& fields, const ProbeImage& source);
ProbeImage ProbeHsvToRgb(const ProbeFields& fields, const ProbeImage& source);

}  // namespace imageadapt

#endif  // TESTS_KERNEL_PROBE_H_
