#include "imageadapt/rpc/health_service.h"

#include <optional>
#include <utility>
#include <vector>

#include "imageadapt/rpc/small_message.h"

namespace imageadapt {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// Load balancers hold one each.
constexpr size_t kMaxWatchers = 256;

// A call that is refused before it begins.
class Refused final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit Refused(const grpc::Status& status) { Finish(status); }
  void OnDone() override { const std::unique_ptr<Refused> drop(this); }
};

grpc::ServerWriteReactor<grpc::ByteBuffer>* Refuse(const grpc::Status& status) {
  return std::make_unique<Refused>(status).release();
}

}  // namespace

// One watching call. Writes one answer at a time: a slow reader gets the latest
// status, not every one.
class HealthService::Watcher final
    : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  Watcher(HealthService& service, bool is_known)
      : service_(service), is_known_(is_known) {}

  void Tell(bool serving) {
    const std::lock_guard lock(mutex_);
    wanted_ = !is_known_ ? HealthCheckResponse::SERVICE_UNKNOWN
              : serving  ? HealthCheckResponse::SERVING
                         : HealthCheckResponse::NOT_SERVING;
    Advance();
  }

  void End() {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    Advance();
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    is_writing_ = false;
    if (!ok) is_ending_ = true;
    Advance();
  }

  void OnCancel() override { End(); }

  void OnDone() override { service_.Remove(this); }

 private:
  // Requires that mutex_ is held.
  void Advance() {
    if (is_writing_ || is_finished_) return;
    if (sent_ != wanted_ && wanted_.has_value()) {
      sent_ = wanted_;
      HealthCheckResponse response;
      response.set_status(*wanted_);
      message_ = WriteSmallMessage(response);
      is_writing_ = true;
      StartWrite(&message_);
    } else if (is_ending_) {
      is_finished_ = true;
      Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE,
                          "the server is stopping"));
    }
  }

  HealthService& service_;
  const bool is_known_;
  std::mutex mutex_;
  grpc::ByteBuffer message_;
  std::optional<Status> wanted_;
  std::optional<Status> sent_;
  bool is_writing_ = false;
  bool is_ending_ = false;
  bool is_finished_ = false;
};

HealthService::HealthService(std::set<std::string> services)
    : services_(std::move(services)) {}

HealthService::~HealthService() = default;

bool HealthService::Knows(const std::string& service) const {
  return service.empty() || services_.contains(service);
}

void HealthService::SetServing(bool serving) {
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    const std::lock_guard lock(mutex_);
    is_serving_ = serving;
    for (const auto& [key, watcher] : watchers_) watchers.push_back(watcher);
  }
  for (const auto& watcher : watchers) watcher->Tell(serving);
}

void HealthService::Stop() {
  SetServing(false);
  std::vector<std::shared_ptr<Watcher>> watchers;
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    for (const auto& [key, watcher] : watchers_) watchers.push_back(watcher);
  }
  for (const auto& watcher : watchers) watcher->End();
}

void HealthService::Remove(Watcher* watcher) {
  std::shared_ptr<Watcher> removed;
  const std::lock_guard lock(mutex_);
  const auto found = watchers_.find(watcher);
  if (found == watchers_.end()) return;
  removed = std::move(found->second);
  watchers_.erase(found);
}

grpc::ServerUnaryReactor* HealthService::Check(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
    grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  HealthCheckRequest question;
  grpc::Status status = ReadSmallMessage(*request, question);
  if (status.ok() && !Knows(question.service())) {
    status =
        grpc::Status(grpc::StatusCode::NOT_FOUND, "no service has this name");
  }
  if (status.ok()) {
    HealthCheckResponse answer;
    const std::lock_guard lock(mutex_);
    answer.set_status(is_serving_ ? HealthCheckResponse::SERVING
                                  : HealthCheckResponse::NOT_SERVING);
    *response = WriteSmallMessage(answer);
  }
  reactor->Finish(status);
  return reactor;
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* HealthService::Watch(
    grpc::CallbackServerContext* /*context*/, const grpc::ByteBuffer* request) {
  HealthCheckRequest question;
  const grpc::Status status = ReadSmallMessage(*request, question);
  if (!status.ok()) return Refuse(status);
  const std::lock_guard lock(mutex_);
  if (is_stopped_) {
    return Refuse(
        grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server is stopping"));
  }
  if (watchers_.size() >= kMaxWatchers) {
    return Refuse(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                               "too many calls watch the health already"));
  }
  const auto watcher =
      std::make_shared<Watcher>(*this, Knows(question.service()));
  watchers_.emplace(watcher.get(), watcher);
  watcher->Tell(is_serving_);
  return watcher.get();
}

}  // namespace imageadapt
