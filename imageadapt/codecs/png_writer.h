// Writes PNG and APNG files, on several threads.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_PNG_WRITER_H_
#define IMAGEADAPT_CODECS_PNG_WRITER_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/codecs/codec.h"

namespace imageadapt {

// Rows are gathered into strips of about half a mebibyte, which are filtered
// (each row by its best filter) and deflated side by side, without looking back
// into each other. Several frames make an APNG (W3C PNG specification, third
// edition) of whole pictures. Requires that PNG can hold `spec`.
absl::StatusOr<std::unique_ptr<Encoder>> CreatePng(
    ByteSink& sink, const ImageSpec& spec, const EncodeOptions& options);

// Memory that such an encoder takes.
uint64_t PngWriterBytes(const ImageSpec& spec, const EncodeOptions& options);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_PNG_WRITER_H_
