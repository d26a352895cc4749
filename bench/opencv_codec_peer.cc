#include <memory>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "bench/codec_contender.h"

namespace imageadapt::bench {

std::optional<CodecContender> MakeOpenCvCodec(const CodecRow& row,
                                              std::span<const std::byte> file) {
  cv::setNumThreads(row.threads);
  const auto result = std::make_shared<std::vector<uchar>>();
  const bool is_jpeg = row.format == CodecRow::Format::kJpeg;
  const auto run = [result, file, is_jpeg] {
    // It only reads from it.
    const cv::Mat bytes(
        1, static_cast<int>(file.size()), CV_8U,
        const_cast<std::byte*>(file.data()));  // NOLINT: older than const
    const cv::Mat image =
        cv::imdecode(bytes, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
    cv::Mat turned;
    cv::rotate(image, turned, cv::ROTATE_90_COUNTERCLOCKWISE);
    if (is_jpeg) {
      cv::imencode(".jpg", turned, *result,
                   {cv::IMWRITE_JPEG_QUALITY, kJpegQuality});
    } else {
      cv::imencode(".png", turned, *result);
    }
  };
  return CodecContender{.run = run, .result = [result] {
                          return std::as_bytes(std::span(*result));
                        }};
}

}  // namespace imageadapt::bench
