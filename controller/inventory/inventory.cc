// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/inventory.h"

#include <google/protobuf/timestamp.pb.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/ip_address.h"
#include "base/status_macros.h"
#include "controller/inventory/merge.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

// Removals to remember for watchers that come back. Hosts leave seldom; a
// watcher that missed more than this begins again.
constexpr size_t kRemovalsKept = 1000;

// More changes than a run can have made after the last one that it kept, were
// its disk full for a day.
constexpr Revision kMostUnkept = 1'000'000;

absl::Status UnknownHost(const std::string& node) {
  return absl::NotFoundError(
      absl::StrCat("host ", node,
                   ": not in the fleet; rehaictl source status tells where "
                   "hosts are looked for"));
}

absl::Status NothingHeld(const std::string& node) {
  return absl::FailedPreconditionError(
      absl::StrCat("host ", node,
                   ": no guest of it is held as missing, so there is nothing "
                   "to confirm; see its conditions"));
}

// Orders the places where one guest was seen: the greater is where it is.
auto Likelihood(const GuestLocation& place) {
  const google::protobuf::Timestamp& seen = place.record->confirmed_at();
  const bool active = IsActive(*place.guest);
  const bool missing = IsMissing(*place.record, GuestId{place.guest->uuid()});
  return std::tuple(active && !missing, active, !missing, seen.seconds(),
                    seen.nanos(), place.record->revision());
}

}  // namespace

Inventory::Inventory(const Clock& clock, BrakeOptions brake)
    : clock_(clock),
      brake_(brake),
      revision_(absl::ToUnixMicros(clock.Now())),
      complete_after_(revision_) {}

void Inventory::AddListener(Listener listener) {
  listeners_.push_back(std::move(listener));
}

void Inventory::Restore(std::vector<KeptRecord> records,
                        Revision last_revision) {
  // So that a guest which several hosts define came last to the one that
  // changed last.
  std::sort(records.begin(), records.end(),
            [](const KeptRecord& a, const KeptRecord& b) {
              return a.record.revision() < b.record.revision();
            });
  std::vector<Change> changes;
  {
    MutexLock lock(mu_);
    revision_ = std::max(revision_, last_revision + kMostUnkept);
    complete_after_ = revision_;
    for (KeptRecord& kept : records) {
      if (!kept.record.has_provenance()) continue;  // never seen
      const HostId host{kept.record.node()};
      Missing missing;
      for (const std::string& uuid : kept.record.missing_uuids()) {
        missing.emplace(GuestId{uuid}, Absence::kMoving);
      }
      for (const GuestId& guest : kept.held) {
        const auto found = missing.find(guest);
        if (found != missing.end()) found->second = Absence::kHeld;
      }
      missing_.Set(host, std::move(missing));
      for (const v1::Guest& guest : kept.record.guests()) {
        guests_.Add(host, guest);
      }
      kept.record.clear_revision();
      changes.push_back(Publish(
          host, AsOfBeforeRestart(std::move(kept.record), clock_.Now())));
    }
  }
  for (const Change& change : changes) Tell(change);
}

void Inventory::AddHost(const HostId& host,
                        const std::map<std::string, std::string>& labels) {
  Change change;
  {
    MutexLock lock(mu_);
    v1::Record record;
    if (const auto known = hosts_.find(host); known != hosts_.end()) {
      record = *known->second;
      const auto& old = record.labels();
      if (std::map<std::string, std::string>(old.begin(), old.end()) ==
          labels) {
        return;
      }
      record.clear_labels();
    } else {
      record.set_node(host.node);
      record.set_presence(v1::PRESENCE_NEVER_SEEN);
      if (const auto removed = removed_.find(host); removed != removed_.end()) {
        order_.erase(removed->second);
        removed_.erase(removed);
      }
    }
    record.mutable_labels()->insert(labels.begin(), labels.end());
    change = Publish(host, std::move(record));
  }
  Tell(change);
}

void Inventory::RemoveHost(const HostId& host) {
  Change change;
  {
    MutexLock lock(mu_);
    const auto found = hosts_.find(host);
    if (found == hosts_.end()) return;
    const RecordPtr record = found->second;
    for (const v1::Guest& guest : record->guests()) {
      guests_.Remove(host, guest);
    }
    missing_.Set(host, {});
    hosts_.erase(found);
    order_.erase(record->revision());
    RememberRemoval(host);
    view_.reset();
    change = Change{.host = host, .revision = revision_, .record = nullptr};
  }
  Tell(change);
}

absl::StatusOr<Observed> Inventory::Observe(
    const v1::Observation& observation) {
  const HostId host{observation.node()};
  std::vector<Change> changes;
  Observed observed;
  {
    MutexLock lock(mu_);
    const auto found = hosts_.find(host);
    if (found == hosts_.end()) return UnknownHost(host.node);
    const RecordPtr before = found->second;
    const auto is_active_elsewhere =
        [this, &host](const GuestId& guest) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
          return IsActiveElsewhere(host, guest);
        };
    ASSIGN_OR_RETURN(Merged merged,
                     Merge(*before, observation,
                           {.brake = brake_,
                            .missing = missing_.Of(host),
                            .is_active_elsewhere = is_active_elsewhere},
                           clock_.Now()));
    const auto arrivals = Arrivals(observation, merged);
    if (merged.IsChange()) {
      observed = {.is_change = true,
                  .appeared = merged.appeared,
                  .changed = merged.changed,
                  .gone = merged.gone};
      changes.push_back(Adopt(host, *before, std::move(merged)));
    } else {
      found->second =
          std::make_shared<const v1::Record>(std::move(merged.record));
      view_.reset();
    }
    // After the new host's: who follows the revisions sees a guest twice for a
    // moment, and never not at all.
    for (const auto& [old_host, guests] : arrivals) {
      changes.push_back(Drop(old_host, guests));
    }
  }
  for (const Change& change : changes) Tell(change);
  return observed;
}

absl::StatusOr<std::vector<GuestId>> Inventory::ConfirmDisappearance(
    const HostId& host) {
  std::vector<GuestId> held;
  Change change;
  {
    MutexLock lock(mu_);
    if (!hosts_.contains(host)) return UnknownHost(host.node);
    held = HeldBy(host);
    if (held.empty()) return NothingHeld(host.node);
    change = Drop(host, held);
  }
  Tell(change);
  return held;
}

void Inventory::EndMoves(const HostId& host,
                         const std::vector<GuestId>& guests) {
  Change change;
  {
    MutexLock lock(mu_);
    if (!hosts_.contains(host)) return;
    const Missing& missing = missing_.Of(host);
    std::vector<GuestId> gone;
    for (const GuestId& guest : guests) {
      const auto found = missing.find(guest);
      if (found != missing.end() && found->second == Absence::kMoving) {
        gone.push_back(guest);
      }
    }
    if (gone.empty()) return;
    change = Drop(host, gone);
  }
  Tell(change);
}

absl::Status Inventory::SetCondition(const HostId& host,
                                     v1::Condition condition) {
  return Amend(host, [&](const v1::Record& record) {
    return WithCondition(record, std::move(condition), clock_.Now());
  });
}

absl::Status Inventory::ClearCondition(const HostId& host,
                                       const std::string& type) {
  return Amend(host, [&](const v1::Record& record) {
    return WithoutCondition(record, type);
  });
}

absl::Status Inventory::Amend(
    const HostId& host,
    absl::FunctionRef<std::optional<v1::Record>(const v1::Record&)> amended) {
  Change change;
  {
    MutexLock lock(mu_);
    const auto found = hosts_.find(host);
    if (found == hosts_.end()) return UnknownHost(host.node);
    std::optional<v1::Record> next = amended(*found->second);
    if (!next.has_value()) return absl::OkStatus();
    change = Publish(host, *std::move(next));
  }
  Tell(change);
  return absl::OkStatus();
}

absl::Status Inventory::SetPresence(const HostId& host, v1::Presence presence,
                                    std::optional<v1::Condition> condition) {
  return Amend(host, [&](const v1::Record& record) {
    return WithPresence(record, presence, condition, clock_.Now());
  });
}

RecordPtr Inventory::Find(const HostId& host) const {
  MutexLock lock(mu_);
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? nullptr : found->second;
}

std::shared_ptr<const FleetView> Inventory::View() const {
  MutexLock lock(mu_);
  if (view_ == nullptr) {
    auto view = std::make_shared<FleetView>();
    view->revision = revision_;
    view->records.reserve(hosts_.size());
    for (const auto& [host, record] : hosts_) view->records.push_back(record);
    for (const GuestId& guest : guests_.shared()) {
      view->shared.emplace(guest.uuid, Locate(guest)->record->node());
    }
    view_ = std::move(view);
  }
  return view_;
}

std::vector<Change> Inventory::Everything() const {
  MutexLock lock(mu_);
  std::vector<Change> all;
  all.reserve(hosts_.size());
  for (const auto& [host, record] : hosts_) {
    all.push_back({.host = host,
                   .revision = record->revision(),
                   .record = record,
                   .held = HeldBy(host)});
  }
  return all;
}

std::optional<GuestLocation> Inventory::FindGuest(const GuestId& guest) const {
  MutexLock lock(mu_);
  return Locate(guest);
}

std::vector<GuestLocation> Inventory::FindGuestsByName(
    const std::string& name) const {
  MutexLock lock(mu_);
  return LocateIf(guests_.Named(name), [&name](const v1::Guest& guest) {
    return guest.name() == name;
  });
}

std::vector<GuestLocation> Inventory::FindGuestsByMac(
    const std::string& mac) const {
  MutexLock lock(mu_);
  return LocateIf(guests_.WithMac(mac), [&mac](const v1::Guest& guest) {
    return std::any_of(
        guest.interfaces().begin(), guest.interfaces().end(),
        [&mac](const v1::Interface& one) { return one.mac() == mac; });
  });
}

std::vector<GuestLocation> Inventory::FindGuestsByAddress(
    const IpAddress& address) const {
  MutexLock lock(mu_);
  return LocateIf(guests_.WithAddress(address), [&](const v1::Guest& guest) {
    for (const v1::Interface& one : guest.interfaces()) {
      for (const std::string& text : one.addresses()) {
        if (ParseInterfaceAddress(text) == address) return true;
      }
    }
    return false;
  });
}

std::vector<GuestLocation> Inventory::LocateIf(
    const std::vector<GuestId>& guests,
    absl::FunctionRef<bool(const v1::Guest&)> is_meant) const {
  std::vector<GuestLocation> places;
  for (const GuestId& guest : guests) {
    std::optional<GuestLocation> place = Locate(guest);
    // A definition that a migration left behind may hold what is outdated.
    if (place.has_value() && is_meant(*place->guest)) {
      places.push_back(*std::move(place));
    }
  }
  return places;
}

absl::StatusOr<Changes> Inventory::ChangesAfter(Revision after,
                                                size_t limit) const {
  MutexLock lock(mu_);
  if (after < complete_after_ || after > revision_) {
    return absl::OutOfRangeError(absl::StrCat(
        "revision ", after, ": changes are known from ", complete_after_,
        " to ", revision_, "; begin again from the whole state"));
  }
  Changes result{.changes = {}, .through = revision_};
  for (auto next = order_.upper_bound(after); next != order_.end(); ++next) {
    if (result.changes.size() == limit) {
      result.through = limit == 0 ? after : result.changes.back().revision;
      break;
    }
    const auto& [revision, host] = *next;
    const auto record = hosts_.find(host);
    result.changes.push_back(
        {.host = host,
         .revision = revision,
         .record = record == hosts_.end() ? nullptr : record->second});
  }
  return result;
}

Revision Inventory::revision() const {
  MutexLock lock(mu_);
  return revision_;
}

Change Inventory::Adopt(const HostId& host, const v1::Record& before,
                        Merged merged) {
  Reindex(host, before, merged);
  missing_.Set(host, std::move(merged.missing));
  return Publish(host, std::move(merged.record));
}

std::map<HostId, std::vector<GuestId>> Inventory::Arrivals(
    const v1::Observation& observation, const Merged& merged) const {
  std::map<HostId, std::vector<GuestId>> arrivals;
  if (missing_.empty() || IdentityInDoubt(merged.record)) return arrivals;
  for (const v1::Guest& guest : observation.guests()) {
    const GuestId id{guest.uuid()};
    for (const auto& [host, why] : missing_.Where(id)) {
      if (host.node == observation.node()) continue;  // back where it was
      // A definition that has always been there is no arrival; nor is a new one
      // the end of a guest that only the brake keeps, perhaps running.
      const bool arrived =
          IsActive(guest) || (why == Absence::kMoving &&
                              std::binary_search(merged.appeared.begin(),
                                                 merged.appeared.end(), id));
      if (arrived) arrivals[host].push_back(id);
    }
  }
  return arrivals;
}

Change Inventory::Drop(const HostId& host, const std::vector<GuestId>& guests) {
  const RecordPtr before = hosts_.at(host);
  return Adopt(
      host, *before,
      WithoutMissing(*before, missing_.Of(host), guests, clock_.Now()));
}

bool Inventory::IsActiveElsewhere(const HostId& host,
                                  const GuestId& guest) const {
  const std::vector<HostId> hosts = guests_.HostsOf(guest);
  // Where it was before it came to `host`, it may still be listed because that
  // host was not read since.
  for (auto other = std::find(hosts.begin(), hosts.end(), host);
       other != hosts.end(); ++other) {
    if (*other == host) continue;
    const v1::Record& record = *hosts_.at(*other);
    const bool is_witness =
        record.presence() == v1::PRESENCE_CURRENT && !IdentityInDoubt(record);
    if (is_witness && !IsMissing(record, guest) &&
        IsActive(*rehai::FindGuest(record, guest))) {
      return true;
    }
  }
  return false;
}

Change Inventory::Publish(const HostId& host, v1::Record record) {
  order_.erase(record.revision());
  record.set_revision(++revision_);
  order_.emplace(revision_, host);
  RecordPtr published = std::make_shared<const v1::Record>(std::move(record));
  hosts_[host] = published;
  view_.reset();
  return {.host = host,
          .revision = revision_,
          .record = std::move(published),
          .held = HeldBy(host)};
}

std::vector<GuestId> Inventory::HeldBy(const HostId& host) const {
  std::vector<GuestId> held;
  for (const auto& [guest, why] : missing_.Of(host)) {
    if (why == Absence::kHeld) held.push_back(guest);
  }
  return held;
}

void Inventory::Reindex(const HostId& host, const v1::Record& before,
                        const Merged& merged) {
  const v1::Record& after = merged.record;
  for (const GuestId& guest : merged.gone) {
    guests_.Remove(host, *rehai::FindGuest(before, guest));
  }
  for (const GuestId& guest : merged.changed) {
    const v1::Guest& was = *rehai::FindGuest(before, guest);
    const v1::Guest& is = *rehai::FindGuest(after, guest);
    const bool has_started = IsActive(is) && !IsActive(was);
    if (was.name() == is.name() && !has_started) {
      guests_.Change(host, was, is);
      continue;
    }
    guests_.Remove(host, was);
    guests_.Add(host, is);
  }
  for (const GuestId& guest : merged.appeared) {
    guests_.Add(host, *rehai::FindGuest(after, guest));
  }
}

std::optional<GuestLocation> Inventory::Locate(const GuestId& guest) const {
  std::optional<GuestLocation> best;
  for (const HostId& host : guests_.HostsOf(guest)) {
    const RecordPtr& record = hosts_.at(host);
    GuestLocation place{.record = record,
                        .guest = rehai::FindGuest(*record, guest)};
    if (!best.has_value() || Likelihood(*best) < Likelihood(place)) {
      best = std::move(place);
    }
  }
  return best;
}

void Inventory::RememberRemoval(const HostId& host) {
  order_.emplace(++revision_, host);
  removed_.emplace(host, revision_);
  if (removed_.size() <= kRemovalsKept) return;
  const auto oldest = std::min_element(
      removed_.begin(), removed_.end(),
      [](const auto& a, const auto& b) { return a.second < b.second; });
  complete_after_ = oldest->second;
  order_.erase(oldest->second);
  removed_.erase(oldest);
}

void Inventory::Tell(const Change& change) {
  for (Listener& listener : listeners_) listener(change);
}

}  // namespace rehai
