#include "imageadapt/cli/client_flags.h"

#include <arpa/inet.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/codecs/format_table.h"
#include "imageadapt/server/server_flags.h"

namespace imageadapt {
namespace {

constexpr int kDefaultPort = 50051;
constexpr uint32_t kDefaultMean = 3;
constexpr uint32_t kLargestMean = 65535;
constexpr uint32_t kLargestMedian = 255;

enum class Values { kNone, kOne, kAtMostOne };

struct Flag {
  const char* name;
  Values values;
  const char* type;
  const char* help;
};

constexpr Flag kFlags[] = {
    {"--input", Values::kOne, "FILE", "Image to read; - for standard input"},
    {"--output", Values::kOne, "FILE",
     "Image to write; its name says the format (--list-formats tells which "
     "there are); - for standard output"},
    {"--rotate", Values::kOne, "ROTATION",
     "Turn counter-clockwise: NONE, NINETY_DEG, ONE_EIGHTY_DEG or "
     "TWO_SEVENTY_DEG (or 0, 90, 180, 270)"},
    {"--angle", Values::kOne, "DEG",
     "Turn counter-clockwise by any angle, in degrees"},
    {"--mean", Values::kAtMostOne, "[N]",
     "Mean filter; N is the odd side of its window, 3 if not given"},
    {"--median", Values::kOne, "N",
     "Median filter; N is the odd side of its window"},
    {"--format", Values::kOne, "FORMAT",
     "Format of the output, whatever its name: png, jpeg, or another extension "
     "of --list-formats"},
    {"--quality", Values::kOne, "N",
     "Quality of a lossy format, 1 to 100 (90 if not given)"},
    {"--host", Values::kOne, "HOST",
     "Server: a name, an IPv4 or IPv6 address, or unix:PATH (localhost if "
     "only --port is given). Without --host and --port the client does the "
     "work itself"},
    {"--port", Values::kOne, "PORT", "Port of the server (50051 if not given)"},
    {"--timeout", Values::kOne, "TIME",
     "How long the server may take, as 250ms, 5s or 2min, or in seconds (60s "
     "if not given)"},
    {"--tls", Values::kNone, nullptr, "Connect with TLS"},
    {"--tls-ca", Values::kOne, "FILE",
     "PEM authorities to trust instead of the system's; implies --tls"},
    {"--tls-cert", Values::kOne, "FILE",
     "PEM certificate to show to the server; implies --tls"},
    {"--tls-key", Values::kOne, "FILE", "PEM key of that certificate"},
    {"--quiet", Values::kNone, nullptr, "Print errors only"},
    {"--list-formats", Values::kNone, nullptr,
     "Print the formats that this program reads and writes without a server, "
     "with their sample types, and exit"},
};

constexpr char kFooter[] =
    "The image is turned (--rotate, then --angle), then filtered (--mean, then "
    "--median),\nin whatever order the flags stand.\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong flag, 3 input cannot be used,\n"
    "4 server cannot be reached, 5 server refuses, 6 timeout,\n"
    "7 output cannot be written, 130 interrupted";

template <typename... Parts>
absl::Status Usage(const Parts&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

absl::Status Wrong(absl::string_view flag, absl::string_view must,
                   absl::string_view got) {
  return Usage(flag, " must be ", must, ", got ", got);
}

// The flags as typed.
class Typed {
 public:
  explicit Typed(const CLI::App& app) : app_(app) {}

  bool Has(const char* flag) const { return app_.count(flag) > 0; }

  // "" if the flag, or its value, is not given.
  std::string Value(const char* flag) const {
    const CLI::results_t& values = app_.get_option(flag)->results();
    return values.empty() ? std::string() : values.front();
  }

 private:
  const CLI::App& app_;
};

void AddFlags(CLI::App& app) {
  for (const Flag& flag : kFlags) {
    // What is typed is checked by us, for errors in our words.
    if (flag.values == Values::kNone) {
      app.add_flag(flag.name)->description(flag.help);
      continue;
    }
    CLI::Option* const option = app.add_option(flag.name);
    option->description(flag.help)->type_name(flag.type)->multi_option_policy(
        CLI::MultiOptionPolicy::TakeAll);
    if (flag.values == Values::kAtMostOne) option->expected(0, 1);
  }
  app.set_version_flag("--version", "imageadapt " IMAGEADAPT_VERSION,
                       "Print the version and exit");
  app.allow_extras();
  app.footer(kFooter);
}

absl::Status CheckForm(const CLI::App& app, const Flag& flag) {
  const CLI::results_t& values = app.get_option(flag.name)->results();
  if (values.empty()) return absl::OkStatus();
  if (values.size() > 1) return Usage(flag.name, " is given twice");
  const std::string& value = values.front();
  switch (flag.values) {
    case Values::kNone:
      return value == "true" ? absl::OkStatus()
                             : Usage(flag.name, " takes no value, got ", value);
    case Values::kOne:
      if (value.empty()) return Usage(flag.name, " needs a value");
      if (absl::StartsWith(value, "--")) {
        return Usage(flag.name, " needs a value, got the flag ", value);
      }
      return absl::OkStatus();
    case Values::kAtMostOne:
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

absl::Status CheckForm(const CLI::App& app) {
  for (const Flag& flag : kFlags) RETURN_IF_ERROR(CheckForm(app, flag));
  const std::vector<std::string> unknown = app.remaining();
  if (unknown.empty()) return absl::OkStatus();
  const std::string& first = unknown.front();
  if (first.size() > 1 && first.front() == '-') {
    return Usage("unknown flag ", first);
  }
  return Usage("\"", first, "\" belongs to no flag");
}

absl::StatusOr<double> DegreesOf(const std::string& text) {
  static const std::map<std::string, double> kNames = {
      {"NONE", 0},  {"NINETY_DEG", 90}, {"ONE_EIGHTY_DEG", 180},
      {"0", 0},     {"90", 90},         {"TWO_SEVENTY_DEG", 270},
      {"180", 180}, {"270", 270}};
  const auto found = kNames.find(absl::AsciiStrToUpper(text));
  if (found != kNames.end()) return found->second;
  return Wrong("--rotate",
               "NONE, NINETY_DEG, ONE_EIGHTY_DEG or TWO_SEVENTY_DEG", text);
}

absl::StatusOr<double> AngleOf(const std::string& text) {
  double degrees = 0;
  if (absl::SimpleAtod(text, &degrees) && std::isfinite(degrees)) {
    return degrees;
  }
  return Wrong("--angle", "a number of degrees", text);
}

absl::StatusOr<uint32_t> KernelOf(absl::string_view flag,
                                  const std::string& text, uint32_t largest) {
  uint32_t kernel = 0;
  if (absl::SimpleAtoi(text, &kernel) && kernel % 2 == 1 && kernel <= largest) {
    return kernel;
  }
  return Wrong(flag, absl::StrCat("odd and from 1 to ", largest), text);
}

absl::Status AddOperations(const Typed& typed,
                           v1::ProcessImageRequest& request) {
  if (typed.Has("--rotate")) {
    ASSIGN_OR_RETURN(const double degrees, DegreesOf(typed.Value("--rotate")));
    request.add_operations()->mutable_rotate()->set_angle_degrees(degrees);
  }
  if (typed.Has("--angle")) {
    ASSIGN_OR_RETURN(const double degrees, AngleOf(typed.Value("--angle")));
    request.add_operations()->mutable_rotate()->set_angle_degrees(degrees);
  }
  if (typed.Has("--mean")) {
    const std::string text = typed.Value("--mean");
    uint32_t kernel = kDefaultMean;
    if (!text.empty()) {
      ASSIGN_OR_RETURN(kernel, KernelOf("--mean", text, kLargestMean));
    }
    v1::MeanFilter& mean = *request.add_operations()->mutable_mean_filter();
    mean.set_kernel_width(kernel);
    mean.set_rounding(v1::MeanFilter::ROUNDING_TRUNCATE);
  }
  if (typed.Has("--median")) {
    ASSIGN_OR_RETURN(
        const uint32_t kernel,
        KernelOf("--median", typed.Value("--median"), kLargestMedian));
    request.add_operations()->mutable_median_filter()->set_kernel_width(kernel);
  }
  return absl::OkStatus();
}

// The formats that this program can write, by the usual extension of each.
std::string Formats(absl::string_view before, absl::string_view between) {
  std::vector<std::string> names;
  for (const Codec* const codec : AllCodecs()) {
    if (codec->create == nullptr) continue;
    const absl::string_view usual =
        codec->extensions.substr(0, codec->extensions.find(' '));
    names.push_back(absl::StrCat(before, usual));
  }
  return absl::StrJoin(names, between);
}

// What follows the last dot of a file's name, without its folders.
std::string ExtensionOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string name =
      slash == std::string::npos ? path : path.substr(slash + 1);
  const size_t dot = name.rfind('.');
  constexpr absl::string_view kTwoDots = "nii.gz";
  if (absl::EndsWithIgnoreCase(name, absl::StrCat(".", kTwoDots))) {
    return std::string(kTwoDots);
  }
  return dot == std::string::npos ? std::string() : name.substr(dot + 1);
}

absl::Status SetOutput(const Typed& typed, v1::ProcessImageRequest& request) {
  const std::string format = typed.Value("--format");
  const std::string output = typed.Value("--output");
  if (!typed.Has("--format") && output == "-") {
    return Usage("--output - needs --format, such as png or jpeg");
  }
  // What only a server can write is refused by it, in its words.
  const Codec* const codec = FindCodecByExtension(
      typed.Has("--format") ? format : ExtensionOf(output));
  if (codec == nullptr && typed.Has("--format")) {
    return Wrong("--format", absl::StrCat("one of ", Formats("", " ")), format);
  }
  if (codec == nullptr) {
    return Usage("the name of --output must end as that of an image (",
                 Formats(".", " "), "), got ", output, " (or say --format)");
  }
  request.mutable_output()->set_mime_type(std::string(codec->mime_type));
  if (!typed.Has("--quality")) return absl::OkStatus();
  const std::string text = typed.Value("--quality");
  uint32_t quality = 0;
  if (!absl::SimpleAtoi(text, &quality) || quality < 1 || quality > 100) {
    return Wrong("--quality", "from 1 to 100", text);
  }
  if (!codec->takes_quality) {
    return Usage("--quality says nothing to ", codec->name);
  }
  request.mutable_output()->set_quality(quality);
  return absl::OkStatus();
}

// What has a colon must be an IPv6 address, maybe with brackets and a zone, or
// the path of a socket.
absl::Status CheckHost(const std::string& host) {
  absl::string_view name = host;
  if (absl::ConsumePrefix(&name, "unix:")) {
    return name.empty() ? Usage("--host unix: needs a path, as unix:/run/x")
                        : absl::OkStatus();
  }
  const bool has_bracket = absl::ConsumePrefix(&name, "[");
  if (has_bracket && !absl::ConsumeSuffix(&name, "]")) {
    return Wrong("--host", "[ADDRESS] with both brackets", host);
  }
  const bool is_plain =
      !name.empty() &&
      name.find_first_of(" \t\r\n/@?#\\[]") == std::string::npos;
  in6_addr parsed = {};
  const std::string literal(name.substr(0, name.find('%')));
  const bool is_ipv6 = inet_pton(AF_INET6, literal.c_str(), &parsed) == 1;
  const bool needs_ipv6 = has_bracket || absl::StrContains(name, ':');
  if (is_plain && (is_ipv6 || !needs_ipv6)) return absl::OkStatus();
  return Wrong("--host", "a name, an address or unix:PATH",
               absl::StrCat(host, " (the port stands in --port)"));
}

absl::StatusOr<std::optional<ServerAddress>> AddressOf(const Typed& typed) {
  if (!typed.Has("--host") && !typed.Has("--port")) {
    for (const char* flag : {"--tls", "--tls-ca", "--tls-cert", "--tls-key"}) {
      if (typed.Has(flag)) return Usage(flag, " needs a server: --host");
    }
    return std::optional<ServerAddress>();
  }
  ServerAddress address{.host = "localhost",
                        .port = kDefaultPort,
                        .uses_tls = typed.Has("--tls") ||
                                    typed.Has("--tls-ca") ||
                                    typed.Has("--tls-cert"),
                        .tls_ca_file = typed.Value("--tls-ca"),
                        .tls_cert_file = typed.Value("--tls-cert"),
                        .tls_key_file = typed.Value("--tls-key")};
  if (typed.Has("--host")) {
    address.host = typed.Value("--host");
    RETURN_IF_ERROR(CheckHost(address.host));
  }
  if (const std::string port = typed.Value("--port"); !port.empty()) {
    if (!absl::SimpleAtoi(port, &address.port) || address.port < 1 ||
        address.port > 65535) {
      return Wrong("--port", "from 1 to 65535", port);
    }
  }
  if (typed.Has("--tls-cert") != typed.Has("--tls-key")) {
    return Usage("--tls-cert and --tls-key go together");
  }
  return std::optional<ServerAddress>(std::move(address));
}

absl::StatusOr<ClientFlags> Check(const CLI::App& app) {
  RETURN_IF_ERROR(CheckForm(app));
  const Typed typed(app);
  ClientFlags flags;
  if (typed.Has("--list-formats")) {
    flags.text_to_print = FormatTable();
    return flags;
  }
  if (!typed.Has("--input")) {
    return Usage("--input is missing: the image to read");
  }
  if (!typed.Has("--output")) {
    return Usage("--output is missing: the image to write");
  }
  ASSIGN_OR_RETURN(flags.server, AddressOf(typed));
  flags.input = typed.Value("--input");
  flags.output = typed.Value("--output");
  RETURN_IF_ERROR(AddOperations(typed, flags.request));
  RETURN_IF_ERROR(SetOutput(typed, flags.request));
  if (typed.Has("--timeout")) {
    const auto timeout = ParseDuration(typed.Value("--timeout"));
    if (!timeout.ok()) return Usage("--timeout: ", timeout.status().message());
    flags.timeout = *timeout;
  }
  flags.is_quiet = typed.Has("--quiet");
  return flags;
}

}  // namespace

absl::StatusOr<ClientFlags> ParseClientFlags(
    std::span<const char* const> arguments) {
  CLI::App app("Rotates and filters an image.", "imageadapt");
  AddFlags(app);
  ClientFlags flags;
  try {
    // CLI11 wants them in reverse.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    flags.text_to_print = app.help();
    return flags;
  } catch (const CLI::CallForVersion& version) {
    flags.text_to_print = absl::StrCat(version.what(), "\n");
    return flags;
  } catch (const CLI::ArgumentMismatch&) {
    // A flag takes whatever follows it, so only the last can lack its value.
    return Usage(arguments.back(), " needs a value");
  } catch (const CLI::Error&) {
    return Usage("the flags cannot be understood");
  }
  return Check(app);
}

}  // namespace imageadapt
