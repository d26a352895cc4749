#include "imageadapt/codecs/color_transform.h"

#include <lcms2.h>

#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace imageadapt {
namespace {

struct FreeContext {
  void operator()(cmsContext context) const { cmsDeleteContext(context); }
};
using Context = std::unique_ptr<std::remove_pointer_t<cmsContext>, FreeContext>;

struct FreeProfile {
  void operator()(void* profile) const { cmsCloseProfile(profile); }
};
using Profile = std::unique_ptr<void, FreeProfile>;

struct FreeTransform {
  void operator()(void* transform) const { cmsDeleteTransform(transform); }
};

absl::Status Unusable(const char* why) {
  return absl::FailedPreconditionError(absl::StrCat("the ICC profile ", why));
}

class LcmsTransform final : public ColorTransform {
 public:
  LcmsTransform(Context context, cmsHTRANSFORM transform)
      : context_(std::move(context)), transform_(transform) {}

  void Run(const std::byte* from, std::byte* to,
           uint32_t pixels) const override {
    cmsDoTransform(transform_.get(), from, to, pixels);
  }

 private:
  Context context_;  // outlives the transform
  std::unique_ptr<void, FreeTransform> transform_;
};

// A pixel in the library's words: `sample` is its size and kind.
constexpr cmsUInt32Number PixelOf(unsigned colors, unsigned channels,
                                  unsigned alphas, cmsUInt32Number sample) {
  return COLORSPACE_SH(colors) | CHANNELS_SH(channels) | EXTRA_SH(alphas) |
         sample;
}

constexpr cmsUInt32Number SampleOf(SampleType type) {
  switch (type) {
    case SampleType::kU8:
      return BYTES_SH(1);
    case SampleType::kU16:
      return BYTES_SH(2);
    case SampleType::kF32:
      return FLOAT_SH(1) | BYTES_SH(4);
  }
  return 0;
}

// Grey with the curve of sRGB.
Profile GreyOfSrgb(cmsContext context) {
  const cmsFloat64Number curve[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92,
                                    0.04045};
  cmsToneCurve* const tone = cmsBuildParametricToneCurve(context, 4, curve);
  if (tone == nullptr) return nullptr;
  Profile profile(cmsCreateGrayProfileTHR(context, cmsD50_xyY(), tone));
  cmsFreeToneCurve(tone);
  return profile;
}

struct Request {
  cmsColorSpaceSignature colors;
  cmsUInt32Number from;
  cmsUInt32Number to;
  const char* otherwise;  // what is wrong with a profile for other colours
};

absl::StatusOr<std::unique_ptr<ColorTransform>> Make(
    std::span<const std::byte> bytes, const Request& request) {
  Context context(cmsCreateContext(nullptr, nullptr));
  if (context == nullptr) return absl::ResourceExhaustedError("no memory");
  // The default handler is silent, too, but may be replaced for all.
  cmsSetLogErrorHandlerTHR(context.get(),
                           [](cmsContext, cmsUInt32Number, const char*) {});
  const Profile from(cmsOpenProfileFromMemTHR(
      context.get(), bytes.data(), static_cast<cmsUInt32Number>(bytes.size())));
  if (from == nullptr) return Unusable("is damaged");
  if (cmsGetColorSpace(from.get()) != request.colors) {
    return Unusable(request.otherwise);
  }
  const Profile to = request.colors == cmsSigGrayData
                         ? GreyOfSrgb(context.get())
                         : Profile(cmsCreate_sRGBProfileTHR(context.get()));
  if (to == nullptr) return absl::ResourceExhaustedError("no memory");
  // What the library makes of grey's two curves is too coarse in the dark: 257
  // of 65535, linear, becomes 1595 where sRGB has 3266.
  const cmsUInt32Number exact =
      request.colors == cmsSigGrayData ? cmsFLAGS_NOOPTIMIZE : 0;
  const cmsHTRANSFORM transform =
      cmsCreateTransformTHR(context.get(), from.get(), request.from, to.get(),
                            request.to, INTENT_RELATIVE_COLORIMETRIC,
                            cmsFLAGS_BLACKPOINTCOMPENSATION |
                                cmsFLAGS_COPY_ALPHA | cmsFLAGS_NOCACHE | exact);
  if (transform == nullptr) {
    return Unusable("cannot be used to find colours from samples");
  }
  return std::make_unique<LcmsTransform>(std::move(context), transform);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ColorTransform>> ColorTransform::ToSrgb(
    std::span<const std::byte> profile, const ImageSpec& spec) {
  const bool is_grey = spec.shape.channels < 3;
  const unsigned colors = is_grey ? 1 : 3;
  const cmsUInt32Number pixel =
      PixelOf(is_grey ? PT_GRAY : PT_RGB, colors, spec.shape.channels - colors,
              SampleOf(spec.sample_type));
  return Make(profile,
              {.colors = is_grey ? cmsSigGrayData : cmsSigRgbData,
               .from = pixel,
               .to = pixel,
               .otherwise = is_grey ? "is not for grey, as the samples are"
                                    : "is not for RGB, as the samples are"});
}

absl::StatusOr<std::unique_ptr<ColorTransform>> ColorTransform::InksToSrgb(
    std::span<const std::byte> profile, bool is_inverted, SampleType type) {
  return Make(profile, {.colors = cmsSigCmykData,
                        .from = PixelOf(PT_CMYK, 4, 0, SampleOf(type)) |
                                FLAVOR_SH(is_inverted ? 1U : 0U),
                        .to = PixelOf(PT_RGB, 3, 0, SampleOf(type)),
                        .otherwise = "is not for inks, as the samples are"});
}

uint64_t ColorTransform::MemoryBytes(size_t profile_bytes) {
  // The profile, its tables as 16 bits or float, and one of the library's own.
  constexpr uint64_t kRest = uint64_t{4} << 20;
  return 4 * uint64_t{profile_bytes} + kRest;
}

}  // namespace imageadapt
