#include "bench/codec_measure.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "bench/peers.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/codec.h"
#include "imageadapt/image/image.h"

namespace imageadapt::bench {
namespace {

// What takes longer, runs once more only.
constexpr double kRunsOnceSeconds = 1;
constexpr size_t kFewestRounds = 3;

struct Entry {
  const char* name = "";
  CodecContender contender;
  double first_seconds = 0;
  std::vector<double> samples;
  double spent = 0;

  bool WantsMore(double share) const {
    if (first_seconds >= kRunsOnceSeconds) return samples.empty();
    return samples.size() < kFewestRounds || spent < share;
  }

  Time Result() {
    const size_t quartile = (samples.size() - 1) / 4;
    std::ranges::nth_element(
        samples, samples.begin() + static_cast<ptrdiff_t>(quartile));
    return {.milliseconds = samples[quartile] * 1000};
  }
};

double RunOnce(const CodecContender& contender) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  contender.run();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

std::optional<Entry> Enter(const char* name, CodecContenderMaker make,
                           const CodecRow& row,
                           std::span<const std::byte> file) {
  if (make == nullptr) return std::nullopt;
  std::optional<CodecContender> contender = make(row, file);
  if (!contender.has_value()) return std::nullopt;
  Entry entry{.name = name, .contender = *std::move(contender), .samples = {}};
  entry.first_seconds = RunOnce(entry.contender);
  return entry;
}

template <typename T>
T OrEnd(absl::StatusOr<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "bench: %s\n", value.status().ToString().c_str());
  std::exit(1);
}

absl::StatusOr<std::string> Encode(const CodecRow& row,
                                   const AnyConstImageView& source,
                                   BufferPool& buffers) {
  const Codec* const codec = FindCodecByMimeType(
      row.format == CodecRow::Format::kJpeg ? "image/jpeg" : "image/png");
  BufferSink sink(buffers);
  ASSIGN_OR_RETURN(
      const std::unique_ptr<Encoder> encoder,
      codec->create(sink, source.spec(), {.quality = kJpegQuality}));
  RETURN_IF_ERROR(encoder->WriteRows(source));
  RETURN_IF_ERROR(encoder->Finish());
  const std::vector<Buffer> blocks = sink.TakeBlocks();
  return RopeOf(blocks).ToString();
}

absl::StatusOr<Image> Decode(std::span<const std::byte> file,
                             BufferPool& buffers) {
  const Codec* const codec =
      FindCodec(file.first(std::min<size_t>(32, file.size())));
  if (codec == nullptr) return absl::InvalidArgumentError("is no image");
  RopeSource source{ByteRope(file)};
  ASSIGN_OR_RETURN(const std::unique_ptr<Decoder> decoder,
                   codec->open(source, {}));
  ASSIGN_OR_RETURN(Image image, Image::Create(decoder->spec(), buffers));
  RETURN_IF_ERROR(decoder->ReadRows(image.view()));
  return image;
}

// "", or how a peer's file differs from ours.
std::string Compare(const CodecRow& row, const Image& ours, const Entry& peer,
                    BufferPool& buffers) {
  const absl::StatusOr<Image> theirs = Decode(peer.contender.result(), buffers);
  if (!theirs.ok()) return std::string(theirs.status().message());
  if (theirs->spec() != ours.spec()) return "has another shape";
  // To decode and encode again changes pixels by about one.
  const bool is_exact = row.format == CodecRow::Format::kPng ||
                        std::strcmp(peer.name, "turbojpeg") == 0;
  const double most_on_average = is_exact ? 0 : 2;
  double sum = 0;
  const ImageShape shape = ours.spec().shape;
  for (uint32_t y = 0; y < shape.height; ++y) {
    const auto left = ours.view().As<uint8_t>().row(y);
    const auto right = theirs->view().As<uint8_t>().row(y);
    for (size_t i = 0; i < left.size(); ++i)
      sum += std::abs(left[i] - right[i]);
  }
  const double mean =
      sum / (static_cast<double>(RowSamples(shape)) * shape.height);
  if (mean <= most_on_average) return "";
  return absl::StrCat("differs by ", mean, " on average");
}

// "source 8.21 MB; written by us 8.25, opencv 9.02".
std::string SizesNote(size_t source, std::span<Entry* const> entries) {
  const auto megabytes = [](size_t bytes) {
    return absl::StrFormat("%.3f", static_cast<double>(bytes) / 1e6);
  };
  std::string note =
      absl::StrCat("MB: read ", megabytes(source), "; written by");
  for (const Entry* const entry : entries) {
    absl::StrAppend(&note, entry == entries.front() ? " " : ", ", entry->name,
                    " ", megabytes(entry->contender.result().size()));
  }
  return note;
}

bool HasColumn(const char* name) {
  return std::ranges::any_of(Peers(), [name](const Peer& peer) {
    return std::strcmp(peer.name, name) == 0;
  });
}

}  // namespace

RowTimes MeasureCodec(const CodecRow& row, const AnyConstImageView& source,
                      double seconds, BufferPool& buffers) {
  const std::string bytes = OrEnd(Encode(row, source, buffers));
  const auto file = std::as_bytes(std::span(bytes));
  std::vector<std::optional<Entry>> all;
  all.push_back(Enter("ours", MakeOurCodec, row, file));
  for (const CodecPeer& peer : CodecPeers()) {
    all.push_back(Enter(peer.name, peer.make, row, file));
  }
  std::vector<Entry*> entries;
  for (std::optional<Entry>& entry : all) {
    if (entry.has_value()) entries.push_back(&*entry);
  }
  RowTimes times;
  {
    const Image ours =
        OrEnd(Decode(entries.front()->contender.result(), buffers));
    for (const Entry* const peer : std::span(entries).subspan(1)) {
      const std::string difference = Compare(row, ours, *peer, buffers);
      if (difference.empty()) continue;
      times.disagreements.push_back(absl::StrCat(peer->name, ": ", difference));
    }
  }
  const double share = seconds / static_cast<double>(entries.size());
  for (bool goes_on = true; goes_on;) {
    goes_on = false;
    for (Entry* const entry : entries) {
      if (!entry->WantsMore(share)) continue;
      entry->samples.push_back(RunOnce(entry->contender));
      entry->spent += entry->samples.back();
      goes_on = true;
    }
  }
  times.notes.push_back(SizesNote(file.size(), entries));
  times.ours = entries.front()->Result();
  times.peers.resize(Peers().size());
  for (Entry* const entry : std::span(entries).subspan(1)) {
    const Time time = entry->Result();
    if (!HasColumn(entry->name)) {
      times.notes.push_back(absl::StrFormat(
          "%s: %.1f ms, %.2f of ours", entry->name, time.milliseconds,
          time.milliseconds / times.ours->milliseconds));
      continue;
    }
    for (size_t i = 0; i < Peers().size(); ++i) {
      if (std::strcmp(Peers()[i].name, entry->name) == 0) times.peers[i] = time;
    }
  }
  return times;
}

}  // namespace imageadapt::bench
