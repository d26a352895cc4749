#include "fuzz/fuzz_decode.h"
#include "fuzz/fuzz_target.h"
#include "imageadapt/codecs/codec_list.h"

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  imageadapt::FuzzDecode(imageadapt::kAvifCodec,
                         std::as_bytes(std::span(bytes, size)));
  return 0;
}
