// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_AGENT_SESSIONS_H_
#define CONTROLLER_SOURCE_AGENT_SESSIONS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "controller/enrolment/agent_names.h"
#include "controller/source/agent_hosts.h"
#include "proto/ids.h"
#include "rehai/v1/agent.pb.h"
#include "rehai/v1/source.pb.h"

namespace rehai {

// The way to one agent, as long as its stream lives: gRPC's, or a test's.
// Thread-safe; calls return at once, are made under no lock, and do nothing
// once the stream has ended.
class AgentStream {
 public:
  virtual ~AgentStream() = default;
  // Sends after all that was sent before. An agent that does not read is not
  // waited for: the stream ends, kResourceExhausted, when more than a bounded
  // number of messages wait.
  virtual void Send(v1::SessionResponse message) = 0;
  // Ends the stream so, after all that was sent.
  virtual void Finish(const absl::Status& status) = 0;
};

// Who is at the other end of a stream, as the transport knows it.
struct AgentPeer {
  // For whom its certificate lets it speak. Nullopt: it came in clear, and is
  // believed.
  std::optional<AgentNames> names;
  std::string address;  // for people
  // Infinite: it has none.
  absl::Time certificate_ends_at = absl::InfiniteFuture();
};

// AgentSessions speaks agent.proto's session with every agent: who may open
// one and when, epochs and sequences, acknowledgements, heartbeats, requests.
// What agents say goes to AgentHosts.
//
// - A session whose certificate is not its host's, or ends, is refused or
//   ended.
// - No more sessions begin per second than Options says, so that a fleet that
//   comes back at once is not welcomed at once: the others are told when to
//   come back, spread over the time that it takes.
// - A report is merged before the next one is read from the same agent; that is
//   the flow control. Nothing is queued here.
// - An agent that says nothing for three heartbeat intervals is given up.
//
// Thread-safe. Owns one thread, for heartbeats and deadlines, between Start()
// and Stop().
class AgentSessions {
 public:
  struct Options {
    // To be told to every agent; heartbeat_interval is also ours.
    v1::AgentSettings settings;
    int max_sessions = 5000;
    double sessions_per_second = 200;
    // For Ohai that an agent runs by its interval, or when asked.
    std::vector<std::string> ohai_plugins;
    absl::Duration ohai_timeout = absl::Minutes(2);
  };

  // A result of Ohai that nobody waits for: by the interval. On any thread.
  using OhaiListener =
      std::function<void(const HostId& host, v1::OhaiResult result)>;
  using OhaiDone = absl::AnyInvocable<void(absl::StatusOr<v1::OhaiResult>)>;

  // Both must outlive it.
  AgentSessions(Options options, AgentHosts& hosts, OhaiListener on_ohai,
                const Clock& clock);
  ~AgentSessions();
  AgentSessions(const AgentSessions&) = delete;
  AgentSessions& operator=(const AgentSessions&) = delete;

  void Start();
  // Sends every agent away, to come back within a spread of seconds, and ends
  // their streams. Agents that come later are refused, kUnavailable. Calls
  // AgentHosts no more when it returns. Not from a call of AgentHosts'.
  void Stop();

  // One step of the thread: heartbeats, silence, deadlines. Returns the
  // Uptime() of the next. Only for who does not Start().
  absl::Duration Tick();

  // One stream, from its begin to its end.
  class Session {
   public:
    // The stream has ended.
    virtual ~Session() = default;
    // What the agent said. Returns when the next may be read. One call at a
    // time. Says what is wrong by AgentStream::Finish().
    virtual void Received(v1::SessionRequest message) = 0;
  };
  std::unique_ptr<Session> Open(AgentPeer peer,
                                std::shared_ptr<AgentStream> stream);

  // Has the host's agent run Ohai. `done` once, at once or later, on any
  // thread. `plugins` empty: those of the options. kFailedPrecondition: no
  // agent speaks for the host; kUnavailable: it went meanwhile;
  // kDeadlineExceeded: it said nothing in time; kResourceExhausted: too many
  // wait for it. That Ohai failed is in the result.
  void RunOhai(const HostId& host, const std::vector<std::string>& plugins,
               OhaiDone done);

  // For people and metrics. The certificates' counts are not filled in.
  v1::PushStatus Status() const;
  // In the order of their nodes.
  std::vector<v1::AgentState> Agents() const;

 private:
  struct Parts;
  // Shared with sessions that end later.
  const std::shared_ptr<Parts> parts_;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_AGENT_SESSIONS_H_
