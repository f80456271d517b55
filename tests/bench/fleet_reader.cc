// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/bench/fleet_reader.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/clock.h"
#include "base/status_macros.h"
#include "tests/bench/cpu_time.h"
#include "tests/bench/latencies.h"
#include "tests/lab/parallel.h"

namespace rehai::bench {

nlohmann::ordered_json Cost::ToJson() const {
  return {{"seconds", Rounded(absl::ToDoubleSeconds(wall))},
          {"own_cpu_seconds", Rounded(absl::ToDoubleSeconds(own_cpu))}};
}

absl::StatusOr<Cost> Measure(const std::function<absl::Status()>& work) {
  const absl::Duration begun = Clock::Real().Uptime();
  const absl::Duration cpu = OwnCpuTime();
  RETURN_IF_ERROR(work());
  return Cost{Clock::Real().Uptime() - begun, OwnCpuTime() - cpu};
}

absl::StatusOr<Cost> MeasureRounds(int rounds,
                                   const std::function<absl::Status()>& work) {
  std::vector<Cost> costs;
  for (int i = 0; i < rounds; ++i) {
    ASSIGN_OR_RETURN(const Cost cost, Measure(work));
    costs.push_back(cost);
  }
  std::sort(costs.begin(), costs.end(),
            [](const Cost& a, const Cost& b) { return a.wall < b.wall; });
  return costs[costs.size() / 2];
}

FleetReader::FleetReader(std::vector<std::string> uris, int workers)
    : uris_(std::move(uris)),
      workers_(workers),
      dialer_(Clock::Real()),
      connections_(uris_.size()) {}

absl::Status FleetReader::DialAll() {
  hypervisor::DialOptions options;
  options.connect_timeout = absl::Minutes(1);
  return lab::ForEachInParallel(
      static_cast<int>(uris_.size()), workers_, [&](int host) -> absl::Status {
        ASSIGN_OR_RETURN(connections_[host],
                         dialer_.Dial(uris_[host], options, deaf_));
        return absl::OkStatus();
      });
}

absl::Status FleetReader::ReadAll(const hypervisor::ReadRequest& request) {
  std::atomic<int> guests = 0;
  RETURN_IF_ERROR(lab::ForEachInParallel(
      static_cast<int>(uris_.size()), workers_, [&](int host) -> absl::Status {
        ASSIGN_OR_RETURN(const hypervisor::Inventory found,
                         connections_[host]->Read(request));
        guests += static_cast<int>(found.guests.size());
        return absl::OkStatus();
      }));
  guests_ = guests;
  return absl::OkStatus();
}

}  // namespace rehai::bench
