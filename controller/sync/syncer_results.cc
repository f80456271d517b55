// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// What the syncer learns from the end of a write, and what it tells.

#include <algorithm>
#include <utility>

#include "absl/random/distributions.h"
#include "absl/status/status.h"
#include "base/fault_point.h"
#include "base/proto_time.h"
#include "controller/inventory/record.h"
#include "controller/sync/errors.h"
#include "controller/sync/syncer.h"

namespace rehai {
namespace {

// So many lost races in a row are tried again at once, nearly.
constexpr int kQuickRaces = 5;
constexpr int kQuickRaceMinMs = 100;
constexpr int kQuickRaceMaxMs = 500;

// Another writer is told of for so long after it was last seen.
constexpr absl::Duration kRivalShown = absl::Minutes(10);

// A wait of about `wait`, spread so that many do not end together.
BackoffOptions Around(absl::Duration wait) {
  return {.min = wait, .max = wait, .factor = 1};
}

Governor::Pressure PressureOf(const chef::WriteResult& result) {
  if (result.status.ok()) return Governor::Pressure::kNone;
  const bool overloaded = result.http_status == 429 ||
                          result.http_status == 503 ||
                          absl::IsDeadlineExceeded(result.status);
  return overloaded ? Governor::Pressure::kOverloaded
                    : Governor::Pressure::kUnclear;
}

// True if what was found is what Chef had confirmed.
bool IsAsConfirmed(const chef::NodeMarks& found,
                   const chef::NodeMarks& confirmed) {
  return found.digest == confirmed.digest &&
         found.ohai_time == confirmed.ohai_time;
}

// What a write that ended so has brought about.
std::vector<Progress> ProgressOf(const Tried& tried,
                                 const chef::WriteResult& result) {
  std::vector<Progress> progress;
  const OutcomeClass outcome = Classify(result.outcome);
  const bool is_confirmed = outcome == OutcomeClass::kConfirmed;
  // Who loses a race has written all the same, and was overwritten.
  if (IsWritten(result.outcome) || outcome == OutcomeClass::kRetrySoon) {
    progress.push_back(
        {tried.host, v1::VISIBILITY_LEVEL_WRITTEN, tried.revision,
         std::min(result.window_end == absl::InfinitePast() ? result.finished_at
                                                            : result.window_end,
                  result.finished_at)});
  }
  if (is_confirmed) {
    progress.push_back({tried.host, v1::VISIBILITY_LEVEL_VERIFIED,
                        tried.revision, result.finished_at});
  }
  return progress;
}

}  // namespace

void Syncer::OnWritten(const Tried& tried, chef::WriteResult result) {
  FaultPoint("sync.answered");
  governor_.End(result.cost, PressureOf(result));
  const absl::Duration now = clock_.Uptime();
  std::vector<RewriteDone> riding;
  RewriteDone of_ohai;
  News news;
  {
    MutexLock lock(mu_);
    riding.swap(hosts_[tried.host].riding);
    of_ohai = ohai_.OnTried(
        tried.host, tried.ohai,
        IsTriedAgain(Classify(result.outcome)) && !result.ohai_outdated);
    news = Learn(tried, result, now);
  }
  if (news.server != ServerHealth::Turn::kNone) governor_.StartOver();
  FaultPoint("sync.learned");
  TellKeepers(tried.host, /*writing=*/false);
  TellProgress(ProgressOf(tried, result));
  LogNews(tried, result, news);
  for (RewriteDone& done : riding) done(result);
  if (of_ohai != nullptr) {
    if (result.ohai_outdated) {
      of_ohai(OhaiOutdated(tried.host));
    } else {
      of_ohai(std::move(result));
    }
  }
  EndCall();
}

News Syncer::Learn(const Tried& tried, const chef::WriteResult& result,
                   absl::Duration now) {
  News news;
  news.server = LearnHealth(tried.host, result, now);
  HostState& state = hosts_[tried.host];
  const OutcomeClass outcome = Classify(result.outcome);
  const bool succeeded =
      outcome == OutcomeClass::kConfirmed || outcome == OutcomeClass::kShown;
  const bool sent = result.window_begin != absl::InfinitePast();

  ++counts_.outcomes[result.outcome];
  if (sent) {
    ++counts_.puts[tried.cause];
    ++state.puts[tried.cause];
  }
  if (result.clock_offset != absl::InfiniteDuration()) {
    clock_offset_ = result.clock_offset;
  }
  runs_.OnWritten(tried.host, result, IsTriedAgain(outcome));
  if (succeeded || sent) {
    sweep_.OnRead(tried.host, IsAsConfirmed(result.found, tried.before));
  }
  LearnOverwrite(tried, result, state, now, news);
  if (succeeded) {
    LearnSuccess(tried, result, state, now, news);
  } else {
    LearnFailure(tried, result, state, now, news);
  }
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

void Syncer::LearnOverwrite(const Tried& tried, const chef::WriteResult& result,
                            HostState& state, absl::Duration now, News& news) {
  const v1::Overwriter last = state.last_overwriter;
  if (!state.NoteOverwrite(result)) return;
  ++counts_.overwriters[result.overwriter];
  news.new_overwriter = result.overwriter != last;
  if (!IsRival(tried, result)) return;
  news.rival = state.rival_seen_at + kRivalShown < now;
  state.rival_seen_at = now;
}

void Syncer::LearnSuccess(const Tried& tried, const chef::WriteResult& result,
                          HostState& state, absl::Duration now, News& news) {
  dirty_.Acknowledge(tried.host, tried.revision);
  news.recovered = state.logged_trouble != v1::WRITE_OUTCOME_UNSPECIFIED;
  news.new_differences = result.outcome == v1::WRITE_OUTCOME_WOULD_WRITE &&
                         state.settled.digest != tried.digest;
  state.OnSuccess(tried, result, now);
}

void Syncer::LearnFailure(const Tried& tried, const chef::WriteResult& result,
                          HostState& state, absl::Duration now, News& news) {
  state.OnFailure(result);
  const OutcomeClass outcome = Classify(result.outcome);
  bool is_quick = false;
  if (outcome == OutcomeClass::kRetrySoon) {
    is_quick = ++state.lost_races <= kQuickRaces;
  }
  if (!is_quick) ++state.failures;

  // What Ohai found may be why, and was given up: without it at once.
  const bool sheds_ohai =
      tried.ohai != nullptr && outcome == OutcomeClass::kPark;
  if (sheds_ohai) {
    dirty_.Retry(tried.host, now);
  } else if (outcome == OutcomeClass::kPark) {
    dirty_.Park(tried.host, tried.revision);
  } else if (outcome == OutcomeClass::kParkAndRecheck) {
    dirty_.Park(tried.host, tried.revision,
                now + BackoffDelay(Around(options_.retry.max), 1, random_));
  } else if (is_quick) {
    dirty_.Retry(tried.host,
                 now + absl::Milliseconds(absl::Uniform(
                           random_, kQuickRaceMinMs, kQuickRaceMaxMs)));
  } else {
    // The host is not to blame for the server, and may be its next probe.
    const BackoffOptions& waits =
        health_.is_up() ? options_.retry : probe_waits_;
    dirty_.Retry(tried.host,
                 now + BackoffDelay(waits, state.failures, random_));
  }
  // While the server is down that is the news, not each host.
  news.trouble = !is_quick && !sheds_ohai &&
                 state.logged_trouble != result.outcome && health_.is_up();
  if (news.trouble) state.logged_trouble = result.outcome;
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
  state.FillStatus(status);
  if (const auto started_at = runs_.StartedAt(host, now)) {
    *status.mutable_run_started_at() = ToProto(*started_at);
  }

  const std::optional<DirtySet::Standing> dirty = dirty_.Find(host);
  const bool is_behind = dirty.has_value() || state.is_restored ||
                         state.settled.revision < record->revision();
  if (is_behind && IsObserved(*record)) {
    status.set_pending_revision(record->revision());
  }
  if (const v1::Condition* doubt = FindIdentityDoubt(*record)) {
    status.set_state(v1::SYNC_STATE_HELD);
    status.set_last_error(doubt->message());
  } else if (!IsObserved(*record)) {
    status.set_state(v1::SYNC_STATE_NOTHING_OBSERVED);
  } else if (is_behind) {
    FillPending(state, dirty, now, wall_now, status);
    if (IsBeforeRestart(*record)) {
      status.set_last_error(std::string(NotReadSinceRestart(host).message()));
    }
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

v1::ChefStatus Syncer::ChefStatus() const {
  v1::ChefStatus status;
  status.set_server_url(options_.server_url);
  status.set_client_name(options_.client_name);
  governor_.FillStatus(status);
  const absl::Duration now = clock_.Uptime();
  const absl::Time wall_now = clock_.Now();

  MutexLock lock(mu_);
  health_.FillStatus(now, wall_now, status);
  dirty_.FillStatus(now, status);
  counts_.FillStatus(status);
  sweep_.FillStatus(now, wall_now, *status.mutable_sweep());
  runs_.FillStatus(now, *status.mutable_runs());
  if (clock_offset_ < absl::InfiniteDuration()) {
    *status.mutable_clock_offset() = ToProto(clock_offset_);
  }
  for (const auto& [host, state] : hosts_) {
    if (!status.error().empty()) break;
    if (state.rival_seen_at + kRivalShown >= now) {
      status.set_error(RivalError(host));
    }
  }
  return status;
}

}  // namespace rehai
