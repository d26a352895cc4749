// Numbers as files store them, whatever the machine's own order.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_BYTE_ORDER_H_
#define IMAGEADAPT_CODECS_BYTE_ORDER_H_

#include <cstdint>
#include <vector>

namespace imageadapt {

constexpr uint16_t LoadLittle16(const uint8_t* bytes) {
  return static_cast<uint16_t>(bytes[0] | bytes[1] << 8);
}
constexpr uint32_t LoadLittle32(const uint8_t* bytes) {
  return LoadLittle16(bytes) | uint32_t{LoadLittle16(bytes + 2)} << 16;
}
constexpr uint16_t LoadBig16(const uint8_t* bytes) {
  return static_cast<uint16_t>(bytes[0] << 8 | bytes[1]);
}
constexpr uint32_t LoadBig32(const uint8_t* bytes) {
  return uint32_t{LoadBig16(bytes)} << 16 | LoadBig16(bytes + 2);
}

// For heads that are put together field by field.
inline void AppendLittle16(std::vector<uint8_t>& bytes, uint32_t value) {
  bytes.push_back(static_cast<uint8_t>(value));
  bytes.push_back(static_cast<uint8_t>(value >> 8));
}
inline void AppendLittle32(std::vector<uint8_t>& bytes, uint32_t value) {
  AppendLittle16(bytes, value & 0xffff);
  AppendLittle16(bytes, value >> 16);
}
inline void AppendBig32(std::vector<uint8_t>& bytes, uint32_t value) {
  for (const int shift : {24, 16, 8, 0}) {
    bytes.push_back(static_cast<uint8_t>(value >> shift));
  }
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_BYTE_ORDER_H_
