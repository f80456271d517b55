// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_METRICS_H_
#define CONTROLLER_API_METRICS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "controller/access/call_counts.h"
#include "controller/api/process_figures.h"
#include "controller/api/run_listener.h"
#include "controller/inventory/inventory.h"
#include "controller/state/store.h"
#include "controller/sync/resync_operations.h"
#include "rehai/v1/checks.pb.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/source.pb.h"

namespace rehai {

// How many of what the fleet has.
struct FleetCounts {
  std::map<v1::Presence, int64_t> hosts;
  std::map<v1::GuestState, int64_t> guests;
  // Guests that the last complete list of their host lacked.
  int64_t missing_guests = 0;
  std::map<std::string, int64_t> conditions;  // hosts that have it, by type
  // When the host that was confirmed longest ago was; infinite future without
  // hosts. Hosts never seen do not count.
  absl::Time oldest_confirmed_at = absl::InfiniteFuture();
};

FleetCounts CountFleet(const FleetView& view);

// Calls that wait until a guest is visible: now, and how they have ended.
struct VisibilityCounts {
  int64_t waiting = 0;
  int64_t answered = 0;
  int64_t expired = 0;
  int64_t refused = 0;
};

// How often the configuration was read again while the controller ran.
struct ReloadCounts {
  int64_t taken = 0;
  int64_t refused = 0;
};

// Everything that metrics tell of, at one moment.
struct MetricsSnapshot {
  absl::Time started_at;  // the controller
  v1::ChefStatus chef;
  std::optional<RunListenerCounts> runs;   // without it nobody listens
  std::optional<v1::SourceStatus> source;  // without it nothing is told of it
  FleetCounts fleet;
  std::optional<Store::Health> state = {};  // without it nothing is kept
  ResyncOperations::Counts resyncs = {};
  ProcessFigures process;
  VisibilityCounts visibility = {};
  CallCounts calls = {};
  ReloadCounts reloads = {};
  // When the certificates of servers with TLS expire, by "api", "agents",
  // "http".
  std::map<std::string, absl::Time> certificates = {};
  // What the standing checks find, by type.
  std::map<v1::FindingType, int64_t> findings = {};
};

// The snapshot in Prometheus' text format. Every value of an enum has its line,
// those counted 0 too, so that a series does not begin with its first event.
// docs/metrics.md describes each metric; names do not change. Pure.
std::string MetricsText(const MetricsSnapshot& snapshot);

}  // namespace rehai

#endif  // CONTROLLER_API_METRICS_H_
