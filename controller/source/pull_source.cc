// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/pull_source.h"

#include <pthread.h>

#include <algorithm>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "controller/inventory/record.h"
#include "controller/source/display_uri.h"
#include "rehai/v1/model.pb.h"

namespace rehai {
namespace {

std::string Shown(absl::Time time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", time, absl::UTCTimeZone());
}

std::string Shown(absl::Duration duration) {
  return absl::FormatDuration(absl::Trunc(duration, absl::Milliseconds(1)));
}

absl::Status Stopped(const HostId& host) {
  return absl::CancelledError(absl::StrCat(
      "host ", host.node,
      ": not read, the controller is shutting down; ask again later"));
}

}  // namespace

class PullSource::Link final : public hypervisor::Listener {
 public:
  Link(PullSource& source, size_t place, PullHost host)
      : config(std::move(host)),
        origin(DisplayUri(config.uri)),
        source_(source),
        place_(place) {}

  void OnGuestEvent(const GuestId& guest, hypervisor::GuestEvent) override {
    Note([&](Standing& standing, absl::Duration now) {
      standing.schedule.GuestEvent(guest, now);
    });
  }
  void OnHostEvent() override {
    Note([](Standing& standing, absl::Duration now) {
      standing.schedule.HostEvent(now);
    });
  }
  void OnClosed(const std::string& reason) override {
    Note([&](Standing& standing, absl::Duration now) {
      standing.schedule.Closed(now);
      standing.closed_because = reason;
    });
  }

  const PullHost config;
  const std::string origin;  // the URI, as it may be shown

  std::unique_ptr<hypervisor::Connection> connection;
  int64_t session = 0;
  int64_t sequence = 0;

 private:
  void Note(absl::FunctionRef<void(Standing&, absl::Duration now)> what) {
    MutexLock lock(source_.mu_);
    what(source_.standings_[place_], source_.clock_.Uptime());
    source_.Enqueue(place_);
  }

  PullSource& source_;
  const size_t place_;
};

PullSource::PullSource(Options options, std::vector<PullHost> hosts,
                       hypervisor::Dialer& dialer, Inventory& inventory,
                       const Clock& clock)
    : options_(options),
      dialer_(dialer),
      inventory_(inventory),
      clock_(clock),
      last_session_(absl::ToUnixMicros(clock.Now())) {
  const HostSchedule::Options schedule{
      .reconnect = options_.reconnect,
      .relist_interval = options_.relist_interval,
      .event_window = options_.event_window,
      .unknown_after = options_.unknown_after,
      .volatile_interval = options_.volatile_interval};
  for (PullHost& host : hosts) {
    inventory_.AddHost(host.host, host.labels);
    places_.emplace(host.host, links_.size());
    links_.push_back(
        std::make_unique<Link>(*this, links_.size(), std::move(host)));
  }
  MutexLock lock(mu_);
  quick_.limit = options_.workers;
  slow_.limit = std::max(1, options_.workers - 2);
  for (const auto& link : links_) {
    standings_.emplace_back(schedule, link->config.host);
    Enqueue(standings_.size() - 1);
  }
}

PullSource::~PullSource() { Stop(); }

void PullSource::Start() {
  MutexLock lock(mu_);
  for (int i = 0; i < options_.workers; ++i) {
    workers_.emplace_back([this, i] {
      pthread_setname_np(pthread_self(), absl::StrCat("pull-", i).c_str());
      Work();
    });
  }
}

void PullSource::Stop() {
  std::vector<std::thread> workers;
  std::vector<std::pair<size_t, Done>> abandoned;
  {
    MutexLock lock(mu_);
    stopping_ = true;
    workers.swap(workers_);
    for (size_t host = 0; host < standings_.size(); ++host) {
      for (Done& done : standings_[host].waiting) {
        abandoned.emplace_back(host, std::move(done));
      }
      standings_[host].waiting.clear();
    }
    wake_.NotifyAll();
  }
  for (auto& [host, done] : abandoned) {
    done(Stopped(links_[host]->config.host));
  }
  for (std::thread& worker : workers) worker.join();
}

void PullSource::Reread(const HostId& host, Done done) {
  const auto place = places_.find(host);
  if (place == places_.end()) {
    done(absl::NotFoundError(absl::StrCat(
        "host ", host.node, ": no hypervisor is configured for it")));
    return;
  }
  {
    MutexLock lock(mu_);
    if (!stopping_) {
      Standing& standing = standings_[place->second];
      standing.waiting.push_back(std::move(done));
      standing.schedule.WantReread(clock_.Uptime());
      Enqueue(place->second);
      return;
    }
  }
  done(Stopped(host));
}

void PullSource::Work() {
  while (std::optional<Task> task = Take()) {
    Run(*task);
    if (!Release(*task)) links_[task->host]->connection.reset();
  }
  // Closing may block, so the workers share it.
  while (const std::optional<size_t> host = TakeOpen()) {
    links_[*host]->connection.reset();
  }
}

std::optional<PullSource::Task> PullSource::Take() {
  MutexLock lock(mu_);
  while (!stopping_) {
    const absl::Duration now = clock_.Uptime();
    absl::Duration wake_at = absl::InfiniteDuration();
    for (Lane* lane : {&quick_, &slow_}) {
      if (lane->due.empty() || lane->running == lane->limit) continue;
      const absl::Duration at = lane->due.begin()->first;
      if (at <= now) return Begin(*lane);
      wake_at = std::min(wake_at, at);
    }
    clock_.WaitUntil(wake_at, mu_, wake_);
  }
  return std::nullopt;
}

PullSource::Task PullSource::Begin(Lane& lane) {
  Task task;
  task.host = lane.due.begin()->second;
  Standing& standing = standings_[task.host];
  task.step = standing.queued->step;
  lane.due.erase(lane.due.begin());
  ++lane.running;
  standing.queued.reset();
  standing.taken = true;
  if (task.step == HostSchedule::Step::kRead) BeginRead(task);
  // Whoever waits may wait for the step just taken: look at the next one.
  wake_.NotifyOne();
  return task;
}

void PullSource::BeginRead(Task& task) {
  Standing& standing = standings_[task.host];
  task.begun = clock_.Uptime();
  task.request = standing.schedule.BeginRead(task.begun);
  task.served = std::exchange(standing.waiting, {});
}

void PullSource::Run(Task& task) {
  switch (task.step) {
    case HostSchedule::Step::kDial:
      return Dial(task);
    case HostSchedule::Step::kRead:
      return Read(task);
    case HostSchedule::Step::kClose: {
      std::string reason;
      {
        MutexLock lock(mu_);
        reason = standings_[task.host].closed_because;
      }
      return Lose(task, absl::UnavailableError(absl::StrCat(
                            links_[task.host]->origin, ": connection lost: ",
                            reason, "; it is dialed again")));
    }
    case HostSchedule::Step::kDeclareUnknown:
      return DeclareUnknown(task);
  }
}

bool PullSource::Release(const Task& task) {
  MutexLock lock(mu_);
  --LaneOf(task.step).running;
  if (stopping_) return false;
  standings_[task.host].taken = false;
  Enqueue(task.host);
  return true;
}

std::optional<size_t> PullSource::TakeOpen() {
  MutexLock lock(mu_);
  while (closed_up_to_ < standings_.size()) {
    const size_t host = closed_up_to_++;
    if (!standings_[host].taken) return host;
  }
  return std::nullopt;
}

void PullSource::Enqueue(size_t host) {
  Standing& standing = standings_[host];
  if (standing.taken) return;  // Release() will
  const HostSchedule::NextStep next = standing.schedule.Next();
  if (standing.queued == next) return;
  if (standing.queued.has_value()) {
    LaneOf(standing.queued->step).due.erase({standing.queued->at, host});
  }
  standing.queued = next;
  Lane& lane = LaneOf(next.step);
  const auto place = lane.due.emplace(next.at, host).first;
  if (place == lane.due.begin()) wake_.NotifyOne();
}

void PullSource::Dial(Task& task) {
  Link& link = *links_[task.host];
  auto connection = dialer_.Dial(link.config.uri, options_.dial, link);
  if (!connection.ok()) return Lose(task, connection.status());
  link.connection = *std::move(connection);
  link.sequence = 0;
  {
    MutexLock lock(mu_);
    link.session = ++last_session_;
    if (stopping_) return;
    standings_[task.host].schedule.Dialed(clock_.Uptime());
    BeginRead(task);
  }
  Read(task);
}

void PullSource::Read(Task& task) {
  Link& link = *links_[task.host];
  v1::Observation observation;
  observation.set_node(link.config.host.node);
  observation.set_session(link.session);
  observation.set_sequence(++link.sequence);
  observation.set_full(true);
  observation.mutable_provenance()->set_kind(v1::SOURCE_KIND_PULL);
  observation.mutable_provenance()->set_origin(link.origin);
  // Before the read: all that it finds was true at this moment or later.
  *observation.mutable_provenance()->mutable_observed_at() =
      ToProto(clock_.Now());

  absl::StatusOr<hypervisor::Inventory> found =
      link.connection->Read(task.request);
  if (!found.ok()) return Lose(task, found.status());
  *observation.mutable_facts() = std::move(found->facts);
  observation.mutable_guests()->Add(
      std::make_move_iterator(found->guests.begin()),
      std::make_move_iterator(found->guests.end()));
  observation.mutable_unread_uuids()->Add(found->unread_uuids.begin(),
                                          found->unread_uuids.end());
  if (const auto observed = inventory_.Observe(observation); !observed.ok()) {
    return Lose(task, observed.status());
  }

  std::optional<absl::Duration> away;
  {
    MutexLock lock(mu_);
    away = standings_[task.host].schedule.ReadEnded(
        task.request, found->unread_uuids, task.begun, random_);
  }
  if (away.has_value()) {
    log::Info("host reachable again", {{"host", link.config.host.node},
                                       {"uri", link.origin},
                                       {"away", Shown(*away)}});
  }
  for (Done& done : task.served) done(absl::OkStatus());
}

void PullSource::Lose(Task& task, const absl::Status& why) {
  Link& link = *links_[task.host];
  link.connection.reset();

  bool was_up = false;
  absl::Duration next_try;
  v1::Presence presence;
  {
    MutexLock lock(mu_);
    Standing& standing = standings_[task.host];
    const absl::Duration now = clock_.Uptime();
    was_up = standing.schedule.Failed(why.code(), now, random_);
    next_try = standing.schedule.dial_at() - now;
    presence = standing.schedule.presence();
    if (!standing.schedule.reread_wanted()) {
      for (Done& done : std::exchange(standing.waiting, {})) {
        task.served.push_back(std::move(done));
      }
    }
  }
  v1::Condition condition;
  condition.set_type(kUnreachable);
  condition.set_message({why.message().data(), why.message().size()});
  // A host that has left the fleet has nothing to be said about.
  (void)inventory_.SetPresence(link.config.host, presence, condition);
  if (was_up) {
    log::Warning("host unreachable",
                 {{"host", link.config.host.node},
                  {"uri", link.origin},
                  {"error", why.message()},
                  {"next_try", Shown(clock_.Now() + next_try)}});
  }
  for (Done& done : task.served) done(why);
}

void PullSource::DeclareUnknown(const Task& task) {
  const HostId& host = links_[task.host]->config.host;
  (void)inventory_.SetPresence(host, v1::PRESENCE_UNKNOWN, std::nullopt);
  log::Warning("host down for too long, its guests' states are unknown",
               {{"host", host.node}, {"after", Shown(options_.unknown_after)}});
  MutexLock lock(mu_);
  standings_[task.host].schedule.DeclaredUnknown();
}

}  // namespace rehai
