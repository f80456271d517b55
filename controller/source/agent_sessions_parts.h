// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_AGENT_SESSIONS_PARTS_H_
#define CONTROLLER_SOURCE_AGENT_SESSIONS_PARTS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "controller/source/agent_session_protocol.h"
#include "controller/source/agent_sessions.h"
#include "controller/source/known_agents.h"
#include "controller/source/ohai_runs.h"
#include "controller/source/push_statistics.h"
#include "controller/source/session_rate.h"

// What AgentSessions is made of; for its own files alone.
namespace rehai {

// Shared by AgentSessions, the streams' sessions and what AgentHosts holds of
// them. One lock, a leaf: streams, AgentHosts and callers are called outside
// it.
struct AgentSessions::Parts : std::enable_shared_from_this<Parts> {
  Parts(Options options, AgentHosts& hosts, OhaiListener on_ohai,
        const Clock& clock);

  // How a session ends.
  struct Ending {
    std::string why;  // as PushStatus counts it
    absl::Status status;
    // A GoAway says so first.
    std::optional<absl::Duration> come_back_after = std::nullopt;
    // False: the stream has ended.
    bool finish = true;
  };

  // One stream.
  struct Talk {
    Talk(AgentPeer with, std::shared_ptr<AgentStream> over)
        : peer(std::move(with)), stream(std::move(over)) {}

    // Set at construction.
    const AgentPeer peer;
    const std::shared_ptr<AgentStream> stream;

    // Of the thread that Received() runs on; one at a time.
    AgentSessionProtocol protocol;
    v1::AgentHello hello;

    // The rest is guarded by Parts::mu.
    HostId host;
    int64_t epoch = 0;      // 0: not admitted
    bool reserved = false;  // counts against max_sessions
    // Nothing else may be sent before the welcome is: what was to be is kept.
    bool welcomed = false;
    std::vector<int64_t> early_rereads;
    absl::Duration heard_at;
    absl::Duration sent_at;
    std::optional<absl::Duration> wake_at;  // in wakes
    OhaiRuns ohai;
    // In Received(): AgentHosts is perhaps being called, and is told of the
    // session's end by that thread, so that its calls come one at a time.
    bool busy = false;
    std::optional<Ending> ending;  // once set, for good
    bool told = false;             // AgentHosts of the end
  };
  using TalkPtr = std::shared_ptr<Talk>;

  class StreamSession;
  class HostAgent;

  // The begin and the end (agent_sessions.cc).
  std::unique_ptr<Session> Open(AgentPeer peer,
                                std::shared_ptr<AgentStream> stream);
  void End(const TalkPtr& talk, Ending ending);
  // The bookkeeping of End(); returns who waits for Ohai.
  std::vector<OhaiRuns::Done> Remove(Talk& talk)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  void SayRefused(const Talk& talk, const Ending& ending);
  // Nullopt: it was logged a moment ago. Else how often it was not since then.
  std::optional<int64_t> MaySay(const std::string& what);
  void Stop();

  // The thread.
  void Run();
  absl::Duration Tick();
  // What one session needs now; acts after the lock is left.
  struct Due {
    TalkPtr talk;
    bool heartbeat = false;
    std::optional<Ending> ending;
    std::vector<OhaiRuns::Done> expired;
    std::optional<OhaiRuns::Begun> ohai;
  };
  Due Judge(const TalkPtr& talk, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  void Act(Due& due);
  void Schedule(Talk& talk, absl::Duration at)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  absl::Duration NextWake() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);

  // What agents say (agent_sessions_messages.cc).
  void Received(const TalkPtr& talk, v1::SessionRequest message);
  void Handle(const TalkPtr& talk, v1::SessionRequest message);
  void Greet(const TalkPtr& talk, v1::AgentHello hello);
  // Nullopt: the host's agent may come, as far as we are concerned.
  std::optional<Ending> Reserve(Talk& talk);
  void Welcome(const TalkPtr& talk, const HostId& host,
               const AgentHosts::Admission& admission, bool may_resume);
  void Merge(const TalkPtr& talk, v1::AgentReport report);
  void CannotRead(const TalkPtr& talk, const v1::AgentReport& report);
  void DemandFull(const TalkPtr& talk, const std::string& reason);
  void Acknowledge(const TalkPtr& talk, const v1::AgentReport& report);
  void TakeOhai(const TalkPtr& talk, v1::OhaiResult result);

  // What is asked of agents (agent_sessions_messages.cc).
  void Send(Talk& talk, v1::SessionResponse message);
  void AskReread(const TalkPtr& talk, int64_t request_id);
  void Dismiss(const TalkPtr& talk, const absl::Status& why);
  void RunOhai(const HostId& host, std::vector<std::string> plugins,
               OhaiDone done);
  std::optional<OhaiRuns::Begun> BeginOhai(Talk& talk)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);
  void SendOhai(Talk& talk, const std::optional<OhaiRuns::Begun>& begun);

  // So long, and up to half as long again.
  absl::Duration Jittered(absl::Duration wait)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu);

  // Set at construction.
  const Options options;
  const absl::Duration heartbeat;
  AgentHosts& hosts;
  const OhaiListener on_ohai;
  const Clock& clock;

  mutable Mutex mu;
  CondVar wake;  // the thread
  CondVar idle;  // Stop(), when `calls` is 0
  bool stopping ABSL_GUARDED_BY(mu) = false;
  // How many threads may be calling AgentHosts or on_ohai.
  int calls ABSL_GUARDED_BY(mu) = 0;
  absl::BitGen random ABSL_GUARDED_BY(mu);

  std::map<const Talk*, TalkPtr> open ABSL_GUARDED_BY(mu);
  // The newest session of each host.
  std::map<HostId, TalkPtr> speakers ABSL_GUARDED_BY(mu);
  std::set<std::pair<absl::Duration, Talk*>> wakes ABSL_GUARDED_BY(mu);
  int reserved ABSL_GUARDED_BY(mu) = 0;
  int admitted ABSL_GUARDED_BY(mu) = 0;

  SessionRate rate ABSL_GUARDED_BY(mu);
  KnownAgents known ABSL_GUARDED_BY(mu);
  absl::Duration forget_at ABSL_GUARDED_BY(mu);
  PushStatistics statistics ABSL_GUARDED_BY(mu);
  int64_t last_ohai_id ABSL_GUARDED_BY(mu) = 0;
  // When it may be logged again, and how many were not, by what it is. A few.
  struct Silence {
    absl::Duration until = -absl::InfiniteDuration();
    int64_t unsaid = 0;
  };
  std::map<std::string, Silence> silences ABSL_GUARDED_BY(mu);

  std::thread thread;  // of Start() and Stop()
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_AGENT_SESSIONS_PARTS_H_
