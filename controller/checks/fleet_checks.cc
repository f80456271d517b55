// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/checks/fleet_checks.h"

#include <pthread.h>

#include <algorithm>

#include "base/log.h"
#include "base/proto_time.h"

namespace rehai {
namespace {

// The times of hosts that are no more are forgotten.
void KeepThese(const FleetView& view,
               absl::flat_hash_map<HostId, absl::Time>& times) {
  absl::erase_if(times, [&view](const auto& entry) {
    const auto it = std::lower_bound(
        view.records.begin(), view.records.end(), entry.first.node,
        [](const RecordPtr& record, const std::string& node) {
          return record->node() < node;
        });
    return it == view.records.end() || (*it)->node() != entry.first.node;
  });
}

}  // namespace

FleetChecks::FleetChecks(Options options, const Inventory& inventory,
                         std::function<v1::SyncStatus(const HostId&)> status,
                         const Clock& clock)
    : options_(std::move(options)),
      inventory_(inventory),
      status_(std::move(status)),
      clock_(clock) {}

FleetChecks::~FleetChecks() { Stop(); }

void FleetChecks::Start() {
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "checks");
    Run();
  });
}

void FleetChecks::Run() {
  while (true) {
    const absl::Duration next_tick = clock_.Uptime() + options_.interval;
    Tick();
    MutexLock lock(mu_);
    while (!stopping_ && clock_.Uptime() < next_tick) {
      clock_.WaitUntil(next_tick, mu_, cv_);
    }
    if (stopping_) return;
  }
}

void FleetChecks::Stop() {
  {
    MutexLock lock(mu_);
    stopping_ = true;
    cv_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void FleetChecks::OnSearched(std::vector<HostId> stamped, absl::Time asked_at) {
  MutexLock lock(mu_);
  if (asked_at < searched_at_) return;
  stamped_ = std::move(stamped);
  searched_at_ = asked_at;
}

std::shared_ptr<const Findings> FleetChecks::Last() const {
  MutexLock lock(mu_);
  return last_;
}

void FleetChecks::Tick() {
  const absl::Time now = clock_.Now();
  const std::shared_ptr<const FleetView> view = inventory_.View();
  if (checked_view_ == nullptr || checked_view_->revision != view->revision) {
    guest_findings_ = CheckGuests(*view);
    checked_view_ = view;
  }
  const std::vector<HostSync> syncs = Syncs(*view, now);
  auto findings = std::make_shared<Findings>();
  std::optional<std::vector<HostId>> stamped;
  {
    MutexLock lock(mu_);
    stamped = stamped_;
    findings->chef_searched_at = searched_at_;
  }
  findings->checked_at = now;
  findings->revision = view->revision;
  findings->findings = guest_findings_;
  for (v1::Finding& finding :
       CheckHosts(*view, syncs, stamped, known_since_, options_.limits, now)) {
    findings->findings.push_back(std::move(finding));
  }
  const auto is_ignored = [this](const v1::Finding& finding) {
    return options_.ignored.contains(finding.type());
  };
  findings->findings.erase(std::remove_if(findings->findings.begin(),
                                          findings->findings.end(), is_ignored),
                           findings->findings.end());
  Date(findings->findings, now);
  MutexLock lock(mu_);
  last_ = std::move(findings);
}

std::vector<HostSync> FleetChecks::Syncs(const FleetView& view,
                                         absl::Time now) {
  KeepThese(view, unsynced_since_);
  KeepThese(view, known_since_);
  std::vector<HostSync> syncs;
  syncs.reserve(view.records.size());
  for (const RecordPtr& record : view.records) {
    const HostId host{record->node()};
    if (record->presence() == v1::PRESENCE_NEVER_SEEN) {
      known_since_.try_emplace(host, now);
    } else {
      known_since_.erase(host);
    }
    HostSync sync{.status = status_(host)};
    switch (sync.status.state()) {
      case v1::SYNC_STATE_PENDING:
      case v1::SYNC_STATE_PARKED:
      case v1::SYNC_STATE_HELD:
        sync.unsynced_since =
            unsynced_since_.try_emplace(host, now).first->second;
        break;
      default:
        // In a dry run nothing is meant to be in Chef.
        unsynced_since_.erase(host);
    }
    syncs.push_back(std::move(sync));
  }
  return syncs;
}

void FleetChecks::Date(std::vector<v1::Finding>& findings, absl::Time now) {
  std::map<Key, absl::Time> dated;
  int logged = 0;
  for (v1::Finding& finding : findings) {
    const Key key{finding.type(), finding.subject()};
    const auto before = since_.find(key);
    const bool is_new = before == since_.end();
    const absl::Time since = is_new ? now : before->second;
    if (!finding.has_since()) *finding.mutable_since() = ToProto(since);
    dated.emplace(key, since);
    if (is_new && ++logged <= kMostLogged) {
      log::Warning("finding", {{"type", v1::FindingType_Name(finding.type())},
                               {"message", finding.message()}});
    }
  }
  if (logged > kMostLogged) {
    log::Warning("finding: more than are told of one by one",
                 {{"new", logged}, {"told", kMostLogged}});
  }
  int over = 0;
  for (const auto& [key, since] : since_) {
    if (dated.contains(key) || ++over > kMostLogged) continue;
    log::Info("finding: over", {{"type", v1::FindingType_Name(key.first)},
                                {"subject", key.second}});
  }
  since_ = std::move(dated);
}

}  // namespace rehai
