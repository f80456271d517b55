// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_SUBSCRIPTION_H_
#define HYPERVISOR_SUBSCRIPTION_H_

#include <libvirt/libvirt.h>

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "hypervisor/listener_gate.h"

namespace rehai::hypervisor {

// Everything that a connection is told about on the event loop: its guests'
// events, its networks' and pools', and its end. The callbacks pass a hint to
// the gate and do nothing else. Not thread-safe: one call at a time.
class Subscription {
 public:
  // Neither is used before Start().
  Subscription(virConnectPtr connection, std::shared_ptr<ListenerGate> gate);
  // Stop() must have been called if Start() was.
  ~Subscription() = default;
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;

  // Subscribes; to the end of the connection only if it `can_end`. Without the
  // guests' lifecycle there is no use in going on; any other event that this
  // driver does not have is done without.
  absl::Status Start(absl::string_view subject, bool can_end);

  // Takes back what Start() registered; without this libvirt leaks the
  // connection when it is closed. Blocks as any call does.
  void Stop();

 private:
  void* NewOpaque() const;
  absl::Status StartGuestEvents(absl::string_view subject);
  void StartHostEvents();

  const virConnectPtr connection_;
  const std::shared_ptr<ListenerGate> gate_;
  bool close_registered_ = false;
  std::vector<int> guest_callbacks_;
  std::vector<int> network_callbacks_;
  std::vector<int> pool_callbacks_;
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_SUBSCRIPTION_H_
