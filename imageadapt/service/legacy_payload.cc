#include "imageadapt/service/legacy_payload.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>

#include "absl/strings/escaping.h"
#include "imageadapt/base/refusal.h"

namespace imageadapt {
namespace {

uint32_t BigEndian32(const std::byte* bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    value = value << 8 | std::to_integer<uint32_t>(bytes[i]);
  }
  return value;
}

// A PNG signature, and an IHDR chunk with exactly the declared size: too much
// to be a coincidence, so it beats everything else.
bool IsPngOfDeclaredSize(const LegacyImage& image) {
  constexpr char kStart[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
  constexpr size_t kStartBytes = sizeof(kStart) - 1;
  std::array<std::byte, kStartBytes + 8> head;
  if (image.data.CopyTo(0, head) != head.size()) return false;
  return std::memcmp(head.data(), kStart, kStartBytes) == 0 &&
         image.width > 0 && image.height > 0 &&
         BigEndian32(&head[kStartBytes]) ==
             static_cast<uint32_t>(image.width) &&
         BigEndian32(&head[kStartBytes + 4]) ==
             static_cast<uint32_t>(image.height);
}

// Samples a pixel as declared; 0 if no image can have so many.
uint32_t DeclaredChannels(const LegacyImage& image) {
  const int32_t sent = image.channels.value_or(0);
  if (sent == 0) return image.color ? 3 : 1;
  return sent >= 1 && sent <= static_cast<int32_t>(kMaxChannels)
             ? static_cast<uint32_t>(sent)
             : 0;
}

std::optional<RawLayout> RawLayoutOf(const LegacyImage& image) {
  if (image.width <= 0 || image.height <= 0) return std::nullopt;
  const auto width = static_cast<uint32_t>(image.width);
  const auto height = static_cast<uint32_t>(image.height);
  // Below 2^62, so four times as much still fits.
  const uint64_t pixels = uint64_t{width} * height;
  const uint64_t size = image.data.size();
  const uint32_t channels = DeclaredChannels(image);
  const auto layout = [&](uint32_t kept, uint32_t stored) {
    return RawLayout{
        .spec = {.shape = {.width = width, .height = height, .channels = kept},
                 .sample_type = SampleType::kU8},
        .stored_channels = stored};
  };
  if (channels != 0 && size == pixels * channels) {
    return layout(channels, channels);
  }
  if (image.color && size == pixels * 4) return layout(3, 4);
  return std::nullopt;
}

// Whether the text's first characters are the base64 of a file's first bytes.
bool IsBase64File(const ByteRope& data) {
  // 64 characters are 48 bytes: more than a codec needs, and room for line
  // breaks.
  std::array<std::byte, 64> head;
  const size_t size = data.CopyTo(0, head);
  std::string text;
  for (const std::byte byte : std::span(head).first(size)) {
    const char c = static_cast<char>(byte);
    if (c != '\n' && c != '\r') text.push_back(c);
  }
  if (size == head.size()) text.resize(text.size() / 4 * 4);
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes) &&
      !absl::WebSafeBase64Unescape(text, &bytes)) {
    return false;
  }
  return RecognizeFile(ByteRope(std::as_bytes(std::span(bytes)))) != nullptr;
}

absl::Status NotAnImage(const LegacyImage& image) {
  if (image.data.empty()) {
    return InvalidField("data",
                        "is empty; expected raw samples or an image file");
  }
  const uint32_t channels = DeclaredChannels(image);
  std::string expected;
  if (image.width <= 0 || image.height <= 0) {
    expected = "raw samples need a width and a height above 0";
  } else if (channels == 0) {
    expected =
        absl::StrCat("raw samples have 1 to 4 channels, not ", *image.channels);
  } else {
    const uint64_t pixels = static_cast<uint64_t>(image.width) *
                            static_cast<uint64_t>(image.height);
    expected = absl::StrCat("raw samples of this size with ", channels,
                            channels == 1 ? " channel" : " channels", " need ",
                            pixels * channels, " bytes");
  }
  return InvalidField("data", "width ", image.width, ", height ", image.height,
                      ", color ", image.color ? "true" : "false", ": ",
                      expected, "; received ", image.data.size(),
                      " bytes, which are no image file either");
}

}  // namespace

absl::StatusOr<LegacyPayload> RecognizePayload(const LegacyImage& image) {
  using Form = LegacyPayload::Form;
  if (IsPngOfDeclaredSize(image))
    return LegacyPayload{.form = Form::kFile, .layout = {}};
  if (const std::optional<RawLayout> layout = RawLayoutOf(image)) {
    return LegacyPayload{.form = Form::kRaw, .layout = *layout};
  }
  if (RecognizeFile(image.data) != nullptr) {
    return LegacyPayload{.form = Form::kFile, .layout = {}};
  }
  if (IsBase64File(image.data)) {
    return LegacyPayload{.form = Form::kBase64File, .layout = {}};
  }
  return NotAnImage(image);
}

}  // namespace imageadapt
