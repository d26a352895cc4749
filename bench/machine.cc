#include "bench/machine.h"

#include <gnu/libc-version.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <map>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "bench/peers.h"
#include "hwy/highway.h"

namespace imageadapt::bench {
namespace {

// What Linux says of the first processor.
std::map<std::string, std::string> FirstProcessor() {
  std::map<std::string, std::string> found;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line) && !line.empty();) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    found[std::string(absl::StripAsciiWhitespace(line.substr(0, colon)))] =
        std::string(absl::StripAsciiWhitespace(line.substr(colon + 1)));
  }
  return found;
}

std::string ProcessorText() {
  std::map<std::string, std::string> first = FirstProcessor();
  const auto known = [&](const char* name) {
    const std::string& value = first[name];
    return value.empty() ? std::string("unknown") : value;
  };
  return absl::StrCat(known("model name"), ", family ", known("cpu family"),
                      ", model ", known("model"), ", stepping ",
                      known("stepping"), ", ", sysconf(_SC_NPROCESSORS_ONLN),
                      " processors");
}

std::string SizeText(int64_t bytes) {
  if (bytes >= int64_t{1} << 30) {
    return absl::StrFormat("%.1f GiB", static_cast<double>(bytes) / (1 << 30));
  }
  if (bytes >= int64_t{1} << 20) return absl::StrCat(bytes >> 20, " MiB");
  return absl::StrCat(bytes >> 10, " KiB");
}

// As the processor reports them; a part of a large machine may report more of
// the last level than it can use.
std::string CachesText() {
  struct Level {
    const char* name;
    int key;
  };
  constexpr Level kLevels[] = {{"L1d ", _SC_LEVEL1_DCACHE_SIZE},
                               {"L2 ", _SC_LEVEL2_CACHE_SIZE},
                               {"L3 ", _SC_LEVEL3_CACHE_SIZE}};
  std::vector<std::string> texts;
  for (const auto& [name, key] : kLevels) {
    const int64_t bytes = sysconf(key);
    if (bytes > 0) texts.push_back(absl::StrCat(name, SizeText(bytes)));
  }
  return texts.empty() ? "unknown" : absl::StrJoin(texts, ", ");
}

// The mode in brackets in "always [madvise] never".
std::string HugePagesText() {
  std::ifstream file("/sys/kernel/mm/transparent_hugepage/enabled");
  std::string line;
  std::getline(file, line);
  const size_t begin = line.find('[');
  const size_t end = line.find(']');
  if (begin == std::string::npos || end == std::string::npos) return "unknown";
  return line.substr(begin + 1, end - begin - 1);
}

std::string MemoryText() {
  const int64_t bytes =
      int64_t{sysconf(_SC_PHYS_PAGES)} * sysconf(_SC_PAGESIZE);
  return absl::StrCat(SizeText(bytes),
                      ", transparent huge pages: ", HugePagesText());
}

std::string SystemText() {
  utsname names = {};
  if (uname(&names) != 0) return "unknown";
  return absl::StrCat(names.sysname, " ", names.release, ", glibc ",
                      gnu_get_libc_version());
}

std::string CompilerText() {
#ifdef __clang__
  return __VERSION__;
#else
  return absl::StrCat("GCC ", __VERSION__);
#endif
}

std::string LibrariesText() {
  std::vector<std::string> texts = {
      absl::StrCat("Highway ", HWY_MAJOR, ".", HWY_MINOR, ".", HWY_PATCH)};
  for (const Peer& peer : Peers()) {
    if (peer.version == nullptr) continue;
    texts.push_back(absl::StrCat(peer.name, " ", peer.version()));
  }
  return absl::StrJoin(texts, ", ");
}

}  // namespace

std::string MachineText() {
  return absl::StrCat("processor: ", ProcessorText(),  //
                      "\ncaches: ", CachesText(),      //
                      "\nmemory: ", MemoryText(),      //
                      "\nsystem: ", SystemText(),      //
                      "\ncompiler: ", CompilerText(),  //
                      "\nlibraries: ", LibrariesText(), "\n");
}

}  // namespace imageadapt::bench
