// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_FLEET_QUERIES_H_
#define CONTROLLER_API_FLEET_QUERIES_H_

#include "absl/status/statusor.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/syncer.h"
#include "rehai/v1/fleet.pb.h"

namespace rehai {

// FleetQueries answers the Fleet service's questions, from memory.
//
// - A guest that several hosts define is listed once, where it really is.
// - Lists have an order that does not change, so paging neither repeats nor
//   skips what stays. A page ends early when it would get too large to send.
// - The revision in an answer was reached when the answer was made.
//
// Errors are those of fleet.proto. Thread-safe.
class FleetQueries {
 public:
  // Both must outlive this.
  FleetQueries(const Inventory& inventory, const Syncer& syncer)
      : inventory_(inventory), syncer_(syncer) {}

  absl::StatusOr<v1::GetHostResponse> GetHost(
      const v1::GetHostRequest& request) const;
  absl::StatusOr<v1::ListHostsResponse> ListHosts(
      const v1::ListHostsRequest& request) const;
  absl::StatusOr<v1::GetGuestResponse> GetGuest(
      const v1::GetGuestRequest& request) const;
  absl::StatusOr<v1::ListGuestsResponse> ListGuests(
      const v1::ListGuestsRequest& request) const;

 private:
  const Inventory& inventory_;
  const Syncer& syncer_;
};

}  // namespace rehai

#endif  // CONTROLLER_API_FLEET_QUERIES_H_
