#include "imageadapt/cli/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace imageadapt {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// In a folder of its own.
class OutputFileTest : public ::testing::Test {
 protected:
  OutputFileTest() {
    std::string name = ::testing::TempDir() + "/output_file_test_XXXXXX";
    folder_ = mkdtemp(name.data());
  }
  ~OutputFileTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ / name; }

  void Put(const std::string& name, const std::string& text) const {
    std::ofstream(Path(name)) << text;
  }

  std::string Text(const std::string& name) const {
    std::ifstream file(Path(name));
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  // Everything in the folder, sorted.
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  mode_t Mode(const std::string& name) const {
    struct stat properties = {};
    stat(Path(name).c_str(), &properties);
    return properties.st_mode & 07777;
  }

  absl::Status Write(const std::string& name, const std::string& text) {
    return WriteFileWhole(Path(name), text, unfinished_);
  }

  fs::path folder_;
  UnfinishedFile unfinished_;
};

// While it lives, no file of this process grows over `bytes`.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = signal(SIGXFSZ, SIG_IGN);
  }
  ~FileSizeLimit() {
    signal(SIGXFSZ, handler_);
    setrlimit(RLIMIT_FSIZE, &before_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_ = {};
  sighandler_t handler_ = nullptr;
};

TEST_F(OutputFileTest, ANewFileHasTheBytesAndUsualPermissions) {
  const mode_t before = umask(027);
  const absl::Status status = Write("new", std::string("a\0b", 3));
  umask(before);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(Text("new"), std::string("a\0b", 3));
  EXPECT_EQ(Mode("new"), 0640);
  EXPECT_THAT(Names(), ElementsAre("new"));
}

TEST_F(OutputFileTest, AnOldFileIsReplacedAndKeepsItsPermissions) {
  Put("old", "a longer text than what comes");
  chmod(Path("old").c_str(), 0604);
  ASSERT_TRUE(Write("old", "new").ok());
  EXPECT_EQ(Text("old"), "new");
  EXPECT_EQ(Mode("old"), 0604);
  EXPECT_THAT(Names(), ElementsAre("old"));
}

TEST_F(OutputFileTest, WhoHasTheOldFileOpenKeepsItsBytes) {
  Put("old", "old bytes");
  std::ifstream reader(Path("old"));
  ASSERT_TRUE(Write("old", "new").ok());
  std::string line;
  std::getline(reader, line);
  EXPECT_EQ(line, "old bytes");
}

TEST_F(OutputFileTest, ALinkStaysALink) {
  Put("target", "old");
  fs::create_symlink("target", Path("link"));
  ASSERT_TRUE(Write("link", "new").ok());
  EXPECT_TRUE(fs::is_symlink(Path("link")));
  EXPECT_EQ(Text("target"), "new");
}

TEST_F(OutputFileTest, AWriteThatFailsHalfWayLeavesTheOldFileAndNothingElse) {
  Put("old", "old");
  absl::Status status;
  {
    const FileSizeLimit limit(1000);
    status = Write("old", std::string(5000, 'x'));
  }
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot write " + Path("old")));
  EXPECT_EQ(Text("old"), "old");
  EXPECT_THAT(Names(), ElementsAre("old"));
}

TEST_F(OutputFileTest, FoldersAreRefusedAndStayAsTheyAre) {
  fs::create_directory(Path("folder"));
  EXPECT_FALSE(CheckWritable(Path("folder")).ok());
  EXPECT_FALSE(Write("folder", "x").ok());
  EXPECT_TRUE(fs::is_directory(Path("folder")));
  EXPECT_THAT(Names(), ElementsAre("folder"));
}

TEST_F(OutputFileTest, WhatIsNoOrdinaryFileIsRefused) {
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  EXPECT_FALSE(CheckWritable(Path("pipe")).ok());
  EXPECT_FALSE(Write("pipe", "x").ok());
  EXPECT_FALSE(CheckWritable("/dev/null").ok());
}

TEST_F(OutputFileTest, AFolderThatDoesNotExistIsRefusedBeforeTheWork) {
  EXPECT_FALSE(CheckWritable(Path("no/file")).ok());
  EXPECT_TRUE(CheckWritable(Path("file")).ok());
  EXPECT_FALSE(Write("no/file", "x").ok());
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(OutputFileTest, AnUnfinishedFileThatIsRemovedLeavesNoTrace) {
  const auto file = unfinished_.Create(folder_);
  ASSERT_TRUE(file.ok());
  close(*file);
  EXPECT_EQ(Names().size(), 1);
  unfinished_.Remove();
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(OutputFileTest, AFileThatHasItsNameIsNotRemovedAnyMore) {
  ASSERT_TRUE(Write("file", "x").ok());
  unfinished_.Remove();
  EXPECT_THAT(Names(), ElementsAre("file"));
}

TEST_F(OutputFileTest, ReadsWhatIsThere) {
  const std::string bytes = std::string(700'000, 'x') + std::string(1, '\0');
  Put("large", bytes);
  Put("empty", "");
  EXPECT_EQ(ReadFile(Path("large")).value(), bytes);
  EXPECT_EQ(ReadFile(Path("empty")).value(), "");
}

TEST_F(OutputFileTest, SaysWhichFileCannotBeReadAndWhy) {
  const auto missing = ReadFile(Path("missing"));
  EXPECT_EQ(missing.status().message(),
            "cannot read " + Path("missing") + ": No such file or directory");
  EXPECT_EQ(ReadFile(folder_).status().message(),
            "cannot read " + folder_.string() + ": Is a directory");
}

TEST_F(OutputFileTest, AFileThatIsTooLargeForAMessageIsRefused) {
  Put("huge", "");
  fs::resize_file(Path("huge"), uintmax_t{1} << 31);
  EXPECT_EQ(ReadFile(Path("huge")).status().code(),
            absl::StatusCode::kOutOfRange);
}

}  // namespace
}  // namespace imageadapt
