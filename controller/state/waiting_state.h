// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_STATE_WAITING_STATE_H_
#define CONTROLLER_STATE_WAITING_STATE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "proto/ids.h"
#include "rehai/v1/history.pb.h"
#include "rehai/v1/resync.pb.h"
#include "rehai/v1/state.pb.h"

namespace rehai {

// What was put and is not kept yet, and goes into the file as one: the newest
// of each host, node and operation, and what is appended, in order.
//
// It is bounded by the fleet's size: one entry per host, node and operation;
// and by a fixed number of events, of showings in Chef and of audit entries, of
// which the oldest are dropped, and counted. A plain value, not thread-safe.
class WaitingState {
 public:
  // Of events, which come in thousands when a fleet is first seen; and of
  // showings and of audit entries each.
  static constexpr size_t kMostEvents = 100'000;
  static constexpr size_t kMostAppended = 10'000;

  void Put(v1::StoredHost host);
  void Put(v1::StoredNode node);
  void Remove(const HostId& host);
  void Put(v1::Operation operation);
  void Append(v1::HistoryEvent event);
  void Append(v1::Shown shown);
  void Append(v1::AuditEntry entry);

  // This could not be kept. What is here was put after it.
  void PutBack(WaitingState older);

  size_t size() const;
  bool empty() const { return size() == 0; }
  // Events, showings and audit entries that found no place, since the last
  // PutBack() or construction.
  int64_t dropped() const { return dropped_; }

  // By node; nullopt: removed.
  const std::map<std::string, std::optional<v1::StoredHost>>& hosts() const {
    return hosts_;
  }
  const std::map<std::string, std::optional<v1::StoredNode>>& nodes() const {
    return nodes_;
  }
  const std::map<std::string, v1::Operation>& operations() const {
    return operations_;
  }
  const std::deque<v1::HistoryEvent>& history() const { return history_; }
  const std::deque<v1::Shown>& shown() const { return shown_; }
  const std::deque<v1::AuditEntry>& audit() const { return audit_; }

 private:
  std::map<std::string, std::optional<v1::StoredHost>> hosts_;
  std::map<std::string, std::optional<v1::StoredNode>> nodes_;
  std::map<std::string, v1::Operation> operations_;
  std::deque<v1::HistoryEvent> history_;
  std::deque<v1::Shown> shown_;
  std::deque<v1::AuditEntry> audit_;
  int64_t dropped_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_STATE_WAITING_STATE_H_
