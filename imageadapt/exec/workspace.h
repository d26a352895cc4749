// What a call may use while it works.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_EXEC_WORKSPACE_H_
#define IMAGEADAPT_EXEC_WORKSPACE_H_

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

}  // namespace imageadapt

#endif  // IMAGEADAPT_EXEC_WORKSPACE_H_
