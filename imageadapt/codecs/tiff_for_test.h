// Small TIFF files in tests: written by libtiff, or put together tag by tag.
// Only tests and fuzzers' seeds include it.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_TIFF_FOR_TEST_H_
#define IMAGEADAPT_CODECS_TIFF_FOR_TEST_H_

#include <tiffio.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace imageadapt::testing {

// A page for libtiff to write.
struct TiffPageMaker {
  uint32_t width = 4;
  uint32_t height = 3;
  uint16_t samples = 1;
  uint16_t bits = 8;
  uint16_t photometric = PHOTOMETRIC_MINISBLACK;
  uint16_t compression = COMPRESSION_NONE;
  uint16_t format = SAMPLEFORMAT_UINT;
  uint16_t predictor = PREDICTOR_NONE;
  bool is_planar = false;
  uint32_t rows_per_strip = 2;
  // Tiles instead of strips, if not 0.
  uint32_t tile_width = 0;
  uint32_t tile_height = 0;
  uint16_t orientation = ORIENTATION_TOPLEFT;
  uint16_t fill_order = FILLORDER_MSB2LSB;
  uint32_t file_type = 0;
  std::vector<uint16_t> extras = {};
  // Red, green and blue, one behind the other.
  std::vector<uint16_t> palette = {};
  std::string icc = {};
  // For YCbCr.
  uint16_t subsampling = 1;

  size_t planes() const { return is_planar ? samples : 1; }
  // Of a row of one plane.
  size_t row_bytes(uint32_t columns) const {
    return (size_t{columns} * (is_planar ? 1 : samples) * bits + 7) / 8;
  }
  size_t bytes() const { return planes() * height * row_bytes(width); }
};

struct TiffMemory {
  std::string bytes;
  size_t at = 0;

  static TiffMemory& Of(thandle_t handle) {
    return *static_cast<TiffMemory*>(handle);
  }
  static tmsize_t Read(thandle_t handle, void* target, tmsize_t size) {
    TiffMemory& memory = Of(handle);
    const size_t left =
        memory.bytes.size() - std::min(memory.at, memory.bytes.size());
    const size_t taken = std::min(left, static_cast<size_t>(size));
    std::memcpy(target, memory.bytes.data() + memory.at, taken);
    memory.at += taken;
    return static_cast<tmsize_t>(taken);
  }
  static tmsize_t Write(thandle_t handle, void* data, tmsize_t size) {
    TiffMemory& memory = Of(handle);
    const size_t end = memory.at + static_cast<size_t>(size);
    memory.bytes.resize(std::max(memory.bytes.size(), end));
    std::memcpy(memory.bytes.data() + memory.at, data,
                static_cast<size_t>(size));
    memory.at = end;
    return size;
  }
  static toff_t Seek(thandle_t handle, toff_t offset, int whence) {
    TiffMemory& memory = Of(handle);
    if (whence == SEEK_CUR) offset += memory.at;
    if (whence == SEEK_END) offset += memory.bytes.size();
    return memory.at = offset;
  }
  static int Close(thandle_t /*handle*/) { return 0; }
  static toff_t Size(thandle_t handle) { return Of(handle).bytes.size(); }
};

inline void SetTiffTags(TIFF* tiff, const TiffPageMaker& page) {
  TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, page.width);
  TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, page.height);
  TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, page.samples);
  TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, page.bits);
  TIFFSetField(tiff, TIFFTAG_SAMPLEFORMAT, page.format);
  TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, page.photometric);
  TIFFSetField(tiff, TIFFTAG_FILLORDER, page.fill_order);
  TIFFSetField(tiff, TIFFTAG_ORIENTATION, page.orientation);
  TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, page.file_type);
  TIFFSetField(tiff, TIFFTAG_PLANARCONFIG,
               page.is_planar ? PLANARCONFIG_SEPARATE : PLANARCONFIG_CONTIG);
  TIFFSetField(tiff, TIFFTAG_COMPRESSION, page.compression);
  if (page.predictor != PREDICTOR_NONE) {
    TIFFSetField(tiff, TIFFTAG_PREDICTOR, page.predictor);
  }
  if (!page.extras.empty()) {
    TIFFSetField(tiff, TIFFTAG_EXTRASAMPLES,
                 static_cast<int>(page.extras.size()), page.extras.data());
  }
  if (!page.palette.empty()) {
    const size_t colors = page.palette.size() / 3;
    TIFFSetField(tiff, TIFFTAG_COLORMAP, page.palette.data(),
                 page.palette.data() + colors,
                 page.palette.data() + 2 * colors);
  }
  if (!page.icc.empty()) {
    TIFFSetField(tiff, TIFFTAG_ICCPROFILE,
                 static_cast<uint32_t>(page.icc.size()), page.icc.data());
  }
  if (page.photometric == PHOTOMETRIC_YCBCR) {
    TIFFSetField(tiff, TIFFTAG_YCBCRSUBSAMPLING, page.subsampling,
                 page.subsampling);
    if (page.compression == COMPRESSION_JPEG) {
      TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    }
  }
  if (page.tile_width != 0) {
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, page.tile_width);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, page.tile_height);
  } else {
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, page.rows_per_strip);
  }
}

// False if libtiff cannot write it so.
inline bool WriteTiffPixels(TIFF* tiff, const TiffPageMaker& page,
                            const std::string& pixels) {
  const size_t row_bytes = page.row_bytes(page.width);
  for (size_t plane = 0; plane < page.planes(); ++plane) {
    const char* const rows = pixels.data() + plane * page.height * row_bytes;
    if (page.tile_width == 0) {
      for (uint32_t y = 0; y < page.height; y += page.rows_per_strip) {
        const uint32_t count = std::min(page.rows_per_strip, page.height - y);
        std::string strip(rows + y * row_bytes, count * row_bytes);
        const uint32_t index =
            TIFFComputeStrip(tiff, y, static_cast<uint16_t>(plane));
        if (TIFFWriteEncodedStrip(tiff, index, strip.data(),
                                  static_cast<tmsize_t>(strip.size())) < 0) {
          return false;
        }
      }
      continue;
    }
    const size_t tile_row = page.row_bytes(page.tile_width);
    for (uint32_t y = 0; y < page.height; y += page.tile_height) {
      for (uint32_t x = 0; x < page.width; x += page.tile_width) {
        // What lies outside the image is not nothing.
        std::string tile(tile_row * page.tile_height, '\x5a');
        const size_t at = page.row_bytes(x);
        const uint32_t count = std::min(page.tile_height, page.height - y);
        for (uint32_t row = 0; row < count; ++row) {
          std::memcpy(tile.data() + row * tile_row,
                      rows + (y + row) * row_bytes + at,
                      std::min(tile_row, row_bytes - at));
        }
        const uint32_t index =
            TIFFComputeTile(tiff, x, y, 0, static_cast<uint16_t>(plane));
        if (TIFFWriteEncodedTile(tiff, index, tile.data(),
                                 static_cast<tmsize_t>(tile.size())) < 0) {
          return false;
        }
      }
    }
  }
  return true;
}

struct TiffPageAndPixels {
  TiffPageMaker page;
  // Samples as libtiff takes them: rows of whole bytes, all rows of a plane
  // before those of the next, numbers in the machine's order.
  std::string pixels;
};

// A file with these pages, empty if libtiff cannot write it so. `mode`: "wl"
// and "wb" for the byte order, "8" behind it for BigTIFF.
inline std::string MakeTiff(const std::vector<TiffPageAndPixels>& pages,
                            const char* mode = "wl") {
  TiffMemory memory;
  TIFF* const tiff = TIFFClientOpen(
      "memory", mode, &memory, TiffMemory::Read, TiffMemory::Write,
      TiffMemory::Seek, TiffMemory::Close, TiffMemory::Size, nullptr, nullptr);
  if (tiff == nullptr) return std::string();
  bool is_written = true;
  for (const TiffPageAndPixels& each : pages) {
    SetTiffTags(tiff, each.page);
    is_written = is_written && each.pixels.size() >= each.page.bytes() &&
                 WriteTiffPixels(tiff, each.page, each.pixels) &&
                 TIFFWriteDirectory(tiff) == 1;
  }
  TIFFClose(tiff);
  return is_written ? memory.bytes : std::string();
}
inline std::string MakeTiff(const TiffPageMaker& page,
                            const std::string& pixels,
                            const char* mode = "wl") {
  return MakeTiff({{page, pixels}}, mode);
}

// One directory, tag by tag, in the order given; what follows it is up to the
// caller. TIFF with the lower byte first.
struct TiffTags {
  struct Tag {
    uint16_t tag;
    uint16_t type;  // 3: 16 bits, 4: 32 bits
    uint32_t count;
    uint32_t value;
  };
  std::vector<Tag> tags;
  uint32_t next = 0;

  // Where the bytes that follow a directory at `at` begin.
  size_t end(size_t at = 8) const { return at + 2 + tags.size() * 12 + 4; }

  static std::string Little(uint64_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) {
      text.push_back(static_cast<char>(value >> 8 * i & 0xff));
    }
    return text;
  }

  std::string Directory() const {
    std::string bytes = Little(tags.size(), 2);
    for (const Tag& tag : tags) {
      bytes += Little(tag.tag, 2) + Little(tag.type, 2) + Little(tag.count, 4) +
               Little(tag.value, 4);
    }
    return bytes + Little(next, 4);
  }
  std::string File(const std::string& rest = {}) const {
    return Little(0x002a4949, 4) + Little(8, 4) + Directory() + rest;
  }
};

// Tags of 8-bit grey in one strip, its bytes just behind the directory.
inline TiffTags PlainTiffTags(uint32_t width, uint32_t height) {
  TiffTags tags;
  tags.tags = {{TIFFTAG_IMAGEWIDTH, 4, 1, width},
               {TIFFTAG_IMAGELENGTH, 4, 1, height},
               {TIFFTAG_BITSPERSAMPLE, 3, 1, 8},
               {TIFFTAG_COMPRESSION, 3, 1, COMPRESSION_NONE},
               {TIFFTAG_PHOTOMETRIC, 3, 1, PHOTOMETRIC_MINISBLACK},
               {TIFFTAG_STRIPOFFSETS, 4, 1, 0},
               {TIFFTAG_SAMPLESPERPIXEL, 3, 1, 1},
               {TIFFTAG_ROWSPERSTRIP, 4, 1, height},
               {TIFFTAG_STRIPBYTECOUNTS, 4, 1, width * height}};
  tags.tags[5].value = static_cast<uint32_t>(tags.end());
  return tags;
}

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_CODECS_TIFF_FOR_TEST_H_
