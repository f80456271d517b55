// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_CONTROLLER_UNDER_TEST_H_
#define TESTS_SIM_CONTROLLER_UNDER_TEST_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "chef/node_search.h"
#include "chef/node_writer.h"
#include "controller/discovery/found_host.h"
#include "controller/history/chronicle.h"
#include "controller/inventory/inventory.h"
#include "controller/keeping.h"
#include "controller/source/fleet_source.h"
#include "controller/state/store.h"
#include "controller/sync/chef_sink.h"
#include "controller/sync/resync_operations.h"
#include "controller/sync/syncer.h"
#include "hypervisor/connection.h"
#include "tests/sim/chef_world.h"
#include "tests/sim/setup.h"

namespace rehai::sim {

constexpr absl::Duration kSweep = absl::Minutes(1);
constexpr BrakeOptions kBrake;

// The product's parts, put together as controller.cc does, from one start to
// the end of its process. None of their threads runs: who owns it ticks them.
// `seed` is for their jitter; `on_change` hears of all that is believed, what
// the store had kept first.
struct ControllerUnderTest {
  ControllerUnderTest(const Setup& setup, uint64_t seed,
                      hypervisor::Dialer& dialer,
                      std::unique_ptr<ChefServer::Client> chef_client,
                      const std::vector<FoundHost>& hosts, Store& store,
                      std::function<void(const Change&)> on_change,
                      const Clock& clock);

  // What is done at an orderly end, after everything has stopped.
  void KeepAllAges() { KeepAges(inventory, store); }

  Store& store;

  Chronicle chronicle;
  Inventory inventory;
  std::unique_ptr<ChefServer::Client> client;
  chef::NodeWriter writer;
  chef::NodeSearch search;
  ChefSink sink;
  Syncer syncer;
  FleetSource source;
  ResyncOperations operations;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_CONTROLLER_UNDER_TEST_H_
