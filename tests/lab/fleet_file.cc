// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/lab/fleet_file.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/file.h"

namespace rehai::lab {
namespace {

constexpr int kHostsPerRack = 20;

}  // namespace

std::vector<WatchedHost> HostsOf(Lab& lab) {
  std::vector<WatchedHost> hosts;
  for (int i = 0; i < lab.size(); ++i) {
    hosts.push_back({lab.host(i).node(), lab.host(i).uri()});
  }
  return hosts;
}

std::vector<WatchedHost> FleetOf(Lab& lab) {
  std::vector<WatchedHost> hosts;
  for (int i = 0; i < lab.size(); ++i) {
    const Host& host = lab.host(i);
    hosts.push_back(
        {host.node(),
         host.bare_uri(),
         {{"driver", host.driver() == Driver::kQemu ? "qemu" : "test"},
          {"rack", absl::StrCat("r", i / kHostsPerRack + 1)}}});
  }
  return hosts;
}

std::string PullSsh(const Lab& lab) {
  return absl::StrCat("pull:\n  ssh:\n    key_file: ", lab.key_file(),
                      "\n    known_hosts_file: ", lab.known_hosts_file(),
                      "\n    config_file: ", lab.ssh_hosts_file(), "\n");
}

std::string HostsYaml(const std::vector<WatchedHost>& hosts) {
  std::string yaml;
  for (const WatchedHost& host : hosts) {
    absl::StrAppend(&yaml, "  - {node: '", host.node, "'");
    if (!host.uri.empty()) absl::StrAppend(&yaml, ", uri: '", host.uri, "'");
    if (!host.labels.empty()) {
      absl::StrAppend(
          &yaml, ", labels: {",
          absl::StrJoin(host.labels, ", ", absl::PairFormatter(": ")), "}");
    }
    absl::StrAppend(&yaml, "}\n");
  }
  return yaml;
}

absl::Status WriteFleetFile(const std::string& path,
                            const std::vector<WatchedHost>& hosts) {
  const std::string yaml = absl::StrCat("hosts:", hosts.empty() ? " []" : "",
                                        "\n", HostsYaml(hosts));
  return WriteFileAtomically(path, absl::string_view(yaml.data(), yaml.size()),
                             0644);
}

}  // namespace rehai::lab
