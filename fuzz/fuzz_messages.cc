#include <cstdlib>
#include <string>

#include "fuzz/fuzz_target.h"
#include "imageadapt/rpc/legacy/nlimage_message.h"
#include "imageadapt/rpc/v1/process_image_message.h"
#include "nlimage.pb.h"

// Whatever we read as a message, protobuf must read too, and alike.
int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace imageadapt;  // NOLINT(google-build-using-namespace)
  const auto data = std::as_bytes(std::span(bytes, size));
  ByteRope message(data.first(size / 2));
  message.Append(data.subspan(size / 2));
  NLImageRotateRequest expected;
  if (const auto request = ParseRotateRequest(message); request.ok()) {
    if (!expected.ParseFromArray(bytes, static_cast<int>(size)) ||
        static_cast<int>(expected.rotation()) != request->rotation ||
        expected.image().width() != request->image.width ||
        expected.image().data() != request->image.data.ToString()) {
      std::abort();
    }
  }
  (void)ParseMedianRequest(message);
  (void)ParseProcessImage(message);
  return 0;
}
