// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/rewrite_batch.h"

#include <algorithm>
#include <utility>

namespace rehai {

void RewriteBatch::Add(const HostId& host, absl::Duration since,
                       absl::Duration now) {
  const auto [it, is_new] = waiting_.try_emplace(host, since);
  if (!is_new) it->second = std::max(it->second, since);
  due_at_ = std::min(due_at_, now + kWindow);
}

absl::Duration RewriteBatch::NextDue() const {
  return searching_ ? absl::InfiniteDuration() : due_at_;
}

bool RewriteBatch::Close(size_t fleet, bool trusts_search, absl::Duration now,
                         absl::Time wall_now) {
  due_at_ = absl::InfiniteDuration();
  const size_t searches = (fleet + kNodesPerSearch - 1) / kNodesPerSearch;
  if (!trusts_search || now < no_search_before_ ||
      waiting_.size() < kFewestPerSearch * searches) {
    return false;
  }
  searching_ = true;
  asked_at_ = now;
  asked_wall_ = wall_now;
  return true;
}

std::vector<HostId> RewriteBatch::Take() {
  due_at_ = absl::InfiniteDuration();
  std::vector<HostId> hosts;
  hosts.reserve(waiting_.size());
  for (const auto& [host, since] : waiting_) hosts.push_back(host);
  waiting_.clear();
  return hosts;
}

std::vector<HostId> RewriteBatch::OnSearched(Sightings seen) {
  searching_ = false;
  last_seen_ = std::move(seen);
  last_asked_at_ = asked_at_;
  last_asked_wall_ = asked_wall_;
  std::vector<HostId> answered;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->second >= asked_at_) {
      ++it;
      continue;
    }
    answered.push_back(it->first);
    waiting_.erase(it++);
  }
  return answered;
}

std::vector<HostId> RewriteBatch::OnFailed(absl::Duration now) {
  searching_ = false;
  no_search_before_ = now + kPause;
  return Take();
}

std::optional<Sight> RewriteBatch::LookBack(const Expected& expected,
                                            absl::Duration since,
                                            absl::Duration index_lag) const {
  if (last_asked_at_ <= since) return std::nullopt;
  const auto it = last_seen_.find(expected.host);
  return Look(expected, it == last_seen_.end() ? nullptr : &it->second,
              last_asked_at_, index_lag);
}

}  // namespace rehai
