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

// Of those that a picture needs. The library reads so many bytes, whatever the
// size is that stands before them; 0: what is said.
struct Type {
  absl::string_view name;
  uint32_t bytes;
};
constexpr absl::string_view kChannelList = "chlist";
constexpr std::array<Type, 9> kTypes = {{{"box2i", 16},
                                         {kChannelList, 0},
                                         {"compression", 1},
                                         {"float", 4},
                                         {"int", 4},
                                         {"v2f", 8},
                                         {"string", 0},
                                         {"lineOrder", 1},
                                         {"tiledesc", 9}}};

// Behind a channel's name.
constexpr size_t kChannelBytes = 16;

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
      const auto* const known =
          std::find_if(kTypes.begin(), kTypes.end(),
                       [type](const Type& each) { return each.name == type; });
      if (known == kTypes.end()) {
        file_[type_at] = kNoType;
      } else if (known->bytes != 0 && known->bytes != size) {
        return false;
      } else if (type == kChannelList && !IsChannelList(at_ + size)) {
        return false;
      }
      at_ += size;
    }
  }

  // Whether channels end at `end`, where they should.
  bool IsChannelList(size_t end) const {
    HeaderWalk inside(file_.first(end));
    inside.at_ = at_;
    absl::string_view name;
    while (inside.Text(name)) {
      if (name.empty()) return inside.at_ == end;
      if (end - inside.at_ < kChannelBytes) return false;
      inside.at_ += kChannelBytes;
    }
    return false;
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
