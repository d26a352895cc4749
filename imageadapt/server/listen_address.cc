#include "imageadapt/server/listen_address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace imageadapt {
namespace {

constexpr int kMaxPort = 65535;

bool IsLoopback(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(address);
    return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
  }
  if (address->sa_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address);
    return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) &&
            v6->sin6_addr.s6_addr[12] == 127);
  }
  return false;
}

// Whether every address of `host` is loopback.
absl::StatusOr<bool> ResolvesToLoopback(const std::string& host) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
      error != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "host \"", host, "\" is not known: ", gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owned(found,
                                                             freeaddrinfo);
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    if (!IsLoopback(each->ai_addr)) return false;
  }
  return true;
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view host,
                                                 int port) {
  ListenAddress address;
  if (absl::ConsumePrefix(&host, "unix:")) {
    if (host.empty()) {
      return absl::InvalidArgumentError("unix: needs a path, as unix:/run/x");
    }
    address.grpc_address = absl::StrCat("unix:", host);
    address.host = address.grpc_address;
    address.is_unix = true;
    address.is_local = true;
    return address;
  }
  if (port < 0 || port > kMaxPort) {
    return absl::InvalidArgumentError(
        absl::StrCat("port must be from 0 to ", kMaxPort, ", got ", port));
  }
  if (absl::ConsumePrefix(&host, "[") && !absl::ConsumeSuffix(&host, "]")) {
    return absl::InvalidArgumentError(
        absl::StrCat("host \"[", host, "\" has no closing bracket"));
  }
  const std::string name(host);
  auto is_local = ResolvesToLoopback(name);
  if (!is_local.ok()) return is_local.status();
  address.is_local = *is_local;
  address.host =
      absl::StrContains(name, ':') ? absl::StrCat("[", name, "]") : name;
  address.grpc_address = absl::StrCat(address.host, ":", port);
  return address;
}

bool IsAnswered(const ListenAddress& address) {
  const absl::string_view path =
      absl::StripPrefix(address.grpc_address, "unix:");
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof(name.sun_path)) return false;
  path.copy(name.sun_path, path.size());
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const bool is_answered = connect(fd, reinterpret_cast<const sockaddr*>(&name),
                                   sizeof(name)) == 0 ||
                           errno == EAGAIN;
  close(fd);
  return is_answered;
}

}  // namespace imageadapt
