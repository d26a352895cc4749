#include "imageadapt/cli/transform.h"

#include <grpcpp/channel.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/client/image_client.h"
#include "imageadapt/server/server.h"

namespace imageadapt {
namespace {

using Clock = std::chrono::steady_clock;

// A channel, and the server behind it if it is ours. In the order of lives.
struct Connection {
  std::unique_ptr<Server> embedded;
  std::shared_ptr<grpc::Channel> channel;
};

// Nobody else is served, so nothing but --timeout ends the work, and the only
// limit is memory.
ServerOptions EmbeddedOptions() {
  constexpr std::chrono::hours kLong{24};
  ServerOptions options;
  options.max_pixels = 1'000'000'000;
  options.max_wait = kLong;
  options.upload_timeout = kLong;
  options.work_timeout = kLong;
  options.download_timeout = kLong;
  options.drain_timeout = std::chrono::milliseconds(0);
  return options;
}

absl::StatusOr<Connection> Connect(const ClientFlags& flags) {
  Connection connection;
  if (flags.server.has_value()) {
    ASSIGN_OR_RETURN(connection.channel, OpenChannel(*flags.server));
    return connection;
  }
  ASSIGN_OR_RETURN(connection.embedded, Server::Start(EmbeddedOptions()));
  connection.channel = connection.embedded->InProcessChannel();
  return connection;
}

ExitCode Fail(const Failure& failure) {
  std::fprintf(stderr, "imageadapt: %s\n", OneLine(failure.text).c_str());
  return failure.code;
}

std::string InputName(const ClientFlags& flags) {
  return flags.input == "-" ? "standard input" : flags.input;
}

std::string OutputName(const ClientFlags& flags) {
  return flags.output == "-" ? "standard output" : flags.output;
}

bool IsAboutTheInput(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  return reason == kUnknownFormat || reason == kImageDamaged ||
         FieldOf(status) == "image";
}

// The server's own words where it is sure that they are not gRPC's: with a
// reason, or with a code that gRPC never makes up.
std::string WordsOf(const absl::Status& status, const ClientFlags& flags) {
  if (!ReasonOf(status).empty()) return std::string(status.message());
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kNotFound:
      return status.message().empty() ? "it does not say why"
                                      : std::string(status.message());
    case absl::StatusCode::kResourceExhausted:
      return flags.server.has_value()
                 ? "it is busy, or the image is too large for it"
                 : "the image is too large";
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kPermissionDenied:
      return "it does not let this client in";
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAborted:
      return "it gave up the call";
    default:
      return "it made a mistake";
  }
}

void PrintSummary(const ClientFlags& flags,
                  const v1::ProcessImageResponse& response,
                  Clock::duration elapsed) {
  if (flags.is_quiet || isatty(STDERR_FILENO) == 0) return;
  const double seconds = std::chrono::duration<double>(elapsed).count();
  const std::string line = absl::StrFormat(
      "%s: %d x %d pixels, %d channel%s, %s, %.1f KiB, %.2f s", flags.output,
      response.width(), response.height(), response.channels(),
      response.channels() == 1 ? "" : "s", response.mime_type(),
      static_cast<double>(response.image().size()) / 1024, seconds);
  std::fprintf(stderr, "%s\n", OneLine(line).c_str());
}

}  // namespace

Failure FailureFrom(const absl::Status& status, const ClientFlags& flags) {
  const std::string server = flags.server.has_value()
                                 ? TargetOf(*flags.server)
                                 : std::string("the embedded server");
  const bool uses_tls = flags.server.has_value() && flags.server->uses_tls;
  const std::string field = FieldOf(status);
  absl::string_view text = status.message();
  if (!field.empty()) absl::ConsumePrefix(&text, field + ": ");
  if (IsAboutTheInput(status)) {
    return {kExitInput,
            absl::StrCat("cannot use ", InputName(flags), ": ", text)};
  }
  if (field == "output.mime_type") {
    return {kExitServerRefused,
            absl::StrCat("cannot write ", OutputName(flags), ": ", text)};
  }
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return {kExitServerUnreachable,
              ReasonOf(status).empty()
                  ? absl::StrCat("cannot reach the server at ", server,
                                 uses_tls ? " with TLS" : "")
                  : absl::StrCat("cannot use ", server, ": ", text)};
    case absl::StatusCode::kDeadlineExceeded:
      return {kExitTimeout,
              absl::StrCat("no answer within ",
                           static_cast<double>(flags.timeout.count()) / 1e3,
                           " s (--timeout)")};
    case absl::StatusCode::kUnimplemented:
      return {kExitServerRefused,
              absl::StrCat(server, " cannot do this: ", text)};
    case absl::StatusCode::kDataLoss:
      return {kExitServerRefused,
              absl::StrCat("cannot use the answer of ", server, ": ", text)};
    default:
      return {kExitServerRefused, absl::StrCat("refused by ", server, ": ",
                                               WordsOf(status, flags))};
  }
}

std::string OneLine(absl::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (absl::ascii_iscntrl(static_cast<unsigned char>(c))) c = ' ';
  }
  return line;
}

ExitCode Transform(const ClientFlags& flags, UnfinishedFile& unfinished) {
  const Clock::time_point start = Clock::now();
  const bool to_standard = flags.output == "-";
  const absl::Status writable =
      to_standard ? CheckStandardOutput() : CheckWritable(flags.output);
  if (!writable.ok()) {
    return Fail({kExitOutput, std::string(writable.message())});
  }
  auto input = ReadFile(flags.input);
  if (!input.ok()) {
    return Fail({kExitInput, std::string(input.status().message())});
  }
  if (input->empty()) {
    return Fail({kExitInput, absl::StrCat(InputName(flags), " is empty")});
  }
  v1::ProcessImageRequest request = flags.request;
  request.set_image(*std::move(input));

  auto connection = Connect(flags);
  if (!connection.ok()) {
    return Fail({absl::IsInvalidArgument(connection.status()) ? kExitUsage
                                                              : kExitFailed,
                 std::string(connection.status().message())});
  }
  const ImageClient client(connection->channel);
  const auto response = client.Process(request, flags.timeout);
  if (!response.ok()) return Fail(FailureFrom(response.status(), flags));

  const absl::Status written =
      to_standard ? WriteToStandardOutput(response->image())
                  : WriteFileWhole(flags.output, response->image(), unfinished);
  if (!written.ok()) {
    return Fail({kExitOutput, std::string(written.message())});
  }
  PrintSummary(flags, *response, Clock::now() - start);
  return kExitOk;
}

}  // namespace imageadapt
