// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_SWEEP_H_
#define CONTROLLER_SYNC_SWEEP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/random/bit_gen_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "chef/node_marks.h"
#include "proto/ids.h"
#include "rehai/v1/chef.pb.h"

namespace rehai {

// A host whose node should look to a search as Chef confirmed it.
struct Expected {
  HostId host;
  chef::NodeMarks marks;
  absl::Duration confirmed_at;
};

// What a search said, by host. Hosts that are none of ours may be among them.
using Sightings = absl::flat_hash_map<HostId, chef::NodeMarks>;

// What a search says of one host.
enum class Sight {
  kInPlace,
  // Somebody may have saved over it: it is to be read to be sure.
  kDoubtful,
  // Confirmed after the search was asked; nothing is said of it.
  kTooNew,
  // Not found, but confirmed so short a time ago that the index may not have
  // heard of it.
  kNotYet,
};

// `found` is null if the host was not found. What was found is as the server's
// database has it; only who is found lags behind, by at most `index_lag`.
Sight Look(const Expected& expected, const chef::NodeMarks* found,
           absl::Duration asked_at, absl::Duration index_lag);

// Sweep finds the nodes that somebody has saved over, and says when to look and
// how: the pure part of it.
//
// - Every Options::interval a search shows which nodes carry our stamp. Those
//   that it does not show as they were confirmed are to be read.
// - One that may be missing only because the index lags brings the next sweep
//   forward to when the lag is over.
// - A search that fails, or that reads prove wrong, is distrusted: the
//   nodes are read instead, each of them once in kReadingSweeps intervals. It
//   is tried again now and then, and trusted when it agrees; if all nodes are
//   read in each sweep, in one that reads none.
//
// Times are Clock::Uptime() values, passed in. Not thread-safe.
class Sweep {
 public:
  static constexpr int kReadingSweeps = 10;
  // So few are read in every sweep: small fleets are looked at whole.
  static constexpr int kFewestReads = 10;
  // A distrusted search is tried again after at most so many sweeps; one that
  // failed sooner at first.
  static constexpr int kMostSweepsToRetry = 10;
  // A search may be wrong about this share of the nodes: an index may have lost
  // a few, which are then read in each sweep.
  static constexpr double kToleratedShare = 0.1;
  // Wrong about more in so many sweeps in a row, it is distrusted; wrong about
  // half of all nodes, at once.
  static constexpr int kWrongSweeps = 2;

  struct Options {
    absl::Duration interval = absl::Minutes(1);  // zero: never
    absl::Duration index_lag = absl::Seconds(30);
    // Why nodes carry no stamp that could be searched for; empty if they do.
    std::string no_search = {};
  };

  // The first sweep is due one interval after `now`.
  Sweep(Options options, absl::Duration now);

  // When Begin() is due: infinite if never, or if a search is under way.
  absl::Duration NextDue() const;

  // Has the next sweep begin at `now`, if one is due later and will search.
  void BringForward(absl::Duration now);

  // What a sweep does: it searches, or reads these hosts, or both.
  struct Round {
    bool searches = false;
    std::vector<HostId> reads;
  };
  // A sweep begins. If it searches, OnSearched() or OnFailed() is to follow.
  Round Begin(std::vector<Expected> expected, absl::Duration now,
              absl::BitGenRef random);

  // The hosts to be read. `expected` is as of now; hosts that are being written
  // are not among them.
  std::vector<HostId> OnSearched(const std::vector<Expected>& expected,
                                 const Sightings& seen, int searches,
                                 absl::Duration now);
  void OnFailed(const absl::Status& why, absl::Duration now);

  // A node was read. `in_place`: it was as Chef had confirmed it before.
  void OnRead(const HostId& host, bool in_place);

  // Searches that were not a sweep's, for the count.
  void CountSearches(int searches) { searches_ += searches; }

  // True if what a search says may be relied on.
  bool trusts_search() const { return search_error().empty(); }
  // Why not.
  const std::string& search_error() const {
    return options_.no_search.empty() ? distrust_ : options_.no_search;
  }
  absl::Duration interval() const { return options_.interval; }
  absl::Duration index_lag() const { return options_.index_lag; }

  void FillStatus(absl::Duration now, absl::Time wall_now,
                  v1::SweepStatus& status) const;

 private:
  void Distrust(std::string why, int sweeps_to_retry);
  // Looks back on the sweep before.
  void JudgeSearch();
  std::vector<HostId> LongestUnseen(std::vector<Expected> expected) const;
  void End(size_t nodes, size_t doubtful, absl::Duration now);

  const Options options_;

  absl::Duration next_due_;
  absl::Duration asked_at_ = absl::ZeroDuration();
  bool searching_ = false;

  // Why the search is not relied on, the sweeps until it is tried again, and
  // how many that were at the last try.
  std::string distrust_;
  int sweeps_to_retry_ = 0;
  int retry_every_ = 0;
  // The nodes that this sweep reads for that; and whether the next is to read
  // none, so that there is something to compare its search with.
  size_t reads_ = 0;
  bool searches_alone_ = false;

  // Of the last search: the nodes it was asked about, those in doubt that were
  // not read yet, and what was found of the others.
  size_t looked_at_ = 0;
  absl::flat_hash_set<HostId> doubtful_;
  size_t right_ = 0;
  size_t wrong_ = 0;
  int wrong_sweeps_ = 0;

  // For the status.
  absl::Duration ended_at_ = absl::InfiniteDuration();
  int64_t ended_nodes_ = 0;
  int64_t ended_doubtful_ = 0;
  int64_t sweeps_ = 0;
  int64_t searches_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_SWEEP_H_
