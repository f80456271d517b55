// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_FLEET_QUERIES_H_
#define CONTROLLER_API_FLEET_QUERIES_H_

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "controller/api/fleet_table.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/syncer.h"
#include "rehai/v1/fleet.pb.h"

namespace rehai {

// FleetQueries answers the Fleet service's questions, from memory.
//
// - A guest that several hosts define is listed once, where it really is.
// - Lists have a total order, so paging neither repeats nor skips what stays. A
//   page ends early when it would get too large to send.
// - A filter that names a UUID, name, MAC or IP address is looked up in an
//   index; every other one goes through the newest FleetTable.
// - The revision in an answer was reached when the answer was made.
//
// Errors are those of fleet.proto. Thread-safe.
class FleetQueries {
 public:
  // All must outlive this. Ages are by `clock`.
  FleetQueries(const Inventory& inventory, const Syncer& syncer,
               const Clock& clock = Clock::Real())
      : inventory_(inventory),
        syncer_(syncer),
        clock_(clock),
        table_(inventory) {}

  absl::StatusOr<v1::GetHostResponse> GetHost(
      const v1::GetHostRequest& request) const;
  absl::StatusOr<v1::ListHostsResponse> ListHosts(
      const v1::ListHostsRequest& request) const;
  absl::StatusOr<v1::GetGuestResponse> GetGuest(
      const v1::GetGuestRequest& request) const;
  // To be serialized: the guests are in it as bytes only (wire_fields.h).
  absl::StatusOr<v1::ListGuestsResponse> ListGuests(
      const v1::ListGuestsRequest& request) const;
  absl::StatusOr<v1::SummarizeResponse> Summarize(
      const v1::SummarizeRequest& request) const;

 private:
  const Inventory& inventory_;
  const Syncer& syncer_;
  const Clock& clock_;
  const NewestFleetTable table_;
};

}  // namespace rehai

#endif  // CONTROLLER_API_FLEET_QUERIES_H_
