// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_STATE_STORE_H_
#define CONTROLLER_STATE_STORE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "proto/ids.h"
#include "rehai/v1/history.pb.h"
#include "rehai/v1/resync.pb.h"
#include "rehai/v1/state.pb.h"

namespace rehai {

// Store keeps what must not be lost when the process ends, however it ends.
//
// What is put is kept soon: the newest of each host and node, in groups, off
// the caller's path. A crash loses at most what was put in the last moment, and
// never half of a group: what is found afterwards was true at one moment of the
// past. So everything kept is a belief that is checked again, not a fact:
//
// - a Record is shown with its age until its host is read;
// - a StoredNode is only believed once a search or a read has seen that node
//   again, and not if put_under_way.
//
// The simulation has its own, which forgets what was put last.
//
// Thread-safe. Put() and Append() return at once, from any thread, and never
// fail: if nothing can be kept, health() says so and the service goes on.
class Store {
 public:
  // All that was kept, as of one moment.
  struct Contents {
    std::vector<v1::StoredHost> hosts;  // in the order of their nodes
    std::vector<v1::StoredNode> nodes;  // likewise
    std::vector<v1::Operation> operations;
    // The greatest revision and session that were kept. What was given out in
    // the last moment may be greater.
    int64_t last_revision = 0;
    int64_t last_session = 0;
    // The greatest sequence of an event; 0 if there is no history.
    int64_t last_event = 0;
    // When it was kept; InfinitePast if there was nothing.
    absl::Time kept_at = absl::InfinitePast();
  };

  struct Health {
    // Ok, or why nothing is kept any more, and what to do.
    absl::Status status;
    // What was put and is not kept yet; and since when the oldest waits, zero
    // if nothing does.
    int64_t waiting = 0;
    absl::Duration oldest = absl::ZeroDuration();
    int64_t commits = 0;
    // What was appended, found no place to wait, and is lost: the oldest of it.
    int64_t dropped = 0;
    int64_t bytes = 0;  // of the files
    // The name under which the last run's damaged file is now; usually empty.
    std::string moved_aside = {};
  };

  virtual ~Store() = default;

  // What the last run left. Once, before anything is put.
  virtual Contents TakeContents() = 0;

  virtual void Put(v1::StoredHost host) = 0;
  virtual void Put(v1::StoredNode node) = 0;
  // The host left the fleet: both of it are forgotten.
  virtual void Remove(const HostId& host) = 0;
  // The same together with what happened, in one group: so the next run never
  // finds a host without the events that made it so, or these without that.
  // Events with a sequence that is kept already are ignored.
  virtual void Put(v1::StoredHost host,
                   std::vector<v1::HistoryEvent> events) = 0;
  virtual void Remove(const HostId& host,
                      std::vector<v1::HistoryEvent> events) = 0;
  virtual void Put(v1::Operation operation) = 0;
  virtual void Append(v1::Shown shown) = 0;
  virtual void Append(v1::AuditEntry entry) = 0;

  // Waits until all that was put before is kept; before the store's thread is
  // started, this one keeps it. kDeadlineExceeded; kUnavailable: nothing can be
  // kept, see health().
  virtual absl::Status Flush(absl::Duration timeout) = 0;

  virtual Health health() const = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_STATE_STORE_H_
