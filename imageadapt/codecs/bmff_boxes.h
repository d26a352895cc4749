// Boxes of the ISO base media file format (ISO/IEC 14496-12), which AVIF and
// HEIF files are made of.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_BMFF_BOXES_H_
#define IMAGEADAPT_CODECS_BMFF_BOXES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "absl/strings/string_view.h"

namespace imageadapt {

struct BmffBox {
  absl::string_view type;  // four letters
  // Behind the head, as far as the bytes reach.
  std::span<const std::byte> content;
  // Where the box begins, and its head ends, within the bytes that were read.
  size_t at = 0;
  size_t content_at = 0;
  // It says that it is longer than the bytes.
  bool is_cut = false;
};

// Goes from box to box; lends the bytes.
class BmffReader {
 public:
  explicit BmffReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  // The next box; none at the end, and where no box can be.
  std::optional<BmffBox> Next();

 private:
  const std::span<const std::byte> bytes_;
  size_t at_ = 0;
};

// Big-endian numbers of a box, one after the other. Beyond its end they are 0,
// and ok() is false.
class BmffFields {
 public:
  explicit BmffFields(std::span<const std::byte> content) : bytes_(content) {}

  // Of 0 to 8 bytes.
  uint64_t Number(size_t bytes);
  void Skip(size_t bytes);

  bool ok() const { return is_ok_; }
  // What has not been read.
  std::span<const std::byte> rest() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
  bool is_ok_ = true;
};

// Whether a file begins with "ftyp" and has this brand, first or among those
// that it is compatible with, as far as `head` reaches.
bool HasBmffBrand(std::span<const std::byte> head, absl::string_view brand);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_BMFF_BOXES_H_
