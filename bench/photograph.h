// Images that are like photographs to a filter.
// SPDX-License-Identifier: Apache-2.0
#ifndef BENCH_PHOTOGRAPH_H_
#define BENCH_PHOTOGRAPH_H_

#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/image/image.h"

namespace imageadapt::bench {

// Smooth light, shapes with edges, some of them with a texture, and a little
// noise. The same each time. Samples fill their range; float from 0 to 1.
Image MakePhotograph(const ImageSpec& spec, BufferPool& buffers);

// Turns a photograph of three channels into hue, saturation and value: the
// whole circle of hues is 2^bits of an integer, and 360 in float.
void PhotographToHsv(Image& photograph);

}  // namespace imageadapt::bench

#endif  // BENCH_PHOTOGRAPH_H_
