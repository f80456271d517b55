// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_table.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace rehai {
namespace {

constexpr uint32_t kNowhere = ~uint32_t{0};

std::shared_ptr<const FleetTable::Host> MakeHost(const RecordPtr& record,
                                                 query::GuestRows rows) {
  auto host = std::make_shared<FleetTable::Host>();
  host->record = record;
  host->running_guests = static_cast<int32_t>(
      std::count_if(record->guests().begin(), record->guests().end(),
                    [](const v1::Guest& guest) {
                      return guest.state() == v1::GUEST_STATE_RUNNING;
                    }));
  host->rows = std::move(rows);
  return host;
}

}  // namespace

std::shared_ptr<const FleetTable> FleetTable::Make(
    std::shared_ptr<const FleetView> view, const FleetTable* before) {
  std::shared_ptr<FleetTable> table(new FleetTable());
  table->view_ = std::move(view);
  std::vector<uint32_t> moved_to;
  std::vector<uint32_t> fresh;
  table->TakeHosts(before, moved_to, fresh);
  table->CountBlocks();
  bool is_as_before = before != nullptr && fresh.empty() &&
                      before->hosts_.size() == table->hosts_.size();
  for (uint32_t i = 0; is_as_before && i < moved_to.size(); ++i) {
    is_as_before = moved_to[i] == i;
  }
  if (is_as_before) {
    table->order_ = before->order_;
  } else {
    static const std::vector<Position> nothing;
    table->SortAfter(before == nullptr ? nothing : *before->order_, moved_to,
                     fresh);
  }
  return table;
}

std::shared_ptr<const FleetTable> FleetTable::Of(
    std::vector<GuestLocation> guests) {
  std::sort(guests.begin(), guests.end(),
            [](const GuestLocation& a, const GuestLocation& b) {
              return a.record->node() < b.record->node();
            });
  std::shared_ptr<FleetTable> table(new FleetTable());
  table->view_ = std::make_shared<const FleetView>();
  std::vector<uint32_t> fresh;
  for (auto next = guests.begin(); next != guests.end();) {
    const RecordPtr& record = next->record;
    std::vector<const v1::Guest*> of_host;
    for (; next != guests.end() && next->record == record; ++next) {
      of_host.push_back(next->guest);
    }
    fresh.push_back(static_cast<uint32_t>(table->hosts_.size()));
    table->hosts_.push_back(
        MakeHost(record, query::GuestRows(*record, of_host)));
  }
  table->CountBlocks();
  table->SortAfter({}, {}, fresh);
  return table;
}

void FleetTable::CountBlocks() {
  first_block_.reserve(hosts_.size() + 1);
  for (const auto& host : hosts_) {
    const size_t blocks =
        (host->rows.size() + query::kRowsPerBlock - 1) / query::kRowsPerBlock;
    first_block_.push_back(first_block_.back() + blocks);
  }
}

// Both the view's hosts and those before are sorted by node. `moved_to` says
// where each of those before is, if its rows have the same keys; `fresh` are
// the others.
void FleetTable::TakeHosts(const FleetTable* before,
                           std::vector<uint32_t>& moved_to,
                           std::vector<uint32_t>& fresh) {
  hosts_.reserve(view_->records.size());
  if (before != nullptr) moved_to.assign(before->hosts_.size(), kNowhere);
  size_t old = 0;
  const auto has_old = [&old, before] {
    return before != nullptr && old < before->hosts_.size();
  };
  for (const RecordPtr& record : view_->records) {
    const auto index = static_cast<uint32_t>(hosts_.size());
    // Nearly all are as they were, which takes no comparison of names.
    const auto is_as_it_was = [&] {
      return has_old() && before->hosts_[old]->record == record;
    };
    while (!is_as_it_was() && has_old() &&
           before->hosts_[old]->record->node() < record->node()) {
      ++old;
    }
    if (is_as_it_was()) {
      hosts_.push_back(before->hosts_[old]);
      moved_to[old++] = index;
      continue;
    }
    hosts_.push_back(MakeHost(record, query::GuestRows(*record)));
    const bool was_there =
        has_old() && before->hosts_[old]->record->node() == record->node();
    if (was_there &&
        before->hosts_[old]->rows.HasSameKeys(hosts_.back()->rows)) {
      moved_to[old] = index;
    } else {
      fresh.push_back(index);
    }
  }
}

// What was in order stays in order; the rest is put in where it belongs.
void FleetTable::SortAfter(const std::vector<Position>& before,
                           const std::vector<uint32_t>& moved_to,
                           const std::vector<uint32_t>& fresh) {
  std::vector<Position> added;
  for (const uint32_t host : fresh) {
    for (uint32_t row = 0; row < hosts_[host]->rows.size(); ++row) {
      added.push_back({host, row});
    }
  }
  const auto comes_before = [this](Position a, Position b) {
    return ComesBefore(a, b);
  };
  std::sort(added.begin(), added.end(), comes_before);

  std::vector<Position> kept;
  kept.reserve(before.size());
  for (const Position position : before) {
    const uint32_t host = moved_to[position.host];
    if (host != kNowhere) kept.push_back({host, position.row});
  }

  auto order = std::make_shared<std::vector<Position>>();
  order->reserve(kept.size() + added.size());
  auto next = kept.begin();
  for (const Position position : added) {
    const auto place =
        std::lower_bound(next, kept.end(), position, comes_before);
    order->insert(order->end(), next, place);
    order->push_back(position);
    next = place;
  }
  order->insert(order->end(), next, kept.end());
  order_ = std::move(order);
}

bool FleetTable::ComesBefore(Position a, Position b) const {
  const query::GuestRow row_a = row(a);
  const query::GuestRow row_b = row(b);
  // Hosts are in the order of their nodes.
  return std::make_tuple(row_a.name(), row_a.uuid(), a.host) <
         std::make_tuple(row_b.name(), row_b.uuid(), b.host);
}

std::shared_ptr<const FleetTable> NewestFleetTable::Get() const {
  std::shared_ptr<const FleetView> view = inventory_.View();
  MutexLock lock(mu_);
  const bool is_newer =
      table_ == nullptr || (&table_->view() != view.get() &&
                            table_->view().revision <= view->revision);
  // Pure; and it is better for the others to wait than to make the same.
  if (is_newer) table_ = FleetTable::Make(std::move(view), table_.get());
  return table_;
}

}  // namespace rehai
