// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_queries.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/ip_address.h"
#include "base/status_macros.h"
#include "controller/api/fleet_selection.h"
#include "controller/api/fleet_summary.h"
#include "controller/api/fleet_views.h"
#include "controller/api/guest_key.h"
#include "controller/api/named_hosts.h"
#include "controller/api/page_token.h"
#include "controller/api/read_mask.h"
#include "controller/api/wire_fields.h"
#include "controller/query/filter.h"
#include "controller/query/order.h"
#include "controller/sync/resync_operations.h"
#include "proto/ids.h"

namespace rehai {
namespace {

using query::Filter;
using query::Kind;
using query::Order;
using query::Place;

// Half of what gRPC clients accept by default, so that one more entry fits.
constexpr size_t kPageBytes = 2 << 20;

// What a list request means, but for the hosts it names.
struct Question {
  Filter filter;
  Order order;
  ReadMask mask;
  size_t page_size = 0;
  std::string last;  // where the last page ended, as Order::Print() wrote it
  std::optional<Place> after;  // the same; points into `last`
};

// What has to stay the same from page to page.
template <typename Request>
Request Asked(Request request) {
  request.clear_page_size();
  request.clear_page_token();
  request.clear_read_mask();
  return request;
}

template <typename Entry, typename Request>
absl::Status Read(const Request& request, Kind kind, Question& question) {
  ASSIGN_OR_RETURN(question.filter, Filter::Compile(request.filter(), kind));
  ASSIGN_OR_RETURN(question.order, Order::Compile(request.order_by(), kind));
  ASSIGN_OR_RETURN(question.mask, ReadMask::Compile(request.read_mask(),
                                                    *Entry::descriptor()));
  ASSIGN_OR_RETURN(const int page_size, ReadPageSize(request.page_size()));
  question.page_size = static_cast<size_t>(page_size);
  if (request.page_token().empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(question.last,
                   ReadPageToken(request.page_token(), Asked(request)));
  ASSIGN_OR_RETURN(question.after, question.order.Read(question.last));
  return absl::OkStatus();
}

// The guests that an index has for the filter's key.
std::vector<GuestLocation> LookUp(const Filter::Key& key,
                                  const Inventory& inventory) {
  switch (key.field) {
    case query::FieldId::kUuid: {
      std::vector<GuestLocation> found;
      if (auto location = inventory.FindGuest(GuestId{key.text})) {
        found.push_back(*std::move(location));
      }
      return found;
    }
    case query::FieldId::kMac:
      return inventory.FindGuestsByMac(key.text);
    case query::FieldId::kIp:
      return inventory.FindGuestsByAddress(*ParseIpAddress(key.text));
    default:
      return inventory.FindGuestsByName(key.text);
  }
}

std::string SerializeGuest(const v1::Record& record, const v1::Guest& guest,
                           const ReadMask& mask) {
  if (mask.is_whole()) return SerializeLocatedGuest(record, guest);
  v1::LocatedGuest located;
  FillLocatedGuest(record, guest, mask, located);
  return located.SerializeAsString();
}

}  // namespace

absl::StatusOr<v1::GetHostResponse> FleetQueries::GetHost(
    const v1::GetHostRequest& request) const {
  ASSIGN_OR_RETURN(
      const ReadMask mask,
      ReadMask::Compile(request.read_mask(), *v1::Host::descriptor()));
  v1::GetHostResponse response;
  response.set_revision(inventory_.revision());
  ASSIGN_OR_RETURN(const RecordPtr record,
                   FindNamed(request.node(), inventory_));
  FillHost(*record, syncer_.Status(HostId{request.node()}), mask,
           *response.mutable_host());
  return response;
}

absl::StatusOr<v1::ListHostsResponse> FleetQueries::ListHosts(
    const v1::ListHostsRequest& request) const {
  Question question;
  RETURN_IF_ERROR(Read<v1::Host>(request, Kind::kHosts, question));
  RETURN_IF_ERROR(CheckNodes(request.selector(), inventory_));
  const std::shared_ptr<const FleetTable> table = table_.Get();
  const Order& order = question.order;
  const bool needs_sync = question.filter.uses_sync() || order.uses_sync();
  const absl::Time now = clock_.Now();

  v1::ListHostsResponse response;
  response.set_revision(table->view().revision);
  std::vector<HostInTable> rest;
  int total = 0;
  for (const auto& host : table->hosts()) {
    if (!Matches(request.selector(), *host->record)) continue;
    HostInTable in_table(*host, syncer_, needs_sync);
    if (!question.filter.MatchesHost(in_table.row(), now)) continue;
    ++total;
    if (question.after.has_value() &&
        order.CompareTo(*question.after, in_table.row(), nullptr) <= 0) {
      continue;
    }
    rest.push_back(std::move(in_table));
  }
  response.set_total_size(total);

  if (!order.is_natural()) {
    std::sort(rest.begin(), rest.end(),
              [&order](const HostInTable& a, const HostInTable& b) {
                return order.CompareRows(a.row(), nullptr, b.row(), nullptr) <
                       0;
              });
  }
  size_t taken = 0;
  for (size_t bytes = 0;
       taken < std::min(question.page_size, rest.size()) && bytes < kPageBytes;
       ++taken) {
    const query::HostRow& row = rest[taken].row();
    v1::Host& host = *response.add_hosts();
    FillHost(*row.record,
             question.mask.Has("sync")
                 ? syncer_.Status(HostId{row.record->node()})
                 : v1::SyncStatus(),
             question.mask, host);
    bytes += host.ByteSizeLong();
  }
  if (taken < rest.size()) {
    response.set_next_page_token(MakePageToken(
        order.Print(order.PlaceOf(rest[taken - 1].row(), nullptr)),
        Asked(request)));
  }
  return response;
}

absl::StatusOr<v1::GetGuestResponse> FleetQueries::GetGuest(
    const v1::GetGuestRequest& request) const {
  ASSIGN_OR_RETURN(
      const ReadMask mask,
      ReadMask::Compile(request.read_mask(), *v1::LocatedGuest::descriptor()));
  v1::GetGuestResponse response;
  response.set_revision(inventory_.revision());
  ASSIGN_OR_RETURN(const GuestLocation location,
                   FindByKey(request, inventory_));
  FillLocatedGuest(*location.record, *location.guest, mask,
                   *response.mutable_guest());
  return response;
}

absl::StatusOr<v1::ListGuestsResponse> FleetQueries::ListGuests(
    const v1::ListGuestsRequest& request) const {
  Question question;
  RETURN_IF_ERROR(Read<v1::LocatedGuest>(request, Kind::kGuests, question));
  RETURN_IF_ERROR(CheckNodes(request.hosts(), inventory_));

  v1::ListGuestsResponse response;
  std::shared_ptr<const FleetTable> table;
  if (question.filter.key().has_value()) {
    response.set_revision(inventory_.revision());
    table = FleetTable::Of(LookUp(*question.filter.key(), inventory_));
  } else {
    table = table_.Get();
    response.set_revision(table->view().revision);
  }
  const GuestSelection selection(*table, request.hosts(), question.filter,
                                 syncer_, clock_.Now());
  response.set_total_size(static_cast<int>(selection.size()));
  const GuestSelection::Page page =
      selection.After(question.after.has_value() ? &*question.after : nullptr,
                      question.page_size, question.order, syncer_);

  size_t taken = 0;
  for (size_t bytes = 0; taken < page.guests.size() && bytes < kPageBytes;
       ++taken) {
    const FleetTable::Position position = page.guests[taken];
    std::string located =
        SerializeGuest(*table->host(position).record,
                       table->row(position).guest(), question.mask);
    bytes += located.size();
    AddSerialized(v1::ListGuestsResponse::kGuestsFieldNumber,
                  std::move(located), response);
  }
  if (taken < page.guests.size() || page.has_more) {
    const FleetTable::Position last = page.guests[taken - 1];
    const HostInTable host(table->host(last), syncer_,
                           question.order.uses_sync());
    const query::GuestRow row = table->row(last);
    response.set_next_page_token(MakePageToken(
        question.order.Print(question.order.PlaceOf(host.row(), &row)),
        Asked(request)));
  }
  return response;
}

absl::StatusOr<v1::SummarizeResponse> FleetQueries::Summarize(
    const v1::SummarizeRequest& request) const {
  RETURN_IF_ERROR(CheckNodes(request.hosts(), inventory_));
  return rehai::Summarize(request, *table_.Get(), syncer_, clock_.Now());
}

}  // namespace rehai
