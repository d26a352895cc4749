#include "imageadapt/cli/interruption.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "imageadapt/cli/exit_codes.h"
#include "imageadapt/cli/output_file.h"

namespace imageadapt {
namespace {

namespace fs = std::filesystem;

// Signals are the whole process's business, so each test is one: the death
// test's child, which begins with one thread.
class InterruptionTest : public ::testing::Test {
 protected:
  InterruptionTest() {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    // The same in the child.
    folder_ = ::testing::TempDir() + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::create_directories(folder_);
  }
  ~InterruptionTest() override { fs::remove_all(folder_); }

  // Half way through writing a file when the signal comes.
  [[noreturn]] void WriteUntil(int signal_number) const {
    UnfinishedFile unfinished;
    const Interruption interruption([&unfinished](int number) {
      unfinished.RemoveAndExit(kExitInterrupted - SIGINT + number);
    });
    if (!unfinished.Create(folder_).ok()) std::abort();
    kill(getpid(), signal_number);
    while (true) pause();
  }

  std::string folder_;
};

TEST_F(InterruptionTest, SigintEndsWith130AndLeavesNoUnfinishedFile) {
  EXPECT_EXIT(WriteUntil(SIGINT), ::testing::ExitedWithCode(130), "");
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(InterruptionTest, SigtermEndsWith143AndLeavesNoUnfinishedFile) {
  EXPECT_EXIT(WriteUntil(SIGTERM), ::testing::ExitedWithCode(143), "");
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(InterruptionTest, WhatWasIgnoredStaysIgnored) {
  EXPECT_EXIT(
      {
        signal(SIGHUP, SIG_IGN);
        {
          const Interruption interruption([](int) { _exit(1); });
          kill(getpid(), SIGHUP);
        }
        _exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(InterruptionTest, EndsWithoutASignal) {
  EXPECT_EXIT(
      {
        {
          const Interruption interruption([](int) { _exit(1); });
        }
        _exit(0);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace imageadapt
