// Finds the orientation in EXIF metadata.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_EXIF_ORIENTATION_H_
#define IMAGEADAPT_CODECS_EXIF_ORIENTATION_H_

#include <cstddef>
#include <span>

#include "imageadapt/image/orientation.h"

namespace imageadapt {

// What turns the image upright. `tiff` begins with the byte order mark ("II" or
// "MM"), as in a PNG's eXIf chunk. Upright if there is no orientation, or the
// metadata are damaged: they never make an image unreadable (EXIF 2.32, tag
// 0x0112 of the first directory).
Orientation ExifOrientation(std::span<const std::byte> tiff);

// The same for the data of a JPEG's APP1 segment, which begins with
// "Exif\0\0". Upright for other APP1 segments.
Orientation ExifOrientationOfApp1(std::span<const std::byte> segment);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_EXIF_ORIENTATION_H_
