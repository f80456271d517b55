// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_CHECKS_FLEET_CHECKS_H_
#define CONTROLLER_CHECKS_FLEET_CHECKS_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "controller/checks/check_fleet.h"
#include "controller/inventory/inventory.h"
#include "proto/ids.h"
#include "rehai/v1/checks.pb.h"
#include "rehai/v1/model.pb.h"

namespace rehai {

// What a check of the fleet found.
struct Findings {
  // In the order of (type, subject).
  std::vector<v1::Finding> findings;
  absl::Time checked_at = absl::InfinitePast();  // not yet
  Revision revision = 0;                         // of the fleet then
  absl::Time chef_searched_at = absl::InfinitePast();
};

// FleetChecks looks every few seconds for what cannot be right in the fleet,
// and remembers since when it has been so.
//
// What is new, and what is over, goes to the log, at most kMostLogged of each
// in one check. Guests are looked at again only after a change.
//
// Thread-safe. Owns one thread, between Start() and Stop(). Leaf lock.
class FleetChecks {
 public:
  static constexpr int kMostLogged = 20;

  struct Options {
    absl::Duration interval = absl::Seconds(5);
    CheckLimits limits = {};
    std::set<v1::FindingType> ignored = {};  // are no findings
  };

  // `status` says where a host's node stands; it is called by the thread only.
  // All referred to must outlive this.
  FleetChecks(Options options, const Inventory& inventory,
              std::function<v1::SyncStatus(const HostId&)> status,
              const Clock& clock);
  ~FleetChecks();

  void Start();
  void Stop();

  // A search for our stamp has found these nodes. Any thread.
  void OnSearched(std::vector<HostId> stamped, absl::Time asked_at);

  // As of the last check. Never null.
  std::shared_ptr<const Findings> Last() const;

  // One check. Only for who does not Start().
  void Tick();

 private:
  using Key = std::pair<v1::FindingType, std::string>;

  void Run();
  std::vector<HostSync> Syncs(const FleetView& view, absl::Time now);
  // Puts `since` into findings that say none, and tells the log of the news.
  void Date(std::vector<v1::Finding>& findings, absl::Time now);

  // Set at construction.
  const Options options_;
  const Inventory& inventory_;
  const std::function<v1::SyncStatus(const HostId&)> status_;
  const Clock& clock_;

  // Used by the thread only.
  std::shared_ptr<const FleetView> checked_view_;  // of guest_findings_
  std::vector<v1::Finding> guest_findings_;
  absl::flat_hash_map<HostId, absl::Time> unsynced_since_;
  absl::flat_hash_map<HostId, absl::Time> known_since_;  // of never seen ones
  std::map<Key, absl::Time> since_;

  mutable Mutex mu_;
  CondVar cv_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<std::vector<HostId>> stamped_ ABSL_GUARDED_BY(mu_);
  absl::Time searched_at_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  std::shared_ptr<const Findings> last_ ABSL_GUARDED_BY(mu_) =
      std::make_shared<Findings>();

  std::thread thread_;
};

}  // namespace rehai

#endif  // CONTROLLER_CHECKS_FLEET_CHECKS_H_
