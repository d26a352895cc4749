// Unpacks the data of one picture of a GIF file: LZW of codes that grow
// (GIF89a, appendix F).
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_GIF_LZW_H_
#define IMAGEADAPT_CODECS_GIF_LZW_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace imageadapt {

// The bytes must outlive it.
class GifLzwReader {
 public:
  // `data` begins with the byte that tells the code size; then come blocks.
  // What lies behind the block that ends them is not looked at.
  explicit GifLzwReader(std::span<const std::byte> data);

  // The next pixels, as many as `indices` has. Null if they were there,
  // otherwise what is wrong, in words; nothing can be read after that.
  const char* Next(std::span<uint8_t> indices);

 private:
  static constexpr int kMaxCodeBits = 12;
  static constexpr size_t kMaxCodes = size_t{1} << kMaxCodeBits;

  // A code stands for the pixels of another and one more.
  struct Code {
    uint16_t before = 0;
    uint16_t length = 0;
    uint8_t first = 0;
    uint8_t last = 0;
  };

  void Clear();
  bool TakeByte();
  bool TakeCode(unsigned& code);
  // Learns a code from the one before and the one that is read now.
  void Learn(unsigned code);
  void Unpack(unsigned code, uint8_t* target) const;

  std::span<const std::byte> data_;
  size_t block_left_ = 0;
  uint32_t bits_ = 0;
  int bit_count_ = 0;

  int first_bits_ = 0;  // of a pixel
  unsigned clear_ = 0;
  int code_bits_ = 0;
  unsigned known_ = 0;  // codes below this one
  bool has_before_ = false;
  unsigned before_ = 0;
  std::array<Code, kMaxCodes> codes_;

  // Pixels of the last code that did not fit.
  std::array<uint8_t, kMaxCodes> rest_;
  std::span<const uint8_t> rest_left_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_GIF_LZW_H_
