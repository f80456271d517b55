// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_RESYNC_OPERATIONS_H_
#define CONTROLLER_SYNC_RESYNC_OPERATIONS_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/syncer.h"
#include "proto/ids.h"
#include "rehai/v1/resync.pb.h"

namespace rehai {

// The operators' commands: each an Operation with an outcome per host. Every
// host of an operation ends in exactly one outcome by its deadline. A host at
// which two operations meet is read and written for both.
//
// Thread-safe.
class ResyncOperations {
 public:
  // Asks the source to read a host again; `done` once the observation is
  // merged, or with why it could not be.
  using Reread = absl::AnyInvocable<void(
      const HostId&, absl::AnyInvocable<void(absl::Status)> done)>;
  // Called with an operation's id after it changed, on any thread; returns
  // fast.
  using Listener = absl::AnyInvocable<void(const std::string& id)>;

  struct Options {
    int hosts_at_once = 32;  // of one operation
    absl::Duration host_deadline =
        absl::Minutes(2);  // each host, from its begin
    int kept = 100;        // ended operations remembered
  };

  ResyncOperations(Options options, const Inventory& inventory, Syncer& syncer,
                   Reread reread, const Clock& clock);
  ~ResyncOperations();

  // Before any operation is started.
  void AddListener(Listener listener);

  void Start();
  // Ends what runs: hosts not done are CANCELED.
  void Stop();

  // Begins an operation. kInvalidArgument: no mode; kNotFound: a named host is
  // unknown (the message names it); kFailedPrecondition: no host matches;
  // kResourceExhausted: too many run already.
  absl::StatusOr<v1::Operation> Begin(const v1::HostSelector& selector,
                                      const std::vector<v1::ResyncMode>& modes);

  // kNotFound: never was, or is forgotten.
  absl::StatusOr<v1::Operation> Get(const std::string& id) const;
  absl::StatusOr<v1::Operation> Cancel(const std::string& id);
};

// True if the record is one that the selector means.
bool Matches(const v1::HostSelector& selector, const v1::Record& record);

}  // namespace rehai

#endif  // CONTROLLER_SYNC_RESYNC_OPERATIONS_H_
