// What this build reads and writes.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_FORMAT_TABLE_H_
#define IMAGEADAPT_CODECS_FORMAT_TABLE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "imageadapt/codecs/codec.h"

namespace imageadapt {

// The sample types that files of a codec are decoded to in this build, and
// those that it can write with some number of channels.
std::vector<SampleType> TypesRead(const Codec& codec);
std::vector<SampleType> TypesWritten(const Codec& codec);

// A table for people, with a line for each format.
std::string FormatTable();

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_FORMAT_TABLE_H_
