// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/enrolment/agent_names.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace rehai {
namespace {

constexpr char kNodePrefix[] = "rehai:node:";
constexpr char kUuidPrefix[] = "urn:uuid:";

std::string Owners(const AgentNames& names) {
  if (names.empty()) return "names no host";
  std::string text = "is for";
  if (!names.nodes.empty()) {
    absl::StrAppend(&text, " node ", absl::StrJoin(names.nodes, ", "));
  }
  if (!names.host_uuids.empty()) {
    absl::StrAppend(&text, names.nodes.empty() ? "" : " with", " host UUID ",
                    absl::StrJoin(names.host_uuids, ", "));
  }
  return text;
}

}  // namespace

AgentNames ReadAgentNames(const std::vector<std::string>& uris,
                          const std::vector<std::string>& dns_names) {
  AgentNames names;
  for (const std::string& uri : uris) {
    absl::string_view rest(uri.data(), uri.size());
    if (absl::ConsumePrefix(&rest, kNodePrefix)) {
      if (!rest.empty()) names.nodes.emplace(rest);
    } else if (absl::StartsWithIgnoreCase(rest, kUuidPrefix)) {
      rest.remove_prefix(sizeof(kUuidPrefix) - 1);
      if (!rest.empty()) names.host_uuids.insert(absl::AsciiStrToLower(rest));
    }
  }
  for (const std::string& name : dns_names) {
    if (!name.empty() && !absl::StrContains(name, "*")) {
      names.nodes.insert(name);
    }
  }
  return names;
}

std::string NodeUri(const HostId& host) {
  return absl::StrCat(kNodePrefix, host.node);
}

absl::Status MaySpeakFor(const AgentNames& names, const HostId& host,
                         absl::string_view host_uuid) {
  const bool node = names.nodes.empty() || names.nodes.contains(host.node);
  const bool uuid = names.host_uuids.empty() ||
                    names.host_uuids.contains(absl::AsciiStrToLower(host_uuid));
  if (!names.empty() && node && uuid) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat(
      "agent of ", host.node, " (host UUID ",
      host_uuid.empty() ? "none" : host_uuid, "): its certificate ",
      Owners(names), "; enrol the agent with this host's Chef client key"));
}

}  // namespace rehai
