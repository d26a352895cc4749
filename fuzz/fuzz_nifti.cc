#include "fuzz/fuzz_decode.h"
#include "fuzz/fuzz_target.h"
#include "imageadapt/codecs/codec_list.h"

int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto file = std::as_bytes(std::span(bytes, size));
  const bool is_gzip = imageadapt::kNiftiGzipCodec.recognizes(file);
  imageadapt::FuzzDecode(
      is_gzip ? imageadapt::kNiftiGzipCodec : imageadapt::kNiftiCodec, file);
  return 0;
}
