// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/agent_session_call.h"

#include <grpc/support/time.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "controller/api/grpc_status.h"

namespace rehai {

std::shared_ptr<AgentSessionCall> AgentSessionCall::Make(
    Options options, grpc::CallbackServerContext& context) {
  std::shared_ptr<AgentSessionCall> call(
      new AgentSessionCall(options, context));
  call->self_ = call;
  return call;
}

AgentSessionCall* AgentSessionCall::Open(Options options,
                                         grpc::CallbackServerContext& context,
                                         AgentPeer peer,
                                         const OpenAgentSession& open) {
  const std::shared_ptr<AgentSessionCall> call = Make(options, context);
  call->session_ = open(std::move(peer), call);
  {
    MutexLock lock(call->mu_);
    call->wants_read_ = true;
  }
  call->Go();
  return call.get();
}

AgentSessionCall* AgentSessionCall::Refuse(grpc::CallbackServerContext& context,
                                           const absl::Status& why) {
  const std::shared_ptr<AgentSessionCall> call = Make({}, context);
  call->Finish(why);
  return call.get();
}

void AgentSessionCall::Send(v1::SessionResponse message) {
  bool full;
  {
    MutexLock lock(mu_);
    if (end_) return;
    full = waiting_.size() >= kMostWaiting;
    if (!full) waiting_.push_back(std::move(message));
  }
  if (!full) return Go();
  End(absl::ResourceExhaustedError(
          absl::StrCat("session: the agent does not read; ", kMostWaiting,
                       " messages wait for it; it may come again")),
      Waiting::kIsDropped);
}

void AgentSessionCall::Finish(const absl::Status& status) {
  End(status, Waiting::kIsSent);
}

void AgentSessionCall::OnReadDone(bool ok) {
  // The agent has nothing more to say, or is gone.
  if (!ok) return End(absl::OkStatus(), Waiting::kIsSent);
  bool ended;
  {
    MutexLock lock(mu_);
    ended = end_.has_value();
  }
  if (!ended) session_->Received(std::move(request_));
  request_ = v1::SessionRequest();
  {
    MutexLock lock(mu_);
    wants_read_ = true;
  }
  Go();
}

void AgentSessionCall::OnWriteDone(bool ok) {
  {
    MutexLock lock(mu_);
    writing_ = false;
    if (!ok) broken_ = true;
  }
  if (!ok) return End(absl::CancelledError(), Waiting::kIsDropped);
  Go();
}

void AgentSessionCall::OnCancel() {
  {
    MutexLock lock(mu_);
    broken_ = true;
  }
  End(absl::CancelledError(), Waiting::kIsDropped);
}

void AgentSessionCall::OnDone() {
  const std::shared_ptr<AgentSessionCall> last = std::move(self_);
  session_.reset();
}

void AgentSessionCall::End(const absl::Status& status, Waiting waiting) {
  bool waits = false;
  {
    MutexLock lock(mu_);
    if (waiting == Waiting::kIsDropped) waiting_.clear();
    if (!end_) {
      end_ = status;
      waits = writing_ || !waiting_.empty();
    }
  }
  if (waits) BoundEnd();
  Go();
}

void AgentSessionCall::BoundEnd() {
  end_alarm_ = std::make_unique<grpc::Alarm>();
  const gpr_timespec deadline = gpr_time_add(
      gpr_now(GPR_CLOCK_MONOTONIC),
      gpr_time_from_millis(absl::ToInt64Milliseconds(options_.end_patience),
                           GPR_TIMESPAN));
  // The alarm keeps the function, so the function must not keep the alarm.
  end_alarm_->Set(deadline, [weak = weak_from_this()](bool rang) {
    const std::shared_ptr<AgentSessionCall> call = weak.lock();
    if (!rang || call == nullptr) return;
    {
      MutexLock lock(call->mu_);
      call->break_off_ = true;
    }
    call->Go();
  });
}

AgentSessionCall::Step AgentSessionCall::NextStep() {
  if (finished_) return Step::kNone;
  if (writing_ && std::exchange(break_off_, false)) {
    broken_ = true;
    return Step::kBreakOff;
  }
  if (!writing_ && !broken_ && !waiting_.empty()) {
    response_ = std::move(waiting_.front());
    waiting_.pop_front();
    writing_ = true;
    return Step::kWrite;
  }
  if (!writing_ && end_) {
    finished_ = true;
    return Step::kFinish;
  }
  if (!end_ && std::exchange(wants_read_, false)) return Step::kRead;
  return Step::kNone;
}

void AgentSessionCall::Go() {
  {
    MutexLock lock(mu_);
    // That thread looks again before it leaves.
    if (going_) return;
    going_ = true;
  }
  while (true) {
    Step step;
    absl::Status end;
    {
      MutexLock lock(mu_);
      step = NextStep();
      if (step == Step::kFinish) end = *end_;
      if (step == Step::kNone) {
        going_ = false;
        return;
      }
    }
    switch (step) {
      case Step::kRead:
        StartRead(&request_);
        break;
      case Step::kWrite:
        StartWrite(&response_);
        break;
      case Step::kBreakOff:
        // Before Finish(), so the context is still there; the write under way
        // fails.
        context_.TryCancel();
        break;
      case Step::kFinish:
        Reactor::Finish(ToGrpc(end));
        break;
      case Step::kNone:
        break;
    }
  }
}

}  // namespace rehai
