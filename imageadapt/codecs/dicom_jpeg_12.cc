// Samples of up to 12 bits.
#if IMAGEADAPT_HAS_DICOM

#include <cstddef>
#include <cstdio>

extern "C" {
#include <gdcmjpeg/12/jpeglib.h>
// After it.
#include <gdcmjpeg/12/jerror.h>
}

#define DECODE_DICOM_JPEG DecodeDicomJpeg12
#include "imageadapt/codecs/dicom_jpeg.inc"

#endif  // IMAGEADAPT_HAS_DICOM
