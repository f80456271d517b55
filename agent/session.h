// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_SESSION_H_
#define AGENT_SESSION_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/channel_source.h"
#include "agent/host_feed.h"
#include "agent/runner.h"
#include "agent/session_stream.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "rehai/v1/agent.pb.h"

namespace rehai::agent {

// Session is the agent's end of agent.proto's session: it keeps one open with
// the controller, and tells it what its feed has to report.
//
// - One report is under way at a time. What is not acknowledged when a session
//   breaks is reported in the next one.
// - A controller that says nothing for three heartbeat intervals is given up,
//   and so is one that leaves a report unacknowledged.
// - It comes back after a wait that grows with each failure, or when the
//   controller has said it is to. Who is refused waits longest: somebody must
//   do something first.
// - No message is larger than the controller takes; in its place goes an error.
//
// Costs no thread of its own. Thread-safe.
class Session final : private Runner::Task {
 public:
  struct Options {
    std::string node;
    std::string agent_version;
    // A session that lives as long as the longest wait has gone well.
    BackoffOptions reconnect = {.min = absl::Seconds(1),
                                .max = absl::Minutes(1)};
    // From the call to Welcome, connecting included.
    absl::Duration welcome_timeout = absl::Seconds(20);
    // For a message to be taken, and a report to be acknowledged.
    absl::Duration progress_timeout = absl::Minutes(1);
    int64_t max_message_bytes = 16 * 1024 * 1024;
  };

  struct Standing {
    bool is_open = false;
    std::string detail;  // for people: since when what, and why

    friend bool operator==(const Standing&, const Standing&) = default;
  };
  // It stands otherwise than before. On the runner's thread; must not block.
  using Listener = std::function<void(const Standing& standing)>;

  // Runs Ohai on another thread and returns at once. `done` once, on any
  // thread.
  using OhaiDone = absl::AnyInvocable<void(v1::OhaiResult result)>;
  using OhaiStarter =
      std::function<void(const v1::RunOhai& request, OhaiDone done)>;

  // All must outlive it. `listener` may be empty.
  Session(Options options, HostFeed& feed, ChannelSource& channels,
          OhaiStarter start_ohai, Listener listener, Runner& runner,
          const Clock& clock);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Begins to connect.
  void Start();
  // Ends the session, for good. Not on the runner's thread.
  void Stop();

  // There may be something to report.
  void Wake() const { waker_.Wake(); }

  // The session is to go on by a new channel, at a moment at which nothing is
  // lost by it: there is a new certificate.
  void Reopen();

 private:
  enum class Phase {
    kIdle,      // not started
    kWaiting,   // until connect_at_
    kOpening,   // the channel is asked for
    kGreeting,  // Hello is said
    kOpen,      // Welcome is heard
    kEnding,    // the call is cancelled
  };

  // What other threads have to say. Outlives the session, as they do.
  struct Inbox {
    Mutex mu;
    std::optional<absl::StatusOr<ChannelSource::Channel>> channel
        ABSL_GUARDED_BY(mu);
    std::optional<v1::OhaiResult> ohai_result ABSL_GUARDED_BY(mu);
    bool start ABSL_GUARDED_BY(mu) = false;
    bool reopen ABSL_GUARDED_BY(mu) = false;
  };

  // Why a session ends, and when the next one is to begin.
  struct Ending {
    absl::Status why = {};
    // Nullopt: after a wait that grows.
    std::optional<absl::Duration> come_back_after = std::nullopt;
  };

  absl::Duration Run() override;
  void TakeInbox(absl::Duration now);
  void Open();
  void Opened(absl::StatusOr<ChannelSource::Channel> channel,
              absl::Duration now);

  // What the controller said.
  void Receive(absl::Duration now);
  absl::Status Handle(const v1::SessionResponse& message, absl::Duration now);
  absl::Status Welcome(const v1::AgentWelcome& welcome, absl::Duration now);
  void SetSettings(const v1::AgentSettings& settings, absl::Duration now);

  // What it is told.
  void Send(absl::Duration now);
  std::optional<v1::SessionRequest> NextMessage(absl::Duration now);
  std::optional<v1::AgentReport> NextReport(absl::Duration now);
  // The controller was told another host UUID, or none, when the session began:
  // by it, it has judged for whom this agent may speak.
  bool IsAnotherHost() const;
  void Write(v1::SessionRequest message, absl::Duration now);
  v1::OhaiResult Sendable(v1::OhaiResult result) const;

  void TakeOhaiResult();
  void RunOhai(v1::RunOhai request);
  void OhaiEnded(v1::OhaiResult result);
  void AddOhaiResult(v1::OhaiResult result);

  // Of time.
  void CheckDeadlines(absl::Duration now);
  absl::Duration NextDeadline() const;
  absl::Duration SilentAt() const { return heard_at_ + 3 * heartbeat_; }

  void End(Ending ending);
  void Ended(absl::Status status, absl::Duration now);
  void Retry(const Ending& ending, absl::Duration now);
  void Announce(Standing standing);

  // Set at construction.
  const Options options_;
  HostFeed& feed_;
  ChannelSource& channels_;
  const OhaiStarter start_ohai_;
  const Listener listener_;
  Runner& runner_;
  const Clock& clock_;
  const std::shared_ptr<Inbox> inbox_;
  const Runner::Waker waker_;

  // The runner's thread's from here on.
  absl::BitGen random_;
  Phase phase_ = Phase::kIdle;
  Standing standing_;
  absl::Duration connect_at_;
  int failures_ = 0;  // sessions in a row that did not go well
  // Said of the last failure, so that it is said once.
  std::optional<absl::StatusCode> complained_of_;

  // Of the call.
  std::unique_ptr<SessionStream> stream_;
  Ending ending_;  // in kEnding
  absl::Duration begun_at_;
  absl::Duration opened_at_;
  int64_t epoch_ = 0;
  absl::Duration heard_at_;
  absl::Duration written_at_;  // when the last write began
  std::optional<absl::Duration> unacknowledged_since_;
  int64_t unacknowledged_ = 0;  // the sequence of that report
  bool reopen_ = false;
  std::string said_uuid_;  // in Hello

  // The controller's settings, as far as they are for us.
  absl::Duration heartbeat_ = absl::Seconds(10);
  absl::Duration ohai_interval_ = absl::ZeroDuration();

  // The controller lacks guests of a report that was too large.
  bool lacks_report_ = false;

  absl::Duration ohai_at_ = absl::InfiniteDuration();
  // The epoch whose controller asked for the run under way.
  std::optional<int64_t> ohai_epoch_;
  std::deque<v1::OhaiResult> ohai_results_;  // to be sent
};

}  // namespace rehai::agent

#endif  // AGENT_SESSION_H_
