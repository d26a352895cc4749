// Counts what a thread takes from the heap.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_TESTING_HEAP_ALLOCATIONS_H_
#define IMAGEADAPT_TESTING_HEAP_ALLOCATIONS_H_

#include <cstddef>

namespace imageadapt::testing {

// How often this thread has asked for memory so far: by malloc and its
// relatives, and so by operator new, by containers and by the C++ library. A
// program that calls this has its malloc replaced, or, with a sanitizer that
// has replaced it already, a hook there.
size_t HeapAllocations();

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_TESTING_HEAP_ALLOCATIONS_H_
