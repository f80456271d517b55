// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_PENDING_OHAI_H_
#define CONTROLLER_SYNC_PENDING_OHAI_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "controller/sync/host_state.h"
#include "controller/sync/ohai_run.h"
#include "proto/ids.h"

namespace rehai {

// PendingOhai keeps what Ohai found on hosts until it is in their nodes, and
// who waits for it.
//
// - One run per host: a newer one takes the place of an older one.
// - A run is kept from one try to the next, as long as another may help.
// - Who waits hears of the first try; of the later ones, nobody.
// - Bounded in bytes.
//
// Not thread-safe: a plain value that its owner guards. Calls nobody.
class PendingOhai {
 public:
  // Shared with the write that brings it.
  using Run = std::shared_ptr<const OhaiRun>;

  explicit PendingOhai(size_t max_bytes) : max_bytes_(max_bytes) {}

  // Keeps the run. Takes `done`, and leaves in its place that of the run which
  // this one supersedes, if anybody still waits for it. False: too much is kept
  // already; then nothing changes.
  bool Keep(const HostId& host, Run run, RewriteDone& done);

  // What a write of the host that begins is to bring; usually null.
  Run Find(const HostId& host) const;

  // A try of `run`, which may be null, ended or was not made. Returns who waits
  // for it, usually nobody (null); a newer run keeps its own, and its turn.
  // `again`: it is kept for the next try.
  RewriteDone OnTried(const HostId& host, const Run& run, bool again);

  // Gives up all. Returns who waited.
  std::vector<std::pair<HostId, RewriteDone>> Clear();

  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    Run run;
    RewriteDone done;
  };

  const size_t max_bytes_;
  absl::flat_hash_map<HostId, Entry> entries_;
  size_t bytes_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_PENDING_OHAI_H_
