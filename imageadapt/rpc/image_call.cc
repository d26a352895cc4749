#include "imageadapt/rpc/image_call.h"

#include <algorithm>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/rpc/inflate_message.h"
#include "imageadapt/rpc/status_mapping.h"

namespace imageadapt {
namespace {

using std::chrono::milliseconds;

// When a place is likely to be free again.
constexpr milliseconds kRetryAfter{500};

// How long an upload is safe even if the server is full.
constexpr milliseconds kPatience{5'000};

// A caller may read as slowly as this, after the time that all have.
constexpr uint64_t kLeastBytesAMs = 10'000;

// How long a caller has at least for what was sent but is still under way.
constexpr milliseconds kLeastDelivery{500};

std::chrono::microseconds Since(ImageCall::Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::microseconds>(
      ImageCall::Clock::now() - start);
}

absl::Status TooSlow(absl::string_view what, milliseconds limit) {
  return absl::DeadlineExceededError(
      absl::StrCat("the ", what, " took longer than ", limit.count(), " ms"));
}

ByteRope RopeOfSlices(const std::vector<grpc::Slice>& slices) {
  ByteRope rope;
  for (const grpc::Slice& slice : slices) {
    rope.Append(std::as_bytes(std::span(slice.begin(), slice.size())));
  }
  return rope;
}

}  // namespace

void ImageCall::Await(ImageServer& server, grpc::AsyncGenericService& service,
                      grpc::ServerCompletionQueue& queue, size_t queue_number) {
  const auto call = std::make_shared<ImageCall>(server, queue_number);
  call->arrived_.Set(call, &ImageCall::OnArrived);
  call->done_.Set(call, &ImageCall::OnDone);
  call->context_.AsyncNotifyWhenDone(&call->done_);
  service.RequestCall(&call->context_, &call->stream_, &queue, &queue,
                      &call->arrived_);
}

ImageCall::ImageCall(ImageServer& server, size_t queue_number)
    : server_(server), queue_number_(queue_number), stream_(&context_) {}

ImageCall::~ImageCall() {
  if (phase_ == Phase::kAwaited) return;
  server_.listeners_.on_call(record_);
  // What is lent by the server goes back before the server may be gone.
  request_.Clear();
  place_.Leave();
  memory_ = MemoryBudget::Reservation();
  server_.Remove(this);
}

void ImageCall::OnArrived(bool ok) {
  if (!ok) {
    // The server is shutting down, and this call never was one: gRPC does not
    // report its end.
    done_.Drop();
    return;
  }
  server_.Add(shared_from_this());
  server_.AwaitCall(queue_number_);
  method_ = server_.FindMethod(context_.method());
  // May end another call, so not under this call's lock.
  absl::Status admitted = absl::UnimplementedError(
      absl::StrCat("no method has the path ", context_.method()));
  Admission::Place place;
  MemoryBudget::Reservation memory;
  if (method_ != nullptr) admitted = server_.Admit(place, memory);

  const std::lock_guard lock(mutex_);
  record_.method = context_.method();
  record_.peer = context_.peer();
  place_ = std::move(place);
  memory_ = std::move(memory);
  Enter(Phase::kUpload, server_.limits_.upload);
  if (!admitted.ok()) {
    Finish(admitted);
    return;
  }
  is_reading_ = true;
  read_.Set(shared_from_this(), &ImageCall::OnRead);
  stream_.Read(&request_, &read_);
}

void ImageCall::OnRead(bool ok) {
  const std::lock_guard lock(mutex_);
  is_reading_ = false;
  if (phase_ != Phase::kUpload) {
    request_.Clear();
    return;
  }
  // A call without a message, or one whose sender left half-way, gives no
  // buffer that may be touched.
  if (!ok || !request_.Valid()) {
    Finish(Refusal(absl::StatusCode::kInvalidArgument, kBadMessage,
                   "the call ended before its message was complete"));
    return;
  }
  if (const absl::Status status = Enqueue(); !status.ok()) Finish(status);
}

absl::Status ImageCall::Enqueue() {
  const uint64_t size = request_.Length();
  record_.request_bytes = size;
  if (size > memory_.limit()) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "a message of ", size,
                   " bytes is more than all the memory this server may use");
  }
  memory_.Shrink(size);
  if (memory_.bytes() < size && !memory_.TryGrow(size - memory_.bytes())) {
    return Busy(absl::StrCat("the server is busy: no memory is free now for a "
                             "message of ",
                             size, " bytes"),
                kRetryAfter);
  }
  Enter(Phase::kQueued, server_.limits_.queued);
  server_.resources_.workers.Post(
      [call = shared_from_this()] { call->Work(); });
  return absl::OkStatus();
}

void ImageCall::Work() {
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::kQueued) {
      place_.Leave();
      return;
    }
    record_.queued = Since(phase_began_);
    Enter(Phase::kWorking, server_.limits_.work);
  }
  const CallContext call(std::min(phase_ends_, CallersDeadline()), &cancelled_);
  absl::StatusOr<grpc::ByteBuffer> reply = Answer(call);

  const std::lock_guard lock(mutex_);
  record_.worked = Since(phase_began_);
  request_.Clear();
  if (reply.ok()) {
    FinishWith(*reply);
  } else {
    Finish(reply.status());
  }
}

// Libraries below may throw when memory ends; nothing else should, but a fault
// in one image must not end all calls.
absl::StatusOr<grpc::ByteBuffer> ImageCall::Answer(const CallContext& call) {
  try {
    const Workspace work = {.call = call,
                            .workers = server_.resources_.workers,
                            .buffers = server_.resources_.buffers,
                            .memory = memory_};
    RETURN_IF_ERROR(call.Check());
    std::vector<grpc::Slice> slices;
    if (!request_.Dump(&slices).ok()) {
      return Refusal(absl::StatusCode::kInternal, kBug, "unreadable message");
    }
    const ByteRope message = RopeOfSlices(slices);
    if (!IsGzip(message)) return method_->answer(message, work);
    ASSIGN_OR_RETURN(
        const std::vector<Buffer> inflated,
        InflateGzip(message, server_.limits_.max_message_bytes, work));
    return method_->answer(RopeOf(inflated), work);
  } catch (const std::bad_alloc&) {
    return Refusal(absl::StatusCode::kResourceExhausted, kOutOfMemory,
                   "the server has no memory left for this image");
  } catch (const std::exception& error) {
    return Refusal(absl::StatusCode::kInternal, kBug, error.what());
  }
}

void ImageCall::OnDone(bool /*ok*/) {
  if (!context_.IsCancelled()) return;
  cancelled_ = true;
  const std::lock_guard lock(mutex_);
  // Whoever left in the middle of a message, or of the answer to it.
  if (record_.status.ok() || absl::IsInvalidArgument(record_.status)) {
    record_.status = absl::CancelledError("the caller has left");
  }
  // A queued call is not worth waiting for any more; uploads and downloads end
  // by themselves, and the work looks at the flag.
  if (phase_ == Phase::kQueued) {
    Finish(absl::CancelledError("the caller has left"));
  } else if (phase_ == Phase::kDelivery) {
    EndDelivery();
  }
}

void ImageCall::OnWritten(bool ok) {
  const std::lock_guard lock(mutex_);
  if (!ok || cancelled_ || !server_.is_stopping()) {
    EndStream(absl::OkStatus());
    return;
  }
  // What is under way is a part of the reply, so it will not take longer than
  // all of it has taken until now.
  Enter(Phase::kDelivery,
        std::max(kLeastDelivery,
                 std::chrono::ceil<milliseconds>(Clock::now() - phase_began_)));
}

void ImageCall::OnFinished(bool /*ok*/) {
  const std::lock_guard lock(mutex_);
  phase_ = Phase::kOver;
  phase_ends_ = Clock::time_point::max();
  memory_ = MemoryBudget::Reservation();
}

void ImageCall::EndLatePhase() {
  const std::lock_guard lock(mutex_);
  if (Clock::now() < phase_ends_) return;
  switch (phase_) {
    case Phase::kUpload:
      Finish(TooSlow("upload", server_.limits_.upload));
      break;
    case Phase::kQueued:
      Finish(Busy(absl::StrCat("the server is busy: no worker was free for ",
                               server_.limits_.queued.count(), " ms"),
                  kRetryAfter));
      break;
    case Phase::kDownload:
      // The reply stays in memory until the caller reads it, so it must.
      record_.status = TooSlow("download", server_.limits_.download);
      context_.TryCancel();
      phase_ends_ = Clock::time_point::max();
      break;
    case Phase::kDelivery:
      EndDelivery();
      break;
    default:
      break;  // the work looks at its own deadline
  }
}

bool ImageCall::LeaveIfStalled() {
  const std::lock_guard lock(mutex_);
  if (phase_ != Phase::kUpload || Since(phase_began_) < kPatience) return false;
  if (!place_.is_inside()) return false;
  Finish(Busy(absl::StrCat("the server is busy, and this upload took longer "
                           "than ",
                           kPatience.count(), " ms"),
              kRetryAfter));
  return true;
}

void ImageCall::Enter(Phase phase, milliseconds limit) {
  phase_ = phase;
  phase_began_ = Clock::now();
  phase_ends_ = phase_began_ + limit;
}

void ImageCall::Finish(const absl::Status& status) {
  // What is queued stays in the pool's queue until a worker looks at it, and
  // only the places keep that queue short.
  const bool is_posted = phase_ == Phase::kQueued;
  Enter(Phase::kDownload, server_.limits_.download);
  record_.status = status;
  if (const auto pushback = PushbackMs(status)) {
    context_.AddTrailingMetadata("grpc-retry-pushback-ms",
                                 std::to_string(*pushback));
  }
  // There is no image to answer with, so the next call may have the place.
  if (!is_reading_) request_.Clear();
  if (!is_posted) place_.Leave();
  memory_.Shrink(0);
  EndStream(status);
}

void ImageCall::FinishWith(const grpc::ByteBuffer& reply) {
  Enter(Phase::kDownload, server_.limits_.download +
                              milliseconds(reply.Length() / kLeastBytesAMs));
  record_.reply_bytes = reply.Length();
  memory_.Shrink(reply.Length());
  // Whoever reads slowly holds memory, but no place.
  place_.Leave();
  written_.Set(shared_from_this(), &ImageCall::OnWritten);
  stream_.Write(reply, grpc::WriteOptions().set_no_compression(), &written_);
}

void ImageCall::EndDelivery() {
  Enter(Phase::kDownload, server_.limits_.download);
  EndStream(absl::OkStatus());
}

void ImageCall::EndStream(const absl::Status& status) {
  finished_.Set(shared_from_this(), &ImageCall::OnFinished);
  stream_.Finish(ToGrpcStatus(status), &finished_);
}

ImageCall::Clock::time_point ImageCall::CallersDeadline() const {
  using System = std::chrono::system_clock;
  const System::time_point deadline = context_.deadline();
  const System::time_point now = System::now();
  constexpr std::chrono::hours kFar{24};
  if (deadline > now + kFar) return Clock::time_point::max();
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(deadline - now);
}

}  // namespace imageadapt
