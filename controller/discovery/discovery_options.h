// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_DISCOVERY_OPTIONS_H_
#define CONTROLLER_DISCOVERY_DISCOVERY_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "controller/discovery/brake.h"
#include "controller/discovery/chef_search.h"
#include "controller/discovery/found_host.h"
#include "controller/discovery/hosts_file.h"
#include "controller/discovery/search_turns.h"
#include "rehai/v1/config.pb.h"

namespace rehai {

// Where to look for hosts.
struct DiscoveryOptions {
  std::vector<FoundHost> static_hosts;
  HostUri host_uri = HostUri::kNeeded;  // also in files
  // As HostFiles takes them; see CheckHostFiles() for what is in them.
  std::vector<std::string> files;
  // The longest time between two looks at the files.
  absl::Duration file_interval = absl::Seconds(10);
  // What takes hosts away is looked at again after this.
  absl::Duration second_look = absl::Seconds(1);
  std::vector<ChefSearch> chef_searches;
  SearchTurns::Options turns;
  FleetBrakeOptions brake;
};

// The options that `config.hosts` and `config.discovery` mean. Relative file
// names are taken from `folder`. Everything that is wrong is complained about,
// and then the options are of no use. Pure: opens no file.
DiscoveryOptions MakeDiscoveryOptions(const v1::ControllerConfig& config,
                                      const std::string& folder,
                                      Complain complain);

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_DISCOVERY_OPTIONS_H_
