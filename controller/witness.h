// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_WITNESS_H_
#define CONTROLLER_WITNESS_H_

#include <cstdint>
#include <map>
#include <vector>

#include "base/clock.h"
#include "chef/rendering.h"
#include "controller/api/server.h"
#include "controller/api/visible_guest.h"
#include "controller/api/visible_waits.h"
#include "controller/checks/fleet_checks.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/receipts.h"
#include "controller/sync/syncer.h"
#include "rehai/v1/checks.pb.h"
#include "rehai/v1/state.pb.h"

namespace rehai {

// Witness watches what becomes of the fleet in Chef and says so: receipts and
// who waits for them, explanations, and standing checks. It changes nothing.
//
// Thread-safe after Start(). Owns the threads of what it is made of.
class Witness {
 public:
  // Listens to both, before any thread uses them. All referred to must outlive
  // this.
  Witness(Inventory& inventory, Syncer& syncer,
          const chef::RenderingOptions& renderings, FleetChecks::Options checks,
          const Clock& clock);

  // What the last run left of nodes; those whose hosts the inventory does not
  // have are passed over. Before Start().
  void Restore(const std::vector<v1::StoredNode>& nodes);

  // Visibility, Explanations and Checks. They must not be called after this is
  // gone.
  std::vector<NamedService> Services();

  void Start();
  // Ends all waits; call it before the API waits for its calls to end.
  void Stop();

  // For metrics.
  VisibleWaits::Counts WaitCounts() const { return waits_.counts(); }
  std::map<v1::FindingType, int64_t> FindingCounts() const;

 private:
  const Inventory& inventory_;
  Syncer& syncer_;
  const chef::RenderingOptions renderings_;
  Receipts receipts_;
  VisibleGuests guests_;
  VisibleWaits waits_;
  FleetChecks checks_;
};

}  // namespace rehai

#endif  // CONTROLLER_WITNESS_H_
