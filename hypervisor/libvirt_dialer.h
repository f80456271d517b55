// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_LIBVIRT_DIALER_H_
#define HYPERVISOR_LIBVIRT_DIALER_H_

#include <memory>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "hypervisor/call_watch.h"
#include "hypervisor/connection.h"

namespace rehai::hypervisor {

// LibvirtDialer opens read-only connections by any libvirt URI and never asks
// for a password or a host key.
//
// libvirt's open has no timeout and cannot be canceled, so each runs on a
// thread of its own. At the deadline the thread's transport is interrupted,
// which ends the open within milliseconds in all but a few states (a resolver
// or a wrapped ssh that does not listen). An open that goes on regardless is
// abandoned: Dial() returns in time, and the thread closes its connection if it
// ever gets one. There is one open at a time to a URI, an abandoned one
// included, so a host can neither pile up threads nor keep others from theirs.
// Thread-safe.
class LibvirtDialer final : public Dialer {
 public:
  // `clock` must outlive it, its connections and abandoned opens.
  explicit LibvirtDialer(const Clock& clock);

  // Connections of this process, whoever dialed them, that libvirt would not
  // let go of when they were closed. Each costs descriptors and an ssh process
  // until the process ends. A bug, if it is not 0; the log has the URI.
  static int LeakedConnections();

  // Returns a moment (a quarter of a second) after options.connect_timeout at
  // the latest; setting up keepalive and events is within it. kUnavailable also
  // while another open to `uri` is under way.
  absl::StatusOr<std::unique_ptr<Connection>> Dial(const std::string& uri,
                                                   const DialOptions& options,
                                                   Listener& listener) override;

 private:
  struct Attempt;
  // The URIs to which an open is under way. Shared with the threads, the
  // abandoned of which outlive us.
  class UrisUnderWay {
   public:
    // False if it was in already.
    bool Add(const std::string& uri);
    void Remove(const std::string& uri);

   private:
    Mutex mu_;
    absl::flat_hash_set<std::string> uris_ ABSL_GUARDED_BY(mu_);
  };

  // What the opening thread does.
  static void Open(const std::shared_ptr<Attempt>& attempt,
                   const std::shared_ptr<UrisUnderWay>& under_way);
  // Gives the result to Dial(), or closes it if it comes too late.
  static void Deliver(Attempt& attempt,
                      absl::StatusOr<std::unique_ptr<Connection>> result);
  // True if the attempt ended by itself before the deadline.
  bool AwaitDone(Attempt& attempt, absl::Duration deadline) const;
  // True if the attempt ended; otherwise it is abandoned from now on.
  bool Interrupt(Attempt& attempt) const;

  const Clock& clock_;
  const std::shared_ptr<CallWatch> watch_;
  const std::shared_ptr<UrisUnderWay> under_way_;
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_LIBVIRT_DIALER_H_
