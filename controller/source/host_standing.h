// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SOURCE_HOST_STANDING_H_
#define CONTROLLER_SOURCE_HOST_STANDING_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "controller/discovery/found_host.h"
#include "controller/source/missed_events.h"
#include "hypervisor/host_schedule.h"
#include "rehai/v1/model.pb.h"
#include "rehai/v1/source.pb.h"

namespace rehai {

// What the inventory is to be told of a host that no read tells.
struct Announcement {
  std::optional<std::map<std::string, std::string>> labels;
  // By their types. Nullopt: the host does not have it any more.
  std::map<std::string, std::optional<v1::Condition>> conditions;
  // Nullopt: as it was told before. With why, if it cannot be reached.
  std::optional<v1::Presence> presence;
  std::optional<v1::Condition> unreachable;
};

// HostStanding is where one host stands: where discovery says it is, what is to
// be done about it, and how its connection has fared.
//
// A host whose node is claimed twice stays where it is, until one claim is
// left.
//
// Times are Clock::Uptime() values, passed in. A plain value, not thread-safe.
class HostStanding {
 public:
  HostStanding(const hypervisor::HostSchedule::Options& options,
               const FoundHost& found, absl::Duration now);

  // Discovery finds the host so. True if it is to be reached at another URI
  // than until now.
  bool Found(const FoundHost& found, absl::Duration now);
  // Discovery does not find it any more; it will be forgotten at `kept_until`.
  void NotFound(absl::Time kept_until, absl::Duration now);

  // It was known in the run before this one, and discovery has not found it in
  // this one yet: in its first while, it is left alone, and then it counts as
  // not found any more. Before anything else.
  void Restored(absl::Time kept_until, absl::Duration now);

  // What is to be done about the host.
  hypervisor::HostSchedule& schedule() { return schedule_; }
  const hypervisor::HostSchedule& schedule() const { return schedule_; }

  MissedEvents& missed() { return missed_; }
  const MissedEvents& missed() const { return missed_; }

  // What discovery said last, and where to reach the host.
  const FoundHost& found() const { return found_; }
  const std::string& uri() const { return uri_; }

  // The inventory is to be told that the host has a condition, or not.
  void WantCondition(const std::string& type,
                     std::optional<v1::Condition> condition,
                     absl::Duration now);
  // The inventory is to be told how current the host is, and why: as it is when
  // that is done.
  void WantPresence(absl::Duration now);
  // What it is to be told, in full: the caller does. `doubted`: its identity is
  // in doubt, so what is shown is not what it says.
  Announcement TakeAnnouncement(bool doubted = false);

  void DialEnded(const absl::Status& status, absl::Duration took);
  void ReadEnded(const std::string& host_uuid, absl::Duration took);
  // A dial, a read or the connection failed, or its agent went.
  void Failed(const absl::Status& why);

  // For people. `wall_now` is the wall time of `now`.
  v1::Connection Describe(absl::Duration now, absl::Time wall_now) const;

 private:
  FoundHost found_;
  std::string uri_;
  bool uri_is_unknown_ = false;  // since a restart
  hypervisor::HostSchedule schedule_;
  MissedEvents missed_;
  Announcement announcement_;
  bool presence_wanted_ = false;

  std::string last_error_;
  std::string host_uuid_;
  std::optional<absl::Duration> dial_time_;
  std::optional<absl::Duration> read_time_;
  int64_t dials_ = 0;
  int64_t reads_ = 0;
};

}  // namespace rehai

#endif  // CONTROLLER_SOURCE_HOST_STANDING_H_
