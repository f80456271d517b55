// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_KEEPING_H_
#define CONTROLLER_KEEPING_H_

#include "controller/history/chronicle.h"
#include "controller/inventory/inventory.h"
#include "controller/source/fleet_source.h"
#include "controller/state/store.h"
#include "controller/sync/resync_operations.h"
#include "controller/sync/syncer.h"

// What goes from the parts of the controller into the store, and back at the
// next start.
namespace rehai {

// What there is to keep, and to restore. All outlive their use.
struct KeptParts {
  Inventory& inventory;
  FleetSource& source;
  Syncer& syncer;
  ResyncOperations& operations;
  Chronicle& chronicle;
};

// From now on, whatever changes is put into the store. Before any thread.
void KeepChanges(const KeptParts& parts, Store& store);

// What the last run left is believed again, as of then. After KeepChanges(),
// and before any thread.
void RestoreParts(Store::Contents contents, const KeptParts& parts,
                  Store& store);

// Puts every host once more: a read that confirms what is believed is no
// change, and so the age of what is kept would be that of the last change. At
// the end, when nothing reads any more.
void KeepAges(const Inventory& inventory, Store& store);

}  // namespace rehai

#endif  // CONTROLLER_KEEPING_H_
