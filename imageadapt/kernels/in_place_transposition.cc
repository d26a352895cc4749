#include "imageadapt/kernels/in_place_transposition.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "imageadapt/kernels/pixel_moves.h"

namespace imageadapt {
namespace {

using Method = InPlacePlan::Method;

constexpr size_t kLine = 64;  // bytes of a cache line
constexpr size_t kMaxChunkBytes = 4096;
constexpr size_t kTileBytes = 256;  // of a row of a square's tile

constexpr size_t UpToLine(size_t bytes) {
  return (bytes + kLine - 1) / kLine * kLine;
}

constexpr size_t MarkBytes(size_t chunks) { return (chunks + 63) / 64 * 8; }

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

// Chunks in rows and columns, to be transposed whole.
struct ChunkMatrix {
  uint8_t* first = nullptr;
  size_t chunk_bytes = 0;
  size_t rows = 0;
  size_t columns = 0;
  bool mirrors_rows = false;  // before they are transposed
  bool mirrors_columns = false;
};

// Moves the chunks of a matrix along the cycles of their permutation. Moves are
// decided `ahead_` earlier than they are made, and what they move is fetched.
class ChunkMover {
 public:
  ChunkMover(const ChunkMatrix& matrix, uint64_t* marks)
      : matrix_(matrix), marks_(marks) {}

  void Run() {
    const size_t count = matrix_.rows * matrix_.columns;
    std::memset(marks_, 0, MarkBytes(count));
    for (size_t word = 0; word * 64 < count; ++word) {
      for (;;) {
        const size_t start =
            word * 64 + static_cast<size_t>(std::countr_one(marks_[word]));
        if (start >= std::min(count, word * 64 + 64)) break;
        FollowCycle(start);
      }
    }
    while (made_ < decided_) Make(queue_[made_++ % kQueue]);
  }

 private:
  static constexpr size_t kQueue = 32;
  static constexpr size_t kHeld = ~size_t{0};  // instead of a place

  struct Move {
    size_t from = 0;
    size_t to = 0;
  };

  // The place of what is to stand at `place`.
  size_t Source(size_t place) const {
    size_t column = place / matrix_.rows;
    size_t row = place - column * matrix_.rows;
    if (matrix_.mirrors_rows) row = matrix_.rows - 1 - row;
    if (matrix_.mirrors_columns) column = matrix_.columns - 1 - column;
    return row * matrix_.columns + column;
  }

  void FollowCycle(size_t start) {
    Mark(start);
    size_t from = Source(start);
    if (from == start) return;
    Decide({.from = start, .to = kHeld});
    size_t to = start;
    while (from != start) {
      Mark(from);
      Decide({.from = from, .to = to});
      to = from;
      from = Source(from);
    }
    Decide({.from = kHeld, .to = to});
  }

  void Mark(size_t place) { marks_[place / 64] |= uint64_t{1} << (place % 64); }

  void Decide(const Move& move) {
    if (move.from != kHeld) {
      const uint8_t* const chunk = At(move.from);
      for (size_t i = 0; i < matrix_.chunk_bytes; i += kLine) {
        __builtin_prefetch(chunk + i, 1);
      }
      __builtin_prefetch(chunk + matrix_.chunk_bytes - 1, 1);
    }
    queue_[decided_++ % kQueue] = move;
    if (decided_ - made_ > ahead_) Make(queue_[made_++ % kQueue]);
  }

  void Make(const Move& move) {
    std::memcpy(At(move.to), At(move.from), matrix_.chunk_bytes);
  }

  uint8_t* At(size_t place) {
    return place == kHeld ? held_ : matrix_.first + place * matrix_.chunk_bytes;
  }

  const ChunkMatrix matrix_;
  uint64_t* const marks_;
  const size_t ahead_ = std::clamp<size_t>(8192 / matrix_.chunk_bytes, 2, 24);
  Move queue_[kQueue];
  size_t decided_ = 0;
  size_t made_ = 0;
  uint8_t held_[kMaxChunkBytes];
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
    const size_t turned_rows = panels * plan_.part;
    if (plan_.rest > 0) {
      Pack(Rows(turned_rows, plan_.rest), plan_.pixel_bytes, rest_);
    }
    const bool by_pixel = plan_.part == 1;
    if (by_pixel) {
      Packed();
    } else {
      for (size_t i = 0; i < panels; ++i) {
        TurnThroughScratch(
            Rows(i * plan_.part, plan_.part), mirror_, plan_.pixel_bytes,
            source_.first + Bytes(i * plan_.part * source_.width), part_);
      }
    }
    MoveChunks(
        {.first = source_.first,
         .chunk_bytes = plan_.ChunkBytes(),
         .rows = panels,
         .columns = source_.width,
         .mirrors_rows = mirror_ == InPlaceMirror::kRows,
         .mirrors_columns = by_pixel && mirror_ == InPlaceMirror::kColumns});
    if (plan_.rest > 0) SpreadRows(Bytes(turned_rows));
  }

  Rectangle Rows(size_t first, size_t count) const {
    return {.first = source_.first + first * source_.stride,
            .stride = source_.stride,
            .width = source_.width,
            .height = count};
  }

  // Makes room between the rows, now `row_bytes` long, and puts the rest there.
  void SpreadRows(size_t row_bytes) {
    const bool rest_stands_first = mirror_ == InPlaceMirror::kRows;
    const size_t stride = Bytes(source_.height);
    uint8_t* const rest_target =
        source_.first + (rest_stands_first ? 0 : row_bytes);
    uint8_t* const target =
        source_.first + (rest_stands_first ? Bytes(plan_.rest) : 0);
    for (size_t row = source_.width; row-- > 0;) {
      std::memmove(target + row * stride, source_.first + row * row_bytes,
                   row_bytes);
    }
    Turn({.first = rest_,
          .stride = Bytes(source_.width),
          .width = source_.width,
          .height = plan_.rest},
         mirror_, plan_.pixel_bytes, rest_target, stride);
  }

  void ChunksFirst() {
    const size_t panels = source_.width / plan_.part;
    const size_t panel_bytes = Bytes(plan_.part * source_.height);
    TakeColumns();
    MoveChunks({.first = source_.first,
                .chunk_bytes = plan_.ChunkBytes(),
                .rows = source_.height,
                .columns = panels,
                .mirrors_columns = mirror_ == InPlaceMirror::kColumns});
    for (size_t i = 0; i < panels; ++i) {
      uint8_t* const panel = source_.first + i * panel_bytes;
      TurnThroughScratch({.first = panel,
                          .stride = Bytes(plan_.part),
                          .width = plan_.part,
                          .height = source_.height},
                         mirror_, plan_.pixel_bytes, panel, part_);
    }
    if (plan_.rest == 0) return;
    Turn({.first = rest_,
          .stride = Bytes(plan_.rest),
          .width = plan_.rest,
          .height = source_.height},
         mirror_, plan_.pixel_bytes, source_.first + panels * panel_bytes,
         Bytes(source_.height));
  }

  // Sets the rest aside, the columns that become the last rows, and packs the
  // others.
  void TakeColumns() {
    const bool takes_first = mirror_ == InPlaceMirror::kColumns;
    const size_t kept = source_.width - plan_.rest;
    Rectangle rest = source_;
    Rectangle others = source_;
    rest.width = plan_.rest;
    others.width = kept;
    (takes_first ? others.first : rest.first) +=
        Bytes(takes_first ? plan_.rest : kept);
    if (plan_.rest > 0) Pack(rest, plan_.pixel_bytes, rest_);
    if (source_.stride != Bytes(kept)) {
      Pack(others, plan_.pixel_bytes, source_.first);
    }
  }

  void MoveChunks(const ChunkMatrix& matrix) {
    if (matrix.rows == 1 && !matrix.mirrors_columns) return;
    if (matrix.columns == 1 && !matrix.mirrors_rows) return;
    ChunkMover(matrix, marks_).Run();
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
  const double spreading = plan.rest > 0 ? 0.7 : 0.0;
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
  return UpToLine(PartBytes()) + UpToLine(RestBytes()) + MarkBytes(Chunks());
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
  if (plan.PartBytes() <= limit) return plan;
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
