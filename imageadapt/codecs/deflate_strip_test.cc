#include "imageadapt/codecs/deflate_strip.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>
#include <vector>

namespace imageadapt {
namespace {

constexpr DeflateLevel kLevels[] = {DeflateLevel::kFast, DeflateLevel::kGood,
                                    DeflateLevel::kBetter,
                                    DeflateLevel::kSmallest};

std::string Strip(const std::string& bytes, DeflateLevel level) {
  std::string target(MaxDeflatedBytes(bytes.size()), '\xff');
  BufferPool buffers;
  target.resize(DeflateStrip(std::as_bytes(std::span(bytes)), level,
                             std::as_writable_bytes(std::span(target)),
                             buffers));
  return target;
}

// What zlib makes of a stream that ends with an empty last block.
std::string Inflate(const std::string& strips, size_t size) {
  const std::string stream = strips + std::string("\x03\x00", 2);
  std::string bytes(size + 1, '\0');
  z_stream z = {};
  EXPECT_EQ(inflateInit2(&z, -MAX_WBITS), Z_OK);
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stream.data()));
  z.avail_in = static_cast<uInt>(stream.size());
  z.next_out = reinterpret_cast<Bytef*>(bytes.data());
  z.avail_out = static_cast<uInt>(bytes.size());
  EXPECT_EQ(inflate(&z, Z_FINISH), Z_STREAM_END) << (z.msg ? z.msg : "");
  EXPECT_EQ(z.avail_in, 0);
  bytes.resize(z.total_out);
  inflateEnd(&z);
  return bytes;
}

std::string Bytes(size_t size, unsigned spread, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random() % spread);
  return bytes;
}

TEST(DeflateStripTest, StripsFollowEachOtherInOneStream) {
  for (const DeflateLevel level : kLevels) {
    std::string strips;
    std::string whole;
    unsigned seed = 1;
    for (const size_t size : {1, 2, 3, 10, 100, 1000, 65535, 65536, 300'000}) {
      // Noise is stored, few values are coded, one value is repeated.
      for (const unsigned spread : {256u, 30u, 2u, 1u}) {
        const std::string bytes = Bytes(size, spread, ++seed);
        strips += Strip(bytes, level);
        whole += bytes;
      }
    }
    ASSERT_TRUE(Inflate(strips, whole.size()) == whole)
        << static_cast<int>(level);
  }
}

TEST(DeflateStripTest, EverySmallSizeEndsAtAWholeByte) {
  for (const DeflateLevel level : kLevels) {
    for (size_t size = 1; size < 300; ++size) {
      const std::string bytes = Bytes(size, 20, static_cast<unsigned>(size));
      const std::string strip = Strip(bytes, level);
      ASSERT_EQ(Inflate(strip + strip, 2 * size), bytes + bytes) << size;
    }
  }
}

TEST(DeflateStripTest, LevelsAreFromQuickAndLargeToSmall) {
  // A text of words that come again.
  std::mt19937 random(3);
  std::vector<std::string> words;
  for (int i = 0; i < 500; ++i) {
    words.push_back(Bytes(3 + random() % 8, 26, static_cast<unsigned>(i)));
  }
  std::string text;
  while (text.size() < 200'000) text += words[random() % words.size()];
  size_t before = text.size();
  for (const DeflateLevel level : kLevels) {
    const size_t size = Strip(text, level).size();
    EXPECT_LE(size, before) << static_cast<int>(level);
    before = size;
  }
}

TEST(DeflateStripTest, NothingIsNothing) {
  EXPECT_EQ(Strip("", DeflateLevel::kGood), "");
}

}  // namespace
}  // namespace imageadapt
