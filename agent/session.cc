// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/session.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/random/distributions.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "base/utf8.h"

namespace rehai::agent {
namespace {

// What a controller may ask for.
constexpr absl::Duration kShortestHeartbeat = absl::Milliseconds(100);
constexpr absl::Duration kLongestHeartbeat = absl::Minutes(10);
constexpr absl::Duration kShortestOhaiInterval = absl::Seconds(10);
constexpr absl::Duration kLongestAway = absl::Hours(1);
// A controller that asks for more at once gets no answer to the oldest.
constexpr size_t kMostOhaiResults = 8;

std::string Shown(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Milliseconds(1)));
}

// Time alone does not heal it.
bool IsRefusal(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kUnimplemented:
      return true;
    default:
      return false;
  }
}

absl::Status OutOfTurn(absl::string_view what) {
  return absl::InternalError(absl::StrCat(
      "controller: said ", what, "; are agent and controller of one version?"));
}

absl::Status Silent(absl::Duration heartbeat) {
  return absl::UnavailableError(
      absl::StrCat("controller: said nothing for three heartbeat intervals of ",
                   Shown(heartbeat), "; it is called again"));
}

absl::Status Stuck(absl::string_view what, absl::Duration timeout) {
  return absl::UnavailableError(absl::StrCat("controller: has not ", what,
                                             " within ", Shown(timeout),
                                             "; it is called again"));
}

v1::OhaiResult OhaiError(int64_t request_id, const std::string& error) {
  v1::OhaiResult result;
  result.set_request_id(request_id);
  result.set_error(error);
  return result;
}

}  // namespace

Session::Session(Options options, HostFeed& feed, ChannelSource& channels,
                 OhaiStarter start_ohai, Listener listener, Runner& runner,
                 const Clock& clock)
    : options_(std::move(options)),
      feed_(feed),
      channels_(channels),
      start_ohai_(std::move(start_ohai)),
      listener_(std::move(listener)),
      runner_(runner),
      clock_(clock),
      inbox_(std::make_shared<Inbox>()),
      waker_(runner.Add(*this)) {}

Session::~Session() { Stop(); }

void Session::Stop() {
  runner_.Remove(waker_);
  // From here on it is this thread's.
  if (phase_ == Phase::kOpen) feed_.End();
  phase_ = Phase::kIdle;
  stream_.reset();
}

void Session::Start() {
  {
    MutexLock lock(inbox_->mu);
    inbox_->start = true;
  }
  waker_.Wake();
}

void Session::Reopen() {
  {
    MutexLock lock(inbox_->mu);
    inbox_->reopen = true;
  }
  waker_.Wake();
}

absl::Duration Session::Run() {
  const absl::Duration now = clock_.Uptime();
  TakeInbox(now);
  if (phase_ == Phase::kWaiting && now >= connect_at_) Open();
  if (stream_ != nullptr) {
    Receive(now);
    CheckDeadlines(now);
    Send(now);
    if (const auto status = stream_->Ended()) Ended(*status, now);
  }
  return NextDeadline();
}

void Session::TakeInbox(absl::Duration now) {
  std::optional<absl::StatusOr<ChannelSource::Channel>> channel;
  bool start = false;
  {
    MutexLock lock(inbox_->mu);
    channel.swap(inbox_->channel);
    start = std::exchange(inbox_->start, false);
    reopen_ |= std::exchange(inbox_->reopen, false);
  }
  if (start && phase_ == Phase::kIdle) {
    phase_ = Phase::kWaiting;
    connect_at_ = now;
  }
  if (channel.has_value()) Opened(*std::move(channel), now);
  TakeOhaiResult();
}

// ---- opening ----

void Session::Open() {
  phase_ = Phase::kOpening;
  reopen_ = false;
  channels_.Open([inbox = inbox_, waker = waker_](
                     absl::StatusOr<ChannelSource::Channel> channel) {
    {
      MutexLock lock(inbox->mu);
      inbox->channel = std::move(channel);
    }
    waker.Wake();
  });
}

void Session::Opened(absl::StatusOr<ChannelSource::Channel> channel,
                     absl::Duration now) {
  if (!channel.ok()) return Retry({.why = channel.status()}, now);
  phase_ = Phase::kGreeting;
  begun_at_ = now;
  stream_ = std::make_unique<SessionStream>(*std::move(channel), waker_);
  v1::SessionRequest request;
  v1::AgentHello& hello = *request.mutable_hello();
  feed_.FillHello(hello);
  hello.set_node(options_.node);
  hello.set_agent_version(options_.agent_version);
  said_uuid_ = hello.host_uuid();
  Write(std::move(request), now);
}

// ---- what the controller said ----

void Session::Receive(absl::Duration now) {
  while (const auto message = stream_->Take()) {
    if (phase_ == Phase::kEnding) continue;
    heard_at_ = now;
    if (absl::Status status = Handle(*message, now); !status.ok()) {
      End({.why = std::move(status)});
    }
  }
}

absl::Status Session::Handle(const v1::SessionResponse& message,
                             absl::Duration now) {
  if (message.has_go_away()) {
    const v1::GoAway& go_away = message.go_away();
    Ending ending = {
        .why = absl::UnavailableError(absl::StrCat(
            "controller: sends this agent away: ", go_away.reason()))};
    if (go_away.has_reconnect_after()) {
      ending.come_back_after = std::clamp(FromProto(go_away.reconnect_after()),
                                          absl::ZeroDuration(), kLongestAway);
    }
    End(std::move(ending));
    return absl::OkStatus();
  }
  if (message.has_welcome()) return Welcome(message.welcome(), now);
  if (phase_ != Phase::kOpen) return OutOfTurn("something before Welcome");
  switch (message.message_case()) {
    case v1::SessionResponse::kAck:
      feed_.Acknowledged(message.ack().sequence());
      if (message.ack().sequence() >= unacknowledged_) {
        unacknowledged_since_.reset();
      }
      break;
    case v1::SessionResponse::kNeedFull:
      log::Info(
          "controller wants a full report",
          {{"node", options_.node}, {"reason", message.need_full().reason()}});
      unacknowledged_since_.reset();
      feed_.NeedFull();
      break;
    case v1::SessionResponse::kReread:
      feed_.Reread(message.reread().request_id());
      break;
    case v1::SessionResponse::kRunOhai:
      RunOhai(message.run_ohai());
      break;
    case v1::SessionResponse::kSettings:
      SetSettings(message.settings(), now);
      break;
    default:
      break;  // a heartbeat, or of a later version
  }
  return absl::OkStatus();
}

absl::Status Session::Welcome(const v1::AgentWelcome& welcome,
                              absl::Duration now) {
  if (phase_ != Phase::kGreeting) return OutOfTurn("Welcome twice");
  if (welcome.epoch() <= 0) return OutOfTurn("Welcome without an epoch");
  phase_ = Phase::kOpen;
  opened_at_ = now;
  epoch_ = welcome.epoch();
  unacknowledged_since_.reset();
  SetSettings(welcome.settings(), now);
  feed_.Begin(epoch_, welcome.need_full());
  lacks_report_ &= !welcome.need_full();
  complained_of_.reset();
  log::Info("session open", {{"node", options_.node},
                             {"epoch", epoch_},
                             {"full", welcome.need_full() ? "yes" : "no"}});
  Announce({.is_open = true, .detail = "reporting to the controller"});
  return absl::OkStatus();
}

void Session::SetSettings(const v1::AgentSettings& settings,
                          absl::Duration now) {
  if (settings.has_heartbeat_interval()) {
    heartbeat_ = std::clamp(FromProto(settings.heartbeat_interval()),
                            kShortestHeartbeat, kLongestHeartbeat);
  }
  if (settings.has_ohai_interval()) {
    absl::Duration interval = FromProto(settings.ohai_interval());
    if (interval > absl::ZeroDuration()) {
      interval = std::max(interval, kShortestOhaiInterval);
    }
    if (interval != ohai_interval_) {
      ohai_interval_ = interval;
      // A fleet that is told so at once does not run it at once.
      ohai_at_ = interval > absl::ZeroDuration()
                     ? now + absl::Uniform(random_, 0.0, 1.0) * interval
                     : absl::InfiniteDuration();
    }
  }
  feed_.SetSettings(settings);
}

// ---- what it is told ----

void Session::Send(absl::Duration now) {
  if (phase_ != Phase::kOpen || !stream_->CanWrite()) return;
  if (auto message = NextMessage(now)) Write(*std::move(message), now);
}

std::optional<v1::SessionRequest> Session::NextMessage(absl::Duration now) {
  v1::SessionRequest message;
  if (auto report = NextReport(now)) {
    if (report->has_facts() && IsAnotherHost()) {
      End({.why = absl::CancelledError(
               "agent: knows its host's UUID now, and says so anew"),
           .come_back_after = absl::ZeroDuration()});
      return std::nullopt;
    }
    unacknowledged_ = report->sequence();
    unacknowledged_since_ = now;
    *message.mutable_report() = *std::move(report);
    return message;
  }
  if (!ohai_results_.empty()) {
    *message.mutable_ohai_result() = Sendable(std::move(ohai_results_.front()));
    ohai_results_.pop_front();
    return message;
  }
  if (now < written_at_ + heartbeat_) return std::nullopt;
  message.mutable_heartbeat();
  return message;
}

bool Session::IsAnotherHost() const {
  v1::AgentHello hello;
  feed_.FillHello(hello);
  return hello.host_uuid() != said_uuid_;
}

std::optional<v1::AgentReport> Session::NextReport(absl::Duration now) {
  auto report = feed_.Next(now);
  if (!report.has_value() || !report->source_error().empty()) return report;
  if (lacks_report_ && !report->full()) {
    // It holds what has changed since a report that was never sent.
    feed_.NeedFull();
    report = feed_.Next(now);
    if (!report.has_value()) return report;
  }
  const int64_t bytes = static_cast<int64_t>(report->ByteSizeLong());
  if (bytes <= options_.max_message_bytes) {
    lacks_report_ &= !report->full();
    return report;
  }
  v1::AgentReport error;
  error.set_epoch(report->epoch());
  error.set_sequence(report->sequence());
  error.set_source_error(absl::StrCat(
      options_.node, ": a report of ", report->guests_size(), " guests is ",
      bytes, " bytes, and the most that is sent are ",
      options_.max_message_bytes,
      "; read this host by its URI, without an agent"));
  if (!lacks_report_) {
    log::Error("report too large",
               {{"node", options_.node}, {"error", error.source_error()}});
  }
  lacks_report_ = true;
  return error;
}

void Session::Write(v1::SessionRequest message, absl::Duration now) {
  written_at_ = now;
  stream_->Write(std::move(message));
}

// ---- Ohai ----

void Session::TakeOhaiResult() {
  std::optional<v1::OhaiResult> result;
  {
    MutexLock lock(inbox_->mu);
    result.swap(inbox_->ohai_result);
  }
  if (result.has_value()) OhaiEnded(*std::move(result));
}

void Session::RunOhai(v1::RunOhai request) {
  TakeOhaiResult();  // a run that has ended is not in the way
  const int64_t id = request.request_id();
  if (ohai_epoch_.has_value()) {
    return AddOhaiResult(OhaiError(
        id, absl::StrCat(options_.node,
                         ": Ohai runs already; ask again when it has ended")));
  }
  if (start_ohai_ == nullptr) {
    return AddOhaiResult(OhaiError(
        id, absl::StrCat(options_.node, ": this agent runs no Ohai")));
  }
  ohai_epoch_ = epoch_;
  start_ohai_(request,
              [inbox = inbox_, waker = waker_, id](v1::OhaiResult result) {
                result.set_request_id(id);
                {
                  MutexLock lock(inbox->mu);
                  inbox->ohai_result = std::move(result);
                }
                waker.Wake();
              });
}

void Session::OhaiEnded(v1::OhaiResult result) {
  // Nobody waits any more for what was asked for in an earlier session.
  const bool is_wanted = result.request_id() == 0 || ohai_epoch_ == epoch_;
  ohai_epoch_.reset();
  if (is_wanted) AddOhaiResult(std::move(result));
}

void Session::AddOhaiResult(v1::OhaiResult result) {
  if (result.request_id() == 0) {
    std::erase_if(ohai_results_,
                  [](const auto& older) { return older.request_id() == 0; });
  }
  if (ohai_results_.size() == kMostOhaiResults) ohai_results_.pop_front();
  ohai_results_.push_back(std::move(result));
}

v1::OhaiResult Session::Sendable(v1::OhaiResult result) const {
  // It quotes what Ohai and its plugins print, in whatever encoding.
  result.set_error(ToUtf8(result.error()));
  const int64_t bytes = static_cast<int64_t>(result.ByteSizeLong());
  if (bytes <= options_.max_message_bytes) return result;
  return OhaiError(
      result.request_id(),
      absl::StrCat(options_.node, ": what Ohai says is ", bytes,
                   " bytes, and the most that is sent are ",
                   options_.max_message_bytes, "; ask for fewer plugins"));
}

// ---- time ----

void Session::CheckDeadlines(absl::Duration now) {
  if (phase_ == Phase::kGreeting &&
      now >= begun_at_ + options_.welcome_timeout) {
    return End({.why = Stuck("welcomed this agent", options_.welcome_timeout)});
  }
  if (phase_ != Phase::kOpen) return;
  const absl::Duration timeout = options_.progress_timeout;
  if (now >= SilentAt()) return End({.why = Silent(heartbeat_)});
  if (unacknowledged_since_.has_value() &&
      now >= *unacknowledged_since_ + timeout) {
    return End({.why = Stuck("acknowledged a report", timeout)});
  }
  if (!stream_->CanWrite()) {
    if (now >= written_at_ + timeout) {
      End({.why = Stuck("taken a message", timeout)});
    }
    return;
  }
  if (reopen_ && !unacknowledged_since_.has_value()) {
    return End(
        {.why = absl::CancelledError("agent: goes on with its new certificate"),
         .come_back_after = absl::ZeroDuration()});
  }
  if (now >= ohai_at_) {
    ohai_at_ = now + absl::Uniform(random_, 0.9, 1.1) * ohai_interval_;
    if (!ohai_epoch_.has_value()) RunOhai({});
  }
}

absl::Duration Session::NextDeadline() const {
  switch (phase_) {
    case Phase::kWaiting:
      return connect_at_;
    case Phase::kGreeting:
      return begun_at_ + options_.welcome_timeout;
    case Phase::kOpen:
      break;
    default:
      return absl::InfiniteDuration();
  }
  absl::Duration next = SilentAt();
  const absl::Duration timeout = options_.progress_timeout;
  if (unacknowledged_since_.has_value()) {
    next = std::min(next, *unacknowledged_since_ + timeout);
  }
  if (!stream_->CanWrite()) return std::min(next, written_at_ + timeout);
  return std::min({next, written_at_ + heartbeat_, ohai_at_});
}

// ---- the end ----

void Session::End(Ending ending) {
  if (phase_ == Phase::kOpen) feed_.End();
  phase_ = Phase::kEnding;
  ending_ = std::move(ending);
  stream_->Cancel();
}

void Session::Ended(absl::Status status, absl::Duration now) {
  if (phase_ == Phase::kOpen) feed_.End();
  Ending ending;
  if (phase_ == Phase::kEnding) {
    ending = std::exchange(ending_, {});
  } else {
    if (status.ok()) {
      status = absl::UnavailableError("controller: has ended the session");
    }
    ending.why = std::move(status);
  }
  stream_.reset();
  std::erase_if(ohai_results_,
                [](const auto& result) { return result.request_id() != 0; });
  Retry(ending, now);
}

void Session::Retry(const Ending& ending, absl::Duration now) {
  const bool was_open = standing_.is_open;
  const bool went_well = was_open && now - opened_at_ >= options_.reconnect.max;
  // An open session that the controller ends, saying when to come back, has not
  // failed: it may be restarted time and again.
  const bool was_sent_away = was_open && ending.come_back_after.has_value();
  failures_ = was_sent_away ? 0 : went_well ? 1 : failures_ + 1;
  const bool is_refusal = IsRefusal(ending.why.code());
  const absl::Duration wait =
      ending.come_back_after.has_value()
          ? *ending.come_back_after
          : BackoffDelay(
                options_.reconnect,
                is_refusal ? std::numeric_limits<int>::max() : failures_,
                random_);
  phase_ = Phase::kWaiting;
  connect_at_ = now + wait;
  epoch_ = 0;
  if (was_open || complained_of_ != ending.why.code()) {
    log::Warning(is_refusal ? "session refused"
                 : was_open ? "session lost"
                            : "no session",
                 {{"node", options_.node},
                  {"error", ending.why.message()},
                  {"retry_after", Shown(wait)}});
    complained_of_ = ending.why.code();
  }
  Announce({.is_open = false,
            .detail = absl::StrCat(is_refusal ? "refused: " : "no session: ",
                                   std::string(ending.why.message()))});
}

void Session::Announce(Standing standing) {
  if (standing_ == standing) return;
  standing_ = std::move(standing);
  if (listener_) listener_(standing_);
}

}  // namespace rehai::agent
