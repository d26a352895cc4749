#include "imageadapt/kernels/kernel_target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/kernel_target.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

const char* Name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Name);

const char* KernelTargetName() { return HWY_DYNAMIC_DISPATCH(Name)(); }

}  // namespace imageadapt
#endif  // HWY_ONCE
