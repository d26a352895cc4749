#include "imageadapt/cli/client_flags.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

constexpr int kDefaultPort = 50051;
constexpr uint32_t kDefaultMean = 3;
constexpr double kMostSeconds = 86'400;

// As they are typed.
struct RawFlags {
  std::string host;
  int port = kDefaultPort;
  std::string input;
  std::string output;
  std::string rotate;
  double angle = 0;
  std::vector<std::string> mean;
  uint32_t median = 0;
  std::string format;
  uint32_t quality = 0;
  double timeout_seconds = 60;
  bool uses_tls = false;
  std::string tls_ca;
  std::string tls_cert;
  std::string tls_key;
  bool is_quiet = false;
};

void AddFlags(CLI::App& app, RawFlags& raw) {
  app.add_option("--input", raw.input, "Image to read; - for standard input")
      ->type_name("FILE");
  app.add_option("--output", raw.output,
                 "Image to write; its name says the format (.png, .jpg, "
                 ".jpeg); - for standard output")
      ->type_name("FILE");
  app.add_option("--rotate", raw.rotate,
                 "Turn counter-clockwise: NONE, NINETY_DEG, ONE_EIGHTY_DEG or "
                 "TWO_SEVENTY_DEG (or 0, 90, 180, 270)")
      ->type_name("ROTATION");
  app.add_option("--angle", raw.angle,
                 "Turn counter-clockwise by any angle, in degrees")
      ->type_name("DEG");
  app.add_option("--mean", raw.mean,
                 "Mean filter; N is the odd side of its window, 3 if not given")
      ->type_name("[N]")
      ->expected(0, 1);
  app.add_option("--median", raw.median,
                 "Median filter; N is the odd side of its window")
      ->type_name("N");
  app.add_option("--format", raw.format,
                 "Format of the output, whatever its name: png or jpeg")
      ->type_name("FORMAT");
  app.add_option("--quality", raw.quality,
                 "Quality of a JPEG, 1 to 100 (90 if not given)")
      ->type_name("N");
  app.add_option("--host", raw.host,
                 "Server: a name, an address, or unix:PATH. Without --host and "
                 "--port the client does the work itself")
      ->type_name("HOST");
  app.add_option("--port", raw.port, "Port of the server (50051 if not given)")
      ->type_name("PORT");
  app.add_option("--timeout", raw.timeout_seconds,
                 "How long the whole may take, in seconds (60 if not given)")
      ->type_name("SECONDS");
  app.add_flag("--tls", raw.uses_tls, "Connect with TLS");
  app.add_option("--tls-ca", raw.tls_ca,
                 "PEM authorities to trust instead of the system's")
      ->type_name("FILE");
  app.add_option("--tls-cert", raw.tls_cert,
                 "PEM certificate to show to the server")
      ->type_name("FILE");
  app.add_option("--tls-key", raw.tls_key, "PEM key of that certificate")
      ->type_name("FILE");
  app.add_flag("--quiet", raw.is_quiet, "Print errors only");
  app.set_version_flag("--version", "imageadapt " IMAGEADAPT_VERSION,
                       "Print the version and exit");
}

absl::Status Wrong(absl::string_view flag, absl::string_view must,
                   absl::string_view got) {
  return absl::InvalidArgumentError(
      absl::StrCat(flag, " must be ", must, ", got ", got));
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

absl::StatusOr<uint32_t> KernelOf(absl::string_view flag,
                                  absl::string_view text, uint32_t largest) {
  uint32_t kernel = 0;
  if (absl::SimpleAtoi(text, &kernel) && kernel % 2 == 1 && kernel <= largest) {
    return kernel;
  }
  return Wrong(flag, absl::StrCat("odd and from 1 to ", largest), text);
}

absl::Status AddOperations(const CLI::App& app, const RawFlags& raw,
                           v1::ProcessImageRequest& request) {
  if (app.count("--rotate") > 0) {
    ASSIGN_OR_RETURN(const double degrees, DegreesOf(raw.rotate));
    request.add_operations()->mutable_rotate()->set_angle_degrees(degrees);
  }
  if (app.count("--angle") > 0) {
    if (!std::isfinite(raw.angle)) {
      return Wrong("--angle", "a number of degrees", absl::StrCat(raw.angle));
    }
    request.add_operations()->mutable_rotate()->set_angle_degrees(raw.angle);
  }
  if (app.count("--mean") > 0) {
    uint32_t kernel = kDefaultMean;
    if (!raw.mean.empty() && !raw.mean.front().empty()) {
      ASSIGN_OR_RETURN(kernel, KernelOf("--mean", raw.mean.front(), 65535));
    }
    v1::MeanFilter& mean = *request.add_operations()->mutable_mean_filter();
    mean.set_kernel_width(kernel);
    mean.set_rounding(v1::MeanFilter::ROUNDING_TRUNCATE);
  }
  if (app.count("--median") > 0) {
    ASSIGN_OR_RETURN(const uint32_t kernel,
                     KernelOf("--median", absl::StrCat(raw.median), 255));
    request.add_operations()->mutable_median_filter()->set_kernel_width(kernel);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> MimeTypeOf(const std::string& format,
                                       absl::string_view flag) {
  const std::string name = absl::AsciiStrToLower(format);
  if (name == "png") return std::string("image/png");
  if (name == "jpg" || name == "jpeg") return std::string("image/jpeg");
  if (!flag.empty()) return Wrong(flag, "png or jpeg", format);
  return absl::InvalidArgumentError(
      "the name of --output must end in .png, .jpg or .jpeg (or say --format)");
}

absl::Status SetOutput(const CLI::App& app, const RawFlags& raw,
                       v1::ProcessImageRequest& request) {
  std::string mime_type;
  if (app.count("--format") > 0) {
    ASSIGN_OR_RETURN(mime_type, MimeTypeOf(raw.format, "--format"));
  } else if (raw.output == "-") {
    return absl::InvalidArgumentError(
        "--output - needs --format png or --format jpeg");
  } else {
    const size_t slash = raw.output.rfind('/');
    const std::string name =
        raw.output.substr(slash == std::string::npos ? 0 : slash + 1);
    const size_t dot = name.rfind('.');
    ASSIGN_OR_RETURN(
        mime_type,
        MimeTypeOf(dot == std::string::npos ? "" : name.substr(dot + 1), ""));
  }
  request.mutable_output()->set_mime_type(mime_type);
  if (app.count("--quality") == 0) return absl::OkStatus();
  if (raw.quality < 1 || raw.quality > 100) {
    return Wrong("--quality", "from 1 to 100", absl::StrCat(raw.quality));
  }
  if (mime_type != "image/jpeg") {
    return absl::InvalidArgumentError("--quality is for JPEG output only");
  }
  request.mutable_output()->set_quality(raw.quality);
  return absl::OkStatus();
}

absl::StatusOr<std::optional<ServerAddress>> AddressOf(const CLI::App& app,
                                                       const RawFlags& raw) {
  if (app.count("--host") == 0 && app.count("--port") == 0) {
    for (const char* flag : {"--tls", "--tls-ca", "--tls-cert", "--tls-key"}) {
      if (app.count(flag) > 0) {
        return absl::InvalidArgumentError(
            absl::StrCat(flag, " needs a server: --host"));
      }
    }
    return std::optional<ServerAddress>();
  }
  if (raw.port < 1 || raw.port > 65535) {
    return Wrong("--port", "from 1 to 65535", absl::StrCat(raw.port));
  }
  return std::optional<ServerAddress>(
      ServerAddress{.host = raw.host.empty() ? "localhost" : raw.host,
                    .port = raw.port,
                    .uses_tls = raw.uses_tls || !raw.tls_ca.empty() ||
                                !raw.tls_cert.empty() || !raw.tls_key.empty(),
                    .tls_ca_file = raw.tls_ca,
                    .tls_cert_file = raw.tls_cert,
                    .tls_key_file = raw.tls_key});
}

absl::StatusOr<ClientFlags> Check(const CLI::App& app, const RawFlags& raw) {
  if (raw.input.empty()) {
    return absl::InvalidArgumentError("--input is missing: the image to read");
  }
  if (raw.output.empty()) {
    return absl::InvalidArgumentError(
        "--output is missing: the image to write");
  }
  ClientFlags flags;
  ASSIGN_OR_RETURN(flags.server, AddressOf(app, raw));
  flags.input = raw.input;
  flags.output = raw.output;
  RETURN_IF_ERROR(AddOperations(app, raw, flags.request));
  RETURN_IF_ERROR(SetOutput(app, raw, flags.request));
  if (!(raw.timeout_seconds > 0) || raw.timeout_seconds > kMostSeconds) {
    return Wrong("--timeout",
                 absl::StrCat("above 0 and at most ", kMostSeconds),
                 absl::StrCat(raw.timeout_seconds));
  }
  flags.timeout = std::chrono::milliseconds(
      static_cast<int64_t>(std::ceil(raw.timeout_seconds * 1000)));
  flags.is_quiet = raw.is_quiet;
  return flags;
}

}  // namespace

absl::StatusOr<ClientFlags> ParseClientFlags(
    std::span<const char* const> arguments) {
  RawFlags raw;
  CLI::App app("Rotates and filters an image.", "imageadapt");
  AddFlags(app, raw);
  try {
    // CLI11 wants them in reverse.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    ClientFlags flags;
    flags.text_to_print = app.help();
    return flags;
  } catch (const CLI::CallForVersion& version) {
    ClientFlags flags;
    flags.text_to_print = absl::StrCat(version.what(), "\n");
    return flags;
  } catch (const CLI::Error& error) {
    const std::vector<std::string> lines =
        absl::StrSplit(std::string(error.what()), '\n');
    return absl::InvalidArgumentError(lines.front());
  }
  return Check(app, raw);
}

}  // namespace imageadapt
