// A directory says where its strips are and how long, so a page can only be
// written when all its strips are compressed: they are held until then. libtiff
// would put the directory behind them and go back to the header, which a sink
// cannot; and readers that stream want the directory first.
#include "imageadapt/codecs/tiff_writer.h"

#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <utility>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

// Of samples in a strip: what is lost at least where a file is damaged.
constexpr uint64_t kStripBytes = uint64_t{16} << 10;

struct Page {
  ImageSpec spec;
  uint32_t rows_per_strip = 1;
  std::vector<uint64_t> strip_bytes;
  std::vector<Buffer> blocks;

  uint64_t bytes() const {
    uint64_t sum = 0;
    for (const uint64_t bytes : strip_bytes) sum += bytes;
    return sum;
  }
};

// One directory with the values that do not fit into it.
class Directory {
 public:
  Directory(uint64_t offset, bool is_big) : offset_(offset), is_big_(is_big) {}

  enum Type : uint16_t { kShort = 3, kLong = 4, kUndefined = 7, kLong8 = 16 };

  // In the order of tags.
  void Add(uint16_t tag, Type type, std::span<const uint64_t> values) {
    const unsigned bytes = type == kShort ? 2 : type == kLong ? 4 : 8;
    std::vector<std::byte> data;
    for (const uint64_t value : values) Put(data, value, bytes);
    AddBytes(tag, type, values.size(), std::move(data));
  }
  void Add(uint16_t tag, Type type, uint64_t value) {
    Add(tag, type, std::span(&value, 1));
  }
  void AddBytes(uint16_t tag, Type type, uint64_t count,
                std::vector<std::byte> data) {
    entries_.push_back(
        {.tag = tag, .type = type, .count = count, .data = std::move(data)});
  }

  // Without the strips that follow.
  uint64_t size() const {
    uint64_t size = HeadBytes();
    for (const Entry& entry : entries_) {
      if (entry.data.size() > Room()) size += Padded(entry.data.size());
    }
    return size;
  }

  std::vector<std::byte> Bytes(uint64_t next) const {
    std::vector<std::byte> head;
    std::vector<std::byte> values;
    Put(head, entries_.size(), is_big_ ? 8 : 2);
    for (const Entry& entry : entries_) {
      Put(head, entry.tag, 2);
      Put(head, entry.type, 2);
      Put(head, entry.count, Room());
      if (entry.data.size() <= Room()) {
        head.insert(head.end(), entry.data.begin(), entry.data.end());
        head.resize(head.size() + Room() - entry.data.size());
        continue;
      }
      Put(head, offset_ + HeadBytes() + values.size(), Room());
      values.insert(values.end(), entry.data.begin(), entry.data.end());
      values.resize(Padded(values.size()));
    }
    Put(head, next, Room());
    head.resize(HeadBytes());
    head.insert(head.end(), values.begin(), values.end());
    return head;
  }

  // In the machine's byte order.
  static void Put(std::vector<std::byte>& bytes, uint64_t value,
                  unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
      const bool little = std::endian::native == std::endian::little;
      const unsigned shift = 8 * (little ? i : count - 1 - i);
      bytes.push_back(static_cast<std::byte>(value >> shift & 255));
    }
  }

 private:
  struct Entry {
    uint16_t tag;
    Type type;
    uint64_t count;
    std::vector<std::byte> data;
  };

  static uint64_t Padded(uint64_t size) { return (size + 7) / 8 * 8; }
  unsigned Room() const { return is_big_ ? 8 : 4; }
  uint64_t HeadBytes() const {
    return Padded((is_big_ ? 8 : 2) + entries_.size() * (is_big_ ? 20 : 12) +
                  Room());
  }

  const uint64_t offset_;
  const bool is_big_;
  std::vector<Entry> entries_;
};

class TiffEncoder final : public Encoder {
 public:
  TiffEncoder(ByteSink& sink, const ImageSpec& spec,
              const EncodeOptions& options)
      : sink_(sink),
        icc_(options.icc_profile),
        level_(options.effort == EncodeOptions::Effort::kFast      ? 1
               : options.effort == EncodeOptions::Effort::kDefault ? 6
                                                                   : 9) {
    StartPage(spec);
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    for (uint32_t y = 0; y < source.shape().height; ++y) {
      const std::span<const std::byte> row = source.row_bytes(y);
      strip_.insert(strip_.end(), row.begin(), row.end());
      if (++strip_rows_ == page().rows_per_strip) {
        RETURN_IF_ERROR(EndStrip());
      }
    }
    return absl::OkStatus();
  }

  absl::Status NextFrame(const ImageSpec& spec, FrameDelay /*delay*/) override {
    RETURN_IF_ERROR(EndPage());
    StartPage(spec);
    return absl::OkStatus();
  }

  uint64_t held_bytes() const override {
    return held_ + strip_.capacity() + packed_.capacity();
  }

  absl::Status Finish() override {
    RETURN_IF_ERROR(EndPage());
    // Offsets of 32 bits if they reach, tags and all.
    const bool is_big =
        Layout(/*is_big=*/false) > std::numeric_limits<uint32_t>::max();
    if (is_big) Layout(/*is_big=*/true);
    RETURN_IF_ERROR(AppendHeader(is_big));
    for (size_t i = 0; i < pages_.size(); ++i) {
      const uint64_t next = i + 1 < pages_.size() ? offsets_[i + 1] : 0;
      const std::vector<std::byte> head =
          DirectoryOf(pages_[i], offsets_[i], is_big).Bytes(next);
      RETURN_IF_ERROR(sink_.Append(head));
      for (Buffer& block : pages_[i].blocks) {
        RETURN_IF_ERROR(sink_.AppendBuffer(std::move(block)));
      }
      const std::vector<std::byte> padding(-pages_[i].bytes() % 8);
      if (!padding.empty() && next != 0) {
        RETURN_IF_ERROR(sink_.Append(padding));
      }
    }
    return absl::OkStatus();
  }

 private:
  Page& page() { return pages_.back(); }

  void StartPage(const ImageSpec& spec) {
    pages_.push_back(
        {.spec = spec, .rows_per_strip = 1, .strip_bytes = {}, .blocks = {}});
    const uint64_t rows = std::max<uint64_t>(1, kStripBytes / RowBytes(spec));
    page().rows_per_strip =
        static_cast<uint32_t>(std::min<uint64_t>(rows, spec.shape.height));
  }

  absl::Status EndPage() {
    if (strip_rows_ > 0) RETURN_IF_ERROR(EndStrip());
    page().blocks = hold_.TakeBlocks();
    return absl::OkStatus();
  }

  absl::Status EndStrip() {
    const size_t row_bytes = RowBytes(page().spec);
    for (uint32_t y = 0; y < strip_rows_; ++y) {
      Predict(std::span(strip_).subspan(y * row_bytes, row_bytes));
    }
    uLongf size = compressBound(strip_.size());
    packed_.resize(size);
    if (compress2(reinterpret_cast<Bytef*>(packed_.data()), &size,
                  reinterpret_cast<const Bytef*>(strip_.data()), strip_.size(),
                  level_) != Z_OK) {
      return Refusal(absl::StatusCode::kResourceExhausted, kOutOfMemory,
                     "no memory to compress a strip of a TIFF file");
    }
    RETURN_IF_ERROR(hold_.Append(std::span(packed_).first(size)));
    held_ += size;
    page().strip_bytes.push_back(size);
    strip_.clear();
    strip_rows_ = 0;
    return absl::OkStatus();
  }

  // Differences of neighbours, from the end on so that they are still there.
  template <typename T>
  static void Differences(std::span<std::byte> row, size_t channels) {
    std::vector<T> samples(row.size() / sizeof(T));
    std::memcpy(samples.data(), row.data(), row.size());
    for (size_t i = samples.size(); i-- > channels;) {
      samples[i] = static_cast<T>(samples[i] - samples[i - channels]);
    }
    std::memcpy(row.data(), samples.data(), row.size());
  }

  void Predict(std::span<std::byte> row) {
    const size_t channels = page().spec.shape.channels;
    switch (page().spec.sample_type) {
      case SampleType::kU8:
        Differences<uint8_t>(row, channels);
        break;
      case SampleType::kU16:
        Differences<uint16_t>(row, channels);
        break;
      case SampleType::kF32: {
        // All first bytes, the signs and exponents, before all second ones.
        const size_t count = row.size() / 4;
        std::vector<std::byte> planes(row.size());
        for (size_t i = 0; i < count; ++i) {
          uint32_t bits;
          std::memcpy(&bits, row.data() + 4 * i, 4);
          for (size_t b = 0; b < 4; ++b) {
            planes[b * count + i] =
                static_cast<std::byte>(bits >> (24 - 8 * b) & 255);
          }
        }
        std::memcpy(row.data(), planes.data(), row.size());
        Differences<uint8_t>(row, channels);
        break;
      }
    }
  }

  Directory DirectoryOf(const Page& page, uint64_t offset, bool is_big) const {
    // Once for its size, then with its offsets.
    const Directory draft = DirectoryAt(page, offset, 0, is_big);
    return DirectoryAt(page, offset, offset + draft.size(), is_big);
  }

  Directory DirectoryAt(const Page& page, uint64_t offset, uint64_t first_strip,
                        bool is_big) const {
    const ImageShape& shape = page.spec.shape;
    const bool is_float = page.spec.sample_type == SampleType::kF32;
    const auto long_type = is_big ? Directory::kLong8 : Directory::kLong;
    const auto all = [&](uint64_t value) {
      return std::vector<uint64_t>(shape.channels, value);
    };
    std::vector<uint64_t> offsets;
    for (const uint64_t bytes : page.strip_bytes) {
      offsets.push_back(first_strip);
      first_strip += bytes;
    }
    constexpr uint64_t kDeflate = 8;
    constexpr uint64_t kUnassociatedAlpha = 2;
    Directory directory(offset, is_big);
    directory.Add(256, Directory::kLong, shape.width);
    directory.Add(257, Directory::kLong, shape.height);
    directory.Add(258, Directory::kShort,
                  all(8 * SampleBytes(page.spec.sample_type)));
    directory.Add(259, Directory::kShort, kDeflate);
    directory.Add(262, Directory::kShort, shape.channels < 3 ? 1 : 2);
    directory.Add(273, long_type, offsets);
    directory.Add(277, Directory::kShort, shape.channels);
    directory.Add(278, Directory::kLong, page.rows_per_strip);
    directory.Add(279, long_type, page.strip_bytes);
    directory.Add(284, Directory::kShort, 1);
    directory.Add(317, Directory::kShort, is_float ? 3 : 2);
    if (HasAlpha(shape.channels)) {
      directory.Add(338, Directory::kShort, kUnassociatedAlpha);
    }
    directory.Add(339, Directory::kShort, all(is_float ? 3 : 1));
    if (!icc_.empty()) {
      directory.AddBytes(34675, Directory::kUndefined, icc_.size(),
                         {icc_.begin(), icc_.end()});
    }
    return directory;
  }

  // Sets where each page begins; returns the size of the file.
  uint64_t Layout(bool is_big) {
    uint64_t at = is_big ? 16 : 8;
    offsets_.clear();
    for (const Page& page : pages_) {
      offsets_.push_back(at);
      at += DirectoryAt(page, at, 0, is_big).size() + page.bytes();
      at = (at + 7) / 8 * 8;
    }
    return at;
  }

  absl::Status AppendHeader(bool is_big) {
    const bool little = std::endian::native == std::endian::little;
    std::vector<std::byte> header(2, std::byte(little ? 'I' : 'M'));
    Directory::Put(header, is_big ? 43 : 42, 2);
    if (is_big) {
      Directory::Put(header, 8, 2);
      Directory::Put(header, 0, 2);
    }
    Directory::Put(header, offsets_[0], is_big ? 8 : 4);
    return sink_.Append(header);
  }

  ByteSink& sink_;
  const std::span<const std::byte> icc_;
  const int level_;
  BufferPool pool_{0};
  BufferSink hold_{pool_, sink_.max_bytes()};
  uint64_t held_ = 0;
  std::vector<Page> pages_;
  std::vector<uint64_t> offsets_;
  std::vector<std::byte> strip_;
  uint32_t strip_rows_ = 0;
  std::vector<std::byte> packed_;
};

}  // namespace

absl::Status CanTiffHold(const ImageSpec& spec) {
  return PixelBytes(spec).status();
}

absl::StatusOr<std::unique_ptr<Encoder>> CreateTiff(
    ByteSink& sink, const ImageSpec& spec, const EncodeOptions& options) {
  return std::make_unique<TiffEncoder>(sink, spec, options);
}

}  // namespace imageadapt
