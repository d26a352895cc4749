// One step of a pipeline. An operation is one file and one line in
// operations.inc.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_OPS_OPERATION_H_
#define IMAGEADAPT_OPS_OPERATION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "imageadapt/image/image_spec.h"
#include "imageadapt/image/image_view.h"
#include "imageadapt/v1/operations.pb.h"

namespace imageadapt {

// The input rows that an operation needs for one output row.
struct RowNeed {
  // All of them.
  bool all = false;
  // Otherwise the row of the same number, and so many before and after it (as
  // far as they exist). The output has as many rows as the input.
  uint32_t above = 0;
  uint32_t below = 0;
};

struct OperationPlan {
  ImageSpec output;
  RowNeed need;
  // Memory that each Run() needs besides its bands.
  uint64_t scratch_bytes = 0;
  // Rows can take so long that few should be asked for between two looks at
  // the caller's deadline.
  bool has_slow_rows = false;
};

// Immutable; usable by many threads at once.
class Operation {
 public:
  virtual ~Operation() = default;

  // What becomes of an image. The only place where an operation can fail:
  // INVALID_ARGUMENT if it cannot be done to such an image.
  virtual absl::StatusOr<OperationPlan> Plan(const ImageSpec& input) const = 0;

  // Computes the rows of `target` and nothing else. Requires that the specs are
  // those of the plan, that `source` has all rows that are needed for them, and
  // that `scratch` has the planned size and is aligned to 64 bytes. The result
  // does not depend on how the output is cut into bands.
  virtual void Run(const RowBand<AnyConstImageView>& source,
                   const RowBand<AnyImageView>& target,
                   std::span<std::byte> scratch) const = 0;
};

// Reads one operation. INVALID_ARGUMENT, with the path of the field
// ("rotate.angle_degrees"), if no kind is set or a parameter is wrong.
absl::StatusOr<std::unique_ptr<Operation>> MakeOperation(
    const v1::Operation& spec);

}  // namespace imageadapt

#endif  // IMAGEADAPT_OPS_OPERATION_H_
