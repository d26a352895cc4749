#include "imageadapt/rpc/legacy/nlimage_methods.h"

#include <string>
#include <utility>

#include "imageadapt/base/status_macros.h"
#include "imageadapt/rpc/legacy/nlimage_message.h"
#include "imageadapt/rpc/reply_message.h"

namespace imageadapt {
namespace {

using Reply = absl::StatusOr<grpc::ByteBuffer>;

Reply ReplyOf(absl::StatusOr<LegacyAnswer> answer) {
  if (!answer.ok()) return answer.status();
  const std::string head = NLImageHead(*answer, RopeOf(answer->data).size());
  return ReplyMessage(head, std::move(answer->data));
}

Reply RotateImage(const LegacyImages& images, const ByteRope& message,
                  const Workspace& work) {
  ASSIGN_OR_RETURN(const RotateRequest request, ParseRotateRequest(message));
  return ReplyOf(images.Rotate(request.image, request.rotation, work));
}

Reply MeanFilter(const LegacyImages& images, const ByteRope& message,
                 const Workspace& work) {
  ASSIGN_OR_RETURN(const LegacyImage image, ParseNLImage(message));
  return ReplyOf(images.MeanFilter(image, work));
}

Reply MedianBlurFilter(const LegacyImages& images, const ByteRope& message,
                       const Workspace& work) {
  ASSIGN_OR_RETURN(const MedianRequest request, ParseMedianRequest(message));
  return ReplyOf(images.MedianFilter(request.image, request.kernel, work));
}

using Handler = Reply (*)(const LegacyImages& images, const ByteRope& message,
                          const Workspace& work);

struct Route {
  const char* path;
  Handler handler;
};

// Every path that a client in the world calls.
constexpr Route kRoutes[] = {
    {"/NLImageService/RotateImage", RotateImage},
    {"/NLImageService/MeanFilter", MeanFilter},
    {"/NLImageService/MedianBlurFilter", MedianBlurFilter},
    {"/image.NLImageService/RotateImage", RotateImage},
    {"/image.NLImageService/MeanFilter", MeanFilter},
    {"/image.NLImageService/MedianBlurFilter", MedianBlurFilter},
    {"/io.github.patrickacheung.NLImageService/RotateImage", RotateImage},
    {"/io.github.patrickacheung.NLImageService/MeanFilter", MeanFilter},
    {"/io.github.patrickacheung.NLImageService/MedianBlurFilter",
     MedianBlurFilter},
    {"/ABImageService/RotateImage", RotateImage},
    {"/ProtoImgService/rotate_img", RotateImage},
    {"/ProtoImgService/moving_avg_filter", MeanFilter},
};

}  // namespace

std::vector<ImageMethod> NLImageMethods(const LegacyImages& images) {
  std::vector<ImageMethod> methods;
  for (const Route& route : kRoutes) {
    methods.push_back(
        {.path = route.path,
         .answer = [&images, handler = route.handler](const ByteRope& message,
                                                      const Workspace& work) {
           return handler(images, message, work);
         }});
  }
  return methods;
}

}  // namespace imageadapt
