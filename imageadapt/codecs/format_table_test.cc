#include "imageadapt/codecs/format_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imageadapt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Codec& CodecOf(absl::string_view extension) {
  const Codec* const codec = FindCodecByExtension(extension);
  EXPECT_NE(codec, nullptr) << extension;
  return *codec;
}

TEST(FormatTableTest, TellsTheSampleTypes) {
  EXPECT_THAT(TypesRead(CodecOf("png")),
              ElementsAre(SampleType::kU8, SampleType::kU16));
  EXPECT_THAT(TypesWritten(CodecOf("png")),
              ElementsAre(SampleType::kU8, SampleType::kU16));
  EXPECT_THAT(TypesWritten(CodecOf("jpg")), ElementsAre(SampleType::kU8));
  EXPECT_THAT(TypesRead(CodecOf("pfm")),
              ElementsAre(SampleType::kU8, SampleType::kU16, SampleType::kF32));
}

TEST(FormatTableTest, AFormatThatIsNotBuiltHasNone) {
  Codec codec = CodecOf("png");
  codec.open = nullptr;
  codec.create = nullptr;
  EXPECT_THAT(TypesRead(codec), IsEmpty());
  EXPECT_THAT(TypesWritten(codec), IsEmpty());
}

TEST(FormatTableTest, HasALineForEachFormat) {
  const std::string table = FormatTable();
  for (const Codec* const codec : AllCodecs()) {
    EXPECT_THAT(table, HasSubstr(std::string(codec->name)));
    EXPECT_THAT(table, HasSubstr(std::string(codec->mime_type)));
    EXPECT_THAT(table, HasSubstr(std::string(codec->extensions)));
  }
}

TEST(FormatTableTest, ExtensionsAreKnownInAnyCaseAndBelongToOneFormat) {
  EXPECT_EQ(FindCodecByExtension("JPeG"), FindCodecByExtension("jpg"));
  for (const char* const name : {"", " ", "jpg jpeg", "pn", "exe"}) {
    EXPECT_EQ(FindCodecByExtension(name), nullptr) << name;
  }
}

}  // namespace
}  // namespace imageadapt
