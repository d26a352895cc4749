#include <cstddef>
#include <cstdint>

#include "imageadapt/kernels/median_network_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/median_network_f32.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"
#include "imageadapt/kernels/median_network_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

bool Medians(const NetworkRows<float>& rows, std::byte* scratch) {
  return MediansOfAnySide(rows, scratch);
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Medians);

bool MediansOfRows(const NetworkRows<float>& rows, std::byte* scratch) {
  return HWY_DYNAMIC_DISPATCH(Medians)(rows, scratch);
}

}  // namespace imageadapt
#endif  // HWY_ONCE
