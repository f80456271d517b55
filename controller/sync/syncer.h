// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_SYNCER_H_
#define CONTROLLER_SYNC_SYNCER_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "chef/node_search.h"
#include "chef/node_writer.h"
#include "chef/rendering.h"
#include "chef/run_message.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/dirty_set.h"
#include "controller/sync/governor.h"
#include "controller/sync/host_state.h"
#include "controller/sync/ohai_run.h"
#include "controller/sync/outcome_class.h"
#include "controller/sync/pending_ohai.h"
#include "controller/sync/planner.h"
#include "controller/sync/progress.h"
#include "controller/sync/rewrite_batch.h"
#include "controller/sync/run_watch.h"
#include "controller/sync/server_health.h"
#include "controller/sync/server_limits.h"
#include "controller/sync/sink.h"
#include "controller/sync/sweep.h"
#include "controller/sync/write_counts.h"
#include "controller/sync/write_log.h"
#include "proto/ids.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/state.pb.h"

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
// - Nothing of a host is written while its identity is in doubt (record.h); a
//   write that began before may end. It is taken up when the doubt is settled.
// - Requests stay within Options::limits.
// - What somebody saved over is found by a sweep, or at once if the chef-client
//   run that did it tells of its end, and is written again; a save of its that
//   a PUT of ours rolled back is put back with it.
// - What the last run of the controller left is believed once one search per
//   1,000 nodes has shown it in place, or a read has; and a host's node is not
//   written before the host was read in this run.
// - What Ohai found goes into the node once, with a write of ours, and never
//   over what a later chef-client run found. It is then nobody's to keep there.
//
// Thread-safe. Owns one thread, between Start() and Stop(). It begins what time
// or a change makes due; what the end of a write makes room for is begun by who
// ended it, without waking up another thread.
class Syncer {
 public:
  using RewriteDone = rehai::RewriteDone;
  using DiffDone = absl::AnyInvocable<void(
      absl::StatusOr<std::vector<chef::PathDifference>>)>;
  using ReadDone = absl::AnyInvocable<void(absl::StatusOr<std::string>)>;
  using CostDone =
      absl::AnyInvocable<void(absl::StatusOr<v1::ChefCostResponse>)>;
  // What is to be kept of a node. Called when a write of it begins and when it
  // has ended, by one thread per node at a time, nearly: what comes last may be
  // that a write is under way which has just ended, or a confirmation that
  // another has followed; either has the node looked at after a restart.
  using KeepListener = absl::AnyInvocable<void(v1::StoredNode)>;
  // How far changes have come in Chef. Called on any thread, on several at
  // once, and of one host not always in order: what is less than was told
  // before is to be passed over. Must return fast.
  using ProgressListener =
      absl::AnyInvocable<void(const std::vector<Progress>&)>;
  // The nodes that carry our stamp, as a search answered that was asked at this
  // time; hosts that are none of ours may be among them. Called on any thread.
  using SearchListener =
      absl::AnyInvocable<void(const Sightings& seen, absl::Time asked_at)>;

  struct Options {
    chef::RenderingOptions renderings;
    absl::Duration window = absl::Milliseconds(200);
    ServerLimits limits;
    BackoffOptions retry;
    bool dry_run = false;  // the sink writes nothing; say so in the status

    // See Sweep; zero: never.
    absl::Duration sweep_interval = absl::Minutes(1);
    // The most that the server's search index is expected to lag behind. Counts
    // as no more than half of sweep_interval.
    absl::Duration index_lag = absl::Seconds(30);
    // See RunWatch.
    absl::Duration max_run = absl::Hours(2);
    // The most of Ohai's output that waits to be written, over all hosts.
    size_t max_ohai_bytes = 256 << 20;
    // For the jitter of waits; none: like no other.
    std::optional<uint64_t> seed = {};

    // For people: whom the sink writes to, as whom, and its limit.
    std::string server_url;
    std::string client_name;
    int64_t max_node_bytes = 1'000'000;
  };

  // Everything referred to must outlive the syncer.
  Syncer(Options options, const Inventory& inventory, Sink& sink,
         const Clock& clock);
  ~Syncer();

  // All before Start(), and before any other call.
  void AddListener(KeepListener listener);
  void AddProgressListener(ProgressListener listener);
  void AddSearchListener(SearchListener listener);
  // What the last run left of nodes whose hosts the inventory has.
  void Restore(const std::vector<v1::StoredNode>& nodes);

  void Start();
  // Waits for the thread; writes under way end first (their requests are
  // bounded). Not from a callback of the syncer's.
  void Stop();

  // One step of the thread: begins what is due and may begin, and returns the
  // Uptime() of the next step. Only for who does not Start().
  absl::Duration Tick();

  // An inventory listener: the host may differ from what Chef holds.
  void OnChange(const Change& change);

  // chef-client tells of a run. Of nodes that are none of ours it tells
  // nothing. Returns at once.
  void OnRun(const chef::RunMessage& message);

  // Doubts what Chef confirmed: checks the node and writes it where it differs,
  // parked or not. `done` gets the result of that try, once, on any thread;
  // kNotFound if the host is unknown, kFailedPrecondition if nothing was
  // observed of it yet or its identity is in doubt, kCancelled at shutdown.
  //
  // Of many hosts at once, those whose nodes were confirmed are checked by one
  // search, by their stamps; what it shows in place ends UNCHANGED. `since`: a
  // moment of Clock::Uptime(), usually now; a check after it is fresh enough.
  // `lane`: LANE_USER, or LANE_REPAIR for one of many, which gives way to what
  // hypervisors report.
  void Rewrite(const HostId& host, RewriteDone done);
  void Rewrite(const HostId& host, absl::Duration since, v1::Lane lane,
               RewriteDone done);

  // Writes what Ohai found into the host's node, with the next write of it;
  // LANE_USER if somebody waits. `done` gets the result of that try, once, on
  // any thread, as Rewrite() does and with its errors; or kAborted if a newer
  // run of Ohai or of chef-client has superseded this one, kResourceExhausted
  // if too much waits. A try that may succeed later is made again with it, and
  // nobody hears of that; otherwise it is given up, and the node is written
  // without it. Nor is it written later if the host's identity is in doubt.
  //
  // A host of which nothing was observed is refused here too: without knowing
  // what of its node is ours, a write would take that out.
  void WriteOhai(const HostId& host, OhaiRun run, v1::Lane lane,
                 RewriteDone done);

  // What a write of the host's node would change now, or would if the host's
  // identity were not in doubt. Errors else as Rewrite(), or why the node could
  // not be read. `lane` as of a rewrite.
  void Diff(const HostId& host, DiffDone done);
  void Diff(const HostId& host, v1::Lane lane, DiffDone done);

  // What the host's node weighs, and its PUTs by cause. Reads the node. `done`
  // is called once, on any thread; kNotFound if the host is unknown, kCancelled
  // at shutdown, or why the node could not be read.
  void Cost(const HostId& host, CostDone done);

  // The host's node as it is. `done` as of Cost().
  void Read(const HostId& host, ReadDone done);

  // Somebody waits to see what a search shows: has the next sweep begin now, if
  // there are sweeps and they search. It costs what any sweep does.
  void SweepSoon();

  // How the server is, how it is treated, and what that came to.
  v1::ChefStatus ChefStatus() const;

  // Changes the limits that are set, and answers all of them. kInvalidArgument
  // names what is out of range; then nothing changes.
  absl::StatusOr<v1::ChefLimits> SetLimits(const v1::ChefLimits& changes);

  // Where the host's node stands. Empty if the host is unknown.
  v1::SyncStatus Status(const HostId& host) const;

 private:
  // A host that was taken from the dirty set.
  struct Try {
    HostId host;
    v1::Lane lane = v1::LANE_UNSPECIFIED;
    v1::WriteCause cause = v1::WRITE_CAUSE_UNSPECIFIED;
    Revision marked = 0;
    Applied settled;
    bool in_doubt = false;
    std::shared_ptr<const std::string> saved;
    PendingOhai::Run ohai;
  };

  // A look at a node that writes nothing: begins it, or says why not.
  struct Errand {
    HostId host;
    absl::AnyInvocable<void(absl::StatusOr<RecordPtr>)> begin;
    v1::Lane lane = v1::LANE_USER;
  };

  void Run();
  void Wake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Ticks of a syncer with a thread, by whichever thread has a reason to. One
  // thread at a time is at it; it looks again for those that came meanwhile,
  // and leaves the time of the next to the thread.
  void TakeTurn();
  bool BeginTurn();
  bool EndTurn(absl::Duration next_tick);

  // The steps of a Tick(): whether there was something to do.
  bool BeginErrand(bool of_many);
  bool BeginWriteOrLook(absl::Duration now);
  bool BeginRestoredCheck(absl::Duration now);
  bool BeginRewriteSearch(absl::Duration now);
  bool BeginSweep(absl::Duration now);
  bool BeginTry(absl::Duration now);
  absl::Duration NextDue() const;

  void Queue(Errand errand);
  // Gets the node and the record that was believed when it was asked for; null,
  // and why, if it was not asked for.
  using NodeDone =
      absl::AnyInvocable<void(RecordPtr, absl::StatusOr<std::string>)>;
  void ReadNode(const HostId& host, NodeDone done);
  absl::StatusOr<v1::ChefCostResponse> CostOf(
      const HostId& host, const v1::Record& record,
      const absl::StatusOr<std::string>& node) const;
  // A look at one node begins, or has ended.
  void BeginLook();
  void EndLook(size_t bytes);

  std::optional<Try> TakeHost(absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Until when a host that was taken is better left alone; nullopt if it is
  // not.
  std::optional<absl::Duration> HeldUntil(const DirtySet::Taken& taken,
                                          HostState& state, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Another writer is not fought with more often than this.
  absl::Duration RivalPause() const;
  void BeginWrite(Try next);
  // A taken host needs no write, or may not be written.
  void Settle(const Try& taken, const v1::Record& record);
  // A taken host has left the fleet.
  void Forget(const Try& gone);

  // The host's node is to be looked at, whatever was confirmed.
  void Doubt(const HostId& host, v1::Lane lane, v1::WriteCause cause,
             absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // The hosts whose nodes a search should show, and how many nodes carry our
  // stamp.
  std::vector<Expected> ExpectedNodes() const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  size_t CountStamped() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnSwept(const absl::StatusOr<chef::NodeSearch::Answer>& answer);
  void LogSweepTurn();

  // What the last run left: a search has looked, or none is of use and all is
  // read.
  void OnRestoredSearched(
      const absl::StatusOr<chef::NodeSearch::Answer>& answer);
  void SightRestored(const Sightings& seen, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void DoubtRestored(absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // In the order of their names.
  std::vector<HostId> RestoredHosts() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // What is known of a host whose rewrite a search may answer.
  std::optional<Expected> FindSearchable(const HostId& host) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void OnRewritesSearched(
      const absl::StatusOr<chef::NodeSearch::Answer>& answer);

  // The end of a write.
  void OnWritten(const Tried& tried, chef::WriteResult result);
  News Learn(const Tried& tried, const chef::WriteResult& result,
             absl::Duration now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  ServerHealth::Turn LearnHealth(const HostId& host,
                                 const chef::WriteResult& result,
                                 absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The host's node is to be looked at for the rewrites that wait.
  void DoubtAsked(const HostId& host, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Who has saved over the node.
  void LearnOverwrite(const Tried& tried, const chef::WriteResult& result,
                      HostState& state, absl::Duration now, News& news)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void LearnSuccess(const Tried& tried, const chef::WriteResult& result,
                    HostState& state, absl::Duration now, News& news)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void LearnFailure(const Tried& tried, const chef::WriteResult& result,
                    HostState& state, absl::Duration now, News& news)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Tells the listeners of a node that is being written, or was.
  void TellKeepers(const HostId& host, bool writing);
  void TellProgress(const std::vector<Progress>& progress);
  // A search that was asked at `asked_at` has shown these nodes.
  void TellSearched(const Sightings& seen, absl::Time asked_at);
  // The last touch of this by a call that the sink answered.
  void EndCall();

  // The rest of Status(), of a host that was observed and is not up to date.
  void FillPending(const HostState& state,
                   const std::optional<DirtySet::Standing>& dirty,
                   absl::Duration now, absl::Time wall_now,
                   v1::SyncStatus& status) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Of who is in a turn: whether a look was the last to go first.
  bool looks_next_ = false;

  // Set at construction.
  const Options options_;
  const Inventory& inventory_;
  Sink& sink_;
  const Clock& clock_;
  const BackoffOptions probe_waits_;
  Governor governor_;
  // Before Start().
  std::vector<KeepListener> keepers_;
  std::vector<ProgressListener> progress_listeners_;
  std::vector<SearchListener> search_listeners_;

  mutable Mutex mu_;
  CondVar cv_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool started_ ABSL_GUARDED_BY(mu_) = false;
  bool ticking_ ABSL_GUARDED_BY(mu_) = false;  // in a turn
  bool woken_ ABSL_GUARDED_BY(mu_) = false;    // a turn is due, whatever time
  absl::Duration next_tick_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
  int calls_ ABSL_GUARDED_BY(mu_) = 0;  // that the sink has yet to answer
  Random random_ ABSL_GUARDED_BY(mu_);
  DirtySet dirty_ ABSL_GUARDED_BY(mu_);
  ServerHealth health_ ABSL_GUARDED_BY(mu_);
  Sweep sweep_ ABSL_GUARDED_BY(mu_);
  RewriteBatch rewrites_ ABSL_GUARDED_BY(mu_);
  PendingOhai ohai_ ABSL_GUARDED_BY(mu_);
  RunWatch runs_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<HostId, HostState> hosts_ ABSL_GUARDED_BY(mu_);
  // When a search for what the last run left is due, the searches for it that
  // failed, and when the last one was asked.
  absl::Duration restored_check_at_ ABSL_GUARDED_BY(mu_) =
      absl::InfiniteDuration();
  int restored_checks_failed_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Duration restored_asked_at_ ABSL_GUARDED_BY(mu_);
  absl::Time restored_asked_wall_ ABSL_GUARDED_BY(mu_);
  absl::Time sweep_asked_wall_ ABSL_GUARDED_BY(mu_);
  // For somebody who waits, and one of many each.
  std::deque<Errand> errands_ ABSL_GUARDED_BY(mu_);
  std::deque<Errand> looks_ ABSL_GUARDED_BY(mu_);
  WriteCounts counts_ ABSL_GUARDED_BY(mu_);
  // The server's clock less ours, as of its last answer; infinite: not known.
  absl::Duration clock_offset_ ABSL_GUARDED_BY(mu_) = absl::InfiniteDuration();
  // Why the search is not relied on, as the log tells.
  std::string logged_search_error_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_SYNCER_H_
