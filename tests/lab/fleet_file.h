// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_LAB_FLEET_FILE_H_
#define TESTS_LAB_FLEET_FILE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/lab/lab.h"

namespace rehai::lab {

// A hypervisor as the controller is told of it.
struct WatchedHost {
  std::string node;
  std::string uri = {};  // empty: only an agent tells of it
  std::map<std::string, std::string> labels = {};
};

// The hosts of a lab, in its order, by URIs that bring their own ssh.
std::vector<WatchedHost> HostsOf(Lab& lab);

// The same by bare URIs, for a controller that is configured with PullSsh(),
// with the labels driver (qemu or test) and rack (20 hosts each: r1, r2, ...).
std::vector<WatchedHost> FleetOf(Lab& lab);

// "pull:\n  ssh: {key_file: ..., known_hosts_file: ..., config_file: ...}\n":
// what a controller's configuration needs to reach FleetOf(lab).
std::string PullSsh(const Lab& lab);

// As YAML, the list that goes below "hosts:" in a controller's configuration
// and in the files of its discovery.
std::string HostsYaml(const std::vector<WatchedHost>& hosts);

// Writes what a controller's discovery reads (message HostsFile), at once, as a
// careful operator does. A host that is left out leaves the fleet.
absl::Status WriteFleetFile(const std::string& path,
                            const std::vector<WatchedHost>& hosts);

}  // namespace rehai::lab

#endif  // TESTS_LAB_FLEET_FILE_H_
