// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/history/chronicle.h"

#include <algorithm>
#include <cstddef>
#include <memory>

#include "base/proto_time.h"
#include "controller/history/history_of.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

// A guest that went from one host and comes to another within this has moved.
constexpr absl::Duration kMoveAtMost = absl::Minutes(10);
constexpr size_t kDeparturesKept = 10'000;

// Hosts that left: only what comes late of their last change asks for them.
constexpr size_t kLeftKept = 1'000;

bool IsNewLook(const v1::Record* before, const v1::Record& after) {
  if (!after.provenance().has_received_at()) return false;
  return before == nullptr || before->session() != after.session() ||
         before->sequence() != after.sequence();
}

}  // namespace

Chronicle::Chronicle(const Clock& clock)
    : clock_(clock), sequence_(absl::ToUnixMicros(clock.Now())) {}

void Chronicle::Restore(const std::vector<v1::StoredHost>& hosts,
                        int64_t last_event) {
  if (last_event == 0) return;
  MutexLock lock(mu_);
  sequence_ = std::max(sequence_, last_event);
  for (const v1::StoredHost& host : hosts) {
    // Whatever this run tells of the host is newer.
    hosts_[HostId{host.record().node()}] = {
        .revision = 0,
        .record = std::make_shared<const v1::Record>(
            WithoutRestart(nullptr, host.record()))};
  }
}

std::vector<v1::HistoryEvent> Chronicle::OnChange(const Change& change) {
  MutexLock lock(mu_);
  Known& known = hosts_[change.host];
  if (known.revision >= change.revision) return {};
  const bool was_left = known.revision != 0 && known.record == nullptr;
  const RecordPtr before = known.record;
  RecordPtr after = change.record;
  absl::Time at = clock_.Now();
  if (after != nullptr) {
    if (IsNewLook(before.get(), *after) && !IsBeforeRestart(*after)) {
      at = FromProto(after->provenance().received_at());
    }
    if (IsBeforeRestart(*after)) {
      after = std::make_shared<const v1::Record>(
          WithoutRestart(before.get(), *after));
    }
  }
  std::vector<v1::HistoryEvent> events;
  if (before != nullptr || after != nullptr) {
    events = HistoryOf(before.get(), after.get(),
                       [this, &change](const GuestId& guest)
                           ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
                             return Elsewhere(change.host, guest);
                           });
  }
  for (v1::HistoryEvent& event : events) {
    event.set_sequence(++sequence_);
    event.set_revision(change.revision);
    *event.mutable_at() = ToProto(at);
  }
  RememberDepartures(events, at);
  if (was_left) --left_;
  if (after == nullptr) {
    ++left_;
    shown_.erase(change.host);
  }
  known = {.revision = change.revision, .record = std::move(after)};
  if (left_ > kLeftKept) ForgetOldest();
  return events;
}

std::optional<v1::Shown> Chronicle::OnShown(const HostId& host,
                                            Revision revision, absl::Time at) {
  {
    MutexLock lock(mu_);
    Revision& shown = shown_[host];
    if (shown >= revision) return std::nullopt;
    shown = revision;
  }
  v1::Shown entry;
  entry.set_node(host.node);
  entry.set_revision(revision);
  *entry.mutable_at() = ToProto(at);
  return entry;
}

std::string Chronicle::Elsewhere(const HostId& host,
                                 const GuestId& guest) const {
  std::string defined;
  for (const auto& [other, known] : hosts_) {
    if (other == host || known.record == nullptr) continue;
    const v1::Guest* const found = FindGuest(*known.record, guest);
    if (found == nullptr) continue;
    if (IsActive(*found)) return other.node;
    defined = other.node;
  }
  if (!defined.empty()) return defined;
  const auto departed = departures_.find(guest);
  if (departed == departures_.end() || departed->second.node == host.node ||
      clock_.Now() - departed->second.at > kMoveAtMost) {
    return "";
  }
  return departed->second.node;
}

void Chronicle::RememberDepartures(const std::vector<v1::HistoryEvent>& events,
                                   absl::Time at) {
  for (const v1::HistoryEvent& event : events) {
    const GuestId guest{event.guest_uuid()};
    if (event.kind() == v1::EVENT_KIND_GUEST_GONE) {
      departures_.insert_or_assign(guest, Departure{event.node(), at});
    } else if (event.has_guest()) {
      departures_.erase(guest);
    }
  }
  if (departures_.size() <= kDeparturesKept) return;
  for (auto next = departures_.begin(); next != departures_.end();) {
    next = at - next->second.at > kMoveAtMost ? departures_.erase(next)
                                              : std::next(next);
  }
  while (departures_.size() > kDeparturesKept) {
    departures_.erase(departures_.begin());
  }
}

void Chronicle::ForgetOldest() {
  auto oldest = hosts_.end();
  for (auto host = hosts_.begin(); host != hosts_.end(); ++host) {
    if (host->second.record != nullptr) continue;
    if (oldest == hosts_.end() ||
        host->second.revision < oldest->second.revision) {
      oldest = host;
    }
  }
  hosts_.erase(oldest);
  --left_;
}

}  // namespace rehai
