#include "imageadapt/rpc/reflection_service.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <mutex>
#include <set>
#include <unordered_map>
#include <utility>

#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "imageadapt/rpc/small_message.h"

namespace imageadapt {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

// Tools hold one each, for as long as they run.
constexpr size_t kMaxOpenCalls = 64;

void AddWithDependencies(const FileDescriptor& file,
                         std::set<const FileDescriptor*>& added,
                         std::vector<std::string>& files) {
  if (!added.insert(&file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  files.push_back(proto.SerializeAsString());
  for (int i = 0; i < file.dependency_count(); ++i) {
    AddWithDependencies(*file.dependency(i), added, files);
  }
}

// Answers for both versions of the service, whose messages are the same but for
// their package.
template <typename Request, typename Response>
class Answerer {
 public:
  explicit Answerer(const std::vector<std::string>& services)
      : services_(services) {}

  Response Answer(const Request& request) const {
    Response response;
    response.set_valid_host(request.host());
    *response.mutable_original_request() = request;
    const DescriptorPool& pool = *DescriptorPool::generated_pool();
    switch (request.message_request_case()) {
      case Request::kFileByFilename:
        AddFile(pool.FindFileByName(request.file_by_filename()), response);
        break;
      case Request::kFileContainingSymbol:
        AddFile(pool.FindFileContainingSymbol(request.file_containing_symbol()),
                response);
        break;
      case Request::kFileContainingExtension:
        AddExtension(request.file_containing_extension(), response);
        break;
      case Request::kAllExtensionNumbersOfType:
        AddExtensionNumbers(request.all_extension_numbers_of_type(), response);
        break;
      case Request::kListServices:
        for (const std::string& name : services_) {
          response.mutable_list_services_response()->add_service()->set_name(
              name);
        }
        break;
      default:
        SetError(grpc::StatusCode::INVALID_ARGUMENT, "nothing is asked",
                 response);
    }
    return response;
  }

 private:
  static void SetError(grpc::StatusCode code, const char* text,
                       Response& response) {
    response.mutable_error_response()->set_error_code(code);
    response.mutable_error_response()->set_error_message(text);
  }

  static void AddFile(const FileDescriptor* file, Response& response) {
    if (file == nullptr) {
      SetError(grpc::StatusCode::NOT_FOUND, "not found", response);
      return;
    }
    std::set<const FileDescriptor*> added;
    std::vector<std::string> files;
    AddWithDependencies(*file, added, files);
    for (std::string& each : files) {
      response.mutable_file_descriptor_response()->add_file_descriptor_proto(
          std::move(each));
    }
  }

  template <typename ExtensionRequest>
  static void AddExtension(const ExtensionRequest& request,
                           Response& response) {
    const DescriptorPool& pool = *DescriptorPool::generated_pool();
    const Descriptor* const type =
        pool.FindMessageTypeByName(request.containing_type());
    const FieldDescriptor* const extension =
        type == nullptr
            ? nullptr
            : pool.FindExtensionByNumber(type, request.extension_number());
    AddFile(extension == nullptr ? nullptr : extension->file(), response);
  }

  static void AddExtensionNumbers(const std::string& name, Response& response) {
    const DescriptorPool& pool = *DescriptorPool::generated_pool();
    const Descriptor* const type = pool.FindMessageTypeByName(name);
    if (type == nullptr) {
      SetError(grpc::StatusCode::NOT_FOUND, "not found", response);
      return;
    }
    std::vector<const FieldDescriptor*> extensions;
    pool.FindAllExtensions(type, &extensions);
    auto* const numbers = response.mutable_all_extension_numbers_response();
    numbers->set_base_type_name(name);
    for (const FieldDescriptor* extension : extensions) {
      numbers->add_extension_number(extension->number());
    }
  }

  const std::vector<std::string>& services_;
};

template <typename Service, typename Request, typename Response>
class Version final : public Service {
 public:
  explicit Version(const std::vector<std::string>& services)
      : answerer_(services) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>*
  ServerReflectionInfo(grpc::CallbackServerContext* /*context*/) override {
    const auto call = std::make_shared<Call>(*this);
    const std::lock_guard lock(mutex_);
    calls_.emplace(call.get(), call);
    call->Begin(calls_.size() <= kMaxOpenCalls && !is_stopped_);
    return call.get();
  }

  void Stop() {
    std::vector<std::shared_ptr<Call>> calls;
    {
      const std::lock_guard lock(mutex_);
      is_stopped_ = true;
      for (const auto& [key, call] : calls_) calls.push_back(call);
    }
    for (const auto& call : calls) {
      call->End(grpc::Status(grpc::StatusCode::UNAVAILABLE,
                             "the server is stopping"));
    }
  }

 private:
  // Reads a question, writes its answer, and so on.
  class Call final
      : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
   public:
    explicit Call(Version& version) : version_(version) {}

    void Begin(bool is_admitted) {
      if (is_admitted) {
        StartRead(&request_);
      } else {
        End(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                         "too many reflection calls are open already"));
      }
    }

    void End(const grpc::Status& status) {
      const std::lock_guard lock(mutex_);
      if (is_finished_) return;
      is_finished_ = true;
      Finish(status);
    }

    void OnReadDone(bool ok) override {
      if (!ok) {
        End(grpc::Status::OK);
        return;
      }
      Request question;
      const grpc::Status status = ReadSmallMessage(request_, question);
      request_.Clear();
      if (!status.ok()) {
        End(status);
        return;
      }
      const std::lock_guard lock(mutex_);
      if (is_finished_) return;
      response_ = WriteSmallMessage(version_.answerer_.Answer(question));
      StartWrite(&response_);
    }

    void OnWriteDone(bool ok) override {
      if (!ok) {
        End(grpc::Status::OK);
        return;
      }
      const std::lock_guard lock(mutex_);
      if (!is_finished_) StartRead(&request_);
    }

    void OnCancel() override { End(grpc::Status::CANCELLED); }
    void OnDone() override { version_.Remove(this); }

   private:
    Version& version_;
    std::mutex mutex_;
    grpc::ByteBuffer request_;
    grpc::ByteBuffer response_;
    bool is_finished_ = false;
  };

  void Remove(Call* call) {
    std::shared_ptr<Call> removed;
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(call);
    if (found == calls_.end()) return;
    removed = std::move(found->second);
    calls_.erase(found);
  }

  const Answerer<Request, Response> answerer_;
  std::mutex mutex_;
  bool is_stopped_ = false;
  std::unordered_map<Call*, std::shared_ptr<Call>> calls_;
};

namespace v1 = grpc::reflection::v1;
namespace v1alpha = grpc::reflection::v1alpha;

}  // namespace

struct ReflectionService::Versions {
  explicit Versions(std::vector<std::string> names)
      : services(std::move(names)), current(services), old(services) {}

  const std::vector<std::string> services;
  Version<v1::ServerReflection::WithRawCallbackMethod_ServerReflectionInfo<
              v1::ServerReflection::Service>,
          v1::ServerReflectionRequest, v1::ServerReflectionResponse>
      current;
  Version<v1alpha::ServerReflection::WithRawCallbackMethod_ServerReflectionInfo<
              v1alpha::ServerReflection::Service>,
          v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>
      old;
};

ReflectionService::ReflectionService(std::vector<std::string> services)
    : versions_(std::make_unique<Versions>(std::move(services))) {}

ReflectionService::~ReflectionService() = default;

void ReflectionService::Register(grpc::ServerBuilder& builder) {
  builder.RegisterService(&versions_->current);
  builder.RegisterService(&versions_->old);
}

void ReflectionService::Stop() {
  versions_->current.Stop();
  versions_->old.Stop();
}

}  // namespace imageadapt
