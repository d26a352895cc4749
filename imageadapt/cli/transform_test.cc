#include "imageadapt/cli/transform.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/server/server.h"

namespace imageadapt {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// 3 x 2 pixels, RGB, all samples different.
constexpr uint8_t kPng[] = {
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00,
    0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00,
    0x00, 0x02, 0x08, 0x02, 0x00, 0x00, 0x00, 0x12, 0x16, 0xf1, 0x4d,
    0x00, 0x00, 0x00, 0x1c, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63,
    0xe0, 0x12, 0x91, 0xd3, 0x30, 0xb2, 0x71, 0x0b, 0x88, 0x62, 0xc8,
    0x2c, 0xae, 0x6d, 0x9f, 0x38, 0x7b, 0xe9, 0xfa, 0x9d, 0x00, 0x2f,
    0x3f, 0x06, 0xdc, 0xb0, 0x8a, 0x9e, 0x75, 0x00, 0x00, 0x00, 0x00,
    0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
};

std::string Png() { return std::string(std::begin(kPng), std::end(kPng)); }

// Size of a PNG as its header tells it.
std::pair<int, int> SizeOf(const std::string& png) {
  return png.size() < 24 ? std::pair(0, 0) : std::pair(+png[19], +png[23]);
}

struct Outcome {
  int code = 0;
  std::string errors;
};

class TransformTest : public ::testing::Test {
 protected:
  TransformTest() {
    std::string name = ::testing::TempDir() + "/transform_test_XXXXXX";
    folder_ = mkdtemp(name.data());
    Put("in.png", Png());
  }
  ~TransformTest() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return folder_ / name; }

  void Put(const std::string& name, const std::string& bytes) const {
    std::ofstream(Path(name), std::ios::binary) << bytes;
  }

  std::string Bytes(const std::string& name) const {
    std::ifstream file(Path(name), std::ios::binary);
    std::ostringstream bytes;
    bytes << file.rdbuf();
    return bytes.str();
  }

  // As the program does with these flags; `input` and `output` in the folder.
  Outcome Run(const std::string& input, const std::string& output,
              std::vector<std::string> flags = {}) {
    flags.insert(flags.end(),
                 {"--input", Path(input), "--output", Path(output)});
    std::vector<const char*> words;
    for (const std::string& flag : flags) words.push_back(flag.c_str());
    const auto parsed = ParseClientFlags(words);
    EXPECT_TRUE(parsed.ok()) << parsed.status();
    if (!parsed.ok()) return {};
    ::testing::internal::CaptureStderr();
    Outcome outcome;
    outcome.code = Transform(*parsed, unfinished_);
    outcome.errors = ::testing::internal::GetCapturedStderr();
    return outcome;
  }

  // One line from us, that says `what`; the old output is untouched.
  void ExpectFailure(const Outcome& outcome, int code,
                     const std::string& what) {
    EXPECT_EQ(outcome.code, code);
    EXPECT_THAT(outcome.errors, StartsWith("imageadapt: "));
    EXPECT_THAT(outcome.errors, HasSubstr(what));
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'),
              1);
  }

  fs::path folder_;
  UnfinishedFile unfinished_;
};

TEST_F(TransformTest, WithoutAServerTheClientDoesTheWorkItself) {
  const Outcome outcome =
      Run("in.png", "out.png", {"--rotate", "NINETY_DEG", "--mean"});
  EXPECT_EQ(outcome.code, kExitOk);
  EXPECT_THAT(outcome.errors, IsEmpty());
  EXPECT_EQ(SizeOf(Bytes("out.png")), std::pair(2, 3));
}

TEST_F(TransformTest, BothOrdersOfTheFlagsGiveTheSameBytes) {
  Run("in.png", "a.png", {"--rotate", "NINETY_DEG", "--mean", "--median", "3"});
  Run("in.png", "b.png", {"--median", "3", "--mean", "--rotate", "NINETY_DEG"});
  EXPECT_THAT(Bytes("a.png"), Not(IsEmpty()));
  EXPECT_EQ(Bytes("a.png"), Bytes("b.png"));
}

TEST_F(TransformTest, AServerOnASocketGivesTheBytesOfTheEmbeddedOne) {
  ServerOptions options;
  options.host = "unix:" + Path("socket");
  const auto server = Server::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  const Outcome outcome =
      Run("in.png", "a.png", {"--host", options.host, "--angle", "30"});
  EXPECT_EQ(outcome.code, kExitOk) << outcome.errors;
  Run("in.png", "b.png", {"--angle", "30"});
  EXPECT_THAT(Bytes("a.png"), Not(IsEmpty()));
  EXPECT_EQ(Bytes("a.png"), Bytes("b.png"));
}

TEST_F(TransformTest, TheNameOfTheOutputDecidesItsFormat) {
  EXPECT_EQ(Run("in.png", "out.jpg").code, kExitOk);
  EXPECT_THAT(Bytes("out.jpg"), StartsWith("\xff\xd8\xff"));
}

TEST_F(TransformTest, TheInputMayBeTheOutput) {
  EXPECT_EQ(Run("in.png", "in.png", {"--rotate", "NINETY_DEG"}).code, kExitOk);
  EXPECT_EQ(SizeOf(Bytes("in.png")), std::pair(2, 3));
}

TEST_F(TransformTest, AnInputThatCannotBeUsedEndsWith3) {
  Put("text.png", "no picture");
  Put("cut.png", Png().substr(0, 50));
  Put("empty.png", "");
  Put("out.png", "old");
  ExpectFailure(Run("no.png", "out.png"), kExitInput, "cannot read ");
  ExpectFailure(Run("text.png", "out.png"), kExitInput,
                "cannot use " + Path("text.png"));
  ExpectFailure(Run("cut.png", "out.png"), kExitInput,
                "cannot use " + Path("cut.png"));
  ExpectFailure(Run("empty.png", "out.png"), kExitInput,
                Path("empty.png") + " is empty");
  EXPECT_EQ(Bytes("out.png"), "old");
}

TEST_F(TransformTest, AnOutputThatCannotBeWrittenEndsWith7) {
  fs::create_directory(Path("folder.png"));
  ExpectFailure(Run("in.png", "folder.png"), kExitOutput,
                "it is not an ordinary file");
  ExpectFailure(Run("in.png", "no/out.png"), kExitOutput,
                "cannot write " + Path("no/out.png"));
}

TEST_F(TransformTest, AServerThatIsNotThereEndsWith4) {
  Put("out.png", "old");
  ExpectFailure(Run("in.png", "out.png", {"--host", "unix:" + Path("nobody")}),
                kExitServerUnreachable,
                "cannot reach the server at unix:" + Path("nobody"));
  EXPECT_EQ(Bytes("out.png"), "old");
}

TEST_F(TransformTest, AServerThatDoesNotAnswerEndsWith6) {
  // Taken by the system, but read by nobody.
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const std::string path = Path("mute");
  ASSERT_LT(path.size(), sizeof(address.sun_path));
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(
      bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)),
      0);
  ASSERT_EQ(listen(listener, 1), 0);
  ExpectFailure(
      Run("in.png", "out.png", {"--host", "unix:" + path, "--timeout", "50ms"}),
      kExitTimeout, "no answer within 0.05 s (--timeout)");
  close(listener);
}

TEST_F(TransformTest, TlsFilesThatCannotBeUsedEndWith2) {
  ExpectFailure(
      Run("in.png", "out.png", {"--host", "a", "--tls-ca", Path("in.png")}),
      kExitUsage, "holds no certificate");
}

ClientFlags FlagsFor(std::optional<ServerAddress> server) {
  ClientFlags flags;
  flags.server = std::move(server);
  flags.input = "in.jpg";
  flags.output = "out.jpg";
  return flags;
}

ServerAddress Remote() {
  ServerAddress address;
  address.host = "far";
  address.port = 5;
  return address;
}

struct FailureCase {
  absl::Status status;
  ExitCode code;
  const char* text;
};

TEST(FailureFromTest, SaysWhatItMeansToTheUser) {
  const FailureCase cases[] = {
      {absl::UnavailableError("library text"), kExitServerUnreachable,
       "cannot reach the server at far:5"},
      {Refusal(absl::StatusCode::kUnavailable, kDraining, "it is stopping"),
       kExitServerUnreachable, "cannot use far:5: it is stopping"},
      {absl::DeadlineExceededError("library text"), kExitTimeout,
       "no answer within 60 s (--timeout)"},
      {absl::ResourceExhaustedError("library text"), kExitServerRefused,
       "refused by far:5: it is busy, or the image is too large for it"},
      {Refusal(absl::StatusCode::kResourceExhausted, kServerBusy, "all busy"),
       kExitServerRefused, "refused by far:5: all busy"},
      {absl::UnauthenticatedError("library text"), kExitServerRefused,
       "refused by far:5: it does not let this client in"},
      {absl::PermissionDeniedError("library text"), kExitServerRefused,
       "refused by far:5: it does not let this client in"},
      {absl::CancelledError("library text"), kExitServerRefused,
       "refused by far:5: it gave up the call"},
      {absl::InternalError("library text"), kExitServerRefused,
       "refused by far:5: it made a mistake"},
      {absl::UnknownError("library text"), kExitServerRefused,
       "refused by far:5: it made a mistake"},
      {absl::InvalidArgumentError("no kernel"), kExitServerRefused,
       "refused by far:5: no kernel"},
      {absl::InvalidArgumentError(""), kExitServerRefused,
       "refused by far:5: it does not say why"},
      {absl::UnimplementedError("it is old"), kExitServerRefused,
       "far:5 cannot do this: it is old"},
      {absl::DataLossError("it is no file"), kExitServerRefused,
       "cannot use the answer of far:5: it is no file"},
      {Refusal(absl::StatusCode::kInvalidArgument, kImageDamaged, "cut"),
       kExitInput, "cannot use in.jpg: cut"},
      {Refusal(absl::StatusCode::kInvalidArgument, kUnknownFormat, "odd"),
       kExitInput, "cannot use in.jpg: odd"},
      {InvalidField("image", "is empty"), kExitInput,
       "cannot use in.jpg: is empty"},
      {InvalidField("output.mime_type", "JPEG holds no alpha"),
       kExitServerRefused, "cannot write out.jpg: JPEG holds no alpha"},
      {InvalidField("operations[0].rotate", "is odd"), kExitServerRefused,
       "refused by far:5: operations[0].rotate: is odd"},
  };
  for (const FailureCase& each : cases) {
    const Failure failure = FailureFrom(each.status, FlagsFor(Remote()));
    EXPECT_EQ(failure.code, each.code) << each.status;
    EXPECT_EQ(failure.text, each.text);
  }
}

TEST(FailureFromTest, TheEmbeddedServerIsNotCalledBusy) {
  const Failure failure = FailureFrom(absl::ResourceExhaustedError("library"),
                                      FlagsFor(std::nullopt));
  EXPECT_EQ(failure.text,
            "refused by the embedded server: the image is too large");
}

TEST(FailureFromTest, StandardStreamsHaveNames) {
  ClientFlags flags = FlagsFor(std::nullopt);
  flags.input = "-";
  EXPECT_EQ(FailureFrom(InvalidField("image", "is empty"), flags).text,
            "cannot use standard input: is empty");
}

TEST(OneLineTest, ControlCharactersBecomeSpacesAndOtherBytesStay) {
  EXPECT_EQ(OneLine("a\nb\r\x1b[31mc\x7f"), "a b  [31mc ");
  EXPECT_EQ(OneLine("Stra\xc3\x9f"
                    "e"),
            "Stra\xc3\x9f"
            "e");
}

}  // namespace
}  // namespace imageadapt
