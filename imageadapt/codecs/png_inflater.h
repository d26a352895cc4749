// The zlib stream that a PNG file cuts into chunks.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_PNG_INFLATER_H_
#define IMAGEADAPT_CODECS_PNG_INFLATER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/strings/string_view.h"
#include "imageadapt/codecs/png_chunks.h"

struct inflate_state;

namespace imageadapt {

// Inflates the data of consecutive chunks of one type, by ISA-L.
class PngInflater {
 public:
  explicit PngInflater(PngChunkReader& chunks);
  ~PngInflater();

  // Starts a stream in the present chunk of `chunks`, an IDAT or an fdAT. The
  // latter begin with numbers, which must go on from `sequence`; it is lent.
  // Returns what is wrong, or "".
  const char* Start(uint32_t* sequence);

  // Fills `target`, or returns what is wrong; "" if all is well. Reads on
  // through the file as far as is needed.
  const char* Read(std::span<uint8_t> target);

  // What the last Read() could not fill.
  size_t missing_bytes() const;

  // Reads to the end of the stream and of its chunks, whose checksums are
  // verified; returns what is wrong, or "".
  const char* Finish();

  // Memory of the library's state.
  static uint64_t WorkingBytes();

 private:
  // These say what is wrong in problem_.
  bool Inflate();
  bool NextData();
  bool CheckSequence();

  PngChunkReader& chunks_;
  std::unique_ptr<inflate_state> state_;
  bool is_frame_data_ = false;
  uint32_t* sequence_ = nullptr;
  const char* problem_ = "";
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_PNG_INFLATER_H_
