// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_selection.h"

#include <algorithm>
#include <bit>

#include "controller/sync/resync_operations.h"
#include "proto/ids.h"

namespace rehai {

HostInTable::HostInTable(const FleetTable::Host& host, const Syncer& syncer,
                         bool needs_sync)
    : row_(host.row()) {
  if (!needs_sync) return;
  sync_ = std::make_unique<const v1::SyncStatus>(
      syncer.Status(HostId{host.record->node()}));
  row_.sync = sync_.get();
}

void ForEachHost(
    const FleetTable& table, const v1::HostSelector& hosts,
    const query::Filter& filter, const Syncer& syncer, absl::Time now,
    absl::FunctionRef<void(uint32_t index, const query::HostRow& row,
                           const query::Filter::OnHost& on_host)>
        see) {
  for (uint32_t index = 0; index < table.hosts().size(); ++index) {
    const FleetTable::Host& host = *table.hosts()[index];
    if (!Matches(hosts, *host.record)) continue;
    const HostInTable in_table(host, syncer, filter.uses_sync());
    const query::Filter::OnHost on_host = filter.Narrow(in_table.row(), now);
    if (on_host.verdict == query::Filter::Verdict::kNo) continue;
    see(index, in_table.row(), on_host);
  }
}

size_t MatchingRows(const FleetTable& table, uint32_t index,
                    const query::Filter& filter, const query::HostRow& row,
                    const query::Filter::OnHost& on_host,
                    absl::Span<query::RowSet> blocks) {
  const FleetTable::Host& host = *table.hosts()[index];
  size_t count = 0;
  size_t first = 0;
  for (query::RowSet& matching : blocks) {
    matching = filter.Matching(on_host, row, host.rows, first);
    if (!table.view().shared.empty()) {
      query::ForEachRow(matching, [&](int index) {
        if (!table.IsReallyOn(host, host.rows[first + index])) {
          matching &= ~(query::RowSet{1} << index);
        }
      });
    }
    first += query::kRowsPerBlock;
    count += std::popcount(matching);
  }
  return count;
}

GuestSelection::GuestSelection(const FleetTable& table,
                               const v1::HostSelector& hosts,
                               const query::Filter& filter,
                               const Syncer& syncer, absl::Time now)
    : table_(table), matching_(table.block_count()) {
  ForEachHost(table, hosts, filter, syncer, now,
              [&](uint32_t index, const query::HostRow& row,
                  const query::Filter::OnHost& on_host) {
                size_ += MatchingRows(
                    table, index, filter, row, on_host,
                    absl::MakeSpan(matching_).subspan(
                        table.first_block(index), table.block_count(index)));
              });
}

GuestSelection::Page GuestSelection::After(const query::Place* last,
                                           size_t count,
                                           const query::Order& order,
                                           const Syncer& syncer) const {
  if (size_ == 0) return {};
  return order.is_natural() ? InNaturalOrder(last, count, order)
                            : InOrder(last, count, order, syncer);
}

GuestSelection::Page GuestSelection::InNaturalOrder(
    const query::Place* last, size_t count, const query::Order& order) const {
  const std::vector<FleetTable::Position>& all = table_.order();
  auto next = all.begin();
  if (last != nullptr) {
    next = std::partition_point(
        all.begin(), all.end(), [&](FleetTable::Position position) {
          const query::GuestRow row = table_.row(position);
          return order.CompareTo(*last, table_.host(position).row(), &row) <= 0;
        });
  }
  Page page;
  for (; next != all.end(); ++next) {
    if (!Has(*next)) continue;
    if (page.guests.size() == count) {
      page.has_more = true;
      break;
    }
    page.guests.push_back(*next);
  }
  return page;
}

GuestSelection::Page GuestSelection::InOrder(const query::Place* last,
                                             size_t count,
                                             const query::Order& order,
                                             const Syncer& syncer) const {
  // Each host's once, for all comparisons of its guests.
  std::vector<HostInTable> hosts;
  hosts.reserve(table_.hosts().size());
  for (const auto& host : table_.hosts()) {
    hosts.emplace_back(*host, syncer, order.uses_sync());
  }
  std::vector<FleetTable::Position> rest;
  for (uint32_t host = 0; host < hosts.size(); ++host) {
    const auto& rows = table_.hosts()[host]->rows;
    for (uint32_t row = 0; row < rows.size(); ++row) {
      if (!Has({host, row})) continue;
      const query::GuestRow guest = rows[row];
      if (last != nullptr &&
          order.CompareTo(*last, hosts[host].row(), &guest) <= 0) {
        continue;
      }
      rest.push_back({host, row});
    }
  }
  Page page;
  page.has_more = rest.size() > count;
  const auto end =
      rest.begin() + static_cast<ptrdiff_t>(std::min(count, rest.size()));
  // Only the page itself needs an order among all that come after the last one.
  std::partial_sort(rest.begin(), end, rest.end(),
                    [&](FleetTable::Position a, FleetTable::Position b) {
                      const query::GuestRow row_a = table_.row(a);
                      const query::GuestRow row_b = table_.row(b);
                      return order.CompareRows(hosts[a.host].row(), &row_a,
                                               hosts[b.host].row(), &row_b) < 0;
                    });
  page.guests.assign(rest.begin(), end);
  return page;
}

}  // namespace rehai
