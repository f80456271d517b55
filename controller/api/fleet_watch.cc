// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_watch.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "base/status_macros.h"
#include "controller/query/fields.h"
#include "controller/query/rows.h"
#include "controller/sync/resync_operations.h"

namespace rehai {
namespace {

bool MayBeNamed(const v1::HostSelector& selector, const std::string& node) {
  const auto& nodes = selector.nodes();
  return nodes.empty() ||
         std::find(nodes.begin(), nodes.end(), node) != nodes.end();
}

absl::StatusOr<query::Filter> ReadFilter(const std::string& text) {
  ASSIGN_OR_RETURN(query::Filter filter,
                   query::Filter::Compile(text, query::Kind::kHosts));
  if (const query::Field* const field = filter.volatile_field()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "filter: ", std::string(field->name),
        " changes without a change of the host, so a watch cannot tell when it "
        "matches; leave it out, or list the hosts"));
  }
  return filter;
}

absl::StatusOr<absl::Duration> ReadBookmarkInterval(
    const v1::FleetWatchRequest& request) {
  if (!request.has_bookmark_interval()) return absl::InfiniteDuration();
  const absl::Duration interval = FromProto(request.bookmark_interval());
  if (interval < absl::Seconds(1) || interval > absl::Hours(1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("bookmark_interval: ", absl::FormatDuration(interval),
                     " is not from 1s to 1h; leave it out for no bookmarks"));
  }
  return interval;
}

}  // namespace

FleetWatch::FleetWatch(const Inventory& inventory,
                       const v1::FleetWatchRequest& request, const Clock& clock)
    : inventory_(inventory),
      clock_(clock),
      selector_(request.selector()),
      selects_all_(selector_.nodes().empty() && selector_.labels().empty() &&
                   request.filter().empty()),
      resumed_(request.after_revision() != 0),
      sent_through_(request.after_revision()),
      sent_at_(clock.Uptime()) {
  absl::StatusOr<query::Filter> filter = ReadFilter(request.filter());
  const absl::StatusOr<absl::Duration> interval = ReadBookmarkInterval(request);
  refusal_.Update(filter.status());
  refusal_.Update(interval.status());
  if (request.after_revision() < 0) {
    refusal_.Update(absl::InvalidArgumentError(
        absl::StrCat("after_revision: ", request.after_revision(),
                     " is negative; take it from an earlier step, or 0 for the "
                     "whole state")));
  }
  if (!refusal_.ok()) return;
  filter_ = *std::move(filter);
  bookmark_interval_ = *interval;
  if (resumed_) {
    synced_at_ = inventory_.revision();
    return;
  }
  const std::shared_ptr<const FleetView> view = inventory_.View();
  synced_at_ = sent_through_ = view->revision;
  std::copy_if(view->records.begin(), view->records.end(),
               std::back_inserter(first_state_),
               [this](const RecordPtr& record) { return IsMeant(*record); });
  std::sort(first_state_.begin(), first_state_.end(),
            [](const RecordPtr& a, const RecordPtr& b) {
              return a->revision() > b->revision();
            });
}

bool FleetWatch::IsMeant(const v1::Record& record) const {
  if (selects_all_) return true;
  if (!Matches(selector_, record)) return false;
  const query::HostRow row{.record = &record,
                           .running_guests = static_cast<int32_t>(std::count_if(
                               record.guests().begin(), record.guests().end(),
                               [](const v1::Guest& guest) {
                                 return guest.state() ==
                                        v1::GUEST_STATE_RUNNING;
                               }))};
  return filter_.MatchesHost(row, clock_.Now());
}

absl::StatusOr<std::optional<FleetStep>> FleetWatch::Next() {
  RETURN_IF_ERROR(refusal_);
  ASSIGN_OR_RETURN(std::optional<FleetStep> step, Find());
  if (step.has_value()) sent_at_ = clock_.Uptime();
  return step;
}

absl::StatusOr<std::optional<FleetStep>> FleetWatch::Find() {
  if (!first_state_.empty()) {
    RecordPtr record = std::move(first_state_.back());
    first_state_.pop_back();
    return Changed(std::move(record));
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
      return FleetStep{.kind = v1::FleetWatchResponse::KIND_SYNCED,
                       .revision = sent_through_};
    }
    if (next.changes.empty()) return Bookmark(next.through);
    sent_through_ = next.changes.front().revision;
    if (auto step = Tell(next.changes.front())) return step;
  }
}

std::optional<FleetStep> FleetWatch::Bookmark(Revision through) {
  sent_through_ = std::max(sent_through_, through);
  if (clock_.Uptime() - sent_at_ < bookmark_interval_) return std::nullopt;
  return FleetStep{.kind = v1::FleetWatchResponse::KIND_BOOKMARK,
                   .revision = sent_through_};
}

FleetStep FleetWatch::Changed(RecordPtr record) {
  if (!selects_all_) {
    shown_.insert(record->node());
    hidden_.erase(record->node());
  }
  const Revision revision = record->revision();
  return {.kind = v1::FleetWatchResponse::KIND_HOST_CHANGED,
          .revision = revision,
          .record = std::move(record)};
}

std::optional<FleetStep> FleetWatch::Tell(const Change& change) {
  const std::string& node = change.host.node;
  if (change.record != nullptr && IsMeant(*change.record)) {
    return Changed(change.record);
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
  return FleetStep{.kind = v1::FleetWatchResponse::KIND_HOST_REMOVED,
                   .revision = change.revision,
                   .node = node};
}

}  // namespace rehai
