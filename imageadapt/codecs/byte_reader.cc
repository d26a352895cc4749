#include "imageadapt/codecs/byte_reader.h"

#include <algorithm>
#include <cstring>

namespace imageadapt {

bool ByteReader::TakeNext() {
  if (!source_status_.ok()) return false;
  auto next = source_.Next();
  source_status_ = next.status();
  if (!next.ok() || next->empty()) return false;
  ready_ = *next;
  return true;
}

bool ByteReader::Fill(std::span<std::byte> target) {
  while (!target.empty()) {
    if (ready_.empty() && !TakeNext()) return false;
    const size_t taken = std::min(ready_.size(), target.size());
    std::memcpy(target.data(), ready_.data(), taken);
    ready_ = ready_.subspan(taken);
    target = target.subspan(taken);
  }
  return true;
}

bool ByteReader::Skip(uint64_t count) {
  while (count > 0) {
    if (ready_.empty() && !TakeNext()) return false;
    const size_t taken = std::min<uint64_t>(ready_.size(), count);
    ready_ = ready_.subspan(taken);
    count -= taken;
  }
  return true;
}

bool ByteReader::Some(size_t most, std::span<const std::byte>& bytes) {
  if (ready_.empty() && !TakeNext()) return false;
  bytes = ready_.first(std::min(ready_.size(), most));
  ready_ = ready_.subspan(bytes.size());
  return true;
}

}  // namespace imageadapt
