// Which vector instructions the kernels use.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_KERNEL_TARGET_H_
#define IMAGEADAPT_KERNELS_KERNEL_TARGET_H_

namespace imageadapt {

// On this processor: Highway's name, such as "AVX2", or "SCALAR".
const char* KernelTargetName();

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_KERNEL_TARGET_H_
