// OpenEXR. Headers are read and checked through the C interface of its library
// (openexr.h), which takes little memory; pixels, on the calling thread,
// through the C++ one, because the C interface of 3.1 lacks DWA and mixes up
// floats in B44. Written by exr_writer.cc.
//
// The picture is the data window, that which the file stores; the display
// window says only where it is meant to be seen. Of several parts the first
// that is not deep is read, of a part with several levels the full one. Its
// channels are R, G, B and perhaps A, or Y and perhaps A, or else the only one
// it has; others beside them are left out, and other sets, luminance with
// chroma (Y, RY, BY) among them, are not supported. Half and float become f32
// exactly, 32-bit integers the nearest f32. Samples are light as the file has
// it: primaries and exposure are not applied.
//
// Colours of such files have alpha multiplied in. It is divided out where alpha
// is above 0; colours that shine without covering (alpha 0) stay as they are,
// and become black when written again.
#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/exr_header.h"
#include "imageadapt/codecs/exr_writer.h"
#include "imageadapt/codecs/whole_file.h"

#if IMAGEADAPT_HAS_EXR
#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfIO.h>
#include <ImfInputPart.h>
#include <ImfMultiPartInputFile.h>
#include <ImfTileDescription.h>
#include <openexr.h>
#endif

namespace imageadapt {
namespace {

constexpr char kFormat[] = "OpenEXR";

#if IMAGEADAPT_HAS_EXR

// A block of rows, or a tile, can be larger than the picture; but not than
// this, or four times the picture.
constexpr uint64_t kMaxChunkBytes = uint64_t{64} << 20;

// What decompression takes beside the block: DWA's tables are the largest.
constexpr uint64_t kScratchPerChunkByte = 8;
constexpr uint64_t kLibraryBytes = uint64_t{2} << 20;

struct CloseContext {
  void operator()(exr_context_t context) const { exr_finish(&context); }
};
using Context =
    std::unique_ptr<std::remove_pointer_t<exr_context_t>, CloseContext>;

// A file in memory, for the interface that throws.
class MemoryStream final : public Imf::IStream {
 public:
  explicit MemoryStream(std::span<const std::byte> bytes)
      : IStream("file"), bytes_(bytes) {}

  bool read(char target[], int count) override {
    const auto size = static_cast<size_t>(count);
    if (count < 0 || at_ > bytes_.size() || size > bytes_.size() - at_) {
      throw std::runtime_error("it ends too early");
    }
    std::memcpy(target, bytes_.data() + at_, size);
    at_ += size;
    return at_ < bytes_.size();
  }
  uint64_t tellg() override { return at_; }
  void seekg(uint64_t at) override { at_ = at; }

 private:
  const std::span<const std::byte> bytes_;
  uint64_t at_ = 0;
};

void IgnoreError(exr_const_context_t /*context*/, exr_result_t /*code*/,
                 const char* /*text*/) {}

class ExrDecoder final : public Decoder {
 public:
  explicit ExrDecoder(Buffer file) : file_(std::move(file)) {}

  absl::Status Open(const DecodeLimits& limits) {
    if (!TameExrHeaders(file_.span())) {
      return DamagedHeader(kFormat, "its attributes make no sense");
    }
    exr_context_initializer_t setup = EXR_DEFAULT_CONTEXT_INITIALIZER;
    setup.error_handler_fn = IgnoreError;
    setup.user_data = this;
    setup.read_fn = Read;
    setup.size_fn = Size;
    setup.flags = EXR_CONTEXT_FLAG_SILENT_HEADER_PARSE |
                  EXR_CONTEXT_FLAG_DISABLE_CHUNK_RECONSTRUCTION;
    exr_context_t context = nullptr;
    const exr_result_t result = exr_start_read(&context, "file", &setup);
    context_.reset(context);
    if (result != EXR_ERR_SUCCESS) {
      return DamagedHeader(kFormat, exr_get_default_error_message(result));
    }
    RETURN_IF_ERROR(FindPart());
    RETURN_IF_ERROR(SetWindow(limits));
    RETURN_IF_ERROR(SetChannels());
    return SetChunks();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }

  uint64_t max_working_bytes() const override {
    return kLibraryBytes + kScratchPerChunkByte * chunk_bytes_ +
           2 * BandRows() * RowBytes(spec_);
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      if (next_row_ % chunk_rows_ == 0) RETURN_IF_ERROR(ReadBand());
      const auto row = target.As<float>().row(y);
      const float* const from =
          Band() + next_row_ % chunk_rows_ * RowSamples(spec_.shape);
      std::copy(from, from + row.size(), row.begin());
      if (HasAlpha(spec_.shape.channels)) DivideOut(row);
      ++next_row_;
    }
    return absl::OkStatus();
  }

 private:
  static ExrDecoder& Self(void* user_data) {
    return *static_cast<ExrDecoder*>(user_data);
  }

  static int64_t Read(exr_const_context_t /*context*/, void* user_data,
                      void* target, uint64_t size, uint64_t offset,
                      exr_stream_error_func_ptr_t /*on_error*/) {
    const std::span<const std::byte> file = Self(user_data).file_.span();
    if (offset >= file.size()) return 0;
    const auto from =
        file.subspan(offset, std::min<uint64_t>(size, file.size() - offset));
    std::copy(from.begin(), from.end(), static_cast<std::byte*>(target));
    return static_cast<int64_t>(from.size());
  }

  static int64_t Size(exr_const_context_t /*context*/, void* user_data) {
    return static_cast<int64_t>(Self(user_data).file_.size());
  }

  // Blocks that a part says it has, of its full level at least.
  uint64_t ChunksOf(int part) const {
    int32_t count = 0;
    exr_attr_box2i_t window = {};
    exr_get_chunk_count(context_.get(), part, &count);
    exr_get_data_window(context_.get(), part, &window);
    const auto width = static_cast<uint64_t>(
        std::max<int64_t>(int64_t{window.max.x} - window.min.x + 1, 1));
    const auto height = static_cast<uint64_t>(
        std::max<int64_t>(int64_t{window.max.y} - window.min.y + 1, 1));
    int32_t columns = 0;
    int32_t rows = 0;
    if (exr_get_tile_sizes(context_.get(), part, 0, 0, &columns, &rows) !=
        EXR_ERR_SUCCESS) {
      columns = INT32_MAX;
      exr_get_scanlines_per_chunk(context_.get(), part, &rows);
    }
    const auto across = static_cast<uint64_t>(std::max(columns, 1));
    const auto down = static_cast<uint64_t>(std::max(rows, 1));
    return std::max(
        static_cast<uint64_t>(std::max(count, 0)),
        ((width + across - 1) / across) * ((height + down - 1) / down));
  }

  absl::Status FindPart() {
    int parts = 0;
    exr_get_count(context_.get(), &parts);
    uint64_t table_bytes = 0;
    for (int part = 0; part < parts; ++part) {
      table_bytes += 8 * std::min(ChunksOf(part), UINT64_MAX / 16 / parts);
    }
    if (table_bytes > file_.size()) {
      return DamagedHeader(kFormat, "it is too short for its blocks");
    }
    for (part_ = 0; part_ < parts; ++part_) {
      exr_storage_t storage = EXR_STORAGE_LAST_TYPE;
      exr_get_storage(context_.get(), part_, &storage);
      is_tiled_ = storage == EXR_STORAGE_TILED;
      if (is_tiled_ || storage == EXR_STORAGE_SCANLINE) {
        return absl::OkStatus();
      }
    }
    return NotSupported(kFormat, "deep pictures only");
  }

  absl::Status SetWindow(const DecodeLimits& limits) {
    if (exr_get_data_window(context_.get(), part_, &window_) !=
        EXR_ERR_SUCCESS) {
      return DamagedHeader(kFormat, "it has no data window");
    }
    const int64_t width = int64_t{window_.max.x} - window_.min.x + 1;
    const int64_t height = int64_t{window_.max.y} - window_.min.y + 1;
    if (width < 1 || height < 1) {
      return DamagedHeader(kFormat, "its data window is empty");
    }
    RETURN_IF_ERROR(CheckSize(static_cast<uint64_t>(width),
                              static_cast<uint64_t>(height), limits));
    spec_.shape.width = static_cast<uint32_t>(width);
    spec_.shape.height = static_cast<uint32_t>(height);
    spec_.sample_type = SampleType::kF32;
    return absl::OkStatus();
  }

  // Which channels make the picture, and that they have every pixel.
  absl::Status SetChannels() {
    const exr_attr_chlist_t* list = nullptr;
    if (exr_get_channels(context_.get(), part_, &list) != EXR_ERR_SUCCESS ||
        list->num_channels < 1) {
      return DamagedHeader(kFormat, "it has no channels");
    }
    const std::span entries(list->entries,
                            static_cast<size_t>(list->num_channels));
    std::string there;
    bool has_chroma = false;
    for (const exr_attr_chlist_entry_t& entry : entries) {
      pixel_bytes_ += entry.pixel_type == EXR_PIXEL_HALF ? 2 : 4;
      const absl::string_view name = entry.name.str;
      if (name == "RY" || name == "BY") has_chroma = true;
      if (name.size() == 1) there.push_back(name[0]);
    }
    const auto has = [&there](char name) {
      return there.find(name) != std::string::npos;
    };
    if (has('R') && has('G') && has('B')) {
      wanted_ = {"R", "G", "B"};
    } else if (has('Y') && !has_chroma) {
      wanted_ = {"Y"};
    } else if (entries.size() == 1) {
      wanted_ = {entries[0].name.str};
    } else {
      return NotSupported(kFormat,
                          has_chroma ? "luminance and chroma (Y, RY, BY)"
                                     : "channels other than R, G, B, Y and A");
    }
    if (entries.size() > 1 && has('A')) wanted_.emplace_back("A");
    for (const exr_attr_chlist_entry_t& entry : entries) {
      if (IndexOf(entry.name.str) >= 0 &&
          (entry.x_sampling != 1 || entry.y_sampling != 1)) {
        return NotSupported(kFormat, "channels of fewer samples than pixels");
      }
    }
    spec_.shape.channels = static_cast<uint32_t>(wanted_.size());
    return PixelBytes(spec_).status();
  }

  // Of a channel in the picture; negative if it is not part of it.
  int IndexOf(absl::string_view name) const {
    const auto found = std::find(wanted_.begin(), wanted_.end(), name);
    return found == wanted_.end() ? -1
                                  : static_cast<int>(found - wanted_.begin());
  }

  // How the picture is cut.
  absl::Status SetChunks() {
    int32_t count = 0;
    int32_t rows = 0;
    auto columns = static_cast<int32_t>(spec_.shape.width);
    exr_get_chunk_count(context_.get(), part_, &count);
    exr_get_chunk_unpacked_size(context_.get(), part_, &chunk_bytes_);
    const exr_result_t result =
        is_tiled_
            ? exr_get_tile_sizes(context_.get(), part_, 0, 0, &columns, &rows)
            : exr_get_scanlines_per_chunk(context_.get(), part_, &rows);
    if (result != EXR_ERR_SUCCESS || count < 1 || rows < 1 || columns < 1) {
      return DamagedHeader(kFormat, "its blocks make no sense");
    }
    // The library takes whole tiles, also at the edge of a small picture.
    uint64_t tile_bytes = 0;
    if (is_tiled_ &&
        __builtin_mul_overflow(uint64_t{static_cast<uint32_t>(columns)} *
                                   static_cast<uint32_t>(rows),
                               pixel_bytes_, &tile_bytes)) {
      tile_bytes = UINT64_MAX;
    }
    chunk_bytes_ = std::max(chunk_bytes_, tile_bytes);
    const uint64_t most = std::max(
        kMaxChunkBytes, 4 * uint64_t{spec_.shape.height} * RowBytes(spec_));
    if (chunk_bytes_ > most) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "the OpenEXR file has blocks of ", chunk_bytes_,
                     " bytes; the limit is ", most);
    }
    chunk_rows_ = static_cast<uint32_t>(rows);
    tile_columns_ = static_cast<uint32_t>(columns);
    return absl::OkStatus();
  }

  uint32_t BandRows() const {
    return std::min(chunk_rows_, spec_.shape.height);
  }
  float* Band() const { return reinterpret_cast<float*>(band_.data()); }

  // The block, or the tiles, that begin with the next row.
  absl::Status ReadBand() {
    if (band_.size() == 0) {
      ASSIGN_OR_RETURN(band_, BufferPool(0).Take(BandRows() * RowBytes(spec_)));
    }
    const uint32_t rows = std::min(BandRows(), spec_.shape.height - next_row_);
    try {
      ReadPixels(window_.min.y + static_cast<int>(next_row_),
                 static_cast<int>(rows));
    } catch (const std::exception& error) {
      return DamagedRows(kFormat, next_row_, spec_.shape.height, error.what());
    }
    return absl::OkStatus();
  }

  // That both interfaces of the library have read the same. Throws if not.
  void CheckHeader(const Imf::Header& header) const {
    const Imath::Box2i& window = header.dataWindow();
    if (window.min.x != window_.min.x || window.min.y != window_.min.y ||
        window.max.x != window_.max.x || window.max.y != window_.max.y ||
        header.hasTileDescription() != is_tiled_ ||
        (is_tiled_ && (header.tileDescription().xSize != tile_columns_ ||
                       header.tileDescription().ySize != chunk_rows_))) {
      throw std::runtime_error("its headers contradict each other");
    }
  }

  // Rows into the band. Throws what the library does.
  void ReadPixels(int first, int rows) {
    if (file_parts_ == nullptr) {
      stream_ = std::make_unique<MemoryStream>(file_.span());
      file_parts_ = std::make_unique<Imf::MultiPartInputFile>(
          *stream_, /*numThreads=*/0, /*reconstructChunkOffsetTable=*/false);
      CheckHeader(file_parts_->header(part_));
      pixels_ = std::make_unique<Imf::InputPart>(*file_parts_, part_);
    }
    Imf::FrameBuffer buffer;
    for (size_t c = 0; c < wanted_.size(); ++c) {
      buffer.insert(
          wanted_[c],
          Imf::Slice::Make(Imf::FLOAT, Band() + c,
                           Imath::V2i(window_.min.x, first),
                           static_cast<int64_t>(spec_.shape.width), rows,
                           sizeof(float) * wanted_.size(), RowBytes(spec_)));
    }
    pixels_->setFrameBuffer(buffer);
    pixels_->readPixels(first, first + rows - 1);
  }

  void DivideOut(std::span<float> row) const {
    const uint32_t channels = spec_.shape.channels;
    for (size_t i = 0; i < row.size(); i += channels) {
      const float alpha = row[i + channels - 1];
      if (!(alpha > 0)) continue;
      for (uint32_t c = 0; c + 1 < channels; ++c) row[i + c] /= alpha;
    }
  }

  const Buffer file_;
  Context context_;
  ImageSpec spec_;
  const ImageMetadata metadata_;
  int part_ = 0;
  bool is_tiled_ = false;
  exr_attr_box2i_t window_ = {};
  std::vector<std::string> wanted_;
  uint64_t pixel_bytes_ = 0;  // of all channels
  uint64_t chunk_bytes_ = 0;
  uint32_t chunk_rows_ = 1;
  uint32_t tile_columns_ = 1;
  std::unique_ptr<MemoryStream> stream_;
  std::unique_ptr<Imf::MultiPartInputFile> file_parts_;
  std::unique_ptr<Imf::InputPart> pixels_;
  Buffer band_;
  uint32_t next_row_ = 0;
};

absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  ASSIGN_OR_RETURN(Buffer file, ReadWholeFile(source));
  auto decoder = std::make_unique<ExrDecoder>(std::move(file));
  RETURN_IF_ERROR(decoder->Open(limits));
  return decoder;
}

absl::Status CanHold(const ImageSpec& spec) {
  if (spec.sample_type != SampleType::kF32) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                   "OpenEXR holds float samples only");
  }
  return PixelBytes(spec).status();
}

#endif  // IMAGEADAPT_HAS_EXR

bool Recognizes(std::span<const std::byte> head) {
  constexpr std::array<uint8_t, 4> kMagic = {0x76, 0x2f, 0x31, 0x01};
  return head.size() >= kMagic.size() &&
         std::equal(kMagic.begin(), kMagic.end(), head.begin(),
                    [](uint8_t a, std::byte b) { return std::byte{a} == b; });
}

}  // namespace

const Codec kExrCodec = {.name = kFormat,
                         .mime_type = "image/x-exr",
                         .recognizes = Recognizes,
#if IMAGEADAPT_HAS_EXR
                         .open = Open,
                         .can_hold = CanHold,
                         .create = CreateExr,
#else
                         .open = nullptr,
                         .can_hold = nullptr,
                         .create = nullptr,
#endif
                         .turn_losslessly = nullptr,
                         .encoder_bytes = ExrWriterBytes,
                         .extensions = "exr",
                         .reads = kReadsF32,
                         .holds_file = true};

}  // namespace imageadapt
