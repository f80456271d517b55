// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_DISCOVERY_CHEF_SEARCH_H_
#define CONTROLLER_DISCOVERY_CHEF_SEARCH_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "chef/node_query.h"
#include "controller/discovery/found_host.h"
#include "controller/discovery/uri_template.h"

// What is asked of the Chef server, and what its answer means. Pure functions.
namespace rehai {

// Nodes that are hosts.
struct ChefSearch {
  std::string query;
  UriTemplate uri;
  // Labels, each from the path of an attribute.
  std::map<std::string, std::string> labels = {};
  // Between one answer and the next question, give or take a tenth.
  absl::Duration interval = absl::Minutes(5);

  std::string name() const { return "chef search " + query; }
};

// The question, with the attributes under their dotted paths.
chef::NodeQuery::Question QuestionOf(const ChefSearch& search);

struct SearchedHosts {
  std::vector<FoundHost> hosts;  // sorted by node
  // Nodes that cannot be hosts, and why: "node hv1 has no fqdn; ...".
  std::vector<std::string> refused;
};

// The hosts that an answer tells of. A node of which no URI can be made, or
// with a name that no node can have, is refused; if it was a host in `before`,
// the last set, it stays as it was. Of labels, strings and numbers are taken.
SearchedHosts HostsOf(const ChefSearch& search,
                      const chef::NodeQuery::Answer& answer,
                      const std::vector<FoundHost>& before);

}  // namespace rehai

#endif  // CONTROLLER_DISCOVERY_CHEF_SEARCH_H_
