// What a call may use while it works.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_EXEC_WORKSPACE_H_
#define IMAGEADAPT_EXEC_WORKSPACE_H_

#include <cstdint>

#include "absl/status/status.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/call_context.h"
#include "imageadapt/exec/memory_budget.h"
#include "imageadapt/exec/worker_pool.h"

namespace imageadapt {

// Lends everything; must not outlive any of it. Used by one call.
struct Workspace {
  const CallContext& call;
  WorkerPool& workers;
  BufferPool& buffers;
  // Grown by whoever is about to take memory, and shrunk when it is free again.
  MemoryBudget::Reservation& memory;
};

// Grows the call's reservation by `bytes`: the only way memory is asked for.
// RESOURCE_EXHAUSTED if it cannot grow so much now, INVALID_ARGUMENT
// (IMAGE_TOO_LARGE) if it never can.
absl::Status ReserveMemory(uint64_t bytes, const Workspace& work);

}  // namespace imageadapt

#endif  // IMAGEADAPT_EXEC_WORKSPACE_H_
