// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_FLEET_SOURCE_H_
#define CONTROLLER_SOURCE_FLEET_SOURCE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "base/random.h"
#include "controller/discovery/found_host.h"
#include "controller/inventory/inventory.h"
#include "controller/source/agent_hosts.h"
#include "controller/source/host_standing.h"
#include "controller/source/identities.h"
#include "controller/source/lanes.h"
#include "controller/source/moves.h"
#include "controller/source/pull_statistics.h"
#include "hypervisor/connection.h"
#include "hypervisor/host_schedule.h"
#include "proto/ids.h"
#include "rehai/v1/source.pb.h"

namespace rehai {

// FleetSource holds a connection to each hypervisor and tells the inventory
// what it reads there.
//
// - Events only make a host due; a read then says what is true. Changes that no
//   event told of are counted.
// - After each connect everything is read, and again every relist interval.
// - At most one call per host is under way, for no longer than its connection's
//   own bounds. One that takes longer than usual gives its worker's place to
//   another host, so hosts that hang do not keep those waiting that answer. See
//   Lanes, which also bounds dials in number and rate.
// - An unreachable host keeps its Record, STALE at once and UNKNOWN later, and
//   is dialed again after a wait that grows, with jitter.
// - A host that left discovery is read once more, and forgotten after a while.
// - While a host's agent speaks, it is the only one that is heard, and no
//   connection is held. When it is silent for a while, the host is dialed
//   again. An agent that comes and goes all the time is sent away for a while.
// - A guest that may be on its way to another host is not reported gone before
//   that host was read; see Moves.
// - What a host tells whose identity is in doubt is not taken in; see
//   HostIdentities.
//
// Threads: the workers dial, read, close and call the inventory, one step of
// one host each, and hold no lock while they do. The hypervisors' event loop
// calls in to note hints: it takes the lock for a moment and never waits for a
// worker. What is to be done about a host and when is
// hypervisor::HostSchedule's to say, whose turn it is that of Lanes, both under
// this class's one lock, a leaf.
//
// Thread-safe. Owns its workers, between Start() and Stop().
class FleetSource final : public AgentHosts {
 public:
  struct Options {
    int workers = 8;
    // Threads beside the workers, for reads and for dials that take longer than
    // usual: so many each.
    int spare_workers = 24;
    // A read takes longer than usual after this.
    absl::Duration slow_read = absl::Milliseconds(500);
    // Over all hosts, after a burst of a second's.
    double dials_per_second = 50;
    hypervisor::DialOptions dial;
    BackoffOptions reconnect;
    absl::Duration relist_interval = absl::Minutes(5);
    // The least between two reads of a host for its events.
    absl::Duration event_window = absl::Milliseconds(20);
    absl::Duration unknown_after = absl::Hours(1);
    // Read volatile values so often. Infinite: never.
    absl::Duration volatile_interval = absl::InfiniteDuration();
    // What is known of a host that left discovery stays for so long.
    absl::Duration keep_departed = absl::Hours(24);
    // A guest that its host said migrated away is looked for elsewhere for so
    // long.
    absl::Duration move_timeout = absl::Seconds(30);
    // A guest whose end an event tells of, or that its host's list has begun to
    // lack, is gone if nothing has told of it elsewhere after this.
    absl::Duration move_settle = absl::Milliseconds(50);
    // A host whose agent went, or cannot read it, is dialed after this.
    absl::Duration fallback_after = absl::Seconds(30);
    // So many sessions may an agent begin in a row; and then one every so
    // often.
    int agent_comings = 5;
    absl::Duration agent_coming_interval = absl::Seconds(30);
    // For the jitter of waits; none: like no other.
    std::optional<uint64_t> seed = {};
  };

  // As SetHosts(hosts). Everything referred to must outlive this.
  FleetSource(Options options, const std::vector<FoundHost>& hosts,
              hypervisor::Dialer& dialer, Inventory& inventory,
              const Clock& clock);
  ~FleetSource() override;

  // What the last run left: the records of the inventory, of hosts that wait to
  // be found by discovery again, and the greatest session that is known to have
  // been given out. Before Start() and SetHosts().
  void Restore(const std::vector<RecordPtr>& records, int64_t last_session);

  // Once.
  void Start();
  // Closes every connection and waits for the workers: as long as the slowest
  // call's own bound, not longer. Never starts again.
  void Stop();

  // What a worker does: takes one after the other the steps that are due and
  // may begin, and returns the Uptime() of the next. Several threads may be at
  // it, each a worker. Only for who does not Start().
  absl::Duration Tick();

  // These are the hosts, each named once. New ones are in the inventory when
  // this returns; all else is done by the workers soon. A host that is not
  // among them any more is drained: read a last time if it is connected, shown
  // as STALE with LeftDiscovery, and taken out of the inventory after
  // keep_departed, unless it comes back. Any time; ignored after Stop().
  void SetHosts(const std::vector<FoundHost>& hosts);

  // Reads everything of a host now, dialing at once if it waits to be dialed.
  // `done` once the observation is merged, or with why it could not be; once,
  // on any thread, and it must return fast. kNotFound: no such host, or it left
  // discovery; kFailedPrecondition: its identity is in doubt; kCancelled at
  // Stop().
  void Reread(const HostId& host, absl::AnyInvocable<void(absl::Status)> done);

  // Dials those of these hosts that wait after a failure at once, as soon as
  // the rate of dials lets it. Returns how many had waited; unknown ones do
  // not.
  int Retry(const std::vector<HostId>& hosts);

  // An operator says that the host UUID with which the host answers now is its
  // own. Returns that UUID; the host is read again. kNotFound: no such host;
  // kFailedPrecondition: there is nothing to accept, or another host answers
  // with the same.
  absl::StatusOr<std::string> AcceptIdentity(const HostId& host);

  // What agents say; see there.
  absl::StatusOr<Admission> Came(const HostId& host, int64_t last_session,
                                 std::shared_ptr<Agent> agent) override;
  absl::Status Saw(const HostId& host, int64_t session, v1::Observation seen,
                   const std::vector<int64_t>& answers) override;
  void CannotRead(const HostId& host, int64_t session,
                  const absl::Status& why) override;
  void Went(const HostId& host, int64_t session,
            const absl::Status& why) override;

  // The hosts as a whole; and each, in the order of their nodes. From memory.
  v1::PullStatus Status() const;
  std::vector<v1::Connection> Connections() const;

 private:
  using Done = absl::AnyInvocable<void(absl::Status)>;
  // A host, its connection, and where it stands.
  struct Host;
  // A step that a worker has taken.
  struct Task;

  // The hosts' bookkeeping.
  Host* Find(const HostId& host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Discovery finds a host, or finds it no more. The first returns true if it
  // is to be reached at another URI, the second who asked for it in vain.
  bool Adopt(const FoundHost& found) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::vector<Done> Drain(Host& host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Puts the host where its next step waits, if no worker has it.
  void Enqueue(Host& host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Has the inventory told, and hosts read whose doubts are over, but for
  // `reading`, which is being read.
  void Note(std::vector<HostIdentities::Finding> findings,
            const HostId& reading = {}) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  hypervisor::HostSchedule::Options ScheduleOptions() const;

  // The workers.
  void Work();
  // Blocks until a step may begin. Nullopt: stopping.
  std::optional<Task> Take();
  Task TaskOf(const Lanes::Begun& begun) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Run(Task& task);
  // False if stopping: the host stays with its worker, to be closed.
  bool Release(const Task& task);
  // A host that no worker has, to be closed while stopping. Null: no more.
  Host* TakeOpen();

  // The steps (fleet_source_steps.cc).
  // Dials, and reads everything in the same breath: otherwise the first reads
  // would queue behind the dials of a whole fleet.
  void Dial(Task& task);
  // False: it is reached at another URI meanwhile, or its agent speaks for it.
  bool IsWanted(const Host& host) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void BeginRead(Task& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Read(Task& task);
  // Whether what was seen is to be taken in.
  enum class Verdict {
    kBelieved,
    kDoubted,   // it may be another host's
    kUnwanted,  // see IsWanted()
  };
  // Names in `seen` those of the `lacking` guests that are not simply gone:
  // that may be on their way, and whose end events have told.
  Verdict Judge(const Task& task, const v1::Record& before,
                const std::vector<GuestId>& lacking, v1::Observation& seen);
  void ExplainLacking(const Task& task, const v1::Record& before,
                      const std::vector<GuestId>& lacking,
                      v1::Observation& seen) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Shows that nothing of what a host told was taken in; returns why.
  absl::Status ShowDoubt(const HostId& host);
  void FinishRead(const Task& task, const v1::Observation& seen,
                  const std::vector<GuestId>& eventful, Verdict verdict);
  void Close(Task& task);
  void Lose(Task& task, const absl::Status& why);
  // Closes a connection that is not wanted any more.
  void Abandon(Task& task);
  // Asks the host's agent for what is wanted of it.
  void Ask(Host& host);
  void DeclareUnknown(Host& host);
  void Announce(Host& host);
  void Forget(Task& task);

  // What an agent says (fleet_source_agents.cc).
  struct Heard {
    Verdict verdict = Verdict::kDoubted;
    // How long the host was down until now, if it was.
    std::optional<absl::Duration> away;
    // A worker has the host, and may tell of it as it was before this.
    bool had_worker = false;
  };
  // Whether a report is to be taken in. Fills in what its source does not know,
  // and names in `seen` those guests of the record `before` that it does not
  // tell to be there and that may be on their way.
  absl::StatusOr<Heard> HearReport(const HostId& host, int64_t session,
                                   const v1::Record& before,
                                   const std::vector<int64_t>& answers,
                                   v1::Observation& seen);
  // True if a worker may have read the host after what the agent says was read.
  bool MayBeOlder(const Host& host, const v1::Observation& seen,
                  const std::vector<int64_t>& answers) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ExplainGone(Host& host, const v1::Record& before,
                   const std::vector<GuestId>& lacking, v1::Observation& seen)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The host, if this session of its agent's is the last; or null.
  Host* FindSpoken(const HostId& host, int64_t session)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The agent does not speak for the host any more.
  struct Silenced {
    bool spoke = false;  // until now
    std::vector<Done> abandoned;
  };
  Silenced FallSilent(Host& host, const absl::Status& why)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Tell(const HostId& host, const absl::Status& why, Silenced silenced);

  // Set at construction.
  const Options options_;
  hypervisor::Dialer& dialer_;
  Inventory& inventory_;
  const Clock& clock_;

  mutable Mutex mu_;
  // One idle worker watches the clock, the others wait for its work.
  CondVar watch_;
  CondVar idle_;
  std::optional<absl::Duration> watched_until_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> workers_ ABSL_GUARDED_BY(mu_);
  // A host is erased by the worker that has it.
  std::map<HostId, std::unique_ptr<Host>> hosts_ ABSL_GUARDED_BY(mu_);
  Lanes lanes_ ABSL_GUARDED_BY(mu_);
  Moves moves_ ABSL_GUARDED_BY(mu_);
  HostIdentities identities_ ABSL_GUARDED_BY(mu_);
  PullStatistics statistics_ ABSL_GUARDED_BY(mu_);
  Random random_ ABSL_GUARDED_BY(mu_);
  int64_t last_session_ ABSL_GUARDED_BY(mu_);
  int64_t last_request_ ABSL_GUARDED_BY(mu_) = 0;  // of an agent
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  // While stopping: the hosts that no worker has, to be closed.
  std::vector<Host*> open_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_FLEET_SOURCE_H_
