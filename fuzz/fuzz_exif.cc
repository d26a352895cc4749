#include "fuzz/fuzz_target.h"
#include "imageadapt/codecs/exif_orientation.h"

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto data = std::as_bytes(std::span(bytes, size));
  imageadapt::ExifOrientation(data);
  imageadapt::ExifOrientationOfApp1(data);
  return 0;
}
