// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FLEET_RECORDER_H_
#define TESTS_FLEET_RECORDER_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "rehai/v1/fleet.pb.h"
#include "rehai/v1/model.pb.h"

namespace rehai::fleet {

// What a front end is shown of a fleet, and when: it watches a controller from
// its start to its end and remembers where each guest was seen, in which state,
// from what moment on. Fleets of hundreds of hosts are told here without a
// question asked, so that looking costs the controller next to nothing.
//
// All times are Clock::Real().Uptime(). Thread-safe; owns the thread that
// watches.
class Recorder {
 public:
  // A guest as one host's record shows it from `at` on; nullopt: not any more.
  struct Sighting {
    absl::Duration at;
    std::string node;
    std::optional<v1::GuestState> state;
  };
  // A guest that no host's record shows from `at` on.
  struct Vanishing {
    absl::Duration at;
    std::string uuid;
    std::string node;  // that showed it last
  };
  using Records = std::map<std::string, v1::Record>;  // by node

  // `address` is a controller's API, in clear. Watches from now on.
  explicit Recorder(const std::string& address);
  ~Recorder();

  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Waits until the newest records are as `condition` wants them.
  // kDeadlineExceeded with what it said last; or why the watch has ended.
  absl::Status Await(absl::Duration timeout,
                     absl::FunctionRef<absl::Status(const Records&)> condition);

  // The newest record of each host.
  Records records() const;
  // What was seen of a guest, in order.
  std::vector<Sighting> SightingsOf(const std::string& uuid) const;
  // When, at `since` or later, that host's record first showed the guest so
  // (nullopt: not any more); nullopt if it never did.
  std::optional<absl::Duration> ShownAt(const std::string& node,
                                        const std::string& uuid,
                                        std::optional<v1::GuestState> state,
                                        absl::Duration since) const;
  // Every time that a guest was seen to be nowhere.
  std::vector<Vanishing> vanishings() const;

 private:
  struct Stream;

  void Run();
  void Take(const v1::FleetWatchResponse& step);
  void TakeGuests(const std::string& node, const v1::Record& record,
                  absl::Duration at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Lose(const std::string& node, const std::string& uuid, absl::Duration at)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Set at construction.
  const std::unique_ptr<Stream> stream_;

  mutable Mutex mu_;
  CondVar changed_;
  absl::Status end_ ABSL_GUARDED_BY(mu_);  // not OK: the watch has ended
  Records records_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::vector<Sighting>> sightings_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, std::set<std::string>> places_ ABSL_GUARDED_BY(mu_);
  std::vector<Vanishing> vanishings_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

// OK if that many hosts are CURRENT; otherwise says how many are.
absl::Status AreCurrent(const Recorder::Records& records, size_t hosts);

}  // namespace rehai::fleet

#endif  // TESTS_FLEET_RECORDER_H_
