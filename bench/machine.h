// What the times depend on besides the code.
// SPDX-License-Identifier: Apache-2.0
#ifndef BENCH_MACHINE_H_
#define BENCH_MACHINE_H_

#include <string>

namespace imageadapt::bench {

// Processor, caches, memory, kernel, compiler and the versions of libraries, a
// line of text for each; without names by which a machine is known.
std::string MachineText();

}  // namespace imageadapt::bench

#endif  // BENCH_MACHINE_H_
