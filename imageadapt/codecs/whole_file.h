// For libraries that want all bytes of a file at once.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_WHOLE_FILE_H_
#define IMAGEADAPT_CODECS_WHOLE_FILE_H_

#include "absl/status/statusor.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/byte_stream.h"

namespace imageadapt {

// All bytes of `source`, in one block. Errors are those of the source;
// RESOURCE_EXHAUSTED if there is not so much memory. A codec that calls it says
// so in Codec::holds_file, so that the memory is reserved before.
absl::StatusOr<Buffer> ReadWholeFile(ByteSource& source);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_WHOLE_FILE_H_
