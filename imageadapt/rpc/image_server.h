// Serves the methods that carry images, raw, on completion-queue threads of its
// own.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_IMAGE_SERVER_H_
#define IMAGEADAPT_RPC_IMAGE_SERVER_H_

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server_builder.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/exec/admission.h"
#include "imageadapt/exec/memory_budget.h"
#include "imageadapt/exec/worker_pool.h"
#include "imageadapt/rpc/call_record.h"
#include "imageadapt/rpc/image_method.h"

namespace imageadapt {

class ImageCall;

struct CallLimits {
  uint64_t max_message_bytes = 0;
  // Each phase of a call ends by itself after this time.
  std::chrono::milliseconds upload{0};
  std::chrono::milliseconds queued{0};
  std::chrono::milliseconds work{0};
  // Longer for large replies: a second more for each 10 MB.
  std::chrono::milliseconds download{0};
};

// A call is admitted before its message is read: it has a place and memory for
// it, or it is refused at once. Thread-safe.
class ImageServer {
 public:
  // What the server lends to its calls; all of it must outlive the server.
  struct Resources {
    WorkerPool& workers;
    BufferPool& buffers;
    MemoryBudget& memory;
    Admission& admission;
  };

  // Whom the server tells; may be called by any thread and must not block.
  struct Listeners {
    // Once for each call that ended.
    std::function<void(const CallRecord&)> on_call;
    // When no call has been there for a while, after some were.
    std::function<void()> on_idle;
  };

  ImageServer(const Resources& resources, const CallLimits& limits,
              std::vector<ImageMethod> methods, Listeners listeners);

  // Requires that Shutdown() was called if Start() was.
  ~ImageServer();

  ImageServer(const ImageServer&) = delete;
  ImageServer& operator=(const ImageServer&) = delete;

  // Before the server is built.
  void Register(grpc::ServerBuilder& builder);

  // Once the server runs.
  void Start();

  // Before grpc::Server::Shutdown(), which closes a connection with its last
  // call: from now on calls end once their replies had time to be delivered.
  void PrepareShutdown() { is_stopping_ = true; }

  // Once grpc::Server::Shutdown() has returned. Waits for calls to end.
  void Shutdown();

 private:
  friend class ImageCall;

  // Starts to wait for one more call.
  void AwaitCall(size_t queue);

  bool is_stopping() const { return is_stopping_; }
  const ImageMethod* FindMethod(const std::string& path) const;
  void Add(const std::shared_ptr<ImageCall>& call);
  void Remove(ImageCall* call);
  // Require that mutex_ is not held: a call that ends removes itself.
  std::vector<std::shared_ptr<ImageCall>> LiveCalls();
  bool EndLatePhases();  // false if there is no call

  // A place, and memory for a message of usual size. RESOURCE_EXHAUSTED at once
  // if they are not free.
  absl::Status Admit(Admission::Place& place,
                     MemoryBudget::Reservation& memory);
  bool EvictStalledUpload();

  void ServeQueue(grpc::ServerCompletionQueue& queue);
  void WatchPhases();

  const Resources resources_;
  const CallLimits limits_;
  const Listeners listeners_;
  std::map<std::string, ImageMethod, std::less<>> methods_;

  grpc::AsyncGenericService service_;
  std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues_;
  std::vector<std::jthread> threads_;

  std::atomic<bool> is_stopping_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<ImageCall*, std::weak_ptr<ImageCall>> calls_;
  bool ended_ = false;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_IMAGE_SERVER_H_
