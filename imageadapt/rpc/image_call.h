// One call of a method that carries an image, from its arrival to its end.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_IMAGE_CALL_H_
#define IMAGEADAPT_RPC_IMAGE_CALL_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/support/byte_buffer.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>

#include "absl/status/status.h"
#include "imageadapt/base/call_context.h"
#include "imageadapt/exec/admission.h"
#include "imageadapt/exec/memory_budget.h"
#include "imageadapt/rpc/image_method.h"
#include "imageadapt/rpc/image_server.h"

namespace imageadapt {

// awaited -> upload -> queued -> working -> download -> [delivery ->] over
//
// A stopping server gives a reply time to be delivered before the call ends:
// the last call's end closes the connection, and whatever the caller sends to a
// closed connection makes the system throw away what it has not sent yet.
//
// Each phase but the first has a deadline of its own; whatever goes wrong, the
// call is finished exactly once. A call lives as long as gRPC holds one of its
// tags, or a worker works for it. Thread-safe.
class ImageCall : public std::enable_shared_from_this<ImageCall> {
 public:
  using Clock = CallContext::Clock;

  // What gRPC gives back when an operation of a call has ended. Keeps the call
  // alive until then.
  class Tag {
   public:
    using Then = void (ImageCall::*)(bool ok);

    void Set(std::shared_ptr<ImageCall> call, Then then) {
      call_ = std::move(call);
      then_ = then;
    }
    void Drop() { call_.reset(); }
    void Arrive(bool ok) {
      const std::shared_ptr<ImageCall> call = std::move(call_);
      (call.get()->*then_)(ok);
    }

   private:
    std::shared_ptr<ImageCall> call_;
    Then then_ = nullptr;
  };

  // Waits for the next call that comes to `queue` of `server`.
  static void Await(ImageServer& server, grpc::AsyncGenericService& service,
                    grpc::ServerCompletionQueue& queue, size_t queue_number);

  ImageCall(ImageServer& server, size_t queue_number);
  ~ImageCall();

  // Ends a phase that takes too long.
  void EndLatePhase();

  // Gives up the place of an upload that has taken longer than a full server
  // can wait for; false if this is no such upload.
  bool LeaveIfStalled();

 private:
  enum class Phase {
    kAwaited,
    kUpload,
    kQueued,
    kWorking,
    kDownload,
    kDelivery,
    kOver
  };

  // What gRPC reports, on a thread of a queue.
  void OnArrived(bool ok);
  void OnRead(bool ok);
  void OnWritten(bool ok);
  void OnFinished(bool ok);
  void OnDone(bool ok);

  // On a worker.
  void Work();
  absl::StatusOr<grpc::ByteBuffer> Answer(const CallContext& call);

  // Require that mutex_ is held.
  absl::Status Enqueue();
  void Enter(Phase phase, std::chrono::milliseconds limit);
  void Finish(const absl::Status& status);
  void FinishWith(const grpc::ByteBuffer& reply);
  void EndDelivery();
  void EndStream(const absl::Status& status);

  Clock::time_point CallersDeadline() const;

  ImageServer& server_;
  const size_t queue_number_;
  grpc::GenericServerContext context_;
  grpc::GenericServerAsyncReaderWriter stream_;
  Tag arrived_;
  Tag read_;
  Tag written_;
  Tag finished_;
  Tag done_;

  std::mutex mutex_;
  Phase phase_ = Phase::kAwaited;
  Clock::time_point phase_began_;
  Clock::time_point phase_ends_ = Clock::time_point::max();
  const ImageMethod* method_ = nullptr;
  grpc::ByteBuffer request_;
  bool is_reading_ = false;  // gRPC may write to request_ at any time
  Admission::Place place_;
  MemoryBudget::Reservation memory_;
  CallRecord record_;
  // Read by the work while it runs.
  std::atomic<bool> cancelled_ = false;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_IMAGE_CALL_H_
