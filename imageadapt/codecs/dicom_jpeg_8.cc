// Samples of up to 8 bits.
#if IMAGEADAPT_HAS_DICOM

#include <cstddef>
#include <cstdio>

extern "C" {
#include <gdcmjpeg/8/jpeglib.h>
// After it.
#include <gdcmjpeg/8/jerror.h>
}

#define DECODE_DICOM_JPEG DecodeDicomJpeg8
#include "imageadapt/codecs/dicom_jpeg.inc"

#endif  // IMAGEADAPT_HAS_DICOM
