// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/host_standing.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/proto_time.h"
#include "controller/inventory/record.h"
#include "controller/source/display_uri.h"

namespace rehai {
namespace {

v1::Condition ConditionOf(const char* type, std::string message) {
  v1::Condition condition;
  condition.set_type(type);
  condition.set_message(std::move(message));
  return condition;
}

// Discovery finds a fleet within this after a start, if it is well.
constexpr absl::Duration kTimeToBeFound = absl::Minutes(1);

// A claim is "URI (FOUND_BY)".
std::string DisplayClaim(absl::string_view claim) {
  const size_t end = claim.rfind(" (");
  if (end == absl::string_view::npos) return DisplayUri(claim);
  return absl::StrCat(DisplayUri(claim.substr(0, end)), claim.substr(end));
}

std::optional<v1::Condition> ClaimedTwice(const FoundHost& found,
                                          const std::string& uri) {
  if (found.other_claims.empty()) return std::nullopt;
  const auto shown = [](std::string* out, const std::string& claim) {
    out->append(DisplayClaim(claim));
  };
  return ConditionOf(
      kNodeClaimedTwice,
      absl::StrCat("host ", found.host.node, ": its node is claimed by ",
                   DisplayUri(found.uri), " (", found.found_by, ") and by ",
                   absl::StrJoin(found.other_claims, ", ", shown),
                   "; it is still watched at ", DisplayUri(uri),
                   " and its node is not written; take all but one of the "
                   "claims away"));
}

v1::Condition LeftDiscovery(const FoundHost& found, absl::Time kept_until) {
  const std::string found_by =
      found.found_by.empty() ? "discovery" : found.found_by;
  return ConditionOf(
      kLeftDiscovery,
      absl::StrCat("host ", found.host.node, ": not found any more by ",
                   found_by, "; it is not watched, and is forgotten at ",
                   absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", kept_until,
                                    absl::UTCTimeZone()),
                   "; put it back there if it is to stay"));
}

std::string NobodyTells(const HostId& host) {
  return absl::StrCat("host ", host.node,
                      ": it has no URI, and no agent has spoken for it; start "
                      "rehai-agent on it, or give it a URI");
}

}  // namespace

HostStanding::HostStanding(const hypervisor::HostSchedule::Options& options,
                           const FoundHost& found, absl::Duration now)
    : found_(found), uri_(found.uri), schedule_(options, found.host, now) {
  announcement_.labels = found.labels;
  if (uri_.empty()) {
    schedule_.SetDialable(false);
    last_error_ = NobodyTells(found.host);
    WantPresence(now);
  }
  WantCondition(kLeftDiscovery, std::nullopt, now);
  WantCondition(kNodeClaimedTwice, ClaimedTwice(found, found.uri), now);
}

bool HostStanding::Found(const FoundHost& found, absl::Duration now) {
  if (std::exchange(uri_is_unknown_, false)) {
    uri_ = found.uri;
    schedule_.SetDialable(!uri_.empty());
    if (!uri_.empty()) last_error_.clear();
  }
  const bool returned = schedule_.has_left();
  if (!returned && found == found_) return false;
  announcement_.labels = found.labels;
  if (returned) WantCondition(kLeftDiscovery, std::nullopt, now);
  schedule_.Return(now);
  found_ = found;
  WantCondition(kNodeClaimedTwice, ClaimedTwice(found, uri_), now);
  // Never switch on a conflict.
  if (!found.other_claims.empty() || found.uri == uri_) return false;
  uri_ = found.uri;
  schedule_.SetDialable(!uri_.empty());
  schedule_.MovedUri(now);
  return true;
}

void HostStanding::NotFound(absl::Time kept_until, absl::Duration now) {
  if (schedule_.has_left()) return;
  schedule_.Leave(now);
  WantCondition(kNodeClaimedTwice, std::nullopt, now);
  WantCondition(kLeftDiscovery, LeftDiscovery(found_, kept_until), now);
}

void HostStanding::Restored(absl::Time kept_until, absl::Duration now) {
  uri_is_unknown_ = true;
  schedule_.Restored(now);
  schedule_.Announced();  // nothing of what it began with
  announcement_ = {};
  presence_wanted_ = false;
  NotFound(kept_until, now + kTimeToBeFound);
}

void HostStanding::WantCondition(const std::string& type,
                                 std::optional<v1::Condition> condition,
                                 absl::Duration now) {
  announcement_.conditions[type] = std::move(condition);
  schedule_.WantAnnounce(now);
}

void HostStanding::WantPresence(absl::Duration now) {
  presence_wanted_ = true;
  schedule_.WantAnnounce(now);
}

Announcement HostStanding::TakeAnnouncement(bool doubted) {
  schedule_.Announced();
  if (std::exchange(presence_wanted_, false)) {
    v1::Presence presence = schedule_.presence();
    if (presence == v1::PRESENCE_CURRENT) {
      if (doubted) presence = v1::PRESENCE_STALE;
    } else if (!schedule_.has_left() && !schedule_.agent_speaks()) {
      announcement_.unreachable = ConditionOf(kUnreachable, last_error_);
    }
    if (!announcement_.unreachable.has_value()) {
      announcement_.conditions[kUnreachable] = std::nullopt;
    }
    announcement_.presence = presence;
  }
  return std::exchange(announcement_, {});
}

void HostStanding::DialEnded(const absl::Status& status, absl::Duration took) {
  ++dials_;
  if (status.ok()) dial_time_ = took;
}

void HostStanding::ReadEnded(const std::string& host_uuid,
                             absl::Duration took) {
  ++reads_;
  read_time_ = took;
  host_uuid_ = host_uuid;
}

void HostStanding::Failed(const absl::Status& why) {
  last_error_ = {why.message().data(), why.message().size()};
}

v1::Connection HostStanding::Describe(absl::Duration now,
                                      absl::Time wall_now) const {
  v1::Connection connection;
  connection.set_node(found_.host.node);
  connection.set_uri(DisplayUri(uri_));
  const hypervisor::HostSchedule::Shown shown = schedule_.ShownAt(now);
  connection.set_state(shown.state);
  *connection.mutable_since() = ToProto(wall_now - (now - shown.since));
  connection.set_failures(schedule_.failures());
  connection.set_last_error(last_error_);
  if (shown.state == v1::CONNECTION_STATE_WAITING ||
      shown.state == v1::CONNECTION_STATE_QUARANTINED) {
    *connection.mutable_next_dial_at() =
        ToProto(wall_now + (schedule_.dial_at() - now));
  }
  connection.set_host_uuid(host_uuid_);
  if (dial_time_.has_value()) {
    *connection.mutable_dial_time() = ToProto(*dial_time_);
  }
  if (read_time_.has_value()) {
    *connection.mutable_read_time() = ToProto(*read_time_);
  }
  connection.set_dials(dials_);
  connection.set_reads(reads_);
  connection.set_missed_events(missed_.Count(now));
  connection.set_found_by(found_.found_by);
  return connection;
}

}  // namespace rehai
