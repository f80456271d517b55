// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/fleet_source.h"

#include <pthread.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "controller/source/display_uri.h"
#include "controller/source/fleet_source_host.h"

namespace rehai {
namespace {

using Step = hypervisor::HostSchedule::Step;

// More sessions than a run can have begun after the last one that it kept, were
// its disk full for a day.
constexpr int64_t kMostUnkept = 1'000'000;

// Dials take their time, reads of a proven connection seldom do.
Lanes::Lane LaneOf(Step step) {
  return step == Step::kDial ? Lanes::Lane::kDial : Lanes::Lane::kQuick;
}

}  // namespace

absl::Status NoSuchHost(const HostId& host) {
  return absl::NotFoundError(
      absl::StrCat("host ", host.node,
                   ": not in the fleet; rehaictl source status tells where "
                   "hosts are looked for"));
}

absl::Status NobodyToAsk(const HostId& host) {
  return absl::FailedPreconditionError(
      absl::StrCat("host ", host.node,
                   ": it has no URI, and no agent speaks for it; start "
                   "rehai-agent on it, or give it a URI"));
}

absl::Status Stopped(const HostId& host) {
  return absl::CancelledError(absl::StrCat(
      "host ", host.node,
      ": not read, the controller is shutting down; ask again later"));
}

absl::Status NotWatched(const HostId& host) {
  return absl::NotFoundError(absl::StrCat(
      "host ", host.node,
      ": discovery does not find it any more, so it is not watched; add it "
      "again"));
}

FleetSource::Host::Host(FleetSource& source, const FoundHost& found,
                        absl::Duration now)
    : source(source),
      id(found.host),
      standing(source.ScheduleOptions(), found, now),
      push(DialRate(absl::FDivDuration(absl::Seconds(1),
                                       source.options_.agent_coming_interval),
                    source.options_.agent_coming_interval *
                        (source.options_.agent_comings - 1))) {}

// What follows runs under the lock that Note() takes, which the analysis cannot
// see through the callback.
void FleetSource::Host::OnGuestEvent(const GuestId& guest,
                                     hypervisor::GuestEvent event) {
  Note([&](absl::Duration now) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    standing.schedule().Hinted(guest, event, now);
    standing.missed().Told(guest, now);
    source.moves_.Hinted(id, guest, now);
    if (event == hypervisor::GuestEvent::kMigratedAway) {
      source.moves_.MigratedAway(id, guest, now);
    } else if (event == hypervisor::GuestEvent::kPresent) {
      source.moves_.CameBack(id, guest, now);
    }
    source.statistics_.EventHeard();
  });
}

void FleetSource::Host::OnHostEvent() {
  Note([&](absl::Duration now) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    standing.schedule().HostEvent(now);
    source.statistics_.EventHeard();
  });
}

void FleetSource::Host::OnClosed(const std::string& reason) {
  Note([&](absl::Duration now) {
    standing.schedule().Closed(now);
    closed_because = reason;
  });
}

void FleetSource::Host::Note(absl::FunctionRef<void(absl::Duration now)> what) {
  MutexLock lock(source.mu_);
  what(source.clock_.Uptime());
  source.Enqueue(*this);
}

std::vector<FleetSource::Done> FleetSource::Host::TakeWaiting() {
  std::vector<Done> all = std::exchange(waiting, {});
  for (auto& [request, done] : std::exchange(push.asked, {})) {
    all.push_back(std::move(done));
  }
  return all;
}

FleetSource::FleetSource(Options options, const std::vector<FoundHost>& hosts,
                         hypervisor::Dialer& dialer, Inventory& inventory,
                         const Clock& clock)
    : options_(options),
      dialer_(dialer),
      inventory_(inventory),
      clock_(clock),
      lanes_({.workers = options.workers,
              .spare_workers = options.spare_workers,
              .slow_step = options.slow_read,
              .dials_per_second = options.dials_per_second}),
      moves_(
          {.departure = options.move_timeout, .settle = options.move_settle}),
      random_(MakeRandom(options.seed)),
      last_session_(absl::ToUnixMicros(clock.Now())) {
  SetHosts(hosts);
}

FleetSource::~FleetSource() { Stop(); }

void FleetSource::Restore(const std::vector<RecordPtr>& records,
                          int64_t last_session) {
  const absl::Duration now = clock_.Uptime();
  const absl::Time kept_until = clock_.Now() + options_.keep_departed;
  MutexLock lock(mu_);
  last_session_ = std::max(last_session_, last_session + kMostUnkept);
  for (const RecordPtr& record : records) {
    FoundHost known;
    known.host.node = record->node();
    known.labels = {record->labels().begin(), record->labels().end()};
    auto host = std::make_unique<Host>(*this, known, now);
    host->standing.Restored(kept_until, now);
    host->restored = {.uuid = record->facts().uuid(),
                      .provenance = record->provenance()};
    // Of the time between, nobody knows how long it was.
    if (record->provenance().kind() == v1::SOURCE_KIND_PULL) {
      host->pulled_at = now;
    }
    Enqueue(*host);
    hosts_[known.host] = std::move(host);
  }
}

hypervisor::HostSchedule::Options FleetSource::ScheduleOptions() const {
  return {.reconnect = options_.reconnect,
          .relist_interval = options_.relist_interval,
          .event_window = options_.event_window,
          .unknown_after = options_.unknown_after,
          .volatile_interval = options_.volatile_interval,
          .keep_departed = options_.keep_departed};
}

void FleetSource::Start() {
  MutexLock lock(mu_);
  for (int i = 0; i < lanes_.threads(); ++i) {
    workers_.emplace_back([this, i] {
      pthread_setname_np(pthread_self(), absl::StrCat("pull-", i).c_str());
      Work();
    });
  }
}

void FleetSource::Stop() {
  std::vector<std::thread> workers;
  std::vector<std::pair<HostId, Done>> abandoned;
  {
    MutexLock lock(mu_);
    if (stopping_) return;
    stopping_ = true;
    workers.swap(workers_);
    for (const auto& [id, host] : hosts_) {
      if (!host->taken) open_.push_back(host.get());
      for (Done& done : host->TakeWaiting()) {
        abandoned.emplace_back(id, std::move(done));
      }
    }
    watch_.NotifyAll();
    idle_.NotifyAll();
  }
  for (auto& [host, done] : abandoned) done(Stopped(host));
  for (std::thread& worker : workers) worker.join();
}

void FleetSource::SetHosts(const std::vector<FoundHost>& hosts) {
  std::vector<const FoundHost*> added;
  {
    MutexLock lock(mu_);
    if (stopping_) return;
    for (const FoundHost& found : hosts) {
      if (Find(found.host) == nullptr) added.push_back(&found);
    }
  }
  // Before a worker can have something to say of them.
  for (const FoundHost* found : added) {
    inventory_.AddHost(found->host, found->labels);
  }

  std::set<HostId> found_ids;
  std::vector<const FoundHost*> moved;
  std::vector<HostId> left;
  std::vector<std::pair<HostId, Done>> abandoned;
  std::vector<std::pair<HostId, std::shared_ptr<Agent>>> dismissed;
  {
    MutexLock lock(mu_);
    if (stopping_) return;
    for (const FoundHost& found : hosts) {
      found_ids.insert(found.host);
      if (Adopt(found)) moved.push_back(&found);
    }
    for (const auto& [id, host] : hosts_) {
      if (found_ids.contains(id) || host->standing.schedule().has_left()) {
        continue;
      }
      left.push_back(id);
      for (Done& done : Drain(*host))
        abandoned.emplace_back(id, std::move(done));
      if (host->push.agent != nullptr) {
        dismissed.emplace_back(id, std::exchange(host->push.agent, nullptr));
        host->push.session = 0;
      }
    }
  }
  for (const FoundHost* found : moved) {
    log::Info("host moved to another URI",
              {{"host", found->host.node}, {"uri", DisplayUri(found->uri)}});
  }
  for (const HostId& host : left) {
    log::Info("host left discovery", {{"host", host.node}});
  }
  for (auto& [host, done] : abandoned) done(NotWatched(host));
  for (const auto& [host, agent] : dismissed) {
    agent->Dismiss(absl::PermissionDeniedError(
        absl::StrCat("host ", host.node,
                     ": it is not in the fleet any more; add it again")));
  }
}

FleetSource::Host* FleetSource::Find(const HostId& host) {
  const auto place = hosts_.find(host);
  return place == hosts_.end() ? nullptr : place->second.get();
}

bool FleetSource::Adopt(const FoundHost& found) {
  const absl::Duration now = clock_.Uptime();
  std::unique_ptr<Host>& host = hosts_[found.host];
  bool has_moved = false;
  if (host == nullptr) {
    host = std::make_unique<Host>(*this, found, now);
  } else {
    has_moved = host->standing.Found(found, now);
  }
  if (const auto known = std::exchange(host->restored, std::nullopt)) {
    // What answered at another URI is no evidence.
    if (known->provenance.kind() != v1::SOURCE_KIND_PULL ||
        known->provenance.origin() == DisplayUri(found.uri)) {
      identities_.Restore(found.host, known->uuid);
    }
  }
  // What its agent says of it is evidence still.
  if (has_moved && !host->standing.schedule().agent_speaks()) {
    Note(identities_.Left(found.host));
  }
  Enqueue(*host);
  return has_moved;
}

std::vector<FleetSource::Done> FleetSource::Drain(Host& host) {
  const absl::Duration now = clock_.Uptime();
  // No worker says that it is not current any more.
  if (host.standing.schedule().agent_speaks()) host.standing.WantPresence(now);
  host.standing.NotFound(clock_.Now() + options_.keep_departed, now);
  std::vector<Done> abandoned;
  // Else the last read is evidence still, and answers those who wait.
  if (!host.standing.schedule().is_connected()) {
    Note(identities_.Left(host.id));
    abandoned = host.TakeWaiting();
  }
  Enqueue(host);
  return abandoned;
}

void FleetSource::Reread(const HostId& host, Done done) {
  absl::Status refusal = NoSuchHost(host);
  {
    MutexLock lock(mu_);
    Host* const known = Find(host);
    if (stopping_) {
      refusal = Stopped(host);
    } else if (known != nullptr && known->standing.schedule().has_left()) {
      refusal = NotWatched(host);
    } else if (known != nullptr && !known->standing.schedule().is_reachable()) {
      refusal = NobodyToAsk(host);
    } else if (known != nullptr) {
      known->waiting.push_back(std::move(done));
      known->standing.schedule().WantReread(clock_.Uptime());
      Enqueue(*known);
      return;
    }
  }
  done(refusal);
}

int FleetSource::Retry(const std::vector<HostId>& hosts) {
  int released = 0;
  MutexLock lock(mu_);
  const absl::Duration now = clock_.Uptime();
  for (const HostId& id : hosts) {
    Host* const host = Find(id);
    if (host == nullptr || !host->standing.schedule().DialNow(now)) continue;
    ++released;
    Enqueue(*host);
  }
  return released;
}

absl::StatusOr<std::string> FleetSource::AcceptIdentity(const HostId& id) {
  MutexLock lock(mu_);
  Host* const host = Find(id);
  if (host == nullptr) return NoSuchHost(id);
  absl::StatusOr<HostIdentities::Accepted> accepted = identities_.Accept(id);
  if (!accepted.ok()) return accepted.status();
  Note(std::move(accepted->findings));
  host->standing.schedule().WantReread(clock_.Uptime());
  Enqueue(*host);
  return accepted->uuid;
}

void FleetSource::Note(std::vector<HostIdentities::Finding> findings,
                       const HostId& reading) {
  const absl::Duration now = clock_.Uptime();
  for (HostIdentities::Finding& finding : findings) {
    Host* const host = Find(finding.host);
    if (host == nullptr) continue;
    const bool is_over = !finding.condition.has_value();
    host->standing.WantCondition(finding.type, std::move(finding.condition),
                                 now);
    if (is_over && finding.host != reading) {
      host->standing.schedule().WantReread(now);
    }
    Enqueue(*host);
  }
}

v1::PullStatus FleetSource::Status() const {
  v1::PullStatus status;
  MutexLock lock(mu_);
  const absl::Duration now = clock_.Uptime();
  statistics_.FillStatus(status);
  std::map<v1::ConnectionState, int64_t> counts;
  for (const auto& [id, host] : hosts_) {
    ++counts[host->standing.schedule().ShownAt(now).state];
    status.set_missed_events(status.missed_events() +
                             host->standing.missed().Count(now));
  }
  for (const auto& [state, count] : counts) {
    v1::ConnectionStateCount& entry = *status.add_connections();
    entry.set_state(state);
    entry.set_count(count);
  }
  status.set_overdue_reads(lanes_.Overdue(Lanes::Lane::kQuick, now));
  const Lanes::Waiting waiting = lanes_.WaitingAt(now);
  status.set_waiting(waiting.hosts);
  *status.mutable_oldest_due() = ToProto(waiting.oldest);
  return status;
}

std::vector<v1::Connection> FleetSource::Connections() const {
  std::vector<v1::Connection> connections;
  MutexLock lock(mu_);
  const absl::Duration now = clock_.Uptime();
  const absl::Time wall_now = clock_.Now();
  connections.reserve(hosts_.size());
  for (const auto& [id, host] : hosts_) {
    connections.push_back(host->standing.Describe(now, wall_now));
  }
  return connections;
}

void FleetSource::Work() {
  while (std::optional<Task> task = Take()) {
    Run(*task);
    if (!Release(*task)) task->host->connection.reset();
  }
  // Closing may block, so the workers share it.
  while (Host* const host = TakeOpen()) host->connection.reset();
}

absl::Duration FleetSource::Tick() {
  while (true) {
    std::optional<Task> task;
    {
      MutexLock lock(mu_);
      if (stopping_) return absl::InfiniteDuration();
      const absl::Duration now = clock_.Uptime();
      const std::optional<Lanes::Begun> begun = lanes_.Begin(now);
      if (!begun.has_value()) return lanes_.NextAt(now);
      task = TaskOf(*begun);
    }
    Run(*task);
    if (!Release(*task)) task->host->connection.reset();
  }
}

std::optional<FleetSource::Task> FleetSource::Take() {
  MutexLock lock(mu_);
  while (!stopping_) {
    const absl::Duration now = clock_.Uptime();
    if (const std::optional<Lanes::Begun> begun = lanes_.Begin(now)) {
      return TaskOf(*begun);
    }
    const absl::Duration next_at = lanes_.NextAt(now);
    if (watched_until_.has_value()) {
      // Another worker watches the clock; it may not know of this moment.
      if (next_at < *watched_until_) watch_.NotifyOne();
      idle_.Wait(mu_);
      continue;
    }
    watched_until_ = next_at;
    clock_.WaitUntil(next_at, mu_, watch_);
    watched_until_.reset();
  }
  return std::nullopt;
}

FleetSource::Task FleetSource::TaskOf(const Lanes::Begun& begun) {
  Task task;
  Host& host = *Find(begun.host);
  task.host = &host;
  task.step = host.queued->step;
  task.begun = begun;
  host.queued.reset();
  host.taken = true;
  if (task.step == Step::kRead) BeginRead(task);
  // The next step is another worker's, and so is the clock, if it was ours.
  if (!watched_until_.has_value()) {
    idle_.NotifyOne();
  } else if (lanes_.NextAt(begun.at) < *watched_until_) {
    watch_.NotifyOne();
  }
  return task;
}

void FleetSource::Run(Task& task) {
  switch (task.step) {
    case Step::kDial:
      return Dial(task);
    case Step::kRead:
      return Read(task);
    case Step::kClose:
      return Close(task);
    case Step::kDeclareUnknown:
      return DeclareUnknown(*task.host);
    case Step::kAnnounce:
      return Announce(*task.host);
    case Step::kAsk:
      return Ask(*task.host);
    case Step::kForget:
      return Forget(task);
  }
}

bool FleetSource::Release(const Task& task) {
  MutexLock lock(mu_);
  lanes_.End(task.begun);
  if (task.host == nullptr) return true;
  if (stopping_) return false;
  task.host->taken = false;
  Enqueue(*task.host);
  return true;
}

FleetSource::Host* FleetSource::TakeOpen() {
  MutexLock lock(mu_);
  if (open_.empty()) return nullptr;
  Host* const host = open_.back();
  open_.pop_back();
  return host;
}

void FleetSource::Enqueue(Host& host) {
  if (host.taken || stopping_) return;  // Release() will, or nobody
  const hypervisor::HostSchedule::NextStep next =
      host.standing.schedule().Next();
  if (host.queued == next) return;
  if (host.queued.has_value()) {
    lanes_.Remove(LaneOf(host.queued->step), host.queued->at, host.id);
  }
  host.queued = next;
  lanes_.Put(LaneOf(next.step), next.at, host.id);
  // Whoever watches the clock may watch for a later moment. If nobody does, all
  // are busy, and look before they wait.
  if (watched_until_.has_value() && next.at < *watched_until_) {
    watch_.NotifyOne();
  }
}

}  // namespace rehai
