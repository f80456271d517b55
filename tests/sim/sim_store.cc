// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/sim_store.h"

#include <algorithm>
#include <utility>

namespace rehai::sim {

SimStore::SimStore(Dice& dice, Scheduler& scheduler, Trace& trace)
    : dice_(dice), scheduler_(scheduler), trace_(trace) {}

void SimStore::Crash() {
  is_dead_ = true;
  newest_ = kept_;
}

Store::Contents SimStore::TakeContents() {
  is_dead_ = false;
  Contents contents;
  for (const auto& [node, host] : kept_.hosts) contents.hosts.push_back(*host);
  for (const auto& [name, node] : kept_.nodes) contents.nodes.push_back(*node);
  for (const auto& [id, operation] : kept_.operations) {
    contents.operations.push_back(*operation);
  }
  contents.last_revision = kept_.last_revision;
  contents.last_session = kept_.last_session;
  contents.last_event = kept_.last_event;
  contents.kept_at = kept_.kept_at;
  return contents;
}

void SimStore::Put(v1::StoredHost host) {
  if (is_dead_) return;
  newest_.last_revision =
      std::max(newest_.last_revision, host.record().revision());
  newest_.last_session =
      std::max(newest_.last_session, host.record().session());
  const std::string node = host.record().node();
  newest_.hosts[node] = std::make_shared<const v1::StoredHost>(std::move(host));
  Changed();
}

void SimStore::Put(v1::StoredNode node) {
  if (is_dead_) return;
  const std::string name = node.node();
  newest_.nodes[name] = std::make_shared<const v1::StoredNode>(std::move(node));
  Changed();
}

void SimStore::Remove(const HostId& host) {
  if (is_dead_) return;
  newest_.hosts.erase(host.node);
  newest_.nodes.erase(host.node);
  Changed();
}

void SimStore::Put(v1::StoredHost host, std::vector<v1::HistoryEvent> events) {
  Note(events);
  Put(std::move(host));
}

void SimStore::Remove(const HostId& host,
                      std::vector<v1::HistoryEvent> events) {
  Note(events);
  Remove(host);
}

void SimStore::Note(const std::vector<v1::HistoryEvent>& events) {
  if (is_dead_) return;
  for (const v1::HistoryEvent& event : events) {
    trace_.Expect(event.sequence() > newest_.last_event, 3, "history: event ",
                  event.sequence(), " after ", newest_.last_event);
    newest_.last_event = std::max(newest_.last_event, event.sequence());
  }
}

void SimStore::Put(v1::Operation operation) {
  if (is_dead_) return;
  const std::string id = operation.id();
  newest_.operations[id] =
      std::make_shared<const v1::Operation>(std::move(operation));
  Changed();
}

void SimStore::Changed() {
  if (std::exchange(is_due_, true)) return;
  const absl::Duration until =
      dice_.Chance(0.02)
          ? dice_.Between(absl::Seconds(1), absl::Seconds(5))
          : dice_.Between(absl::Milliseconds(2), absl::Milliseconds(300));
  scheduler_.After(until, [this] { Commit(); });
}

void SimStore::Commit() {
  is_due_ = false;
  if (is_dead_) return;
  kept_ = newest_;
  kept_.kept_at = scheduler_.clock().Now();
  trace_.Add("state: commit ", ++commits_);
}

absl::Status SimStore::Flush(absl::Duration /*timeout*/) {
  Commit();
  return absl::OkStatus();
}

Store::Health SimStore::health() const {
  Health health;
  health.commits = commits_;
  return health;
}

}  // namespace rehai::sim
