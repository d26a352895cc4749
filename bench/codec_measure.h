// Takes the times of a row from file to file.
// SPDX-License-Identifier: Apache-2.0
#ifndef BENCH_CODEC_MEASURE_H_
#define BENCH_CODEC_MEASURE_H_

#include "bench/codec_contender.h"
#include "bench/measure.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/image/image_view.h"

namespace imageadapt::bench {

// All contenders in turn, as Measure(), on a file that our encoder makes of
// `source`. Notes tell how large the files are, and the times of contenders
// without a column. Disagreements are pixels that differ: any of PNG, more than
// coding again can explain of JPEG, and any from TurboJPEG's.
RowTimes MeasureCodec(const CodecRow& row, const AnyConstImageView& source,
                      double seconds, BufferPool& buffers);

}  // namespace imageadapt::bench

#endif  // BENCH_CODEC_MEASURE_H_
