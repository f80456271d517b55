// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_SCRIPTED_CONTROLLER_H_
#define AGENT_SCRIPTED_CONTROLLER_H_

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "rehai/v1/agent.grpc.pb.h"

namespace rehai::agent {

// A controller's port for agents, behind which is a test: it takes each session
// that comes, and says what it likes. Serves in clear on loopback. Thread-safe.
class ScriptedController {
 public:
  // One session. Waits are of real time.
  class Call final : public grpc::ServerBidiReactor<v1::SessionRequest,
                                                    v1::SessionResponse> {
   public:
    static constexpr absl::Duration kPatience = absl::Seconds(30);

    Call() { StartRead(&incoming_); }

    // What the agent says next; nullopt if it says nothing more.
    std::optional<v1::SessionRequest> Next(
        absl::Duration patience = kPatience) {
      MutexLock lock(mu_);
      Await(patience, [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return !received_.empty() || over_;
      });
      if (received_.empty()) return std::nullopt;
      v1::SessionRequest message = std::move(received_.front());
      received_.pop_front();
      return message;
    }

    // Likewise, heartbeats left out.
    std::optional<v1::SessionRequest> NextWord() {
      std::optional<v1::SessionRequest> message = Next();
      while (message.has_value() && message->has_heartbeat()) message = Next();
      return message;
    }
    std::optional<v1::AgentReport> NextReport() {
      const auto message = NextWord();
      if (!message.has_value() || !message->has_report()) return std::nullopt;
      return message->report();
    }

    void Send(v1::SessionResponse message) {
      MutexLock lock(mu_);
      outgoing_.push_back(std::move(message));
      Advance();
    }
    void Welcome(int64_t epoch, bool need_full,
                 const v1::AgentSettings& settings = {}) {
      v1::SessionResponse message;
      message.mutable_welcome()->set_epoch(epoch);
      message.mutable_welcome()->set_need_full(need_full);
      *message.mutable_welcome()->mutable_settings() = settings;
      Send(std::move(message));
    }
    void Acknowledge(int64_t sequence) {
      v1::SessionResponse message;
      message.mutable_ack()->set_sequence(sequence);
      Send(std::move(message));
    }
    void Heartbeat() {
      v1::SessionResponse message;
      message.mutable_heartbeat();
      Send(std::move(message));
    }
    // After all that was sent.
    void End(const grpc::Status& status) {
      MutexLock lock(mu_);
      end_ = status;
      Advance();
    }

    // The agent has ended it, or it has been ended.
    bool AwaitOver(absl::Duration patience = kPatience) {
      MutexLock lock(mu_);
      return Await(patience,
                   [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return over_; });
    }

   private:
    friend class ScriptedController;

    // Operations are begun under the lock, so that none is begun after the end;
    // their reactions come on gRPC's threads.
    void Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      if (writing_ || finished_) return;
      if (!outgoing_.empty() && !over_) {
        writing_ = true;
        StartWrite(&outgoing_.front());
      } else if (end_.has_value()) {
        finished_ = true;
        Finish(*end_);
      }
    }

    void OnReadDone(bool ok) override {
      MutexLock lock(mu_);
      if (ok) {
        received_.push_back(std::move(incoming_));
        incoming_.Clear();
        StartRead(&incoming_);
      } else {
        over_ = true;
        if (!end_.has_value()) end_ = grpc::Status::OK;
        Advance();
      }
      changed_.NotifyAll();
    }
    void OnWriteDone(bool ok) override {
      MutexLock lock(mu_);
      writing_ = false;
      outgoing_.pop_front();
      Advance();
    }
    void OnDone() override {
      const std::shared_ptr<Call> self = std::move(self_);
      MutexLock lock(mu_);
      over_ = true;
      changed_.NotifyAll();
    }

    template <typename Condition>
    bool Await(absl::Duration patience, const Condition& condition)
        ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
      const Clock& clock = Clock::Real();
      const absl::Duration deadline = clock.Uptime() + patience;
      while (!condition()) {
        if (clock.Uptime() >= deadline) return false;
        clock.WaitUntil(deadline, mu_, changed_);
      }
      return true;
    }

    v1::SessionRequest incoming_;
    std::shared_ptr<Call> self_;  // until gRPC is done with it

    Mutex mu_;
    CondVar changed_;
    std::deque<v1::SessionRequest> received_ ABSL_GUARDED_BY(mu_);
    std::deque<v1::SessionResponse> outgoing_ ABSL_GUARDED_BY(mu_);
    bool writing_ ABSL_GUARDED_BY(mu_) = false;
    bool over_ ABSL_GUARDED_BY(mu_) = false;
    bool finished_ ABSL_GUARDED_BY(mu_) = false;
    std::optional<grpc::Status> end_ ABSL_GUARDED_BY(mu_);
  };
  using CallPtr = std::shared_ptr<Call>;

  // On a free port, or on that of one that was before.
  explicit ScriptedController(int port = 0) : service_(*this) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort(absl::StrCat("127.0.0.1:", port),
                             grpc::InsecureServerCredentials(), &port_);
    builder.SetMaxReceiveMessageSize(32 << 20);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }
  // Ends all sessions as a process that is killed does.
  ~ScriptedController() { server_->Shutdown(std::chrono::system_clock::now()); }

  int port() const { return port_; }
  std::string address() const { return absl::StrCat("127.0.0.1:", port_); }

  // The next session that comes; null if none does.
  CallPtr NextCall(absl::Duration patience = Call::kPatience) {
    const Clock& clock = Clock::Real();
    const absl::Duration deadline = clock.Uptime() + patience;
    MutexLock lock(mu_);
    while (calls_.empty()) {
      if (clock.Uptime() >= deadline) return nullptr;
      clock.WaitUntil(deadline, mu_, changed_);
    }
    CallPtr call = std::move(calls_.front());
    calls_.pop_front();
    return call;
  }

 private:
  class Service final : public v1::AgentService::CallbackService {
   public:
    explicit Service(ScriptedController& controller)
        : controller_(controller) {}

    grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse>* Session(
        grpc::CallbackServerContext* context) override {
      auto call = std::make_shared<Call>();
      call->self_ = call;
      Call* const reactor = call.get();
      MutexLock lock(controller_.mu_);
      controller_.calls_.push_back(std::move(call));
      controller_.changed_.NotifyAll();
      return reactor;
    }

   private:
    ScriptedController& controller_;
  };

  Service service_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;

  Mutex mu_;
  CondVar changed_;
  std::deque<CallPtr> calls_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai::agent

#endif  // AGENT_SCRIPTED_CONTROLLER_H_
