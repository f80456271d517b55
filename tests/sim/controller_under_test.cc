// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/controller_under_test.h"

#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "proto/ids.h"

namespace rehai::sim {
namespace {

Syncer::Options SyncOptions(const Setup& setup, uint64_t seed) {
  Syncer::Options options;
  options.renderings = setup.renderings;
  options.limits = setup.limits;
  options.retry = {.min = absl::Seconds(1), .max = absl::Minutes(1)};
  options.sweep_interval = kSweep;
  options.seed = seed;
  return options;
}

FleetSource::Options SourceOptions(uint64_t seed) {
  FleetSource::Options options;
  options.workers = 4;
  options.reconnect = {.min = absl::Seconds(1), .max = absl::Minutes(1)};
  options.relist_interval = absl::Minutes(3);
  options.keep_departed = absl::Minutes(20);
  options.unknown_after = absl::Seconds(30);
  options.seed = seed;
  return options;
}

ResyncOperations::Options ResyncOptions(uint64_t seed) {
  ResyncOperations::Options options;
  options.seed = seed;
  return options;
}

}  // namespace

ControllerUnderTest::ControllerUnderTest(
    const Setup& setup, uint64_t seed, hypervisor::Dialer& dialer,
    std::unique_ptr<ChefServer::Client> chef_client,
    const std::vector<FoundHost>& hosts, Store& its_store,
    std::function<void(const Change&)> on_change, const Clock& clock)
    : store(its_store),
      chronicle(clock),
      inventory(clock, kBrake),
      client(std::move(chef_client)),
      writer({}, *client, clock),
      search(chef::SearchedStampPath(setup.renderings), *client, clock),
      sink(writer, &search),
      syncer(SyncOptions(setup, seed), inventory, sink, clock),
      source(SourceOptions(seed), {}, dialer, inventory, clock),
      operations(
          ResyncOptions(seed), inventory, syncer,
          [this](const HostId& host,
                 absl::AnyInvocable<void(absl::Status)> done) {
            source.Reread(host, std::move(done));
          },
          clock) {
  inventory.AddListener(
      [this](const Change& change) { syncer.OnChange(change); });
  inventory.AddListener(std::move(on_change));
  const KeptParts kept{inventory, source, syncer, operations, chronicle};
  KeepChanges(kept, store);
  RestoreParts(store.TakeContents(), kept, store);
  source.SetHosts(hosts);
}

}  // namespace rehai::sim
