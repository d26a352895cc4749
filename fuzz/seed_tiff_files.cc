// TIFF as libtiff writes it, in all the ways that our own writer does not.
#include <array>

#include "fuzz/seed_files.h"
#include "imageadapt/codecs/tiff_for_test.h"

namespace imageadapt {
namespace {

using testing::MakeTiff;
using testing::TiffPageMaker;

std::string Samples(size_t count) {
  std::string bytes;
  for (size_t i = 0; i < count; ++i) {
    bytes.push_back(static_cast<char>(i * 37 + i / 7));
  }
  return bytes;
}

// Adds pages that differ in one thing from a plain one.
class Pages {
 public:
  template <typename Change>
  void Add(const Change& change) {
    pages_.push_back({.width = 17, .height = 9, .rows_per_strip = 4});
    change(pages_.back());
  }
  const std::vector<TiffPageMaker>& all() const { return pages_; }

 private:
  std::vector<TiffPageMaker> pages_;
};

void AddCompressions(Pages& pages) {
  for (const uint16_t compression : std::to_array<uint16_t>(
           {COMPRESSION_NONE, COMPRESSION_LZW, COMPRESSION_ADOBE_DEFLATE,
            COMPRESSION_PACKBITS, COMPRESSION_JPEG, COMPRESSION_ZSTD,
            COMPRESSION_LZMA})) {
    pages.Add([&](TiffPageMaker& page) {
      page.compression = compression;
      page.rows_per_strip = 8;
    });
    pages.Add([&](TiffPageMaker& page) {
      page.compression = compression;
      page.samples = 3;
      page.photometric = PHOTOMETRIC_RGB;
      page.tile_width = 16;
      page.tile_height = 16;
    });
  }
  for (const uint16_t compression :
       std::to_array<uint16_t>({COMPRESSION_CCITTRLE, COMPRESSION_CCITTFAX3,
                                COMPRESSION_CCITTFAX4})) {
    pages.Add([&](TiffPageMaker& page) {
      page.compression = compression;
      page.bits = 1;
      page.photometric = PHOTOMETRIC_MINISWHITE;
    });
  }
}

void AddKindsOfSamples(Pages& pages) {
  for (const uint16_t bits :
       std::to_array<uint16_t>({1, 2, 4, 12, 16, 24, 32})) {
    pages.Add([&](TiffPageMaker& page) { page.bits = bits; });
  }
  for (const uint16_t bits : std::to_array<uint16_t>({2, 8})) {
    pages.Add([&](TiffPageMaker& page) {
      page.bits = bits;
      page.photometric = PHOTOMETRIC_PALETTE;
      for (size_t i = 0; i < size_t{3} << bits; ++i) {
        page.palette.push_back(static_cast<uint16_t>(i * 300));
      }
    });
  }
  for (const uint16_t predictor : std::to_array<uint16_t>(
           {PREDICTOR_HORIZONTAL, PREDICTOR_FLOATINGPOINT})) {
    pages.Add([&](TiffPageMaker& page) {
      page.compression = COMPRESSION_LZW;
      page.predictor = predictor;
      page.bits = 32;
      page.format = predictor == PREDICTOR_HORIZONTAL ? SAMPLEFORMAT_UINT
                                                      : SAMPLEFORMAT_IEEEFP;
    });
  }
  for (const bool is_planar : {false, true}) {
    pages.Add([&](TiffPageMaker& page) {
      page.samples = 5;
      page.photometric = PHOTOMETRIC_RGB;
      page.is_planar = is_planar;
      page.extras = {EXTRASAMPLE_UNSPECIFIED, EXTRASAMPLE_ASSOCALPHA};
      page.icc = "profile";
      page.orientation = ORIENTATION_LEFTBOT;
    });
    pages.Add([&](TiffPageMaker& page) {
      page.samples = 4;
      page.photometric = PHOTOMETRIC_SEPARATED;
      page.is_planar = is_planar;
    });
  }
  for (const uint16_t photometric :
       std::to_array<uint16_t>({PHOTOMETRIC_CIELAB, PHOTOMETRIC_YCBCR})) {
    pages.Add([&](TiffPageMaker& page) {
      page.samples = 3;
      page.photometric = photometric;
    });
  }
  pages.Add([&](TiffPageMaker& page) {
    page.samples = 3;
    page.photometric = PHOTOMETRIC_YCBCR;
    page.compression = COMPRESSION_JPEG;
    page.subsampling = 2;
    page.rows_per_strip = 16;
  });
}

}  // namespace

std::vector<std::string> SeedTiffs() {
  Pages made;
  AddCompressions(made);
  AddKindsOfSamples(made);
  const std::vector<TiffPageMaker>& pages = made.all();
  std::vector<std::string> files;
  const char* const modes[] = {"wl", "wb", "wl8", "wb8"};
  std::vector<testing::TiffPageAndPixels> all;
  for (size_t i = 0; i < pages.size(); ++i) {
    const std::string pixels = Samples(pages[i].bytes());
    const std::string file = MakeTiff(pages[i], pixels, modes[i % 4]);
    // Not every libtiff has every compression.
    if (!file.empty()) files.push_back(file);
    if (i < 3) all.push_back({pages[i], pixels});
  }
  files.push_back(MakeTiff(all));
  return files;
}

}  // namespace imageadapt
