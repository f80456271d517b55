// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/sweep.h"

#include <algorithm>
#include <utility>

#include "absl/random/distributions.h"
#include "absl/strings/str_cat.h"
#include "base/proto_time.h"

namespace rehai {
namespace {

// So that controllers that started together do not sweep together.
absl::Duration Jittered(absl::Duration interval, absl::BitGenRef random) {
  return interval * absl::Uniform(random, 0.9, 1.0);
}

}  // namespace

Sight Look(const Expected& expected, const chef::NodeMarks* found,
           absl::Duration asked_at, absl::Duration index_lag) {
  if (expected.confirmed_at >= asked_at) return Sight::kTooNew;
  if (found == nullptr) {
    return expected.confirmed_at + index_lag > asked_at ? Sight::kNotYet
                                                        : Sight::kDoubtful;
  }
  return found->digest == expected.marks.digest &&
                 found->ohai_time == expected.marks.ohai_time
             ? Sight::kInPlace
             : Sight::kDoubtful;
}

Sweep::Sweep(Options options, absl::Duration now)
    : options_(std::move(options)),
      next_due_(options_.interval > absl::ZeroDuration()
                    ? now + options_.interval
                    : absl::InfiniteDuration()) {}

absl::Duration Sweep::NextDue() const {
  return searching_ ? absl::InfiniteDuration() : next_due_;
}

void Sweep::BringForward(absl::Duration now) {
  if (options_.interval <= absl::ZeroDuration() || !trusts_search()) return;
  next_due_ = std::min(next_due_, now);
}

Sweep::Round Sweep::Begin(std::vector<Expected> expected, absl::Duration now,
                          absl::BitGenRef random) {
  next_due_ = now + Jittered(options_.interval, random);
  JudgeSearch();
  Round round;
  if (expected.empty()) return round;
  ++sweeps_;
  if (!trusts_search()) {
    const size_t nodes = expected.size();
    if (!std::exchange(searches_alone_, false)) {
      round.reads = LongestUnseen(std::move(expected));
    }
    reads_ = round.reads.size();
    if (!options_.no_search.empty() || --sweeps_to_retry_ > 0) {
      End(nodes, round.reads.size(), now);
      return round;
    }
  }
  round.searches = true;
  searching_ = true;
  asked_at_ = now;
  return round;
}

std::vector<HostId> Sweep::LongestUnseen(std::vector<Expected> expected) const {
  const size_t share = (expected.size() + kReadingSweeps - 1) / kReadingSweeps;
  const size_t count =
      std::min(expected.size(), std::max<size_t>(share, kFewestReads));
  std::partial_sort(expected.begin(), expected.begin() + count, expected.end(),
                    [](const Expected& a, const Expected& b) {
                      return a.confirmed_at < b.confirmed_at;
                    });
  std::vector<HostId> hosts;
  for (size_t i = 0; i < count; ++i) hosts.push_back(expected[i].host);
  return hosts;
}

std::vector<HostId> Sweep::OnSearched(const std::vector<Expected>& expected,
                                      const Sightings& seen, int searches,
                                      absl::Duration now) {
  searching_ = false;
  searches_ += searches;
  looked_at_ = 0;
  absl::Duration lag_over = absl::InfiniteDuration();
  std::vector<HostId> doubtful;
  for (const Expected& one : expected) {
    const auto it = seen.find(one.host);
    const chef::NodeMarks* found = it == seen.end() ? nullptr : &it->second;
    const Sight sight = Look(one, found, asked_at_, options_.index_lag);
    if (sight == Sight::kNotYet) {
      lag_over = std::min(lag_over, one.confirmed_at + options_.index_lag);
    }
    if (sight == Sight::kInPlace || sight == Sight::kDoubtful) ++looked_at_;
    if (sight == Sight::kDoubtful) doubtful.push_back(one.host);
  }
  End(looked_at_, doubtful.size(), now);
  if (!trusts_search()) {
    const bool agrees = static_cast<double>(doubtful.size()) <=
                        kToleratedShare * static_cast<double>(looked_at_);
    // The nodes are read anyway, each in its turn.
    if (looked_at_ == 0 && reads_ > 0) {
      // All were being read, so there was nothing to compare.
      searches_alone_ = true;
      sweeps_to_retry_ = 1;
      return {};
    }
    if (looked_at_ == 0 || !agrees) {
      sweeps_to_retry_ = retry_every_;
      return {};
    }
    distrust_.clear();
    retry_every_ = 0;
  }
  next_due_ = std::min(next_due_, std::max(lag_over, now));
  doubtful_.insert(doubtful.begin(), doubtful.end());
  return doubtful;
}

void Sweep::OnFailed(const absl::Status& why, absl::Duration now) {
  searching_ = false;
  ++searches_;
  End(0, 0, now);
  Distrust(absl::StrCat("the search failed: ", why.message()),
           std::clamp(2 * retry_every_, 1, kMostSweepsToRetry));
}

void Sweep::OnRead(const HostId& host, bool in_place) {
  if (doubtful_.erase(host) == 0) return;
  ++(in_place ? wrong_ : right_);
  if (2 * wrong_ < looked_at_) return;
  Distrust(
      absl::StrCat("of ", looked_at_, " nodes the search did not show ", wrong_,
                   " that are as they should be; see whether the server's "
                   "index is up to date"),
      kMostSweepsToRetry);
}

void Sweep::JudgeSearch() {
  const bool mostly_wrong =
      wrong_ > right_ && static_cast<double>(wrong_) >
                             kToleratedShare * static_cast<double>(looked_at_);
  wrong_sweeps_ = mostly_wrong ? wrong_sweeps_ + 1 : 0;
  if (wrong_sweeps_ >= kWrongSweeps) {
    Distrust(absl::StrCat("in ", wrong_sweeps_,
                          " sweeps the search did not show nodes that are as "
                          "they should be, ",
                          wrong_, " of ", looked_at_,
                          " in the last; see whether the server's index is up "
                          "to date"),
             kMostSweepsToRetry);
  }
  doubtful_.clear();
  right_ = 0;
  wrong_ = 0;
}

void Sweep::Distrust(std::string why, int sweeps_to_retry) {
  distrust_ = std::move(why);
  retry_every_ = sweeps_to_retry;
  sweeps_to_retry_ = sweeps_to_retry;
  doubtful_.clear();
  right_ = 0;
  wrong_ = 0;
  wrong_sweeps_ = 0;
}

void Sweep::End(size_t nodes, size_t doubtful, absl::Duration now) {
  ended_at_ = now;
  ended_nodes_ = static_cast<int64_t>(nodes);
  ended_doubtful_ = static_cast<int64_t>(doubtful);
}

void Sweep::FillStatus(absl::Duration now, absl::Time wall_now,
                       v1::SweepStatus& status) const {
  if (options_.interval <= absl::ZeroDuration()) {
    status.set_method(v1::SWEEP_METHOD_OFF);
  } else {
    status.set_method(trusts_search() ? v1::SWEEP_METHOD_SEARCH
                                      : v1::SWEEP_METHOD_GET);
  }
  status.set_search_error(search_error());
  if (ended_at_ < absl::InfiniteDuration()) {
    *status.mutable_ended_at() = ToProto(wall_now - (now - ended_at_));
  }
  if (next_due_ < absl::InfiniteDuration()) {
    *status.mutable_next_at() = ToProto(wall_now + (next_due_ - now));
  }
  status.set_nodes(ended_nodes_);
  status.set_doubtful(ended_doubtful_);
  status.set_sweeps(sweeps_);
  status.set_searches(searches_);
}

}  // namespace rehai
