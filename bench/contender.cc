#include "bench/contender.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

namespace imageadapt::bench {

Image TakeImage(const ImageSpec& spec, BufferPool& buffers) {
  absl::StatusOr<Image> image = Image::Create(spec, buffers);
  if (!image.ok()) {
    std::fprintf(stderr, "bench: %s\n", image.status().ToString().c_str());
    std::exit(1);
  }
  return *std::move(image);
}

}  // namespace imageadapt::bench
