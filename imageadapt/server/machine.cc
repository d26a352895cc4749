#include "imageadapt/server/machine.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace imageadapt {
namespace {

// Where version 2 of control groups is mounted.
constexpr char kGroups[] = "/sys/fs/cgroup";

// The path of this process's control group, "" if it is not known.
std::string OwnGroup() {
  std::ifstream file("/proc/self/cgroup");
  std::string line;
  while (std::getline(file, line)) {
    if (absl::StartsWith(line, "0::/")) return line.substr(3);
  }
  return "";
}

// The least of the limits of a group and of those around it.
uint64_t GroupMemory(std::string group) {
  uint64_t least = std::numeric_limits<uint64_t>::max();
  while (true) {
    // Without a limit the file says "max".
    std::ifstream file(absl::StrCat(kGroups, group, "/memory.max"));
    uint64_t limit = 0;
    if (file >> limit) least = std::min(least, limit);
    if (group.empty()) return least;
    group.resize(group.rfind('/'));
  }
}

}  // namespace

size_t UsableCores() {
  return std::max<size_t>(std::thread::hardware_concurrency(), 1);
}

uint64_t UsableMemory() {
  const auto pages = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES));
  const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t machine = pages * page_bytes;
  return std::min(machine, GroupMemory(OwnGroup()));
}

}  // namespace imageadapt
