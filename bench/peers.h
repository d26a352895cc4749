// Other libraries as contenders.
// SPDX-License-Identifier: Apache-2.0
#ifndef BENCH_PEERS_H_
#define BENCH_PEERS_H_

#include <optional>
#include <span>
#include <string>

#include "bench/contender.h"

namespace imageadapt::bench {

struct Peer {
  const char* name = "";
  // Null if the library was not there when this program was built.
  ContenderMaker make = nullptr;
  bool has_threads = false;  // can use two
  std::string (*version)() = nullptr;
};

// All that the tables name, in their order.
std::span<const Peer> Peers();

// Each of these is defined in the file of its library.
std::optional<Contender> MakeOpenCv(const Job& job);
std::optional<Contender> MakeLibvips(const Job& job);
std::optional<Contender> MakePillow(const Job& job);
std::optional<Contender> MakeLibyuv(const Job& job);
std::string OpenCvVersion();
std::string LibvipsVersion();
std::string PillowVersion();
std::string LibyuvVersion();

}  // namespace imageadapt::bench

#endif  // BENCH_PEERS_H_
