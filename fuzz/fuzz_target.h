// What every fuzzer defines.
// SPDX-License-Identifier: Apache-2.0
#ifndef FUZZ_FUZZ_TARGET_H_
#define FUZZ_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>

// Tries one input; must neither crash nor hang, whatever it is. Returns 0.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size);

#endif  // FUZZ_FUZZ_TARGET_H_
