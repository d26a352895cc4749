#include "tests/kernel_probe.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace imageadapt {
namespace {

[[noreturn]] void Stop(const std::string& name, const std::string& value) {
  std::fprintf(stderr, "kernel_probe: %s=%s\n", name.c_str(), value.c_str());
  std::exit(2);
}

double ToNumber(const std::string& name, absl::string_view text) {
  double number = 0;
  if (!absl::SimpleAtod(text, &number)) Stop(name, std::string(text));
  return number;
}

std::span<const std::byte> RowOf(const ProbePixels& pixels, uint32_t y) {
  const size_t bytes = RowBytes(pixels.spec);
  return std::span(pixels.samples).subspan(y * bytes, bytes);
}

testing::GuardedLayout LayoutOf(const ImageSpec& spec,
                                const ProbeSurroundings& surroundings,
                                bool guards_padding) {
  const size_t row = RowBytes(spec);
  const size_t stride =
      row + surroundings.padding * SampleBytes(spec.sample_type);
  testing::GuardedLayout layout = {.row_bytes = row,
                                   .rows = spec.shape.height,
                                   .stride_bytes = stride,
                                   .at_end = surroundings.guards_end,
                                   .fill = surroundings.fill};
  if (!guards_padding) {
    layout.row_bytes += stride * (layout.rows - 1);
    layout.rows = 1;
  }
  return layout;
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

ImageSpec ProbeFields::Spec() const {
  constexpr const char* kNames[] = {"u8", "u16", "f32"};
  constexpr SampleType kTypes[] = {SampleType::kU8, SampleType::kU16,
                                   SampleType::kF32};
  return {.shape = {.width = Count("width"),
                    .height = Count("height"),
                    .channels = Count("channels")},
          .sample_type = kTypes[Choice("type", kNames)]};
}

ProbeSurroundings ProbeFields::Surroundings() const {
  return {
      .padding = Count("padding"), .fill = fill_, .guards_end = guards_end_};
}

ProbeImage::ProbeImage(const ImageSpec& spec,
                       const ProbeSurroundings& surroundings,
                       bool guards_padding)
    : spec_(spec),
      stride_(RowSamples(spec.shape) + surroundings.padding),
      rows_(LayoutOf(spec, surroundings, guards_padding)) {
  for (uint32_t y = 0; y < spec.shape.height; ++y) {
    std::ranges::fill(view().row_bytes(y), std::byte{surroundings.fill});
  }
}

AnyImageView ProbeImage::view() const {
  const auto typed = [&]<typename T>(T* first) {
    return ImageView<T>(first, spec_.shape, stride_);
  };
  switch (spec_.sample_type) {
    case SampleType::kU8:
      return typed(rows_.data());
    case SampleType::kU16:
      return typed(reinterpret_cast<uint16_t*>(rows_.data()));
    case SampleType::kF32:
      break;
  }
  return typed(reinterpret_cast<float*>(rows_.data()));
}

void ProbeImage::Fill(const ProbePixels& pixels, uint32_t first) const {
  for (uint32_t y = 0; y < spec_.shape.height; ++y) {
    std::ranges::copy(RowOf(pixels, first + y), view().row_bytes(y).begin());
  }
}

bool ProbeImage::Equals(const ProbePixels& pixels, uint32_t first) const {
  for (uint32_t y = 0; y < spec_.shape.height; ++y) {
    if (!std::ranges::equal(RowOf(pixels, first + y), view().row_bytes(y))) {
      return false;
    }
  }
  return true;
}

absl::Status ProbeImage::CheckSurroundings() const {
  return rows_.SurroundingsAreUntouched()
             ? absl::OkStatus()
             : absl::InternalError("written to around an image");
}

ProbeScratch::ProbeScratch(size_t size, const ProbeSurroundings& surroundings)
    : size_(size),
      rows_({.row_bytes = size,
             .at_end = surroundings.guards_end,
             .alignment = 64,
             .fill = surroundings.fill}) {
  std::ranges::fill(span(), std::byte{surroundings.fill});
}

std::span<std::byte> ProbeScratch::span() const {
  return std::as_writable_bytes(std::span(rows_.data(), size_));
}

absl::Status ProbeScratch::CheckSurroundings() const {
  return rows_.SurroundingsAreUntouched()
             ? absl::OkStatus()
             : absl::InternalError("written to around scratch");
}

void AppendRows(const AnyConstImageView& rows, ProbePixels& pixels) {
  for (uint32_t y = 0; y < rows.shape().height; ++y) {
    const auto row = rows.row_bytes(y);
    pixels.samples.insert(pixels.samples.end(), row.begin(), row.end());
  }
}

absl::StatusOr<ProbePixels> ProbeInBands(const ProbeFields& fields,
                                         const ProbePixels& source,
                                         const ProbePlan& plan,
                                         const ProbeBand& run) {
  const ProbeSurroundings surroundings = fields.Surroundings();
  ProbePixels result = {
      .spec = {.shape = plan.result, .sample_type = source.spec.sample_type},
      .samples = {}};
  std::vector<double> ends = fields.Numbers("cuts");
  ends.push_back(plan.result.height);
  uint32_t first = 0;
  for (const double each : ends) {
    const auto end = static_cast<uint32_t>(each);
    const Extent seen = plan.source_rows({.first = first, .end = end});
    // Copies, so that it is seen if other rows are read or written.
    const auto image_of = [&](ImageSpec spec, uint32_t rows) {
      spec.shape.height = rows;
      return ProbeImage(spec, surroundings);
    };
    const ProbeImage from = image_of(source.spec, seen.size());
    from.Fill(source, seen.first);
    const ProbeImage to = image_of(result.spec, end - first);
    const ProbeScratch scratch(plan.scratch_bytes, surroundings);
    run({.rows = from.view(),
         .first_row = seen.first,
         .image_height = source.spec.shape.height},
        {.rows = to.view(),
         .first_row = first,
         .image_height = plan.result.height},
        scratch.span());
    for (const absl::Status& status :
         {from.CheckSurroundings(), to.CheckSurroundings(),
          scratch.CheckSurroundings()}) {
      if (!status.ok()) return status;
    }
    if (!from.Equals(source, seen.first)) {
      return absl::InternalError("written to the source");
    }
    AppendRows(to.view(), result);
    first = end;
  }
  return result;
}

std::function<Extent(Extent)> AllRows(const ProbePixels& source) {
  const uint32_t height = source.spec.shape.height;
  return [height](Extent) { return Extent{.first = 0, .end = height}; };
}

std::function<Extent(Extent)> RowsAround(const ProbePixels& source,
                                         uint32_t count) {
  const uint32_t height = source.spec.shape.height;
  return [height, count](Extent rows) {
    return Extent{.first = rows.first - std::min(rows.first, count),
                  .end = static_cast<uint32_t>(
                      std::min<uint64_t>(uint64_t{rows.end} + count, height))};
  };
}

}  // namespace imageadapt
