#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <vector>

#include "imageadapt/cli/client_flags.h"
#include "imageadapt/cli/output_file.h"

namespace imageadapt {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<ClientFlags> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.end(), {"--input", "in.jpg"});
  return ParseClientFlags(arguments);
}

TEST(ClientFlagsTest, OperationsStandInOneOrderWhateverTheFlags) {
  const auto a = Parse({"--output", "o.png", "--rotate", "NINETY_DEG", "--mean",
                        "--median", "5", "--angle", "-7.5"});
  const auto b = Parse({"--median", "5", "--angle", "-7.5", "--mean",
                        "--rotate", "ninety_deg", "--output", "o.png"});
  ASSERT_TRUE(a.ok()) << a.status();
  ASSERT_TRUE(b.ok()) << b.status();
  EXPECT_EQ(a->request.SerializeAsString(), b->request.SerializeAsString());
  ASSERT_EQ(a->request.operations_size(), 4);
  EXPECT_EQ(a->request.operations(0).rotate().angle_degrees(), 90);
  EXPECT_EQ(a->request.operations(1).rotate().angle_degrees(), -7.5);
  EXPECT_EQ(a->request.operations(2).mean_filter().kernel_width(), 3);
  EXPECT_EQ(a->request.operations(2).mean_filter().rounding(),
            v1::MeanFilter::ROUNDING_TRUNCATE);
  EXPECT_EQ(a->request.operations(3).median_filter().kernel_width(), 5);
  EXPECT_FALSE(a->server.has_value());
}

TEST(ClientFlagsTest, MeanTakesASizeIfThereIsOne) {
  EXPECT_EQ(Parse({"--output", "o.png", "--mean", "9"})
                ->request.operations(0)
                .mean_filter()
                .kernel_width(),
            9);
  EXPECT_EQ(Parse({"--mean", "--output", "o.png"})
                ->request.operations(0)
                .mean_filter()
                .kernel_width(),
            3);
}

TEST(ClientFlagsTest, TheOutputNameSaysTheFormat) {
  const auto mime = [](const char* name) {
    const auto flags = Parse({"--output", name});
    return flags.ok() ? flags->request.output().mime_type() : "refused";
  };
  EXPECT_EQ(mime("a.png"), "image/png");
  EXPECT_EQ(mime("a.PNG"), "image/png");
  EXPECT_EQ(mime("x.y/a.jpeg"), "image/jpeg");
  EXPECT_EQ(mime("a.png.jpg"), "image/jpeg");
  EXPECT_EQ(mime("a.bmp"), "refused");
  EXPECT_EQ(mime("a"), "refused");
  EXPECT_EQ(mime("folder.png/a"), "refused");
  EXPECT_EQ(mime("-"), "refused");
  EXPECT_EQ(Parse({"--output", "-", "--format", "JPEG"})
                ->request.output()
                .mime_type(),
            "image/jpeg");
}

TEST(ClientFlagsTest, AHostOrAPortMeansAServer) {
  EXPECT_EQ(TargetOf(*Parse({"--output", "o.png", "--port", "7"})->server),
            "localhost:7");
  EXPECT_EQ(TargetOf(*Parse({"--output", "o.png", "--host", "h"})->server),
            "h:50051");
  EXPECT_EQ(
      TargetOf(*Parse({"--output", "o.png", "--host", "::1", "--port", "7"})
                    ->server),
      "[::1]:7");
  EXPECT_EQ(TargetOf(*Parse({"--output", "o.png", "--host", "[::1]"})->server),
            "[::1]:50051");
  EXPECT_EQ(
      TargetOf(*Parse({"--output", "o.png", "--host", "unix:/run/x"})->server),
      "unix:/run/x");
}

TEST(ClientFlagsTest, WrongFlagsAreRefusedInOneLineThatNamesThem) {
  const std::vector<std::vector<const char*>> kCases = {
      {"--rotate", "SIDEWAYS"}, {"--mean", "4"},    {"--mean", "-3"},
      {"--mean", "many"},       {"--median", "2"},  {"--median", "257"},
      {"--median", "0"},        {"--angle", "nan"}, {"--angle", "x"},
      {"--quality", "0"},       {"--quality", "5"}, {"--port", "0"},
      {"--port", "70000"},      {"--timeout", "0"}, {"--timeout", "nan"},
      {"--format", "gif"},      {"--tls"},          {"--bogus"}};
  for (auto arguments : kCases) {
    const std::string flag = arguments[0];
    arguments.insert(arguments.end(), {"--output", "o.png"});
    const auto flags = Parse(arguments);
    ASSERT_TRUE(absl::IsInvalidArgument(flags.status()))
        << flag << " " << arguments[1];
    const std::string text(flags.status().message());
    EXPECT_NE(text.find(flag), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
  const std::vector<const char*> none;
  EXPECT_FALSE(ParseClientFlags(none).ok());
}

TEST(ClientFlagsTest, EveryFlagIsInItsDocument) {
  std::ifstream file(IMAGEADAPT_SOURCE_DIR "/docs/client.md");
  const std::string document((std::istreambuf_iterator<char>(file)), {});
  const auto help = Parse({"--help"});
  ASSERT_TRUE(help.ok());
  int flags = 0;
  size_t at = 0;
  while ((at = help->text_to_print.find("  --", at)) != std::string::npos) {
    const size_t begin = at + 2;
    const size_t end = help->text_to_print.find_first_of(" \n", begin);
    const std::string flag = help->text_to_print.substr(begin, end - begin);
    EXPECT_NE(document.find("`" + flag), std::string::npos) << flag;
    ++flags;
    at = end;
  }
  EXPECT_GE(flags, 15);
}

class OutputFileTest : public ::testing::Test {
 protected:
  OutputFileTest() {
    std::string name = (fs::temp_directory_path() / "cli-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~OutputFileTest() override { fs::remove_all(folder_); }

  std::string Path(const char* name) const { return folder_ / name; }
  size_t Files() const {
    return static_cast<size_t>(
        std::distance(fs::directory_iterator(folder_), {}));
  }

  fs::path folder_;
};

TEST_F(OutputFileTest, WritesAndReplaces) {
  ASSERT_TRUE(WriteFileWhole(Path("a"), "first").ok());
  EXPECT_EQ(*ReadFile(Path("a")), "first");
  ASSERT_EQ(chmod(Path("a").c_str(), 0640), 0);
  ASSERT_TRUE(WriteFileWhole(Path("a"), std::string(3'000'000, 'x')).ok());
  EXPECT_EQ(ReadFile(Path("a"))->size(), 3'000'000);
  EXPECT_EQ(fs::status(Path("a")).permissions(), fs::perms{0640});
  EXPECT_EQ(Files(), 1);
}

TEST_F(OutputFileTest, AFailureLeavesWhatWasThere) {
  fs::create_directory(Path("folder"));
  EXPECT_FALSE(WriteFileWhole(Path("folder"), "x").ok());
  EXPECT_TRUE(fs::is_directory(Path("folder")));
  EXPECT_FALSE(WriteFileWhole(Path("no/such/folder"), "x").ok());
  EXPECT_EQ(Files(), 1);
}

TEST_F(OutputFileTest, ALinkStaysALink) {
  ASSERT_TRUE(WriteFileWhole(Path("target"), "old").ok());
  fs::create_symlink(Path("target"), Path("link"));
  ASSERT_TRUE(WriteFileWhole(Path("link"), "new").ok());
  EXPECT_TRUE(fs::is_symlink(Path("link")));
  EXPECT_EQ(*ReadFile(Path("target")), "new");
}

TEST_F(OutputFileTest, ErrorsNameTheFileAndTheCause) {
  const auto missing = ReadFile(Path("missing"));
  EXPECT_NE(missing.status().message().find("missing: No such file"),
            std::string::npos);
  EXPECT_FALSE(ReadFile(folder_.string()).ok());
}

}  // namespace
}  // namespace imageadapt
