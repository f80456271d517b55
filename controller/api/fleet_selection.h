// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_FLEET_SELECTION_H_
#define CONTROLLER_API_FLEET_SELECTION_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "controller/api/fleet_table.h"
#include "controller/query/filter.h"
#include "controller/query/order.h"
#include "controller/query/rows.h"
#include "controller/sync/syncer.h"
#include "rehai/v1/fleet.pb.h"

namespace rehai {

// The rows of a host, with what its filter or order needs beside the record.
// Keeps the host's sync status for as long as it lives.
class HostInTable {
 public:
  HostInTable(const FleetTable::Host& host, const Syncer& syncer,
              bool needs_sync);

  const query::HostRow& row() const { return row_; }

 private:
  std::unique_ptr<const v1::SyncStatus> sync_;
  query::HostRow row_;
};

// Calls `see` for each host of the table that the selector means and that may
// have guests that match, with what the filter says of the host alone.
// MatchingRows() says which do.
void ForEachHost(
    const FleetTable& table, const v1::HostSelector& hosts,
    const query::Filter& filter, const Syncer& syncer, absl::Time now,
    absl::FunctionRef<void(uint32_t index, const query::HostRow& row,
                           const query::Filter::OnHost& on_host)>
        see);

// Which guests of the host `index` match and are really there, a RowSet for
// each of its blocks into `blocks`. Returns how many.
size_t MatchingRows(const FleetTable& table, uint32_t index,
                    const query::Filter& filter, const query::HostRow& row,
                    const query::Filter::OnHost& on_host,
                    absl::Span<query::RowSet> blocks);

// GuestSelection is the guests of a table that match. Points into the table.
class GuestSelection {
 public:
  GuestSelection(const FleetTable& table, const v1::HostSelector& hosts,
                 const query::Filter& filter, const Syncer& syncer,
                 absl::Time now);

  size_t size() const { return size_; }

  // The first `count` of those that come after `last`, or of all if it is
  // null, in this order; and whether there are more.
  struct Page {
    std::vector<FleetTable::Position> guests;
    bool has_more = false;
  };
  Page After(const query::Place* last, size_t count, const query::Order& order,
             const Syncer& syncer) const;

 private:
  bool Has(FleetTable::Position position) const {
    const size_t block =
        table_.first_block(position.host) + position.row / query::kRowsPerBlock;
    return (matching_[block] >> (position.row % query::kRowsPerBlock) & 1) != 0;
  }
  Page InNaturalOrder(const query::Place* last, size_t count,
                      const query::Order& order) const;
  Page InOrder(const query::Place* last, size_t count,
               const query::Order& order, const Syncer& syncer) const;

  const FleetTable& table_;
  std::vector<query::RowSet> matching_;  // for each block of the table
  size_t size_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_API_FLEET_SELECTION_H_
