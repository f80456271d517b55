// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_SYNCER_H_
#define CONTROLLER_SYNC_SYNCER_H_

#include <deque>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/random/random.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "chef/rendering.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/dirty_set.h"
#include "controller/sync/governor.h"
#include "controller/sync/planner.h"
#include "controller/sync/server_health.h"
#include "controller/sync/server_limits.h"
#include "controller/sync/sink.h"
#include "proto/ids.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/model.pb.h"

namespace rehai {

// Syncer makes Chef's nodes say what the inventory believes.
//
// - The newest Record of a host is written; what came between is skipped.
// - One write per node is under way at a time, and a change during a write
//   makes another one after it.
// - A rendering that Chef has confirmed is not written again. A try that failed
//   may still have reached the server, so it puts the confirmation in doubt.
// - A failed write is tried again after a wait that grows; an error that time
//   does not heal parks the host until its belief changes or an operator asks.
//   A missing node is looked for again every Options::retry.max.
// - While the server as a whole fails, or does not know us, one probe at a time
//   goes to it, and everything resumes when one is answered.
// - Requests stay within the rate and the concurrency of Options.
//
// Thread-safe. Owns one thread, between Start() and Stop().
class Syncer {
 public:
  using RewriteDone =
      absl::AnyInvocable<void(absl::StatusOr<chef::WriteResult>)>;
  using DiffDone = absl::AnyInvocable<void(
      absl::StatusOr<std::vector<chef::PathDifference>>)>;

  struct Options {
    chef::RenderingOptions renderings;
    absl::Duration window = absl::Milliseconds(200);
    ServerLimits limits;
    BackoffOptions retry;
    bool dry_run = false;  // the sink writes nothing; say so in the status
  };

  // Everything referred to must outlive the syncer.
  Syncer(Options options, const Inventory& inventory, Sink& sink,
         const Clock& clock);
  ~Syncer();

  void Start();
  // Waits for the thread; writes under way end first (their requests are
  // bounded). Not from a callback of the syncer's.
  void Stop();

  // One step of the thread: begins what is due and may begin, and returns the
  // Uptime() of the next step. Only for who does not Start().
  absl::Duration Tick();

  // An inventory listener: the host may differ from what Chef holds.
  void OnChange(const Change& change);

  // Doubts what Chef confirmed: checks the node and writes it where it differs,
  // parked or not. `done` gets the result of that try, once, on any thread;
  // kNotFound if the host is unknown, kFailedPrecondition if nothing was
  // observed of it yet, kCancelled at shutdown.
  void Rewrite(const HostId& host, RewriteDone done);

  // What a write of the host's node would change now. Errors as Rewrite(), or
  // why the node could not be read.
  void Diff(const HostId& host, DiffDone done);

  // Where the host's node stands. Empty if the host is unknown.
  v1::SyncStatus Status(const HostId& host) const;

 private:
  // What is known of a host's node.
  struct HostState {
    Applied applied;
    // What needs no write: `applied`, or in a dry run what was last compared.
    Applied settled;
    // Chef may no longer hold `applied`.
    bool in_doubt = false;
    int failures = 0;  // in a row
    v1::WriteOutcome last_outcome = v1::WRITE_OUTCOME_UNSPECIFIED;
    std::string last_error;
    absl::Time written_at = absl::InfinitePast();
    absl::Time verified_at = absl::InfinitePast();
    // The trouble that the log already tells of.
    v1::WriteOutcome logged_trouble = v1::WRITE_OUTCOME_UNSPECIFIED;
    // Rewrites that wait for the next try, and that ride on the one under way.
    std::vector<RewriteDone> waiting;
    std::vector<RewriteDone> riding;
  };

  // A host that was taken from the dirty set.
  struct Try {
    HostId host;
    v1::Lane lane = v1::LANE_UNSPECIFIED;
    Revision marked = 0;
    Applied settled;
    bool in_doubt = false;
  };

  struct DiffRequest {
    HostId host;
    DiffDone done;
  };

  // What a result changed that an operator should read once.
  struct News {
    bool trouble = false;
    bool recovered = false;
    bool new_differences = false;
    ServerHealth::Turn server = ServerHealth::Turn::kNone;
  };

  void Run();
  void Wake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // The steps of a Tick().
  std::optional<DiffRequest> TakeDiff();
  std::optional<Try> TakeHost(absl::Duration now);
  absl::Duration NextDue() const;
  void BeginDiff(DiffRequest request);
  void BeginWrite(Try next);
  // A taken host needs no write.
  void Settle(const HostId& host, const v1::Record& record);
  // A taken host has left the fleet.
  void Forget(const Try& gone);

  // The end of a write.
  void OnWritten(const HostId& host, const Applied& tried,
                 chef::WriteResult result);
  News Learn(const HostId& host, const Applied& tried,
             const chef::WriteResult& result, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  ServerHealth::Turn LearnHealth(const HostId& host,
                                 const chef::WriteResult& result,
                                 absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  News LearnSuccess(const HostId& host, const Applied& tried,
                    const chef::WriteResult& result)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  News LearnFailure(const HostId& host, const Applied& tried,
                    const chef::WriteResult& result, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void LogNews(const HostId& host, const Applied& tried,
               const chef::WriteResult& result, const News& news) const;
  void LogDifferences(const HostId& host,
                      const chef::WriteResult& result) const;
  // The last touch of this by a call that the sink answered.
  void EndCall();

  // The rest of Status(), of a host that was observed and is not up to date.
  void FillPending(const HostState& state,
                   const std::optional<DirtySet::Standing>& dirty,
                   absl::Duration now, absl::Time wall_now,
                   v1::SyncStatus& status) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Set at construction.
  const Options options_;
  const Inventory& inventory_;
  Sink& sink_;
  const Clock& clock_;
  Governor governor_;

  mutable Mutex mu_;
  CondVar cv_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
  int calls_ ABSL_GUARDED_BY(mu_) = 0;  // that the sink has yet to answer
  absl::BitGen random_ ABSL_GUARDED_BY(mu_);
  DirtySet dirty_ ABSL_GUARDED_BY(mu_);
  ServerHealth health_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<HostId, HostState> hosts_ ABSL_GUARDED_BY(mu_);
  std::deque<DiffRequest> diffs_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_SYNCER_H_
