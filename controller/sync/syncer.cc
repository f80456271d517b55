// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/syncer.h"

#include <pthread.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/status_macros.h"
#include "controller/inventory/record.h"
#include "controller/sync/errors.h"
#include "controller/sync/node_weight.h"
#include "proto/ids.h"

namespace rehai {
namespace {

// A server that comes back is found within this, however long waits have grown.
constexpr absl::Duration kLongestProbeWait = absl::Seconds(30);

BackoffOptions ProbeWaits(BackoffOptions retry) {
  retry.max = std::min(retry.max, kLongestProbeWait);
  return retry;
}

Sweep::Options SweepOptionsOf(const Syncer::Options& options) {
  Sweep::Options sweep = {.interval = options.sweep_interval,
                          .index_lag = options.index_lag};
  if (sweep.interval > absl::ZeroDuration()) {
    // Who sweeps often wants to know soon, and rather reads some for nothing.
    sweep.index_lag = std::min(sweep.index_lag, sweep.interval / 2);
  }
  if (chef::SearchedStampPath(options.renderings).empty()) {
    sweep.no_search =
        "no node carries a stamp to search for, as renderings.rehai is off or "
        "goes into no node";
  }
  return sweep;
}

}  // namespace

Syncer::Syncer(Options options, const Inventory& inventory, Sink& sink,
               const Clock& clock)
    : options_(std::move(options)),
      inventory_(inventory),
      sink_(sink),
      clock_(clock),
      probe_waits_(ProbeWaits(options_.retry)),
      governor_(options_.limits, clock),
      random_(MakeRandom(options_.seed)),
      dirty_(options_.window),
      health_(probe_waits_, clock.Uptime()),
      sweep_(SweepOptionsOf(options_), clock.Uptime()),
      ohai_(options_.max_ohai_bytes),
      runs_({.max_run = options_.max_run}) {}

Syncer::~Syncer() { Stop(); }

void Syncer::AddListener(KeepListener listener) {
  keepers_.push_back(std::move(listener));
}

void Syncer::AddProgressListener(ProgressListener listener) {
  progress_listeners_.push_back(std::move(listener));
}

void Syncer::AddSearchListener(SearchListener listener) {
  search_listeners_.push_back(std::move(listener));
}

void Syncer::TellProgress(const std::vector<Progress>& progress) {
  if (progress.empty()) return;
  for (ProgressListener& listener : progress_listeners_) listener(progress);
}

void Syncer::Restore(const std::vector<v1::StoredNode>& nodes) {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  for (const v1::StoredNode& node : nodes) {
    const HostId host{node.node()};
    HostState& state = hosts_[host];
    state.Restore(node);
    if (state.has_unseen_put) {
      state.is_restored = false;
      Doubt(host, v1::LANE_REPAIR, v1::WRITE_CAUSE_DOUBT, now);
    } else if (state.is_restored) {
      restored_check_at_ = now;
    }
  }
}

void Syncer::TellKeepers(const HostId& host, bool writing) {
  if (keepers_.empty() || options_.dry_run) return;
  v1::StoredNode stored;
  {
    MutexLock lock(mu_);
    const auto it = hosts_.find(host);
    if (it == hosts_.end()) return;  // it has left the fleet
    stored = it->second.ToStored(host, writing);
  }
  for (KeepListener& keeper : keepers_) keeper(stored);
}

void Syncer::Start() {
  {
    MutexLock lock(mu_);
    started_ = true;
  }
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "sync");
    Run();
  });
}

void Syncer::Run() {
  while (true) {
    TakeTurn();
    MutexLock lock(mu_);
    while (!stopping_ && (ticking_ || !woken_) &&
           clock_.Uptime() < next_tick_) {
      clock_.WaitUntil(next_tick_, mu_, cv_);
    }
    if (stopping_) return;
  }
}

void Syncer::TakeTurn() {
  if (!BeginTurn()) return;
  while (!EndTurn(Tick())) {
  }
}

// False if another thread is at it, which then looks again.
bool Syncer::BeginTurn() {
  MutexLock lock(mu_);
  if (stopping_ || !started_) return false;
  woken_ = ticking_;
  // What was due by now is found in this turn, or in the one under way.
  if (next_tick_ <= clock_.Uptime()) next_tick_ = absl::InfiniteDuration();
  return !std::exchange(ticking_, true);
}

// False if there is a reason to look again.
bool Syncer::EndTurn(absl::Duration next_tick) {
  MutexLock lock(mu_);
  if (!stopping_ && std::exchange(woken_, false)) return false;
  ticking_ = false;
  // Where it is later, the thread finds out in its own time.
  if (next_tick < next_tick_) {
    next_tick_ = next_tick;
    cv_.NotifyAll();
  }
  return true;
}

void Syncer::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    cv_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();

  std::vector<std::pair<HostId, RewriteDone>> rewrites;
  std::deque<Errand> errands;
  {
    MutexLock lock(mu_);
    while (calls_ > 0) cv_.Wait(mu_);
    rewrites = ohai_.Clear();
    for (auto& [host, state] : hosts_) {
      for (RewriteDone& done : state.waiting) {
        rewrites.emplace_back(host, std::move(done));
      }
      state.waiting.clear();
    }
    errands.swap(errands_);
    std::move(looks_.begin(), looks_.end(), std::back_inserter(errands));
    looks_.clear();
  }
  for (auto& [host, done] : rewrites) done(ShuttingDown(host));
  for (Errand& errand : errands) errand.begin(ShuttingDown(errand.host));
}

void Syncer::Wake() {
  woken_ = true;
  if (!ticking_) cv_.NotifyAll();
}

void Syncer::OnChange(const Change& change) {
  // A host that left is marked too: its next turn finds it gone, whatever the
  // order in which the changes arrived.
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  dirty_.Mark(change.host, change.revision, now);
  Wake();
}

void Syncer::OnRun(const chef::RunMessage& message) {
  const HostId host{message.node};
  if (inventory_.Find(host) == nullptr) return;
  const absl::Duration now = clock_.Uptime();
  const absl::Time wall_now = clock_.Now();
  MutexLock lock(mu_);
  if (stopping_) return;
  const std::optional<DirtySet::Standing> dirty = dirty_.Find(host);
  const bool writing = dirty.has_value() && dirty->in_flight;
  const RunWatch::Event event =
      runs_.OnMessage(host, message, writing, now, wall_now);
  if (!event.ended) return;
  const bool waited = std::exchange(hosts_[host].waits_for_run, false);
  if (event.saved) {
    Doubt(host, v1::LANE_REPAIR, v1::WRITE_CAUSE_RUN_ENDED, now);
  } else if (waited) {
    Doubt(host, v1::LANE_REPAIR, v1::WRITE_CAUSE_REPAIR, now);
  }
  Wake();
}

void Syncer::Doubt(const HostId& host, v1::Lane lane, v1::WriteCause cause,
                   absl::Duration now) {
  hosts_[host].in_doubt = true;
  dirty_.Force(host, lane, cause, now);
}

void Syncer::Diff(const HostId& host, DiffDone done) {
  Diff(host, v1::LANE_USER, std::move(done));
}

void Syncer::Diff(const HostId& host, v1::Lane lane, DiffDone done) {
  const RecordPtr known = inventory_.Find(host);
  if (known == nullptr) return done(UnknownHost(host));
  if (!IsObserved(*known)) return done(NothingObserved(host));
  Queue({.host = host,
         .begin =
             [this, done = std::move(done)](
                 absl::StatusOr<RecordPtr> record) mutable {
               if (!record.ok()) return done(record.status());
               BeginLook();
               sink_.Diff(
                   UpdateOf(**record, options_.renderings),
                   [this, done = std::move(done)](auto differences) mutable {
                     done(std::move(differences));
                     EndLook(0);
                   });
             },
         .lane = lane});
}

void Syncer::Cost(const HostId& host, CostDone done) {
  ReadNode(host, [this, host, done = std::move(done)](
                     const RecordPtr& record,
                     const absl::StatusOr<std::string>& node) mutable {
    if (record == nullptr) return done(node.status());
    done(CostOf(host, *record, node));
  });
}

void Syncer::Read(const HostId& host, ReadDone done) {
  ReadNode(host,
           [done = std::move(done)](const RecordPtr&,
                                    absl::StatusOr<std::string> node) mutable {
             done(std::move(node));
           });
}

void Syncer::ReadNode(const HostId& host, NodeDone done) {
  if (inventory_.Find(host) == nullptr) return done(nullptr, UnknownHost(host));
  Queue({.host = host,
         .begin = [this, host, done = std::move(done)](
                      absl::StatusOr<RecordPtr> record) mutable {
           if (!record.ok()) return done(nullptr, record.status());
           BeginLook();
           sink_.Read(host.node, [this, record = *std::move(record),
                                  done = std::move(done)](
                                     absl::StatusOr<std::string> node) mutable {
             const size_t bytes = node.ok() ? node->size() : 0;
             done(record, std::move(node));
             EndLook(bytes);
           });
         }});
}

absl::StatusOr<v1::ChefCostResponse> Syncer::CostOf(
    const HostId& host, const v1::Record& record,
    const absl::StatusOr<std::string>& node) const {
  RETURN_IF_ERROR(node.status());
  ASSIGN_OR_RETURN(v1::ChefCostResponse cost,
                   WeighNode(*node, chef::Render(record, options_.renderings)));
  cost.set_node(host.node);
  cost.set_max_node_bytes(options_.max_node_bytes);
  MutexLock lock(mu_);
  const auto it = hosts_.find(host);
  if (it != hosts_.end()) FillCauses(it->second.puts, *cost.mutable_causes());
  return cost;
}

void Syncer::Queue(Errand errand) {
  {
    MutexLock lock(mu_);
    if (!stopping_) {
      (errand.lane == v1::LANE_USER ? errands_ : looks_)
          .push_back(std::move(errand));
      Wake();
      return;
    }
  }
  errand.begin(ShuttingDown(errand.host));
}

absl::StatusOr<v1::ChefLimits> Syncer::SetLimits(
    const v1::ChefLimits& changes) {
  const ServerLimits limits = Changed(governor_.limits(), changes);
  RETURN_IF_ERROR(Validate(limits));
  governor_.SetLimits(limits);
  MutexLock lock(mu_);
  Wake();
  return ToProto(limits);
}

absl::Duration Syncer::Tick() {
  while (true) {
    // A host is taken only when its write may begin, so that what changes while
    // it waits for the governor is part of that write.
    const absl::Duration now = clock_.Uptime();
    const absl::Duration due = NextDue();
    if (due > now) return due;
    const absl::Duration wait = governor_.Wait();
    if (wait > absl::ZeroDuration()) return now + wait;
    if (!BeginErrand(/*of_many=*/false) && !BeginRestoredCheck(now) &&
        !BeginRewriteSearch(now) && !BeginSweep(now) &&
        !BeginWriteOrLook(now)) {
      return NextDue();
    }
  }
}

absl::Duration Syncer::NextDue() const {
  const int in_flight = governor_.in_flight();
  MutexLock lock(mu_);
  if (!errands_.empty() || !looks_.empty()) return absl::ZeroDuration();
  const absl::Duration write =
      std::max(dirty_.NextDue(), health_.NextWrite(in_flight));
  const absl::Duration sweep =
      health_.is_up() ? std::min(sweep_.NextDue(), restored_check_at_)
                      : absl::InfiniteDuration();
  return std::min({write, sweep, rewrites_.NextDue()});
}

// Looks.

bool Syncer::BeginErrand(bool of_many) {
  Errand errand;
  {
    MutexLock lock(mu_);
    std::deque<Errand>& errands = of_many ? looks_ : errands_;
    if (stopping_ || errands.empty()) return false;
    errand = std::move(errands.front());
    errands.pop_front();
  }
  RecordPtr record = inventory_.Find(errand.host);
  if (record == nullptr) {
    errand.begin(UnknownHost(errand.host));
  } else {
    errand.begin(std::move(record));
  }
  return true;
}

void Syncer::BeginLook() {
  {
    MutexLock lock(mu_);
    ++calls_;
  }
  governor_.Begin();
}

void Syncer::EndLook(size_t bytes) {
  chef::RequestCost cost;
  cost.requests = 1;
  cost.bytes_received = static_cast<int64_t>(bytes);
  governor_.End(cost, Governor::Pressure::kNone);
  EndCall();
}

void Syncer::EndCall() {
  TakeTurn();
  MutexLock lock(mu_);
  --calls_;
  // Under the lock: Stop() may return, and this be gone, as soon as it is free.
  if (stopping_) cv_.NotifyAll();
}

// Looks that are one of many take turns with the writes, so that neither keeps
// the other waiting.
bool Syncer::BeginWriteOrLook(absl::Duration now) {
  looks_next_ = !looks_next_;
  return looks_next_ ? BeginErrand(/*of_many=*/true) || BeginTry(now)
                     : BeginTry(now) || BeginErrand(/*of_many=*/true);
}

// Writes.

bool Syncer::BeginTry(absl::Duration now) {
  const int in_flight = governor_.in_flight();
  std::optional<Try> next;
  {
    MutexLock lock(mu_);
    if (stopping_ || health_.NextWrite(in_flight) > now) return false;
    next = TakeHost(now);
  }
  if (!next.has_value()) return false;
  BeginWrite(*std::move(next));
  return true;
}

std::optional<Syncer::Try> Syncer::TakeHost(absl::Duration now) {
  while (std::optional<DirtySet::Taken> taken = dirty_.Take(now)) {
    HostState& state = hosts_[taken->host];
    if (const auto until = HeldUntil(*taken, state, now)) {
      dirty_.Defer(taken->host, *until);
      continue;
    }
    state.riding.swap(state.waiting);
    state.waits_for_run = false;
    const bool unknown = state.applied.digest.empty() || state.has_unseen_put;
    const v1::WriteCause cause =
        taken->cause == v1::WRITE_CAUSE_CHANGE && unknown
            ? v1::WRITE_CAUSE_DOUBT
            : taken->cause;
    const Revision marked = dirty_.Find(taken->host)->marked;
    PendingOhai::Run ohai = ohai_.Find(taken->host);
    const bool in_doubt = std::exchange(state.in_doubt, false) ||
                          !state.riding.empty() || ohai != nullptr;
    return Try{.host = taken->host,
               .lane = taken->lane,
               .cause = cause,
               .marked = marked,
               .settled = state.settled,
               .in_doubt = in_doubt,
               .saved = runs_.SavedFor(taken->host, now),
               .ohai = std::move(ohai)};
  }
  return std::nullopt;
}

std::optional<absl::Duration> Syncer::HeldUntil(const DirtySet::Taken& taken,
                                                HostState& state,
                                                absl::Duration now) {
  const bool somebody_waits = !state.waiting.empty();
  if (taken.lane == v1::LANE_USER || somebody_waits) return std::nullopt;
  const absl::Duration truce = state.rival_seen_at + RivalPause();
  if (truce > now) return truce;
  if (taken.lane != v1::LANE_SWEEP) return std::nullopt;
  const std::optional<absl::Duration> run_over =
      runs_.HeldUntil(taken.host, now);
  state.waits_for_run = run_over.has_value();
  return run_over;
}

absl::Duration Syncer::RivalPause() const {
  return options_.sweep_interval > absl::ZeroDuration()
             ? options_.sweep_interval
             : Options().sweep_interval;
}

void Syncer::BeginWrite(Try next) {
  const RecordPtr record = inventory_.Find(next.host);
  if (record == nullptr) return Forget(next);
  std::optional<chef::NodeUpdate> update =
      Plan(*record, next.settled, next.in_doubt, options_.renderings);
  if (!update.has_value()) return Settle(next, *record);

  update->saved = std::move(next.saved);
  if (next.ohai != nullptr) {
    update->ohai = next.ohai->output.subtrees;
    update->ohai_time = next.ohai->time;
  }
  Tried tried = {.host = std::move(next.host),
                 .digest = update->rendering.digest,
                 .revision = record->revision(),
                 .cause = next.cause,
                 .before = std::move(next.settled.marks),
                 .ohai = std::move(next.ohai)};
  {
    MutexLock lock(mu_);
    ++calls_;
    dirty_.CountBegun(next.lane);
  }
  TellKeepers(tried.host, /*writing=*/true);
  governor_.Begin();
  sink_.Write(*std::move(update),
              [this, tried = std::move(tried)](chef::WriteResult result) {
                OnWritten(tried, std::move(result));
              });
}

void Syncer::Settle(const Try& taken, const v1::Record& record) {
  const absl::Status why = CheckWritable(taken.host, &record);
  std::vector<RewriteDone> riding;
  RewriteDone of_ohai;
  bool is_confirmed = false;
  {
    MutexLock lock(mu_);
    // What ends a doubt about the identity, and the first read after a restart,
    // is a change, which marks the host.
    dirty_.Acknowledge(taken.host, record.revision());
    HostState& state = hosts_[taken.host];
    riding.swap(state.riding);
    // It may be another host's.
    of_ohai = ohai_.OnTried(taken.host, taken.ohai, /*again=*/false);
    if (!why.ok()) {
      // What was asked for is still to be done then.
      state.in_doubt |= taken.in_doubt;
    } else {
      // The newer revision means the same, so Chef holds that one too.
      if (state.applied.digest == state.settled.digest) {
        state.applied.revision = record.revision();
        is_confirmed = state.IsConfirmed();
      }
      state.settled.revision = record.revision();
    }
  }
  if (is_confirmed) {
    TellProgress({{taken.host, v1::VISIBILITY_LEVEL_VERIFIED, record.revision(),
                   clock_.Now()}});
  }
  // A rewrite always plans a write, unless the doubt came after it, or the host
  // was forgotten and came back with nothing observed: there is a reason.
  for (RewriteDone& done : riding) done(why);
  if (of_ohai != nullptr) of_ohai(why);
}

void Syncer::Forget(const Try& gone) {
  std::vector<RewriteDone> riding;
  RewriteDone of_ohai;
  {
    MutexLock lock(mu_);
    dirty_.Acknowledge(gone.host, gone.marked);
    runs_.Forget(gone.host);
    of_ohai = ohai_.OnTried(gone.host, gone.ohai, /*again=*/false);
    HostState& state = hosts_[gone.host];
    riding.swap(state.riding);
    // Rewrites that came meanwhile found the host there again: they have their
    // own turn.
    std::vector<RewriteDone> waiting;
    waiting.swap(state.waiting);
    state = HostState();
    state.waiting.swap(waiting);
    if (state.waiting.empty()) hosts_.erase(gone.host);
  }
  for (RewriteDone& done : riding) done(UnknownHost(gone.host));
  if (of_ohai != nullptr) of_ohai(UnknownHost(gone.host));
}

}  // namespace rehai
