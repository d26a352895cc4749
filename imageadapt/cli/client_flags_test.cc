#include "imageadapt/cli/client_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/cli/exit_codes.h"

namespace imageadapt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

using Words = std::vector<const char*>;

absl::StatusOr<ClientFlags> Parse(const Words& words) {
  return ParseClientFlags(words);
}

// With an input and an output, which are always needed.
absl::StatusOr<ClientFlags> ParseWith(Words words) {
  words.insert(words.begin(), {"--input", "in.jpg", "--output", "out.png"});
  return Parse(words);
}

ClientFlags Good(const Words& words) {
  const auto flags = ParseWith(words);
  EXPECT_TRUE(flags.ok()) << flags.status();
  return flags.ok() ? *flags : ClientFlags();
}

// The operations in order, as "rotate 90", "mean 3", "median 5".
std::vector<std::string> OperationsOf(const ClientFlags& flags) {
  std::vector<std::string> names;
  for (const v1::Operation& each : flags.request.operations()) {
    std::ostringstream name;
    if (each.has_rotate()) name << "rotate " << each.rotate().angle_degrees();
    if (each.has_mean_filter()) {
      name << "mean " << each.mean_filter().kernel_width();
    }
    if (each.has_median_filter()) {
      name << "median " << each.median_filter().kernel_width();
    }
    names.push_back(name.str());
  }
  return names;
}

// The line that refuses `words`; "" if it does not.
std::string Refused(const absl::StatusOr<ClientFlags>& flags) {
  if (flags.ok()) return std::string();
  EXPECT_EQ(flags.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string line(flags.status().message());
  EXPECT_THAT(line, Not(HasSubstr("\n")));
  return line;
}

TEST(ClientFlagsTest, OperationsStandInOneOrderWhateverThatOfTheFlags) {
  const auto in_order =
      ElementsAre("rotate 90", "rotate -12.5", "mean 7", "median 5");
  EXPECT_THAT(OperationsOf(Good({"--rotate", "NINETY_DEG", "--angle", "-12.5",
                                 "--mean", "7", "--median", "5"})),
              in_order);
  EXPECT_THAT(OperationsOf(Good({"--median", "5", "--mean", "7", "--angle",
                                 "-12.5", "--rotate", "NINETY_DEG"})),
              in_order);
}

TEST(ClientFlagsTest, RotationsAreNamesInAnyCaseOrQuarterDegrees) {
  const std::pair<const char*, const char*> cases[] = {
      {"NONE", "rotate 0"},
      {"NINETY_DEG", "rotate 90"},
      {"ONE_EIGHTY_DEG", "rotate 180"},
      {"TWO_SEVENTY_DEG", "rotate 270"},
      {"ninety_deg", "rotate 90"},
      {"0", "rotate 0"},
      {"90", "rotate 90"},
      {"180", "rotate 180"},
      {"270", "rotate 270"}};
  for (const auto& [name, operation] : cases) {
    EXPECT_THAT(OperationsOf(Good({"--rotate", name})), ElementsAre(operation));
  }
}

TEST(ClientFlagsTest, AMeanWithoutASizeIsThreeAndEatsNoFlagThatFollows) {
  EXPECT_THAT(OperationsOf(Good({"--mean"})), ElementsAre("mean 3"));
  EXPECT_THAT(OperationsOf(Good({"--mean", "--median", "5"})),
              ElementsAre("mean 3", "median 5"));
  EXPECT_THAT(OperationsOf(Good({"--mean=9", "--quiet"})),
              ElementsAre("mean 9"));
}

TEST(ClientFlagsTest, TheMeanTruncates) {
  EXPECT_EQ(Good({"--mean"}).request.operations(0).mean_filter().rounding(),
            v1::MeanFilter::ROUNDING_TRUNCATE);
}

TEST(ClientFlagsTest, TheNameOfTheOutputSaysTheFormat) {
  const std::pair<const char*, const char*> cases[] = {
      {"x.png", "image/png"},      {"x.PNG", "image/png"},
      {"a.b/x.jpg", "image/jpeg"}, {"x.png.jpeg", "image/jpeg"},
      {".jpg", "image/jpeg"},      {"x.pfm", "image/x-portable-anymap"},
      {"x.JFIF", "image/jpeg"}};
  for (const auto& [name, mime_type] : cases) {
    const auto flags = Parse({"--input", "in", "--output", name});
    ASSERT_TRUE(flags.ok()) << name << flags.status();
    EXPECT_EQ(flags->request.output().mime_type(), mime_type);
  }
}

TEST(ClientFlagsTest, AnUnknownEndingIsRefusedWithTheKnownOnes) {
  for (const char* const name : {"x.exe", "x", "x.png/y", "x.", "png"}) {
    EXPECT_THAT(Refused(Parse({"--input", "in", "--output", name})),
                HasSubstr("must end as that of an image"))
        << name;
  }
}

TEST(ClientFlagsTest, ListsFormatsWithoutAnImage) {
  const auto flags = Parse({"--list-formats"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_THAT(flags->text_to_print, HasSubstr("image/png"));
}

TEST(ClientFlagsTest, FormatOverridesTheNameAndIsNeededForStandardOutput) {
  auto flags = Parse({"--input", "-", "--output", "-", "--format", "jpeg"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_EQ(flags->request.output().mime_type(), "image/jpeg");
  flags = Parse({"--input", "a", "--output", "x.exe", "--format", "PNG"});
  ASSERT_TRUE(flags.ok()) << flags.status();
  EXPECT_EQ(flags->request.output().mime_type(), "image/png");
  EXPECT_THAT(Refused(Parse({"--input", "a", "--output", "-"})),
              HasSubstr("--format"));
}

TEST(ClientFlagsTest, QualityIsForJpegOnly) {
  EXPECT_EQ(
      Good({"--format", "jpeg", "--quality", "75"}).request.output().quality(),
      75);
  EXPECT_THAT(Refused(ParseWith({"--quality", "75"})),
              HasSubstr("nothing to PNG"));
  EXPECT_THAT(Refused(ParseWith({"--quality", "75", "--format", "gif"})),
              HasSubstr("nothing to GIF"));
}

TEST(ClientFlagsTest, WithoutHostAndPortThereIsNoServer) {
  EXPECT_FALSE(Good({}).server.has_value());
}

TEST(ClientFlagsTest, HostOrPortAloneIsCompleted) {
  EXPECT_EQ(TargetOf(*Good({"--host", "example"}).server), "example:50051");
  EXPECT_EQ(TargetOf(*Good({"--port", "7"}).server), "localhost:7");
}

TEST(ClientFlagsTest, HostsAreNamesAddressesOrSockets) {
  const std::pair<const char*, const char*> cases[] = {
      {"a.example", "a.example:50051"},
      {"10.0.0.1", "10.0.0.1:50051"},
      {"::1", "[::1]:50051"},
      {"[::1]", "[::1]:50051"},
      {"unix:/run/x", "unix:/run/x"},
      {"fe80::1%eth0", "[fe80::1%eth0]:50051"}};
  for (const auto& [host, target] : cases) {
    const ClientFlags flags = Good({"--host", host});
    ASSERT_TRUE(flags.server.has_value()) << host;
    EXPECT_EQ(TargetOf(*flags.server), target);
  }
}

TEST(ClientFlagsTest, TlsFilesTurnTlsOn) {
  EXPECT_FALSE(Good({"--host", "a"}).server->uses_tls);
  EXPECT_TRUE(Good({"--host", "a", "--tls"}).server->uses_tls);
  const ClientFlags flags = Good({"--host", "a", "--tls-ca", "ca", "--tls-cert",
                                  "cert", "--tls-key", "key"});
  EXPECT_TRUE(flags.server->uses_tls);
  EXPECT_EQ(flags.server->tls_ca_file, "ca");
  EXPECT_EQ(flags.server->tls_cert_file, "cert");
  EXPECT_EQ(flags.server->tls_key_file, "key");
}

TEST(ClientFlagsTest, TimesHaveUnitsOrAreSeconds) {
  using std::chrono::milliseconds;
  EXPECT_EQ(Good({}).timeout, milliseconds(60'000));
  EXPECT_EQ(Good({"--timeout", "2"}).timeout, milliseconds(2'000));
  EXPECT_EQ(Good({"--timeout", "250ms"}).timeout, milliseconds(250));
}

struct BadCase {
  Words words;
  const char* says;
};

TEST(ClientFlagsTest, EveryWrongFlagIsRefusedInOneLineThatNamesIt) {
  const BadCase cases[] = {
      {{"--turn"}, "unknown flag --turn"},
      {{"--mean_filter=3"}, "unknown flag --mean_filter=3"},
      {{"-x"}, "unknown flag -x"},
      {{"stray"}, "\"stray\" belongs to no flag"},
      {{"--", "stray"}, "unknown flag --"},
      {{"--rotate"}, "--rotate needs a value"},
      {{"--rotate", "--mean"}, "--rotate needs a value, got the flag --mean"},
      {{"--rotate", ""}, "--rotate needs a value"},
      {{"--rotate", "45"}, "--rotate must be NONE, NINETY_DEG"},
      {{"--rotate", "NONE", "--rotate", "NONE"}, "--rotate is given twice"},
      {{"--angle", "steep"}, "--angle must be a number of degrees, got steep"},
      {{"--angle", "inf"}, "--angle must be a number"},
      {{"--angle", "nan"}, "--angle must be a number"},
      {{"--angle", "1e999"}, "--angle must be a number"},
      {{"--mean", "4"}, "--mean must be odd and from 1 to 65535, got 4"},
      {{"--mean", "0"}, "--mean must be odd"},
      {{"--mean", "-3"}, "--mean must be odd"},
      {{"--mean", "65537"}, "--mean must be odd and from 1 to 65535"},
      {{"--mean", "three"}, "--mean must be odd"},
      {{"--mean", "--mean", "5"}, "--mean is given twice"},
      {{"--median"}, "--median needs a value"},
      {{"--median", "2"}, "--median must be odd and from 1 to 255, got 2"},
      {{"--median", "257"}, "--median must be odd"},
      {{"--median", "3.5"}, "--median must be odd"},
      {{"--format", "exe"}, "--format must be one of png jpg"},
      {{"--format", "jpeg", "--quality", "0"}, "--quality must be from 1 to"},
      {{"--format", "jpeg", "--quality", "101"}, "--quality must be from 1 to"},
      {{"--format", "jpeg", "--quality", "hi"}, "--quality must be from 1 to"},
      {{"--port", "0"}, "--port must be from 1 to 65535, got 0"},
      {{"--port", "65536"}, "--port must be from 1 to 65535"},
      {{"--port", "http"}, "--port must be from 1 to 65535, got http"},
      {{"--host", ""}, "--host needs a value"},
      {{"--host", "localhost:50051"}, "the port stands in --port"},
      {{"--host", "http://a"}, "--host must be a name"},
      {{"--host", "[::1"}, "both brackets"},
      {{"--host", "[a]"}, "--host must be a name"},
      {{"--host", "[]"}, "--host must be a name"},
      {{"--host", "a b"}, "--host must be a name"},
      {{"--host", "unix:"}, "needs a path"},
      {{"--timeout", "0"}, "--timeout: "},
      {{"--timeout", "-1"}, "--timeout: "},
      {{"--timeout", "soon"}, "--timeout: "},
      {{"--timeout", "25h"}, "--timeout: "},
      {{"--tls"}, "--tls needs a server: --host"},
      {{"--tls-ca", "x"}, "--tls-ca needs a server: --host"},
      {{"--host", "a", "--tls-cert", "x"}, "go together"},
      {{"--host", "a", "--tls-key", "x"}, "go together"},
      {{"--quiet=no"}, "--quiet takes no value, got no"},
      {{"--input", "b"}, "--input is given twice"},
      {{"--output", "b.png"}, "--output is given twice"},
  };
  for (const BadCase& each : cases) {
    EXPECT_THAT(Refused(ParseWith(each.words)), HasSubstr(each.says));
  }
}

TEST(ClientFlagsTest, InputAndOutputAreNeeded) {
  EXPECT_THAT(Refused(Parse({})), HasSubstr("--input is missing"));
  EXPECT_THAT(Refused(Parse({"--input", "a"})),
              HasSubstr("--output is missing"));
}

TEST(ClientFlagsTest, HelpAndVersionWinOverEverythingElse) {
  EXPECT_THAT(Parse({"--mean", "4", "--help"})->text_to_print,
              HasSubstr("Usage: imageadapt"));
  EXPECT_EQ(Parse({"--version"})->text_to_print,
            "imageadapt " IMAGEADAPT_VERSION "\n");
}

std::string ClientDocument() {
  const std::ifstream file(IMAGEADAPT_SOURCE_DIR "/docs/client.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(ClientDocumentTest, HasEveryFlag) {
  const std::string document = ClientDocument();
  const std::string help = Parse({"--help"})->text_to_print;
  int flags = 0;
  size_t at = 0;
  while ((at = help.find("  --", at)) != std::string::npos) {
    const size_t begin = at + 2;
    at = help.find_first_of(" \n", begin);
    EXPECT_THAT(document,
                HasSubstr(absl::StrCat("`", help.substr(begin, at - begin))));
    ++flags;
  }
  EXPECT_GE(flags, 15);
}

TEST(ClientDocumentTest, HasEveryExitCode) {
  const std::string document = ClientDocument();
  for (const int code :
       {kExitOk, kExitFailed, kExitUsage, kExitInput, kExitServerUnreachable,
        kExitServerRefused, kExitTimeout, kExitOutput, kExitInterrupted}) {
    EXPECT_THAT(document, HasSubstr("\n| " + std::to_string(code) + " |"));
  }
}

}  // namespace
}  // namespace imageadapt
