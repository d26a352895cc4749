#include "imageadapt/base/refusal.h"
#include "imageadapt/ops/operation.h"
#include "imageadapt/ops/operation_makers.h"

namespace imageadapt {
namespace {

absl::StatusOr<std::unique_ptr<Operation>> WithinField(
    absl::string_view field,
    absl::StatusOr<std::unique_ptr<Operation>> operation) {
  if (!operation.ok()) return Within(field, operation.status());
  return operation;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Operation>> MakeOperation(
    const v1::Operation& spec) {
  switch (spec.kind_case()) {
#define IMAGEADAPT_OPERATION(field, kind, Message) \
  case v1::Operation::kind:                        \
    return WithinField(#field, Make##Message(spec.field()));
#include "imageadapt/ops/operations.inc"
#undef IMAGEADAPT_OPERATION
    case v1::Operation::KIND_NOT_SET:
      break;
  }
  return InvalidField("kind",
                      "no operation is set, or one that this server "
                      "does not know");
}

}  // namespace imageadapt
