// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_SYNC_OPERATION_RUN_H_
#define CONTROLLER_SYNC_OPERATION_RUN_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "controller/sync/host_ending.h"
#include "controller/sync/operation_progress.h"
#include "rehai/v1/resync.pb.h"

namespace rehai {

// OperationRun decides what becomes of one operation: which host is begun when,
// what it goes through, and how it ends. It acts on nothing: who owns it makes
// the calls that it asks for and tells how they ended.
//
// - Every host ends in exactly one outcome: by its own deadline once it is
//   begun, and by the operation's in any case.
// - Of a host's steps the next is asked for when the one before went well.
// - Hosts are begun in their order, as the pace lets.
// - What is said of a step that is over already changes nothing.
//
// It counts its changes, so that who has seen it at one version can be told
// what has changed since.
//
// Times named `now` are Clock::Uptime() values. A plain value, not thread-safe.
class OperationRun {
 public:
  // A step of a host's, by its place in the operation.
  struct Step {
    int host = 0;
    v1::HostProgress progress = v1::HOST_PROGRESS_UNSPECIFIED;
  };
  // True if what is known of the host is of this run of the controller.
  using IsFresh = absl::FunctionRef<bool(const std::string& node)>;

  // One that begins: as PlanResync() made it, with its id and its hosts.
  OperationRun(v1::Operation operation, absl::Duration now,
               absl::Time wall_now);
  // One of the last run of the controller. If it has not ended, its hosts that
  // are not done are all to be begun, those that are not fresh only after
  // `grace`.
  static OperationRun Restored(v1::Operation operation, absl::Duration now,
                               absl::Time wall_now, absl::Duration grace);

  // Ends the hosts whose time is over and begins others, as is due: their first
  // steps, to be made.
  std::vector<Step> Advance(absl::Duration now, absl::Time wall_now,
                            IsFresh is_fresh);
  // When Advance() has something to do; infinite if only an answer or a call
  // gives it that. As of the last Advance().
  absl::Duration next_due() const { return next_due_; }

  // True if the host is at that step.
  bool IsAt(Step step) const;
  // The step ended so. What is to be made next, if anything is.
  std::optional<Step> OnEnding(Step step, HostEnding ending, absl::Duration now,
                               absl::Time wall_now);

  // Nothing if it has ended, or is so already.
  void Pause();
  void Resume(absl::Duration now);
  // Hosts not begun are CANCELED, and it goes on until those under way are
  // done.
  void Cancel(absl::Duration now, absl::Time wall_now);

  // Grows with each change.
  int64_t version() const { return version_; }
  // The version of the last change of more than progress: it began, was paused,
  // resumed or canceled, or ended.
  int64_t state_version() const { return state_version_; }

  // Without its hosts; `progress` as of now.
  v1::Operation Summary(absl::Duration now) const;
  // With those hosts that have changed since that version; 0: all.
  v1::Operation Since(int64_t version, absl::Duration now) const;

  const v1::Operation& operation() const { return operation_; }  // no hosts
  const std::string& node(int host) const {
    return hosts_[static_cast<size_t>(host)].node();
  }
  bool ended() const { return operation_.has_ended_at(); }
  // The moment after which what is checked is fresh enough.
  absl::Duration commanded_at() const { return commanded_at_; }
  // Of those hosts that this object has ended.
  const OutcomeCounts& ended_here() const { return ended_here_; }

 private:
  v1::HostResult& HostAt(int host) { return hosts_[static_cast<size_t>(host)]; }
  const v1::HostResult& HostAt(int host) const {
    return hosts_[static_cast<size_t>(host)];
  }
  int HostCount() const { return static_cast<int>(hosts_.size()); }

  void NoteState();
  void NoteHost(int host);
  // Of hosts not begun.
  void EndWaiting(const HostEnding& ending, absl::Duration now,
                  absl::Time wall_now);
  void EndHost(int host, const HostEnding& ending, absl::Duration now,
               absl::Time wall_now);
  void Expire(absl::Duration now, absl::Time wall_now);
  // Of hosts that need no call: a dry run of what only a call could tell.
  void TellOnly(absl::Duration now, absl::Time wall_now);
  bool MayBegin() const;
  void BeginHosts(absl::Duration now, IsFresh is_fresh,
                  std::vector<Step>& steps);

  // Set at construction.
  v1::Operation operation_;  // without hosts and progress
  std::vector<v1::HostProgress> steps_;
  absl::Duration begin_interval_;
  absl::Duration host_timeout_;
  absl::Duration deadline_;
  absl::Duration commanded_at_;
  absl::Duration held_until_;  // hosts that are not fresh

  std::vector<v1::HostResult> hosts_;
  std::vector<int64_t> changed_at_;  // version, by host
  int64_t version_ = 0;
  int64_t state_version_ = 0;
  OutcomeCounts outcomes_ = {};
  OutcomeCounts ended_here_ = {};
  DoneRate rate_;
  int first_waiting_ = 0;  // no host before it waits
  int under_way_ = 0;
  absl::Duration next_begin_;
  // Of the hosts begun, in the order of both.
  std::deque<std::pair<absl::Duration, int>> deadlines_;
  absl::Duration next_due_;
};

}  // namespace rehai

#endif  // CONTROLLER_SYNC_OPERATION_RUN_H_
