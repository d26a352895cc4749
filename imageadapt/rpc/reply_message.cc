#include "imageadapt/rpc/reply_message.h"

#include <grpcpp/support/slice.h>

#include <memory>
#include <utility>

namespace imageadapt {
namespace {

grpc::Slice SliceOf(Buffer block) {
  auto owned = std::make_unique<Buffer>(std::move(block));
  std::byte* const data = owned->data();
  const size_t size = owned->size();
  return grpc::Slice(
      data, size,
      [](void* buffer) {
        const std::unique_ptr<Buffer> drop(static_cast<Buffer*>(buffer));
      },
      owned.release());
}

}  // namespace

grpc::ByteBuffer ReplyMessage(const std::string& head,
                              std::vector<Buffer> blocks) {
  std::vector<grpc::Slice> slices;
  slices.reserve(blocks.size() + 1);
  if (!head.empty()) slices.emplace_back(head);
  for (Buffer& block : blocks) {
    if (block.size() > 0) slices.push_back(SliceOf(std::move(block)));
  }
  return grpc::ByteBuffer(slices.data(), slices.size());
}

}  // namespace imageadapt
