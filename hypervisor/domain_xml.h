// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef HYPERVISOR_DOMAIN_XML_H_
#define HYPERVISOR_DOMAIN_XML_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "rehai/v1/model.pb.h"

// What libvirt's XML says. Pure functions; any input is safe.
namespace rehai::hypervisor {

// The guest that a domain's definition describes: everything but what only
// other calls know (state and reason, autostart, persistence, saved image,
// messages, addresses, whether the security label is enforced, CPU time).
// kInvalidArgument: not a domain, or without name or UUID, or with a number
// that is none.
absl::StatusOr<v1::Guest> ParseDomainXml(absl::string_view xml);

struct NetworkDefinition {
  std::string bridge;  // empty: none
  bool serves_dhcp = false;
};

// kInvalidArgument: not a network.
absl::StatusOr<NetworkDefinition> ParseNetworkXml(absl::string_view xml);

// The host's UUID in a driver's capabilities; empty if they have none, as the
// test driver's. kInvalidArgument: not capabilities.
absl::StatusOr<std::string> HostUuidOfCapabilities(absl::string_view xml);

}  // namespace rehai::hypervisor

#endif  // HYPERVISOR_DOMAIN_XML_H_
