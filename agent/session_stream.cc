// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/session_stream.h"

#include <grpcpp/client_context.h>
#include <grpcpp/support/client_callback.h>

#include <string>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/mutex.h"
#include "rehai/v1/agent.grpc.pb.h"

namespace rehai::agent {
namespace {

// gRPC lets go of a cancelled call within milliseconds.
constexpr absl::Duration kLetGo = absl::Seconds(1);

absl::Status FromGrpc(const grpc::Status& status) {
  return {static_cast<absl::StatusCode>(status.error_code()),
          status.error_message()};
}

}  // namespace

// Lives until gRPC has said that the call is done. Operations are begun by the
// task only, and the hold is given up by it, so none is begun on a call that is
// done.
//
// Whoever destroys it may let go of the process's last channel, and gRPC then
// ends the very threads on which it calls back. So it is not destroyed there:
// the owner of the stream does it, or if that did not wait, a thread for it.
class SessionStream::Call final
    : public grpc::ClientBidiReactor<v1::SessionRequest, v1::SessionResponse> {
 public:
  Call(std::shared_ptr<grpc::Channel> channel, Runner::Waker waker)
      : channel_(std::move(channel)),
        stub_(v1::AgentService::NewStub(channel_)),
        waker_(std::move(waker)) {}

  void Begin(std::shared_ptr<Call> self) {
    {
      MutexLock lock(mu_);
      self_ = std::move(self);
    }
    stub_->async()->Session(&context_, this);
    AddHold();
    StartRead(&incoming_);
    StartCall();
  }

  std::optional<v1::SessionResponse> Take() {
    {
      MutexLock lock(mu_);
      if (!has_read_) return std::nullopt;
      has_read_ = false;
    }
    v1::SessionResponse message = std::move(incoming_);
    incoming_.Clear();
    StartRead(&incoming_);
    return message;
  }

  bool CanWrite() {
    MutexLock lock(mu_);
    return !writing_ && !broken_ && !over_;
  }

  void Write(v1::SessionRequest request) {
    {
      MutexLock lock(mu_);
      writing_ = true;
    }
    outgoing_ = std::move(request);
    StartWrite(&outgoing_);
  }

  void Cancel() { context_.TryCancel(); }

  // No operation is begun from here on.
  void LetGo() {
    if (holds_) RemoveHold();
    holds_ = false;
  }

  std::optional<absl::Status> Ended() {
    bool over = false;
    {
      MutexLock lock(mu_);
      if (ended_.has_value()) return ended_;
      over = over_;
    }
    if (over) LetGo();
    return std::nullopt;
  }

  // The owner lets go of it, once it has ended or after that time.
  void Leave(absl::Duration patience) {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + patience;
    std::shared_ptr<Call> self;
    MutexLock lock(mu_);
    while (!ended_.has_value() && clock.Uptime() < deadline) {
      clock.WaitUntil(deadline, mu_, changed_);
    }
    if (ended_.has_value()) {
      self.swap(self_);  // and the owner still has it
    } else {
      is_left_ = true;
    }
  }

  void OnReadDone(bool ok) override {
    {
      MutexLock lock(mu_);
      (ok ? has_read_ : over_) = true;
    }
    waker_.Wake();
  }

  void OnWriteDone(bool ok) override {
    {
      MutexLock lock(mu_);
      writing_ = false;
      // What went wrong the end of the call says.
      broken_ |= !ok;
    }
    waker_.Wake();
  }

  void OnDone(const grpc::Status& status) override {
    const Runner::Waker waker = waker_;
    std::shared_ptr<Call> left;
    {
      MutexLock lock(mu_);
      if (is_left_) {
        left.swap(self_);
      } else {
        ended_ = FromGrpc(status);
        changed_.NotifyAll();
      }
    }
    // Unless it was left, the owner may have destroyed this by now.
    if (left != nullptr) {
      std::thread([call = std::move(left)] {}).detach();
    } else {
      waker.Wake();
    }
  }

 private:
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::AgentService::Stub> stub_;
  const Runner::Waker waker_;
  grpc::ClientContext context_;
  bool holds_ = true;  // the task's

  // gRPC's while an operation is under way, else the task's.
  v1::SessionResponse incoming_;
  v1::SessionRequest outgoing_;

  Mutex mu_;
  CondVar changed_;
  bool has_read_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool broken_ ABSL_GUARDED_BY(mu_) = false;  // no more can be written
  bool over_ ABSL_GUARDED_BY(mu_) = false;    // no more will be read
  std::optional<absl::Status> ended_ ABSL_GUARDED_BY(mu_);
  std::shared_ptr<Call> self_ ABSL_GUARDED_BY(mu_);  // until it is done
  bool is_left_ ABSL_GUARDED_BY(mu_) = false;
};

SessionStream::SessionStream(std::shared_ptr<grpc::Channel> channel,
                             Runner::Waker waker)
    : call_(std::make_shared<Call>(std::move(channel), std::move(waker))) {
  call_->Begin(call_);
}

SessionStream::~SessionStream() {
  call_->Cancel();
  call_->LetGo();
  call_->Leave(kLetGo);
}

std::optional<v1::SessionResponse> SessionStream::Take() {
  return call_->Take();
}

bool SessionStream::CanWrite() const { return call_->CanWrite(); }

void SessionStream::Write(v1::SessionRequest request) {
  call_->Write(std::move(request));
}

void SessionStream::Cancel() { call_->Cancel(); }

std::optional<absl::Status> SessionStream::Ended() { return call_->Ended(); }

}  // namespace rehai::agent
