// One of DecodeDicomJpeg8() to 16(): DECODE_DICOM_JPEG says which, and the
// library's header came before. Included once a file.
// SPDX-License-Identifier: Apache-2.0
#include <csetjmp>

#include "imageadapt/codecs/dicom_jpeg.h"

namespace imageadapt {
namespace {

struct ErrorExit {
  jpeg_error_mgr base;
  std::jmp_buf back;
  char text[JMSG_LENGTH_MAX];
};

[[noreturn]] void OnError(j_common_ptr jpeg) {
  auto* const error = reinterpret_cast<ErrorExit*>(jpeg->err);
  std::longjmp(error->back, 1);
}

// Warnings are damage, but for two that real files give: bytes between markers,
// and a scan whose parameters say nothing of a sequential process.
void OnMessage(j_common_ptr jpeg, int level) {
  const int code = jpeg->err->msg_code;
  if (level < 0 && code != JWRN_EXTRANEOUS_DATA &&
      code != JWRN_NOT_SEQUENTIAL) {
    OnError(jpeg);
  }
}

void IgnoreOutput(j_common_ptr /*jpeg*/) {}
void IgnoreSource(j_decompress_ptr /*jpeg*/) {}

// Some files lack the marker at the end, which is made up; whoever still wants
// data then warns.
boolean FillAtEnd(j_decompress_ptr jpeg) {
  static constexpr JOCTET kEnd[2] = {0xff, JPEG_EOI};
  jpeg->src->next_input_byte = kEnd;
  jpeg->src->bytes_in_buffer = 2;
  return TRUE;
}

void SkipInput(j_decompress_ptr jpeg, long count) {
  if (count <= 0) return;
  if (static_cast<size_t>(count) > jpeg->src->bytes_in_buffer) {
    OnError(reinterpret_cast<j_common_ptr>(jpeg));
  }
  jpeg->src->next_input_byte += count;
  jpeg->src->bytes_in_buffer -= static_cast<size_t>(count);
}

// Fails by OnError(), which must find its way back.
bool ReadFrame(j_decompress_ptr jpeg, const JpegMarkers& markers,
               std::span<std::byte> target) {
  jpeg_read_header(jpeg, TRUE);
  if (jpeg->image_width != markers.width ||
      jpeg->image_height != markers.height ||
      static_cast<uint32_t>(jpeg->num_components) != markers.components ||
      static_cast<uint32_t>(jpeg->data_precision) != markers.precision) {
    return false;
  }
  jpeg->jpeg_color_space = JCS_UNKNOWN;
  jpeg->out_color_space = JCS_UNKNOWN;
  jpeg_start_decompress(jpeg);
  const size_t row_bytes =
      size_t{markers.width} * markers.components * sizeof(JSAMPLE);
  if (jpeg->output_width != markers.width ||
      jpeg->output_height != markers.height ||
      static_cast<uint32_t>(jpeg->output_components) != markers.components ||
      row_bytes * markers.height != target.size()) {
    return false;
  }
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW row = reinterpret_cast<JSAMPROW>(
        target.data() + jpeg->output_scanline * row_bytes);
    jpeg_read_scanlines(jpeg, &row, 1);
  }
  return true;
}

}  // namespace

const char* DECODE_DICOM_JPEG(std::span<const std::byte> frame,
                              const JpegMarkers& markers,
                              std::span<std::byte> target) {
  jpeg_decompress_struct jpeg = {};
  ErrorExit error = {};
  jpeg.err = jpeg_std_error(&error.base);
  error.base.error_exit = OnError;
  error.base.emit_message = OnMessage;
  error.base.output_message = IgnoreOutput;
  jpeg_source_mgr source = {};
  source.init_source = IgnoreSource;
  source.fill_input_buffer = FillAtEnd;
  source.skip_input_data = SkipInput;
  source.resync_to_restart = jpeg_resync_to_restart;
  source.term_source = IgnoreSource;
  source.next_input_byte = reinterpret_cast<const JOCTET*>(frame.data());
  source.bytes_in_buffer = frame.size();
  if (setjmp(error.back) != 0) {
    jpeg_destroy_decompress(&jpeg);
    return "its JPEG data are damaged";
  }
  jpeg_create_decompress(&jpeg);
  jpeg.src = &source;
  const bool is_whole = ReadFrame(&jpeg, markers, target);
  jpeg_destroy_decompress(&jpeg);
  return is_whole ? nullptr : "its JPEG data contradict their own header";
}

}  // namespace imageadapt
