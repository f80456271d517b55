// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_SESSION_STREAM_H_
#define AGENT_SESSION_STREAM_H_

#include <grpcpp/channel.h>

#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/runner.h"
#include "rehai/v1/agent.pb.h"

namespace rehai::agent {

// SessionStream is one call of AgentService.Session, made to be looked at by a
// task: nothing is called back, the task is woken when there is something new.
// One message is read ahead and one is being written, never more.
//
// For one task's thread; the destructor may run elsewhere when the task does
// not.
class SessionStream {
 public:
  // Begins the call.
  SessionStream(std::shared_ptr<grpc::Channel> channel, Runner::Waker waker);
  // Ends the call, if it has not ended, and waits a moment for gRPC to let go.
  ~SessionStream();
  SessionStream(const SessionStream&) = delete;
  SessionStream& operator=(const SessionStream&) = delete;

  // What the controller said, once, in the order in which it did.
  std::optional<v1::SessionResponse> Take();

  // True if nothing is being written, and the call goes on.
  bool CanWrite() const;
  // Only if it can be written.
  void Write(v1::SessionRequest request);

  // Ends the call soon, as kCancelled unless it has ended before.
  void Cancel();
  // How the call ended, if it has and all that was said is taken.
  std::optional<absl::Status> Ended();

 private:
  class Call;
  const std::shared_ptr<Call> call_;
};

}  // namespace rehai::agent

#endif  // AGENT_SESSION_STREAM_H_
