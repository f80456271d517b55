// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/syncer.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "controller/sync/outcome_class.h"

namespace rehai {
namespace {

// A server that comes back is found within this, however long waits have grown.
constexpr absl::Duration kLongestProbeWait = absl::Seconds(30);
// Paths of one difference that a dry run logs.
constexpr size_t kLoggedPaths = 50;

BackoffOptions Probes(BackoffOptions retry) {
  retry.max = std::min(retry.max, kLongestProbeWait);
  return retry;
}

// A wait of about `wait`, spread so that many do not end together.
BackoffOptions Around(absl::Duration wait) {
  return {.min = wait, .max = wait, .factor = 1};
}

absl::Status UnknownHost(const HostId& host) {
  return absl::NotFoundError(
      absl::StrCat("host ", host.node,
                   ": not in the fleet; check the name, or add the host "
                   "to the configuration"));
}

absl::Status NothingObserved(const HostId& host) {
  return absl::FailedPreconditionError(
      absl::StrCat("host ", host.node,
                   ": nothing has been observed of it yet, so there is nothing "
                   "to write; see whether its hypervisor can be reached"));
}

absl::Status ShuttingDown(const HostId& host) {
  return absl::CancelledError(absl::StrCat(
      "host ", host.node, ": the controller is shutting down; ask again"));
}

}  // namespace

Syncer::Syncer(Options options, const Inventory& inventory, Sink& sink,
               const Clock& clock)
    : options_(std::move(options)),
      inventory_(inventory),
      sink_(sink),
      clock_(clock),
      governor_(options_.limits, clock),
      dirty_(options_.window),
      health_(Probes(options_.retry), clock.Uptime()) {}

Syncer::~Syncer() { Stop(); }

void Syncer::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "sync");
    Run();
  });
}

void Syncer::Run() {
  while (true) {
    const absl::Duration next_tick = Tick();
    MutexLock lock(mu_);
    while (!stopping_ && !woken_ && clock_.Uptime() < next_tick) {
      clock_.WaitUntil(next_tick, mu_, cv_);
    }
    woken_ = false;
    if (stopping_) return;
  }
}

void Syncer::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    cv_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();

  std::vector<std::pair<HostId, RewriteDone>> rewrites;
  std::deque<DiffRequest> diffs;
  {
    MutexLock lock(mu_);
    while (calls_ > 0) cv_.Wait(mu_);
    for (auto& [host, state] : hosts_) {
      for (RewriteDone& done : state.waiting) {
        rewrites.emplace_back(host, std::move(done));
      }
      state.waiting.clear();
    }
    diffs.swap(diffs_);
  }
  for (auto& [host, done] : rewrites) done(ShuttingDown(host));
  for (DiffRequest& diff : diffs) diff.done(ShuttingDown(diff.host));
}

void Syncer::Wake() {
  woken_ = true;
  cv_.NotifyAll();
}

void Syncer::OnChange(const Change& change) {
  // A host that left is marked too: its next turn finds it gone, whatever the
  // order in which the changes arrived.
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  dirty_.Mark(change.host, change.revision, now);
  Wake();
}

void Syncer::Rewrite(const HostId& host, RewriteDone done) {
  const RecordPtr record = inventory_.Find(host);
  if (record == nullptr) return done(UnknownHost(host));
  if (!IsObserved(*record)) return done(NothingObserved(host));
  const absl::Duration now = clock_.Uptime();
  {
    MutexLock lock(mu_);
    if (!stopping_) {
      HostState& state = hosts_[host];
      state.in_doubt = true;
      state.waiting.push_back(std::move(done));
      dirty_.Force(host, v1::LANE_USER, v1::WRITE_CAUSE_REQUEST, now);
      Wake();
      return;
    }
  }
  done(ShuttingDown(host));
}

void Syncer::Diff(const HostId& host, DiffDone done) {
  const RecordPtr record = inventory_.Find(host);
  if (record == nullptr) return done(UnknownHost(host));
  if (!IsObserved(*record)) return done(NothingObserved(host));
  {
    MutexLock lock(mu_);
    if (!stopping_) {
      diffs_.push_back({host, std::move(done)});
      Wake();
      return;
    }
  }
  done(ShuttingDown(host));
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
    if (std::optional<DiffRequest> diff = TakeDiff()) {
      BeginDiff(*std::move(diff));
    } else if (std::optional<Try> next = TakeHost(now)) {
      BeginWrite(*std::move(next));
    } else {
      return NextDue();
    }
  }
}

std::optional<Syncer::DiffRequest> Syncer::TakeDiff() {
  MutexLock lock(mu_);
  if (stopping_ || diffs_.empty()) return std::nullopt;
  DiffRequest request = std::move(diffs_.front());
  diffs_.pop_front();
  return request;
}

std::optional<Syncer::Try> Syncer::TakeHost(absl::Duration now) {
  const int in_flight = governor_.in_flight();
  MutexLock lock(mu_);
  if (stopping_ || health_.NextWrite(in_flight) > now) return std::nullopt;
  std::optional<DirtySet::Taken> taken = dirty_.Take(now);
  if (!taken.has_value()) return std::nullopt;
  HostState& state = hosts_[taken->host];
  state.riding.swap(state.waiting);
  const Revision marked = dirty_.Find(taken->host)->marked;
  return Try{.host = std::move(taken->host),
             .lane = taken->lane,
             .marked = marked,
             .settled = state.settled,
             .in_doubt = std::exchange(state.in_doubt, false)};
}

absl::Duration Syncer::NextDue() const {
  const int in_flight = governor_.in_flight();
  MutexLock lock(mu_);
  if (!diffs_.empty()) return absl::ZeroDuration();
  return std::max(dirty_.NextDue(), health_.NextWrite(in_flight));
}

void Syncer::BeginDiff(DiffRequest request) {
  const RecordPtr record = inventory_.Find(request.host);
  if (record == nullptr) return request.done(UnknownHost(request.host));
  {
    MutexLock lock(mu_);
    ++calls_;
  }
  governor_.Begin();
  sink_.Diff(UpdateOf(*record, options_.renderings),
             [this, done = std::move(request.done)](auto differences) mutable {
               governor_.End({.requests = 1}, Governor::Pressure::kNone);
               done(std::move(differences));
               EndCall();
             });
}

void Syncer::BeginWrite(Try next) {
  const RecordPtr record = inventory_.Find(next.host);
  if (record == nullptr) return Forget(next);
  std::optional<chef::NodeUpdate> update =
      Plan(*record, next.settled, next.in_doubt, options_.renderings);
  if (!update.has_value()) return Settle(next.host, *record);

  const Applied tried = {.digest = update->rendering.digest,
                         .revision = record->revision()};
  {
    MutexLock lock(mu_);
    ++calls_;
    dirty_.CountBegun(next.lane);
  }
  governor_.Begin();
  sink_.Write(*std::move(update),
              [this, host = next.host, tried](chef::WriteResult result) {
                OnWritten(host, tried, std::move(result));
              });
}

void Syncer::Settle(const HostId& host, const v1::Record& record) {
  const bool observed = IsObserved(record);
  std::vector<RewriteDone> riding;
  {
    MutexLock lock(mu_);
    dirty_.Acknowledge(host, record.revision());
    HostState& state = hosts_[host];
    riding.swap(state.riding);
    if (observed) {
      // The newer revision means the same, so Chef holds that one too.
      if (state.applied.digest == state.settled.digest) {
        state.applied.revision = record.revision();
      }
      state.settled.revision = record.revision();
    }
  }
  // A rewrite always plans a write, unless the host was forgotten and came back
  // with nothing observed.
  for (RewriteDone& done : riding) done(NothingObserved(host));
}

void Syncer::Forget(const Try& gone) {
  std::vector<RewriteDone> riding;
  {
    MutexLock lock(mu_);
    dirty_.Acknowledge(gone.host, gone.marked);
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
}

void Syncer::OnWritten(const HostId& host, const Applied& tried,
                       chef::WriteResult result) {
  chef::RequestCost cost = result.cost;
  if (cost.requests == 0) cost.requests = RequestsOf(result.outcome);
  governor_.End(cost, result.outcome == v1::WRITE_OUTCOME_RETRY
                          ? Governor::Pressure::kOverloaded
                          : Governor::Pressure::kNone);
  const absl::Duration now = clock_.Uptime();
  std::vector<RewriteDone> riding;
  News news;
  {
    MutexLock lock(mu_);
    riding.swap(hosts_[host].riding);
    news = Learn(host, tried, result, now);
  }
  if (news.server != ServerHealth::Turn::kNone) governor_.StartOver();
  LogNews(host, tried, result, news);
  for (RewriteDone& done : riding) done(result);
  EndCall();
}

Syncer::News Syncer::Learn(const HostId& host, const Applied& tried,
                           const chef::WriteResult& result,
                           absl::Duration now) {
  const ServerHealth::Turn server = LearnHealth(host, result, now);
  const OutcomeClass outcome = Classify(result.outcome);
  News news =
      outcome == OutcomeClass::kConfirmed || outcome == OutcomeClass::kShown
          ? LearnSuccess(host, tried, result)
          : LearnFailure(host, tried, result, now);
  news.server = server;
  return news;
}

ServerHealth::Turn Syncer::LearnHealth(const HostId& host,
                                       const chef::WriteResult& result,
                                       absl::Duration now) {
  if (Classify(result.outcome) == OutcomeClass::kRetry) {
    return health_.OnTrouble(
        host,
        {.refused = result.outcome == v1::WRITE_OUTCOME_UNAUTHENTICATED,
         .error = std::string(result.status.message())},
        hosts_.size(), now, random_);
  }
  const ServerHealth::Turn turn = health_.OnGoodAnswer(now);
  if (turn == ServerHealth::Turn::kBack) dirty_.RetryNow(now);
  return turn;
}

Syncer::News Syncer::LearnSuccess(const HostId& host, const Applied& tried,
                                  const chef::WriteResult& result) {
  dirty_.Acknowledge(host, tried.revision);
  HostState& state = hosts_[host];
  News news;
  news.recovered = state.logged_trouble != v1::WRITE_OUTCOME_UNSPECIFIED;
  state.logged_trouble = v1::WRITE_OUTCOME_UNSPECIFIED;
  state.failures = 0;
  state.last_outcome = result.outcome;
  state.last_error.clear();
  if (result.outcome == v1::WRITE_OUTCOME_WOULD_WRITE) {
    news.new_differences = state.settled.digest != tried.digest;
  } else {
    state.applied = tried;
    state.verified_at = result.finished_at;
  }
  if (result.outcome == v1::WRITE_OUTCOME_WRITTEN) {
    state.written_at = result.finished_at;
  }
  state.settled = tried;
  return news;
}

Syncer::News Syncer::LearnFailure(const HostId& host, const Applied& tried,
                                  const chef::WriteResult& result,
                                  absl::Duration now) {
  HostState& state = hosts_[host];
  // It may have been carried out all the same.
  state.in_doubt = true;
  state.last_outcome = result.outcome;
  state.last_error = std::string(result.status.message());
  ++state.failures;
  const OutcomeClass outcome = Classify(result.outcome);
  if (outcome == OutcomeClass::kPark) {
    dirty_.Park(host, tried.revision);
  } else if (outcome == OutcomeClass::kParkAndRecheck) {
    dirty_.Park(host, tried.revision,
                now + BackoffDelay(Around(options_.retry.max), 1, random_));
  } else {
    // The host is not to blame for the server, and may be its next probe.
    const BackoffOptions waits =
        health_.is_up() ? options_.retry : Probes(options_.retry);
    dirty_.Retry(host, now + BackoffDelay(waits, state.failures, random_));
  }
  News news;
  // While the server is down that is the news, not each host.
  news.trouble = state.logged_trouble != result.outcome && health_.is_up();
  if (news.trouble) state.logged_trouble = result.outcome;
  return news;
}

void Syncer::EndCall() {
  MutexLock lock(mu_);
  --calls_;
  // Under the lock: Stop() may return, and this be gone, as soon as it is free.
  Wake();
}

void Syncer::LogNews(const HostId& host, const Applied& tried,
                     const chef::WriteResult& result, const News& news) const {
  if (news.server == ServerHealth::Turn::kDown) {
    log::Error("chef server down",
               {{"outcome", v1::WriteOutcome_Name(result.outcome)},
                {"error", result.status.message()}});
  } else if (news.server == ServerHealth::Turn::kRefusing) {
    log::Error("chef server refuses us", {{"error", result.status.message()}});
  } else if (news.server == ServerHealth::Turn::kBack) {
    log::Info("chef server back", {{"host", host.node}});
  }
  if (news.trouble) {
    const bool retries = Classify(result.outcome) == OutcomeClass::kRetry;
    log::Warning(retries ? "node write failed" : "node parked",
                 {{"host", host.node},
                  {"outcome", v1::WriteOutcome_Name(result.outcome)},
                  {"revision", tried.revision},
                  {"error", result.status.message()}});
  }
  if (news.recovered) {
    log::Info("node recovered",
              {{"host", host.node}, {"revision", tried.revision}});
  }
  if (news.new_differences) LogDifferences(host, result);
}

void Syncer::LogDifferences(const HostId& host,
                            const chef::WriteResult& result) const {
  const size_t shown = std::min(result.differences.size(), kLoggedPaths);
  for (size_t i = 0; i < shown; ++i) {
    const chef::PathDifference& difference = result.differences[i];
    log::Info("dry run: would change", {{"host", host.node},
                                        {"path", difference.path},
                                        {"before", difference.before},
                                        {"after", difference.after}});
  }
  if (shown < result.differences.size()) {
    log::Info(
        "dry run: would change more",
        {{"host", host.node}, {"paths", result.differences.size() - shown}});
  }
}

v1::SyncStatus Syncer::Status(const HostId& host) const {
  v1::SyncStatus status;
  const RecordPtr record = inventory_.Find(host);
  if (record == nullptr) return status;
  const absl::Duration now = clock_.Uptime();
  const absl::Time wall_now = clock_.Now();

  MutexLock lock(mu_);
  const HostState fresh;
  const auto it = hosts_.find(host);
  const HostState& state = it == hosts_.end() ? fresh : it->second;
  status.set_applied_digest(state.applied.digest);
  status.set_applied_revision(state.applied.revision);
  if (state.written_at != absl::InfinitePast()) {
    *status.mutable_written_at() = ToProto(state.written_at);
  }
  if (state.verified_at != absl::InfinitePast()) {
    *status.mutable_verified_at() = ToProto(state.verified_at);
  }
  status.set_last_outcome(state.last_outcome);
  status.set_last_error(state.last_error);

  const std::optional<DirtySet::Standing> dirty = dirty_.Find(host);
  if (!IsObserved(*record)) {
    status.set_state(v1::SYNC_STATE_NOTHING_OBSERVED);
  } else if (dirty.has_value() || state.settled.revision < record->revision()) {
    status.set_pending_revision(record->revision());
    FillPending(state, dirty, now, wall_now, status);
  } else {
    status.set_state(state.last_outcome == v1::WRITE_OUTCOME_WOULD_WRITE
                         ? v1::SYNC_STATE_DRY_RUN
                         : v1::SYNC_STATE_SYNCED);
  }
  return status;
}

void Syncer::FillPending(const HostState& state,
                         const std::optional<DirtySet::Standing>& dirty,
                         absl::Duration now, absl::Time wall_now,
                         v1::SyncStatus& status) const {
  const bool parked = dirty.has_value() && dirty->parked;
  status.set_state(parked ? v1::SYNC_STATE_PARKED : v1::SYNC_STATE_PENDING);
  absl::Duration next_try = dirty.has_value() && state.failures > 0
                                ? dirty->due_at
                                : absl::ZeroDuration();
  if (!health_.is_up() && !parked) {
    // Hosts that were not tried wait for the server too.
    if (state.last_error.empty()) status.set_last_error(health_.error());
    next_try = std::max(next_try, health_.NextWrite(/*in_flight=*/0));
  }
  if (next_try > now && next_try < absl::InfiniteDuration()) {
    *status.mutable_next_try_at() = ToProto(wall_now + (next_try - now));
  }
}

}  // namespace rehai
