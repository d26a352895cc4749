#include "imageadapt/cli/transform.h"

#include <grpcpp/channel.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/cli/output_file.h"
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

ExitCode Fail(ExitCode code, absl::string_view text) {
  std::string line = absl::StrCat("imageadapt: ", text);
  for (char& c : line) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  std::fprintf(stderr, "%s\n", line.c_str());
  return code;
}

bool IsAboutTheInput(const absl::Status& status) {
  const std::string reason = ReasonOf(status);
  return reason == kUnknownFormat || reason == kImageDamaged ||
         FieldOf(status) == "image";
}

ExitCode FailOf(const absl::Status& status, const ClientFlags& flags) {
  const std::string server = flags.server.has_value()
                                 ? TargetOf(*flags.server)
                                 : std::string("the embedded server");
  if (IsAboutTheInput(status)) {
    return Fail(kExitInput, absl::StrCat("cannot use ", flags.input, ": ",
                                         status.message()));
  }
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return Fail(kExitServerUnreachable,
                  absl::StrCat("cannot reach the server at ", server));
    case absl::StatusCode::kDeadlineExceeded:
      return Fail(kExitTimeout,
                  absl::StrCat("no answer within ",
                               static_cast<double>(flags.timeout.count()) / 1e3,
                               " seconds (--timeout)"));
    case absl::StatusCode::kUnimplemented:
      return Fail(kExitServerRefused,
                  absl::StrCat(server, " cannot do this: ", status.message()));
    default:
      return Fail(kExitServerRefused,
                  absl::StrCat("refused by ", server, ": ", status.message()));
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
  std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace

ExitCode Transform(const ClientFlags& flags) {
  const Clock::time_point start = Clock::now();
  auto input = ReadFile(flags.input);
  if (!input.ok()) return Fail(kExitInput, input.status().message());
  if (input->empty()) {
    return Fail(kExitInput, absl::StrCat(flags.input, " is empty"));
  }
  v1::ProcessImageRequest request = flags.request;
  request.set_image(*std::move(input));

  auto connection = Connect(flags);
  if (!connection.ok()) {
    return Fail(
        absl::IsInvalidArgument(connection.status()) ? kExitUsage : kExitFailed,
        connection.status().message());
  }
  const ImageClient client(connection->channel);
  const auto response = client.Process(request, flags.timeout);
  if (!response.ok()) return FailOf(response.status(), flags);

  const absl::Status written =
      flags.output == "-" ? WriteToStandardOutput(response->image())
                          : WriteFileWhole(flags.output, response->image());
  if (!written.ok()) return Fail(kExitOutput, written.message());
  PrintSummary(flags, *response, Clock::now() - start);
  return kExitOk;
}

}  // namespace imageadapt
