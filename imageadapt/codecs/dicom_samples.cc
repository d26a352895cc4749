#include "imageadapt/codecs/dicom_samples.h"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

using Grey = DecodeOptions::Grey;

SampleType TypeOfBits(uint32_t bits) {
  if (bits <= 8) return SampleType::kU8;
  return bits <= 16 ? SampleType::kU16 : SampleType::kF32;
}

absl::Status BadGrey(absl::string_view problem) {
  return InvalidField("dicom.grey", problem);
}

}  // namespace

DicomSamples::DicomSamples(const DicomHeader& header) : header_(header) {
  if (header.photometric == DicomHeader::Photometric::kPalette) {
    channels_ = 3;
    type_ = TypeOfBits(header.palette[0].bits);
  } else {
    channels_ = header.samples_per_pixel;
    type_ =
        header.is_signed ? SampleType::kF32 : TypeOfBits(header.bits_stored);
  }
}

absl::Status DicomSamples::Choose(const DecodeOptions& options) {
  if (!header_.is_monochrome() || options.grey == Grey::kStored) {
    return absl::OkStatus();
  }
  if (header_.has_modality_lut) {
    return BadGrey(
        "the file says by a table what its samples measure, which "
        "is not read");
  }
  if (header_.has_values_of_frames) {
    return BadGrey(
        "the file says for each frame by itself what its samples "
        "measure, which is not read");
  }
  grey_ = options.grey;
  if (grey_ == Grey::kMeasured) {
    type_ = SampleType::kF32;
    return absl::OkStatus();
  }
  type_ = header_.bits_stored <= 8 ? SampleType::kU8 : SampleType::kU16;
  return SetWindow(options);
}

absl::Status DicomSamples::SetWindow(const DecodeOptions& options) {
  using Function = DicomHeader::VoiFunction;
  if (grey_ == Grey::kWindow) {
    center_ = options.window_center;
    width_ = options.window_width;
    function_ = Function::kLinearExact;
    return absl::OkStatus();
  }
  if (!header_.window_center.has_value() || !header_.window_width.has_value()) {
    return BadGrey("the file has no window");
  }
  center_ = *header_.window_center;
  width_ = *header_.window_width;
  function_ = header_.voi_function;
  const double least = function_ == Function::kLinear ? 1 : 0;
  if (width_ < least || (width_ == 0 && least == 0)) {
    return BadGrey("the width of the file's window makes no sense");
  }
  return absl::OkStatus();
}

bool DicomSamples::is_plain(uint32_t stored_bytes) const {
  using Photometric = DicomHeader::Photometric;
  return grey_ == Grey::kStored && type_ != SampleType::kF32 &&
         SampleBytes(type_) == stored_bytes &&
         header_.bits_stored == 8 * stored_bytes &&
         (header_.photometric == Photometric::kMonochrome2 ||
          header_.photometric == Photometric::kRgb ||
          header_.photometric == Photometric::kYbrOfJpeg2000);
}

int64_t DicomSamples::ValueOf(uint32_t stored) const {
  const uint32_t shift = header_.high_bit + 1 - header_.bits_stored;
  const uint64_t most = (uint64_t{1} << header_.bits_stored) - 1;
  const uint64_t value = (stored >> shift) & most;
  if (!header_.is_signed || value <= most / 2) {
    return static_cast<int64_t>(value);
  }
  return static_cast<int64_t>(value) - static_cast<int64_t>(most) - 1;
}

void DicomSamples::Convert(std::span<int64_t> values, bool is_ycc,
                           const AnyImageView& row) const {
  if (is_ycc && channels_ == 3) YccToRgb(values);
  row.Visit([&]<typename T>(ImageView<T> view) {
    ConvertTo<T>(values, view.row(0));
  });
}

// As in JPEG: all of the range, the middle of colours at half of it.
void DicomSamples::YccToRgb(std::span<int64_t> values) const {
  const auto middle =
      static_cast<double>(uint64_t{1} << (header_.bits_stored - 1));
  const double most = 2 * middle - 1;
  const auto to_value = [&](double value) {
    return std::llround(std::clamp(value, 0.0, most));
  };
  for (size_t i = 0; i + 2 < values.size(); i += 3) {
    const auto luma = static_cast<double>(values[i]);
    const double blue = static_cast<double>(values[i + 1]) - middle;
    const double red = static_cast<double>(values[i + 2]) - middle;
    values[i] = to_value(luma + 1.402 * red);
    values[i + 1] = to_value(luma - 0.344136 * blue - 0.714136 * red);
    values[i + 2] = to_value(luma + 1.772 * blue);
  }
}

// PS3.3, C.11.2.1.2 and C.11.2.1.3; from 0 to 1.
double DicomSamples::Windowed(double value) const {
  using Function = DicomHeader::VoiFunction;
  double shown = 0;
  switch (function_) {
    case Function::kLinear:
      if (width_ == 1) return value < center_ - 0.5 ? 0 : 1;
      shown = (value - (center_ - 0.5)) / (width_ - 1) + 0.5;
      break;
    case Function::kLinearExact:
      shown = (value - center_) / width_ + 0.5;
      break;
    case Function::kSigmoid:
      shown = 1 / (1 + std::exp(-4 * (value - center_) / width_));
      break;
  }
  return std::clamp(shown, 0.0, 1.0);
}

template <typename T>
void DicomSamples::ConvertTo(std::span<const int64_t> values,
                             std::span<T> row) const {
  const uint64_t most = (uint64_t{1} << header_.bits_stored) - 1;
  if (header_.photometric == DicomHeader::Photometric::kPalette) {
    for (size_t i = 0; i < values.size(); ++i) {
      for (size_t c = 0; c < 3; ++c) {
        const DicomPalette& palette = header_.palette[c];
        const int64_t entry = std::clamp<int64_t>(values[i] - palette.first, 0,
                                                  int64_t{palette.entries} - 1);
        row[3 * i + c] =
            static_cast<T>(palette.values[static_cast<size_t>(entry)]);
      }
    }
    return;
  }
  if constexpr (!std::is_floating_point_v<T>) {
    if (channels_ == 3) {
      // Over the whole range, to the nearest, halves up.
      constexpr uint64_t kFull = (uint64_t{1} << 8 * sizeof(T)) - 1;
      for (size_t i = 0; i < values.size(); ++i) {
        const auto value = static_cast<uint64_t>(values[i]);
        row[i] = static_cast<T>((value * kFull + most / 2) / most);
      }
      return;
    }
  }
  const bool is_inverse =
      header_.photometric == DicomHeader::Photometric::kMonochrome1;
  const bool is_windowed =
      grey_ == Grey::kWindow || grey_ == Grey::kWindowOfFile;
  // The least and the greatest value change places.
  const int64_t mirror = header_.is_signed ? -1 : static_cast<int64_t>(most);
  constexpr double kWhite = static_cast<double>(
      (uint64_t{1} << 8 * std::min<size_t>(sizeof(T), 2)) - 1);
  for (size_t i = 0; i < values.size(); ++i) {
    if (grey_ == Grey::kStored) {
      row[i] = static_cast<T>(is_inverse ? mirror - values[i] : values[i]);
      continue;
    }
    const double measured =
        header_.rescale_slope * static_cast<double>(values[i]) +
        header_.rescale_intercept;
    if (!is_windowed) {
      row[i] = static_cast<T>(measured);
      continue;
    }
    const double shown = Windowed(measured);
    row[i] = static_cast<T>(
        std::floor(kWhite * (is_inverse ? 1 - shown : shown) + 0.5));
  }
}

}  // namespace imageadapt
