// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_watch.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "controller/sync/resync_operations.h"

namespace rehai {
namespace {

v1::FleetWatchResponse Step(v1::FleetWatchResponse::Kind kind,
                            Revision revision) {
  v1::FleetWatchResponse step;
  step.set_kind(kind);
  step.set_revision(revision);
  return step;
}

bool MayBeNamed(const v1::HostSelector& selector, const std::string& node) {
  const auto& nodes = selector.nodes();
  return nodes.empty() ||
         std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

}  // namespace

FleetWatch::FleetWatch(const Inventory& inventory,
                       const v1::FleetWatchRequest& request)
    : inventory_(inventory),
      selector_(request.selector()),
      selects_all_(selector_.nodes().empty() && selector_.labels().empty()),
      resumed_(request.after_revision() != 0),
      sent_through_(request.after_revision()) {
  if (resumed_) {
    synced_at_ = inventory_.revision();
    return;
  }
  const std::shared_ptr<const FleetView> view = inventory_.View();
  synced_at_ = sent_through_ = view->revision;
  std::copy_if(view->records.begin(), view->records.end(),
               std::back_inserter(first_state_),
               [this](const RecordPtr& r) { return Matches(selector_, *r); });
  std::sort(first_state_.begin(), first_state_.end(),
            [](const RecordPtr& a, const RecordPtr& b) {
              return a->revision() > b->revision();
            });
}

absl::StatusOr<std::optional<v1::FleetWatchResponse>> FleetWatch::Next() {
  if (sent_through_ < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("after_revision: ", sent_through_,
                     " is negative; take it from an earlier step, or 0 for the "
                     "whole state"));
  }
  if (!first_state_.empty()) {
    const RecordPtr record = std::move(first_state_.back());
    first_state_.pop_back();
    return Changed(*record);
  }
  while (true) {
    // One at a time: what is asked for later is newer.
    ASSIGN_OR_RETURN(const Changes next,
                     inventory_.ChangesAfter(sent_through_, /*limit=*/1));
    const bool reached =
        next.changes.empty() || next.changes.front().revision > synced_at_;
    if (!synced_ && reached) {
      synced_ = true;
      sent_through_ = std::max(sent_through_, synced_at_);
      return Step(v1::FleetWatchResponse::KIND_SYNCED, sent_through_);
    }
    if (next.changes.empty()) return std::nullopt;
    sent_through_ = next.changes.front().revision;
    if (auto step = Tell(next.changes.front())) return step;
  }
}

v1::FleetWatchResponse FleetWatch::Changed(const v1::Record& record) {
  if (!selects_all_) {
    shown_.insert(record.node());
    hidden_.erase(record.node());
  }
  v1::FleetWatchResponse step =
      Step(v1::FleetWatchResponse::KIND_HOST_CHANGED, record.revision());
  *step.mutable_record() = record;
  return step;
}

std::optional<v1::FleetWatchResponse> FleetWatch::Tell(const Change& change) {
  const std::string& node = change.host.node;
  if (change.record != nullptr && Matches(selector_, *change.record)) {
    return Changed(*change.record);
  }
  if (!selects_all_) {
    const bool was_shown = shown_.erase(node) > 0;
    // A resumed watcher may have been shown the host before, and before its
    // labels changed; who knows. Tell it once.
    const bool unknown =
        resumed_ && !hidden_.contains(node) && MayBeNamed(selector_, node);
    if (!was_shown && !unknown) return std::nullopt;
    if (change.record == nullptr) {
      hidden_.erase(node);
    } else {
      hidden_.insert(node);
    }
  }
  v1::FleetWatchResponse step =
      Step(v1::FleetWatchResponse::KIND_HOST_REMOVED, change.revision);
  step.mutable_record()->set_node(node);
  return step;
}

}  // namespace rehai
