// After "OpenEXR File Layout" of openexr.com.
#include "imageadapt/codecs/exr_header.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/string_view.h"
#include "imageadapt/codecs/byte_order.h"

namespace imageadapt {
namespace {

constexpr size_t kFirstHeaderAt = 8;
constexpr uint32_t kSeveralParts = 0x1000;

// Of those that a picture needs: none of them is longer than it says.
constexpr std::array<absl::string_view, 9> kTypes = {
    "box2i", "chlist", "compression", "float",   "int",
    "v2f",   "string", "lineOrder",   "tiledesc"};

// Attributes that decide about memory. Twice in a header, the library's two
// interfaces would each believe another one.
constexpr std::array<absl::string_view, 7> kOnce = {
    "channels",   "compression", "dataWindow", "tiles",
    "chunkCount", "type",        "version"};

// No type begins so.
constexpr std::byte kNoType{'?'};

class HeaderWalk {
 public:
  explicit HeaderWalk(std::span<std::byte> file)
      : file_(file), at_(kFirstHeaderAt) {}

  bool Walk() {
    if (file_.size() < kFirstHeaderAt) return false;
    const uint32_t version =
        LoadLittle32(reinterpret_cast<const uint8_t*>(&file_[4]));
    if (!WalkHeader()) return false;
    if ((version & kSeveralParts) == 0) return true;
    while (at_ < file_.size() && file_[at_] != std::byte{0}) {
      if (!WalkHeader()) return false;
    }
    return at_ < file_.size();
  }

 private:
  // Attributes up to one without a name.
  bool WalkHeader() {
    std::array<bool, kOnce.size()> is_there = {};
    while (true) {
      absl::string_view name;
      if (!Text(name)) return false;
      if (name.empty()) return true;
      const auto* const once = std::find(kOnce.begin(), kOnce.end(), name);
      if (once != kOnce.end() &&
          std::exchange(is_there[static_cast<size_t>(once - kOnce.begin())],
                        true)) {
        return false;
      }
      const size_t type_at = at_;
      absl::string_view type;
      if (!Text(type) || type.empty() || file_.size() - at_ < 4) return false;
      const uint32_t size =
          LoadLittle32(reinterpret_cast<const uint8_t*>(&file_[at_]));
      at_ += 4;
      if (size > file_.size() - at_) return false;
      if (std::find(kTypes.begin(), kTypes.end(), type) == kTypes.end()) {
        file_[type_at] = kNoType;
      }
      at_ += size;
    }
  }

  bool Text(absl::string_view& text) {
    const auto* const begin = reinterpret_cast<const char*>(file_.data()) + at_;
    const void* const end = std::memchr(begin, 0, file_.size() - at_);
    if (end == nullptr) return false;
    text = absl::string_view(
        begin, static_cast<size_t>(static_cast<const char*>(end) - begin));
    at_ += text.size() + 1;
    return true;
  }

  const std::span<std::byte> file_;
  size_t at_;
};

}  // namespace

bool TameExrHeaders(std::span<std::byte> file) {
  return HeaderWalk(file).Walk();
}

}  // namespace imageadapt
