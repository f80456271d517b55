// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/waiting_state.h"

#include <iterator>
#include <utility>

namespace rehai {
namespace {

// The older before the newer, without the oldest of what is too much. Returns
// how many those are.
template <typename T>
int64_t Prepend(std::deque<T>& older, std::deque<T>& newer) {
  newer.insert(newer.begin(), std::make_move_iterator(older.begin()),
               std::make_move_iterator(older.end()));
  int64_t dropped = 0;
  for (; newer.size() > WaitingState::kMostAppended; ++dropped) {
    newer.pop_front();
  }
  return dropped;
}

}  // namespace

void WaitingState::Put(v1::StoredHost host) {
  std::string node = host.record().node();
  std::optional<v1::StoredHost>& place = hosts_[std::move(node)];
  // Two threads that change one host may come here in either order.
  if (place.has_value() &&
      place->record().revision() > host.record().revision()) {
    return;
  }
  place = std::move(host);
}

void WaitingState::Put(v1::StoredNode node) {
  std::string name = node.node();
  nodes_.insert_or_assign(std::move(name), std::move(node));
}

void WaitingState::Remove(const HostId& host) {
  hosts_.insert_or_assign(host.node, std::nullopt);
  nodes_.insert_or_assign(host.node, std::nullopt);
}

void WaitingState::Put(v1::Operation operation) {
  std::string id = operation.id();
  operations_.insert_or_assign(std::move(id), std::move(operation));
}

void WaitingState::Append(v1::HistoryEvent event) {
  history_.push_back(std::move(event));
  if (history_.size() <= kMostAppended) return;
  history_.pop_front();
  ++dropped_;
}

void WaitingState::Append(v1::AuditEntry entry) {
  audit_.push_back(std::move(entry));
  if (audit_.size() <= kMostAppended) return;
  audit_.pop_front();
  ++dropped_;
}

void WaitingState::PutBack(WaitingState older) {
  // Where both have an entry, ours is the newer and stays.
  hosts_.merge(older.hosts_);
  nodes_.merge(older.nodes_);
  operations_.merge(older.operations_);
  dropped_ += Prepend(older.history_, history_);
  dropped_ += Prepend(older.audit_, audit_);
  dropped_ += older.dropped_;
}

size_t WaitingState::size() const {
  return hosts_.size() + nodes_.size() + operations_.size() + history_.size() +
         audit_.size();
}

}  // namespace rehai
