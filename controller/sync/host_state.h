// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_HOST_STATE_H_
#define CONTROLLER_SYNC_HOST_STATE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "chef/node_writer.h"
#include "controller/sync/ohai_run.h"
#include "controller/sync/planner.h"
#include "proto/ids.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/state.pb.h"

namespace rehai {

// Called once with how a rewrite ended.
using RewriteDone = absl::AnyInvocable<void(absl::StatusOr<chef::WriteResult>)>;

// A write that has begun: of what, and why.
struct Tried {
  HostId host;
  std::string digest;
  Revision revision = 0;
  v1::WriteCause cause = v1::WRITE_CAUSE_UNSPECIFIED;
  // The node as Chef had confirmed it before.
  chef::NodeMarks before = {};
  // What Ohai found, which the write brings; usually null.
  std::shared_ptr<const OhaiRun> ohai = nullptr;
};

// What is known of one host's node. A plain value that the syncer guards.
struct HostState {
  Applied applied;
  // What needs no write: `applied`, or in a dry run what was last compared.
  Applied settled;
  // Chef may no longer hold `applied`; and if so, whether that is because it is
  // not known what became of a PUT of ours.
  bool in_doubt = false;
  bool has_unseen_put = false;
  // `applied` is what the last run of the controller left, and was not seen in
  // Chef since.
  bool is_restored = false;
  // Clock::Uptime() of the last confirmation of `applied`.
  absl::Duration confirmed_at = -absl::InfiniteDuration();

  int failures = 0;    // in a row
  int lost_races = 0;  // in a row
  v1::WriteOutcome last_outcome = v1::WRITE_OUTCOME_UNSPECIFIED;
  std::string last_error;
  absl::Time written_at = absl::InfinitePast();
  absl::Time verified_at = absl::InfinitePast();
  // The trouble that the log already tells of.
  v1::WriteOutcome logged_trouble = v1::WRITE_OUTCOME_UNSPECIFIED;

  int64_t overwrites = 0;
  v1::Overwriter last_overwriter = v1::OVERWRITER_UNSPECIFIED;
  absl::Time last_overwrite_at = absl::InfinitePast();
  // The last one has been counted and is not repaired yet.
  bool is_overwritten = false;
  int64_t restored_saves = 0;
  // When another writer of such nodes was last seen at this one.
  absl::Duration rival_seen_at = -absl::InfiniteDuration();
  // PUTs by cause.
  std::array<int64_t, v1::WriteCause_ARRAYSIZE> puts = {};
  // Looking at the node waits for the end of the run in flight.
  bool waits_for_run = false;

  // Rewrites that wait for the next try, and that ride on the one under way.
  std::vector<RewriteDone> waiting;
  std::vector<RewriteDone> riding;
  // The most urgent lane of those that wait.
  v1::Lane waiting_lane = v1::LANE_UNSPECIFIED;

  // Takes in a rewrite that waits.
  void Await(v1::Lane lane, RewriteDone done);

  // True if Chef confirmed the node, and nothing since says otherwise.
  bool IsConfirmed() const {
    return !in_doubt && !is_restored && !applied.digest.empty();
  }

  // A write ended, well or not.
  void OnSuccess(const Tried& tried, const chef::WriteResult& result,
                 absl::Duration now);
  void OnFailure(const chef::WriteResult& result);
  // Its beginning found this; true if somebody had saved over the node, and
  // that was not known yet.
  bool NoteOverwrite(const chef::WriteResult& result);
  // A search showed the node as it was confirmed.
  void OnSeen(absl::Time at);

  // What is to be kept over a restart; `writing`: a write is under way. And
  // what was kept, again.
  v1::StoredNode ToStored(const HostId& host, bool writing) const;
  void Restore(const v1::StoredNode& stored);

  // Fills all but what the dirty set and the runs know.
  void FillStatus(v1::SyncStatus& status) const;
};

// True if the node that `tried` found carries the stamp of somebody else who
// keeps such nodes: one that is later than ours and not from a chef-client run.
bool IsRival(const Tried& tried, const chef::WriteResult& result);

}  // namespace rehai

#endif  // CONTROLLER_SYNC_HOST_STATE_H_
