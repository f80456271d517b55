// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/witness.h"

#include <utility>

#include "controller/api/checks_service.h"
#include "controller/api/explain_service.h"
#include "controller/api/visibility_service.h"

namespace rehai {
namespace {

std::vector<HostId> NodesOf(const Sightings& seen) {
  std::vector<HostId> nodes;
  nodes.reserve(seen.size());
  for (const auto& [host, marks] : seen) nodes.push_back(host);
  return nodes;
}

}  // namespace

Witness::Witness(Inventory& inventory, Syncer& syncer,
                 const chef::RenderingOptions& renderings,
                 FleetChecks::Options checks, const Clock& clock)
    : inventory_(inventory),
      syncer_(syncer),
      renderings_(renderings),
      receipts_(clock),
      guests_(
          inventory, receipts_,
          {.status =
               [&syncer](const HostId& host) { return syncer.Status(host); },
           .sweep = [&syncer] { return syncer.ChefStatus().sweep(); }}),
      waits_(
          {},
          [this](const v1::WaitVisibleRequest& request) {
            return guests_.Look(request);
          },
          [&syncer] { syncer.SweepSoon(); }, clock),
      checks_(
          std::move(checks), inventory,
          [&syncer](const HostId& host) { return syncer.Status(host); },
          clock) {
  receipts_.AddListener([this](const HostId& host) { waits_.OnNews(host); });
  inventory.AddListener(
      [this](const Change& change) { receipts_.OnChange(change); });
  syncer.AddProgressListener([this](const std::vector<Progress>& progress) {
    receipts_.OnProgress(progress);
  });
  syncer.AddSearchListener([this](const Sightings& seen, absl::Time asked_at) {
    checks_.OnSearched(NodesOf(seen), asked_at);
  });
}

void Witness::Restore(const std::vector<v1::StoredNode>& nodes) {
  std::vector<v1::StoredNode> known;
  for (const v1::StoredNode& node : nodes) {
    if (inventory_.Find(HostId{node.node()}) != nullptr) known.push_back(node);
  }
  receipts_.Restore(known);
}

std::vector<NamedService> Witness::Services() {
  std::vector<NamedService> services;
  services.push_back(
      {"rehai.v1.Visibility", MakeVisibilityService(guests_, waits_)});
  ExplainSources sources = {
      .renderings = renderings_,
      .read =
          [this](const HostId& host, ExplainSources::ReadDone done) {
            syncer_.Read(host, std::move(done));
          },
      .status = [this](const HostId& host) { return syncer_.Status(host); },
      .sweep = [this] { return syncer_.ChefStatus().sweep(); }};
  services.push_back({"rehai.v1.Explanations",
                      MakeExplainService(inventory_, std::move(sources))});
  services.push_back({"rehai.v1.Checks",
                      MakeChecksService([this] { return checks_.Last(); })});
  return services;
}

void Witness::Start() {
  waits_.Start();
  checks_.Start();
}

void Witness::Stop() {
  waits_.Stop();
  checks_.Stop();
}

std::map<v1::FindingType, int64_t> Witness::FindingCounts() const {
  return CountFindings(*checks_.Last());
}

}  // namespace rehai
