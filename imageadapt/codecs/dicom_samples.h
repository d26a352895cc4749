// From the values that DICOM files store to samples.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_DICOM_SAMPLES_H_
#define IMAGEADAPT_CODECS_DICOM_SAMPLES_H_

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/codecs/dicom_header.h"
#include "imageadapt/image/image_spec.h"
#include "imageadapt/image/image_view.h"

namespace imageadapt {

// Must not outlive the header.
class DicomSamples {
 public:
  explicit DicomSamples(const DicomHeader& header);

  // See Decoder::Choose().
  absl::Status Choose(const DecodeOptions& options);

  // Of what comes out.
  uint32_t channels() const { return channels_; }
  SampleType type() const { return type_; }

  // Samples are stored as they come out, in so many bytes each.
  bool is_plain(uint32_t stored_bytes) const;

  // The value within a sample that is stored with others bits beside it.
  int64_t ValueOf(uint32_t stored) const;

  // A row of values, samples of a pixel side by side; changed on the way.
  void Convert(std::span<int64_t> values, bool is_ycc,
               const AnyImageView& row) const;

 private:
  template <typename T>
  void ConvertTo(std::span<const int64_t> values, std::span<T> row) const;
  void YccToRgb(std::span<int64_t> values) const;
  double Windowed(double value) const;
  absl::Status SetWindow(const DecodeOptions& options);

  const DicomHeader& header_;
  DecodeOptions::Grey grey_ = DecodeOptions::Grey::kStored;
  double center_ = 0;
  double width_ = 0;
  DicomHeader::VoiFunction function_ = DicomHeader::VoiFunction::kLinear;
  uint32_t channels_ = 1;
  SampleType type_ = SampleType::kU8;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_DICOM_SAMPLES_H_
