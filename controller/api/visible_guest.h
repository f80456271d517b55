// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_VISIBLE_GUEST_H_
#define CONTROLLER_API_VISIBLE_GUEST_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/receipts.h"
#include "proto/ids.h"
#include "rehai/v1/chef.pb.h"
#include "rehai/v1/visibility.pb.h"

// How visible a guest is. Looks, and changes nothing.
namespace rehai {

// Where one wait stands.
struct VisibleLook {
  // It ended: with an answer, or as no answer can come.
  std::optional<absl::StatusOr<v1::WaitVisibleResponse>> end = std::nullopt;
  // Otherwise: how far it has come and what it waits for, a sentence that names
  // the guest.
  std::string standing = {};
  // Nothing but a search is missing.
  bool lacks_search = false;
};

// Looks at guests in the inventory and their receipts. Thread-safe.
class VisibleGuests {
 public:
  // Questions to the syncer.
  struct Chef {
    std::function<v1::SyncStatus(const HostId&)> status;
    std::function<v1::SweepStatus()> sweep;
  };

  // Both must outlive this.
  VisibleGuests(const Inventory& inventory, const Receipts& receipts, Chef chef)
      : inventory_(inventory), receipts_(receipts), chef_(std::move(chef)) {}

  // `request` is one that CheckWait() lets pass.
  VisibleLook Look(const v1::WaitVisibleRequest& request) const;

  // kNotFound, kFailedPrecondition and kInvalidArgument as visibility.proto
  // says.
  absl::StatusOr<v1::GetReceiptsResponse> GetReceipts(
      const v1::GetReceiptsRequest& request) const;

 private:
  struct Found {
    // Present ones have a guest.
    std::optional<Receipts::Standing> standing;
    bool is_there = false;
  };

  // Where the guest is, else where it was. kFailedPrecondition: several have
  // the name.
  absl::StatusOr<Found> Find(const std::string& uuid, const std::string& name,
                             const std::string& node) const;
  VisibleLook LookAt(const v1::WaitVisibleRequest& request,
                     const Receipts::Standing& standing) const;
  // Of a change that has not come far enough: why.
  std::string WhyNotVisible(const HostId& host,
                            v1::VisibilityLevel level) const;
  // Why a host may not have been told of.
  std::string HostTrouble(const std::string& node) const;

  const Inventory& inventory_;
  const Receipts& receipts_;
  const Chef chef_;
};

// kInvalidArgument if the request can never succeed.
absl::Status CheckWait(const v1::WaitVisibleRequest& request);

}  // namespace rehai

#endif  // CONTROLLER_API_VISIBLE_GUEST_H_
