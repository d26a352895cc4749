// Images for tests: seeded noise, gradients, constants.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_TESTING_IMAGE_MAKERS_H_
#define IMAGEADAPT_TESTING_IMAGE_MAKERS_H_

#include <cstdint>
#include <string>

#include "imageadapt/image/image.h"

namespace imageadapt::testing {

// A spec in one line: Spec(4, 3, 1) or Spec(4, 3, 4, SampleType::kF32).
ImageSpec Spec(uint32_t width, uint32_t height, uint32_t channels,
               SampleType type = SampleType::kU8);

// An image of uninitialized pixels from a pool of its own. Aborts if there is
// no memory.
Image MakeImage(const ImageSpec& spec);

// Noise that depends on nothing but `seed`: all values for integers, [0, 1) for
// float.
Image MakeNoise(const ImageSpec& spec, uint32_t seed);

// A photograph-like image: slow gradients with a little noise.
Image MakeGradient(const ImageSpec& spec, uint32_t seed);

// All samples `value` (in the sample type's own units).
Image MakeConstant(const ImageSpec& spec, double value);

// A copy of the pixels.
Image Clone(const AnyConstImageView& source);

// "" if both have the same spec and the same bits in every sample; otherwise
// the first difference in words. Use as EXPECT_EQ(Difference(a, b), "").
std::string Difference(const AnyConstImageView& a, const AnyConstImageView& b);

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_TESTING_IMAGE_MAKERS_H_
