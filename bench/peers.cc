#include "bench/peers.h"

namespace imageadapt::bench {
namespace {

constexpr Peer kPeers[] = {
#ifdef IMAGEADAPT_BENCH_OPENCV
    {"opencv", MakeOpenCv, true, OpenCvVersion},
#else
    {"opencv"},
#endif
#ifdef IMAGEADAPT_BENCH_LIBVIPS
    {"libvips", MakeLibvips, true, LibvipsVersion},
#else
    {"libvips"},
#endif
#ifdef IMAGEADAPT_BENCH_PILLOW
    {"pillow", MakePillow, false, PillowVersion},
#else
    {"pillow"},
#endif
#ifdef IMAGEADAPT_BENCH_LIBYUV
    {"libyuv", MakeLibyuv, false, LibyuvVersion},
#else
    {"libyuv"},
#endif
};

}  // namespace

std::span<const Peer> Peers() { return kPeers; }

}  // namespace imageadapt::bench
