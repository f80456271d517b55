// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_PROVIDER_H_
#define CONTROLLER_DISCOVERY_PROVIDER_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "controller/discovery/found_host.h"

namespace rehai {

// A place where hosts are looked for, and what was found there.
struct Provider {
  // "config", a file's name, "chef search QUERY".
  std::string name;
  // The whole last set that could be used: an error leaves it as it was.
  std::vector<FoundHost> hosts = {};
  // Wall time of that set; InfinitePast if there was none yet.
  absl::Time good_at = absl::InfinitePast();
  // Why the last look could not be used, or not all of it; empty if it could.
  std::string error = {};
};

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_PROVIDER_H_
