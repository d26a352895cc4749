// The rows that an operation makes of another source's rows.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_PIPELINE_OPERATION_ROWS_H_
#define IMAGEADAPT_PIPELINE_OPERATION_ROWS_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/exec/workspace.h"
#include "imageadapt/image/image.h"
#include "imageadapt/ops/operation.h"
#include "imageadapt/pipeline/row_source.h"

namespace imageadapt {

// Holds no more of its input than the operation needs for one strip: a window
// of rows, or the whole image if it needs all.
class OperationRows final : public RowSource {
 public:
  // `plan` is the operation's plan for the spec of `input`. `work` is lent.
  OperationRows(std::unique_ptr<RowSource> input,
                std::shared_ptr<const Operation> operation,
                const OperationPlan& plan, const Workspace& work);

  const ImageSpec& spec() const override { return plan_.output; }
  uint64_t memory_bytes() const override;
  uint32_t strip_rows() const override { return strip_rows_; }
  absl::Status ReadRows(const AnyImageView& target) override;

 private:
  // Input rows [first, end).
  struct Rows {
    uint32_t first = 0;
    uint32_t end = 0;
  };

  uint32_t input_height() const { return input_spec_.shape.height; }
  uint32_t StripRowsFor(uint32_t input_strip_rows) const;
  uint32_t WindowRows() const;
  uint32_t MaxBands() const;
  Rows NeededFor(uint32_t first_row, uint32_t count) const;

  absl::Status TakeMemory();
  absl::Status FillWindow(Rows needed);
  void RunStrip(const AnyImageView& target);

  std::unique_ptr<RowSource> input_;
  const ImageSpec input_spec_;
  const std::shared_ptr<const Operation> operation_;
  const OperationPlan plan_;
  const Workspace& work_;
  const uint32_t strip_rows_;

  Image window_;
  Rows at_hand_;  // what the window holds, from its first row on
  std::vector<Buffer> scratch_;
  uint32_t next_row_ = 0;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_PIPELINE_OPERATION_ROWS_H_
