// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/host_set.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

// The claims to one node, each URI once, in the order of the providers.
using Claims = std::vector<FoundHost>;

void AddClaim(const FoundHost& host, Claims& claims) {
  for (FoundHost& claim : claims) {
    // Who names no URI contradicts nobody.
    if (claim.uri.empty() || host.uri.empty() || claim.uri == host.uri) {
      if (claim.uri.empty()) claim.uri = host.uri;
      claim.labels.insert(host.labels.begin(), host.labels.end());
      return;
    }
  }
  claims.push_back(host);
}

// `uri_until_now`: null if the host is new.
FoundHost Settle(Claims claims, const std::string* uri_until_now) {
  auto main = claims.begin();
  for (auto claim = claims.begin(); claim != claims.end(); ++claim) {
    if (uri_until_now != nullptr && claim->uri == *uri_until_now) main = claim;
  }
  FoundHost host = *main;
  for (auto claim = claims.begin(); claim != claims.end(); ++claim) {
    if (claim == main) continue;
    host.other_claims.push_back(
        absl::StrCat(claim->uri, " (", claim->found_by, ")"));
  }
  return host;
}

}  // namespace

std::vector<FoundHost> MergeHosts(
    const std::vector<const std::vector<FoundHost>*>& sets,
    const std::vector<FoundHost>& fleet) {
  absl::flat_hash_map<HostId, const std::string*> uris;
  for (const FoundHost& host : fleet) uris[host.host] = &host.uri;
  std::map<HostId, Claims> claims;
  for (const std::vector<FoundHost>* set : sets) {
    for (const FoundHost& host : *set) AddClaim(host, claims[host.host]);
  }
  std::vector<FoundHost> merged;
  merged.reserve(claims.size());
  for (auto& [id, of_node] : claims) {
    const auto until_now = uris.find(id);
    merged.push_back(Settle(std::move(of_node), until_now == uris.end()
                                                    ? nullptr
                                                    : until_now->second));
  }
  return merged;
}

HostSetChange CompareHosts(const std::vector<FoundHost>& before,
                           const std::vector<FoundHost>& after) {
  absl::flat_hash_map<HostId, const FoundHost*> old;
  for (const FoundHost& host : before) old[host.host] = &host;
  HostSetChange change;
  for (const FoundHost& host : after) {
    const auto found = old.find(host.host);
    if (found == old.end()) {
      ++change.added;
      continue;
    }
    if (*found->second != host) ++change.changed;
    old.erase(found);
  }
  change.removed = static_cast<int>(old.size());
  return change;
}

std::vector<FoundHost> MissingHosts(const std::vector<FoundHost>& before,
                                    const std::vector<FoundHost>& after) {
  absl::flat_hash_set<HostId> there;
  for (const FoundHost& host : after) there.insert(host.host);
  std::vector<FoundHost> missing;
  std::copy_if(
      before.begin(), before.end(), std::back_inserter(missing),
      [&there](const FoundHost& host) { return !there.contains(host.host); });
  return missing;
}

std::vector<FoundHost> JoinHosts(std::vector<FoundHost> some,
                                 std::vector<FoundHost> others) {
  std::vector<FoundHost> all;
  all.reserve(some.size() + others.size());
  std::merge(
      std::make_move_iterator(some.begin()),
      std::make_move_iterator(some.end()),
      std::make_move_iterator(others.begin()),
      std::make_move_iterator(others.end()), std::back_inserter(all),
      [](const FoundHost& a, const FoundHost& b) { return a.host < b.host; });
  return all;
}

}  // namespace rehai
