// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_DEAF_LISTENER_H_
#define HYPERVISOR_DEAF_LISTENER_H_

#include <string>

#include "hypervisor/connection.h"
#include "proto/ids.h"

namespace rehai::hypervisor {

// For who reads and does not care what happens afterwards.
class DeafListener final : public Listener {
 public:
  void OnGuestEvent(const GuestId&, GuestEvent) override {}
  void OnHostEvent() override {}
  void OnClosed(const std::string&) override {}
};

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_DEAF_LISTENER_H_
