// We as the server does it: the use case of ImageProcessingService, on threads
// of a pool of workers.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <semaphore>
#include <utility>

#include "bench/codec_contender.h"
#include "imageadapt/exec/memory_budget.h"
#include "imageadapt/exec/worker_pool.h"
#include "imageadapt/service/image_processing.h"

namespace imageadapt::bench {
namespace {

constexpr uint64_t kBudget = uint64_t{4} << 30;

struct State {
  explicit State(int threads) : workers(static_cast<size_t>(threads)) {}

  BufferPool buffers{size_t{2} << 30};
  WorkerPool workers;
  MemoryBudget budget{kBudget};
  const ImageProcessing processing{DecodeLimits{}, kBudget};
  OperationSpecs operations;
  ByteRope file;
  std::vector<Buffer> blocks;
  std::string bytes;
};

void Fail(const absl::Status& status) {
  std::fprintf(stderr, "bench: %s\n", status.ToString().c_str());
  std::exit(1);
}

void Process(State& state, const OutputFormat& output) {
  // First, so that their memory is used again.
  state.blocks.clear();
  MemoryBudget::Reservation memory = *state.budget.TryReserve(0);
  const CallContext call;
  const Workspace work{.call = call,
                       .workers = state.workers,
                       .buffers = state.buffers,
                       .memory = memory};
  auto result =
      state.processing.Process(state.file, state.operations, output, work);
  if (!result.ok()) Fail(result.status());
  state.blocks = std::move(result->file);
}

}  // namespace

std::optional<CodecContender> MakeOurCodec(const CodecRow& row,
                                           std::span<const std::byte> file) {
  const auto state = std::make_shared<State>(row.threads);
  state->operations.Add()->mutable_rotate()->set_angle_degrees(90);
  state->file.Append(file);
  OutputFormat output;
  if (row.is_fast) output.effort = EncodeOptions::Effort::kFast;
  const auto run = [state, output] {
    std::binary_semaphore done{0};
    state->workers.Post([&] {
      Process(*state, output);
      done.release();
    });
    done.acquire();
  };
  const auto result = [state] {
    state->bytes = RopeOf(state->blocks).ToString();
    return std::as_bytes(std::span(state->bytes));
  };
  return CodecContender{.run = run, .result = result};
}

}  // namespace imageadapt::bench
