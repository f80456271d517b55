// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_REWRITE_BATCH_H_
#define CONTROLLER_SYNC_REWRITE_BATCH_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "controller/sync/sweep.h"
#include "proto/ids.h"

namespace rehai {

// RewriteBatch gathers the rewrites of hosts whose nodes were confirmed, so
// that one search answers for many: what it shows in place need not be read.
//
// A rewrite doubts what was known at some moment, so any search asked after
// that moment answers it. The last answer is kept for those that come later and
// mean an earlier moment: an operation over the fleet asks host by host.
//
// Times are Clock::Uptime() values, passed in. Not thread-safe.
class RewriteBatch {
 public:
  // A rewrite waits this long for others.
  static constexpr absl::Duration kWindow = absl::Milliseconds(20);
  // A search is worth it for so many.
  static constexpr size_t kFewestPerSearch = 8;
  static constexpr size_t kNodesPerSearch = 1000;
  // After a search that failed none is tried for so long.
  static constexpr absl::Duration kPause = absl::Minutes(1);

  // The host's node is to be looked at as it is at `since` or later.
  void Add(const HostId& host, absl::Duration since, absl::Duration now);

  // When Close() is due; infinite if nothing waits, or a search is under way.
  absl::Duration NextDue() const;

  // Ends the gathering. True: a search is to be asked now, of a fleet of so
  // many nodes, and OnSearched() or OnFailed() is to follow. False: Take()
  // gives the hosts that are to be read.
  bool Close(size_t fleet, bool trusts_search, absl::Duration now,
             absl::Time wall_now);

  // Everything that waits.
  std::vector<HostId> Take();
  // What the answer is for; others keep waiting.
  std::vector<HostId> OnSearched(Sightings seen);
  std::vector<HostId> OnFailed(absl::Duration now);

  // What the last answer says of a host that is to be looked at as it is at
  // `since` or later; nullopt if it does not say, as it is older.
  std::optional<Sight> LookBack(const Expected& expected, absl::Duration since,
                                absl::Duration index_lag) const;
  // When it was asked for.
  absl::Time last_asked_at() const { return last_asked_wall_; }

 private:
  absl::flat_hash_map<HostId, absl::Duration> waiting_;
  absl::Duration due_at_ = absl::InfiniteDuration();
  bool searching_ = false;
  absl::Duration asked_at_ = absl::ZeroDuration();
  absl::Time asked_wall_;
  absl::Duration no_search_before_ = -absl::InfiniteDuration();

  Sightings last_seen_;
  absl::Duration last_asked_at_ = -absl::InfiniteDuration();
  absl::Time last_asked_wall_;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_REWRITE_BATCH_H_
