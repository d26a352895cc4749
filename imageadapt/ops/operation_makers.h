// One maker for each operation of operations.inc.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_OPS_OPERATION_MAKERS_H_
#define IMAGEADAPT_OPS_OPERATION_MAKERS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "imageadapt/ops/operation.h"
#include "imageadapt/v1/operations.pb.h"

namespace imageadapt {

// INVALID_ARGUMENT about the field of the message if a parameter is wrong.
#define IMAGEADAPT_OPERATION(field, kind, Message)          \
  absl::StatusOr<std::unique_ptr<Operation>> Make##Message( \
      const v1::Message& spec);
#include "imageadapt/ops/operations.inc"
#undef IMAGEADAPT_OPERATION

}  // namespace imageadapt

#endif  // IMAGEADAPT_OPS_OPERATION_MAKERS_H_
