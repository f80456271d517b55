// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/identities.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

// What boards report that were never given a UUID of their own. They say
// nothing of who answers.
constexpr std::array<const char*, 3> kNobodysUuids = {
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "03000200-0400-0500-0006-000700080009",
};

// The form in which UUIDs are compared; empty if it is nobody's.
std::string Comparable(const std::string& uuid) {
  std::string lower = absl::AsciiStrToLower(uuid);
  const bool is_nobodys = std::find(kNobodysUuids.begin(), kNobodysUuids.end(),
                                    lower) != kNobodysUuids.end();
  return is_nobodys ? "" : lower;
}

std::string Names(const std::vector<HostId>& hosts) {
  return absl::StrJoin(hosts, ", ", [](std::string* out, const HostId& host) {
    out->append(host.node);
  });
}

std::string DuplicateMessage(const HostId& host, const std::string& uuid,
                             const std::vector<HostId>& twins) {
  return absl::StrCat(
      "host ", host.node, ": answers with the libvirt host UUID ", uuid,
      ", and so does ", Names(twins),
      "; none of them is believed or written: if two URIs lead to one "
      "hypervisor, correct them, else give each its own host_uuid in "
      "libvirtd.conf");
}

std::string ChangedMessage(const HostId& host, const std::string& believed,
                           const std::string& answered) {
  return absl::StrCat(
      "host ", host.node, ": answers with the libvirt host UUID ", answered,
      " and was known by ", believed,
      "; it is neither believed nor written: if the machine was replaced, "
      "`rehaictl source accept ",
      host.node, "`, else correct its URI");
}

}  // namespace

HostIdentities::Verdict HostIdentities::Answered(const HostId& host,
                                                 const std::string& uuid) {
  Identity& identity = hosts_[host];
  std::string answered = Comparable(uuid);
  std::set<HostId> touched;
  if (answered != identity.answered) {
    touched = Withdraw(host, identity);
    if (!answered.empty()) {
      std::set<HostId>& same = answers_[answered];
      touched.insert(same.begin(), same.end());
      same.insert(host);
    }
    identity.answered = std::move(answered);
  }
  touched.insert(host);
  Verdict verdict;
  for (const HostId& each : touched) Review(each, verdict.findings);
  verdict.believed = identity.standing.empty();
  return verdict;
}

void HostIdentities::Restore(const HostId& host, const std::string& uuid) {
  hosts_[host].believed = Comparable(uuid);
}

std::vector<HostIdentities::Finding> HostIdentities::Left(const HostId& host) {
  std::vector<Finding> findings;
  const auto found = hosts_.find(host);
  if (found == hosts_.end()) return findings;
  for (const auto& [type, message] : found->second.standing) {
    findings.push_back({.host = host, .type = type, .condition = std::nullopt});
  }
  const std::set<HostId> touched = Withdraw(host, found->second);
  hosts_.erase(found);
  for (const HostId& each : touched) Review(each, findings);
  return findings;
}

absl::StatusOr<HostIdentities::Accepted> HostIdentities::Accept(
    const HostId& host) {
  const auto found = hosts_.find(host);
  if (found == hosts_.end() || found->second.standing.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("host ", host.node,
                     ": its libvirt host UUID has not changed, so there is "
                     "nothing to accept; see its conditions"));
  }
  Identity& identity = found->second;
  if (const std::vector<HostId> twins = Twins(host, identity); !twins.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        "host ", host.node, ": its libvirt host UUID ", identity.answered,
        " is also that of ", Names(twins),
        "; correct the URIs, or take the other out of the fleet, first"));
  }
  identity.believed = identity.answered;
  Accepted accepted{.uuid = identity.believed, .findings = {}};
  Review(host, accepted.findings);
  return accepted;
}

std::vector<HostId> HostIdentities::Twins(const HostId& host,
                                          const Identity& identity) const {
  std::vector<HostId> twins;
  const auto same = answers_.find(identity.answered);
  if (same == answers_.end()) return twins;
  for (const HostId& each : same->second) {
    if (each != host) twins.push_back(each);
  }
  return twins;
}

std::map<std::string, std::string> HostIdentities::Conditions(
    const HostId& host, const Identity& identity) const {
  std::map<std::string, std::string> conditions;
  const std::vector<HostId> twins = Twins(host, identity);
  if (!twins.empty()) {
    conditions[kDuplicateHostUuid] =
        DuplicateMessage(host, identity.answered, twins);
  }
  if (!identity.answered.empty() && !identity.believed.empty() &&
      identity.answered != identity.believed) {
    conditions[kHostUuidChanged] =
        ChangedMessage(host, identity.believed, identity.answered);
  }
  return conditions;
}

std::set<HostId> HostIdentities::Withdraw(const HostId& host,
                                          Identity& identity) {
  std::set<HostId> others;
  const auto same = answers_.find(identity.answered);
  if (same != answers_.end()) {
    same->second.erase(host);
    others = same->second;
    if (others.empty()) answers_.erase(same);
  }
  identity.answered.clear();
  return others;
}

void HostIdentities::Review(const HostId& host,
                            std::vector<Finding>& findings) {
  Identity& identity = hosts_.at(host);
  std::map<std::string, std::string> now = Conditions(host, identity);
  for (const auto& [type, message] : now) {
    const auto before = identity.standing.find(type);
    if (before != identity.standing.end() && before->second == message) {
      continue;
    }
    v1::Condition condition;
    condition.set_type(type);
    condition.set_message(message);
    findings.push_back(
        {.host = host, .type = type, .condition = std::move(condition)});
  }
  for (const auto& [type, message] : identity.standing) {
    if (now.contains(type)) continue;
    findings.push_back({.host = host, .type = type, .condition = std::nullopt});
  }
  identity.standing = std::move(now);
  // The first one that only this host answers with is what it is known by.
  if (identity.standing.empty() && !identity.answered.empty()) {
    identity.believed = identity.answered;
  }
}

}  // namespace rehai
