#include "imageadapt/pipeline/operation_rows.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

// Below this many rows a second thread costs more than it brings.
constexpr uint32_t kMinBandRows = 16;

}  // namespace

OperationRows::OperationRows(std::unique_ptr<RowSource> input,
                             std::shared_ptr<const Operation> operation,
                             const OperationPlan& plan, const Workspace& work)
    : input_(std::move(input)),
      input_spec_(input_->spec()),
      operation_(std::move(operation)),
      plan_(plan),
      work_(work),
      strip_rows_(StripRowsFor(input_->strip_rows())) {}

// Enough for all threads, and for each band more rows than only stand around
// it: kernels go through those before the band's first row. Not fewer than what
// comes before has at once.
uint32_t OperationRows::StripRowsFor(uint32_t input_strip_rows) const {
  if (plan_.has_slow_rows) {
    return static_cast<uint32_t>(
        std::min<uint64_t>(uint64_t{kMinBandRows} * work_.workers.threads(),
                           plan_.output.shape.height));
  }
  const uint64_t around = uint64_t{plan_.need.above} + plan_.need.below;
  const uint64_t band = std::max<uint64_t>(kMinBandRows, around);
  const uint64_t rows = std::max<uint64_t>(
      {StripRows(plan_.output), band * work_.workers.threads(),
       plan_.need.all ? 1 : input_strip_rows});
  return static_cast<uint32_t>(
      std::min<uint64_t>(rows, plan_.output.shape.height));
}

uint32_t OperationRows::WindowRows() const {
  if (plan_.need.all) return input_height();
  const uint64_t rows =
      uint64_t{strip_rows_} + plan_.need.above + plan_.need.below;
  return static_cast<uint32_t>(std::min<uint64_t>(rows, input_height()));
}

uint32_t OperationRows::MaxBands() const {
  const uint32_t bands = strip_rows_ / kMinBandRows;
  return std::clamp<uint32_t>(bands, 1,
                              static_cast<uint32_t>(work_.workers.threads()));
}

uint64_t OperationRows::memory_bytes() const {
  // The planned sizes passed PixelBytes(), but there are several.
  uint64_t scratch = 0;
  if (__builtin_mul_overflow(uint64_t{MaxBands()}, plan_.scratch_bytes,
                             &scratch)) {
    return UINT64_MAX;
  }
  const uint64_t own =
      AddOrMost(uint64_t{WindowRows()} * RowBytes(input_spec_), scratch);
  return AddOrMost(input_ == nullptr ? 0 : input_->memory_bytes(), own);
}

OperationRows::Rows OperationRows::NeededFor(uint32_t first_row,
                                             uint32_t count) const {
  if (plan_.need.all) return {.first = 0, .end = input_height()};
  const uint64_t end = uint64_t{first_row} + count + plan_.need.below;
  return {
      .first = first_row - std::min(first_row, plan_.need.above),
      .end = static_cast<uint32_t>(std::min<uint64_t>(end, input_height()))};
}

absl::Status OperationRows::TakeMemory() {
  ImageSpec window = input_spec_;
  window.shape.height = WindowRows();
  ASSIGN_OR_RETURN(window_, Image::Create(window, work_.buffers));
  for (uint32_t band = 0; band < MaxBands() && plan_.scratch_bytes > 0;
       ++band) {
    ASSIGN_OR_RETURN(Buffer scratch, work_.buffers.Take(plan_.scratch_bytes));
    scratch_.push_back(std::move(scratch));
  }
  return absl::OkStatus();
}

absl::Status OperationRows::FillWindow(Rows needed) {
  const AnyImageView window = window_.view();
  if (needed.first > at_hand_.first) {
    // Rows are only ever needed in order: what is kept moves to the front.
    const uint32_t kept = at_hand_.end - std::min(at_hand_.end, needed.first);
    const uint32_t dropped = needed.first - at_hand_.first;
    if (kept > 0) {
      std::memmove(window.row_bytes(0).data(), window.row_bytes(dropped).data(),
                   kept * RowBytes(input_spec_));
    }
    at_hand_ = {.first = needed.first, .end = needed.first + kept};
  }
  const uint32_t strip = input_ == nullptr ? 1 : input_->strip_rows();
  while (at_hand_.end < needed.end) {
    RETURN_IF_ERROR(work_.call.Check());
    const uint32_t count = std::min(strip, needed.end - at_hand_.end);
    RETURN_IF_ERROR(
        input_->ReadRows(window.Rows(at_hand_.end - at_hand_.first, count)));
    at_hand_.end += count;
  }
  // What stands before the operation is not needed once its last row is here.
  if (at_hand_.end == input_height()) input_.reset();
  return absl::OkStatus();
}

void OperationRows::RunStrip(const AnyImageView& target) {
  const uint32_t rows = target.shape().height;
  const uint32_t bands =
      std::clamp<uint32_t>(rows / kMinBandRows, 1, MaxBands());
  const RowBand<AnyConstImageView> source = {
      .rows = AnyConstImageView(window_.view())
                  .Rows(0, at_hand_.end - at_hand_.first),
      .first_row = at_hand_.first,
      .image_height = input_height()};
  const auto run = [&](size_t band) {
    const auto first = static_cast<uint32_t>(uint64_t{rows} * band / bands);
    const auto end = static_cast<uint32_t>(uint64_t{rows} * (band + 1) / bands);
    operation_->Run(
        source,
        {.rows = target.Rows(first, end - first),
         .first_row = next_row_ + first,
         .image_height = plan_.output.shape.height},
        scratch_.empty() ? std::span<std::byte>() : scratch_[band].span());
  };
  if (bands == 1) {
    run(0);
  } else {
    work_.workers.ParallelFor(bands, run);
  }
}

absl::Status OperationRows::ReadRows(const AnyImageView& target) {
  if (next_row_ == 0) RETURN_IF_ERROR(TakeMemory());
  const uint32_t strip = strip_rows_;
  const uint32_t total = target.shape().height;
  for (uint32_t done = 0; done < total;) {
    RETURN_IF_ERROR(work_.call.Check());
    const uint32_t count = std::min(strip, total - done);
    RETURN_IF_ERROR(FillWindow(NeededFor(next_row_, count)));
    RunStrip(target.Rows(done, count));
    done += count;
    next_row_ += count;
  }
  if (next_row_ == plan_.output.shape.height) {
    window_ = Image();
    scratch_.clear();
  }
  return absl::OkStatus();
}

}  // namespace imageadapt
