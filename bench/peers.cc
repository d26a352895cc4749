#include "bench/peers.h"

namespace imageadapt::bench {
namespace {

constexpr Peer kPeers[] = {
#ifdef IMAGEADAPT_BENCH_OPENCV
    {"opencv", MakeOpenCv, true},
#else
    {"opencv"},
#endif
#ifdef IMAGEADAPT_BENCH_LIBVIPS
    {"libvips", MakeLibvips, true},
#else
    {"libvips"},
#endif
#ifdef IMAGEADAPT_BENCH_PILLOW
    {"pillow", MakePillow, false},
#else
    {"pillow"},
#endif
#ifdef IMAGEADAPT_BENCH_LIBYUV
    {"libyuv", MakeLibyuv, false},
#else
    {"libyuv"},
#endif
};

}  // namespace

std::span<const Peer> Peers() { return kPeers; }

}  // namespace imageadapt::bench
