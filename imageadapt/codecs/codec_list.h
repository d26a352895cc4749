// One codec for each line of codecs.inc, defined in the format's own file.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_CODEC_LIST_H_
#define IMAGEADAPT_CODECS_CODEC_LIST_H_

#include "imageadapt/codecs/codec.h"

namespace imageadapt {

#define IMAGEADAPT_CODEC(name) extern const Codec name;
#include "imageadapt/codecs/codecs.inc"
#undef IMAGEADAPT_CODEC

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_CODEC_LIST_H_
