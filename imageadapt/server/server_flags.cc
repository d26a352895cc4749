#include "imageadapt/server/server_flags.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace imageadapt {
namespace {

using std::chrono::milliseconds;

// "30s", for the help text.
std::string DurationText(milliseconds duration) {
  if (duration.count() % 1000 != 0) return absl::StrCat(duration.count(), "ms");
  return absl::StrCat(duration.count() / 1000, "s");
}

void AddDuration(CLI::App& app, const std::string& name, milliseconds& target,
                 const std::string& help) {
  app.add_option_function<std::string>(
         name,
         [name, &target](const std::string& text) {
           const auto duration = ParseDuration(text);
           if (!duration.ok()) {
             throw CLI::ValidationError(
                 name, std::string(duration.status().message()));
           }
           target = *duration;
         },
         help)
      ->type_name("TIME")
      ->default_str(DurationText(target));
}

void AddAddress(CLI::App& app, ServerOptions& options) {
  app.add_option("--host", options.host,
                 "Where to listen: a name, an IPv4 or IPv6 address, or "
                 "unix:PATH")
      ->check([](const std::string& host) {
        // As a variable that was not set leaves it.
        return std::string(host.empty() ? "must not be empty" : "");
      })
      ->type_name("HOST")
      ->default_str("127.0.0.1")
      ->group("Address");
  app.add_option("--port", options.port, "Port; 0 lets the system choose one")
      ->check(CLI::Range(0, 65535).description(""))
      ->type_name("PORT")
      ->default_str("50051")
      ->group("Address");
  app.add_flag("--insecure", options.allows_insecure,
               "Allow plaintext on an address that others can reach")
      ->group("Address");
  app.add_option("--tls-cert", options.tls_cert_file,
                 "PEM certificate chain; turns TLS on. Read again when it "
                 "changes")
      ->type_name("FILE")
      ->group("Address");
  app.add_option("--tls-key", options.tls_key_file,
                 "PEM private key of that certificate")
      ->type_name("FILE")
      ->group("Address");
  app.add_option("--tls-client-ca", options.tls_client_ca_file,
                 "PEM authorities; clients must then show a certificate of "
                 "one of them")
      ->type_name("FILE")
      ->group("Address");
}

void AddLimits(CLI::App& app, ServerOptions& options) {
  app.add_option("--workers", options.workers,
                 "Threads that compute; 0: one a core")
      ->check(CLI::Range(0, 1024).description(""))
      ->type_name("N")
      ->default_str("0");
  app.add_option("--max-queued", options.max_queued,
                 "Calls that may wait for a worker; 0: 8 a worker")
      ->check(CLI::Range(0, 100000).description(""))
      ->type_name("N")
      ->default_str("0");
  AddDuration(app, "--max-wait", options.max_wait,
              "How long a call may wait for a worker");
  app.add_option("--memory-budget", options.memory_budget_bytes,
                 "Memory for messages, pixels and answers, as 512MiB; 0: half "
                 "of the machine's, at most 4GiB")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->type_name("SIZE")
      ->default_str("0");
  app.add_option("--max-message-size", options.max_message_bytes,
                 "Largest message, in both directions")
      ->transform(CLI::AsSizeValue(false).description(""))
      ->type_name("SIZE")
      ->default_str("512MiB");
  app.add_option("--max-pixels", options.max_pixels,
                 "Largest image file, width x height")
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40).description(""))
      ->type_name("N")
      ->default_str(std::to_string(options.max_pixels));
  AddDuration(app, "--upload-timeout", options.upload_timeout,
              "How long a request may take to arrive");
  AddDuration(app, "--work-timeout", options.work_timeout,
              "How long the work on an image may take");
  AddDuration(app, "--download-timeout", options.download_timeout,
              "How long a caller may take to read its answer");
  AddDuration(app, "--drain-timeout", options.drain_timeout,
              "How long calls in flight may take to finish on SIGTERM");
}

}  // namespace

absl::StatusOr<milliseconds> ParseDuration(absl::string_view text) {
  constexpr double kLongestMs = 24.0 * 60 * 60 * 1000;
  const absl::string_view whole = text;
  double unit_ms = 1000;
  if (absl::ConsumeSuffix(&text, "ms")) {
    unit_ms = 1;
  } else if (absl::ConsumeSuffix(&text, "min")) {
    unit_ms = 60'000;
  } else {
    absl::ConsumeSuffix(&text, "s");
  }
  double number = 0;
  if (!absl::SimpleAtod(text, &number) || !(number * unit_ms >= 1) ||
      number * unit_ms > kLongestMs) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", whole, "\" is no time from 1ms to 24h: write 250ms, 5s or 2min"));
  }
  return milliseconds(std::llround(number * unit_ms));
}

absl::StatusOr<ServerFlags> ParseServerFlags(
    std::span<const char* const> arguments) {
  ServerFlags flags;
  flags.options.host = "127.0.0.1";
  flags.options.port = 50051;
  CLI::App app("Serves ImageAdapt over gRPC.", "imageadapt-server");
  AddAddress(app, flags.options);
  AddLimits(app, flags.options);
  const std::map<std::string, LogFormat> formats = {{"text", LogFormat::kText},
                                                    {"json", LogFormat::kJson}};
  app.add_option("--log-format", flags.log_format,
                 "Log lines on standard error: text or json")
      ->transform(CLI::CheckedTransformer(formats).description(""))
      ->type_name("FORMAT")
      ->default_str("text");
  app.add_option("--log-level", flags.log_level,
                 "The least that is logged: debug, info, warning, error, off")
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"})
                  .description(""))
      ->type_name("LEVEL")
      ->default_str("info");
  app.set_version_flag("--version", "imageadapt-server " IMAGEADAPT_VERSION,
                       "Print the version and exit");
  try {
    // CLI11 wants them in reverse.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    flags.text_to_print = app.help();
  } catch (const CLI::CallForVersion& version) {
    flags.text_to_print = absl::StrCat(version.what(), "\n");
  } catch (const CLI::Error& error) {
    const std::vector<std::string> lines =
        absl::StrSplit(std::string(error.what()), '\n');
    return absl::InvalidArgumentError(lines.front());
  }
  return flags;
}

}  // namespace imageadapt
