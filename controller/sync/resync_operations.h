// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_RESYNC_OPERATIONS_H_
#define CONTROLLER_SYNC_RESYNC_OPERATIONS_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/host_ending.h"
#include "controller/sync/ohai_run.h"
#include "controller/sync/operation_progress.h"
#include "controller/sync/operation_run.h"
#include "controller/sync/resync_plan.h"
#include "controller/sync/syncer.h"
#include "proto/ids.h"
#include "rehai/v1/agent.pb.h"
#include "rehai/v1/resync.pb.h"

namespace rehai {

// The operators' commands: each an Operation with an outcome per host. What
// becomes of one is decided by its OperationRun; this makes the calls, and
// remembers the operations that have ended.
//
// - A host at which two operations meet is read and written for both.
// - Where REREAD goes with another mode, a host is written or verified only
//   after its read went well; in an OHAI, only after its Ohai did.
// - A host that was not read since the controller's restart is read first,
//   whatever the mode: what is known of it may be older than its node.
// - Operations go on after a restart, if what the keepers are given is given to
//   Restore().
// - At Chef, one of many hosts gives way to what hypervisors report.
//
// Thread-safe. Owns one thread, between Start() and Stop().
class ResyncOperations {
 public:
  // Asks the source to read a host again; `done` once the observation is
  // merged, or with why it could not be: kNotFound if the host left the fleet,
  // kCancelled at shutdown. Called by one thread at a time; `done` may be
  // called at once, later on any thread, or after this is gone.
  using Reread = absl::AnyInvocable<void(
      const HostId&, absl::AnyInvocable<void(absl::Status)> done)>;
  // Has the host's agent run Ohai, all its plugins or these; `done` as for a
  // Reread. kFailedPrecondition: no agent speaks for the host;
  // kDeadlineExceeded: it said nothing in time; kUnavailable: it went away.
  // That Ohai failed there is in the result.
  using RunOhai = absl::AnyInvocable<void(
      const HostId&, const std::vector<std::string>& plugins,
      absl::AnyInvocable<void(absl::StatusOr<v1::OhaiResult>)> done)>;
  // Called with an operation's id after it changed, by one thread at a time;
  // returns fast.
  using Listener = absl::AnyInvocable<void(const std::string& id)>;
  // Called likewise with an operation that is to be kept: at once when it has
  // begun, was paused, resumed or canceled, or has ended, and every
  // Options::keep_interval while its hosts get on.
  using Keeper = absl::AnyInvocable<void(v1::Operation)>;

  struct Options {
    ResyncDefaults defaults = {};
    bool write_ohai_time = false;  // see chef::ParseOhaiOutput()
    int running = 16;  // operations at once, those that are paused included
    // Ended operations remembered: so many, for so long.
    int kept = 100;
    absl::Duration kept_for = absl::Hours(30 * 24);
    absl::Duration keep_interval = absl::Seconds(1);
    // After a restart, hosts that were not read since are left alone for so
    // long, so that their agents and hypervisors have a moment to answer.
    absl::Duration restart_grace = absl::Seconds(30);
    // From so many hosts on, an operation gives way to what hypervisors report.
    int many_hosts = 10;
    // For the operations' ids; none: like no other.
    std::optional<uint64_t> seed = {};
  };

  struct Begun {
    v1::Operation operation;
    bool existed = false;  // by its idempotency key
  };

  // For metrics.
  struct Counts {
    std::map<v1::OperationState, int64_t> operations;  // of those remembered
    OutcomeCounts hosts = {};  // ended since this was made, by outcome
  };

  // Everything referred to must outlive this. Without `run_ohai` no host has an
  // agent.
  ResyncOperations(Options options, const Inventory& inventory, Syncer& syncer,
                   Reread reread, const Clock& clock,
                   RunOhai run_ohai = nullptr);
  ~ResyncOperations();

  // All three before any operation is started.
  void AddListener(Listener listener);
  void AddKeeper(Keeper keeper);
  // Operations of the last run: those that have not ended go on, with the hosts
  // that were not done.
  void Restore(std::vector<v1::Operation> operations);

  void Start();
  // Leaves what runs to the next run of the controller: keepers are given it as
  // it is. Not from a listener.
  void Stop();

  // One step of the thread: takes in answers, ends hosts past their deadline,
  // begins others, and returns the Uptime() of the next step. Only for who does
  // not Start().
  absl::Duration Tick();

  // Begins an operation, or finds that of its idempotency key. `started_by`:
  // who asks, for people. kInvalidArgument: names the field; kNotFound: a named
  // host is unknown (the message names it); kFailedPrecondition: no host
  // matches; kAlreadyExists: the key is that of another request;
  // kResourceExhausted: too many run already; kUnavailable: shutting down.
  absl::StatusOr<Begun> Begin(const v1::ResyncStartRequest& request,
                              const std::string& started_by);
  // The same of a request that says no more than this.
  absl::StatusOr<v1::Operation> Begin(
      const v1::HostSelector& selector,
      const std::vector<v1::ResyncMode>& modes,
      const std::vector<std::string>& ohai_plugins = {});

  // kNotFound, of all that take an id: never was, or is forgotten.
  absl::StatusOr<v1::Operation> Get(const std::string& id) const;
  // kFailedPrecondition: it has ended.
  absl::StatusOr<v1::Operation> Pause(const std::string& id);
  absl::StatusOr<v1::Operation> Resume(const std::string& id);
  // Hosts not begun are CANCELED; those under way finish.
  absl::StatusOr<v1::Operation> Cancel(const std::string& id);

  // With those hosts that have changed since `version`, which becomes the
  // newest; nullopt if nothing has changed. A version of 0 is before the first.
  absl::StatusOr<std::optional<v1::Operation>> TakeChange(
      const std::string& id, int64_t& version) const;

  // Those in these states, or all if there are none; newest first, by
  // started_at and id; without their hosts.
  std::vector<v1::Operation> List(
      const std::set<v1::OperationState>& states) const;

  Counts counts() const;

 private:
  struct Entry {
    OperationRun run;
    // What listeners and keepers were told.
    int64_t told = 0;
    int64_t kept = 0;
    absl::Duration kept_at = -absl::InfiniteDuration();
    bool end_logged = false;
  };

  // Asks the source, the agent or the syncer about a host of an operation.
  struct Call {
    std::string id;
    OperationRun::Step step;
    std::string node;
    bool is_one_of_many = false;
    bool is_dry = false;
    absl::Duration commanded_at = absl::ZeroDuration();
    std::vector<std::string> plugins = {};
    // The host has been read for this step, as it was not since the restart.
    bool was_read = false;
    // Of a write: what Ohai found before it.
    std::optional<OhaiRun> ohai = std::nullopt;
  };

  // How a call ended.
  struct Answer {
    Call call;
    HostEnding ending = {};
    // The step itself is still to be made.
    bool was_read = false;
    // Of Ohai: what is still to be read, and when it was asked for.
    std::optional<v1::OhaiResult> ohai = std::nullopt;
    absl::Time asked_at = absl::InfinitePast();
  };

  // Where answers arrive. Shared with those who may still answer, so that they
  // may do so when this is gone.
  struct Mailbox {
    Mutex mu;
    CondVar cv;
    bool woken ABSL_GUARDED_BY(mu) = false;
    bool stopping ABSL_GUARDED_BY(mu) = false;
    std::vector<Answer> answers ABSL_GUARDED_BY(mu);

    void Put(Answer answer);
    void Wake();
  };

  void Run();
  // What the answers and the time make of the operations: the calls to make.
  std::vector<Call> Decide(std::vector<Answer> answers,
                           absl::Duration& next_tick);
  void Make(Call call);
  void MakeReread(Call call);
  void MakeOhai(Call call);
  void MakeWrite(Call call);
  void MakeLook(Call call);
  static v1::Lane LaneOf(const Call& call);
  // True if a write by what is known would be by what the last run knew.
  bool IsFresh(const std::string& node) const;
  // Reads what Ohai printed, if the answer has any.
  void ReadOhai(Answer& answer) const;
  // Tells listeners, keepers and log what has changed. Returns the Uptime() at
  // which there is more to be kept.
  absl::Duration Tell(bool keep_all);

  absl::StatusOr<std::vector<RecordPtr>> Select(
      const v1::HostSelector& selector) const;
  absl::StatusOr<v1::Operation> Change(
      const std::string& id,
      absl::FunctionRef<absl::Status(OperationRun&)> change);
  std::string NewId() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  const Entry* FindByKey(const std::string& key) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int CountRunning() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeIn(Answer answer, absl::Duration now, absl::Time wall_now,
              std::vector<Call>& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Call CallFor(const OperationRun& run, OperationRun::Step step) const;
  void Forget(std::map<std::string, Entry>::iterator it)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Those that have ended too long ago, or before too many others.
  void ForgetOld(absl::Time wall_now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Set at construction, or before any operation is started.
  const Options options_;
  const Inventory& inventory_;
  Syncer& syncer_;
  const Clock& clock_;
  const std::shared_ptr<Mailbox> mailbox_;
  std::vector<Listener> listeners_;
  std::vector<Keeper> keepers_;

  // Used by the thread only.
  Reread reread_;
  RunOhai run_ohai_;

  mutable Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  Random random_ ABSL_GUARDED_BY(mu_);
  // By id. Bounded by Options::running and kept.
  std::map<std::string, Entry> operations_ ABSL_GUARDED_BY(mu_);
  OutcomeCounts forgotten_hosts_ ABSL_GUARDED_BY(mu_) = {};

  std::thread thread_;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_RESYNC_OPERATIONS_H_
