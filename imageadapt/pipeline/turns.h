// Which operations only move pixels, and how several of them are one.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_PIPELINE_TURNS_H_
#define IMAGEADAPT_PIPELINE_TURNS_H_

#include <optional>
#include <vector>

#include "google/protobuf/repeated_ptr_field.h"
#include "imageadapt/image/orientation.h"
#include "imageadapt/image/pixel_map.h"
#include "imageadapt/image/pixel_rect.h"
#include "imageadapt/v1/operations.pb.h"

namespace imageadapt {

using OperationSpecs = google::protobuf::RepeatedPtrField<v1::Operation>;

// What `operation` does, if it is a flip or a rotation by quarter turns that
// keeps every pixel; otherwise nothing.
std::optional<Orientation> TurnOf(const v1::Operation& operation);

// What all operations together do, if each of them is such a turn.
std::optional<Orientation> TurnOf(const OperationSpecs& operations);

// What moves of pixels do together.
struct PixelMove {
  // What is left of the pixels as they were; nothing: all.
  std::optional<PixelRect> region;
  Orientation turn;  // after that
};

// Whether operations only turn, mirror and cut.
bool OnlyMovesPixels(const OperationSpecs& operations);

// What `upright` and then all operations do to an image of `shape`, as one
// move; nothing if one of them does more, or cannot be done.
std::optional<PixelMove> MoveOf(Orientation upright,
                                const OperationSpecs& operations,
                                const ImageShape& shape);

// Where pixels go when `operation` makes an image of `after` from one of
// `before`; nothing if no such map says it (free rotation).
std::optional<PixelMap> PixelMapOf(const v1::Operation& operation,
                                   const ImageShape& before,
                                   const ImageShape& after);

// At most two operations that do what `turn` does; none if it is upright.
std::vector<v1::Operation> OperationsOf(Orientation turn);

}  // namespace imageadapt

#endif  // IMAGEADAPT_PIPELINE_TURNS_H_
