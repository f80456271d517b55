// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_HOST_NAME_H_
#define AGENT_HOST_NAME_H_

#include <string>

#include "absl/status/statusor.h"

namespace rehai::agent {

// What this machine is called, as far as it is known; empty where it is not.
struct HostNames {
  std::string hostname;   // as the kernel has it
  std::string canonical;  // what the resolver makes of that
  std::string reverse;    // what the resolver calls its address
};

// Asks the resolver, so it may block as long as that does: seconds.
HostNames LookUpHostNames();

// The name that chef-client gives a node whose client.rb has no node_name: the
// full one, or without a resolver that knows it the hostname. kNotFound: the
// machine has no name at all. Pure.
absl::StatusOr<std::string> NodeNameOf(const HostNames& names);

}  // namespace rehai::agent

#endif  // AGENT_HOST_NAME_H_
