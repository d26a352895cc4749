#include "tests/kernel_probe.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace imageadapt {
namespace {

constexpr std::byte kPaddingByte{0xa5};

[[noreturn]] void Stop(const std::string& name, const std::string& value) {
  std::fprintf(stderr, "kernel_probe: %s=%s\n", name.c_str(), value.c_str());
  std::exit(2);
}

double ToNumber(const std::string& name, absl::string_view text) {
  double number = 0;
  if (!absl::SimpleAtod(text, &number)) Stop(name, std::string(text));
  return number;
}

}  // namespace

std::string ProbeFields::Text(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) Stop(name, "(missing)");
  return found->second;
}

uint32_t ProbeFields::Count(const std::string& name) const {
  uint32_t count = 0;
  if (!absl::SimpleAtoi(Text(name), &count)) Stop(name, Text(name));
  return count;
}

double ProbeFields::Number(const std::string& name) const {
  return ToNumber(name, Text(name));
}

std::vector<double> ProbeFields::Numbers(const std::string& name) const {
  const std::string text = Text(name);
  std::vector<double> numbers;
  for (const absl::string_view part :
       absl::StrSplit(text, ',', absl::SkipEmpty())) {
    numbers.push_back(ToNumber(name, part));
  }
  return numbers;
}

size_t ProbeFields::Choice(const std::string& name,
                           std::span<const char* const> names) const {
  const std::string text = Text(name);
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) Stop(name, text);
  return static_cast<size_t>(found - names.begin());
}

BorderMode ProbeFields::Border() const {
  constexpr const char* kNames[] = {"clip", "replicate", "reflect101"};
  constexpr BorderMode kModes[] = {BorderMode::kClip, BorderMode::kReplicate,
                                   BorderMode::kReflect101};
  return kModes[Choice("border", kNames)];
}

WindowSize ProbeFields::Window() const {
  return {.width = Count("window_width"), .height = Count("window_height")};
}

SampleType ProbeFields::Type() const {
  constexpr const char* kNames[] = {"u8", "u16", "f32"};
  constexpr SampleType kTypes[] = {SampleType::kU8, SampleType::kU16,
                                   SampleType::kF32};
  return kTypes[Choice("type", kNames)];
}

ImageShape ProbeFields::Shape() const {
  return {.width = Count("width"),
          .height = Count("height"),
          .channels = Count("channels")};
}

ProbeImage::ProbeImage(const ImageSpec& spec, size_t padding)
    : spec_(spec),
      stride_bytes_(RowBytes(spec) + padding * SampleBytes(spec.sample_type)),
      bytes_(stride_bytes_ * (spec.shape.height - 1) + RowBytes(spec)),
      memory_(new std::byte[bytes_]) {
  std::fill_n(memory_.get(), bytes_, kPaddingByte);
}

AnyImageView ProbeImage::view() const {
  const size_t stride = stride_bytes_ / SampleBytes(spec_.sample_type);
  switch (spec_.sample_type) {
    case SampleType::kU8:
      return ImageView<uint8_t>(reinterpret_cast<uint8_t*>(memory_.get()),
                                spec_.shape, stride);
    case SampleType::kU16:
      return ImageView<uint16_t>(reinterpret_cast<uint16_t*>(memory_.get()),
                                 spec_.shape, stride);
    case SampleType::kF32:
      break;
  }
  return ImageView<float>(reinterpret_cast<float*>(memory_.get()), spec_.shape,
                          stride);
}

bool ProbeImage::PaddingIsWhole() const {
  for (uint32_t y = 0; y + 1 < spec_.shape.height; ++y) {
    const std::byte* const row = memory_.get() + y * stride_bytes_;
    if (std::any_of(row + RowBytes(spec_), row + stride_bytes_,
                    [](std::byte byte) { return byte != kPaddingByte; })) {
      return false;
    }
  }
  return true;
}

std::span<std::byte> ProbeScratch(size_t size) {
  constexpr size_t kAlignment = 64;
  // Freed by the next one; aligned so that the end is the block's end, too,
  // whenever `size` is a multiple of the alignment.
  static std::unique_ptr<std::byte[]> memory;
  memory.reset(new std::byte[size + kAlignment]);
  const auto address = reinterpret_cast<uintptr_t>(memory.get());
  return {memory.get() + (kAlignment - address % kAlignment) % kAlignment,
          size};
}

ProbeImage ProbeInBands(const ProbeFields& fields, const ProbeImage& source,
                        const ImageShape& result, uint32_t rows_around,
                        const ProbeBand& run) {
  ProbeImage target({.shape = result, .sample_type = source.spec().sample_type},
                    fields.Count("padding"));
  const uint32_t height = source.spec().shape.height;
  std::vector<double> ends = fields.Numbers("cuts");
  ends.push_back(result.height);
  uint32_t first = 0;
  for (const double each : ends) {
    const auto end = static_cast<uint32_t>(each);
    uint32_t from = 0;
    uint32_t to = height;
    if (rows_around != kAllRows) {
      from = first - std::min(first, rows_around);
      to = static_cast<uint32_t>(
          std::min<uint64_t>(uint64_t{end} + rows_around, height));
    }
    // A copy, so that a sanitizer sees if more rows are read.
    ImageSpec spec = source.spec();
    spec.shape.height = to - from;
    const ProbeImage rows(spec, fields.Count("padding"));
    for (uint32_t y = from; y < to; ++y) {
      std::ranges::copy(source.view().row_bytes(y),
                        rows.view().row_bytes(y - from).begin());
    }
    run({.rows = rows.view(), .first_row = from, .image_height = height},
        {.rows = target.view().Rows(first, end - first),
         .first_row = first,
         .image_height = result.height});
    first = end;
  }
  return target;
}

}  // namespace imageadapt
