#include "imageadapt/kernels/in_place_transposition.h"

#include <algorithm>
#include <cstring>

#include "imageadapt/kernels/in_place_chunks.h"
#include "imageadapt/kernels/pixel_moves.h"

namespace imageadapt {
namespace {

using Method = InPlacePlan::Method;

constexpr size_t kLine = 64;        // bytes of a cache line
constexpr size_t kTileBytes = 256;  // of a row of a square's tile

constexpr size_t UpToLine(size_t bytes) {
  return (bytes + kLine - 1) / kLine * kLine;
}

// A rectangle of pixels in memory.
struct Rectangle {
  uint8_t* first = nullptr;
  size_t stride = 0;  // bytes
  size_t width = 0;
  size_t height = 0;
};

void Turn(const Rectangle& source, InPlaceMirror mirror, size_t pixel_bytes,
          uint8_t* target, size_t target_stride) {
  PixelTransposition plan = {
      .source = source.first,
      .source_stride = static_cast<ptrdiff_t>(source.stride),
      .source_width = source.width,
      .source_height = source.height,
      .target = target,
      .target_stride = static_cast<ptrdiff_t>(target_stride)};
  if (mirror == InPlaceMirror::kRows) {
    plan.source += (source.height - 1) * source.stride;
    plan.source_stride = -plan.source_stride;
  } else if (mirror == InPlaceMirror::kColumns) {
    plan.target += (source.width - 1) * target_stride;
    plan.target_stride = -plan.target_stride;
  }
  TransposePixels(pixel_bytes, plan);
}

// Rows that lie `stride` apart are copied to where they are packed.
void Pack(const Rectangle& source, size_t pixel_bytes, uint8_t* target) {
  const size_t row_bytes = source.width * pixel_bytes;
  if (source.stride == row_bytes) {
    std::memmove(target, source.first, row_bytes * source.height);
    return;
  }
  for (size_t y = 0; y < source.height; ++y) {
    std::memmove(target + y * row_bytes, source.first + y * source.stride,
                 row_bytes);
  }
}

// Turns `source` through scratch; `target` may be where it stands.
void TurnThroughScratch(const Rectangle& source, InPlaceMirror mirror,
                        size_t pixel_bytes, uint8_t* target, uint8_t* scratch) {
  const size_t row_bytes = source.height * pixel_bytes;
  Turn(source, mirror, pixel_bytes, scratch, row_bytes);
  std::memcpy(target, scratch, source.width * row_bytes);
}

// The places of a matrix's chunks.
class Places {
 public:
  explicit Places(const ChunkMatrix& matrix) : matrix_(matrix) {}

  // Copies `count` chunks from packed memory to the places from `first` on.
  void Put(const uint8_t* chunks, size_t first, size_t count) const {
    ForRuns(first, count, [&](uint8_t* places, size_t bytes) {
      std::memcpy(places, chunks, bytes);
      chunks += bytes;
    });
  }
  void Take(size_t first, size_t count, uint8_t* chunks) const {
    ForRuns(first, count, [&](const uint8_t* places, size_t bytes) {
      std::memcpy(chunks, places, bytes);
      chunks += bytes;
    });
  }

 private:
  template <typename Work>
  void ForRuns(size_t first, size_t count, Work&& work) const {
    while (count > 0) {
      const size_t run = first / matrix_.run;
      const size_t some = std::min(count, (run + 1) * matrix_.run - first);
      work(
          matrix_.first + first * matrix_.chunk_bytes + run * matrix_.gap_bytes,
          some * matrix_.chunk_bytes);
      first += some;
      count -= some;
    }
  }

  const ChunkMatrix& matrix_;
};

// The work on one matrix.
class Transposer {
 public:
  Transposer(const InPlacePlan& plan, InPlaceMirror mirror, uint8_t* pixels,
             size_t stride, std::span<std::byte> scratch)
      : plan_(plan),
        mirror_(mirror),
        source_{.first = pixels,
                .stride = stride,
                .width = plan.width,
                .height = plan.height},
        part_(reinterpret_cast<uint8_t*>(scratch.data())),
        rest_(part_ + UpToLine(plan.PartBytes())),
        marks_(
            reinterpret_cast<uint64_t*>(rest_ + UpToLine(plan.RestBytes()))) {}

  void Run() {
    switch (plan_.method) {
      case Method::kLine:
        return TurnLine();
      case Method::kWhole:
        return TurnThroughScratch(source_, mirror_, plan_.pixel_bytes,
                                  source_.first, part_);
      case Method::kSquare:
        return TurnSquare();
      case Method::kPanelsFirst:
        return PanelsFirst();
      case Method::kChunksFirst:
        return ChunksFirst();
    }
  }

 private:
  size_t Bytes(size_t pixels) const { return pixels * plan_.pixel_bytes; }

  void Packed() {
    if (source_.stride == Bytes(source_.width)) return;
    Pack(source_, plan_.pixel_bytes, source_.first);
    source_.stride = Bytes(source_.width);
  }

  void TurnLine() {
    Packed();
    const size_t length = source_.width * source_.height;
    const bool reverses = source_.height == 1
                              ? mirror_ == InPlaceMirror::kColumns
                              : mirror_ == InPlaceMirror::kRows;
    if (!reverses) return;
    uint8_t* const second = source_.first + Bytes(length - length / 2);
    SwapReversedPixels(plan_.pixel_bytes, source_.first, second, length / 2);
  }

  void PanelsFirst() {
    const size_t panels = source_.height / plan_.part;
    ChunkMatrix matrix = {.first = source_.first,
                          .chunk_bytes = plan_.ChunkBytes(),
                          .rows = panels,
                          .columns = source_.width,
                          .run = panels,
                          .mirrors_rows = mirror_ == InPlaceMirror::kRows};
    if (plan_.part == 1) {
      Packed();
      matrix.mirrors_columns = mirror_ == InPlaceMirror::kColumns;
      MoveChunks(matrix);
    } else if (plan_.rest == 0) {
      TurnPanels(Rows(0, plan_.part), plan_.part * source_.stride, panels);
      matrix.rows_lead = true;
      MoveChunks(matrix);
    } else {
      Packed();
      const size_t others = panels * plan_.part;
      const bool rest_stands_first = mirror_ == InPlaceMirror::kRows;
      Pack(Rows(others, plan_.rest), plan_.pixel_bytes, rest_);
      matrix.first += rest_stands_first ? Bytes(plan_.rest) : 0;
      matrix.gap_bytes = Bytes(plan_.rest);
      SpreadPanels(matrix);
      MoveChunks(matrix);
      Turn({.first = rest_,
            .stride = Bytes(source_.width),
            .width = source_.width,
            .height = plan_.rest},
           mirror_, plan_.pixel_bytes,
           source_.first + (rest_stands_first ? 0 : Bytes(others)),
           Bytes(source_.height));
    }
  }

  Rectangle Rows(size_t first, size_t count) const {
    return {.first = source_.first + first * source_.stride,
            .stride = source_.stride,
            .width = source_.width,
            .height = count};
  }

  // Turns `count` panels, `distance` bytes apart, into packed memory: the first
  // by way of scratch to the end, each other one to where the one before it
  // stood, which is in the cache and need not be copied.
  void TurnPanels(Rectangle panel, size_t distance, size_t count) const {
    const size_t row_bytes = Bytes(panel.height);
    const size_t panel_bytes = panel.width * row_bytes;
    Turn(panel, mirror_, plan_.pixel_bytes, part_, row_bytes);
    uint8_t* target = source_.first;
    for (size_t i = 1; i < count; ++i) {
      panel.first += distance;
      Turn(panel, mirror_, plan_.pixel_bytes, target, row_bytes);
      target += panel_bytes;
    }
    std::memcpy(target, part_, panel_bytes);
  }

  // Turns panels of packed rows and writes their chunks to the places of
  // `matrix`. Those are never before where they came from.
  void SpreadPanels(const ChunkMatrix& matrix) const {
    for (size_t i = matrix.rows; i-- > 0;) {
      Turn(Rows(i * plan_.part, plan_.part), mirror_, plan_.pixel_bytes, part_,
           matrix.chunk_bytes);
      Places(matrix).Put(part_, i * matrix.columns, matrix.columns);
    }
  }

  void ChunksFirst() {
    const size_t panels = source_.width / plan_.part;
    const size_t others = panels * plan_.part;
    const bool takes_first = mirror_ == InPlaceMirror::kColumns;
    ChunkMatrix matrix = {.first = source_.first,
                          .chunk_bytes = plan_.ChunkBytes(),
                          .rows = source_.height,
                          .columns = panels,
                          .run = panels,
                          .gap_bytes = source_.stride - Bytes(others),
                          .mirrors_columns = takes_first};
    Rectangle panel = {.first = source_.first,
                       .stride = matrix.chunk_bytes,
                       .width = plan_.part,
                       .height = source_.height};
    const size_t panel_bytes = Bytes(plan_.part * source_.height);
    if (matrix.gap_bytes == 0) {
      matrix.columns_lag = true;
      MoveChunks(matrix);
      TurnPanels(panel, panel_bytes, panels);
      return;
    }
    Rectangle rest = source_;
    rest.width = plan_.rest;
    if (takes_first) {
      matrix.first += Bytes(plan_.rest);
    } else {
      rest.first += Bytes(others);
    }
    Pack(rest, plan_.pixel_bytes, rest_);
    MoveChunks(matrix);
    // Panels are packed on their way through scratch.
    panel.first = part_;
    for (size_t i = 0; i < panels; ++i) {
      Places(matrix).Take(i * matrix.rows, matrix.rows, part_);
      Turn(panel, mirror_, plan_.pixel_bytes, source_.first + i * panel_bytes,
           Bytes(source_.height));
    }
    if (plan_.rest == 0) return;
    rest.first = rest_;
    rest.stride = Bytes(plan_.rest);
    Turn(rest, mirror_, plan_.pixel_bytes, source_.first + panels * panel_bytes,
         Bytes(source_.height));
  }

  void MoveChunks(const ChunkMatrix& matrix) const {
    if (matrix.rows == 1 && !matrix.mirrors_columns) return;
    if (matrix.columns == 1 && !matrix.mirrors_rows) return;
    TransposeChunks(matrix, marks_);
  }

  // A tile of the square; its four places follow each other as the square is
  // turned counter-clockwise.
  Rectangle Tile(size_t x, size_t y, size_t width, size_t height) const {
    return {.first = source_.first + y * source_.stride + Bytes(x),
            .stride = source_.stride,
            .width = width,
            .height = height};
  }

  void TurnTile(const Rectangle& from, const Rectangle& to) const {
    Turn(from, mirror_, plan_.pixel_bytes, to.first, to.stride);
  }

  Rectangle Keep(const Rectangle& tile) const {
    Pack(tile, plan_.pixel_bytes, part_);
    return {.first = part_,
            .stride = Bytes(tile.width),
            .width = tile.width,
            .height = tile.height};
  }

  void TurnSquare() {
    Packed();
    const size_t side = source_.width;
    const bool turns = mirror_ != InPlaceMirror::kNone;
    const size_t height = turns ? side / 2 : side;
    for (size_t y = 0; y < height; y += plan_.part) {
      const size_t rows = std::min(plan_.part, height - y);
      const size_t width = turns ? side - side / 2 : y + rows;
      for (size_t x = 0; x < width; x += plan_.part) {
        const size_t columns = std::min(plan_.part, width - x);
        if (turns) {
          TurnFourTiles(x, y, columns, rows);
        } else {
          TransposeTwoTiles(x, y, columns, rows);
        }
      }
    }
  }

  void TransposeTwoTiles(size_t x, size_t y, size_t width, size_t height) {
    const Rectangle tile = Tile(x, y, width, height);
    const Rectangle mirrored = Tile(y, x, height, width);
    const Rectangle kept = Keep(tile);
    if (x != y) TurnTile(mirrored, tile);
    TurnTile(kept, mirrored);
  }

  void TurnFourTiles(size_t x, size_t y, size_t width, size_t height) {
    const size_t side = source_.width;
    const Rectangle top = Tile(x, y, width, height);
    const Rectangle left = Tile(y, side - x - width, height, width);
    const Rectangle bottom =
        Tile(side - x - width, side - y - height, width, height);
    const Rectangle right = Tile(side - y - height, x, height, width);
    const bool counter_clockwise = mirror_ == InPlaceMirror::kColumns;
    const Rectangle& second = counter_clockwise ? left : right;
    const Rectangle& fourth = counter_clockwise ? right : left;
    const Rectangle kept = Keep(top);
    TurnTile(fourth, top);
    TurnTile(bottom, fourth);
    TurnTile(second, bottom);
    TurnTile(kept, second);
  }

  const InPlacePlan plan_;
  const InPlaceMirror mirror_;
  Rectangle source_;
  uint8_t* const part_;
  uint8_t* const rest_;
  uint64_t* const marks_;
};

// Passes over memory, in units of one; measured.
double Cost(const InPlacePlan& plan) {
  const auto chunk_bytes = static_cast<double>(plan.ChunkBytes());
  const double moving = 1.0 + 100.0 / chunk_bytes;
  const double turning = plan.PartBytes() > (size_t{3} << 18) ? 1.2 : 1.0;
  // Chunks of whole lines are whole tiles, too (1931 x 1087 pixels of 3 bytes:
  // 0.40 ms with chunks of 576 bytes, 0.50 ms with 723).
  const double splitting = plan.ChunkBytes() % kLine == 0 ? 0.0 : 0.1;
  const double spreading = plan.rest > 0 ? 0.7 + splitting : 0.0;
  return moving + turning + spreading;
}

}  // namespace

size_t InPlacePlan::PartBytes() const {
  switch (method) {
    case Method::kLine:
      return 0;
    case Method::kWhole:
      return width * height * pixel_bytes;
    case Method::kSquare:
      return part * part * pixel_bytes;
    case Method::kPanelsFirst:
      return part == 1 ? 0 : part * width * pixel_bytes;
    case Method::kChunksFirst:
      return part * height * pixel_bytes;
  }
  return 0;
}

size_t InPlacePlan::RestBytes() const {
  return rest * pixel_bytes * (method == Method::kPanelsFirst ? width : height);
}

size_t InPlacePlan::ChunkBytes() const { return part * pixel_bytes; }

size_t InPlacePlan::Chunks() const {
  if (method == Method::kPanelsFirst) return height / part * width;
  if (method == Method::kChunksFirst) return width / part * height;
  return 0;
}

size_t InPlacePlan::ScratchBytes() const {
  return UpToLine(PartBytes()) + UpToLine(RestBytes()) +
         ChunkMarkBytes(Chunks());
}

InPlacePlan PlanInPlace(size_t width, size_t height, size_t pixel_bytes,
                        size_t max_bytes) {
  // Less what is lost by rounding up.
  const size_t limit = max_bytes - 3 * kLine;
  InPlacePlan plan = {
      .pixel_bytes = pixel_bytes, .width = width, .height = height};
  if (width == 1 || height == 1) {
    plan.method = Method::kLine;
    return plan;
  }
  // Without the product, which may be too large for a number.
  if (width <= limit / (height * pixel_bytes)) return plan;
  if (width == height) {
    plan.method = Method::kSquare;
    plan.part = kTileBytes / pixel_bytes;
    while (plan.PartBytes() > limit) plan.part /= 2;
    return plan;
  }
  plan.method = Method::kPanelsFirst;
  plan.part = 1;
  InPlacePlan best = plan;
  for (const Method method : {Method::kPanelsFirst, Method::kChunksFirst}) {
    plan.method = method;
    const bool by_rows = method == Method::kPanelsFirst;
    const size_t side = by_rows ? height : width;
    const size_t other = by_rows ? width : height;
    const size_t most = std::min(kMaxChunkBytes, limit / other) / pixel_bytes;
    for (size_t part = 2; part <= std::min(side, most); ++part) {
      plan.part = part;
      plan.rest = side % part;
      if (plan.PartBytes() + plan.RestBytes() > limit) continue;
      if (Cost(plan) < Cost(best)) best = plan;
    }
  }
  return best;
}

void TransposeInPlace(const InPlacePlan& plan, InPlaceMirror mirror,
                      uint8_t* pixels, size_t stride,
                      std::span<std::byte> scratch) {
  Transposer(plan, mirror, pixels, stride, scratch).Run();
}

}  // namespace imageadapt
