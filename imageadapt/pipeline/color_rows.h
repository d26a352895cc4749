// Rows whose colours become those of sRGB.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_PIPELINE_COLOR_ROWS_H_
#define IMAGEADAPT_PIPELINE_COLOR_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/color_transform.h"
#include "imageadapt/pipeline/row_source.h"

namespace imageadapt {

class ColorRows final : public RowSource {
 public:
  // `transform` is for the spec of `rows`, and by a profile of so many bytes.
  ColorRows(std::unique_ptr<RowSource> rows,
            std::shared_ptr<const ColorTransform> transform,
            size_t profile_bytes)
      : rows_(std::move(rows)),
        transform_(std::move(transform)),
        profile_bytes_(profile_bytes) {}

  const ImageSpec& spec() const override { return rows_->spec(); }
  uint64_t memory_bytes() const override {
    return AddOrMost(rows_->memory_bytes(),
                     ColorTransform::MemoryBytes(profile_bytes_));
  }
  uint32_t strip_rows() const override { return rows_->strip_rows(); }
  absl::Status ReadRows(const AnyImageView& target) override {
    RETURN_IF_ERROR(rows_->ReadRows(target));
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      std::byte* const row = target.row_bytes(y).data();
      transform_->Run(row, row, target.shape().width);
    }
    return absl::OkStatus();
  }

 private:
  std::unique_ptr<RowSource> rows_;
  std::shared_ptr<const ColorTransform> transform_;
  size_t profile_bytes_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_PIPELINE_COLOR_ROWS_H_
