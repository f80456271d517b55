// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_AGENT_SESSIONS_FIXTURE_H_
#define CONTROLLER_SOURCE_AGENT_SESSIONS_FIXTURE_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "base/mutex.h"
#include "controller/inventory/inventory.h"
#include "controller/source/agent_hosts.h"
#include "controller/source/agent_sessions.h"
#include "proto/ids.h"
#include "rehai/v1/agent.pb.h"
#include "rehai/v1/model.pb.h"

// What the tests of AgentSessions share: streams that remember what was sent,
// hosts that remember what was said of them, and words for messages.
namespace rehai {

inline std::string UuidOf(int i) {
  return absl::StrFormat("c7a5fdbd-edaf-4d1c-8f64-%012d", i);
}

// A stream whose other end is the test. Thread-safe.
class RecordingStream final : public AgentStream {
 public:
  void Send(v1::SessionResponse message) override {
    MutexLock lock(mu_);
    if (!end_.has_value()) sent_.push_back(std::move(message));
  }
  void Finish(const absl::Status& status) override {
    MutexLock lock(mu_);
    if (!end_.has_value()) end_ = status;
  }

  std::vector<v1::SessionResponse> Sent() const {
    MutexLock lock(mu_);
    return sent_;
  }
  // What was sent since the last Take().
  std::vector<v1::SessionResponse> Take() {
    MutexLock lock(mu_);
    return std::exchange(sent_, {});
  }
  std::optional<absl::Status> end() const {
    MutexLock lock(mu_);
    return end_;
  }

 private:
  mutable Mutex mu_;
  std::vector<v1::SessionResponse> sent_ ABSL_GUARDED_BY(mu_);
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mu_);
};

// Hosts as FleetSource has them, over a real inventory: the newest session
// speaks. Fails the test if calls of one session overlap, or come after its
// end. Thread-safe; what is set for answers, before sessions begin.
class FakeAgentHosts final : public AgentHosts {
 public:
  explicit FakeAgentHosts(Inventory& inventory) : inventory_(inventory) {}

  // Answers. Called under no lock.
  std::function<void(const HostId&, Agent&)> on_came = [](auto&, auto&) {};
  std::function<void(const HostId&)> on_saw = [](auto&) {};
  absl::Status saw_answer;
  absl::Duration come_back_after;  // > 0: not now

  absl::StatusOr<Admission> Came(const HostId& host, int64_t last_session,
                                 std::shared_ptr<Agent> agent) override {
    Admission admission;
    std::shared_ptr<Agent> older;
    {
      MutexLock lock(mu_);
      if (inventory_.Find(host) == nullptr) {
        return absl::NotFoundError("no such host");
      }
      if (come_back_after > absl::ZeroDuration()) {
        admission.come_back_after = come_back_after;
        return admission;
      }
      Host& known = hosts_[host];
      known.last_session = last_session;
      admission.session = known.session = ++sessions_;
      admission.resumes = last_session != 0 && known.told_by == last_session;
      older = std::exchange(known.agent, agent);
    }
    if (older != nullptr) older->Dismiss(absl::AbortedError("another came"));
    on_came(host, *agent);
    return admission;
  }

  absl::Status Saw(const HostId& host, int64_t session, v1::Observation seen,
                   const std::vector<int64_t>& answers) override {
    const Call call(*this, session);
    on_saw(host);
    if (!saw_answer.ok()) return saw_answer;
    {
      MutexLock lock(mu_);
      Host& known = hosts_[host];
      if (known.session != session) return absl::AbortedError("another came");
      seen.set_node(host.node);
      seen.set_session(session);
      seen.set_sequence(++known.sequence);
      known.told_by = session;
      known.answers.insert(known.answers.end(), answers.begin(), answers.end());
      known.seen.push_back(seen);
    }
    return inventory_.Observe(seen).status();
  }

  void CannotRead(const HostId& host, int64_t session,
                  const absl::Status& why) override {
    const Call call(*this, session);
    MutexLock lock(mu_);
    hosts_[host].cannot_read = why;
  }

  void Went(const HostId& host, int64_t session,
            const absl::Status& why) override {
    const Call call(*this, session);
    MutexLock lock(mu_);
    EXPECT_TRUE(gone_.insert(session).second) << session << " went twice";
    went_[host].push_back(session);
    Host& known = hosts_[host];
    if (known.session == session) {
      known.agent = nullptr;
      known.session = 0;
    }
  }

  // Another source tells of a host, if no agent's session is open; or false.
  bool TellOtherwise(const HostId& host, v1::Observation seen) {
    {
      MutexLock lock(mu_);
      Host& known = hosts_[host];
      if (known.session != 0) return false;
      ++other_sources_;
      known.told_by = -other_sources_;
      seen.set_node(host.node);
      // After all that was told before, and before all that is told later.
      seen.set_session(sessions_);
      seen.set_sequence((int64_t{1} << 40) + other_sources_);
    }
    EXPECT_TRUE(inventory_.Observe(seen).ok());
    return true;
  }

  // What was heard.
  int64_t admitted() const {
    MutexLock lock(mu_);
    return sessions_ - kFirstSession;
  }
  std::vector<v1::Observation> Seen(const HostId& host) const {
    MutexLock lock(mu_);
    return Known(host).seen;
  }
  std::vector<int64_t> Answers(const HostId& host) const {
    MutexLock lock(mu_);
    return Known(host).answers;
  }
  std::vector<int64_t> Gone(const HostId& host) const {
    MutexLock lock(mu_);
    const auto gone = went_.find(host);
    return gone == went_.end() ? std::vector<int64_t>() : gone->second;
  }
  absl::Status WhyUnreadable(const HostId& host) const {
    MutexLock lock(mu_);
    return Known(host).cannot_read;
  }
  int64_t LastSession(const HostId& host) const {
    MutexLock lock(mu_);
    return Known(host).last_session;
  }
  std::shared_ptr<Agent> AgentOf(const HostId& host) const {
    MutexLock lock(mu_);
    return Known(host).agent;
  }

 private:
  static constexpr int64_t kFirstSession = 100;

  struct Host {
    std::shared_ptr<Agent> agent;
    int64_t session = 0;
    int64_t told_by = 0;
    int64_t last_session = 0;
    int64_t sequence = 0;
    std::vector<v1::Observation> seen;
    std::vector<int64_t> answers;
    absl::Status cannot_read;
  };

  // A call of a session, from its begin to its end.
  class Call {
   public:
    Call(FakeAgentHosts& hosts, int64_t session)
        : hosts_(hosts), session_(session) {
      MutexLock lock(hosts_.mu_);
      EXPECT_TRUE(hosts_.calling_.insert(session).second)
          << "calls of session " << session << " overlap";
      EXPECT_FALSE(hosts_.gone_.contains(session))
          << "session " << session << " is over";
    }
    ~Call() {
      MutexLock lock(hosts_.mu_);
      hosts_.calling_.erase(session_);
    }

   private:
    FakeAgentHosts& hosts_;
    const int64_t session_;
  };

  const Host& Known(const HostId& host) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    static const Host kUnknown;
    const auto known = hosts_.find(host);
    return known == hosts_.end() ? kUnknown : known->second;
  }

  Inventory& inventory_;

  mutable Mutex mu_;
  int64_t sessions_ ABSL_GUARDED_BY(mu_) = kFirstSession;
  int64_t other_sources_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<HostId, Host> hosts_ ABSL_GUARDED_BY(mu_);
  std::map<HostId, std::vector<int64_t>> went_ ABSL_GUARDED_BY(mu_);
  std::set<int64_t> calling_ ABSL_GUARDED_BY(mu_);
  std::set<int64_t> gone_ ABSL_GUARDED_BY(mu_);
};

// Words for what agents say.
inline v1::SessionRequest HelloOf(const HostId& host) {
  v1::SessionRequest message;
  v1::AgentHello& hello = *message.mutable_hello();
  hello.set_node(host.node);
  hello.set_host_uuid(UuidOf(1000));
  hello.set_hostname(host.node + ".example.com");
  hello.set_agent_version("1.2.3");
  hello.set_libvirt_version("9.0.0");
  return message;
}

inline v1::SessionRequest ReportOf(int64_t epoch, int64_t sequence, bool full,
                                   const std::vector<int>& guests) {
  v1::SessionRequest message;
  v1::AgentReport& report = *message.mutable_report();
  report.set_epoch(epoch);
  report.set_sequence(sequence);
  report.set_full(full);
  if (full) report.mutable_facts()->set_uuid(UuidOf(1000));
  for (const int i : guests) {
    v1::Guest& guest = *report.add_guests();
    guest.set_uuid(UuidOf(i));
    guest.set_name(absl::StrFormat("guest-%d", i));
  }
  return message;
}

inline v1::SessionRequest HeartbeatOf() {
  v1::SessionRequest message;
  message.mutable_heartbeat();
  return message;
}

inline v1::SessionRequest OhaiResultOf(int64_t id, const std::string& json) {
  v1::SessionRequest message;
  message.mutable_ohai_result()->set_request_id(id);
  message.mutable_ohai_result()->set_json(json);
  return message;
}

// Sessions on a clock that stands still, whose thread is the test's Tick().
class AgentSessionsTest : public testing::Test {
 protected:
  // One stream of an agent's.
  struct Visit {
    std::shared_ptr<RecordingStream> stream;
    std::unique_ptr<AgentSessions::Session> session;
    int64_t epoch = 0;  // 0: not welcome

    void Say(v1::SessionRequest message) {
      session->Received(std::move(message));
    }
    // How many of the messages are of that kind.
    int Count(v1::SessionResponse::MessageCase kind) const {
      int count = 0;
      for (const auto& sent : stream->Sent()) {
        if (sent.message_case() == kind) ++count;
      }
      return count;
    }
    // The last one of that kind; empty if there is none.
    v1::SessionResponse Last(v1::SessionResponse::MessageCase kind) const {
      v1::SessionResponse last;
      for (const auto& sent : stream->Sent()) {
        if (sent.message_case() == kind) last = sent;
      }
      return last;
    }
    absl::StatusCode EndCode() const {
      return stream->end().value_or(absl::OkStatus()).code();
    }
  };

  AgentSessionsTest() {
    *options_.settings.mutable_heartbeat_interval() = ToSeconds(10);
    inventory_.AddHost(kHost, {});
  }

  static google::protobuf::Duration ToSeconds(int64_t seconds) {
    google::protobuf::Duration duration;
    duration.set_seconds(seconds);
    return duration;
  }

  // Made when it is first used, with options_ as they are then.
  AgentSessions& sessions() {
    if (sessions_ == nullptr) {
      sessions_ = std::make_unique<AgentSessions>(
          options_, hosts_,
          [this](const HostId& host, v1::OhaiResult result) {
            unasked_.emplace_back(host, std::move(result));
          },
          clock_);
    }
    return *sessions_;
  }

  Visit Open(AgentPeer peer = {}) {
    Visit visit;
    visit.stream = std::make_shared<RecordingStream>();
    visit.session = sessions().Open(std::move(peer), visit.stream);
    return visit;
  }
  Visit Come(v1::SessionRequest hello, AgentPeer peer = {}) {
    Visit visit = Open(std::move(peer));
    visit.Say(std::move(hello));
    visit.epoch = visit.Last(v1::SessionResponse::kWelcome).welcome().epoch();
    return visit;
  }
  Visit Come(const HostId& host) { return Come(HelloOf(host)); }
  // A session whose first, full report is merged.
  Visit Speak(const HostId& host, AgentPeer peer = {}) {
    Visit visit = Come(HelloOf(host), std::move(peer));
    visit.Say(ReportOf(visit.epoch, 1, /*full=*/true, {1, 2}));
    return visit;
  }

  void Advance(absl::Duration by) {
    clock_.Advance(by);
    sessions().Tick();
  }

  const HostId kHost{"hv1"};
  FakeClock clock_;
  Inventory inventory_{clock_};
  FakeAgentHosts hosts_{inventory_};
  AgentSessions::Options options_;
  std::vector<std::pair<HostId, v1::OhaiResult>> unasked_;
  std::unique_ptr<AgentSessions> sessions_;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_AGENT_SESSIONS_FIXTURE_H_
