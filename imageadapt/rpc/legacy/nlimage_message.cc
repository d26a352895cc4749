#include "imageadapt/rpc/legacy/nlimage_message.h"

#include "imageadapt/base/status_macros.h"
#include "imageadapt/rpc/wire_reader.h"
#include "imageadapt/rpc/wire_writer.h"

namespace imageadapt {
namespace {

// Field numbers of proto/nlimage.proto.
namespace image_field {
constexpr uint32_t kColor = 1;
constexpr uint32_t kData = 2;
constexpr uint32_t kWidth = 3;
constexpr uint32_t kHeight = 4;
constexpr uint32_t kChannels = 5;
}  // namespace image_field
constexpr uint32_t kRotateRotation = 1;
constexpr uint32_t kRotateImage = 2;
constexpr uint32_t kMedianImage = 1;
constexpr uint32_t kMedianKernel = 2;

bool Is(const WireField& field, uint32_t number, WireType type) {
  return field.number == number && field.type == type;
}

// As protobuf reads an int32: the low half of what was sent.
int32_t Int32Of(const WireField& field) {
  return static_cast<int32_t>(static_cast<uint32_t>(field.value));
}

// A message that occurs twice is merged, so this adds to what is there.
absl::Status MergeNLImage(const ByteRope& message, LegacyImage& image) {
  WireReader reader(message);
  WireField field;
  while (true) {
    ASSIGN_OR_RETURN(const bool has_field, reader.Next(field));
    if (!has_field) return absl::OkStatus();
    if (Is(field, image_field::kColor, WireType::kVarint)) {
      image.color = field.value != 0;
    } else if (Is(field, image_field::kData, WireType::kBytes)) {
      image.data = field.bytes;
    } else if (Is(field, image_field::kWidth, WireType::kVarint)) {
      image.width = Int32Of(field);
    } else if (Is(field, image_field::kHeight, WireType::kVarint)) {
      image.height = Int32Of(field);
    } else if (Is(field, image_field::kChannels, WireType::kVarint)) {
      image.channels = Int32Of(field);
    }
  }
}

}  // namespace

absl::StatusOr<LegacyImage> ParseNLImage(const ByteRope& message) {
  LegacyImage image;
  RETURN_IF_ERROR(MergeNLImage(message, image));
  return image;
}

absl::StatusOr<RotateRequest> ParseRotateRequest(const ByteRope& message) {
  RotateRequest request;
  WireReader reader(message);
  WireField field;
  while (true) {
    ASSIGN_OR_RETURN(const bool has_field, reader.Next(field));
    if (!has_field) return request;
    if (Is(field, kRotateRotation, WireType::kVarint)) {
      request.rotation = Int32Of(field);
    } else if (Is(field, kRotateImage, WireType::kBytes)) {
      RETURN_IF_ERROR(MergeNLImage(field.bytes, request.image));
    }
  }
}

absl::StatusOr<MedianRequest> ParseMedianRequest(const ByteRope& message) {
  MedianRequest request;
  WireReader reader(message);
  WireField field;
  while (true) {
    ASSIGN_OR_RETURN(const bool has_field, reader.Next(field));
    if (!has_field) return request;
    if (Is(field, kMedianImage, WireType::kBytes)) {
      RETURN_IF_ERROR(MergeNLImage(field.bytes, request.image));
    } else if (Is(field, kMedianKernel, WireType::kVarint)) {
      request.kernel = Int32Of(field);
    }
  }
}

std::string NLImageHead(const LegacyAnswer& answer, uint64_t data_bytes) {
  std::string head;
  if (answer.color) AppendField(image_field::kColor, 1, head);
  AppendField(image_field::kWidth, static_cast<uint64_t>(answer.width), head);
  AppendField(image_field::kHeight, static_cast<uint64_t>(answer.height), head);
  if (answer.channels.has_value()) {
    AppendField(image_field::kChannels, static_cast<uint64_t>(*answer.channels),
                head);
  }
  AppendTag(image_field::kData, WireType::kBytes, head);
  AppendVarint(data_bytes, head);
  return head;
}

}  // namespace imageadapt
