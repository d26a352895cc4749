#include "imageadapt/pipeline/turns.h"

#include <algorithm>
#include <cmath>

namespace imageadapt {
namespace {

std::optional<Orientation> TurnOfRotate(const v1::Rotate& rotate) {
  // What is wrong, or not right for every image, the operation itself tells.
  if (rotate.background_size() != 0 ||
      rotate.border() == v1::Rotate::BORDER_TRANSPARENT ||
      !v1::Rotate::Border_IsValid(rotate.border()) ||
      !v1::Rotate::Interpolation_IsValid(rotate.interpolation()) ||
      !v1::Rotate::Canvas_IsValid(rotate.canvas())) {
    return std::nullopt;
  }
  if (!std::isfinite(rotate.angle_degrees())) return std::nullopt;
  const double quarters = std::remainder(rotate.angle_degrees(), 360.0) / 90.0;
  if (quarters != std::trunc(quarters)) return std::nullopt;
  const int turns = (static_cast<int>(quarters) + 4) % 4;
  if (rotate.canvas() == v1::Rotate::CANVAS_SAME && turns % 2 == 1) {
    return std::nullopt;
  }
  return Orientation{.mirrored = false, .quarter_turns = turns};
}

}  // namespace

std::optional<Orientation> TurnOf(const v1::Operation& operation) {
  if (operation.has_rotate()) return TurnOfRotate(operation.rotate());
  if (operation.has_transpose()) {
    return Orientation{.mirrored = true, .quarter_turns = 1};
  }
  if (!operation.has_flip()) return std::nullopt;
  switch (operation.flip().axis()) {
    case v1::Flip::AXIS_HORIZONTAL:
      return Orientation{.mirrored = true, .quarter_turns = 0};
    case v1::Flip::AXIS_VERTICAL:
      return Orientation{.mirrored = true, .quarter_turns = 2};
    default:
      return std::nullopt;
  }
}

std::optional<Orientation> TurnOf(const OperationSpecs& operations) {
  Orientation all;
  for (const v1::Operation& operation : operations) {
    const std::optional<Orientation> turn = TurnOf(operation);
    if (!turn.has_value()) return std::nullopt;
    all = all.Then(*turn);
  }
  return all;
}

bool OnlyMovesPixels(const OperationSpecs& operations) {
  return std::ranges::all_of(operations, [](const v1::Operation& operation) {
    return operation.has_crop() || TurnOf(operation).has_value();
  });
}

std::optional<PixelMove> MoveOf(Orientation upright,
                                const OperationSpecs& operations,
                                const ImageShape& shape) {
  PixelMove move{.region = std::nullopt, .turn = upright};
  for (const v1::Operation& operation : operations) {
    if (const std::optional<Orientation> turn = TurnOf(operation)) {
      move.turn = move.turn.Then(*turn);
      continue;
    }
    if (!operation.has_crop()) return std::nullopt;
    const v1::Crop& crop = operation.crop();
    const PixelRect before = move.region.value_or(PixelRect{
        .x = 0, .y = 0, .width = shape.width, .height = shape.height});
    ImageShape now = shape;
    now.width = before.width;
    now.height = before.height;
    const PixelRect cut = {.x = crop.x(),
                           .y = crop.y(),
                           .width = crop.width(),
                           .height = crop.height()};
    if (!IsWithin(cut, move.turn.Apply(now))) return std::nullopt;
    PixelRect region = BeforeTurn(cut, move.turn, now);
    region.x += before.x;
    region.y += before.y;
    move.region = region;
  }
  return move;
}

std::optional<PixelMap> PixelMapOf(const v1::Operation& operation,
                                   const ImageShape& before,
                                   const ImageShape& after) {
  if (const std::optional<Orientation> turn = TurnOf(operation)) {
    return PixelMapOf(*turn, before);
  }
  PixelMap map;
  if (operation.has_crop()) {
    map.x0 = operation.crop().x();
    map.y0 = operation.crop().y();
    return map;
  }
  if (operation.has_resize()) {
    // The edges of both images are the same.
    map.xx = static_cast<double>(before.width) / after.width;
    map.yy = static_cast<double>(before.height) / after.height;
    map.x0 = (map.xx - 1) / 2;
    map.y0 = (map.yy - 1) / 2;
    return map;
  }
  if (operation.has_rotate() || before.width != after.width ||
      before.height != after.height) {
    return std::nullopt;
  }
  return map;
}

std::vector<v1::Operation> OperationsOf(Orientation turn) {
  std::vector<v1::Operation> operations;
  if (turn.mirrored) {
    // Mirrored and half turned is upside down: one flip.
    const bool half = turn.quarter_turns >= 2;
    operations.emplace_back().mutable_flip()->set_axis(
        half ? v1::Flip::AXIS_VERTICAL : v1::Flip::AXIS_HORIZONTAL);
    if (half) turn.quarter_turns -= 2;
  }
  if (turn.quarter_turns != 0) {
    operations.emplace_back().mutable_rotate()->set_angle_degrees(
        90.0 * turn.quarter_turns);
  }
  return operations;
}

}  // namespace imageadapt
