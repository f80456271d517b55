// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What the workers do, one step of one host at a time.

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "controller/inventory/record.h"
#include "controller/source/display_uri.h"
#include "controller/source/fleet_source.h"
#include "controller/source/fleet_source_host.h"
#include "controller/source/list_difference.h"
#include "hypervisor/last_word.h"
#include "rehai/v1/model.pb.h"

namespace rehai {
namespace {

std::string Shown(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string Shown(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Milliseconds(1)));
}

void Fill(hypervisor::Inventory found, v1::Observation& observation) {
  *observation.mutable_facts() = std::move(found.facts);
  observation.mutable_guests()->Add(
      std::make_move_iterator(found.guests.begin()),
      std::make_move_iterator(found.guests.end()));
  observation.mutable_unread_uuids()->Add(found.unread_uuids.begin(),
                                          found.unread_uuids.end());
}

// True if it is not known to be otherwise: then its stopping is no end.
bool WasPersistent(const v1::Record& before, const GuestId& guest) {
  const auto place = std::lower_bound(
      before.guests().begin(), before.guests().end(), guest.uuid,
      [](const v1::Guest& known, const std::string& uuid) {
        return known.uuid() < uuid;
      });
  return place == before.guests().end() || place->uuid() != guest.uuid ||
         place->persistent();
}

}  // namespace

void FleetSource::Dial(Task& task) {
  Host& host = *task.host;
  {
    MutexLock lock(mu_);
    host.uri = host.standing.uri();
  }
  host.origin = DisplayUri(host.uri);
  auto connection = dialer_.Dial(host.uri, options_.dial, host);
  const absl::Status dialed = connection.status();
  const absl::Duration took = clock_.Uptime() - task.begun.at;
  bool is_unwanted = false;
  {
    MutexLock lock(mu_);
    statistics_.DialEnded(dialed, took);
    host.standing.DialEnded(dialed, took);
    if (connection.ok()) {
      host.connection = *std::move(connection);
      host.session = ++last_session_;
      host.sequence = 0;
      if (stopping_) return;
      is_unwanted = !IsWanted(host);
      if (!is_unwanted) {
        host.standing.schedule().Dialed(clock_.Uptime());
        BeginRead(task);
      }
    }
  }
  if (is_unwanted) return Abandon(task);
  if (host.connection == nullptr) return Lose(task, dialed);
  Read(task);
}

void FleetSource::BeginRead(Task& task) {
  Host& host = *task.host;
  task.reading = host.standing.schedule().BeginRead(clock_.Uptime());
  task.served = std::exchange(host.waiting, {});
}

void FleetSource::Read(Task& task) {
  Host& host = *task.host;
  v1::Observation seen;
  seen.set_node(host.id.node);
  seen.set_session(host.session);
  seen.set_sequence(++host.sequence);
  seen.set_full(true);
  seen.mutable_provenance()->set_kind(v1::SOURCE_KIND_PULL);
  seen.mutable_provenance()->set_origin(host.origin);
  // Before the read: all that it finds was true at this moment or later.
  *seen.mutable_provenance()->mutable_observed_at() = ToProto(clock_.Now());

  absl::StatusOr<hypervisor::Inventory> found =
      host.connection->Read(task.reading.request);
  task.read_time = clock_.Uptime() - task.reading.begun;
  if (!found.ok()) {
    {
      MutexLock lock(mu_);
      statistics_.ReadEnded(/*ok=*/false, task.read_time);
    }
    return Lose(task, found.status());
  }
  Fill(*std::move(found), seen);

  const RecordPtr found_before = inventory_.Find(host.id);
  const v1::Record& before =
      found_before != nullptr ? *found_before : v1::Record::default_instance();
  const ListDifference difference = CompareLists(before, seen);
  const Verdict verdict = Judge(task, before, difference.lacking, seen);
  if (verdict == Verdict::kUnwanted) return Abandon(task);
  Announce(host);
  absl::Status taken;
  if (verdict == Verdict::kDoubted) {
    taken = ShowDoubt(host.id);
  } else if (const auto observed = inventory_.Observe(seen); !observed.ok()) {
    // The host's agent was heard in this very moment.
    if (absl::IsAborted(observed.status())) return Abandon(task);
    return Lose(task, observed.status());
  }
  FinishRead(task, seen, difference.eventful, verdict);
  for (Done& done : task.served) done(taken);
}

FleetSource::Verdict FleetSource::Judge(const Task& task,
                                        const v1::Record& before,
                                        const std::vector<GuestId>& lacking,
                                        v1::Observation& seen) {
  Host& host = *task.host;
  MutexLock lock(mu_);
  // In one breath with the answer: SetHosts() drops the old URI's evidence, and
  // what the host's agent said is newer.
  if (!IsWanted(host)) return Verdict::kUnwanted;
  HostIdentities::Verdict verdict =
      identities_.Answered(host.id, seen.facts().uuid());
  Note(std::move(verdict.findings), host.id);
  if (!verdict.believed) return Verdict::kDoubted;
  host.told_by = 0;
  host.push.resumes = false;
  // The doubt that its agent met is over, but a part says not who it is of.
  if (!host.push.believed) host.push.believed = host.push.behind = true;
  host.pulled_at = task.reading.begun;
  host.request_before_pull = last_request_;
  ExplainLacking(task, before, lacking, seen);
  return Verdict::kBelieved;
}

void FleetSource::ExplainLacking(const Task& task, const v1::Record& before,
                                 const std::vector<GuestId>& lacking,
                                 v1::Observation& seen) {
  Host& host = *task.host;
  hypervisor::HostSchedule& schedule = host.standing.schedule();
  const absl::Duration now = clock_.Uptime();
  std::set<GuestId> ended;
  for (const GuestId& guest : lacking) {
    const hypervisor::GuestEvent last_word =
        schedule.LastWordOf(guest, task.reading);
    const bool is_back = last_word == hypervisor::GuestEvent::kPresent;
    const bool has_ended =
        hypervisor::SaysGone(last_word, WasPersistent(before, guest)) ||
        (!is_back && host.ended.contains(guest)) ||
        moves_.HasLeft(host.id, guest, now);
    if (has_ended) {
      ended.insert(guest);
    } else if (!IsMissing(before, guest)) {
      // The event that tells of its leaving may be on its way still.
      moves_.Missed(host.id, guest, now);
    }
    const absl::Duration until = moves_.MovingUntil(host.id, guest, now);
    if (until > now) {
      seen.add_moving_uuids(guest.uuid);
      // If it is seen nowhere by then, it is gone.
      schedule.WantRead(until);
    } else if (has_ended) {
      seen.add_removed_uuids(guest.uuid);
    }
  }
  host.ended = std::move(ended);
}

absl::Status InDoubt(const HostId& host) {
  return absl::FailedPreconditionError(absl::StrCat(
      "host ", host.node,
      ": it answers, but its identity is in doubt, so what it says is not "
      "taken in; its conditions say why and what to do"));
}

absl::Status FleetSource::ShowDoubt(const HostId& host) {
  // It is reached, yet what is shown is not what it says.
  v1::Presence presence;
  {
    MutexLock lock(mu_);
    presence = Find(host)->standing.schedule().presence();
  }
  if (presence != v1::PRESENCE_NEVER_SEEN) presence = v1::PRESENCE_STALE;
  (void)inventory_.ClearCondition(host, kUnreachable);
  (void)inventory_.SetPresence(host, presence, std::nullopt);
  return InDoubt(host);
}

void FleetSource::FinishRead(const Task& task, const v1::Observation& seen,
                             const std::vector<GuestId>& eventful,
                             Verdict verdict) {
  Host& host = *task.host;
  const hypervisor::HostSchedule::Reading& reading = task.reading;
  const std::vector<std::string> unread(seen.unread_uuids().begin(),
                                        seen.unread_uuids().end());
  const bool is_believed = verdict == Verdict::kBelieved;
  std::optional<absl::Duration> away;
  std::optional<int64_t> missed;
  {
    MutexLock lock(mu_);
    const absl::Duration now = clock_.Uptime();
    statistics_.ReadEnded(/*ok=*/true, task.read_time);
    host.standing.ReadEnded(seen.facts().uuid(), task.read_time);
    away = host.standing.schedule().ReadEnded(reading, unread, random_,
                                              is_believed);
    for (const auto& [guest, hint] : reading.hints.guests) {
      moves_.Answered(host.id, guest, reading.begun);
      if (is_believed) statistics_.EventShown(now - hint.first_at);
    }
    if (is_believed) {
      if (reading.hints.host.has_value()) {
        statistics_.EventShown(now - *reading.hints.host);
      }
      host.standing.missed().ReadEnded(eventful, reading.begun, now);
    } else {
      // The record is not what the last read found.
      host.standing.missed().Lost(now);
    }
    missed = host.standing.missed().TakeReport(now);
  }
  if (away.has_value()) {
    log::Info(
        "host reachable again",
        {{"host", host.id.node}, {"uri", host.origin}, {"away", Shown(*away)}});
  }
  if (missed.has_value()) {
    log::Warning("changes without an event; is the host losing them?",
                 {{"host", host.id.node}, {"changes", *missed}});
  }
}

void FleetSource::Close(Task& task) {
  Host& host = *task.host;
  std::optional<std::string> dead_because;
  {
    MutexLock lock(mu_);
    if (host.standing.schedule().is_dead()) dead_because = host.closed_because;
  }
  if (!dead_because.has_value()) return Abandon(task);
  Lose(task, absl::UnavailableError(
                 absl::StrCat(host.origin, ": connection lost: ", *dead_because,
                              "; it is dialed again")));
}

void FleetSource::Lose(Task& task, const absl::Status& why) {
  Host& host = *task.host;
  const bool was_connected = host.connection != nullptr;
  host.connection.reset();

  bool is_wanted = false;
  bool was_up = false;
  bool has_left = false;
  absl::Duration next_try;
  v1::Presence presence;
  {
    MutexLock lock(mu_);
    hypervisor::HostSchedule& schedule = host.standing.schedule();
    is_wanted = IsWanted(host);
    has_left = schedule.has_left();
    if (is_wanted) {
      const absl::Duration now = clock_.Uptime();
      if (was_connected) statistics_.ConnectionLost();
      host.standing.Failed(why);
      host.standing.missed().Lost(now);
      was_up = schedule.Failed(why.code(), now, random_);
      next_try = schedule.dial_at() - now;
      presence = schedule.presence();
      if (has_left) Note(identities_.Left(host.id));
      if (has_left || !schedule.reread_wanted()) {
        for (Done& done : std::exchange(host.waiting, {})) {
          task.served.push_back(std::move(done));
        }
      }
    }
  }
  if (!is_wanted) return Abandon(task);
  v1::Condition condition;
  condition.set_type(kUnreachable);
  condition.set_message({why.message().data(), why.message().size()});
  (void)inventory_.SetPresence(host.id, presence, condition);
  if (was_up && !has_left) {
    log::Warning("host unreachable",
                 {{"host", host.id.node},
                  {"uri", host.origin},
                  {"error", why.message()},
                  {"next_try", Shown(clock_.Now() + next_try)}});
  }
  for (Done& done : task.served) done(why);
}

void FleetSource::Abandon(Task& task) {
  Host& host = *task.host;
  host.connection.reset();
  absl::Status why = NotWatched(host.id);
  v1::Presence presence;
  {
    MutexLock lock(mu_);
    hypervisor::HostSchedule& schedule = host.standing.schedule();
    const absl::Duration now = clock_.Uptime();
    schedule.ClosedUnwanted(now);
    host.standing.missed().Lost(now);
    presence = schedule.presence();
    if (schedule.has_left()) {
      Note(identities_.Left(host.id));
      for (Done& done : host.TakeWaiting()) {
        task.served.push_back(std::move(done));
      }
    } else if (stopping_) {
      why = Stopped(host.id);
    } else {
      // The next dial is theirs.
      for (Done& done : std::exchange(task.served, {})) {
        host.waiting.push_back(std::move(done));
      }
      if (!host.waiting.empty()) schedule.WantReread(now);
    }
  }
  (void)inventory_.SetPresence(host.id, presence, std::nullopt);
  for (Done& done : task.served) done(why);
}

bool FleetSource::IsWanted(const Host& host) const {
  return host.uri == host.standing.uri() &&
         !host.standing.schedule().agent_speaks();
}

void FleetSource::DeclareUnknown(Host& host) {
  (void)inventory_.SetPresence(host.id, v1::PRESENCE_UNKNOWN, std::nullopt);
  log::Warning(
      "host down for too long, its guests' states are unknown",
      {{"host", host.id.node}, {"after", Shown(options_.unknown_after)}});
  MutexLock lock(mu_);
  host.standing.schedule().DeclaredUnknown();
}

void FleetSource::Announce(Host& host) {
  Announcement announcement;
  {
    MutexLock lock(mu_);
    announcement = host.standing.TakeAnnouncement(!host.push.believed);
  }
  if (announcement.labels.has_value()) {
    inventory_.AddHost(host.id, *announcement.labels);
  }
  if (announcement.presence.has_value()) {
    (void)inventory_.SetPresence(host.id, *announcement.presence,
                                 std::move(announcement.unreachable));
  }
  for (auto& [type, condition] : announcement.conditions) {
    if (condition.has_value()) {
      (void)inventory_.SetCondition(host.id, *std::move(condition));
    } else {
      (void)inventory_.ClearCondition(host.id, type);
    }
  }
}

void FleetSource::Forget(Task& task) {
  const HostId id = task.host->id;
  inventory_.RemoveHost(id);
  {
    MutexLock lock(mu_);
    Host& host = *task.host;
    const absl::Duration now = clock_.Uptime();
    statistics_.KeepMissed(host.standing.missed().Count(now));
    if (host.standing.schedule().has_left()) {
      task.host = nullptr;
      hosts_.erase(id);
    } else {
      // It came back in this very moment, to begin anew.
      auto anew = std::make_unique<Host>(*this, host.standing.found(), now);
      anew->taken = true;
      anew->waiting = std::move(host.waiting);
      if (!anew->waiting.empty()) anew->standing.schedule().WantReread(now);
      task.host = anew.get();
      hosts_[id] = std::move(anew);
    }
  }
  log::Info("host forgotten", {{"host", id.node}});
}

}  // namespace rehai
