// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_ENROLMENT_AGENT_NAMES_H_
#define CONTROLLER_ENROLMENT_AGENT_NAMES_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "proto/ids.h"

// For which host a certificate lets an agent speak. Pure.
//
// It says so by its subject alternative names, never by its common name:
//   URI rehai:node:NODE   the Chef node's name; what the controller issues
//   URI urn:uuid:UUID     libvirt's host UUID
//   DNS NAME              the Chef node's name, as certificates of other
//                         authorities have it
// A wildcard names no host.
namespace rehai {

struct AgentNames {
  std::set<std::string> nodes;
  std::set<std::string> host_uuids;  // lower case

  bool empty() const { return nodes.empty() && host_uuids.empty(); }
};

// Of the names as TLS gives them: URIs and DNS names.
AgentNames ReadAgentNames(const std::vector<std::string>& uris,
                          const std::vector<std::string>& dns_names);

// The URI for a node's name.
std::string NodeUri(const HostId& host);

// OK if the certificate is this host's. A certificate that names host UUIDs
// needs the agent's to be one of them, and one that names nodes needs the node:
// both, if it names both. kPermissionDenied says what the certificate is for.
absl::Status MaySpeakFor(const AgentNames& names, const HostId& host,
                         absl::string_view host_uuid);

}  // namespace rehai

#endif  // CONTROLLER_ENROLMENT_AGENT_NAMES_H_
