// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef AGENT_REPORT_BUFFER_H_
#define AGENT_REPORT_BUFFER_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "hypervisor/connection.h"
#include "rehai/v1/agent.pb.h"
#include "rehai/v1/model.pb.h"

namespace rehai::agent {

// ReportBuffer is what the agent knows of its host and the controller may not.
//
// - It holds one state of each guest, the newest, however long the controller
//   is away: memory is bounded by the host, not by time.
// - A report holds what has changed since the controller acknowledged it, and
//   everything if the controller wants that. One report is under way at a time,
//   so what changes meanwhile is in the next one, once.
// - What was sent and not acknowledged when a session broke is sent again.
// - A session's first report is made even if there is no news: by it the
//   controller knows that the host is there, or that it cannot be read.
//
// Decides and does nothing: no clock, no I/O. Times are Clock::Uptime(). Not
// thread-safe.
class ReportBuffer {
 public:
  // How long an event may come after the reading that saw what it tells.
  static constexpr absl::Duration kLateEvent = absl::Minutes(1);

  // The last words of guests of which events have told; see
  // hypervisor/last_word.h.
  using LastWords = std::map<GuestId, hypervisor::GuestEvent>;

  // A complete reading of the host, begun at `begun`. `told` is what events
  // have told since the one before. A guest that is not listed any more and
  // whose end no event told may be missing because the hypervisor is broken: so
  // it is not reported as removed, but a full report is made, by which the
  // controller judges. If its end is told within kLateEvent, it is removed
  // after all.
  void Take(const hypervisor::Inventory& found, absl::Duration begun,
            const LastWords& told = {});
  // These guests are on their way to another host; see
  // Observation.moving_uuids. As of the last reading.
  void SetMoving(std::set<std::string> uuids);
  // The hypervisor cannot be read; nothing before the next Take() is known.
  void SetSourceError(std::string error);
  // A full report is to answer this request of the controller's, with what is
  // read from now on: the next Take() settles it. So does a SetSourceError(),
  // which is then reported even if it is no news.
  void WantAnswer(int64_t request_id);

  // A session begins. `need_full` as the controller said.
  void Begin(int64_t epoch, bool need_full);
  // The session has broken.
  void End();

  // The next report, if there is something to say and none is under way.
  // Nullopt also before anything was read. The report is then under way.
  std::optional<v1::AgentReport> Next(absl::Duration now);

  // The report of that sequence is merged.
  void Acknowledged(int64_t sequence);
  // The report under way was not merged: a full one is wanted.
  void NeedFull();

  // For the next hello: what the controller has acknowledged; 0 if nothing.
  int64_t last_epoch() const { return acknowledged_epoch_; }
  int64_t last_acknowledged() const { return acknowledged_; }

 private:
  enum class Standing {
    kUnsent,        // the controller has not been told
    kUnderWay,      // in the report under way
    kAcknowledged,  // the controller knows
  };
  struct Entry {
    v1::Guest guest;
    bool listed = true;              // false: gone
    bool told = false;               // that it is gone, by an event
    absl::Duration gone_since = {};  // the first reading without it
    bool unread = false;             // only what the list tells
    Standing standing = Standing::kUnsent;
  };

  bool Moves(const std::string& uuid) const { return moving_.contains(uuid); }
  // A guest is not listed any more, no event told its end, and the controller
  // may not know.
  bool LacksUntold() const;
  bool HasNews() const;
  void AddGuests(bool full, v1::AgentReport& report);
  void AddAll(v1::AgentReport& report);
  void ForgetUnderWay();
  // True if nothing that is told of it any more could be news.
  bool IsSettled(const std::string& uuid, const Entry& known) const;
  // A guest that the last reading did not list; `word` is what events said.
  void Lacks(const std::string& uuid, Entry& known,
             hypervisor::GuestEvent word);

  // Of the host.
  bool read_ = false;
  absl::Duration begun_;
  v1::HostFacts facts_;
  Standing facts_standing_ = Standing::kUnsent;
  std::map<std::string, Entry> guests_;  // by UUID
  std::set<std::string> moving_;
  std::string source_error_;
  Standing error_standing_ = Standing::kAcknowledged;
  std::vector<int64_t> asked_;     // not answered by a reading yet
  std::vector<int64_t> answered_;  // by a reading, and not acknowledged

  // Of the session. 0: there is none.
  int64_t epoch_ = 0;
  int64_t sequence_ = 0;
  bool need_full_ = true;
  bool under_way_ = false;
  size_t answers_under_way_ = 0;  // the first so many of answered_

  int64_t acknowledged_epoch_ = 0;
  int64_t acknowledged_ = 0;
};

}  // namespace rehai::agent

#endif  // AGENT_REPORT_BUFFER_H_
