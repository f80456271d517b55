// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_AGENT_SESSION_CALL_H_
#define CONTROLLER_API_AGENT_SESSION_CALL_H_

#include <grpcpp/alarm.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "controller/source/agent_sessions.h"
#include "rehai/v1/agent.pb.h"

namespace rehai {

// Begins an agent's session; AgentSessions::Open, or a test's.
using OpenAgentSession = std::function<std::unique_ptr<AgentSessions::Session>(
    AgentPeer, std::shared_ptr<AgentStream>)>;

// AgentSessionCall is a gRPC stream with an agent, from its begin to its end.
//
// Reads a message when the last one has been taken in, so an agent that says
// too much is slowed down by its own TCP connection. Writes what is sent in its
// order; more than kMostWaiting messages that wait, or an end that an agent
// does not take in time, end it.
//
// Every operation on the stream is begun by one thread at a time, in Go(), and
// none after Finish(): that is what gRPC asks for, and why a call from any
// thread is safe.
//
// Owns itself until gRPC is done with it, and longer while AgentSessions holds
// it. Thread-safe.
class AgentSessionCall final
    : public grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse>,
      public AgentStream,
      public std::enable_shared_from_this<AgentSessionCall> {
 public:
  static constexpr size_t kMostWaiting = 64;

  struct Options {
    // For an agent to take what is on its way when its session ends.
    absl::Duration end_patience = absl::Seconds(5);
  };

  // What a handler returns. `context` is the call's.
  static AgentSessionCall* Open(Options options,
                                grpc::CallbackServerContext& context,
                                AgentPeer peer, const OpenAgentSession& open);
  // A call that ends so at once.
  static AgentSessionCall* Refuse(grpc::CallbackServerContext& context,
                                  const absl::Status& why);

  // AgentStream
  void Send(v1::SessionResponse message) override;
  void Finish(const absl::Status& status) override;

  // grpc::ServerBidiReactor
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  using Reactor =
      grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse>;
  enum class Step { kNone, kRead, kWrite, kBreakOff, kFinish };

  AgentSessionCall(Options options, grpc::CallbackServerContext& context)
      : options_(options), context_(context) {}

  static std::shared_ptr<AgentSessionCall> Make(
      Options options, grpc::CallbackServerContext& context);

  // Begins whatever can be begun, unless another thread is at it and will.
  void Go();
  Step NextStep() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  enum class Waiting { kIsSent, kIsDropped };
  // The first end counts.
  void End(const absl::Status& status, Waiting waiting);
  // Lets the end wait no longer than options_ say.
  void BoundEnd();

  // Set at construction.
  const Options options_;
  grpc::CallbackServerContext& context_;  // good until OnDone()

  // Set in Open(), before the first operation.
  std::shared_ptr<AgentSessionCall> self_;
  std::unique_ptr<AgentSessions::Session> session_;

  // Set by the thread that ended the session first.
  std::unique_ptr<grpc::Alarm> end_alarm_;

  v1::SessionRequest request_;    // gRPC's, and OnReadDone()'s in between
  v1::SessionResponse response_;  // gRPC's while writing_

  Mutex mu_;
  bool going_ ABSL_GUARDED_BY(mu_) = false;  // a thread is in Go()
  bool wants_read_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool broken_ ABSL_GUARDED_BY(mu_) = false;  // nothing can be written
  bool break_off_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  std::list<v1::SessionResponse> waiting_ ABSL_GUARDED_BY(mu_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai

#endif  // CONTROLLER_API_AGENT_SESSION_CALL_H_
