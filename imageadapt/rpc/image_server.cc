#include "imageadapt/rpc/image_server.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "imageadapt/base/refusal.h"
#include "imageadapt/rpc/image_call.h"

namespace imageadapt {
namespace {

// One thread each. They only move messages; two keep up with the workers.
constexpr size_t kQueues = 2;

// Calls that each queue waits for at once. Those beyond wait inside gRPC, which
// puts no end to them, so this is more than arrive between two looks.
constexpr size_t kAwaitedCalls = 64;

// When a place is likely to be free again.
constexpr std::chrono::milliseconds kRetryAfter{500};

// How often phases are looked at: deadlines are kept this exactly.
constexpr std::chrono::milliseconds kTick{50};

// The server is idle after so many looks at no call, and then once more,
// because gRPC lets go of some memory later than of the call.
constexpr int kIdleTicks = 20;
constexpr int kLongIdleTicks = 100;

}  // namespace

ImageServer::ImageServer(const Resources& resources, const CallLimits& limits,
                         std::vector<ImageMethod> methods, Listeners listeners)
    : resources_(resources), limits_(limits), listeners_(std::move(listeners)) {
  for (ImageMethod& method : methods) {
    methods_.emplace(method.path, std::move(method));
  }
}

ImageServer::~ImageServer() = default;

void ImageServer::Register(grpc::ServerBuilder& builder) {
  builder.RegisterAsyncGenericService(&service_);
  for (size_t i = 0; i < kQueues; ++i) {
    queues_.push_back(builder.AddCompletionQueue());
  }
}

void ImageServer::Start() {
  for (size_t queue = 0; queue < queues_.size(); ++queue) {
    for (size_t i = 0; i < kAwaitedCalls; ++i) AwaitCall(queue);
    threads_.emplace_back([this, queue] { ServeQueue(*queues_[queue]); });
  }
  threads_.emplace_back([this] { WatchPhases(); });
}

void ImageServer::Shutdown() {
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return calls_.empty(); });
    ended_ = true;
    changed_.notify_all();
  }
  for (auto& queue : queues_) queue->Shutdown();
  threads_.clear();
}

void ImageServer::AwaitCall(size_t queue) {
  ImageCall::Await(*this, service_, *queues_[queue], queue);
}

const ImageMethod* ImageServer::FindMethod(const std::string& path) const {
  const auto found = methods_.find(path);
  return found == methods_.end() ? nullptr : &found->second;
}

void ImageServer::Add(const std::shared_ptr<ImageCall>& call) {
  const std::lock_guard lock(mutex_);
  calls_.emplace(call.get(), call);
}

void ImageServer::Remove(ImageCall* call) {
  const std::lock_guard lock(mutex_);
  calls_.erase(call);
  if (calls_.empty()) changed_.notify_all();
}

std::vector<std::shared_ptr<ImageCall>> ImageServer::LiveCalls() {
  std::vector<std::shared_ptr<ImageCall>> calls;
  const std::lock_guard lock(mutex_);
  calls.reserve(calls_.size());
  for (const auto& [key, call] : calls_) {
    if (auto alive = call.lock()) calls.push_back(std::move(alive));
  }
  return calls;
}

absl::Status ImageServer::Admit(Admission::Place& place,
                                MemoryBudget::Reservation& memory) {
  place = resources_.admission.TryEnter();
  if (!place.is_inside() && EvictStalledUpload()) {
    place = resources_.admission.TryEnter();
  }
  if (!place.is_inside()) {
    return Busy("the server is busy: all its places are taken", kRetryAfter);
  }
  // How long a message is nobody knows before it is read. Half of the memory is
  // for messages, the other half for the work on them.
  const uint64_t share =
      resources_.memory.limit() / (2 * resources_.admission.places());
  std::optional<MemoryBudget::Reservation> reserved =
      resources_.memory.TryReserve(std::min(share, limits_.max_message_bytes));
  if (!reserved.has_value()) {
    place.Leave();
    return Busy("the server is busy: no memory is free now", kRetryAfter);
  }
  memory = *std::move(reserved);
  return absl::OkStatus();
}

bool ImageServer::EvictStalledUpload() {
  const auto calls = LiveCalls();
  return std::any_of(calls.begin(), calls.end(),
                     [](const auto& call) { return call->LeaveIfStalled(); });
}

void ImageServer::ServeQueue(grpc::ServerCompletionQueue& queue) {
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) static_cast<ImageCall::Tag*>(tag)->Arrive(ok);
}

bool ImageServer::EndLatePhases() {
  const auto calls = LiveCalls();
  for (const auto& call : calls) call->EndLatePhase();
  return !calls.empty();
}

void ImageServer::WatchPhases() {
  int idle_ticks = kLongIdleTicks + 1;
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kTick, [this] { return ended_; })) {
    lock.unlock();
    const bool is_busy = EndLatePhases();
    idle_ticks = is_busy ? 0 : std::min(idle_ticks + 1, kLongIdleTicks + 1);
    if (idle_ticks == kIdleTicks || idle_ticks == kLongIdleTicks) {
      listeners_.on_idle();
    }
    lock.lock();
  }
}

}  // namespace imageadapt
