// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What agents say, and what is asked of them.

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "base/utf8.h"
#include "controller/source/agent_observation.h"
#include "controller/source/agent_sessions_parts.h"

namespace rehai {
namespace {

// Another agent of the same host, or the same one by a stream that was thought
// dead: two that live would chase each other away as fast as they come.
constexpr absl::Duration kSupersededWait = absl::Seconds(30);
// For a result that was ready in time to arrive.
constexpr absl::Duration kOhaiGrace = absl::Seconds(10);

constexpr size_t kLongestQuote = 100;

absl::Status About(const HostId& host, const absl::Status& status) {
  return absl::Status(status.code(), absl::StrCat("agent of ", host.node, ": ",
                                                  status.message()));
}

absl::Status NotInFleet(const HostId& host) {
  return absl::PermissionDeniedError(absl::StrCat(
      "host ", host.node,
      " is not in the fleet; add it to the controller's discovery"));
}

}  // namespace

// What AgentHosts holds of a session, for as long as it likes.
class AgentSessions::Parts::HostAgent final : public Agent {
 public:
  HostAgent(const std::shared_ptr<Parts>& parts, const TalkPtr& talk)
      : parts_(parts), talk_(talk) {}

  void AskReread(int64_t request_id) override {
    const std::shared_ptr<Parts> parts = parts_.lock();
    const TalkPtr talk = talk_.lock();
    if (parts != nullptr && talk != nullptr) parts->AskReread(talk, request_id);
  }
  void Dismiss(const absl::Status& why) override {
    const std::shared_ptr<Parts> parts = parts_.lock();
    const TalkPtr talk = talk_.lock();
    if (parts != nullptr && talk != nullptr) parts->Dismiss(talk, why);
  }

 private:
  const std::weak_ptr<Parts> parts_;
  const std::weak_ptr<Talk> talk_;
};

void AgentSessions::Parts::Received(const TalkPtr& talk,
                                    v1::SessionRequest message) {
  {
    MutexLock lock(mu);
    if (talk->ending.has_value()) return;
    talk->busy = true;
    talk->heard_at = clock.Uptime();
    ++calls;
  }
  Handle(talk, std::move(message));
  bool tell = false;
  {
    MutexLock lock(mu);
    talk->busy = false;
    talk->heard_at = clock.Uptime();
    tell = talk->ending.has_value() && talk->epoch != 0 && !talk->told;
    if (tell) talk->told = true;
  }
  if (tell) hosts.Went(talk->host, talk->epoch, talk->ending->status);
  MutexLock lock(mu);
  if (--calls == 0) idle.NotifyAll();
}

void AgentSessions::Parts::Handle(const TalkPtr& talk,
                                  v1::SessionRequest message) {
  using Duty = AgentSessionProtocol::Duty;
  const auto step = talk->protocol.Take(message);
  if (!step.ok()) {
    // A hello that is refused may be for the length of this.
    const HostId host{message.has_hello()
                          ? Excerpt(message.hello().node(), kLongestQuote)
                          : talk->hello.node()};
    return End(talk, {.why = "protocol", .status = About(host, step.status())});
  }
  switch (step->duty) {
    case Duty::kNothing:
      return;
    case Duty::kGreet:
      return Greet(talk, std::move(*message.mutable_hello()));
    case Duty::kMerge:
      return Merge(talk, std::move(*message.mutable_report()));
    case Duty::kCannotRead:
      return CannotRead(talk, message.report());
    case Duty::kDemandFull:
      return DemandFull(talk, step->reason);
    case Duty::kOhaiResult:
      return TakeOhai(talk, std::move(*message.mutable_ohai_result()));
  }
}

void AgentSessions::Parts::Greet(const TalkPtr& talk, v1::AgentHello hello) {
  talk->hello = std::move(hello);
  const HostId host{talk->hello.node()};
  if (talk->peer.names.has_value()) {
    absl::Status status =
        MaySpeakFor(*talk->peer.names, host, talk->hello.host_uuid());
    if (!status.ok()) {
      return End(talk, {.why = "identity", .status = std::move(status)});
    }
  }
  if (auto refusal = Reserve(*talk); refusal.has_value()) {
    return End(talk, *std::move(refusal));
  }
  bool may_resume = false;
  {
    MutexLock lock(mu);
    may_resume = known.MayResume(host, talk->hello);
  }
  const auto admission =
      hosts.Came(host, may_resume ? talk->hello.last_epoch() : 0,
                 std::make_shared<HostAgent>(shared_from_this(), talk));
  if (absl::IsNotFound(admission.status())) {
    return End(talk, {.why = "unknown_host", .status = NotInFleet(host)});
  }
  if (!admission.ok()) {
    return End(
        talk, {.why = "stopping",
               .status = absl::UnavailableError(admission.status().message())});
  }
  Welcome(talk, host, *admission, may_resume);
}

std::optional<AgentSessions::Parts::Ending> AgentSessions::Parts::Reserve(
    Talk& talk) {
  MutexLock lock(mu);
  if (reserved >= options.max_sessions) {
    return Ending{.why = "full",
                  .status = absl::UnavailableError(absl::StrCat(
                      reserved, " agents have a session, which is the most")),
                  .come_back_after = Jittered(absl::Seconds(30))};
  }
  if (const auto wait = rate.Begin(clock.Uptime(), random); wait.has_value()) {
    return Ending{.why = "rate",
                  .status = absl::UnavailableError(
                      "many agents come at once; each is told when to"),
                  .come_back_after = *wait};
  }
  // Not if it has ended meanwhile: nobody would give it back.
  if (talk.ending.has_value()) return std::nullopt;
  talk.reserved = true;
  ++reserved;
  return std::nullopt;
}

void AgentSessions::Parts::Welcome(const TalkPtr& talk, const HostId& host,
                                   const AgentHosts::Admission& admission,
                                   bool may_resume) {
  const bool need_full = !(may_resume && admission.resumes);
  std::optional<Ending> refusal;
  {
    MutexLock lock(mu);
    if (admission.session == 0) {
      refusal = Ending{
          .why = "flapping",
          .status = absl::UnavailableError(absl::StrCat(
              "agents of ", host.node,
              " have come and gone too often; see that one of them runs")),
          .come_back_after = admission.come_back_after};
    } else {
      talk->host = host;
      talk->epoch = admission.session;
      // AgentHosts hears of the end when this call is over.
      if (talk->ending.has_value()) return;
      ++admitted;
      statistics.SessionOpened();
      TalkPtr& speaker = speakers[host];
      if (speaker == nullptr || speaker->epoch < talk->epoch) speaker = talk;
      v1::AgentState state;
      state.set_node(host.node);
      state.set_connected(true);
      *state.mutable_since() = ToProto(clock.Now());
      state.set_hostname(talk->hello.hostname());
      state.set_host_uuid(talk->hello.host_uuid());
      state.set_agent_version(talk->hello.agent_version());
      state.set_libvirt_version(talk->hello.libvirt_version());
      state.set_address(talk->peer.address);
      if (talk->peer.certificate_ends_at != absl::InfiniteFuture()) {
        *state.mutable_certificate_ends_at() =
            ToProto(talk->peer.certificate_ends_at);
      }
      state.set_epoch(talk->epoch);
      known.Came(host, std::move(state), need_full);
    }
  }
  if (refusal.has_value()) return End(talk, *std::move(refusal));
  talk->protocol.Welcomed(admission.session, need_full);
  log::Info("agent here", {{"host", host.node},
                           {"address", talk->peer.address},
                           {"version", talk->hello.agent_version()},
                           {"epoch", admission.session},
                           {"full", need_full}});
  v1::SessionResponse message;
  message.mutable_welcome()->set_epoch(admission.session);
  message.mutable_welcome()->set_need_full(need_full);
  *message.mutable_welcome()->mutable_settings() = options.settings;
  Send(*talk, std::move(message));
  std::vector<int64_t> early;
  std::optional<OhaiRuns::Begun> ohai;
  {
    MutexLock lock(mu);
    talk->welcomed = true;
    early.swap(talk->early_rereads);
    if (!talk->ending.has_value()) {
      Schedule(*talk, talk->sent_at + heartbeat);
      ohai = BeginOhai(*talk);
    }
  }
  for (const int64_t request_id : early) AskReread(talk, request_id);
  SendOhai(*talk, ohai);
}

void AgentSessions::Parts::Merge(const TalkPtr& talk, v1::AgentReport report) {
  const std::string& uuid = report.facts().uuid();
  const auto& names = talk->peer.names;
  if (report.has_facts() && uuid != talk->hello.host_uuid() &&
      names.has_value() && !names->host_uuids.empty()) {
    return End(talk, {.why = "identity",
                      .status = absl::PermissionDeniedError(absl::StrCat(
                          "agent of ", talk->host.node,
                          ": it came for host UUID ", talk->hello.host_uuid(),
                          " and reports of ", uuid.empty() ? "none" : uuid,
                          "; enrol it anew if the host was built anew"))});
  }
  v1::AgentReport head;  // what is left of it when its guests are handed on
  head.set_sequence(report.sequence());
  head.set_full(report.full());
  const std::vector<int64_t> answers(report.answers().begin(),
                                     report.answers().end());
  const absl::Duration begun = clock.Uptime() - AgeOf(report);
  const std::string& name =
      talk->hello.hostname().empty() ? talk->host.node : talk->hello.hostname();
  const absl::Status status =
      hosts.Saw(talk->host, talk->epoch,
                ToObservation(std::move(report), name, clock.Now()), answers);
  if (absl::IsNotFound(status)) {
    return End(talk, {.why = "departed", .status = NotInFleet(talk->host)});
  }
  if (absl::IsAborted(status)) return Dismiss(talk, status);
  if (!status.ok()) {
    return End(talk, {.why = "protocol", .status = status});
  }
  talk->protocol.Merged(head.full());
  {
    MutexLock lock(mu);
    statistics.ReportMerged(head.full(), clock.Uptime() - begun);
  }
  Acknowledge(talk, head);
}

void AgentSessions::Parts::CannotRead(const TalkPtr& talk,
                                      const v1::AgentReport& report) {
  hosts.CannotRead(talk->host, talk->epoch,
                   absl::UnavailableError(SourceErrorOf(report)));
  {
    MutexLock lock(mu);
    statistics.SourceError();
  }
  Acknowledge(talk, report);
}

void AgentSessions::Parts::Acknowledge(const TalkPtr& talk,
                                       const v1::AgentReport& report) {
  {
    // Before it is said: the agent may come back with it at once.
    MutexLock lock(mu);
    known.Reported(talk->host, talk->epoch, report.sequence(), report.full(),
                   SourceErrorOf(report), clock.Now());
  }
  v1::SessionResponse message;
  message.mutable_ack()->set_sequence(report.sequence());
  Send(*talk, std::move(message));
}

void AgentSessions::Parts::DemandFull(const TalkPtr& talk,
                                      const std::string& reason) {
  {
    MutexLock lock(mu);
    statistics.FullDemanded();
    known.Doubt(talk->host);
  }
  if (const auto unsaid = MaySay("need_full"); unsaid.has_value()) {
    log::Info("agent is to report in full", {{"host", talk->host.node},
                                             {"reason", reason},
                                             {"more_since_last", *unsaid}});
  }
  v1::SessionResponse message;
  message.mutable_need_full()->set_reason(reason);
  Send(*talk, std::move(message));
}

void AgentSessions::Parts::TakeOhai(const TalkPtr& talk,
                                    v1::OhaiResult result) {
  std::vector<OhaiRuns::Done> waiting;
  std::optional<OhaiRuns::Begun> next;
  const bool unasked = result.request_id() == 0;
  {
    MutexLock lock(mu);
    if (talk->ending.has_value()) return;
    if (!unasked) waiting = talk->ohai.Ended(result.request_id());
    // Who asked has been told that it is late.
    if (!unasked && waiting.empty()) return;
    statistics.OhaiRan(result.error().empty());
    next = BeginOhai(*talk);
  }
  SendOhai(*talk, next);
  if (unasked) {
    if (on_ohai) on_ohai(talk->host, std::move(result));
    return;
  }
  for (OhaiRuns::Done& done : waiting) done(result);
}

void AgentSessions::Parts::Send(Talk& talk, v1::SessionResponse message) {
  {
    MutexLock lock(mu);
    talk.sent_at = clock.Uptime();
  }
  talk.stream->Send(std::move(message));
}

void AgentSessions::Parts::AskReread(const TalkPtr& talk, int64_t request_id) {
  {
    MutexLock lock(mu);
    if (talk->ending.has_value()) return;
    if (!talk->welcomed) {
      if (talk->early_rereads.size() < kMostAnswersOfReport) {
        talk->early_rereads.push_back(request_id);
      }
      return;
    }
  }
  v1::SessionResponse message;
  message.mutable_reread()->set_request_id(request_id);
  Send(*talk, std::move(message));
}

void AgentSessions::Parts::Dismiss(const TalkPtr& talk,
                                   const absl::Status& why) {
  if (absl::IsNotFound(why) || absl::IsPermissionDenied(why)) {
    return End(talk, {.why = "departed",
                      .status = absl::PermissionDeniedError(why.message())});
  }
  absl::Duration wait;
  {
    MutexLock lock(mu);
    wait = Jittered(kSupersededWait);
  }
  End(talk, {.why = "superseded", .status = why, .come_back_after = wait});
}

void AgentSessions::Parts::RunOhai(const HostId& host,
                                   std::vector<std::string> plugins,
                                   OhaiDone done) {
  absl::Status refusal;
  TalkPtr talk;
  std::optional<OhaiRuns::Begun> begun;
  {
    MutexLock lock(mu);
    const auto speaker = speakers.find(host);
    if (speaker == speakers.end()) {
      refusal = absl::FailedPreconditionError(absl::StrCat(
          "host ", host.node, ": no agent speaks for it; see that one runs"));
    } else {
      talk = speaker->second;
      if (!talk->ohai.Add(std::move(plugins), done)) {
        refusal = absl::ResourceExhaustedError(
            absl::StrCat("host ", host.node, ": ", OhaiRuns::kMostWaiting,
                         " wait for its Ohai already; ask again later"));
      } else {
        begun = BeginOhai(*talk);
      }
    }
  }
  if (!refusal.ok()) return done(refusal);
  SendOhai(*talk, begun);
}

std::optional<OhaiRuns::Begun> AgentSessions::Parts::BeginOhai(Talk& talk) {
  if (!talk.welcomed) return std::nullopt;
  auto begun = talk.ohai.Begin(
      last_ohai_id + 1, clock.Uptime() + options.ohai_timeout + kOhaiGrace);
  if (!begun.has_value()) return std::nullopt;
  ++last_ohai_id;
  Schedule(talk, talk.ohai.deadline());
  return begun;
}

void AgentSessions::Parts::SendOhai(
    Talk& talk, const std::optional<OhaiRuns::Begun>& begun) {
  if (!begun.has_value()) return;
  v1::SessionResponse message;
  v1::RunOhai& run = *message.mutable_run_ohai();
  run.set_request_id(begun->request_id);
  run.mutable_plugins()->Add(begun->plugins.begin(), begun->plugins.end());
  *run.mutable_timeout() = ToProto(options.ohai_timeout);
  Send(talk, std::move(message));
}

}  // namespace rehai
