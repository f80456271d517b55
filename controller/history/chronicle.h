// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_HISTORY_CHRONICLE_H_
#define CONTROLLER_HISTORY_CHRONICLE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "controller/inventory/inventory.h"
#include "proto/ids.h"
#include "rehai/v1/history.pb.h"
#include "rehai/v1/state.pb.h"

namespace rehai {

// Chronicle says what each change of the inventory means: what happened, when,
// and in which order. It keeps the last record that it was told of each host,
// shared with the inventory.
//
// - Of two changes of one host that come in the wrong order, the older is
//   ignored: the newer told what both did.
// - Sequences grow with every event and never repeat, over restarts too: the
//   first is taken from the wall clock, and is above all that Restore() knows.
//
// Thread-safe. Leaf lock, held for one comparison of two records: with 100
// guests a fraction of a millisecond.
class Chronicle {
 public:
  // `clock` must outlive this.
  explicit Chronicle(const Clock& clock);
  Chronicle(const Chronicle&) = delete;
  Chronicle& operator=(const Chronicle&) = delete;

  // What the last run had told of, up to the event with that sequence; 0 if
  // there is no history, and then every host begins anew. Before any other
  // call, and before the inventory is restored.
  void Restore(const std::vector<v1::StoredHost>& hosts, int64_t last_event);

  // What happened, in order; to be kept together with the host as it is now.
  std::vector<v1::HistoryEvent> OnChange(const Change& change);

  // Chef has been seen at `at` to hold this revision of the host, or a
  // rendering that is the same. What is to be kept of that; nullopt if it was
  // told before.
  std::optional<v1::Shown> OnShown(const HostId& host, Revision revision,
                                   absl::Time at);

 private:
  struct Known {
    Revision revision = 0;
    RecordPtr record;  // null: the host left
  };
  // Where a guest was that went, and when. It may be seen elsewhere soon.
  struct Departure {
    std::string node;
    absl::Time at;
  };

  std::string Elsewhere(const HostId& host, const GuestId& guest) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RememberDepartures(const std::vector<v1::HistoryEvent>& events,
                          absl::Time at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void ForgetOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Clock& clock_;  // set at construction

  mutable Mutex mu_;
  int64_t sequence_ ABSL_GUARDED_BY(mu_);
  std::map<HostId, Known> hosts_ ABSL_GUARDED_BY(mu_);
  size_t left_ ABSL_GUARDED_BY(mu_) = 0;  // of hosts_; bounded
  std::map<GuestId, Departure> departures_ ABSL_GUARDED_BY(mu_);  // bounded
  // The greatest revision that Chef is known to have held.
  std::map<HostId, Revision> shown_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai

#endif  // CONTROLLER_HISTORY_CHRONICLE_H_
