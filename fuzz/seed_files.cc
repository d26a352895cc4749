#include "fuzz/seed_files.h"

#include <png.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
// After <cstdio>, which it needs but does not include.
#include <jpeglib.h>

namespace imageadapt {
namespace {

// Every pass of an interlaced file has pixels, some of them part of a byte.
constexpr int kPngSide = 17;
// Whole blocks even at half resolution, so that every turn is exact.
constexpr int kJpegSide = 32;

// Metadata with nothing but orientation 6.
std::string Exif() {
  return std::string(
      "MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0", 26);
}

std::string MakePng(int color_type, int depth, bool is_interlaced) {
  std::string file;
  png_structp png =
      png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &file,
      [](png_structp self, png_bytep bytes, size_t size) {
        static_cast<std::string*>(png_get_io_ptr(self))
            ->append(reinterpret_cast<char*>(bytes), size);
      },
      [](png_structp) {});
  png_set_check_for_invalid_index(png, 0);
  png_set_IHDR(png, info, kPngSide, kPngSide, depth, color_type,
               is_interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  const std::array<png_color, 2> palette = {{{1, 2, 3}, {200, 100, 0}}};
  const std::array<png_byte, 1> alpha = {77};
  const png_color_16 hole = {
      .index = 0, .red = 1, .green = 1, .blue = 1, .gray = 1};
  if (color_type == PNG_COLOR_TYPE_PALETTE) {
    png_set_PLTE(png, info, palette.data(), palette.size());
    png_set_tRNS(png, info, alpha.data(), alpha.size(), nullptr);
  } else if ((color_type & PNG_COLOR_MASK_ALPHA) == 0) {
    png_set_tRNS(png, info, nullptr, 0, &hole);
  }
  std::string exif = Exif();
  png_set_eXIf_1(png, info, static_cast<png_uint_32>(exif.size()),
                 reinterpret_cast<png_bytep>(exif.data()));
  png_set_gAMA(png, info, 0.45455);
  png_write_info(png, info);
  std::array<png_byte, size_t{8} * kPngSide> row = {};
  for (size_t i = 0; i < row.size(); ++i) {
    row[i] = static_cast<png_byte>(i * 37);
  }
  std::array<png_bytep, kPngSide> rows = {};
  rows.fill(row.data());
  png_write_image(png, rows.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return file;
}

struct JpegKind {
  J_COLOR_SPACE colors = JCS_RGB;
  bool is_progressive = false;
  bool is_arithmetic = false;
  int restart_interval = 0;
};

std::string MakeJpeg(const JpegKind& kind) {
  jpeg_compress_struct jpeg;
  jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &bytes, &size);
  jpeg.image_width = kJpegSide;
  jpeg.image_height = kJpegSide;
  jpeg.input_components = kind.colors == JCS_CMYK ? 4 : 3;
  jpeg.in_color_space = kind.colors;
  jpeg_set_defaults(&jpeg);
  if (kind.colors == JCS_CMYK) jpeg_set_colorspace(&jpeg, JCS_YCCK);
  if (kind.is_progressive) jpeg_simple_progression(&jpeg);
  jpeg.arith_code = kind.is_arithmetic ? TRUE : FALSE;
  jpeg.restart_interval = static_cast<unsigned>(kind.restart_interval);
  jpeg_start_compress(&jpeg, TRUE);
  const std::string segment = std::string("Exif\0\0", 6) + Exif();
  jpeg_write_marker(&jpeg, JPEG_APP0 + 1,
                    reinterpret_cast<const JOCTET*>(segment.data()),
                    static_cast<unsigned>(segment.size()));
  const std::string profile(200, 'p');
  jpeg_write_icc_profile(&jpeg, reinterpret_cast<const JOCTET*>(profile.data()),
                         static_cast<unsigned>(profile.size()));
  std::array<JSAMPLE, size_t{4} * kJpegSide> row = {};
  for (int y = 0; y < kJpegSide; ++y) {
    for (size_t i = 0; i < row.size(); ++i) {
      row[i] = static_cast<JSAMPLE>(i * static_cast<size_t>(y));
    }
    JSAMPROW pointer = row.data();
    jpeg_write_scanlines(&jpeg, &pointer, 1);
  }
  jpeg_finish_compress(&jpeg);
  const std::unique_ptr<unsigned char, void (*)(void*)> owned(bytes, std::free);
  jpeg_destroy_compress(&jpeg);
  return {reinterpret_cast<char*>(bytes), size};
}

}  // namespace

std::vector<std::string> SeedPngs() {
  std::vector<std::string> files;
  for (const bool is_interlaced : {false, true}) {
    for (const int depth : {1, 2, 4, 8}) {
      files.push_back(MakePng(PNG_COLOR_TYPE_GRAY, depth, is_interlaced));
      files.push_back(MakePng(PNG_COLOR_TYPE_PALETTE, depth, is_interlaced));
    }
    for (const int depth : {8, 16}) {
      files.push_back(MakePng(PNG_COLOR_TYPE_RGB, depth, is_interlaced));
      files.push_back(MakePng(PNG_COLOR_TYPE_RGB_ALPHA, depth, is_interlaced));
    }
  }
  return files;
}

std::vector<std::string> SeedJpegs() {
  return {MakeJpeg({.is_progressive = true}),
          MakeJpeg({.colors = JCS_CMYK}),
          MakeJpeg({.colors = JCS_CMYK, .is_progressive = true}),
          MakeJpeg({.is_arithmetic = true}),
          MakeJpeg({.restart_interval = 1}),
          MakeJpeg({.is_progressive = true, .restart_interval = 2})};
}

}  // namespace imageadapt
