// What the machine, or the container, gives this process.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_SERVER_MACHINE_H_
#define IMAGEADAPT_SERVER_MACHINE_H_

#include <cstddef>
#include <cstdint>

namespace imageadapt {

// Cores this process may run on; at least 1.
size_t UsableCores();

// Bytes of memory, of the control group if it has a limit.
uint64_t UsableMemory();

}  // namespace imageadapt

#endif  // IMAGEADAPT_SERVER_MACHINE_H_
