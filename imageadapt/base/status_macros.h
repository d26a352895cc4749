// Early return for functions that give absl::Status or absl::StatusOr.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_BASE_STATUS_MACROS_H_
#define IMAGEADAPT_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define IMAGEADAPT_CONCAT_INNER(a, b) a##b
#define IMAGEADAPT_CONCAT(a, b) IMAGEADAPT_CONCAT_INNER(a, b)

// Leaves the function with `expression`'s status unless it is OK.
#define RETURN_IF_ERROR(expression)                     \
  do {                                                  \
    absl::Status return_if_error_status = (expression); \
    if (!return_if_error_status.ok()) [[unlikely]] {    \
      return return_if_error_status;                    \
    }                                                   \
  } while (false)

// Sets `target` (a variable or a declaration) from the absl::StatusOr
// `expression`, or leaves the function with its status.
#define ASSIGN_OR_RETURN(target, expression)                             \
  ASSIGN_OR_RETURN_INNER(IMAGEADAPT_CONCAT(assign_or_return_, __LINE__), \
                         target, expression)
#define ASSIGN_OR_RETURN_INNER(result, target, expression) \
  auto result = (expression);                              \
  if (!result.ok()) [[unlikely]]                           \
    return std::move(result).status();                     \
  target = std::move(result).value()

#endif  // IMAGEADAPT_BASE_STATUS_MACROS_H_
