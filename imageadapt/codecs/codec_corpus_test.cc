// Real and hostile files that are not ours to keep here. The environment
// variable IMAGEADAPT_CORPORA names a folder whose INDEX.tsv says what each
// file is, and how many reference decoders agree; without it no file is tried.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using Row = std::map<std::string, std::string>;

std::vector<Row> ReadIndex(const std::string& folder) {
  std::ifstream file(folder + "/INDEX.tsv");
  std::string line;
  std::getline(file, line);
  const std::vector<std::string> names = absl::StrSplit(line, '\t');
  std::vector<Row> rows;
  while (std::getline(file, line)) {
    const std::vector<std::string> fields = absl::StrSplit(line, '\t');
    Row row;
    for (size_t i = 0; i < std::min(names.size(), fields.size()); ++i) {
      row[names[i]] = fields[i];
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// "3/3", but not "2/3": all reference decoders read it.
bool AllAgree(const Row& row) {
  const std::vector<std::string> parts = absl::StrSplit(row.at("agree"), '/');
  return parts.size() == 2 && parts[0] == parts[1];
}

// Whether a codec of this build reads files that are called so.
bool CanRead(const std::string& format) {
  for (const Codec* codec : AllCodecs()) {
    const std::vector<std::string> names =
        absl::StrSplit(codec->extensions, ' ');
    if (codec->open != nullptr &&
        std::find(names.begin(), names.end(), format) != names.end()) {
      return true;
    }
  }
  return false;
}

// Files whose size in the index is not the one their header says. These GIFs
// have screens with a side of more than 2048, of which libvips believes
// nothing: it takes the extent of the pictures instead. GIF89a (18) lets the
// logical screen alone say how large the image is, and so do giflib and Pillow.
bool HasAnotherSize(const std::string& path) {
  constexpr absl::string_view kNames[] = {
      "afl-gif/id_000379_src_000173_op_arith32_pos_6_val_-35.gif",
      "gofuzz-gif/4f68150cf9450d404a9930909aea2bcdb5562070-2",
      "gofuzz-gif/70fa80f3387e23835e47b3fde3c0c101562618c0-2",
      "gofuzz-gif/74e90e72ad6dee13a4088ce0baf42e737271793a-3",
      "gofuzz-gif/b22bb36b62775b04b2450b62e7fcc5a2ece06689-3"};
  return std::any_of(
      std::begin(kNames), std::end(kNames),
      [&](absl::string_view name) { return absl::EndsWith(path, name); });
}

absl::Status ReadFrame(Decoder& decoder) {
  Image image = testing::MakeImage(decoder.spec());
  return decoder.ReadRows(image.view());
}

// The first frame's spec, if all frames can be read.
absl::StatusOr<ImageSpec> Decode(const std::string& bytes) {
  const auto data = std::as_bytes(std::span(bytes));
  const Codec* const codec =
      FindCodec(data.first(std::min(kFormatHeadBytes, data.size())));
  if (codec == nullptr || codec->open == nullptr) {
    return absl::InvalidArgumentError("of no known format");
  }
  RopeSource source{ByteRope(data)};
  // Longer than a JPEG can be: one of the files has 65537 rows.
  const auto decoder = codec->open(source, {.max_side = 70'000});
  if (!decoder.ok()) return decoder.status();
  ImageSpec spec = (*decoder)->spec();
  // Turns are a part of these pictures: the index has the size afterwards.
  if (codec->mime_type == "image/avif") {
    spec.shape = (*decoder)->metadata().orientation.Apply(spec.shape);
  }
  absl::Status status = ReadFrame(**decoder);
  const uint32_t frames = (*decoder)->metadata().frames.count;
  for (uint32_t frame = 1; frame < frames && status.ok(); ++frame) {
    status = (*decoder)->NextFrame();
    if (status.ok()) status = ReadFrame(**decoder);
  }
  if (!status.ok()) return status;
  return spec;
}

TEST(CodecCorpusTest, GoodFilesAreReadAndBadOnesRefused) {
  const char* const folder = std::getenv("IMAGEADAPT_CORPORA");
  if (folder == nullptr) {
    std::cout << "IMAGEADAPT_CORPORA is not set: 0 files tried\n";
    return;
  }
  std::map<std::string, int> counts;
  for (const Row& row : ReadIndex(folder)) {
    const std::string& format = row.at("format");
    if (!CanRead(format)) continue;
    std::ifstream file(std::string(folder) + "/" + row.at("path"),
                       std::ios::binary);
    ASSERT_TRUE(file.good()) << row.at("path");
    const auto spec =
        Decode(std::string(std::istreambuf_iterator<char>(file), {}));
    const std::string& expected = row.at("expected");
    ++counts[absl::StrCat(row.at("kind"), " ", format, ", index says ",
                          expected, spec.ok() ? ": read" : ": refused")];
    if (!spec.ok()) {
      EXPECT_TRUE(absl::IsInvalidArgument(spec.status()))
          << row.at("path") << ": " << spec.status();
    }
    if (expected == "refused") {
      EXPECT_FALSE(spec.ok()) << row.at("path");
    } else if (expected == "decodes" && AllAgree(row)) {
      ASSERT_TRUE(spec.ok()) << row.at("path") << ": " << spec.status();
      if (HasAnotherSize(row.at("path"))) continue;
      EXPECT_EQ(std::to_string(spec->shape.width), row.at("width"))
          << row.at("path");
      EXPECT_EQ(std::to_string(spec->shape.height), row.at("height"))
          << row.at("path");
    }
  }
  EXPECT_FALSE(counts.empty());
  for (const auto& [what, count] : counts) {
    std::cout << count << " " << what << "\n";
  }
}

}  // namespace
}  // namespace imageadapt
