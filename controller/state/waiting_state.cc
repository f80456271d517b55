// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/state/waiting_state.h"

#include <iterator>
#include <utility>

namespace rehai {
namespace {

// Returns how many of the oldest were dropped for it.
template <typename T>
int64_t AppendTo(std::deque<T>& appended, T entry, size_t most) {
  appended.push_back(std::move(entry));
  if (appended.size() <= most) return 0;
  appended.pop_front();
  return 1;
}

// The older before the newer, without the oldest of what is too much. Returns
// how many those are.
template <typename T>
int64_t Prepend(std::deque<T>& older, std::deque<T>& newer, size_t most) {
  newer.insert(newer.begin(), std::make_move_iterator(older.begin()),
               std::make_move_iterator(older.end()));
  int64_t dropped = 0;
  for (; newer.size() > most; ++dropped) {
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
  dropped_ += AppendTo(history_, std::move(event), kMostEvents);
}

void WaitingState::Append(v1::Shown shown) {
  dropped_ += AppendTo(shown_, std::move(shown), kMostAppended);
}

void WaitingState::Append(v1::AuditEntry entry) {
  dropped_ += AppendTo(audit_, std::move(entry), kMostAppended);
}

void WaitingState::PutBack(WaitingState older) {
  // Where both have an entry, ours is the newer and stays.
  hosts_.merge(older.hosts_);
  nodes_.merge(older.nodes_);
  operations_.merge(older.operations_);
  dropped_ += Prepend(older.history_, history_, kMostEvents);
  dropped_ += Prepend(older.shown_, shown_, kMostAppended);
  dropped_ += Prepend(older.audit_, audit_, kMostAppended);
  dropped_ += older.dropped_;
}

size_t WaitingState::size() const {
  return hosts_.size() + nodes_.size() + operations_.size() + history_.size() +
         shown_.size() + audit_.size();
}

}  // namespace rehai
