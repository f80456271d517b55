// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_RESYNC_OPERATIONS_H_
#define CONTROLLER_SYNC_RESYNC_OPERATIONS_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/ohai_run.h"
#include "controller/sync/syncer.h"
#include "proto/ids.h"
#include "rehai/v1/agent.pb.h"
#include "rehai/v1/resync.pb.h"

namespace rehai {

// The operators' commands: each an Operation with an outcome per host. Every
// host of an operation ends in exactly one outcome by its deadline. A host at
// which two operations meet is read and written for both. Where REREAD and
// REWRITE are asked for, a host is written only after its read went well; in an
// OHAI, only after its Ohai did.
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

  struct Options {
    int hosts_at_once = 32;  // of one operation
    absl::Duration host_deadline =
        absl::Minutes(2);  // each host, from its begin
    // The same of an operation that runs Ohai, which costs its hosts seconds of
    // their time. The deadline is to allow for the agents' own, and a write.
    int ohai_hosts_at_once = 8;
    absl::Duration ohai_host_deadline = absl::Minutes(4);
    bool write_ohai_time = false;  // see chef::ParseOhaiOutput()
    int running = 16;              // operations at once
    int kept = 100;                // ended operations remembered
    // For the operations' ids; none: like no other.
    std::optional<uint64_t> seed = {};
  };

  // Everything referred to must outlive this. Without `run_ohai` no host has an
  // agent.
  ResyncOperations(Options options, const Inventory& inventory, Syncer& syncer,
                   Reread reread, const Clock& clock,
                   RunOhai run_ohai = nullptr);
  ~ResyncOperations();

  // Before any operation is started.
  void AddListener(Listener listener);

  // Operations of the last run, in the order in which they began: those that
  // still ran have ended CANCELED. Before any is started; listeners hear of
  // those.
  void Restore(std::vector<v1::Operation> operations);

  void Start();
  // Ends what runs: hosts not done are CANCELED. Not from a listener.
  void Stop();

  // One step of the thread: takes in answers, ends hosts past their deadline,
  // begins others, and returns the Uptime() of the next step. Only for who does
  // not Start().
  absl::Duration Tick();

  // Begins an operation. kInvalidArgument: no mode, OHAI beside others, or
  // plugins without it or that cannot be; kNotFound: a named host is unknown
  // (the message names it); kFailedPrecondition: no host matches;
  // kResourceExhausted: too many run already; kUnavailable: shutting down.
  absl::StatusOr<v1::Operation> Begin(
      const v1::HostSelector& selector,
      const std::vector<v1::ResyncMode>& modes,
      const std::vector<std::string>& ohai_plugins = {});

  // kNotFound: never was, or is forgotten.
  absl::StatusOr<v1::Operation> Get(const std::string& id) const;
  // Hosts not begun are CANCELED; those under way finish.
  absl::StatusOr<v1::Operation> Cancel(const std::string& id);

 private:
  // An operation and what it takes to run it.
  struct Running {
    v1::Operation operation;
    // What each host goes through before it is DONE.
    std::vector<v1::HostProgress> steps;
    int hosts_at_once = 0;
    absl::Duration host_deadline;
    std::vector<std::string> plugins;
    int next = 0;  // the first host that was not begun
    int under_way = 0;
    absl::Duration commanded_at;  // what is checked after it is fresh enough
    // Of the hosts begun, in the order of both.
    std::deque<std::pair<absl::Duration, int>> deadlines;
  };

  // Asks the source, the agent or the syncer about a host of an operation.
  struct Call {
    std::string id;
    int host = 0;
    std::string node;
    v1::HostProgress step = v1::HOST_PROGRESS_UNSPECIFIED;
    absl::Duration commanded_at = absl::ZeroDuration();
    std::vector<std::string> plugins = {};
    // Of a write: what Ohai found before it.
    std::optional<OhaiRun> ohai = std::nullopt;
  };

  // How a call ended; an outcome of UNSPECIFIED is a step that went well.
  struct Answer {
    Call call;
    v1::HostOutcome outcome = v1::HOST_OUTCOME_UNSPECIFIED;
    std::string error = {};
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
  void Make(Call call);
  void MakeReread(Call call);
  void MakeOhai(Call call);
  void MakeWrite(Call call);
  // Reads what Ohai printed, if the answer has any.
  void ReadOhai(Answer& answer) const;
  // Tells listeners and log what has changed.
  void Tell();

  absl::StatusOr<std::vector<RecordPtr>> Select(
      const v1::HostSelector& selector) const;
  std::string NewId() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void TakeIn(Answer answer, std::vector<Call>& calls)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Expire(Running& running, absl::Duration now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void BeginHosts(Running& running, absl::Duration now,
                  std::vector<Call>& calls) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void EndHost(Running& running, int host, v1::HostOutcome outcome,
               const std::string& error) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Moves operations whose hosts are all done to the ended ones.
  void EndOperations(absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Set at construction, or before any operation is started.
  const Options options_;
  const Inventory& inventory_;
  Syncer& syncer_;
  const Clock& clock_;
  const std::shared_ptr<Mailbox> mailbox_;
  std::vector<Listener> listeners_;

  // Used by the thread only.
  Reread reread_;
  RunOhai run_ohai_;

  mutable Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  Random random_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, Running> running_ ABSL_GUARDED_BY(mu_);
  // In the order in which they ended.
  std::deque<v1::Operation> ended_ ABSL_GUARDED_BY(mu_);
  // What listeners have yet to hear, and the log: ids with counts by outcome.
  std::set<std::string> changed_ ABSL_GUARDED_BY(mu_);
  std::vector<std::pair<std::string, std::string>> just_ended_
      ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

// True if the record is one that the selector means.
bool Matches(const v1::HostSelector& selector, const v1::Record& record);

}  // namespace rehai

#endif  // CONTROLLER_SYNC_RESYNC_OPERATIONS_H_
