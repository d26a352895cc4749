// Makes the number of channels known to the compiler.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_CHANNELS_H_
#define IMAGEADAPT_KERNELS_CHANNELS_H_

#include <cstdint>
#include <type_traits>

namespace imageadapt {

// Calls `work` with std::integral_constant<int, channels>. Requires 1 to 4.
template <typename Work>
void WithChannels(uint32_t channels, Work&& work) {
  switch (channels) {
    case 1:
      return work(std::integral_constant<int, 1>());
    case 2:
      return work(std::integral_constant<int, 2>());
    case 3:
      return work(std::integral_constant<int, 3>());
    default:
      return work(std::integral_constant<int, 4>());
  }
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_CHANNELS_H_
