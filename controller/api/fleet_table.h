// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_API_FLEET_TABLE_H_
#define CONTROLLER_API_FLEET_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "controller/inventory/inventory.h"
#include "controller/query/rows.h"

namespace rehai {

// FleetTable is a FleetView as queries go through it: its guests' rows side by
// side, and their order by (name, UUID). Immutable; threads share one.
//
// It is made of the table before it: what a host's change costs is that host's
// rows, and, if its guests have other names, a copy of the order. A look at a
// fleet that changes all the time does not sort the fleet.
class FleetTable {
 public:
  // One host's guests, in the order of its record.
  struct Host {
    RecordPtr record;
    int32_t running_guests = 0;
    query::GuestRows rows;

    query::HostRow row() const {
      return {.record = record.get(), .running_guests = running_guests};
    }
  };

  // A guest: a host of the table, and a row of that.
  struct Position {
    uint32_t host = 0;
    uint32_t row = 0;
  };

  // `before` may be null.
  static std::shared_ptr<const FleetTable> Make(
      std::shared_ptr<const FleetView> view, const FleetTable* before);

  // Of these guests alone, each UUID once; with their hosts as they are.
  static std::shared_ptr<const FleetTable> Of(
      std::vector<GuestLocation> guests);

  const FleetView& view() const { return *view_; }
  const std::vector<std::shared_ptr<const Host>>& hosts() const {
    return hosts_;
  }
  // Each host's rows in blocks, as filters take them; of the last one fewer.
  // Where the blocks of the host `index` begin among those of all.
  size_t first_block(size_t index) const { return first_block_[index]; }
  size_t block_count(size_t index) const {
    return first_block_[index + 1] - first_block_[index];
  }
  size_t block_count() const { return first_block_.back(); }

  // Every guest of every host, by (name, UUID, node).
  const std::vector<Position>& order() const { return *order_; }

  const Host& host(Position position) const { return *hosts_[position.host]; }
  query::GuestRow row(Position position) const {
    return hosts_[position.host]->rows[position.row];
  }

  // False for a guest that is really on another host of those that define it.
  bool IsReallyOn(const Host& host, const query::GuestRow& row) const {
    if (view_->shared.empty()) return true;
    const auto found = view_->shared.find(row.uuid());
    return found == view_->shared.end() || found->second == host.record->node();
  }

 private:
  FleetTable() = default;
  void CountBlocks();
  void TakeHosts(const FleetTable* before, std::vector<uint32_t>& moved_to,
                 std::vector<uint32_t>& fresh);
  void SortAfter(const std::vector<Position>& before,
                 const std::vector<uint32_t>& moved_to,
                 const std::vector<uint32_t>& fresh);
  bool ComesBefore(Position a, Position b) const;

  std::shared_ptr<const FleetView> view_;
  std::vector<std::shared_ptr<const Host>> hosts_;  // as in the view
  std::vector<size_t> first_block_ = {0};           // and the sum at the end
  std::shared_ptr<const std::vector<Position>> order_;
};

// The newest table of an inventory, made when somebody asks. Thread-safe; one
// of those who ask at once makes it, and the others wait for it.
class NewestFleetTable {
 public:
  // `inventory` must outlive this.
  explicit NewestFleetTable(const Inventory& inventory)
      : inventory_(inventory) {}

  std::shared_ptr<const FleetTable> Get() const;

 private:
  const Inventory& inventory_;

  mutable Mutex mu_;
  mutable std::shared_ptr<const FleetTable> table_ ABSL_GUARDED_BY(mu_);
};

}  // namespace rehai

#endif  // CONTROLLER_API_FLEET_TABLE_H_
