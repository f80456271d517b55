// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_SYNCER_H_
#define CONTROLLER_SYNC_SYNCER_H_

#include <memory>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "chef/rendering.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/sink.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"

namespace rehai {

// Syncer makes Chef's nodes say what the inventory believes.
//
// - The newest Record of a host is written; what came between is skipped.
// - One write per node is under way at a time, and a change during a write
// makes
//   another one after it.
// - A rendering that Chef has confirmed is not written again.
// - A failed write is tried again after a wait that grows; an error that time
//   does not heal parks the host until its belief changes or an operator asks.
// - Requests stay within the rate and the concurrency of Options.
//
// Thread-safe. Owns one thread, between Start() and Stop().
class Syncer {
 public:
  struct Options {
    chef::RenderingOptions renderings;
    absl::Duration window = absl::Milliseconds(200);
    double requests_per_second = 50;
    int request_burst = 100;
    int max_in_flight = 8;
    BackoffOptions retry;
    bool dry_run = false;  // the sink writes nothing; say so in the status
  };

  // Everything referred to must outlive the syncer.
  Syncer(Options options, const Inventory& inventory, Sink& sink,
         const Clock& clock);
  ~Syncer();

  void Start();
  // Waits for the thread; writes under way end first (their requests are
  // bounded).
  void Stop();

  // An inventory listener: the host may differ from what Chef holds.
  void OnChange(const Change& change);

  // Doubts what Chef confirmed: checks the node and writes it where it differs,
  // parked or not. `done` gets the result of that try, once; kNotFound if the
  // host is unknown, kFailedPrecondition if nothing was observed of it yet,
  // kCancelled at shutdown.
  void Rewrite(
      const HostId& host,
      absl::AnyInvocable<void(absl::StatusOr<chef::WriteResult>)> done);

  // What a write of the host's node would change now.
  void Diff(const HostId& host,
            absl::AnyInvocable<
                void(absl::StatusOr<std::vector<chef::PathDifference>>)>
                done);

  // Where the host's node stands.
  v1::SyncStatus Status(const HostId& host) const;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_SYNCER_H_
