#include "imageadapt/server/server_flags.h"

#include <gtest/gtest.h>

#include <vector>

#include "imageadapt/server/listen_address.h"

namespace imageadapt {
namespace {

absl::StatusOr<ServerFlags> Parse(std::vector<const char*> arguments) {
  return ParseServerFlags(arguments);
}

TEST(ServerFlagsTest, DefaultsAreThoseOfTheOptions) {
  const auto flags = Parse({});
  ASSERT_TRUE(flags.ok());
  EXPECT_EQ(flags->options.host, "127.0.0.1");
  EXPECT_EQ(flags->options.port, 50051);
  EXPECT_EQ(flags->options.max_wait, ServerOptions().max_wait);
  EXPECT_EQ(flags->options.max_message_bytes, uint64_t{512} << 20);
}

TEST(ServerFlagsTest, ValuesAreRead) {
  const auto flags = Parse({"--host",   "::1",
                            "--port=0", "--workers",
                            "3",        "--max-wait",
                            "250ms",    "--drain-timeout",
                            "2min",     "--upload-timeout",
                            "1.5",      "--memory-budget",
                            "64MiB",    "--max-message-size",
                            "1gb",      "--max-pixels",
                            "5000",     "--log-format",
                            "json",     "--insecure"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_EQ(flags->options.host, "::1");
  EXPECT_EQ(flags->options.workers, 3);
  EXPECT_EQ(flags->options.max_wait.count(), 250);
  EXPECT_EQ(flags->options.drain_timeout.count(), 120'000);
  EXPECT_EQ(flags->options.upload_timeout.count(), 1500);
  EXPECT_EQ(flags->options.memory_budget_bytes, uint64_t{64} << 20);
  EXPECT_EQ(flags->options.max_message_bytes, uint64_t{1} << 30);
  EXPECT_EQ(flags->options.max_pixels, 5000);
  EXPECT_EQ(flags->log_format, LogFormat::kJson);
  EXPECT_TRUE(flags->options.allows_insecure);
}

TEST(ServerFlagsTest, WrongFlagsAreRefusedInOneLineThatNamesThem) {
  const std::vector<std::vector<const char*>> kCases = {
      {"--port", "x"},
      {"--port", "65536"},
      {"--workers", "-1"},
      {"--max-wait", "0"},
      {"--max-wait", "5 years"},
      {"--log-level", "loud"},
      {"--log-format", "xml"},
      {"--memory-budget", "much"},
      {"--bogus"},
      {"--max-pixels", "0"}};
  for (const auto& arguments : kCases) {
    const auto flags = Parse(arguments);
    ASSERT_TRUE(absl::IsInvalidArgument(flags.status())) << arguments[0];
    const std::string text(flags.status().message());
    EXPECT_NE(text.find(arguments[0]), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

TEST(ListenAddressTest, KnowsWhoCanReachIt) {
  const struct {
    const char* host;
    const char* address;
    bool is_local;
  } kCases[] = {{"127.0.0.1", "127.0.0.1:7", true},
                {"127.1.2.3", "127.1.2.3:7", true},
                {"::1", "[::1]:7", true},
                {"[::1]", "[::1]:7", true},
                {"0.0.0.0", "0.0.0.0:7", false},
                {"::", "[::]:7", false},
                {"[::]", "[::]:7", false},
                {"192.0.2.1", "192.0.2.1:7", false},
                {"unix:/run/x", "unix:/run/x", true}};
  for (const auto& each : kCases) {
    const auto address = ParseListenAddress(each.host, 7);
    ASSERT_TRUE(address.ok()) << each.host << ": " << address.status();
    EXPECT_EQ(address->grpc_address, each.address);
    EXPECT_EQ(address->is_local, each.is_local) << each.host;
  }
  EXPECT_FALSE(ParseListenAddress("unix:", 7).ok());
  EXPECT_FALSE(ParseListenAddress("[::1", 7).ok());
  EXPECT_FALSE(ParseListenAddress("127.0.0.1", 65536).ok());
}

}  // namespace
}  // namespace imageadapt
