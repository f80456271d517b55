// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/operation_run.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "controller/sync/resync_plan.h"
#include "proto/ids.h"

namespace rehai {
namespace {

// A host that is not fresh is looked for this often.
constexpr absl::Duration kFreshPoll = absl::Seconds(1);
// What a rate that could not be used is made up for later.
constexpr absl::Duration kCatchUp = absl::Milliseconds(100);

absl::Duration BeginIntervalOf(const v1::ResyncPace& pace) {
  return pace.hosts_per_second() > 0
             ? absl::Seconds(1 / pace.hosts_per_second())
             : absl::ZeroDuration();
}

HostEnding PastDeadline(const v1::Operation& operation,
                        const std::string& node) {
  return {v1::HOST_OUTCOME_TIMED_OUT,
          absl::StrCat("host ", node, ": not done when the time of resync ",
                       operation.id(), " was over, ",
                       absl::FormatDuration(FromProto(operation.deadline()) -
                                            FromProto(operation.started_at())),
                       " after its begin; ask for the rest with more time or a "
                       "faster pace")};
}

}  // namespace

OperationRun::OperationRun(v1::Operation operation, absl::Duration now,
                           absl::Time wall_now)
    : operation_(std::move(operation)),
      steps_(StepsOf(operation_)),
      begin_interval_(BeginIntervalOf(operation_.pace())),
      host_timeout_(FromProto(operation_.pace().host_timeout())),
      deadline_(now + (FromProto(operation_.deadline()) - wall_now)),
      commanded_at_(now),
      held_until_(now),
      hosts_(operation_.hosts().begin(), operation_.hosts().end()),
      rate_(now),
      next_begin_(now),
      next_due_(now) {
  operation_.clear_hosts();
  operation_.clear_progress();
  operation_.set_total(HostCount());
  int done = 0;
  for (v1::HostResult& host : hosts_) {
    if (host.progress() == v1::HOST_PROGRESS_DONE) {
      ++done;
      ++outcomes_[static_cast<size_t>(host.outcome())];
    } else {
      host.set_progress(v1::HOST_PROGRESS_WAITING);
    }
  }
  operation_.set_done(done);
  changed_at_.assign(hosts_.size(), 1);
  version_ = state_version_ = 1;
}

OperationRun OperationRun::Restored(v1::Operation operation, absl::Duration now,
                                    absl::Time wall_now, absl::Duration grace) {
  // Before there were states, pace and deadlines, an operation had an end or
  // none; one without is over its time.
  if (operation.state() == v1::OPERATION_STATE_UNSPECIFIED) {
    operation.set_state(operation.has_ended_at() ? v1::OPERATION_STATE_ENDED
                                                 : v1::OPERATION_STATE_RUNNING);
  }
  if (!operation.has_deadline()) {
    *operation.mutable_deadline() = operation.started_at();
  }
  OperationRun run(std::move(operation), now, wall_now);
  run.held_until_ = now + grace;
  // Of a canceled one those are left that were under way, and they are done
  // again as well.
  if (run.ended()) run.next_due_ = absl::InfiniteDuration();
  return run;
}

std::vector<OperationRun::Step> OperationRun::Advance(absl::Duration now,
                                                      absl::Time wall_now,
                                                      IsFresh is_fresh) {
  std::vector<Step> steps;
  if (!ended()) {
    Expire(now, wall_now);
    if (steps_.empty() && MayBegin()) TellOnly(now, wall_now);
  }
  next_due_ = absl::InfiniteDuration();
  if (ended()) return steps;
  next_due_ = deadline_;
  if (MayBegin()) BeginHosts(now, is_fresh, steps);
  if (!deadlines_.empty()) {
    next_due_ = std::min(next_due_, deadlines_.front().first);
  }
  return steps;
}

bool OperationRun::IsAt(Step step) const {
  return HostAt(step.host).progress() == step.progress;
}

std::optional<OperationRun::Step> OperationRun::OnEnding(Step step,
                                                         HostEnding ending,
                                                         absl::Duration now,
                                                         absl::Time wall_now) {
  if (!IsAt(step)) return std::nullopt;
  if (ending.outcome == v1::HOST_OUTCOME_UNSPECIFIED) {
    if (step.progress != steps_.back()) {
      const auto at = std::find(steps_.begin(), steps_.end(), step.progress);
      const Step next = {step.host, *std::next(at)};
      HostAt(next.host).set_progress(next.progress);
      NoteHost(next.host);
      return next;
    }
    ending.outcome = v1::HOST_OUTCOME_UNCHANGED;
  }
  EndHost(step.host, ending, now, wall_now);
  return std::nullopt;
}

void OperationRun::Pause() {
  if (operation_.state() != v1::OPERATION_STATE_RUNNING) return;
  // A canceled one begins nothing anyway.
  if (operation_.canceled()) return;
  operation_.set_state(v1::OPERATION_STATE_PAUSED);
  NoteState();
}

void OperationRun::Resume(absl::Duration now) {
  if (operation_.state() != v1::OPERATION_STATE_PAUSED) return;
  operation_.set_state(v1::OPERATION_STATE_RUNNING);
  rate_.Restart(now);
  next_due_ = now;
  NoteState();
}

void OperationRun::Cancel(absl::Duration now, absl::Time wall_now) {
  if (ended() || operation_.canceled()) return;
  operation_.set_canceled(true);
  operation_.set_state(v1::OPERATION_STATE_RUNNING);
  NoteState();
  EndWaiting({v1::HOST_OUTCOME_CANCELED}, now, wall_now);
}

v1::Operation OperationRun::Summary(absl::Duration now) const {
  v1::Operation summary = operation_;
  *summary.mutable_progress() =
      ProgressOf(operation_, under_way_, outcomes_, rate_.PerSecond(now));
  return summary;
}

v1::Operation OperationRun::Since(int64_t version, absl::Duration now) const {
  v1::Operation change = Summary(now);
  for (size_t i = 0; i < hosts_.size(); ++i) {
    if (changed_at_[i] > version) *change.add_hosts() = hosts_[i];
  }
  return change;
}

void OperationRun::NoteState() { state_version_ = ++version_; }

void OperationRun::NoteHost(int host) {
  changed_at_[static_cast<size_t>(host)] = ++version_;
}

void OperationRun::EndWaiting(const HostEnding& ending, absl::Duration now,
                              absl::Time wall_now) {
  for (int host = first_waiting_; host < HostCount(); ++host) {
    if (HostAt(host).progress() == v1::HOST_PROGRESS_WAITING) {
      EndHost(host, ending, now, wall_now);
    }
  }
  first_waiting_ = HostCount();
}

void OperationRun::EndHost(int host, const HostEnding& ending,
                           absl::Duration now, absl::Time wall_now) {
  v1::HostResult& result = HostAt(host);
  if (result.progress() == v1::HOST_PROGRESS_DONE) return;
  if (result.progress() != v1::HOST_PROGRESS_WAITING) --under_way_;
  result.set_progress(v1::HOST_PROGRESS_DONE);
  result.set_outcome(ending.outcome);
  result.set_error(ending.error);
  result.set_differing_paths(ending.differing_paths);
  for (const std::string& path : ending.first_differing_paths) {
    result.add_first_differing_paths(path);
  }
  ++outcomes_[static_cast<size_t>(ending.outcome)];
  ++ended_here_[static_cast<size_t>(ending.outcome)];
  rate_.NoteDone(now);
  NoteHost(host);
  operation_.set_done(operation_.done() + 1);
  if (operation_.done() < operation_.total()) return;
  *operation_.mutable_ended_at() = ToProto(wall_now);
  operation_.set_state(v1::OPERATION_STATE_ENDED);
  NoteState();
}

void OperationRun::Expire(absl::Duration now, absl::Time wall_now) {
  if (deadline_ <= now) {
    for (int host = 0; host < HostCount(); ++host) {
      EndHost(host, PastDeadline(operation_, node(host)), now, wall_now);
    }
  }
  while (!deadlines_.empty()) {
    const auto [deadline, host] = deadlines_.front();
    const v1::HostProgress progress = HostAt(host).progress();
    const bool is_done = progress == v1::HOST_PROGRESS_DONE;
    if (!is_done && deadline > now) return;
    deadlines_.pop_front();
    if (is_done) continue;
    EndHost(host, EndingOfDeadline(HostId{node(host)}, progress, host_timeout_),
            now, wall_now);
  }
}

void OperationRun::TellOnly(absl::Duration now, absl::Time wall_now) {
  const bool runs_ohai =
      std::find(operation_.modes().begin(), operation_.modes().end(),
                v1::RESYNC_MODE_OHAI) != operation_.modes().end();
  EndWaiting({runs_ohai ? v1::HOST_OUTCOME_WOULD_RUN_OHAI
                        : v1::HOST_OUTCOME_WOULD_READ},
             now, wall_now);
}

bool OperationRun::MayBegin() const {
  return operation_.state() == v1::OPERATION_STATE_RUNNING;
}

void OperationRun::BeginHosts(absl::Duration now, IsFresh is_fresh,
                              std::vector<Step>& steps) {
  const bool holds = now < held_until_;
  for (int host = first_waiting_; host < HostCount(); ++host) {
    if (HostAt(host).progress() != v1::HOST_PROGRESS_WAITING) {
      if (host == first_waiting_) ++first_waiting_;
      continue;
    }
    if (under_way_ >= operation_.pace().hosts_at_once()) return;
    if (next_begin_ > now) {
      next_due_ = std::min(next_due_, next_begin_);
      return;
    }
    if (holds && !is_fresh(node(host))) {
      next_due_ = std::min(next_due_, now + kFreshPoll);
      continue;
    }
    next_begin_ = std::max(next_begin_, now - kCatchUp) + begin_interval_;
    HostAt(host).set_progress(steps_.front());
    NoteHost(host);
    ++under_way_;
    deadlines_.emplace_back(now + host_timeout_, host);
    steps.push_back({host, steps_.front()});
    if (host == first_waiting_) ++first_waiting_;
  }
}

}  // namespace rehai
