// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/guarded_service.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/impl/rpc_service_method.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/access/call_gate.h"
#include "controller/access/method_table.h"

// gRPC has no public way to end a call before its handler: an interceptor of a
// server can change what is sent, but not keep the handler from being called.
// This does what gRPC's generated code does, with handlers of our own around
// those; it is the only place that knows gRPC's internal classes.
namespace rehai {
namespace {

using grpc::internal::MethodHandler;

// A service's handlers are not public, but every service may read its own.
class Handlers : public grpc::Service {
 public:
  static MethodHandler* Of(grpc::Service& service, int index) {
    return (service.*(&Handlers::GetHandler))(index);
  }
};

// Calls the handler of a call that is admitted. One that is not becomes a call
// whose request could not be read: for those gRPC's handlers make a reactor
// that ends them at once, and the admission's recorder puts in why.
class GuardedHandler final : public MethodHandler {
 public:
  GuardedHandler(MethodHandler& handler, GuardedMethod method,
                 const Admission& admission)
      : handler_(handler), method_(std::move(method)), admission_(admission) {}

  void RunHandler(const HandlerParameter& call) override {
    auto* const context = dynamic_cast<AdmittedContext*>(call.server_context);
    // Generated messages have Message as their first and only base.
    const auto* const request =
        call.status.ok()
            ? static_cast<const google::protobuf::Message*>(call.request)
            : nullptr;
    if (context != nullptr &&
        admission_.Enter(*context, method_, request).ok()) {
      handler_.RunHandler(call);
      return;
    }
    handler_.RunHandler({call.call, call.server_context, call.request,
                         grpc::Status(grpc::StatusCode::PERMISSION_DENIED, ""),
                         call.internal_data, call.call_requester});
  }

  void* Deserialize(grpc_call* call, grpc_byte_buffer* bytes,
                    grpc::Status* status, void** handler_data) override {
    return handler_.Deserialize(call, bytes, status, handler_data);
  }

 private:
  MethodHandler& handler_;
  const GuardedMethod method_;
  const Admission& admission_;
};

class GuardedService final : public grpc::Service {
 public:
  explicit GuardedService(std::unique_ptr<grpc::Service> service)
      : service_(std::move(service)) {}

  absl::Status Guard(const google::protobuf::ServiceDescriptor& described,
                     const Admission& admission) {
    // gRPC keeps pointers to the names.
    names_.reserve(described.method_count());
    for (int i = 0; i < described.method_count(); ++i) {
      const google::protobuf::MethodDescriptor& method = *described.method(i);
      MethodHandler* const handler = Handlers::Of(*service_, i);
      if (method.client_streaming() || handler == nullptr) {
        return absl::InvalidArgumentError(absl::StrCat(
            method.full_name(),
            ": cannot be guarded; it must be served by the callback API, and "
            "its client must not stream"));
      }
      names_.push_back(
          absl::StrCat("/", described.full_name(), "/", method.name()));
      const bool streams = method.server_streaming();
      AddMethod(new grpc::internal::RpcServiceMethod(
          names_.back().c_str(),
          streams ? grpc::internal::RpcMethod::SERVER_STREAMING
                  : grpc::internal::RpcMethod::NORMAL_RPC,
          nullptr));
      GuardedMethod guarded;
      guarded.name = absl::StrCat(described.name(), ".", method.name());
      guarded.kind = streams ? CallGate::kStream : CallGate::kUnary;
      guarded.needs = NeedsOf(guarded.name);
      MarkMethodCallback(
          i, new GuardedHandler(*handler, std::move(guarded), admission));
    }
    return absl::OkStatus();
  }

 private:
  const std::unique_ptr<grpc::Service> service_;
  std::vector<std::string> names_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<grpc::Service>> GuardService(
    const std::string& name, std::unique_ptr<grpc::Service> service,
    const Admission& admission) {
  const google::protobuf::ServiceDescriptor* const described =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(
          name);
  if (described == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, ": no such service is linked; is it the full name?"));
  }
  auto guarded = std::make_unique<GuardedService>(std::move(service));
  if (absl::Status done = guarded->Guard(*described, admission); !done.ok()) {
    return done;
  }
  return std::unique_ptr<grpc::Service>(std::move(guarded));
}

}  // namespace rehai
