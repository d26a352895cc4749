#include "imageadapt/server/machine.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <thread>

namespace imageadapt {

size_t UsableCores() {
  return std::max<size_t>(std::thread::hardware_concurrency(), 1);
}

uint64_t UsableMemory() {
  const auto pages = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES));
  const auto page_bytes = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t machine = pages * page_bytes;
  // Version 2 of control groups; without a limit the file says "max".
  std::ifstream file("/sys/fs/cgroup/memory.max");
  uint64_t group = 0;
  return file >> group ? std::min(group, machine) : machine;
}

}  // namespace imageadapt
