// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_CHURN_H_
#define TESTS_LAB_CHURN_H_

#include <stddef.h>
#include <stdint.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "tests/lab/churn_plan.h"
#include "tests/lab/host.h"

namespace rehai::lab {

// A change that a hypervisor has confirmed.
struct Change {
  ChangeKind kind;
  std::string node;  // where the guest is afterwards, or was
  std::string from;  // kMigrate: the node that it left
  std::string guest;
  std::string uuid;
  std::optional<GuestState> after;  // nullopt: it is nowhere any more
  // Just before libvirt was asked, and once it had confirmed; by the uptime of
  // Clock::Real(). An event about it may overtake the confirmation.
  absl::Duration begun;
  absl::Duration confirmed;
  absl::Time confirmed_at;  // the latter as wall time
};

// Where a guest is, and what it is.
struct GuestTruth {
  std::string node;
  std::string guest;
  std::string uuid;
  GuestState state;
};

// Changes guests all over a fleet, at a rate, in real time: defines, starts,
// suspends, resumes, destroys, undefines and migrates them, chosen by a seeded
// random (see ChurnPlan), on the hosts' held connections, from one thread of
// its own. Keeps the truth, for a checker to compare. Hosts that are hurt are
// left alone until they are well; nobody else may change the guests meanwhile.
//
// The changes made are kept until they are taken, the latest `max_changes` of
// them. Thread-safe.
class Churn {
 public:
  struct Options {
    // Zero: none until SetRate().
    double changes_per_second = 20;
    // Names and UUIDs of guests that it defines are made of it: a second churn
    // on the same hosts needs another.
    uint64_t seed = 1;
    size_t max_changes = 100000;
  };

  struct Counts {
    uint64_t made = 0;
    uint64_t skipped = 0;    // the host was hurt
    uint64_t failed = 0;     // see status()
    uint64_t forgotten = 0;  // made, but more than max_changes ago
  };

  // At least one host, all with the same driver. They outlive it, and have the
  // guests that Host::guests() tells of.
  static absl::StatusOr<std::unique_ptr<Churn>> Start(std::vector<Host*> hosts,
                                                      Options options);
  // Stop().
  ~Churn();

  Churn(const Churn&) = delete;
  Churn& operator=(const Churn&) = delete;

  void SetRate(double changes_per_second);

  // Returns once the change under way is made. Nothing changes any more.
  void Stop();

  // The changes that were confirmed since the last call, oldest first.
  std::vector<Change> Take();

  // All guests. Before Stop(), one of them may be under way.
  std::vector<GuestTruth> Truth() const;

  Counts counts() const;
  // The first change that libvirt refused: somebody else changes its guests, or
  // the lab is broken. OK if there was none.
  absl::Status status() const;

 private:
  Churn(std::vector<Host*> hosts, Options options);

  void Loop();
  // Makes a change, or gives up after so many hosts that are hurt.
  void MakeOne();
  absl::Status Make(const PlannedChange& change);
  void Note(const PlannedChange& planned, absl::Duration begun)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const std::vector<Host*> hosts_;
  const size_t max_changes_;
  Clock& clock_ = Clock::Real();

  mutable Mutex mu_;
  CondVar changed_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  double rate_ ABSL_GUARDED_BY(mu_);
  ChurnPlan plan_ ABSL_GUARDED_BY(mu_);
  std::deque<Change> changes_ ABSL_GUARDED_BY(mu_);
  Counts counts_ ABSL_GUARDED_BY(mu_);
  absl::Status status_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace rehai::lab

#endif  // TESTS_LAB_CHURN_H_
