// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_BENCH_FLEET_READER_H_
#define TESTS_BENCH_FLEET_READER_H_

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "hypervisor/connection.h"
#include "hypervisor/deaf_listener.h"
#include "hypervisor/libvirt_dialer.h"

namespace rehai::bench {

// What some work took: wall time, and CPU time of this process.
struct Cost {
  absl::Duration wall;
  absl::Duration own_cpu;

  // {"seconds":..,"own_cpu_seconds":..}
  nlohmann::ordered_json ToJson() const;
};

absl::StatusOr<Cost> Measure(const std::function<absl::Status()>& work);
// The median of several rounds, by wall time.
absl::StatusOr<Cost> MeasureRounds(int rounds,
                                   const std::function<absl::Status()>& work);

// The controller's reader without the controller: connections to a whole fleet,
// read by as many threads as there are workers. Not thread-safe.
class FleetReader {
 public:
  FleetReader(std::vector<std::string> uris, int workers);

  absl::Status DialAll();
  // Lists and states of every guest; definitions only of those that differ.
  absl::Status CheckAll() { return ReadAll({}); }
  // Everything of every host and guest.
  absl::Status RereadAll() { return ReadAll({.everything = true}); }

  // As of the last reading.
  int guests() const { return guests_; }

 private:
  absl::Status ReadAll(const hypervisor::ReadRequest& request);

  const std::vector<std::string> uris_;
  const int workers_;
  hypervisor::DeafListener deaf_;
  hypervisor::LibvirtDialer dialer_;
  std::vector<std::unique_ptr<hypervisor::Connection>> connections_;
  int guests_ = 0;
};

}  // namespace rehai::bench

#endif  // TESTS_BENCH_FLEET_READER_H_
