// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/checks/check_fleet.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "absl/numeric/bits.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/proto_time.h"
#include "controller/inventory/record.h"

namespace rehai {
namespace {

constexpr int kMostListed = 20;

// A guest of a host. Points into the view.
struct Row {
  const v1::Record *record;
  const v1::Guest *guest;
};
using Rows = std::vector<Row>;

// Rows by what they have in common. Almost always that is one row, so those
// are told from the others first, by a bit per hash: what is looked at in the
// fleet's memory then is little, and tables of all rows are not made.
class Groups {
 public:
  explicit Groups(size_t expected)
      : seen_(absl::bit_ceil(std::max<size_t>(64, kBitsPerRow * expected))) {
    entries_.reserve(expected);
  }

  void Add(absl::string_view subject, const Row &row) {
    const size_t hash = absl::HashOf(subject);
    std::vector<bool>::reference bit = seen_[hash & (seen_.size() - 1)];
    if (bit) doubtful_.insert(hash & (seen_.size() - 1));
    bit = true;
    entries_.push_back({hash, subject, row});
  }

  // Those of more than one row.
  absl::flat_hash_map<absl::string_view, Rows> Several() const {
    absl::flat_hash_map<absl::string_view, Rows> several;
    for (const Entry &entry : entries_) {
      if (!doubtful_.contains(entry.hash & (seen_.size() - 1))) continue;
      several[entry.subject].push_back(entry.row);
    }
    absl::erase_if(several,
                   [](const auto &group) { return group.second.size() < 2; });
    return several;
  }

 private:
  static constexpr size_t kBitsPerRow = 32;

  struct Entry {
    size_t hash;
    absl::string_view subject;
    Row row;
  };

  std::vector<bool> seen_;  // a power of two
  // Bits that were seen twice: by one subject, or by two by chance.
  absl::flat_hash_set<size_t> doubtful_;
  std::vector<Entry> entries_;
};

bool IsRunning(const Row &row) {
  const v1::GuestState state = row.guest->state();
  return row.record->presence() == v1::PRESENCE_CURRENT &&
         (state == v1::GUEST_STATE_RUNNING ||
          state == v1::GUEST_STATE_BLOCKED) &&
         !IsMissing(*row.record, GuestId{row.guest->uuid()});
}

std::string Listed(const std::vector<std::string> &names) {
  const size_t shown = std::min<size_t>(names.size(), kMostListed);
  std::string list = absl::StrJoin(
      names.begin(), names.begin() + static_cast<ptrdiff_t>(shown), ", ");
  if (names.size() > shown) {
    absl::StrAppend(&list, " and ", names.size() - shown, " more");
  }
  return list;
}

void AddSome(std::vector<std::string> names,
             google::protobuf::RepeatedPtrField<std::string> &field) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  if (names.size() > kMostListed) names.resize(kMostListed);
  field.Assign(names.begin(), names.end());
}

v1::Finding MakeFinding(v1::FindingType type, absl::string_view subject,
                        const Rows &rows, std::string message) {
  v1::Finding finding;
  finding.set_type(type);
  finding.set_subject(std::string(subject));
  finding.set_message(std::move(message));
  std::vector<std::string> nodes;
  std::vector<std::string> uuids;
  for (const Row &row : rows) {
    nodes.push_back(row.record->node());
    uuids.push_back(row.guest->uuid());
  }
  AddSome(std::move(nodes), *finding.mutable_nodes());
  AddSome(std::move(uuids), *finding.mutable_guest_uuids());
  return finding;
}

// "web01 on hv1, web02 on hv2".
std::string Places(const Rows &rows) {
  std::vector<std::string> places;
  for (const Row &row : rows) {
    places.push_back(
        absl::StrCat(row.guest->name(), " on ", row.record->node()));
  }
  std::sort(places.begin(), places.end());
  return Listed(places);
}

// One of each guest: rows of one UUID are one guest.
Rows OnePerGuest(const Rows &rows) {
  Rows once;
  absl::flat_hash_set<absl::string_view> seen;
  for (const Row &row : rows) {
    if (seen.insert(row.guest->uuid()).second) once.push_back(row);
  }
  return once;
}

void FindActiveTwice(const Groups &by_uuid,
                     std::vector<v1::Finding> &findings) {
  for (const auto &[uuid, rows] : by_uuid.Several()) {
    Rows running;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(running),
                 IsRunning);
    if (running.size() < 2) continue;
    findings.push_back(MakeFinding(
        v1::FINDING_TYPE_GUEST_ACTIVE_TWICE, uuid, running,
        absl::StrCat("guest ", uuid, " runs ", running.size(), " times (",
                     Places(running),
                     "): two that write to one disk destroy it; stop all but "
                     "one, on its host")));
  }
}

void FindDuplicates(const Groups &groups, v1::FindingType type,
                    absl::string_view what, absl::string_view remedy,
                    std::vector<v1::Finding> &findings) {
  for (const auto &[subject, rows] : groups.Several()) {
    const Rows guests = OnePerGuest(rows);
    if (guests.size() < 2) continue;
    findings.push_back(MakeFinding(
        type, subject, guests,
        absl::StrCat(what, " ", subject, ": ", guests.size(),
                     " guests have it (", Places(guests), "); ", remedy)));
  }
}

void Sort(std::vector<v1::Finding> &findings) {
  std::sort(findings.begin(), findings.end(),
            [](const v1::Finding &a, const v1::Finding &b) {
              return a.type() != b.type() ? a.type() < b.type()
                                          : a.subject() < b.subject();
            });
}

v1::Finding OfHost(v1::FindingType type, const std::string &node,
                   std::string message) {
  v1::Finding finding;
  finding.set_type(type);
  finding.set_subject(node);
  finding.add_nodes(node);
  finding.set_message(std::move(message));
  return finding;
}

std::string For(absl::Duration age) {
  return absl::FormatDuration(absl::Trunc(age, absl::Seconds(1)));
}

const v1::Condition *FindCondition(const v1::Record &record,
                                   absl::string_view type) {
  for (const v1::Condition &condition : record.conditions()) {
    if (condition.type() == type) return &condition;
  }
  return nullptr;
}

// Since when nothing was heard of the host; infinite future: it is heard of.
absl::Time SilentSince(
    const v1::Record &record,
    const absl::flat_hash_map<HostId, absl::Time> &known_since) {
  switch (record.presence()) {
    case v1::PRESENCE_STALE:
    case v1::PRESENCE_UNKNOWN:
      return FromProto(record.confirmed_at());
    case v1::PRESENCE_NEVER_SEEN: {
      const auto it = known_since.find(HostId{record.node()});
      return it == known_since.end() ? absl::InfiniteFuture() : it->second;
    }
    default:
      return absl::InfiniteFuture();
  }
}

void FindSilent(const v1::Record &record, absl::Time since,
                const CheckLimits &limits, absl::Time now,
                std::vector<v1::Finding> &findings) {
  if (now - since < limits.silent) return;
  const v1::Condition *why = FindCondition(record, kUnreachable);
  const bool never = record.presence() == v1::PRESENCE_NEVER_SEEN;
  v1::Finding finding = OfHost(
      v1::FINDING_TYPE_HOST_SILENT, record.node(),
      absl::StrCat("host ", record.node(), ": ",
                   never ? "never read, known for " : "not heard of for ",
                   For(now - since), "; ",
                   why == nullptr ? "see that its libvirtd or its agent runs "
                                    "and can be reached"
                                  : why->message()));
  *finding.mutable_since() = ToProto(since);
  findings.push_back(std::move(finding));
}

void FindNotInChef(const v1::Record &record, const HostSync &sync,
                   const CheckLimits &limits, absl::Time now,
                   std::vector<v1::Finding> &findings) {
  if (sync.unsynced_since == absl::InfinitePast() ||
      now - sync.unsynced_since < limits.not_in_chef) {
    return;
  }
  std::string why = sync.status.last_error();
  if (why.empty()) {
    why = "its write waits; rehaictl chef status says how the server is";
  }
  v1::Finding finding =
      OfHost(v1::FINDING_TYPE_HOST_NOT_IN_CHEF, record.node(),
             absl::StrCat("host ", record.node(),
                          ": its node has not held what is known of it for ",
                          For(now - sync.unsynced_since), "; ", why));
  *finding.mutable_since() = ToProto(sync.unsynced_since);
  findings.push_back(std::move(finding));
}

}  // namespace

std::vector<v1::Finding> CheckGuests(const FleetView &view) {
  size_t count = 0;
  for (const RecordPtr &record : view.records) {
    count += static_cast<size_t>(record->guests_size());
  }
  Groups by_uuid(count);
  Groups by_name(count);
  Groups by_mac(count);
  for (const RecordPtr &record : view.records) {
    for (const v1::Guest &guest : record->guests()) {
      const Row row{record.get(), &guest};
      by_uuid.Add(guest.uuid(), row);
      by_name.Add(guest.name(), row);
      for (const v1::Interface &interface : guest.interfaces()) {
        if (!interface.mac().empty()) by_mac.Add(interface.mac(), row);
      }
    }
  }
  std::vector<v1::Finding> findings;
  FindActiveTwice(by_uuid, findings);
  FindDuplicates(by_mac, v1::FINDING_TYPE_DUPLICATE_MAC, "MAC address",
                 "on one network neither can be reached well; give all but one "
                 "another",
                 findings);
  FindDuplicates(by_name, v1::FINDING_TYPE_DUPLICATE_NAME, "name",
                 "who asks by name gets none; rename all but one, or ask by "
                 "UUID",
                 findings);
  Sort(findings);
  return findings;
}

std::vector<v1::Finding> CheckHosts(
    const FleetView &view, const std::vector<HostSync> &syncs,
    const std::optional<std::vector<HostId>> &stamped,
    const absl::flat_hash_map<HostId, absl::Time> &known_since,
    const CheckLimits &limits, absl::Time now) {
  std::vector<v1::Finding> findings;
  absl::flat_hash_set<absl::string_view> nodes;
  for (size_t i = 0; i < view.records.size(); ++i) {
    const v1::Record &record = *view.records[i];
    nodes.insert(record.node());
    FindSilent(record, SilentSince(record, known_since), limits, now, findings);
    if (i < syncs.size()) {
      FindNotInChef(record, syncs[i], limits, now, findings);
    }
  }
  if (stamped.has_value()) {
    for (const HostId &host : *stamped) {
      if (nodes.contains(host.node)) continue;
      findings.push_back(OfHost(
          v1::FINDING_TYPE_NODE_WITHOUT_HOST, host.node,
          absl::StrCat("node ", host.node,
                       ": carries Rehai's attributes, and no host of the fleet "
                       "has this name, so nobody keeps them true; add the host "
                       "to the discovery, or take the attributes out of the "
                       "node (or delete it)")));
    }
  }
  Sort(findings);
  return findings;
}

}  // namespace rehai
