// Writes the small fields of a protobuf message.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_WIRE_WRITER_H_
#define IMAGEADAPT_RPC_WIRE_WRITER_H_

#include <cstdint>
#include <string>

#include "imageadapt/rpc/wire_reader.h"

namespace imageadapt {

inline void AppendVarint(uint64_t value, std::string& message) {
  for (; value >= 0x80; value >>= 7) {
    message.push_back(static_cast<char>((value & 0x7f) | 0x80));
  }
  message.push_back(static_cast<char>(value));
}

// The tag of a field, which its value follows.
inline void AppendTag(uint32_t number, WireType type, std::string& message) {
  AppendVarint(uint64_t{number} << 3 | static_cast<uint64_t>(type), message);
}

// A whole field of a bool or of an integer that is not negative.
inline void AppendField(uint32_t number, uint64_t value, std::string& message) {
  AppendTag(number, WireType::kVarint, message);
  AppendVarint(value, message);
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_WIRE_WRITER_H_
