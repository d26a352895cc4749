#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_for_test.h"
#include "imageadapt/codecs/jp2_boxes.h"

#if IMAGEADAPT_HAS_JP2

#include <openjpeg.h>

namespace imageadapt {
namespace {

using testing::Bytes;
using testing::DecodeFile;
using testing::Difference;
using testing::EncodeFile;
using testing::MakeGradient;
using testing::MakeNoise;
using testing::SamplesOf;
using testing::Spec;

using Samples = std::vector<double>;

struct Component {
  uint32_t bits = 8;
  bool is_signed = false;
  uint32_t step = 1;
  std::vector<int> samples;
};

struct Stream {
  std::string bytes;

  static OPJ_SIZE_T Write(void* data, OPJ_SIZE_T size, void* self) {
    static_cast<Stream*>(self)->bytes.append(static_cast<char*>(data), size);
    return size;
  }
};

// Where a picture lies on its reference grid, and its tiles.
struct Grid {
  uint32_t x0 = 0;
  uint32_t y0 = 0;
  uint32_t x1 = 2;
  uint32_t y1 = 1;
  int tile = 0;  // 0: one
};

uint32_t CeilDivide(uint32_t value, uint32_t by) {
  return (value + by - 1) / by;
}

// A reversible codestream by the library.
std::string Codestream(const std::vector<Component>& components,
                       const Grid& grid = {}, int levels = 1) {
  std::vector<opj_image_cmptparm_t> parameters(components.size());
  for (size_t c = 0; c < components.size(); ++c) {
    opj_image_cmptparm_t& each = parameters[c];
    each = {};
    each.dx = each.dy = components[c].step;
    each.w = CeilDivide(grid.x1, each.dx) - CeilDivide(grid.x0, each.dx);
    each.h = CeilDivide(grid.y1, each.dy) - CeilDivide(grid.y0, each.dy);
    each.x0 = grid.x0;
    each.y0 = grid.y0;
    each.prec = components[c].bits;
    each.sgnd = components[c].is_signed ? 1 : 0;
  }
  opj_image_t* const image =
      opj_image_create(static_cast<OPJ_UINT32>(components.size()),
                       parameters.data(), OPJ_CLRSPC_UNSPECIFIED);
  image->x0 = grid.x0;
  image->y0 = grid.y0;
  image->x1 = grid.x1;
  image->y1 = grid.y1;
  for (size_t c = 0; c < components.size(); ++c) {
    EXPECT_EQ(components[c].samples.size(),
              size_t{parameters[c].w} * parameters[c].h);
    std::copy(components[c].samples.begin(), components[c].samples.end(),
              image->comps[c].data);
  }
  opj_cparameters_t coding;
  opj_set_default_encoder_parameters(&coding);
  coding.numresolution = levels;
  coding.tcp_mct = 0;
  coding.tcp_numlayers = 1;
  coding.cp_disto_alloc = 1;
  if (grid.tile != 0) {
    coding.tile_size_on = OPJ_TRUE;
    coding.cp_tdx = coding.cp_tdy = grid.tile;
  }
  Stream stream;
  opj_codec_t* const codec = opj_create_compress(OPJ_CODEC_J2K);
  opj_stream_t* const out = opj_stream_create(1 << 16, OPJ_FALSE);
  opj_stream_set_write_function(out, Stream::Write);
  opj_stream_set_user_data(out, &stream, nullptr);
  EXPECT_TRUE(opj_setup_encoder(codec, &coding, image) == OPJ_TRUE &&
              opj_start_compress(codec, image, out) == OPJ_TRUE &&
              opj_encode(codec, out) == OPJ_TRUE &&
              opj_end_compress(codec, out) == OPJ_TRUE);
  opj_stream_destroy(out);
  opj_destroy_codec(codec);
  opj_image_destroy(image);
  return stream.bytes;
}

std::string Big16(uint32_t value) {
  return Bytes({static_cast<int>(value >> 8), static_cast<int>(value & 255)});
}
std::string Big32(uint32_t value) {
  return Big16(value >> 16) + Big16(value & 0xffff);
}
std::string Box(const std::string& type, const std::string& content) {
  return Big32(static_cast<uint32_t>(content.size() + 8)) + type + content;
}

// A JP2 of a codestream and what says the header about its channels.
std::string Jp2(const std::string& codestream, const std::string& boxes) {
  return Box("jP  ", "\r\n\x87\n") +
         Box("ftyp", std::string("jp2 \0\0\0\0jp2 ", 12)) + Box("jp2h", boxes) +
         Box("jp2c", codestream);
}
std::string Color(uint32_t space) {
  return Box("colr", Bytes({1, 0, 0}) + Big32(space));
}
std::string Definitions(
    const std::vector<std::array<uint32_t, 3>>& definitions) {
  std::string content = Big16(static_cast<uint32_t>(definitions.size()));
  for (const auto& definition : definitions) {
    for (const uint32_t value : definition) content += Big16(value);
  }
  return Box("cdef", content);
}

absl::StatusOr<Image> Decode(const std::string& file,
                             const DecodeLimits& limits = {}) {
  return DecodeFile(kJp2Codec, file, limits);
}

TEST(Jp2Test, EveryDepthIsSpreadOverTheWholeRange) {
  for (uint32_t bits = 1; bits <= 16; ++bits) {
    const int most = (1 << bits) - 1;
    const int third = most / 3;
    const auto image =
        Decode(Codestream({{.bits = bits, .samples = {third, most}}}));
    ASSERT_TRUE(image.ok()) << image.status();
    const bool is_byte = bits <= 8;
    const double full = is_byte ? 255 : 65535;
    EXPECT_EQ(image->spec().sample_type,
              is_byte ? SampleType::kU8 : SampleType::kU16);
    EXPECT_EQ(SamplesOf(image),
              (Samples{std::floor(third * full / most + 0.5), full}));
  }
}

TEST(Jp2Test, SignedSamplesAreShifted) {
  EXPECT_EQ(SamplesOf(Decode(
                Codestream({{.is_signed = true, .samples = {-128, 127}}}))),
            (Samples{0, 255}));
  EXPECT_EQ(SamplesOf(Decode(Codestream(
                {{.bits = 16, .is_signed = true, .samples = {-1, 0}}}))),
            (Samples{32767, 32768}));
}

TEST(Jp2Test, ComponentsWithoutBoxesAreGreyAndColoursWithAlpha) {
  std::vector<Component> components;
  for (int count = 1; count <= 4; ++count) {
    components.push_back({.samples = {count, 10 * count}});
    const auto image = Decode(Codestream(components));
    ASSERT_TRUE(image.ok()) << image.status();
    EXPECT_EQ(image->spec(), Spec(2, 1, static_cast<uint32_t>(count)));
  }
  components.push_back({.samples = {5, 50}});
  EXPECT_EQ(Decode(Codestream(components)).status().message(),
            "JPEG 2000 files with 5 channels of no known kind are not "
            "supported");
}

TEST(Jp2Test, ChannelsAreWhereTheirDefinitionsPutThem) {
  const std::string four = Codestream({{.samples = {100, 0}},
                                       {.samples = {3, 30}},
                                       {.samples = {2, 20}},
                                       {.samples = {1, 10}}});
  const auto image = Decode(
      Jp2(four, Color(kJp2Srgb) +
                    Definitions({{0, 1, 0}, {1, 0, 3}, {2, 0, 2}, {3, 0, 1}})));
  EXPECT_EQ(SamplesOf(image), (Samples{1, 2, 3, 100, 10, 20, 30, 0}));
  // What is neither colour nor alpha is left out.
  EXPECT_EQ(
      Decode(Jp2(four, Color(kJp2Srgb) + Definitions({{3, 65535, 65535}})))
          ->spec(),
      Spec(2, 1, 3));
  // Multiplied-in alpha is divided out.
  EXPECT_EQ(SamplesOf(Decode(
                Jp2(Codestream({{.samples = {10, 7}}, {.samples = {51, 0}}}),
                    Color(kJp2Grey) + Definitions({{0, 0, 1}, {1, 2, 0}})))),
            (Samples{50, 51, 7, 0}));
}

TEST(Jp2Test, PalettesAreExpanded) {
  // Three entries of red, green (4 bits) and blue.
  const std::string palette =
      Box("pclr", Big16(3) + Bytes({3, 7, 3, 7, 1, 2, 3, 4, 5, 6, 7, 15, 9}));
  const std::string map =
      Box("cmap", Big16(0) + Bytes({1, 0}) + Big16(0) + Bytes({1, 1}) +
                      Big16(0) + Bytes({1, 2}));
  EXPECT_EQ(SamplesOf(Decode(Jp2(Codestream({{.samples = {1, 200}}}),
                                 palette + map + Color(kJp2Srgb)))),
            (Samples{4, 85, 6, 7, 255, 9}));
}

TEST(Jp2Test, ComponentsOfFewerSamplesAreRepeated) {
  const Grid grid = {.x1 = 3, .y1 = 2};
  const std::vector<Component> components = {
      {.samples = {10, 20, 30, 40, 50, 60}},
      {.step = 2, .samples = {128, 128}},
      {.step = 2, .samples = {128, 228}}};
  EXPECT_EQ(
      SamplesOf(Decode(Jp2(Codestream(components, grid), Color(kJp2Srgb)))),
      (Samples{10, 128, 128, 20, 128, 128, 30, 128, 228, 40, 128, 128, 50, 128,
               128, 60, 128, 228}));
  // As YCC, also without a box that says so.
  const Samples rgb = {10, 10, 10, 20, 20, 20, 170, 0, 30,
                       40, 40, 40, 50, 50, 50, 200, 0, 60};
  EXPECT_EQ(SamplesOf(Decode(Codestream(components, grid))), rgb);
  EXPECT_EQ(
      SamplesOf(Decode(Jp2(Codestream(components, grid), Color(kJp2Sycc)))),
      rgb);
}

TEST(Jp2Test, TilesAndOffsetsArePutTogether) {
  for (const int tile : {0, 7, 16}) {
    Component component;
    const Grid grid = {.x0 = 5, .y0 = 3, .x1 = 45, .y1 = 33, .tile = tile};
    for (int i = 0; i < 40 * 30; ++i) component.samples.push_back(i % 251);
    const auto image = Decode(Codestream({component}, grid, 2));
    ASSERT_TRUE(image.ok()) << image.status();
    ASSERT_EQ(image->spec(), Spec(40, 30, 1));
    EXPECT_EQ(SamplesOf(image),
              Samples(component.samples.begin(), component.samples.end()));
  }
}

TEST(Jp2Test, WhatIsWrittenReversiblyComesBackExactly) {
  for (const SampleType type : {SampleType::kU8, SampleType::kU16}) {
    for (uint32_t channels = 1; channels <= 4; ++channels) {
      // More than one tile, across or down.
      const Image image = channels % 2 == 1
                              ? MakeNoise(Spec(1100, 20, channels, type), 3)
                              : MakeNoise(Spec(20, 1100, channels, type), 3);
      for (const EncodeOptions& options :
           {EncodeOptions{.lossless = true}, EncodeOptions{.quality = 100}}) {
        if (options.lossless && channels != 3) continue;
        const auto back = Decode(EncodeFile(kJp2Codec, image, options));
        ASSERT_TRUE(back.ok()) << back.status();
        EXPECT_EQ(Difference(back->view(), image.view()), "");
      }
    }
  }
}

TEST(Jp2Test, QualityIsBetweenSmallAndNear) {
  const Image image = MakeGradient(Spec(200, 150, 3), 1);
  size_t size_before = 0;
  double error_before = 1e9;
  for (const int quality : {10, 50, 90, 100}) {
    const std::string file = EncodeFile(kJp2Codec, image, {.quality = quality});
    const auto back = Decode(file);
    ASSERT_TRUE(back.ok()) << back.status();
    double error = 0;
    for (uint32_t y = 0; y < 150; ++y) {
      const auto ours = back->view().As<uint8_t>().row(y);
      const auto original = image.view().As<uint8_t>().row(y);
      for (size_t i = 0; i < ours.size(); ++i) {
        error += std::pow(ours[i] - original[i], 2);
      }
    }
    EXPECT_GT(file.size(), size_before) << quality;
    EXPECT_LT(error, error_before) << quality;
    size_before = file.size();
    error_before = error;
    const double decibels =
        10 * std::log10(255.0 * 255 * 200 * 150 * 3 / (error + 1e-9));
    EXPECT_GT(decibels, 22 + 0.2 * quality) << quality;
  }
}

std::string Refused(const std::string& file, const char* reason,
                    const DecodeLimits& limits = {}) {
  const absl::Status status = Decode(file, limits).status();
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_EQ(ReasonOf(status), reason) << status;
  return std::string(status.message());
}

// The header of a codestream with one part of a tile, and no data.
std::string Sizes(uint32_t width, uint32_t height, uint32_t tile,
                  uint32_t components, const std::string& precincts = "",
                  uint32_t layers = 1) {
  std::string size = Big16(0) + Big32(width) + Big32(height) + Big32(0) +
                     Big32(0) + Big32(tile) + Big32(tile) + Big32(0) +
                     Big32(0) + Big16(components);
  for (uint32_t c = 0; c < components; ++c) size += Bytes({7, 1, 1});
  const std::string style = Bytes({precincts.empty() ? 0 : 1, 0}) +
                            Big16(layers) + Bytes({0, 0, 4, 4, 0, 1}) +
                            precincts;
  const auto segment = [](int marker, const std::string& content) {
    return Bytes({0xff, marker}) +
           Big16(static_cast<uint32_t>(content.size() + 2)) + content;
  };
  return Bytes({0xff, 0x4f}) + segment(0x51, size) + segment(0x52, style) +
         segment(0x5c, Bytes({0x40, 0x40})) +
         segment(0x90, Big16(0) + Big32(14) + Bytes({0, 1})) +
         Bytes({0xff, 0x93, 0xff, 0xd9});
}

TEST(Jp2Test, SmallFilesThatWantMuchAreRefused) {
  const std::string header = "the JPEG 2000 file is damaged in its header: ";
  EXPECT_EQ(Refused(Sizes(60000, 60000, 200, 1), kImageTooLarge),
            "the image has 60000 x 60000 = 3600000000 pixels; the limit is "
            "100000000");
  EXPECT_EQ(Refused(Sizes(9000, 9000, 10, 1), kImageDamaged),
            header + "it has more than 65535 tiles");
  EXPECT_EQ(Refused(Sizes(9000, 9000, 100, 1), kImageDamaged),
            header + "it is too short for its tiles");
  EXPECT_EQ(Refused(Sizes(9000, 9000, 0, 1), kImageDamaged),
            header + "its tiles make no sense");
  // Precincts of one sample each; layers without end; too many components.
  Refused(Sizes(9000, 9000, 9000, 1, Bytes({0})), kImageTooLarge);
  Refused(Sizes(1000, 1000, 1000, 1, Bytes({0x33}), 65535), kImageTooLarge);
  Refused(Jp2(Sizes(3000, 3000, 3000, 60), Color(kJp2Grey)), kImageTooLarge);
  Refused(Sizes(3000, 3000, 3000, 16384), kUnknownFormat);
}

TEST(Jp2Test, OtherKindsAreNotSupportedAndSaySo) {
  const std::string one = Codestream({{.samples = {1, 2}}});
  EXPECT_EQ(Refused(Jp2(one, Color(12)), kUnknownFormat),
            "JPEG 2000 files with colour space 12 are not supported");
  EXPECT_EQ(
      Refused(Codestream({{.bits = 17, .samples = {1, 2}}}), kUnknownFormat),
      "JPEG 2000 files with samples of 17 bits are not supported");
  EXPECT_EQ(Refused(Jp2(one, Color(kJp2Srgb)), kImageDamaged),
            "the JPEG 2000 file is damaged in its header: it has too few "
            "channels");
  EXPECT_EQ(kJp2Codec.can_hold(Spec(1, 1, 3, SampleType::kF32)).message(),
            "JPEG 2000 cannot hold float samples");
}

TEST(Jp2Test, DamageSaysTheRowWhereATileBegins) {
  Component component;
  for (int i = 0; i < 40 * 40; ++i) component.samples.push_back(i * 7919 % 256);
  const std::string file =
      Codestream({component}, {.x1 = 40, .y1 = 40, .tile = 10});
  EXPECT_EQ(Refused(file.substr(0, file.size() * 6 / 10), kImageDamaged),
            "the JPEG 2000 file is damaged: reached row 20 of 40: a tile is "
            "cut off or cannot be decoded");
}

TEST(Jp2Test, FilesAreRecognizedWithAndWithoutBoxes) {
  const std::string codestream = Codestream({{.samples = {1, 2}}});
  const auto is = [](const std::string& file) {
    return kJp2Codec.recognizes(std::as_bytes(std::span(file)));
  };
  EXPECT_TRUE(is(codestream));
  EXPECT_TRUE(is(Jp2(codestream, "")));
  EXPECT_FALSE(is(codestream.substr(0, 3)));
  EXPECT_FALSE(is(std::string("\0\0\0\x0cjXL \r\n\x87\n", 12)));
}

}  // namespace
}  // namespace imageadapt

#endif  // IMAGEADAPT_HAS_JP2
