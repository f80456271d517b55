// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_INVENTORY_INVENTORY_H_
#define CONTROLLER_INVENTORY_INVENTORY_H_

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/ip_address.h"
#include "base/mutex.h"
#include "controller/inventory/brake.h"
#include "controller/inventory/guest_index.h"
#include "controller/inventory/missing_guests.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

namespace rehai {

struct Merged;  // merge.h

// Records are never changed after they are published; readers share them.
using RecordPtr = std::shared_ptr<const v1::Record>;

// One step in the fleet's history.
struct Change {
  HostId host;
  Revision revision = 0;
  RecordPtr record;  // null: the host left the fleet
  // Of the record's missing guests, those that the brake holds, in order.
  std::vector<GuestId> held = {};
};

// A record that the last run of the controller left.
struct KeptRecord {
  v1::Record record;
  std::vector<GuestId> held;
};

// The fleet at one revision.
struct FleetView {
  Revision revision = 0;
  std::vector<RecordPtr> records;  // sorted by node
  // Guests that several hosts define, by UUID: the node where each really is.
  absl::flat_hash_map<std::string, std::string> shared;
};

// What has changed after a revision: the newest state of each changed host, in
// the order of their revisions.
struct Changes {
  std::vector<Change> changes;
  Revision through = 0;  // nothing up to here is missing
};

// What an observation made new.
struct Observed {
  bool is_change = false;
  // In the order of their UUIDs.
  std::vector<GuestId> appeared;
  std::vector<GuestId> changed;
  std::vector<GuestId> gone;
};

// A guest and the record of the host it is on.
struct GuestLocation {
  RecordPtr record;
  const v1::Guest* guest = nullptr;  // inside *record
};

// Inventory is what we believe about the fleet: one immutable Record per host,
// indexes over their guests, and the order in which they changed.
//
// - A guest is gone only on positive evidence: a complete list without it, or a
//   removal that its source reports. Presence never removes a guest.
// - A complete list that lacks too many guests at once is no such evidence: the
//   brake holds them until an operator confirms it, or they are seen again.
// - A guest on its way from one host to another is always on one of them, for
//   every reader: it goes from the old one together with its being seen on the
//   new one.
// - Observations that do not come after the last one merged are dropped.
// - Revisions grow with every change and never repeat, over restarts too: the
//   first is taken from the wall clock, and is above all that Restore() knows.
//
// Thread-safe. It owns no thread: everything runs on its callers', which are
// the sources' workers (Observe, SetPresence), the API's handlers and the
// syncer (the questions). Leaf lock, held for one merge or one view, well under
// a millisecond; listeners are called outside it. Two changes of one host made
// by two threads may reach a listener in either order, so compare revisions.
class Inventory {
 public:
  using Listener = absl::AnyInvocable<void(const Change&)>;

  // `clock` must outlive the inventory.
  explicit Inventory(const Clock& clock, BrakeOptions brake = {});
  Inventory(const Inventory&) = delete;
  Inventory& operator=(const Inventory&) = delete;

  // Calls `listener` after each change, on the thread that made it, so on
  // several at once. Before any thread uses the inventory. The listener must
  // return fast.
  void AddListener(Listener listener);

  // Believes again what the last run left, as of before the restart; see
  // AsOfBeforeRestart(). Hosts that were never seen are none. Revisions go on
  // well above `last_revision`, the greatest that is known to have been given
  // out. Once, before any thread uses the inventory; listeners are told.
  void Restore(std::vector<KeptRecord> records, Revision last_revision);

  // Makes the host known, or sets its labels. Its presence is NEVER_SEEN until
  // the first observation.
  void AddHost(const HostId& host,
               const std::map<std::string, std::string>& labels);

  // Forgets the host and its guests. Unknown hosts are ignored.
  void RemoveHost(const HostId& host);

  // Takes in what a source saw. kNotFound: no such host; kAborted: it does not
  // come after what was merged before; kInvalidArgument: it contradicts itself.
  absl::StatusOr<Observed> Observe(const v1::Observation& observation);

  // Says how current the belief about a host is, and why. `condition` replaces
  // the condition of its type; nullopt with PRESENCE_CURRENT clears
  // Unreachable. kNotFound: no such host.
  absl::Status SetPresence(const HostId& host, v1::Presence presence,
                           std::optional<v1::Condition> condition);

  // Adds the condition to the host, in the place of the one of its type, or
  // takes the one of that type away. What is so already is no change.
  // kNotFound: no such host.
  absl::Status SetCondition(const HostId& host, v1::Condition condition);
  absl::Status ClearCondition(const HostId& host, const std::string& type);

  // An operator says that the guests which the brake holds are gone. Returns
  // them. kNotFound: no such host; kFailedPrecondition: it holds none.
  absl::StatusOr<std::vector<GuestId>> ConfirmDisappearance(const HostId& host);

  // Of these guests, those that the host lacks and that were on their way are
  // on it no more. Unknown hosts are ignored.
  void EndMoves(const HostId& host, const std::vector<GuestId>& guests);

  // Null if there is no such host.
  RecordPtr Find(const HostId& host) const;

  // The whole fleet. Cheap: shared with other callers until the next change.
  std::shared_ptr<const FleetView> View() const;

  // Every host, as its last change would be told now, in the order of their
  // nodes.
  std::vector<Change> Everything() const;

  // Where a guest is. A guest that several hosts define (a migration leaves a
  // definition behind) is where it is active and not missing, else where it was
  // active, else where it was seen last.
  std::optional<GuestLocation> FindGuest(const GuestId& guest) const;

  // All guests of that name, one per UUID.
  std::vector<GuestLocation> FindGuestsByName(const std::string& name) const;

  // All guests that have an interface of that MAC (lower case, with colons) or
  // IP address, one per UUID.
  std::vector<GuestLocation> FindGuestsByMac(const std::string& mac) const;
  std::vector<GuestLocation> FindGuestsByAddress(
      const IpAddress& address) const;

  // What changed after `after`, at most `limit` hosts. kOutOfRange: `after` is
  // from another run, or so old that removals since then are forgotten; begin
  // again from View().
  absl::StatusOr<Changes> ChangesAfter(Revision after, size_t limit) const;

  Revision revision() const;

 private:
  // Makes `merged` the newest belief about `host`, which was `before`.
  Change Adopt(const HostId& host, const v1::Record& before, Merged merged)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The hosts that need not keep a missing guest any more, as this observation
  // shows it on another host; and those guests. None if that host's identity is
  // in doubt.
  std::map<HostId, std::vector<GuestId>> Arrivals(
      const v1::Observation& observation, const Merged& merged) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The host does not have these missing guests any more.
  Change Drop(const HostId& host, const std::vector<GuestId>& guests)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // True if another host runs the guest and was seen to do so only after it was
  // on `host`. One that cannot be reached, or whose identity is in doubt, is no
  // witness.
  bool IsActiveElsewhere(const HostId& host, const GuestId& guest) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Makes `record` the newest belief about `host`, under the next revision.
  Change Publish(const HostId& host, v1::Record record)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Those that the brake holds.
  std::vector<GuestId> HeldBy(const HostId& host) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Publishes what `amended` makes of the host's record; nullopt: no change.
  absl::Status Amend(
      const HostId& host,
      absl::FunctionRef<std::optional<v1::Record>(const v1::Record&)> amended);
  // Follows a change of the guests that `host` lists.
  void Reindex(const HostId& host, const v1::Record& before,
               const Merged& merged) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::optional<GuestLocation> Locate(const GuestId& guest) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Where those of the guests are that are meant, as they are there.
  std::vector<GuestLocation> LocateIf(
      const std::vector<GuestId>& guests,
      absl::FunctionRef<bool(const v1::Guest&)> is_meant) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RememberRemoval(const HostId& host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Tell(const Change& change);

  // Set at construction, or before any thread uses the inventory.
  const Clock& clock_;
  const BrakeOptions brake_;
  std::vector<Listener> listeners_;

  mutable Mutex mu_;
  Revision revision_ ABSL_GUARDED_BY(mu_);
  std::map<HostId, RecordPtr> hosts_ ABSL_GUARDED_BY(mu_);
  // A guest's hosts in the order in which it was seen to come to them, or to
  // start there.
  GuestIndex guests_ ABSL_GUARDED_BY(mu_);
  MissingGuests missing_ ABSL_GUARDED_BY(mu_);
  // Each host at its last change, hosts in removed_ included.
  std::map<Revision, HostId> order_ ABSL_GUARDED_BY(mu_);
  // Hosts that left, and when. Bounded.
  std::map<HostId, Revision> removed_ ABSL_GUARDED_BY(mu_);
  // What changed after an older revision cannot be told: a removal since then
  // is forgotten.
  Revision complete_after_ ABSL_GUARDED_BY(mu_);
  // Null until somebody asks for the view after a change.
  mutable std::shared_ptr<const FleetView> view_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai

#endif  // CONTROLLER_INVENTORY_INVENTORY_H_
