# Every library the build uses, all of them Debian 12 packages (see ./setup).
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(TBB CONFIG REQUIRED)
find_package(hwy CONFIG REQUIRED)
find_package(GIF REQUIRED)
find_package(JPEG REQUIRED)
find_package(TIFF REQUIRED)
find_package(libjpeg-turbo CONFIG REQUIRED)
find_package(ZLIB REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBDEFLATE REQUIRED IMPORTED_TARGET libdeflate)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(LCMS2 REQUIRED IMPORTED_TARGET lcms2)
pkg_check_modules(WEBP REQUIRED IMPORTED_TARGET libwebp libwebpdemux)
find_package(OpenSSL REQUIRED)
find_package(Protobuf REQUIRED)  # module mode: Debian ships no config file
find_package(gRPC CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)

include(OptionalCodecs)

# Debian's grpc-proto keeps the standard health and reflection contracts here.
find_path(IMAGEADAPT_GRPC_PROTO_DIR grpc/health/v1/health.proto
          PATHS /usr/share/grpc-proto REQUIRED)

# What our PNG code is compared with, and what makes seeds for its fuzzer.
if(IMAGEADAPT_TESTS OR IMAGEADAPT_FUZZ)
  find_package(PNG REQUIRED)
endif()

if(IMAGEADAPT_TESTS)
  find_package(GTest CONFIG REQUIRED)
  include(GoogleTest)
  enable_testing()
endif()
