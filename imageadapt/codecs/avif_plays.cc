#include "imageadapt/codecs/avif_plays.h"

#include "absl/strings/string_view.h"
#include "imageadapt/codecs/bmff_boxes.h"
#include "imageadapt/codecs/byte_order.h"

namespace imageadapt {
namespace {

// A box "edts" with a list of one edit, in 64 bits.
constexpr size_t kEditBytes = 44;

using Bytes = std::span<const std::byte>;

void AppendBig64(std::vector<uint8_t>& bytes, uint64_t value) {
  AppendBig32(bytes, static_cast<uint32_t>(value >> 32));
  AppendBig32(bytes, static_cast<uint32_t>(value));
}

void AppendText(std::vector<uint8_t>& bytes, absl::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}

// Copies boxes, changed where they say where things are or how long they take.
class Rewriter {
 public:
  explicit Rewriter(uint32_t plays) : plays_(plays) {}

  std::optional<AvifHead> Rewrite(Bytes file) {
    size_t movie_end = 0;
    uint64_t tracks = 0;
    BmffReader boxes(file);
    while (const std::optional<BmffBox> box = boxes.Next()) {
      if (box->type != "moov") continue;
      tracks = CountTracks(box->content);
      movie_end = box->content_at + box->content.size();
    }
    shift_ = tracks * kEditBytes;
    if (tracks == 0 || !CopyBoxes(file.first(movie_end))) return std::nullopt;
    return AvifHead{.bytes = std::move(out_), .replaces = movie_end};
  }

 private:
  static uint64_t CountTracks(Bytes movie) {
    uint64_t count = 0;
    BmffReader boxes(movie);
    while (const std::optional<BmffBox> box = boxes.Next()) {
      if (box->type == "trak") ++count;
    }
    return count;
  }

  bool CopyBoxes(Bytes content) {
    BmffReader boxes(content);
    size_t end = 0;
    while (const std::optional<BmffBox> box = boxes.Next()) {
      if (box->content_at - box->at != 8) return false;
      if (!CopyBox(*box)) return false;
      end = box->content_at + box->content.size();
    }
    return end == content.size();
  }

  bool CopyBox(const BmffBox& box) {
    const size_t at = out_.size();
    AppendBig32(out_, 0);  // the size, when it is known
    AppendText(out_, box.type);
    const absl::string_view type = box.type;
    bool is_done = true;
    if (type == "moov" || type == "trak" || type == "mdia" || type == "minf" ||
        type == "stbl") {
      is_done = CopyBoxes(box.content);
    } else if (type == "meta") {
      constexpr size_t kVersionAndFlags = 4;
      if (box.content.size() < kVersionAndFlags) return false;
      Append(box.content.first(kVersionAndFlags));
      is_done = CopyBoxes(box.content.subspan(kVersionAndFlags));
    } else if (type == "stco") {
      is_done = CopyChunkOffsets(box.content);
    } else if (type == "iloc") {
      is_done = CopyLocations(box.content);
    } else if (type == "mvhd" || type == "tkhd") {
      is_done = CopyHeader(box.content, type == "tkhd" ? 28 : 24);
    } else {
      Append(box.content);
    }
    const auto size = static_cast<uint32_t>(out_.size() - at);
    for (size_t i = 0; i < 4; ++i) {
      out_[at + i] = static_cast<uint8_t>(size >> (24 - 8 * i));
    }
    if (is_done && type == "tkhd") AppendEdit();
    return is_done;
  }

  void Append(Bytes bytes) {
    const auto* const from = reinterpret_cast<const uint8_t*>(bytes.data());
    out_.insert(out_.end(), from, from + bytes.size());
  }

  bool CopyChunkOffsets(Bytes content) {
    BmffFields fields(content);
    AppendBig32(out_, static_cast<uint32_t>(fields.Number(4)));
    const uint64_t count = fields.Number(4);
    AppendBig32(out_, static_cast<uint32_t>(count));
    for (uint64_t i = 0; i < count && fields.ok(); ++i) {
      AppendBig32(out_, static_cast<uint32_t>(fields.Number(4) + shift_));
    }
    return fields.ok() && fields.rest().empty();
  }

  // Version 0, offsets and lengths of 4 bytes, no base.
  bool CopyLocations(Bytes content) {
    BmffFields fields(content);
    const uint64_t version = fields.Number(4);
    const uint64_t sizes = fields.Number(2);
    if (version != 0 || sizes != 0x4400) return false;
    Append(content.first(6));
    const auto copy16 = [&] {
      const auto value = static_cast<uint32_t>(fields.Number(2));
      out_.push_back(static_cast<uint8_t>(value >> 8));
      out_.push_back(static_cast<uint8_t>(value));
      return value;
    };
    const uint32_t items = copy16();
    for (uint32_t i = 0; i < items && fields.ok(); ++i) {
      copy16();  // its number
      copy16();  // the file it is in
      const uint32_t extents = copy16();
      for (uint32_t extent = 0; extent < extents && fields.ok(); ++extent) {
        AppendBig32(out_, static_cast<uint32_t>(fields.Number(4) + shift_));
        AppendBig32(out_, static_cast<uint32_t>(fields.Number(4)));
      }
    }
    return fields.ok() && fields.rest().empty();
  }

  // With the length of the whole, all plays together, in 64 bits at `at`.
  bool CopyHeader(Bytes content, size_t at) {
    constexpr size_t kSize = 8;
    BmffFields fields(content);
    if (fields.Number(1) != 1 || content.size() < at + kSize) return false;
    Append(content.first(at));
    once_ = BmffFields(content.subspan(at, kSize)).Number(kSize);
    uint64_t whole = UINT64_MAX;
    if (plays_ != 0 && __builtin_mul_overflow(once_, plays_, &whole)) {
      return false;
    }
    AppendBig64(out_, whole);
    Append(content.subspan(at + kSize));
    return true;
  }

  void AppendEdit() {
    AppendBig32(out_, kEditBytes);
    AppendText(out_, "edts");
    AppendBig32(out_, kEditBytes - 8);
    AppendText(out_, "elst");
    constexpr uint32_t kVersion1 = 1u << 24;
    AppendBig32(out_, kVersion1 | (plays_ == 1 ? 0 : 1));  // shown again
    AppendBig32(out_, 1);
    AppendBig64(out_, once_);
    AppendBig64(out_, 0);        // from the first frame on
    AppendBig32(out_, 1 << 16);  // at its own speed
  }

  const uint32_t plays_;
  uint64_t shift_ = 0;
  uint64_t once_ = 0;
  std::vector<uint8_t> out_;
};

}  // namespace

std::optional<AvifHead> AddPlays(std::span<const std::byte> file,
                                 uint32_t plays) {
  return Rewriter(plays).Rewrite(file);
}

}  // namespace imageadapt
