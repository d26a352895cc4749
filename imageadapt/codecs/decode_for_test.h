// Small files in tests: decoded, encoded, and put together field by field.
// Only tests include it.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_DECODE_FOR_TEST_H_
#define IMAGEADAPT_CODECS_DECODE_FOR_TEST_H_

#include <initializer_list>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt::testing {

// The first frame of a file.
inline absl::StatusOr<Image> DecodeFile(const Codec& codec,
                                        const std::string& file,
                                        const DecodeLimits& limits = {}) {
  RopeSource source{ByteRope(std::as_bytes(std::span(file)))};
  auto decoder = codec.open(source, limits);
  if (!decoder.ok()) return decoder.status();
  Image image = MakeImage((*decoder)->spec());
  const absl::Status status = (*decoder)->ReadRows(image.view());
  if (!status.ok()) return status;
  return image;
}

inline std::string EncodeFile(const Codec& codec, const Image& image,
                              const EncodeOptions& options = {}) {
  BufferPool pool;
  BufferSink sink(pool);
  auto encoder = codec.create(sink, image.spec(), options);
  if (!encoder.ok() || !(*encoder)->WriteRows(image.view()).ok() ||
      !(*encoder)->Finish().ok()) {
    return std::string();
  }
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  return RopeOf(blocks).ToString();
}

// All samples, row by row; none if there is no image.
inline std::vector<double> SamplesOf(const absl::StatusOr<Image>& image) {
  std::vector<double> samples;
  if (!image.ok()) return samples;
  for (uint32_t y = 0; y < image->spec().shape.height; ++y) {
    image->view().Visit([&](auto view) {
      for (const auto sample : view.row(y)) samples.push_back(sample);
    });
  }
  return samples;
}

// Bytes from numbers: Bytes({0, 255, 7}).
inline std::string Bytes(std::initializer_list<int> values) {
  std::string bytes;
  for (const int value : values) bytes.push_back(static_cast<char>(value));
  return bytes;
}

// The lower byte first.
inline std::string Little16(uint32_t value) {
  return Bytes(
      {static_cast<int>(value & 0xff), static_cast<int>(value >> 8 & 0xff)});
}
inline std::string Little32(uint32_t value) {
  return Little16(value & 0xffff) + Little16(value >> 16);
}

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_CODECS_DECODE_FOR_TEST_H_
