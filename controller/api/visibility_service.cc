// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/visibility_service.h"

#include <grpcpp/server_context.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "base/proto_time.h"
#include "controller/api/grpc_status.h"
#include "controller/api/late_answer.h"
#include "rehai/v1/visibility.grpc.pb.h"

namespace rehai {
namespace {

// Until the call's deadline; infinite: it has none.
absl::Duration LeftOf(const grpc::CallbackServerContext& context) {
  const auto deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) {
    return absl::InfiniteDuration();
  }
  // A client's deadline travels as what is left of it, and gRPC counts it from
  // the machine's clock.
  return absl::FromChrono(deadline - std::chrono::system_clock::now());
}

class VisibilityService final : public v1::Visibility::CallbackService {
 public:
  VisibilityService(const VisibleGuests& guests, VisibleWaits& waits)
      : guests_(guests), waits_(waits) {}

  grpc::ServerUnaryReactor* GetReceipts(
      grpc::CallbackServerContext* context,
      const v1::GetReceiptsRequest* request,
      v1::GetReceiptsResponse* response) override {
    absl::StatusOr<v1::GetReceiptsResponse> answer =
        guests_.GetReceipts(*request);
    if (answer.ok()) *response = *std::move(answer);
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(ToGrpc(answer.status()));
    return reactor;
  }

  grpc::ServerUnaryReactor* WaitVisible(
      grpc::CallbackServerContext* context,
      const v1::WaitVisibleRequest* request,
      v1::WaitVisibleResponse* response) override {
    using Call = LateAnswer<v1::WaitVisibleResponse>;
    std::shared_ptr<Call> call = Call::Open(response);
    grpc::ServerUnaryReactor* const reactor = call.get();
    if (absl::Status fit = CheckWait(*request); !fit.ok()) {
      call->Answer(std::move(fit));
      return reactor;
    }
    const absl::Duration timeout = request->has_timeout()
                                       ? FromProto(request->timeout())
                                       : absl::ZeroDuration();
    const absl::Duration wait = WaitFor(timeout, LeftOf(*context));
    // A call that its client has given up is gone at once, and frees its place.
    std::weak_ptr<Call> waiting = call;
    v1::WaitVisibleRequest wanted = *request;
    call.reset();
    waits_.Add(
        std::move(wanted), wait,
        [waiting](absl::StatusOr<v1::WaitVisibleResponse> answer) {
          if (const auto call = waiting.lock()) call->Answer(std::move(answer));
        },
        [waiting] { return waiting.expired(); });
    return reactor;
  }

 private:
  const VisibleGuests& guests_;
  VisibleWaits& waits_;
};

}  // namespace

absl::Duration WaitFor(absl::Duration timeout, absl::Duration left) {
  const absl::Duration for_answer = std::min(kMostForAnswer, left / 10);
  absl::Duration wait = timeout;
  if (timeout <= absl::ZeroDuration()) {
    wait = left == absl::InfiniteDuration() ? kUsualWait : kLongestWait;
  }
  return std::max(absl::ZeroDuration(),
                  std::min({wait, kLongestWait, left - for_answer}));
}

std::unique_ptr<grpc::Service> MakeVisibilityService(
    const VisibleGuests& guests, VisibleWaits& waits) {
  return std::make_unique<VisibilityService>(guests, waits);
}

}  // namespace rehai
