// Files of every compression that OpenEXR's library writes, read by us and by
// the library alone; and what we write, read by it.
#include <gtest/gtest.h>

#if IMAGEADAPT_HAS_EXR

#include <ImfChannelList.h>
#include <ImfFrameBuffer.h>
#include <ImfHeader.h>
#include <ImfIO.h>
#include <ImfInputFile.h>
#include <ImfOutputFile.h>
#include <ImfTiledOutputFile.h>
#include <half.h>

#include <cmath>
#include <cstring>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_for_test.h"

namespace imageadapt {
namespace {

using testing::DecodeFile;
using testing::SamplesOf;
using testing::Spec;

constexpr int kWidth = 83;
constexpr int kHeight = 61;
constexpr size_t kPixels = size_t{kWidth} * kHeight;

class MemoryOut final : public Imf::OStream {
 public:
  MemoryOut() : OStream("memory") {}
  void write(const char bytes[], int count) override {
    stream_.write(bytes, count);
  }
  uint64_t tellp() override { return static_cast<uint64_t>(stream_.tellp()); }
  void seekp(uint64_t at) override {
    stream_.seekp(static_cast<std::streamoff>(at));
  }
  std::string bytes() const { return stream_.str(); }

 private:
  std::ostringstream stream_;
};

class MemoryIn final : public Imf::IStream {
 public:
  explicit MemoryIn(const std::string& bytes)
      : IStream("memory"), stream_(bytes) {}
  bool read(char bytes[], int count) override {
    stream_.read(bytes, count);
    return !stream_.eof();
  }
  uint64_t tellg() override { return static_cast<uint64_t>(stream_.tellg()); }
  void seekg(uint64_t at) override {
    stream_.seekg(static_cast<std::streamoff>(at));
  }

 private:
  std::istringstream stream_;
};

struct Kind {
  Imf::Compression compression;
  Imf::PixelType type;
  bool is_tiled;
};

// Channels one after the other, each of all pixels.
std::vector<float> APicture(const std::string& names) {
  std::mt19937 random(5);
  std::vector<float> samples(kPixels * names.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    const auto x = static_cast<float>(i % kWidth);
    const auto y = static_cast<float>(i / kWidth % kHeight);
    const float noise = static_cast<float>(random() % 100) * 1e-3f;
    samples[i] = 0.05f + x / 90 + y * y / 4000 + noise;
  }
  return samples;
}

Imf::FrameBuffer Floats(const std::string& names, std::vector<float>& samples) {
  Imf::FrameBuffer buffer;
  for (size_t c = 0; c < names.size(); ++c) {
    buffer.insert(
        names.substr(c, 1),
        Imf::Slice(Imf::FLOAT, reinterpret_cast<char*>(&samples[c * kPixels]),
                   sizeof(float), sizeof(float) * kWidth));
  }
  return buffer;
}

std::string Write(const Kind& kind, const std::string& names,
                  const std::vector<float>& samples) {
  Imf::Header header(kWidth, kHeight);
  header.compression() = kind.compression;
  Imf::FrameBuffer buffer;
  std::vector<half> halves(samples.begin(), samples.end());
  const bool is_half = kind.type == Imf::HALF;
  const size_t size = is_half ? sizeof(half) : sizeof(float);
  for (size_t c = 0; c < names.size(); ++c) {
    header.channels().insert(names.substr(c, 1), Imf::Channel(kind.type));
    const char* const first =
        is_half ? reinterpret_cast<const char*>(&halves[c * kPixels])
                : reinterpret_cast<const char*>(&samples[c * kPixels]);
    // The library's interface is older than const; it does not write to it.
    buffer.insert(
        names.substr(c, 1),
        Imf::Slice(kind.type, const_cast<char*>(first), size, size * kWidth));
  }
  MemoryOut out;
  if (kind.is_tiled) {
    header.setTileDescription(Imf::TileDescription(16, 24, Imf::MIPMAP_LEVELS));
    Imf::TiledOutputFile file(out, header, /*numThreads=*/0);
    file.setFrameBuffer(buffer);
    file.writeTiles(0, file.numXTiles(0) - 1, 0, file.numYTiles(0) - 1, 0);
    for (int level = 1; level < file.numLevels(); ++level) {
      file.writeTiles(0, file.numXTiles(level) - 1, 0,
                      file.numYTiles(level) - 1, level);
    }
  } else {
    Imf::OutputFile file(out, header, /*numThreads=*/0);
    file.setFrameBuffer(buffer);
    file.writePixels(kHeight);
  }
  return out.bytes();
}

std::vector<float> ReadByLibrary(const std::string& bytes,
                                 const std::string& names) {
  MemoryIn in(bytes);
  Imf::InputFile file(in, /*numThreads=*/0);
  std::vector<float> samples(kPixels * names.size());
  file.setFrameBuffer(Floats(names, samples));
  file.readPixels(0, kHeight - 1);
  return samples;
}

TEST(ExrTruthTest, EveryCompressionIsReadAsTheLibraryReadsIt) {
  for (int compression = 0; compression < Imf::NUM_COMPRESSION_METHODS;
       ++compression) {
    for (const Imf::PixelType type : {Imf::HALF, Imf::FLOAT}) {
      for (const bool is_tiled : {false, true}) {
        for (const std::string& names :
             {std::string("Y"), std::string("RGB")}) {
          SCOPED_TRACE(compression);
          const Kind kind = {static_cast<Imf::Compression>(compression), type,
                             is_tiled};
          const std::string file = Write(kind, names, APicture(names));
          const std::vector<float> theirs = ReadByLibrary(file, names);
          const auto image = DecodeFile(kExrCodec, file);
          ASSERT_TRUE(image.ok()) << image.status();
          const auto channels = static_cast<uint32_t>(names.size());
          ASSERT_EQ(image->spec(),
                    Spec(kWidth, kHeight, channels, SampleType::kF32));
          const std::vector<double> ours = SamplesOf(image);
          for (size_t i = 0; i < ours.size(); ++i) {
            const double expected =
                theirs[i % channels * kPixels + i / channels];
            ASSERT_EQ(ours[i], expected) << i;
          }
        }
      }
    }
  }
}

TEST(ExrTruthTest, WhatWeWriteTheLibraryReads) {
  for (const bool is_half : {false, true}) {
    const Image image =
        testing::MakeNoise(Spec(kWidth, kHeight, 4, SampleType::kF32), 4);
    const std::string file =
        testing::EncodeFile(kExrCodec, image, {.half_floats = is_half});
    const std::vector<float> theirs = ReadByLibrary(file, "RGBA");
    for (uint32_t y = 0; y < kHeight; ++y) {
      const auto row = image.view().As<float>().row(y);
      for (size_t i = 0; i < row.size(); ++i) {
        const float alpha = row[i / 4 * 4 + 3];
        const float sample = i % 4 == 3 ? alpha : row[i] * alpha;
        ASSERT_EQ(theirs[i % 4 * kPixels + y * kWidth + i / 4],
                  is_half ? static_cast<float>(half(sample)) : sample);
      }
    }
  }
}

}  // namespace
}  // namespace imageadapt

#endif  // IMAGEADAPT_HAS_EXR
