// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "agent/host_watch.h"

#include <pthread.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "hypervisor/last_word.h"

namespace rehai::agent {
namespace {

using Step = hypervisor::HostSchedule::Step;

// What a controller may ask for.
constexpr absl::Duration kShortestInterval = absl::Seconds(1);
// Guests that left at once beyond these are taken for gone.
constexpr size_t kMostDeparted = 4096;
// A controller that asks more often than is read: its last requests count.
constexpr size_t kMostAsked = 64;

std::string Shown(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Milliseconds(1)));
}

}  // namespace

HostWatch::HostWatch(Options options, hypervisor::Dialer& dialer,
                     const Clock& clock, std::function<void()> on_news,
                     Keeper* keeper)
    : options_(std::move(options)),
      dialer_(dialer),
      clock_(clock),
      on_news_(std::move(on_news)),
      keeper_(keeper),
      schedule_({.reconnect = options_.reconnect,
                 .relist_interval = options_.relist_interval,
                 .event_window = options_.event_window,
                 .unknown_after = absl::InfiniteDuration()},
                HostId{options_.node}, clock.Uptime()),
      read_options_(options_.dial.read) {}

HostWatch::~HostWatch() { Stop(); }

void HostWatch::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "host-watch");
    Work();
  });
}

void HostWatch::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

HostWatch::Standing HostWatch::standing() const {
  MutexLock lock(mu_);
  return standing_;
}

// ---- what the session asks ----

void HostWatch::FillHello(v1::AgentHello& hello) const {
  MutexLock lock(mu_);
  hello.set_host_uuid(facts_.uuid());
  hello.set_hostname(facts_.hostname());
  hello.set_libvirt_version(facts_.libvirt_version());
  hello.set_last_epoch(buffer_.last_epoch());
  hello.set_last_acknowledged(buffer_.last_acknowledged());
}

void HostWatch::Begin(int64_t epoch, bool need_full) {
  MutexLock lock(mu_);
  buffer_.Begin(epoch, need_full);
}

void HostWatch::End() {
  MutexLock lock(mu_);
  buffer_.End();
  asked_.clear();
  served_.clear();
}

std::optional<v1::AgentReport> HostWatch::Next(absl::Duration now) {
  MutexLock lock(mu_);
  return buffer_.Next(now);
}

void HostWatch::Acknowledged(int64_t sequence) {
  MutexLock lock(mu_);
  buffer_.Acknowledged(sequence);
}

void HostWatch::NeedFull() {
  MutexLock lock(mu_);
  buffer_.NeedFull();
}

void HostWatch::Reread(int64_t request_id) {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  if (asked_.size() == kMostAsked) asked_.erase(asked_.begin());
  asked_.push_back(request_id);
  schedule_.WantReread(now);
  changed_.NotifyAll();
}

void HostWatch::SetSettings(const v1::AgentSettings& settings) {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  Schedule::Intervals intervals = schedule_.intervals();
  if (settings.has_relist_interval()) {
    intervals.relist =
        std::max(FromProto(settings.relist_interval()), kShortestInterval);
  }
  if (settings.has_event_window()) {
    intervals.event_window =
        std::max(FromProto(settings.event_window()), absl::ZeroDuration());
  }
  if (settings.has_volatile_interval()) {
    const absl::Duration interval = FromProto(settings.volatile_interval());
    intervals.volatile_values = interval <= absl::ZeroDuration()
                                    ? absl::InfiniteDuration()
                                    : std::max(interval, kShortestInterval);
  }
  schedule_.SetIntervals(intervals, now);
  if (read_options_.volumes != settings.read_volumes() ||
      read_options_.messages != settings.read_messages()) {
    read_options_.volumes = settings.read_volumes();
    read_options_.messages = settings.read_messages();
    // A connection reads what it was opened for.
    schedule_.MovedUri(now);
  }
  changed_.NotifyAll();
}

// ---- what the hypervisor tells ----

void HostWatch::OnGuestEvent(const GuestId& guest,
                             hypervisor::GuestEvent event) {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  schedule_.Hinted(guest, event, now);
  if (event == hypervisor::GuestEvent::kPresent) {
    departed_.erase(guest);
  } else if (event == hypervisor::GuestEvent::kMigratedAway &&
             departed_.size() < kMostDeparted) {
    departed_[guest] = now;
  }
  changed_.NotifyAll();
}

void HostWatch::OnHostEvent() {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  schedule_.HostEvent(now);
  changed_.NotifyAll();
}

void HostWatch::OnClosed(const std::string& reason) {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  schedule_.Closed(now);
  closed_because_ = reason;
  changed_.NotifyAll();
}

// ---- the thread ----

void HostWatch::Work() {
  std::optional<Step> step;
  while (AwaitDue(step)) {
    if (step.has_value()) {
      Do(*step);
    } else {
      keep_at_ = clock_.Uptime() + keeper_->Keep();
    }
  }
  connection_.reset();
}

bool HostWatch::AwaitDue(std::optional<Step>& step) {
  MutexLock lock(mu_);
  while (!stopping_) {
    const absl::Duration now = clock_.Uptime();
    const Schedule::NextStep next = schedule_.Next();
    step.reset();
    if (next.at <= now) step = next.step;
    if (next.at <= now || keep_at_ <= now) return true;
    clock_.WaitUntil(std::min(next.at, keep_at_), mu_, changed_);
  }
  return false;
}

void HostWatch::Do(Step step) {
  switch (step) {
    case Step::kDial:
      return Dial();
    case Step::kRead:
      return Read();
    case Step::kClose:
      return Close();
    default:
      return;  // of hosts that come and go, or have agents
  }
}

void HostWatch::Dial() {
  hypervisor::DialOptions dial = options_.dial;
  {
    MutexLock lock(mu_);
    dial.read = read_options_;
  }
  auto connection = dialer_.Dial(options_.uri, dial, *this);
  if (!connection.ok()) return Lose(connection.status());
  connection_ = *std::move(connection);
  MutexLock lock(mu_);
  schedule_.Dialed(clock_.Uptime());
}

void HostWatch::Read() {
  Schedule::Reading reading;
  {
    MutexLock lock(mu_);
    reading = schedule_.BeginRead(clock_.Uptime());
    served_ = std::exchange(asked_, {});
  }
  const absl::Time begun = clock_.Now();
  const absl::StatusOr<hypervisor::Inventory> found =
      connection_->Read(reading.request);
  if (!found.ok()) return Lose(found.status());
  Taken(reading, *found);
  if (keeper_ == nullptr) return;
  keep_at_ = clock_.Uptime() + keeper_->Seen(*found, begun);
}

void HostWatch::Taken(const Schedule::Reading& reading,
                      const hypervisor::Inventory& found) {
  std::optional<absl::Duration> away;
  {
    MutexLock lock(mu_);
    away = schedule_.ReadEnded(reading, found.unread_uuids, random_);
    for (const int64_t id : std::exchange(served_, {})) {
      buffer_.WantAnswer(id);
    }
    ReportBuffer::LastWords told;
    for (const auto* hints : {&reading.hints, &schedule_.hints()}) {
      for (const auto& [guest, hint] : hints->guests) {
        told[guest] = schedule_.LastWordOf(guest, reading);
      }
    }
    // A connection that was lost has taken its hints with it.
    for (const auto& [guest, at] : departed_) {
      hypervisor::GuestEvent& word = told[guest];
      word = hypervisor::LastWord(hypervisor::GuestEvent::kMigratedAway, word);
    }
    buffer_.SetMoving(Moving(found, clock_.Uptime()));
    buffer_.Take(found, reading.begun, told);
    facts_ = found.facts;
    standing_ = {.has_tried = true,
                 .guests = static_cast<int64_t>(found.guests.size())};
  }
  if (std::exchange(said_unreachable_, false) && away.has_value()) {
    log::Info("hypervisor reachable again",
              {{"uri", options_.uri}, {"away", Shown(*away)}});
  }
  on_news_();
}

std::set<std::string> HostWatch::Moving(const hypervisor::Inventory& found,
                                        absl::Duration now) {
  std::erase_if(departed_, [&](const auto& departed) {
    return departed.second + options_.move_timeout <= now;
  });
  std::set<std::string> moving;
  for (const auto& [guest, at] : departed_) {
    const bool is_listed =
        std::any_of(found.guests.begin(), found.guests.end(),
                    [&guest = guest](const v1::Guest& listed) {
                      return listed.uuid() == guest.uuid;
                    });
    if (is_listed) continue;
    moving.insert(guest.uuid);
    // If it is seen nowhere by then, it is gone.
    schedule_.WantRead(at + options_.move_timeout);
  }
  return moving;
}

void HostWatch::Close() {
  std::optional<std::string> dead_because;
  {
    MutexLock lock(mu_);
    if (schedule_.is_dead()) dead_because = closed_because_;
  }
  if (!dead_because.has_value()) return Abandon();
  Lose(absl::UnavailableError(absl::StrCat(options_.uri,
                                           ": connection lost: ", *dead_because,
                                           "; it is dialed again")));
}

void HostWatch::Lose(const absl::Status& why) {
  connection_.reset();
  bool was_up = false;
  absl::Duration next_try;
  {
    MutexLock lock(mu_);
    const absl::Duration now = clock_.Uptime();
    was_up = schedule_.Failed(why.code(), now, random_);
    next_try = schedule_.dial_at() - now;
    // What was asked while the dial was under way is answered by it, too.
    std::vector<int64_t> ids = std::exchange(served_, {});
    if (!schedule_.reread_wanted()) {
      const std::vector<int64_t> asked = std::exchange(asked_, {});
      ids.insert(ids.end(), asked.begin(), asked.end());
    }
    for (const int64_t id : ids) buffer_.WantAnswer(id);
    buffer_.SetSourceError({why.message().data(), why.message().size()});
    standing_.has_tried = true;
    standing_.status = why;
  }
  if (was_up) {
    said_unreachable_ = true;
    log::Warning("hypervisor unreachable", {{"uri", options_.uri},
                                            {"error", why.message()},
                                            {"retry_after", Shown(next_try)}});
  }
  on_news_();
}

void HostWatch::Abandon() {
  connection_.reset();
  MutexLock lock(mu_);
  schedule_.ClosedUnwanted(clock_.Uptime());
  if (!asked_.empty()) schedule_.WantReread(clock_.Uptime());
}

}  // namespace rehai::agent
