// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_PULL_SOURCE_H_
#define CONTROLLER_SOURCE_PULL_SOURCE_H_

#include <cstddef>
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
#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "controller/inventory/inventory.h"
#include "controller/source/host_schedule.h"
#include "hypervisor/connection.h"
#include "proto/ids.h"

namespace rehai {

// A hypervisor to hold a connection to.
struct PullHost {
  HostId host;
  std::string uri;
  std::map<std::string, std::string> labels;
};

// PullSource holds a connection to each hypervisor and tells the inventory what
// it reads there.
//
// - Events only make a host due; a read then says what is true.
// - After each connect everything is read, and again every relist interval.
// - At most one call per host is under way, and a slow host holds at most one
//   worker, for no longer than its connection's own bounds. What may be slow
//   (dials, the first read after one, closing) never has all workers, if there
//   are two or more: hosts that answer find one.
// - An unreachable host keeps its Record, STALE at once and UNKNOWN later, and
//   is dialed again after a wait that grows, with jitter.
//
// Threads: the workers dial, read, close and call Inventory::Observe(), one
// step of one host each, and hold no lock while they do. The hypervisors' event
// loop calls in to note hints: it takes the lock for a moment and never waits
// for a worker. What is due when is HostSchedule's to say, one per host, under
// this class's one lock, a leaf.
//
// Thread-safe. Owns its workers, between Start() and Stop().
class PullSource {
 public:
  struct Options {
    int workers = 8;
    hypervisor::DialOptions dial;
    BackoffOptions reconnect;
    absl::Duration relist_interval = absl::Minutes(5);
    absl::Duration event_window = absl::Milliseconds(20);
    absl::Duration unknown_after = absl::Hours(1);
    // Read volatile values so often. Infinite: never.
    absl::Duration volatile_interval = absl::InfiniteDuration();
  };

  // Adds the hosts, each named once, to the inventory. Everything referred to
  // must outlive this.
  PullSource(Options options, std::vector<PullHost> hosts,
             hypervisor::Dialer& dialer, Inventory& inventory,
             const Clock& clock);
  ~PullSource();

  // Once.
  void Start();
  // Closes every connection and waits for the workers: as long as the slowest
  // call's own bound, not longer. Never starts again.
  void Stop();

  // Reads everything of a host now, dialing at once if it waits to be dialed.
  // `done` once the observation is merged, or with why it could not be; once,
  // on any thread, and it must return fast. kNotFound: no such host;
  // kCancelled at Stop().
  void Reread(const HostId& host, absl::AnyInvocable<void(absl::Status)> done);

 private:
  using Done = absl::AnyInvocable<void(absl::Status)>;
  // A host and its connection: touched by the worker that has the host.
  class Link;
  // Where a host stands: guarded by mu_.
  struct Standing {
    Standing(const HostSchedule::Options& options, const HostId& host)
        : schedule(options, host) {}

    HostSchedule schedule;
    std::string closed_because;
    std::vector<Done> waiting;  // for a read that has not begun
    bool taken = false;         // by a worker, so in no lane
    std::optional<HostSchedule::NextStep> queued;  // how it is in its lane
  };
  // Hosts that wait for their next step, and how many workers may be at such.
  struct Lane {
    int limit = 0;
    int running = 0;
    std::set<std::pair<absl::Duration, size_t>> due;
  };
  // A step that a worker has taken.
  struct Task {
    size_t host = 0;
    HostSchedule::Step step;
    // Of a read, which may be a dial's second half.
    absl::Duration begun;
    hypervisor::ReadRequest request;
    std::vector<Done> served;
  };

  void Work();
  // Blocks until a step is due. Nullopt: stopping.
  std::optional<Task> Take();
  Task Begin(Lane& lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Run(Task& task);
  // False if stopping: the host stays with its worker, to be closed.
  bool Release(const Task& task);
  // A host that no worker has, to be closed while stopping.
  std::optional<size_t> TakeOpen();
  // Puts the host where its next step waits.
  void Enqueue(size_t host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Dials and closing may be slow, reads of a proven connection seldom are.
  Lane& LaneOf(HostSchedule::Step step) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const bool slow =
        step == HostSchedule::Step::kDial || step == HostSchedule::Step::kClose;
    return slow ? slow_ : quick_;
  }

  // Dials, and reads everything in the same breath: otherwise the first reads
  // would queue behind the dials of a whole fleet.
  void Dial(Task& task);
  void BeginRead(Task& task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Read(Task& task);
  void Lose(Task& task, const absl::Status& why);
  void DeclareUnknown(const Task& task);

  // Set at construction. Hosts are known by their place in links_.
  const Options options_;
  hypervisor::Dialer& dialer_;
  Inventory& inventory_;
  const Clock& clock_;
  std::vector<std::unique_ptr<Link>> links_;
  std::map<HostId, size_t> places_;

  Mutex mu_;
  CondVar wake_;
  std::vector<std::thread> workers_ ABSL_GUARDED_BY(mu_);
  std::vector<Standing> standings_ ABSL_GUARDED_BY(mu_);
  Lane quick_ ABSL_GUARDED_BY(mu_);
  Lane slow_ ABSL_GUARDED_BY(mu_);
  absl::BitGen random_ ABSL_GUARDED_BY(mu_);
  int64_t last_session_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  size_t closed_up_to_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_PULL_SOURCE_H_
