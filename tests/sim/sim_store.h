// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_SIM_SIM_STORE_H_
#define TESTS_SIM_SIM_STORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "controller/state/store.h"
#include "proto/ids.h"
#include "rehai/v1/history.pb.h"
#include "rehai/v1/resync.pb.h"
#include "rehai/v1/state.pb.h"
#include "tests/sim/scheduler.h"
#include "tests/sim/trace.h"

namespace rehai::sim {

// The disk of the simulated controller and what writes to it: what is put is
// kept a moment later, all of it at once, now and then seconds later; and a
// crash loses what was put since. Outlives each controller. Of history only the
// last event's number is kept, of audit nothing. Not thread-safe.
class SimStore final : public Store {
 public:
  SimStore(Dice& dice, Scheduler& scheduler, Trace& trace);

  // The process dies: what is not kept is lost, and it puts nothing more until
  // the next TakeContents().
  void Crash();
  // Something has been kept at all.
  bool has_contents() const { return kept_.kept_at != absl::InfinitePast(); }

  Contents TakeContents() override;
  void Put(v1::StoredHost host) override;
  void Put(v1::StoredNode node) override;
  void Remove(const HostId& host) override;
  void Put(v1::StoredHost host, std::vector<v1::HistoryEvent> events) override;
  void Remove(const HostId& host,
              std::vector<v1::HistoryEvent> events) override;
  void Put(v1::Operation operation) override;
  void Append(v1::Shown /*shown*/) override {}
  void Append(v1::AuditEntry /*entry*/) override {}
  absl::Status Flush(absl::Duration timeout) override;
  Health health() const override;

 private:
  // All there is at one moment; cheap to copy.
  struct State {
    std::map<std::string, std::shared_ptr<const v1::StoredHost>> hosts;
    std::map<std::string, std::shared_ptr<const v1::StoredNode>> nodes;
    std::map<std::string, std::shared_ptr<const v1::Operation>> operations;
    int64_t last_revision = 0;
    int64_t last_session = 0;
    int64_t last_event = 0;
    absl::Time kept_at = absl::InfinitePast();
  };

  void Note(const std::vector<v1::HistoryEvent>& events);
  // Something was put: it is to be kept soon.
  void Changed();
  void Commit();

  Dice& dice_;
  Scheduler& scheduler_;
  Trace& trace_;
  State kept_;
  State newest_;
  int64_t commits_ = 0;
  bool is_due_ = false;
  bool is_dead_ = false;
};

}  // namespace rehai::sim

#endif  // TESTS_SIM_SIM_STORE_H_
