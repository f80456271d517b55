// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/agent_sessions.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "controller/source/agent_sessions_parts.h"

namespace rehai {
namespace {

constexpr absl::Duration kDefaultHeartbeat = absl::Seconds(10);
constexpr int kSilentIntervals = 3;
// Between two looks for agents that are long gone.
constexpr absl::Duration kForgetInterval = absl::Minutes(10);
// Between two log lines that any agent can cause, of the same kind.
constexpr absl::Duration kLogInterval = absl::Seconds(10);

AgentSessions::Options WithHeartbeat(AgentSessions::Options options) {
  v1::AgentSettings& settings = options.settings;
  if (FromProto(settings.heartbeat_interval()) <= absl::ZeroDuration()) {
    *settings.mutable_heartbeat_interval() = ToProto(kDefaultHeartbeat);
  }
  return options;
}

// Twice what a whole fleet needs to come in.
absl::Duration LongestWait(const AgentSessions::Options& options) {
  return absl::Seconds(10) +
         2 * absl::Seconds(options.max_sessions / options.sessions_per_second);
}

v1::SessionResponse GoAway(const absl::Status& why, absl::Duration after) {
  v1::SessionResponse message;
  message.mutable_go_away()->set_reason(std::string(why.message()));
  *message.mutable_go_away()->mutable_reconnect_after() = ToProto(after);
  return message;
}

}  // namespace

// A stream's end of its session.
class AgentSessions::Parts::StreamSession final : public Session {
 public:
  StreamSession(std::shared_ptr<Parts> parts, TalkPtr talk)
      : parts_(std::move(parts)), talk_(std::move(talk)) {}
  ~StreamSession() override {
    parts_->End(talk_, {.why = "closed",
                        .status = absl::UnavailableError(
                            "the agent's stream has ended; it comes back"),
                        .finish = false});
  }

  void Received(v1::SessionRequest message) override {
    parts_->Received(talk_, std::move(message));
  }

 private:
  const std::shared_ptr<Parts> parts_;
  const TalkPtr talk_;
};

AgentSessions::Parts::Parts(Options with, AgentHosts& to, OhaiListener listener,
                            const Clock& by)
    : options(WithHeartbeat(std::move(with))),
      heartbeat(FromProto(options.settings.heartbeat_interval())),
      hosts(to),
      on_ohai(std::move(listener)),
      clock(by),
      rate(options.sessions_per_second, LongestWait(options)),
      forget_at(clock.Uptime() + kForgetInterval) {}

std::unique_ptr<AgentSessions::Session> AgentSessions::Parts::Open(
    AgentPeer peer, std::shared_ptr<AgentStream> stream) {
  const auto talk = std::make_shared<Talk>(std::move(peer), std::move(stream));
  std::optional<Ending> refusal;
  {
    MutexLock lock(mu);
    open.emplace(talk.get(), talk);
    talk->heard_at = talk->sent_at = clock.Uptime();
    Schedule(*talk, talk->heard_at + kSilentIntervals * heartbeat);
    if (stopping) {
      refusal = Ending{.why = "stopping",
                       .status = absl::UnavailableError(
                           "the controller stops; come back later")};
    } else if (open.size() > 2 * static_cast<size_t>(options.max_sessions)) {
      // Who has said no hello yet counts too, as often again.
      refusal = Ending{
          .why = "full",
          .status = absl::UnavailableError(absl::StrCat(
              open.size() - 1, " agents' streams are open; come back later")),
          .come_back_after = Jittered(absl::Seconds(30))};
    }
  }
  if (refusal.has_value()) End(talk, *std::move(refusal));
  return std::make_unique<StreamSession>(shared_from_this(), talk);
}

void AgentSessions::Parts::End(const TalkPtr& talk, Ending ending) {
  std::vector<OhaiRuns::Done> waiting;
  HostId host;
  int64_t epoch = 0;  // of a session that is being admitted, it comes too late
  bool tell = false;
  {
    MutexLock lock(mu);
    if (talk->ending.has_value()) return;
    talk->ending = ending;
    waiting = Remove(*talk);
    host = talk->host;
    epoch = talk->epoch;
    tell = epoch != 0 && !talk->busy;
    talk->told = tell;
    ++calls;
  }
  if (ending.finish) {
    if (ending.come_back_after.has_value()) {
      talk->stream->Send(GoAway(ending.status, *ending.come_back_after));
    }
    talk->stream->Finish(ending.status);
  }
  for (OhaiRuns::Done& done : waiting) {
    done(absl::UnavailableError(
        absl::StrCat("host ", host.node,
                     ": its agent went before Ohai had run; ask again")));
  }
  if (tell) hosts.Went(host, epoch, ending.status);
  if (epoch != 0) {
    log::Info("agent gone", {{"host", host.node},
                             {"address", talk->peer.address},
                             {"epoch", epoch},
                             {"why", ending.why},
                             {"error", ending.status.message()}});
  } else {
    SayRefused(*talk, ending);
  }
  MutexLock lock(mu);
  if (--calls == 0) idle.NotifyAll();
}

std::vector<OhaiRuns::Done> AgentSessions::Parts::Remove(Talk& talk) {
  const Ending& ending = *talk.ending;
  if (talk.wake_at.has_value()) wakes.erase({*talk.wake_at, &talk});
  talk.wake_at.reset();
  open.erase(&talk);
  if (talk.reserved) --reserved;
  if (talk.epoch == 0) {
    if (ending.why != "closed") statistics.SessionRefused(ending.why);
    return {};
  }
  --admitted;
  statistics.SessionEnded(ending.why);
  const auto speaker = speakers.find(talk.host);
  if (speaker != speakers.end() && speaker->second.get() == &talk) {
    speakers.erase(speaker);
  }
  known.Went(talk.host, talk.epoch, ending.status.message(), clock.Now());
  if (ending.why == "departed") known.Forget(talk.host);
  return talk.ohai.TakeAll();
}

void AgentSessions::Parts::SayRefused(const Talk& talk, const Ending& ending) {
  if (ending.why == "closed") return;
  if (const auto unsaid = MaySay(ending.why); unsaid.has_value()) {
    log::Warning("agent refused", {{"address", talk.peer.address},
                                   {"why", ending.why},
                                   {"error", ending.status.message()},
                                   {"more_since_last", *unsaid}});
  }
}

std::optional<int64_t> AgentSessions::Parts::MaySay(const std::string& what) {
  MutexLock lock(mu);
  Silence& silence = silences[what];
  const absl::Duration now = clock.Uptime();
  if (now < silence.until) {
    ++silence.unsaid;
    return std::nullopt;
  }
  silence.until = now + kLogInterval;
  return std::exchange(silence.unsaid, 0);
}

void AgentSessions::Parts::Stop() {
  {
    MutexLock lock(mu);
    stopping = true;
    wake.NotifyAll();
  }
  if (thread.joinable()) thread.join();
  std::vector<std::pair<TalkPtr, absl::Duration>> leaving;
  {
    MutexLock lock(mu);
    absl::Duration after;
    for (const auto& [key, talk] : open) {
      after += absl::Seconds(1 / options.sessions_per_second);
      leaving.emplace_back(
          talk, after + absl::Seconds(absl::Uniform(random, 0.0, 1.0)));
    }
  }
  for (const auto& [talk, after] : leaving) {
    End(talk, {.why = "stopping",
               .status = absl::UnavailableError(
                   "the controller stops; come back later"),
               .come_back_after = after});
  }
  MutexLock lock(mu);
  while (calls > 0) idle.Wait(mu);
}

void AgentSessions::Parts::Run() {
  while (true) {
    Tick();
    MutexLock lock(mu);
    while (!stopping && clock.Uptime() < NextWake()) {
      clock.WaitUntil(NextWake(), mu, wake);
    }
    if (stopping) return;
  }
}

absl::Duration AgentSessions::Parts::Tick() {
  std::vector<Due> all_due;
  {
    MutexLock lock(mu);
    const absl::Duration now = clock.Uptime();
    if (now >= forget_at) {
      known.ForgetOlderThan(clock.Now() - KnownAgents::kKeep);
      forget_at = now + kForgetInterval;
    }
    while (!wakes.empty() && wakes.begin()->first <= now) {
      Talk* const talk = wakes.begin()->second;
      wakes.erase(wakes.begin());
      talk->wake_at.reset();
      all_due.push_back(Judge(open.at(talk), now));
    }
  }
  for (Due& due : all_due) Act(due);
  MutexLock lock(mu);
  return NextWake();
}

AgentSessions::Parts::Due AgentSessions::Parts::Judge(const TalkPtr& talk,
                                                      absl::Duration now) {
  Due due;
  due.talk = talk;
  // While it is being heard it is not silent, however long that takes.
  if (talk->busy) talk->heard_at = now;
  const absl::Duration silent_at =
      talk->heard_at + kSilentIntervals * heartbeat;
  if (now >= silent_at) {
    due.ending = Ending{.why = "silent",
                        .status = absl::UnavailableError(absl::StrCat(
                            "the agent has said nothing for ",
                            absl::FormatDuration(now - talk->heard_at),
                            "; see that it runs and reaches the controller"))};
    return due;
  }
  const absl::Duration certified = talk->peer.certificate_ends_at - clock.Now();
  if (certified <= absl::ZeroDuration()) {
    due.ending = Ending{
        .why = "certificate",
        .status = absl::UnavailableError(
            "the agent's certificate has ended; come back with a new one"),
        .come_back_after = Jittered(absl::Seconds(1))};
    return due;
  }
  due.expired = talk->ohai.Expired(now);
  if (!due.expired.empty()) statistics.OhaiRan(/*ok=*/false);
  due.ohai = BeginOhai(*talk);
  due.heartbeat = talk->welcomed && now >= talk->sent_at + heartbeat;
  if (due.heartbeat) talk->sent_at = now;
  absl::Duration next =
      std::min({silent_at, talk->ohai.deadline(), now + certified});
  if (talk->welcomed) next = std::min(next, talk->sent_at + heartbeat);
  Schedule(*talk, next);
  return due;
}

void AgentSessions::Parts::Act(Due& due) {
  if (due.ending.has_value()) {
    End(due.talk, *std::move(due.ending));
    return;
  }
  if (due.heartbeat) {
    v1::SessionResponse message;
    message.mutable_heartbeat();
    due.talk->stream->Send(std::move(message));
  }
  for (OhaiRuns::Done& done : due.expired) {
    done(absl::DeadlineExceededError(
        absl::StrCat("host ", due.talk->host.node,
                     ": its agent sent no result of Ohai in time; see the "
                     "agent's log")));
  }
  SendOhai(*due.talk, due.ohai);
}

void AgentSessions::Parts::Schedule(Talk& talk, absl::Duration at) {
  if (talk.wake_at.has_value()) {
    if (*talk.wake_at <= at) return;  // it looks again then
    wakes.erase({*talk.wake_at, &talk});
  }
  const bool first = at < NextWake();
  talk.wake_at = at;
  wakes.emplace(at, &talk);
  if (first) wake.NotifyAll();
}

absl::Duration AgentSessions::Parts::NextWake() const {
  return wakes.empty() ? forget_at : std::min(forget_at, wakes.begin()->first);
}

absl::Duration AgentSessions::Parts::Jittered(absl::Duration wait) {
  return wait * absl::Uniform(random, 1.0, 1.5);
}

AgentSessions::AgentSessions(Options options, AgentHosts& hosts,
                             OhaiListener on_ohai, const Clock& clock)
    : parts_(std::make_shared<Parts>(std::move(options), hosts,
                                     std::move(on_ohai), clock)) {}

AgentSessions::~AgentSessions() { Stop(); }

void AgentSessions::Start() {
  parts_->thread = std::thread([parts = parts_.get()] { parts->Run(); });
}

void AgentSessions::Stop() { parts_->Stop(); }

absl::Duration AgentSessions::Tick() { return parts_->Tick(); }

std::unique_ptr<AgentSessions::Session> AgentSessions::Open(
    AgentPeer peer, std::shared_ptr<AgentStream> stream) {
  return parts_->Open(std::move(peer), std::move(stream));
}

void AgentSessions::RunOhai(const HostId& host,
                            const std::vector<std::string>& plugins,
                            OhaiDone done) {
  parts_->RunOhai(host,
                  plugins.empty() ? parts_->options.ohai_plugins : plugins,
                  std::move(done));
}

v1::PushStatus AgentSessions::Status() const {
  v1::PushStatus status;
  MutexLock lock(parts_->mu);
  status.set_sessions(parts_->admitted);
  parts_->statistics.FillStatus(status);
  return status;
}

std::vector<v1::AgentState> AgentSessions::Agents() const {
  MutexLock lock(parts_->mu);
  return parts_->known.All();
}

}  // namespace rehai
