#include "imageadapt/codecs/deflate_literals.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>
#include <string>

#include "imageadapt/codecs/deflate_strip.h"

namespace imageadapt {
namespace {

std::string Literals(const std::string& bytes, size_t room) {
  std::string target(room, '\xff');
  target.resize(DeflateLiterals(std::as_bytes(std::span(bytes)),
                                std::as_writable_bytes(std::span(target))));
  return target;
}

// What zlib makes of a stream that ends with an empty last block.
std::string Inflate(const std::string& blocks, size_t size) {
  const std::string stream = blocks + std::string("\x03\x00", 2);
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

// As filtered rows of a photograph: small differences, each by chance.
std::string SmallDifferences(size_t size, double deviation) {
  std::mt19937 random(5);
  std::normal_distribution<double> difference(0, deviation);
  std::string bytes(size, '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(static_cast<int>(difference(random)));
  }
  return bytes;
}

TEST(DeflateLiteralsTest, ComesBackAsItWas) {
  constexpr size_t kRoom = 1000;
  for (const size_t size :
       {1, 2, 3, 4, 5, 7, 100, 65535, 65536, 65537, 200'000}) {
    for (const double deviation : {0.0, 0.5, 4.0, 30.0}) {
      const std::string bytes = SmallDifferences(size, deviation);
      const std::string blocks = Literals(bytes, 2 * size + kRoom);
      ASSERT_FALSE(blocks.empty());
      ASSERT_TRUE(Inflate(blocks + blocks, 2 * size) == bytes + bytes)
          << size << " " << deviation;
    }
  }
}

TEST(DeflateLiteralsTest, RareBytesDoNotMakeCodesTooLong) {
  // Each byte 1.3 times as often as the one before: without a limit some codes
  // would have 20 bits.
  std::string bytes;
  double often = 1;
  for (int byte = 0; byte < 40; ++byte, often *= 1.3) {
    bytes.append(static_cast<size_t>(often), static_cast<char>(byte));
  }
  std::string fibonacci;
  size_t one = 1;
  size_t two = 1;
  for (int byte = 0; byte < 22; ++byte) {
    fibonacci.append(one, static_cast<char>(byte));
    const size_t next = one + two;
    one = two;
    two = next;
  }
  for (const std::string& each : {bytes, fibonacci}) {
    const std::string blocks = Literals(each, 2 * each.size() + 1000);
    EXPECT_TRUE(Inflate(blocks, each.size()) == each);
  }
}

TEST(DeflateLiteralsTest, TooLittleRoomIsRefused) {
  const std::string bytes = SmallDifferences(100'000, 10);
  const size_t size = Literals(bytes, 200'000).size();
  ASSERT_GT(size, 0);
  for (const size_t room : {size_t{24}, size_t{1000}, size / 2, size - 1}) {
    EXPECT_EQ(Literals(bytes, room).size(), 0) << room;
  }
}

TEST(DeflateLiteralsTest, EstimateIsNearlyTheSize) {
  for (const double deviation : {0.5, 4.0, 30.0}) {
    const std::string bytes = SmallDifferences(64'000, deviation);
    const size_t estimate = EstimateLiterals(std::as_bytes(std::span(bytes)));
    const size_t size = Literals(bytes, 2 * bytes.size()).size();
    // Of few symbols it takes too much.
    EXPECT_LE(estimate, size + size / 7) << deviation;
    EXPECT_GE(estimate, size - size / 10) << deviation;
  }
}

TEST(DeflateLiteralsTest, StripsTakeThemWhereASearchWouldFindOnlyChance) {
  const std::string noise = SmallDifferences(300'000, 6);
  const size_t literals = Literals(noise, 2 * noise.size()).size();
  BufferPool buffers;
  std::string text;
  while (text.size() < 300'000) text += noise.substr(0, 5000);
  const size_t text_literals = Literals(text, 2 * text.size()).size();
  for (const DeflateLevel level : {DeflateLevel::kFast, DeflateLevel::kGood}) {
    std::string target(MaxDeflatedBytes(noise.size()), '\0');
    const auto room = std::as_writable_bytes(std::span(target));
    EXPECT_EQ(
        DeflateStrip(std::as_bytes(std::span(noise)), level, room, buffers),
        literals);
    EXPECT_LT(
        DeflateStrip(std::as_bytes(std::span(text)), level, room, buffers),
        text_literals / 2);
  }
}

}  // namespace
}  // namespace imageadapt
