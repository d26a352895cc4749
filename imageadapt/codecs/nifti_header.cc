// After nifti1.h and nifti2.h of the NIfTI Data Format Working Group.
#include "imageadapt/codecs/nifti_header.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "imageadapt/codecs/decode_checks.h"

namespace imageadapt {
namespace {

constexpr char kFormat[] = "NIfTI";
constexpr int32_t kSize1 = 348;
constexpr int32_t kSize2 = 540;
constexpr size_t kMagic1At = 344;
constexpr size_t kMagic2At = 4;

// Fields of a file, into a header.
class FieldReader {
 public:
  FieldReader(std::span<const std::byte> bytes, bool is_big_endian)
      : bytes_(bytes),
        is_swapped_(is_big_endian !=
                    (std::endian::native == std::endian::big)) {}

  template <typename Stored, typename Value>
  void Number(size_t at, Value& value) const {
    std::array<std::byte, sizeof(Stored)> stored;
    std::memcpy(stored.data(), &bytes_[at], sizeof(Stored));
    if (is_swapped_) std::reverse(stored.begin(), stored.end());
    value = static_cast<Value>(std::bit_cast<Stored>(stored));
  }
  template <size_t kSize>
  void Text(size_t at, std::array<char, kSize>& text) const {
    std::memcpy(text.data(), &bytes_[at], kSize);
  }

 private:
  std::span<const std::byte> bytes_;
  const bool is_swapped_;
};

// Fields of a header, into a file.
class FieldWriter {
 public:
  explicit FieldWriter(std::span<std::byte> bytes) : bytes_(bytes) {}

  template <typename Stored, typename Value>
  void Number(size_t at, const Value& value) const {
    auto stored = std::bit_cast<std::array<std::byte, sizeof(Stored)>>(
        static_cast<Stored>(value));
    if (std::endian::native == std::endian::big) {
      std::reverse(stored.begin(), stored.end());
    }
    std::memcpy(&bytes_[at], stored.data(), sizeof(Stored));
  }
  template <size_t kSize>
  void Text(size_t at, const std::array<char, kSize>& text) const {
    std::memcpy(&bytes_[at], text.data(), kSize);
  }

 private:
  std::span<std::byte> bytes_;
};

template <typename Stored, typename Field, typename Array>
void Numbers(const Field& field, size_t at, Array& values) {
  for (auto& value : values) {
    field.template Number<Stored>(at, value);
    at += sizeof(Stored);
  }
}

// Where each field stands; `field` reads or writes it.
template <typename Field, typename Header>
void VisitVersion1(const Field& field, Header& header) {
  field.template Number<uint8_t>(39, header.dim_info);
  Numbers<int16_t>(field, 40, header.dim);
  Numbers<float>(field, 56, header.intent_p);
  field.template Number<int16_t>(68, header.intent_code);
  field.template Number<int16_t>(70, header.datatype);
  field.template Number<int16_t>(72, header.bitpix);
  field.template Number<int16_t>(74, header.slice_start);
  Numbers<float>(field, 76, header.pixdim);
  field.template Number<float>(108, header.vox_offset);
  field.template Number<float>(112, header.scl_slope);
  field.template Number<float>(116, header.scl_inter);
  field.template Number<int16_t>(120, header.slice_end);
  field.template Number<uint8_t>(122, header.slice_code);
  field.template Number<uint8_t>(123, header.xyzt_units);
  field.template Number<float>(124, header.cal_max);
  field.template Number<float>(128, header.cal_min);
  field.template Number<float>(132, header.slice_duration);
  field.template Number<float>(136, header.toffset);
  field.Text(148, header.descrip);
  field.Text(228, header.aux_file);
  field.template Number<int16_t>(252, header.qform_code);
  field.template Number<int16_t>(254, header.sform_code);
  Numbers<float>(field, 256, header.quatern);
  Numbers<float>(field, 268, header.qoffset);
  Numbers<float>(field, 280, header.srow[0]);
  Numbers<float>(field, 296, header.srow[1]);
  Numbers<float>(field, 312, header.srow[2]);
  field.Text(328, header.intent_name);
}

template <typename Field, typename Header>
void VisitVersion2(const Field& field, Header& header) {
  field.template Number<int16_t>(12, header.datatype);
  field.template Number<int16_t>(14, header.bitpix);
  Numbers<int64_t>(field, 16, header.dim);
  Numbers<double>(field, 80, header.intent_p);
  Numbers<double>(field, 104, header.pixdim);
  field.template Number<int64_t>(168, header.vox_offset);
  field.template Number<double>(176, header.scl_slope);
  field.template Number<double>(184, header.scl_inter);
  field.template Number<double>(192, header.cal_max);
  field.template Number<double>(200, header.cal_min);
  field.template Number<double>(208, header.slice_duration);
  field.template Number<double>(216, header.toffset);
  field.template Number<int64_t>(224, header.slice_start);
  field.template Number<int64_t>(232, header.slice_end);
  field.Text(240, header.descrip);
  field.Text(320, header.aux_file);
  field.template Number<int32_t>(344, header.qform_code);
  field.template Number<int32_t>(348, header.sform_code);
  Numbers<double>(field, 352, header.quatern);
  Numbers<double>(field, 376, header.qoffset);
  Numbers<double>(field, 400, header.srow[0]);
  Numbers<double>(field, 432, header.srow[1]);
  Numbers<double>(field, 464, header.srow[2]);
  field.template Number<int32_t>(496, header.slice_code);
  field.template Number<int32_t>(500, header.xyzt_units);
  field.template Number<int32_t>(504, header.intent_code);
  field.Text(508, header.intent_name);
  field.template Number<uint8_t>(524, header.dim_info);
}

using Vector = std::array<double, 3>;

Vector Sum(const Vector& a, double times_a, const Vector& b, double times_b) {
  return {a[0] * times_a + b[0] * times_b, a[1] * times_a + b[1] * times_b,
          a[2] * times_a + b[2] * times_b};
}
double Dot(const Vector& a, const Vector& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
double Length(const Vector& a) { return std::sqrt(Dot(a, a)); }

// What one step along each axis of the file is in space, and where the first
// voxel is.
struct Affine {
  std::array<Vector, 3> step;
  Vector origin;

  void Move(const PixelMap& map) {
    const auto [i, j, k] = step;
    for (size_t c = 0; c < 3; ++c) {
      origin[c] += i[c] * map.x0 + j[c] * map.y0;
    }
    step[0] = Sum(i, map.xx, j, map.yx);
    step[1] = Sum(i, map.xy, j, map.yy);
  }
};

Affine SformOf(const NiftiHeader& header) {
  Affine affine;
  for (size_t c = 0; c < 3; ++c) {
    for (size_t axis = 0; axis < 3; ++axis) {
      affine.step[axis][c] = header.srow[c][axis];
    }
    affine.origin[c] = header.srow[c][3];
  }
  return affine;
}

void SetSform(const Affine& affine, NiftiHeader& header) {
  for (size_t c = 0; c < 3; ++c) {
    for (size_t axis = 0; axis < 3; ++axis) {
      header.srow[c][axis] = affine.step[axis][c];
    }
    header.srow[c][3] = affine.origin[c];
  }
}

// "Method 2" of the standard.
Affine QformOf(const NiftiHeader& header) {
  const auto [b, c, d] = header.quatern;
  const double a = std::sqrt(std::max(0.0, 1 - b * b - c * c - d * d));
  Affine affine = {
      .step = {Vector{a * a + b * b - c * c - d * d, 2 * (b * c + a * d),
                      2 * (b * d - a * c)},
               Vector{2 * (b * c - a * d), a * a + c * c - b * b - d * d,
                      2 * (c * d + a * b)},
               Vector{2 * (b * d + a * c), 2 * (c * d - a * b),
                      a * a + d * d - c * c - b * b}},
      .origin = header.qoffset};
  for (size_t axis = 0; axis < 3; ++axis) {
    for (double& value : affine.step[axis]) {
      value *= std::abs(header.pixdim[axis + 1]);
      if (axis == 2 && header.pixdim[0] < 0) value = -value;
    }
  }
  return affine;
}

// Of a proper rotation, whose columns are `r`; the first component is not
// negative.
Vector QuaternionOf(const std::array<Vector, 3>& r) {
  const double trace = r[0][0] + r[1][1] + r[2][2];
  std::array<double, 4> q;  // a, b, c, d
  if (trace > 0) {
    const double s = 2 * std::sqrt(1 + trace);
    q = {s / 4, (r[1][2] - r[2][1]) / s, (r[2][0] - r[0][2]) / s,
         (r[0][1] - r[1][0]) / s};
  } else {
    size_t i = 0;
    if (r[1][1] > r[0][0]) i = 1;
    if (r[2][2] > r[i][i]) i = 2;
    const size_t j = (i + 1) % 3;
    const size_t k = (i + 2) % 3;
    const double s = 2 * std::sqrt(1 + r[i][i] - r[j][j] - r[k][k]);
    q[0] = (r[j][k] - r[k][j]) / s;
    q[1 + i] = s / 4;
    q[1 + j] = (r[i][j] + r[j][i]) / s;
    q[1 + k] = (r[i][k] + r[k][i]) / s;
  }
  const double sign = q[0] < 0 ? -1 : 1;
  return {sign * q[1], sign * q[2], sign * q[3]};
}

// False if the axes are not at right angles: no quaternion can say that.
bool SetQform(const Affine& affine, NiftiHeader& header) {
  std::array<Vector, 3> r = affine.step;
  for (size_t axis = 0; axis < 3; ++axis) {
    const double length = Length(r[axis]);
    if (!(length > 0) || !std::isfinite(length)) return false;
    for (double& value : r[axis]) value /= length;
    header.pixdim[axis + 1] = length;
  }
  constexpr double kRight = 1e-6;
  if (std::abs(Dot(r[0], r[1])) > kRight ||
      std::abs(Dot(r[0], r[2])) > kRight ||
      std::abs(Dot(r[1], r[2])) > kRight) {
    return false;
  }
  const Vector cross = {r[0][1] * r[1][2] - r[0][2] * r[1][1],
                        r[0][2] * r[1][0] - r[0][0] * r[1][2],
                        r[0][0] * r[1][1] - r[0][1] * r[1][0]};
  header.pixdim[0] = 1;
  if (Dot(cross, r[2]) < 0) {
    header.pixdim[0] = -1;
    for (double& value : r[2]) value = -value;
  }
  header.quatern = QuaternionOf(r);
  header.qoffset = affine.origin;
  return true;
}

// Which axes of the scanner the axes of the file are: two bits for each.
void MoveDimInfo(const PixelMap& map, NiftiHeader& header) {
  const bool is_turned = std::abs(map.xx) < std::abs(map.xy);
  uint8_t moved = 0;
  for (int shift = 0; shift < 6; shift += 2) {
    int axis = header.dim_info >> shift & 3;
    if (is_turned && (axis == 1 || axis == 2)) axis = 3 - axis;
    moved = static_cast<uint8_t>(moved | axis << shift);
  }
  header.dim_info = moved;
  // The times of slices that are no longer where they were.
  if ((moved >> 4 & 3) != 3) {
    header.slice_code = 0;
    header.slice_start = 0;
    header.slice_end = 0;
    header.slice_duration = 0;
  }
}

}  // namespace

size_t NiftiHeaderSize(std::span<const std::byte, 4> first) {
  for (const bool is_big_endian : {false, true}) {
    int32_t size = 0;
    FieldReader(first, is_big_endian).Number<int32_t>(0, size);
    if (size == kSize1 || size == kSize2) return static_cast<size_t>(size);
  }
  return 0;
}

absl::StatusOr<NiftiHeader> ParseNiftiHeader(std::span<const std::byte> bytes) {
  NiftiHeader header;
  header.is_version_2 = bytes.size() == kSize2;
  header.is_big_endian = bytes[0] == std::byte{0};
  const size_t magic_at = header.is_version_2 ? kMagic2At : kMagic1At;
  std::array<char, 4> magic;
  std::memcpy(magic.data(), &bytes[magic_at], magic.size());
  const char version = header.is_version_2 ? '2' : '1';
  if (magic[0] != 'n' || magic[2] != version || magic[3] != '\0') {
    return NotSupported(kFormat, "a header that is not NIfTI's (ANALYZE)");
  }
  if (magic[1] == 'i') {
    return NotSupported(kFormat, "their voxels in a file of their own");
  }
  if (magic[1] != '+') {
    return NotSupported(kFormat, "a header that is not NIfTI's (ANALYZE)");
  }
  const FieldReader field(bytes, header.is_big_endian);
  if (header.is_version_2) {
    VisitVersion2(field, header);
  } else {
    VisitVersion1(field, header);
  }
  return header;
}

std::vector<std::byte> NiftiHeaderBytes(const NiftiHeader& header) {
  std::vector<std::byte> bytes(header.size());
  const FieldWriter field(bytes);
  field.Number<int32_t>(0, header.size());
  if (header.is_version_2) {
    std::memcpy(&bytes[kMagic2At], "n+2\0\r\n\032\n", 8);
    VisitVersion2(field, header);
  } else {
    bytes[38] = std::byte{'r'};
    std::memcpy(&bytes[kMagic1At], "n+1", 4);
    VisitVersion1(field, header);
  }
  return bytes;
}

void MoveNiftiPixels(NiftiHeader& header, const std::optional<PixelMap>& map) {
  if (!map.has_value()) {
    header.qform_code = 0;
    header.sform_code = 0;
    header.dim_info = 0;
    header.slice_code = 0;
    header.pixdim[0] = 1;
    header.pixdim[1] = 1;
    header.pixdim[2] = 1;
    return;
  }
  if (*map == PixelMap()) return;
  MoveDimInfo(*map, header);
  // Sizes of pixels count even without a qform.
  const double width = std::abs(header.pixdim[1]);
  const double height = std::abs(header.pixdim[2]);
  const double moved_width = std::hypot(map->xx * width, map->yx * height);
  const double moved_height = std::hypot(map->xy * width, map->yy * height);
  if (header.sform_code != 0) {
    Affine affine = SformOf(header);
    affine.Move(*map);
    SetSform(affine, header);
  }
  if (header.qform_code != 0) {
    Affine affine = QformOf(header);
    affine.Move(*map);
    if (!SetQform(affine, header)) {
      header.qform_code = 0;
      header.pixdim[0] = 1;
    }
  }
  header.pixdim[1] = moved_width;
  header.pixdim[2] = moved_height;
}

}  // namespace imageadapt
