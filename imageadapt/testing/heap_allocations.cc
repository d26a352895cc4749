#include "imageadapt/testing/heap_allocations.h"

#include <cerrno>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IMAGEADAPT_MALLOC_HAS_HOOKS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IMAGEADAPT_MALLOC_HAS_HOOKS 1
#endif
#endif

namespace {

thread_local size_t allocations = 0;

}  // namespace

#ifdef IMAGEADAPT_MALLOC_HAS_HOOKS

// Of <sanitizer/allocator_interface.h>, which GCC does not install.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" int __sanitizer_install_malloc_and_free_hooks(
    void (*on_malloc)(const volatile void*, size_t),
    void (*on_free)(const volatile void*));

namespace {

[[maybe_unused]] const int kHooks = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, size_t) { ++allocations; },
    [](const volatile void*) {});

}  // namespace

#else

// The C library's own, which stay reachable by these names.
// NOLINTBEGIN(bugprone-reserved-identifier,cppcoreguidelines-no-malloc,
// cppcoreguidelines-owning-memory)
extern "C" {

void* __libc_malloc(size_t size) noexcept;
void* __libc_calloc(size_t count, size_t size) noexcept;
void* __libc_realloc(void* block, size_t size) noexcept;
void* __libc_memalign(size_t alignment, size_t size) noexcept;

void* malloc(size_t size) noexcept {
  ++allocations;
  return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) noexcept {
  ++allocations;
  return __libc_calloc(count, size);
}

void* realloc(void* block, size_t size) noexcept {
  ++allocations;
  return __libc_realloc(block, size);
}

void* memalign(size_t alignment, size_t size) noexcept {
  ++allocations;
  return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) noexcept {
  ++allocations;
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** block, size_t alignment, size_t size) noexcept {
  ++allocations;
  void* const found = __libc_memalign(alignment, size);
  if (found == nullptr) return ENOMEM;
  *block = found;
  return 0;
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,cppcoreguidelines-no-malloc,
// cppcoreguidelines-owning-memory)

#endif  // IMAGEADAPT_MALLOC_HAS_HOOKS

namespace imageadapt::testing {

size_t HeapAllocations() { return allocations; }

}  // namespace imageadapt::testing
