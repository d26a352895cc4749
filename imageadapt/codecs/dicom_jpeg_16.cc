// Samples of up to 16 bits.
#if IMAGEADAPT_HAS_DICOM

#include <cstddef>
#include <cstdio>

extern "C" {
#include <gdcmjpeg/16/jpeglib.h>
// After it.
#include <gdcmjpeg/16/jerror.h>
}

#define DECODE_DICOM_JPEG DecodeDicomJpeg16
#include "imageadapt/codecs/dicom_jpeg.inc"

#endif  // IMAGEADAPT_HAS_DICOM
