#include "imageadapt/codecs/byte_reader.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "absl/status/status.h"

namespace imageadapt {
namespace {

// "abc", "defgh", and then the end or an error.
class Pieces final : public ByteSource {
 public:
  explicit Pieces(absl::Status end = absl::OkStatus()) : end_(std::move(end)) {}

  absl::StatusOr<std::span<const std::byte>> Next() override {
    ++calls_;
    if (calls_ == 1) return std::as_bytes(std::span("abc", 3));
    if (calls_ == 2) return std::as_bytes(std::span("defgh", 5));
    if (!end_.ok()) return end_;
    return std::span<const std::byte>();
  }

 private:
  const absl::Status end_;
  int calls_ = 0;
};

TEST(ByteReaderTest, PiecesOfTheSourceDoNotMatter) {
  Pieces source;
  ByteReader reader(source);
  std::array<uint8_t, 4> four = {};
  EXPECT_TRUE(reader.Fill(four));
  EXPECT_EQ(std::string(four.begin(), four.end()), "abcd");
  EXPECT_TRUE(reader.Skip(2));
  uint8_t byte = 0;
  EXPECT_TRUE(reader.ReadByte(byte));
  EXPECT_EQ(byte, 'g');
  EXPECT_TRUE(reader.Skip(1));
  EXPECT_TRUE(reader.Skip(0));
  EXPECT_FALSE(reader.ReadByte(byte));
}

TEST(ByteReaderTest, TheEndIsToldFromAnErrorOfTheSource) {
  const absl::Status at_end = absl::InvalidArgumentError("ends");
  std::array<uint8_t, 9> nine = {};
  Pieces ends;
  ByteReader reader(ends);
  EXPECT_FALSE(reader.Fill(nine));
  EXPECT_EQ(reader.Failure(at_end), at_end);
  Pieces fails(absl::CancelledError("nobody waits"));
  ByteReader failing(fails);
  EXPECT_FALSE(failing.Skip(9));
  EXPECT_FALSE(failing.Skip(1));
  EXPECT_TRUE(absl::IsCancelled(failing.Failure(at_end)));
}

}  // namespace
}  // namespace imageadapt
