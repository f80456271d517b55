// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_STATE_NULL_STORE_H_
#define CONTROLLER_STATE_NULL_STORE_H_

#include <vector>

#include "controller/state/store.h"

namespace rehai {

// Keeps nothing: a service without a state folder begins anew at each start.
// Thread-safe.
class NullStore final : public Store {
 public:
  Contents TakeContents() override { return {}; }
  void Put(v1::StoredHost /*host*/) override {}
  void Put(v1::StoredNode /*node*/) override {}
  void Remove(const HostId& /*host*/) override {}
  void Put(v1::Operation /*operation*/) override {}
  void Put(v1::StoredHost /*host*/,
           std::vector<v1::HistoryEvent> /*events*/) override {}
  void Remove(const HostId& /*host*/,
              std::vector<v1::HistoryEvent> /*events*/) override {}
  void Append(v1::Shown /*shown*/) override {}
  void Append(v1::AuditEntry /*entry*/) override {}
  absl::Status Flush(absl::Duration /*timeout*/) override {
    return absl::OkStatus();
  }
  Health health() const override { return {}; }
};

}  // namespace rehai

#endif  // CONTROLLER_STATE_NULL_STORE_H_
