// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_LATE_ANSWER_H_
#define CONTROLLER_API_LATE_ANSWER_H_

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "base/mutex.h"
#include "controller/api/grpc_status.h"

namespace rehai {

// A call under way whose answer comes later, from another thread. It ends with
// the answer or with the client's patience, whichever comes first; the later of
// the two finds it finished.
//
// Owns itself until gRPC is done with it, and longer while somebody who may
// answer holds it.
template <typename Response>
class LateAnswer final : public grpc::ServerUnaryReactor {
 public:
  // `response` is gRPC's. A handler returns get(), and gives the pointer to who
  // will answer.
  static std::shared_ptr<LateAnswer> Open(Response* response) {
    std::shared_ptr<LateAnswer> call(new LateAnswer(response));
    call->self_ = call;
    return call;
  }

  void Answer(absl::StatusOr<Response> answer) {
    if (!ClaimEnd()) return;
    if (answer.ok()) *response_ = *std::move(answer);
    this->Finish(ToGrpc(answer.status()));
  }

  void OnCancel() override {
    if (ClaimEnd()) this->Finish(grpc::Status::CANCELLED);
  }

  void OnDone() override {
    const std::shared_ptr<LateAnswer> last = std::move(self_);
  }

 private:
  explicit LateAnswer(Response* response) : response_(response) {}

  // True for the first to ask, who then finishes the call.
  bool ClaimEnd() {
    MutexLock lock(mu_);
    return !std::exchange(claimed_, true);
  }

  Response* const response_;  // gone once finished
  std::shared_ptr<LateAnswer> self_;

  Mutex mu_;
  bool claimed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace rehai

#endif  // CONTROLLER_API_LATE_ANSWER_H_
