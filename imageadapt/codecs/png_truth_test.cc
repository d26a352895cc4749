// Our PNG code against libpng: what we write must be read there as it was, and
// what libpng reads must be the same here. IMAGEADAPT_CORPORA names a folder of
// real and hostile files; without it, only files made here are compared.
#include <gtest/gtest.h>
#include <png.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_for_test.h"

namespace imageadapt {
namespace {

using testing::DecodeFile;
using testing::EncodeFile;
using testing::Spec;

// Pixels one after the other in the machine's byte order.
struct Pixels {
  ImageSpec spec;
  std::string bytes;
};

Pixels PixelsOf(const Image& image) {
  Pixels pixels{.spec = image.spec(), .bytes = {}};
  for (uint32_t y = 0; y < image.spec().shape.height; ++y) {
    const auto row = image.view().row_bytes(y);
    pixels.bytes.append(reinterpret_cast<const char*>(row.data()), row.size());
  }
  return pixels;
}

struct Input {
  const std::string& file;
  size_t at = 0;
};

void ReadInput(png_structp png, png_bytep target, size_t size) {
  auto& input = *static_cast<Input*>(png_get_io_ptr(png));
  if (size > input.file.size() - input.at) png_error(png, "end");
  std::memcpy(target, input.file.data() + input.at, size);
  input.at += size;
}

// Nothing if libpng refuses. What it leaves by longjmp holds nothing that would
// have to be destroyed.
bool ReadByLibpng(png_structp png, png_infop info, Pixels& pixels,
                  std::vector<png_bytep>& rows) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_read_info(png, info);
  if (uint64_t{png_get_image_width(png, info)} *
          png_get_image_height(png, info) >
      20'000'000) {
    return false;
  }
  png_set_expand(png);
  png_set_swap(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  pixels.spec = {.shape = {.width = png_get_image_width(png, info),
                           .height = png_get_image_height(png, info),
                           .channels = png_get_channels(png, info)},
                 .sample_type = png_get_bit_depth(png, info) == 16
                                    ? SampleType::kU16
                                    : SampleType::kU8};
  const size_t row_bytes = png_get_rowbytes(png, info);
  pixels.bytes.resize(row_bytes * pixels.spec.shape.height);
  rows.resize(pixels.spec.shape.height);
  for (size_t y = 0; y < rows.size(); ++y) {
    rows[y] = reinterpret_cast<png_bytep>(pixels.bytes.data() + y * row_bytes);
  }
  png_read_image(png, rows.data());
  png_read_end(png, nullptr);
  return true;
}

std::optional<Pixels> ByLibpng(const std::string& file) {
  const auto on_error = [](png_structp png, png_const_charp) {
    png_longjmp(png, 1);
  };
  png_structp png =
      png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, on_error,
                             [](png_structp, png_const_charp) {});
  png_infop info = png_create_info_struct(png);
  Input input{.file = file};
  png_set_read_fn(png, &input, ReadInput);
  Pixels pixels;
  std::vector<png_bytep> rows;
  const bool is_read = ReadByLibpng(png, info, pixels, rows);
  png_destroy_read_struct(&png, &info, nullptr);
  if (!is_read) return std::nullopt;
  return pixels;
}

TEST(PngTruthTest, WhatWeWriteIsReadByLibpngAsItWas) {
  using Effort = EncodeOptions::Effort;
  for (const SampleType type : {SampleType::kU8, SampleType::kU16}) {
    for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
      for (const auto& [width, height] :
           {std::pair{1u, 1u}, {37u, 23u}, {700u, 900u}}) {
        const ImageSpec spec = Spec(width, height, channels, type);
        for (const Image& image :
             {testing::MakeNoise(spec, 1), testing::MakeGradient(spec, 2),
              testing::MakeConstant(spec, 7)}) {
          for (const Effort effort : {Effort::kFast, Effort::kDefault}) {
            const auto read =
                ByLibpng(EncodeFile(kPngCodec, image, {.effort = effort}));
            ASSERT_TRUE(read.has_value());
            ASSERT_EQ(read->spec, spec);
            ASSERT_TRUE(read->bytes == PixelsOf(image).bytes);
          }
        }
      }
    }
  }
}

TEST(PngTruthTest, WhatLibpngReadsIsTheSameHere) {
  const char* const folder = std::getenv("IMAGEADAPT_CORPORA");
  int same = 0;
  int refused = 0;
  if (folder != nullptr) {
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(folder)) {
      if (entry.path().extension() != ".png") continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      const std::string file(std::istreambuf_iterator<char>(stream), {});
      const auto theirs = ByLibpng(file);
      const auto ours = DecodeFile(kPngCodec, file);
      if (!theirs.has_value() || !ours.ok()) {
        ++refused;
        continue;
      }
      ++same;
      EXPECT_EQ(ours->spec(), theirs->spec) << entry.path();
      EXPECT_TRUE(PixelsOf(*ours).bytes == theirs->bytes) << entry.path();
    }
    EXPECT_GT(same, refused);
  }
  std::cout << same << " files are the same, " << refused
            << " are refused by one or both\n";
}

}  // namespace
}  // namespace imageadapt
