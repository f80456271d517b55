// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_queries.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "controller/api/fleet_views.h"
#include "controller/api/named_hosts.h"
#include "controller/api/page_token.h"
#include "controller/api/uuid.h"
#include "controller/sync/resync_operations.h"

namespace rehai {
namespace {

// Half of what gRPC clients accept by default, so that one more entry fits.
constexpr size_t kPageBytes = 2 << 20;

// A guest in a list. Points into a FleetView that is held meanwhile.
struct Row {
  const v1::Record* record;
  const v1::Guest* guest;
};

auto Key(const Row& row) {
  return std::pair<absl::string_view, absl::string_view>(row.guest->name(),
                                                         row.guest->uuid());
}

// The name ends at the first zero byte, which no name contains.
std::string KeyText(const v1::Guest& guest) {
  return absl::StrCat(guest.name(), absl::string_view("\0", 1), guest.uuid());
}

bool ComesAfter(const Row& row, absl::string_view last_key) {
  const size_t zero = last_key.find('\0');
  if (zero == absl::string_view::npos) return true;
  return Key(row) >
         std::pair(last_key.substr(0, zero), last_key.substr(zero + 1));
}

// UUIDs that more than one host of the fleet defines.
absl::flat_hash_set<absl::string_view> SharedUuids(const FleetView& view) {
  absl::flat_hash_set<absl::string_view> seen;
  absl::flat_hash_set<absl::string_view> shared;
  for (const RecordPtr& record : view.records) {
    for (const v1::Guest& guest : record->guests()) {
      if (!seen.insert(guest.uuid()).second) shared.insert(guest.uuid());
    }
  }
  return shared;
}

std::vector<Row> Select(const FleetView& view, const v1::HostSelector& hosts,
                        const Inventory& inventory) {
  const auto shared = SharedUuids(view);
  std::vector<Row> rows;
  for (const RecordPtr& record : view.records) {
    if (!Matches(hosts, *record)) continue;
    for (const v1::Guest& guest : record->guests()) {
      if (shared.contains(guest.uuid())) {
        const auto location = inventory.FindGuest(GuestId{guest.uuid()});
        if (!location || location->record->node() != record->node()) continue;
      }
      rows.push_back({record.get(), &guest});
    }
  }
  return rows;
}

std::string Places(const std::vector<GuestLocation>& locations) {
  return absl::StrJoin(locations, ", ",
                       [](std::string* out, const GuestLocation& location) {
                         absl::StrAppend(out, location.guest->uuid(), " on ",
                                         location.record->node());
                       });
}

}  // namespace

absl::StatusOr<v1::GetHostResponse> FleetQueries::GetHost(
    const v1::GetHostRequest& request) const {
  v1::GetHostResponse response;
  response.set_revision(inventory_.revision());
  ASSIGN_OR_RETURN(const RecordPtr record,
                   FindNamed(request.node(), inventory_));
  const HostId id{request.node()};
  *response.mutable_host() = MakeHost(*record, syncer_.Status(id));
  return response;
}

absl::StatusOr<v1::ListHostsResponse> FleetQueries::ListHosts(
    const v1::ListHostsRequest& request) const {
  ASSIGN_OR_RETURN(const int page_size, ReadPageSize(request.page_size()));
  ASSIGN_OR_RETURN(const std::string last_node,
                   ReadPageToken(request.page_token(), request.selector()));
  RETURN_IF_ERROR(CheckNodes(request.selector(), inventory_));
  const std::shared_ptr<const FleetView> view = inventory_.View();

  v1::ListHostsResponse response;
  response.set_revision(view->revision);
  int total = 0;
  size_t bytes = 0;
  bool more = false;
  for (const RecordPtr& record : view->records) {
    if (!Matches(request.selector(), *record)) continue;
    ++total;
    if (record->node() <= last_node) continue;
    if (response.hosts_size() == page_size || bytes >= kPageBytes) {
      more = true;
      continue;
    }
    v1::Host& host = *response.add_hosts();
    host = MakeHost(*record, syncer_.Status(HostId{record->node()}));
    bytes += host.ByteSizeLong();
  }
  response.set_total_size(total);
  if (more) {
    response.set_next_page_token(MakePageToken(
        response.hosts(response.hosts_size() - 1).node(), request.selector()));
  }
  return response;
}

absl::StatusOr<v1::GetGuestResponse> FleetQueries::GetGuest(
    const v1::GetGuestRequest& request) const {
  v1::GetGuestResponse response;
  response.set_revision(inventory_.revision());
  const auto answer = [&response](const GuestLocation& location) {
    *response.mutable_guest() =
        MakeLocatedGuest(*location.record, *location.guest);
    return response;
  };

  if (request.has_uuid()) {
    ASSIGN_OR_RETURN(const GuestId id, ParseGuestId(request.uuid()));
    const std::optional<GuestLocation> location = inventory_.FindGuest(id);
    if (!location) {
      return absl::NotFoundError(absl::StrCat(
          "guest ", id.uuid, ": no host has a guest of this UUID"));
    }
    return answer(*location);
  }
  if (request.name().empty()) {
    return absl::InvalidArgumentError("key: empty; give a uuid or a name");
  }
  const std::vector<GuestLocation> locations =
      inventory_.FindGuestsByName(request.name());
  if (locations.empty()) {
    return absl::NotFoundError(absl::StrCat(
        "guest ", request.name(), ": no host has a guest of this name"));
  }
  if (locations.size() > 1) {
    return absl::FailedPreconditionError(absl::StrCat(
        "guest ", request.name(), ": ", locations.size(),
        " guests have this name (", Places(locations), "); ask by UUID"));
  }
  return answer(locations.front());
}

absl::StatusOr<v1::ListGuestsResponse> FleetQueries::ListGuests(
    const v1::ListGuestsRequest& request) const {
  ASSIGN_OR_RETURN(const int page_size, ReadPageSize(request.page_size()));
  ASSIGN_OR_RETURN(const std::string last_key,
                   ReadPageToken(request.page_token(), request.hosts()));
  if (!request.filter().empty() || !request.order_by().empty()) {
    return absl::UnimplementedError("filter and order_by: not yet");
  }
  RETURN_IF_ERROR(CheckNodes(request.hosts(), inventory_));
  const std::shared_ptr<const FleetView> view = inventory_.View();
  std::vector<Row> rows = Select(*view, request.hosts(), inventory_);

  v1::ListGuestsResponse response;
  response.set_revision(view->revision);
  response.set_total_size(static_cast<int>(rows.size()));

  // Only the page itself needs an order among all that come after the last one.
  const auto rest = std::partition(
      rows.begin(), rows.end(),
      [&](const Row& row) { return !ComesAfter(row, last_key); });
  const auto page_end =
      rest + std::min<ptrdiff_t>(page_size, rows.end() - rest);
  std::partial_sort(rest, page_end, rows.end(),
                    [](const Row& a, const Row& b) { return Key(a) < Key(b); });

  auto row = rest;
  for (size_t bytes = 0; row != page_end && bytes < kPageBytes; ++row) {
    v1::LocatedGuest& guest = *response.add_guests();
    guest = MakeLocatedGuest(*row->record, *row->guest);
    bytes += guest.ByteSizeLong();
  }
  if (row != rows.end()) {
    response.set_next_page_token(
        MakePageToken(KeyText(*(row - 1)->guest), request.hosts()));
  }
  return response;
}

}  // namespace rehai
