// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/hosts_file.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/yaml.h"
#include "chef/node_name.h"

namespace rehai {

std::vector<FoundHost> ReadHosts(
    const google::protobuf::RepeatedPtrField<v1::HostConfig>& list,
    const std::string& key, const std::string& found_by, HostUri uri,
    Complain complain) {
  std::vector<FoundHost> hosts;
  std::set<std::string> nodes;
  for (int i = 0; i < list.size(); ++i) {
    const v1::HostConfig& host = list[i];
    const std::string at = absl::StrCat(key, "[", i, "]");
    if (host.node().empty()) {
      complain(at, "has no node; give the name of its Chef node");
    } else if (absl::Status named = chef::CheckNodeName(host.node());
               !named.ok()) {
      complain(at, named.message());
    } else if (!nodes.insert(host.node()).second) {
      complain(
          at, absl::StrCat("node ", host.node(), " is listed twice; keep one"));
    }
    const bool may_be_left_out = uri == HostUri::kOptional;
    if (!absl::StrContains(host.uri(), ":") &&
        !(host.uri().empty() && may_be_left_out)) {
      complain(at, absl::StrCat("uri \"", host.uri(),
                                "\" is not a libvirt URI; write it like "
                                "qemu+ssh://root@hv1.example.com/system"));
    }
    hosts.push_back({.host = {host.node()},
                     .uri = host.uri(),
                     .labels = {host.labels().begin(), host.labels().end()},
                     .found_by = found_by});
  }
  return hosts;
}

absl::StatusOr<std::vector<FoundHost>> ParseHostsFile(
    const std::string& file_name, const std::string& text, HostUri uri) {
  v1::HostsFile file;
  RETURN_IF_ERROR(ParseYaml(file_name, text, file));
  std::vector<std::string> problems;
  const auto complain = [&](absl::string_view key, absl::string_view problem) {
    problems.push_back(absl::StrCat(file_name, ": ", key, ": ", problem));
  };
  std::vector<FoundHost> hosts =
      ReadHosts(file.hosts(), "hosts", file_name, uri, complain);
  if (hosts.empty() && !absl::StrContains(text, "[]")) {
    complain("hosts", "no host; if none is meant, write hosts: []");
  }
  if (!problems.empty()) {
    return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  }
  return hosts;
}

}  // namespace rehai
