// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_PULL_SOURCE_H_
#define CONTROLLER_SOURCE_PULL_SOURCE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/backoff.h"
#include "base/clock.h"
#include "controller/inventory/inventory.h"
#include "hypervisor/connection.h"
#include "proto/ids.h"

namespace rehai {

// A hypervisor to hold a connection to.
struct PullHost {
  HostId host;
  std::string uri;
  std::map<std::string, std::string> labels;
};

// PullSource holds a connection to each hypervisor and tells the inventory what
// it reads there.
//
// - Events only make a host due; a read then says what is true.
// - After each connect everything is read, and again every relist interval.
// - At most one call per host is under way, and a slow host holds at most one
//   worker, for no longer than its connection's own bounds.
// - An unreachable host keeps its Record, STALE at once and UNKNOWN later, and
// is
//   dialled again after a wait that grows, with jitter.
//
// Thread-safe. Owns its workers, between Start() and Stop().
class PullSource {
 public:
  struct Options {
    int workers = 8;
    hypervisor::DialOptions dial;
    BackoffOptions reconnect;
    absl::Duration relist_interval = absl::Minutes(5);
    absl::Duration event_window = absl::Milliseconds(20);
    absl::Duration unknown_after = absl::Hours(1);
  };

  // Adds the hosts to the inventory. Everything referred to must outlive this.
  PullSource(Options options, std::vector<PullHost> hosts,
             hypervisor::Dialer& dialer, Inventory& inventory,
             const Clock& clock);
  ~PullSource();

  void Start();
  // Closes every connection and waits for the workers: as long as the slowest
  // call's own bound, not longer.
  void Stop();

  // Reads everything of a host now, dialling at once if it waits to be dialled.
  // `done` once the observation is merged, or with why it could not be; once,
  // on any thread. kNotFound: no such host; kCancelled at Stop().
  void Reread(const HostId& host, absl::AnyInvocable<void(absl::Status)> done);
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_PULL_SOURCE_H_
