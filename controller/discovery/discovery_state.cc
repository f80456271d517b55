// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/discovery_state.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/log.h"
#include "base/proto_time.h"
#include "controller/discovery/host_set.h"

namespace rehai {
namespace {

std::vector<std::string> ClaimedTwice(const std::vector<FoundHost>& fleet) {
  std::vector<std::string> nodes;
  for (const FoundHost& host : fleet) {
    if (!host.other_claims.empty()) nodes.push_back(host.host.node);
  }
  return nodes;
}

constexpr size_t kNamed = 5;

// "hv1,hv2,hv3,hv4,hv5,..."
std::string FirstOf(const std::vector<std::string>& nodes) {
  if (nodes.size() <= kNamed) return absl::StrJoin(nodes, ",");
  return absl::StrJoin(nodes.begin(), nodes.begin() + kNamed, ",") + ",...";
}

void LogProvider(const Provider& before, const Provider& after) {
  const HostSetChange change = CompareHosts(before.hosts, after.hosts);
  if (change.Any()) {
    log::Info("hosts found", {{"by", after.name},
                              {"hosts", after.hosts.size()},
                              {"added", change.added},
                              {"removed", change.removed},
                              {"changed", change.changed}});
  }
  if (before.error == after.error) return;
  if (after.error.empty()) {
    log::Info("host discovery works again", {{"by", after.name}});
  } else {
    log::Warning("host discovery has a problem", {{"by", after.name},
                                                  {"kept", after.hosts.size()},
                                                  {"error", after.error}});
  }
}

void LogProviders(const std::vector<Provider>& before,
                  const std::vector<Provider>& after) {
  std::map<std::string, const Provider*> old;
  for (const Provider& provider : before) old[provider.name] = &provider;
  for (const Provider& provider : after) {
    const auto found = old.find(provider.name);
    LogProvider(found == old.end() ? Provider() : *found->second, provider);
    if (found != old.end()) old.erase(found);
  }
  for (const auto& [name, provider] : old) {
    LogProvider(*provider, {.name = name});
  }
}

void LogHeld(const std::vector<std::string>& before,
             const std::vector<std::string>& after) {
  if (before == after) return;
  if (after.empty()) {
    log::Info("hosts that were held are found again",
              {{"hosts", before.size()}});
  } else {
    log::Warning(
        "hosts are not found any more and are held",
        {{"held", after.size()},
         {"nodes", FirstOf(after)},
         {"remedy", "see what discovery finds; confirm if they are gone"}});
  }
}

void LogClaims(const std::vector<FoundHost>& before,
               const std::vector<FoundHost>& after) {
  const std::vector<std::string> claimed = ClaimedTwice(after);
  if (claimed == ClaimedTwice(before)) return;
  if (claimed.empty()) {
    log::Info("every node has one URI again");
  } else {
    log::Warning("nodes have several URIs",
                 {{"count", claimed.size()}, {"nodes", FirstOf(claimed)}});
  }
}

}  // namespace

DiscoveryState NextState(const DiscoveryState& state,
                         std::vector<Provider> providers, bool all_answered,
                         const FleetBrakeOptions& brake, absl::Time now) {
  std::vector<const std::vector<FoundHost>*> sets;
  sets.reserve(providers.size());
  for (const Provider& provider : providers) sets.push_back(&provider.hosts);
  std::vector<FoundHost> wanted = MergeHosts(sets, state.fleet);
  if (!all_answered) {
    std::vector<FoundHost> missing = MissingHosts(state.fleet, wanted);
    wanted = JoinHosts(std::move(wanted), std::move(missing));
  }
  BrakedFleet braked = Brake(brake, state.fleet, std::move(wanted), state.held);
  return {.providers = std::move(providers),
          .fleet = std::move(braked.fleet),
          .held = std::move(braked.held),
          .held_since = state.held.empty() ? now : state.held_since};
}

absl::StatusOr<std::vector<std::string>> ConfirmHeld(int expected_held,
                                                     DiscoveryState& state) {
  if (state.held.empty()) {
    return absl::FailedPreconditionError(
        "discovery holds no host; there is nothing to confirm");
  }
  if (expected_held != static_cast<int>(state.held.size())) {
    return absl::FailedPreconditionError(
        absl::StrCat("discovery holds ", state.held.size(), " hosts, not ",
                     expected_held, "; look at them again, and confirm ",
                     state.held.size(), " if they are gone"));
  }
  std::erase_if(state.fleet, [&state](const FoundHost& host) {
    return std::binary_search(state.held.begin(), state.held.end(),
                              host.host.node);
  });
  return std::exchange(state.held, {});
}

v1::DiscoveryStatus ToProto(const DiscoveryState& state) {
  v1::DiscoveryStatus proto;
  for (const Provider& provider : state.providers) {
    v1::DiscoveryProvider& out = *proto.add_providers();
    out.set_name(provider.name);
    out.set_hosts(static_cast<int64_t>(provider.hosts.size()));
    if (provider.good_at != absl::InfinitePast()) {
      *out.mutable_good_at() = rehai::ToProto(provider.good_at);
    }
    out.set_error(provider.error);
  }
  proto.set_hosts(static_cast<int64_t>(state.fleet.size()));
  for (const std::string& node : state.held) proto.add_held(node);
  if (!state.held.empty()) {
    *proto.mutable_held_since() = rehai::ToProto(state.held_since);
  }
  for (const std::string& node : ClaimedTwice(state.fleet)) {
    proto.add_claimed_twice(node);
  }
  return proto;
}

void LogTransition(const DiscoveryState& before, const DiscoveryState& after) {
  LogProviders(before.providers, after.providers);
  LogHeld(before.held, after.held);
  LogClaims(before.fleet, after.fleet);
}

}  // namespace rehai
