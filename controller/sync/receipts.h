// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_RECEIPTS_H_
#define CONTROLLER_SYNC_RECEIPTS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "controller/inventory/inventory.h"
#include "controller/sync/progress.h"
#include "proto/ids.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/state.pb.h"
#include "rehai/v1/visibility.pb.h"

namespace rehai {

// Receipts remembers when each host's changes were seen, and when Chef had
// taken them, held them and found them.
//
// - Of a host: the newest revision at each level, and its last kChangesPerHost
//   changes one by one. Of a guest: the revision in which it last changed; and
//   where it was, if it went not long ago.
// - Levels only rise, whatever order listeners are called in, and each includes
//   those before it.
// - What it tells of a host is of one moment: a guest and the revision in which
//   it became so belong together. It may lag behind the inventory by a change
//   that is being told.
//
// Thread-safe. Owns no thread. Leaf lock, held for one host; listeners are
// called outside it.
class Receipts {
 public:
  static constexpr size_t kChangesPerHost = 64;
  // Over the fleet.
  static constexpr size_t kGoneGuests = 4096;

  // Something about the host is new. Called on any thread; must return fast.
  using Listener = absl::AnyInvocable<void(const HostId&)>;

  // A guest as it was last told of.
  struct Standing {
    HostId host = {};
    // Of the host. Keeps `guest` alive.
    RecordPtr record = nullptr;
    const v1::Guest* guest = nullptr;  // inside *record; null: it is gone
    // In which it became so. Since the controller's start, for what was so
    // then.
    Revision revision = 0;
    bool is_missing = false;  // IsMissing(), record.h
  };

  // `clock` must outlive this.
  explicit Receipts(const Clock& clock) : clock_(clock) {}

  // Both before any other call.
  void AddListener(Listener listener);
  // What the last run left: what Chef had confirmed.
  void Restore(const std::vector<v1::StoredNode>& nodes);

  // Listeners of the inventory and of the syncer.
  void OnChange(const Change& change);
  void OnProgress(const std::vector<Progress>& progress);

  // The receipt of one change; of one that is not remembered, as far as can be
  // told: its level. nullopt if the host is unknown.
  std::optional<v1::Receipt> Find(const HostId& host, Revision revision) const;
  // The host's last changes, newest first, at most `most`.
  std::vector<v1::Receipt> Last(const HostId& host, size_t most) const;
  // By level, those that something has reached.
  std::vector<v1::Reached> ReachedBy(const HostId& host) const;
  // The host's newest revision; 0 if it is unknown.
  Revision NewestOf(const HostId& host) const;

  // The guest on this host. nullopt if it is not there.
  std::optional<Standing> FindOn(const HostId& host,
                                 const GuestId& guest) const;
  std::optional<Standing> FindOn(const HostId& host,
                                 const std::string& name) const;
  // Where the guest was last, if it went from there and did not come back, nor
  // to another host that told of it since.
  std::optional<Standing> FindGone(const GuestId& guest) const;
  std::optional<Standing> FindGone(const std::string& name) const;

 private:
  static constexpr size_t kLevels = 3;  // WRITTEN, VERIFIED, SEARCHABLE
  using Times = std::array<absl::Time, kLevels>;

  struct Step {
    Revision revision = 0;
    absl::Time observed_at = absl::InfinitePast();
    absl::Time received_at = absl::InfinitePast();
    Times at = {absl::InfinitePast(), absl::InfinitePast(),
                absl::InfinitePast()};
  };
  // A guest of the host's record, at the same index.
  struct GuestMark {
    uint64_t fingerprint = 0;
    Revision revision = 0;
  };
  struct HostReceipts {
    RecordPtr record;
    std::vector<GuestMark> guests;
    std::deque<Step> steps;  // in the order of their revisions
    std::array<Revision, kLevels> reached = {};
    Times reached_at = {absl::InfinitePast(), absl::InfinitePast(),
                        absl::InfinitePast()};
  };
  struct Gone {
    HostId host;
    Revision revision = 0;
    std::string uuid;
    std::string name;
  };

  bool TakeChange(const Change& change);
  bool TakeProgress(const Progress& progress);
  void AddStep(const Change& change, absl::Time now, HostReceipts& receipts)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void MarkGuests(const Change& change, HostReceipts& receipts)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void RememberGone(Gone gone) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Tell(const HostId& host);

  static Standing StandingOf(const HostId& host, const HostReceipts& receipts,
                             int index);
  static v1::Receipt ReceiptOf(const HostId& host, const HostReceipts& receipts,
                               const Step& step);

  const Clock& clock_;
  std::vector<Listener> listeners_;  // before any other call

  mutable Mutex mu_;
  absl::flat_hash_map<HostId, HostReceipts> hosts_ ABSL_GUARDED_BY(mu_);
  // In the order in which they went. One that came back is there still, and is
  // passed over when it is looked for.
  std::deque<Gone> gone_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_RECEIPTS_H_
