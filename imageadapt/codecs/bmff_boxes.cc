#include "imageadapt/codecs/bmff_boxes.h"

#include <algorithm>

namespace imageadapt {
namespace {

absl::string_view Text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::optional<BmffBox> BmffReader::Next() {
  constexpr size_t kHead = 8;
  constexpr size_t kLongHead = 16;
  const std::span<const std::byte> left = bytes_.subspan(at_);
  if (left.size() < kHead) return std::nullopt;
  BmffFields fields(left);
  uint64_t size = fields.Number(4);
  fields.Skip(4);
  size_t head = kHead;
  if (size == 1) {
    size = fields.Number(8);
    head = kLongHead;
    if (!fields.ok()) return std::nullopt;
  } else if (size == 0) {  // to the end
    size = left.size();
  }
  if (size < head) return std::nullopt;
  const size_t there = std::min<uint64_t>(size, left.size());
  const BmffBox box{.type = Text(left.subspan(4, 4)),
                    .content = left.subspan(head, there - head),
                    .at = at_,
                    .content_at = at_ + head,
                    .is_cut = size > left.size()};
  at_ += there;
  return box;
}

uint64_t BmffFields::Number(size_t bytes) {
  if (bytes > bytes_.size()) {
    is_ok_ = false;
    bytes_ = {};
    return 0;
  }
  uint64_t value = 0;
  for (const std::byte byte : bytes_.first(bytes)) {
    value = value << 8 | std::to_integer<uint64_t>(byte);
  }
  bytes_ = bytes_.subspan(bytes);
  return value;
}

void BmffFields::Skip(size_t bytes) {
  if (bytes > bytes_.size()) {
    is_ok_ = false;
    bytes_ = {};
    return;
  }
  bytes_ = bytes_.subspan(bytes);
}

bool HasBmffBrand(std::span<const std::byte> head, absl::string_view brand) {
  const absl::string_view text = Text(head);
  if (text.size() < 12 || text.substr(4, 4) != "ftyp") return false;
  if (text.substr(8, 4) == brand) return true;
  BmffFields fields(head);
  const uint64_t size = fields.Number(4);
  const size_t end =
      size == 0 ? text.size()
                : static_cast<size_t>(std::min<uint64_t>(size, text.size()));
  for (size_t at = 16; at + 4 <= end; at += 4) {
    if (text.substr(at, 4) == brand) return true;
  }
  return false;
}

}  // namespace imageadapt
