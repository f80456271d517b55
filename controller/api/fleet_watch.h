// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_FLEET_WATCH_H_
#define CONTROLLER_API_FLEET_WATCH_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "controller/inventory/inventory.h"
#include "controller/query/filter.h"
#include "rehai/v1/fleet.pb.h"

namespace rehai {

// A step of a watch, before it is a v1::FleetWatchResponse.
struct FleetStep {
  v1::FleetWatchResponse::Kind kind = v1::FleetWatchResponse::KIND_UNSPECIFIED;
  Revision revision = 0;
  RecordPtr record = nullptr;  // of KIND_HOST_CHANGED
  std::string node = {};       // of KIND_HOST_REMOVED
};

// FleetWatch is one watcher's place in the fleet's history. It is asked for the
// next step when the last one has been sent, so a slow reader skips what has
// been overtaken meanwhile.
//
// - Every step's revision is one to resume after, those of the first state
//   included: they come in the order of their revisions, not of names.
// - When nothing was sent for as long as the reader wants, it is sent how far
//   it is, so that its revision never gets too old to resume after.
// - It holds no queue: before SYNCED the records that are still to be sent
//   (shared with the inventory), after it names at most.
//
// Not thread-safe; the inventory may change meanwhile.
class FleetWatch {
 public:
  // Both must outlive this.
  FleetWatch(const Inventory& inventory, const v1::FleetWatchRequest& request,
             const Clock& clock = Clock::Real());

  // The next step, or nullopt when there is none until the inventory changes or
  // a bookmark is due; ask again once in a while for those.
  // kInvalidArgument: what the request says cannot be; kOutOfRange: what came
  // after the revision is no longer known.
  absl::StatusOr<std::optional<FleetStep>> Next();

  // A fleet has no last change.
  bool ended() const { return false; }

 private:
  bool IsMeant(const v1::Record& record) const;
  absl::StatusOr<std::optional<FleetStep>> Find();
  std::optional<FleetStep> Bookmark(Revision through);
  FleetStep Changed(RecordPtr record);
  std::optional<FleetStep> Tell(const Change& change);

  // Set at construction.
  const Inventory& inventory_;
  const Clock& clock_;
  const v1::HostSelector selector_;
  query::Filter filter_;
  absl::Status refusal_;  // of the request, if it is wrong
  const bool selects_all_;
  const bool resumed_;
  absl::Duration bookmark_interval_ = absl::InfiniteDuration();
  Revision synced_at_ = 0;  // what SYNCED promises

  std::vector<RecordPtr> first_state_;  // still to be sent, the next one last
  Revision sent_through_;
  bool synced_ = false;
  absl::Duration sent_at_;  // uptime at the last step
  // With a selector or a filter only: the hosts that the watcher believes to
  // match, and those that do not and that it was told so.
  absl::flat_hash_set<std::string> shown_;
  absl::flat_hash_set<std::string> hidden_;
};

}  // namespace rehai

#endif  // CONTROLLER_API_FLEET_WATCH_H_
