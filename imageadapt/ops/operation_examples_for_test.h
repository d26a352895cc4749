// Examples of every operation of the contract: a suite sees to it that none is
// missing. Only tests include it.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_OPS_OPERATION_EXAMPLES_FOR_TEST_H_
#define IMAGEADAPT_OPS_OPERATION_EXAMPLES_FOR_TEST_H_

#include <cstdint>
#include <vector>

#include "imageadapt/v1/operations.pb.h"

namespace imageadapt::testing {

inline v1::Operation Rotation(
    double degrees, v1::Rotate::Canvas canvas = v1::Rotate::CANVAS_EXPAND) {
  v1::Operation operation;
  operation.mutable_rotate()->set_angle_degrees(degrees);
  operation.mutable_rotate()->set_canvas(canvas);
  return operation;
}

inline v1::Operation Flip(v1::Flip::Axis axis) {
  v1::Operation operation;
  operation.mutable_flip()->set_axis(axis);
  return operation;
}

inline v1::Operation Mean(uint32_t width, uint32_t height = 0) {
  v1::Operation operation;
  operation.mutable_mean_filter()->set_kernel_width(width);
  operation.mutable_mean_filter()->set_kernel_height(height);
  return operation;
}

inline v1::Operation Median(uint32_t width, uint32_t height = 0) {
  v1::Operation operation;
  operation.mutable_median_filter()->set_kernel_width(width);
  operation.mutable_median_filter()->set_kernel_height(height);
  return operation;
}

inline v1::Operation InHsv(v1::Operation operation) {
  if (operation.has_mean_filter()) {
    operation.mutable_mean_filter()->set_color_space(v1::COLOR_SPACE_HSV);
  } else {
    operation.mutable_median_filter()->set_color_space(v1::COLOR_SPACE_HSV);
  }
  return operation;
}

inline v1::Operation OfChannel(v1::Operation operation, uint32_t channel) {
  if (operation.has_mean_filter()) {
    operation.mutable_mean_filter()->add_channels(channel);
  } else {
    operation.mutable_median_filter()->add_channels(channel);
  }
  return operation;
}

inline v1::Operation Resized(uint32_t width, uint32_t height,
                             v1::Resize::Filter filter) {
  v1::Operation operation;
  operation.mutable_resize()->set_width(width);
  operation.mutable_resize()->set_height(height);
  operation.mutable_resize()->set_filter(filter);
  return operation;
}

inline v1::Operation Converted(v1::ConvertColor::Direction direction) {
  v1::Operation operation;
  operation.mutable_convert_color()->set_direction(direction);
  return operation;
}

inline v1::Operation Blur(double sigma, v1::BorderMode border) {
  v1::Operation operation;
  operation.mutable_gaussian_blur()->set_sigma(sigma);
  operation.mutable_gaussian_blur()->set_border(border);
  return operation;
}

inline v1::Operation Cropped(uint32_t x, uint32_t y, uint32_t width,
                             uint32_t height) {
  v1::Operation operation;
  operation.mutable_crop()->set_x(x);
  operation.mutable_crop()->set_y(y);
  operation.mutable_crop()->set_width(width);
  operation.mutable_crop()->set_height(height);
  return operation;
}

inline v1::Operation Bordered(v1::Operation operation, v1::BorderMode border) {
  if (operation.has_mean_filter()) {
    operation.mutable_mean_filter()->set_border(border);
  } else {
    operation.mutable_median_filter()->set_border(border);
  }
  return operation;
}

// Examples of one rotation with every interpolation, canvas and border.
inline void AddRotations(std::vector<v1::Operation>& examples) {
  for (const auto interpolation :
       {v1::Rotate::INTERPOLATION_NEAREST, v1::Rotate::INTERPOLATION_BICUBIC,
        v1::Rotate::INTERPOLATION_LANCZOS3}) {
    for (const auto border :
         {v1::Rotate::BORDER_CONSTANT, v1::Rotate::BORDER_REPLICATE,
          v1::Rotate::BORDER_REFLECT_101}) {
      v1::Operation& example = examples.emplace_back(Rotation(17));
      example.mutable_rotate()->set_interpolation(interpolation);
      example.mutable_rotate()->set_border(border);
    }
  }
  v1::Operation& same =
      examples.emplace_back(Rotation(270, v1::Rotate::CANVAS_SAME));
  same.mutable_rotate()->set_border(v1::Rotate::BORDER_REFLECT_101);
  examples.push_back(Rotation(-40, v1::Rotate::CANVAS_INNER));
}

// Operations that every image with at least one pixel can have.
inline std::vector<v1::Operation> ExamplesForAll() {
  std::vector<v1::Operation> examples = {
      Rotation(0),
      Rotation(90),
      Rotation(180),
      Rotation(-90),
      Rotation(90, v1::Rotate::CANVAS_SAME),
      Rotation(30),
      Rotation(-12.5, v1::Rotate::CANVAS_SAME),
      Flip(v1::Flip::AXIS_HORIZONTAL),
      Flip(v1::Flip::AXIS_VERTICAL),
      Mean(3),
      Mean(1, 9),
      Median(5),
      Median(0, 3),
      Bordered(Mean(5), v1::BORDER_MODE_REPLICATE),
      Bordered(Mean(7, 3), v1::BORDER_MODE_REFLECT_101),
      Bordered(Median(3), v1::BORDER_MODE_REFLECT_101),
      Bordered(Median(9, 5), v1::BORDER_MODE_REPLICATE),
      OfChannel(Mean(3), 0),
      OfChannel(Median(3), 0),
      Cropped(0, 0, 1, 1),
      Resized(17, 60, v1::Resize::FILTER_UNSPECIFIED),
      Resized(40, 0, v1::Resize::FILTER_AREA),
      Resized(9, 9, v1::Resize::FILTER_BILINEAR),
      Resized(0, 77, v1::Resize::FILTER_LANCZOS3),
      Blur(1.5, v1::BORDER_MODE_UNSPECIFIED),
      Blur(0.7, v1::BORDER_MODE_CLIP),
      Blur(3, v1::BORDER_MODE_REFLECT_101)};
  examples.emplace_back().mutable_transpose();
  examples.emplace_back().mutable_grayscale();
  examples.emplace_back().mutable_detect_edges();
  AddRotations(examples);
  return examples;
}

// And those that need colour, or a certain size.
inline std::vector<v1::Operation> Examples() {
  std::vector<v1::Operation> examples = ExamplesForAll();
  examples.push_back(Converted(v1::ConvertColor::DIRECTION_RGB_TO_HSV));
  examples.push_back(Converted(v1::ConvertColor::DIRECTION_HSV_TO_RGB));
  examples.push_back(InHsv(Mean(3)));
  examples.push_back(InHsv(Median(5, 3)));
  examples.push_back(OfChannel(InHsv(Mean(17)), 2));
  examples.push_back(OfChannel(InHsv(Median(3)), 0));
  examples.push_back(OfChannel(InHsv(Median(3, 41)), 1));
  examples.push_back(Cropped(3, 5, 20, 30));
  return examples;
}

inline bool NeedsColor(const v1::Operation& operation) {
  return operation.has_convert_color() ||
         operation.mean_filter().color_space() == v1::COLOR_SPACE_HSV ||
         operation.median_filter().color_space() == v1::COLOR_SPACE_HSV;
}

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_OPS_OPERATION_EXAMPLES_FOR_TEST_H_
