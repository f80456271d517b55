// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// The syncer's searches: sweeps, and rewrites of many hosts at once.

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "controller/inventory/record.h"
#include "controller/sync/errors.h"
#include "controller/sync/syncer.h"

namespace rehai {
namespace {

// Then the nodes are read.
constexpr int kMostRestoredChecks = 5;

chef::RequestCost SearchCost(
    const absl::StatusOr<chef::NodeSearch::Answer>& answer) {
  chef::RequestCost cost;
  cost.requests = answer.ok() ? answer->searches : 1;
  cost.bytes_received = answer.ok() ? answer->bytes : 0;
  return cost;
}

Sightings SightingsOf(const chef::NodeSearch::Answer& answer) {
  Sightings seen;
  seen.reserve(answer.nodes.size());
  for (const chef::NodeSearch::Found& found : answer.nodes) {
    seen.emplace(HostId{found.node}, found.marks);
  }
  return seen;
}

// A rewrite that a search answered.
chef::WriteResult SeenInPlace(const chef::NodeMarks& marks, absl::Time at) {
  chef::WriteResult result;
  result.outcome = v1::WRITE_OUTCOME_UNCHANGED;
  result.finished_at = at;
  result.found = marks;
  result.confirmed = marks;
  return result;
}

}  // namespace

void Syncer::Rewrite(const HostId& host, RewriteDone done) {
  Rewrite(host, clock_.Uptime(), v1::LANE_USER, std::move(done));
}

void Syncer::Rewrite(const HostId& host, absl::Duration since, v1::Lane lane,
                     RewriteDone done) {
  const RecordPtr record = inventory_.Find(host);
  const absl::Status writable = CheckWritable(host, record.get());
  if (!writable.ok()) return done(writable);
  const absl::Duration now = clock_.Uptime();
  absl::StatusOr<chef::WriteResult> answer = ShuttingDown(host);
  {
    MutexLock lock(mu_);
    if (!stopping_) {
      HostState& state = hosts_[host];
      std::optional<Expected> expected;
      if (state.settled.revision >= record->revision()) {
        expected = FindSearchable(host);
      }
      std::optional<Sight> sight;
      if (expected.has_value()) {
        sight = rewrites_.LookBack(*expected, since, sweep_.index_lag());
      }
      if (sight != Sight::kInPlace) {
        state.Await(lane, std::move(done));
        if (expected.has_value() && !sight.has_value()) {
          rewrites_.Add(host, since, now);
        } else {
          DoubtAsked(host, now);
        }
        Wake();
        return;
      }
      state.OnSeen(rewrites_.last_asked_at());
      answer = SeenInPlace(expected->marks, rewrites_.last_asked_at());
    }
  }
  done(std::move(answer));
}

// Sweeps.

std::vector<Expected> Syncer::ExpectedNodes() const {
  std::vector<Expected> expected;
  for (const auto& [host, state] : hosts_) {
    if (!state.IsConfirmed() || dirty_.Find(host).has_value()) continue;
    expected.push_back({host, state.applied.marks, state.confirmed_at});
  }
  // In one order, so that a simulation can be played again.
  std::sort(expected.begin(), expected.end(),
            [](const Expected& a, const Expected& b) {
              return a.host.node < b.host.node;
            });
  return expected;
}

size_t Syncer::CountStamped() const {
  return static_cast<size_t>(
      std::count_if(hosts_.begin(), hosts_.end(), [](const auto& host) {
        return !host.second.applied.marks.digest.empty();
      }));
}

bool Syncer::BeginSweep(absl::Duration now) {
  Sweep::Round round;
  size_t fleet = 0;
  {
    MutexLock lock(mu_);
    if (stopping_ || !health_.is_up() || sweep_.NextDue() > now) return false;
    fleet = CountStamped();
    round = sweep_.Begin(ExpectedNodes(), now, random_);
    sweep_asked_wall_ = clock_.Now();
    for (const HostId& host : round.reads) {
      Doubt(host, v1::LANE_SWEEP, v1::WRITE_CAUSE_REPAIR, now);
    }
    if (round.searches) ++calls_;
  }
  LogSweepTurn();
  if (round.searches) {
    sink_.Search(static_cast<int>(fleet),
                 [this](const auto& answer) { OnSwept(answer); });
  }
  return true;
}

void Syncer::OnSwept(const absl::StatusOr<chef::NodeSearch::Answer>& answer) {
  governor_.Charge(SearchCost(answer));
  const absl::Duration now = clock_.Uptime();
  const Sightings seen = answer.ok() ? SightingsOf(*answer) : Sightings();
  absl::Time asked_at;
  {
    MutexLock lock(mu_);
    asked_at = sweep_asked_wall_;
    if (answer.ok()) {
      for (const HostId& host :
           sweep_.OnSearched(ExpectedNodes(), seen, answer->searches, now)) {
        Doubt(host, v1::LANE_REPAIR, v1::WRITE_CAUSE_REPAIR, now);
      }
    } else {
      sweep_.OnFailed(answer.status(), now);
    }
  }
  if (answer.ok()) TellSearched(seen, asked_at);
  LogSweepTurn();
  EndCall();
}

void Syncer::SweepSoon() {
  const absl::Duration now = clock_.Uptime();
  MutexLock lock(mu_);
  sweep_.BringForward(now);
  Wake();
}

void Syncer::TellSearched(const Sightings& seen, absl::Time asked_at) {
  std::vector<Progress> progress;
  {
    MutexLock lock(mu_);
    for (const auto& [host, marks] : seen) {
      const auto it = hosts_.find(host);
      if (it == hosts_.end() || marks.digest.empty()) continue;
      const Applied& applied = it->second.applied;
      // An equal rendering is that of all revisions that came to mean it. What
      // was not confirmed, another may have written.
      const Revision shown =
          marks.digest == applied.digest ? applied.revision : marks.revision;
      if (shown > applied.revision) continue;
      progress.push_back(
          {host, v1::VISIBILITY_LEVEL_SEARCHABLE, shown, asked_at});
    }
  }
  TellProgress(progress);
  for (SearchListener& listener : search_listeners_) listener(seen, asked_at);
}

void Syncer::LogSweepTurn() {
  std::string error;
  {
    MutexLock lock(mu_);
    error = sweep_.search_error();
    if (error == logged_search_error_) return;
    logged_search_error_ = error;
  }
  if (error.empty()) {
    log::Info("sweep: by search again");
  } else {
    log::Warning("sweep: by reading nodes", {{"reason", error}});
  }
}

// What the last run left.

bool Syncer::BeginRestoredCheck(absl::Duration now) {
  size_t fleet = 0;
  {
    MutexLock lock(mu_);
    if (stopping_ || !health_.is_up() || restored_check_at_ > now) return false;
    restored_check_at_ = absl::InfiniteDuration();
    if (!sweep_.trusts_search()) {
      DoubtRestored(now);
      return true;
    }
    fleet = CountStamped();
    restored_asked_at_ = now;
    restored_asked_wall_ = clock_.Now();
    ++calls_;
  }
  sink_.Search(static_cast<int>(fleet),
               [this](const auto& answer) { OnRestoredSearched(answer); });
  return true;
}

void Syncer::OnRestoredSearched(
    const absl::StatusOr<chef::NodeSearch::Answer>& answer) {
  governor_.Charge(SearchCost(answer));
  const absl::Duration now = clock_.Uptime();
  const Sightings seen = answer.ok() ? SightingsOf(*answer) : Sightings();
  absl::Time asked_at;
  {
    MutexLock lock(mu_);
    asked_at = restored_asked_wall_;
    sweep_.CountSearches(SearchCost(answer).requests);
    if (answer.ok()) {
      SightRestored(seen, now);
    } else if (!absl::IsUnimplemented(answer.status()) &&
               ++restored_checks_failed_ < kMostRestoredChecks) {
      restored_check_at_ =
          now + BackoffDelay(options_.retry, restored_checks_failed_, random_);
    } else {
      DoubtRestored(now);
    }
  }
  if (answer.ok()) TellSearched(seen, asked_at);
  EndCall();
}

void Syncer::SightRestored(const Sightings& seen, absl::Duration now) {
  for (const HostId& host : RestoredHosts()) {
    HostState& state = hosts_[host];
    const auto it = seen.find(host);
    // It was confirmed before this run began.
    const Sight sight = Look({.host = host,
                              .marks = state.applied.marks,
                              .confirmed_at = -absl::InfiniteDuration()},
                             it == seen.end() ? nullptr : &it->second,
                             restored_asked_at_, sweep_.index_lag());
    if (sight == Sight::kInPlace) {
      state.OnSeen(restored_asked_wall_);
      state.confirmed_at = std::max(state.confirmed_at, restored_asked_at_);
    } else {
      state.is_restored = false;
      Doubt(host, v1::LANE_REPAIR, v1::WRITE_CAUSE_DOUBT, now);
    }
  }
}

void Syncer::DoubtRestored(absl::Duration now) {
  for (const HostId& host : RestoredHosts()) {
    hosts_[host].is_restored = false;
    Doubt(host, v1::LANE_SWEEP, v1::WRITE_CAUSE_DOUBT, now);
  }
}

std::vector<HostId> Syncer::RestoredHosts() const {
  std::vector<HostId> restored;
  for (const auto& [host, state] : hosts_) {
    if (state.is_restored) restored.push_back(host);
  }
  std::sort(restored.begin(), restored.end());
  return restored;
}

// Rewrites that a search answers.

void Syncer::DoubtAsked(const HostId& host, absl::Duration now) {
  // Those that asked may have had their answer from a try of another cause.
  const HostState& state = hosts_[host];
  const v1::Lane lane =
      state.waiting.empty() ? v1::LANE_REPAIR : state.waiting_lane;
  Doubt(host, lane, v1::WRITE_CAUSE_REQUEST, now);
}

std::optional<Expected> Syncer::FindSearchable(const HostId& host) const {
  const auto it = hosts_.find(host);
  if (it == hosts_.end() || !sweep_.trusts_search()) return std::nullopt;
  const HostState& state = it->second;
  if (!state.IsConfirmed() || state.applied.marks.digest.empty() ||
      dirty_.Find(host).has_value()) {
    return std::nullopt;
  }
  return Expected{host, state.applied.marks, state.confirmed_at};
}

bool Syncer::BeginRewriteSearch(absl::Duration now) {
  const absl::Time wall_now = clock_.Now();
  size_t fleet = 0;
  {
    MutexLock lock(mu_);
    if (stopping_ || rewrites_.NextDue() > now) return false;
    fleet = CountStamped();
    const bool can_search = sweep_.trusts_search() && health_.is_up();
    if (!rewrites_.Close(fleet, can_search, now, wall_now)) {
      for (const HostId& host : rewrites_.Take()) DoubtAsked(host, now);
      return true;
    }
    ++calls_;
  }
  sink_.Search(static_cast<int>(fleet),
               [this](const auto& answer) { OnRewritesSearched(answer); });
  return true;
}

void Syncer::OnRewritesSearched(
    const absl::StatusOr<chef::NodeSearch::Answer>& answer) {
  governor_.Charge(SearchCost(answer));
  const absl::Duration now = clock_.Uptime();
  std::vector<std::pair<std::vector<RewriteDone>, chef::WriteResult>> ends;
  const Sightings seen = answer.ok() ? SightingsOf(*answer) : Sightings();
  absl::Time asked_wall;
  {
    MutexLock lock(mu_);
    sweep_.CountSearches(SearchCost(answer).requests);
    const std::vector<HostId> hosts =
        answer.ok() ? rewrites_.OnSearched(seen) : rewrites_.OnFailed(now);
    const absl::Time asked_at = rewrites_.last_asked_at();
    asked_wall = asked_at;
    for (const HostId& host : hosts) {
      const std::optional<Expected> expected =
          answer.ok() ? FindSearchable(host) : std::nullopt;
      if (expected.has_value() &&
          rewrites_.LookBack(*expected, -absl::InfiniteDuration(),
                             sweep_.index_lag()) == Sight::kInPlace) {
        HostState& state = hosts_[host];
        state.OnSeen(asked_at);
        ends.emplace_back(std::exchange(state.waiting, {}),
                          SeenInPlace(expected->marks, asked_at));
      } else {
        DoubtAsked(host, now);
      }
    }
  }
  if (answer.ok()) TellSearched(seen, asked_wall);
  for (auto& [waiting, result] : ends) {
    for (RewriteDone& done : waiting) done(result);
  }
  EndCall();
}

}  // namespace rehai
