// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/resync_view.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "base/proto_time.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

bool EndedWell(v1::HostOutcome outcome) {
  switch (outcome) {
    case v1::HOST_OUTCOME_WRITTEN:
    case v1::HOST_OUTCOME_UNCHANGED:
    case v1::HOST_OUTCOME_IN_PLACE:
    case v1::HOST_OUTCOME_WOULD_READ:
    case v1::HOST_OUTCOME_WOULD_RUN_OHAI:
      return true;
    default:
      return false;
  }
}

ExitStatus StatusOf(v1::HostOutcome outcome) {
  if (EndedWell(outcome)) return kDone;
  switch (outcome) {
    case v1::HOST_OUTCOME_DIFFERENT:
    case v1::HOST_OUTCOME_WOULD_WRITE:
      return kDifferent;
    case v1::HOST_OUTCOME_CANCELED:
      return kCanceled;
    default:
      return kHostsFailed;
  }
}

std::string StateText(const v1::Operation& operation) {
  return operation.canceled() ? "canceled"
         : operation.dry_run()
             ? absl::StrCat(OperationWord(operation.state()), " (dry run)")
             : OperationWord(operation.state());
}

std::string HostsText(const v1::Operation& operation) {
  return absl::StrCat(operation.done(), "/", operation.total());
}

std::string OutcomesText(const v1::Operation& operation) {
  std::vector<std::string> parts;
  for (const v1::HostOutcomeCount& count : operation.progress().outcomes()) {
    parts.push_back(
        absl::StrCat(count.hosts(), " ", OutcomeWord(count.outcome())));
  }
  return absl::StrJoin(parts, ", ");
}

std::string ModesText(const v1::Operation& operation) {
  std::vector<std::string> words;
  for (const int mode : operation.modes()) {
    words.push_back(ModeWord(static_cast<v1::ResyncMode>(mode)));
  }
  return absl::StrJoin(words, "+");
}

Colour StateTextColour(const v1::Operation& operation) {
  if (operation.state() == v1::OPERATION_STATE_RUNNING) return Colour::kGreen;
  if (operation.state() == v1::OPERATION_STATE_PAUSED) return Colour::kYellow;
  return Colour::kPlain;
}

}  // namespace

std::vector<v1::HostResult> ResyncView::Take(const v1::Operation& step) {
  std::vector<v1::HostResult> ended;
  for (const v1::HostResult& host : step.hosts()) {
    v1::HostResult& known = hosts_[host.node()];
    if (host.progress() == v1::HOST_PROGRESS_DONE &&
        known.progress() != v1::HOST_PROGRESS_DONE) {
      ended.push_back(host);
    }
    known = host;
  }
  operation_ = step;
  operation_.clear_hosts();
  return ended;
}

v1::Operation ResyncView::Whole() const {
  v1::Operation whole = operation_;
  for (const auto& [node, host] : hosts_) *whole.add_hosts() = host;
  return whole;
}

ExitStatus ResyncView::status() const {
  ExitStatus status = kDone;
  for (const auto& [outcome, count] : CountByOutcome()) {
    status = std::max(status, StatusOf(outcome));
  }
  return status;
}

std::string ResyncView::ProgressLine(absl::Time now) const {
  std::string line =
      absl::StrCat("resync ", operation_.id(), ": ", operation_.done(), "/",
                   Count(operation_.total(), "host"));
  for (const auto& [outcome, count] : CountByOutcome()) {
    absl::StrAppend(&line, ", ", count, " ", OutcomeWord(outcome));
  }
  absl::StrAppend(&line, ", ", Age(now - FromProto(operation_.started_at())));
  if (operation_.state() == v1::OPERATION_STATE_PAUSED) {
    return absl::StrCat(line, ", paused");
  }
  const v1::ResyncProgress& progress = operation_.progress();
  if (progress.hosts_per_second() > 0) {
    absl::StrAppend(&line,
                    absl::StrFormat(", %.1f/s", progress.hosts_per_second()));
  }
  if (progress.has_remaining()) {
    absl::StrAppend(&line, ", ", Age(FromProto(progress.remaining())), " left");
  }
  return line;
}

std::string ResyncView::Summary(bool colours) const {
  std::string out = absl::StrCat("resync ", operation_.id(), ": ",
                                 Count(operation_.total(), "host"));
  if (ended()) {
    absl::StrAppend(&out, operation_.canceled() ? " canceled after " : " in ",
                    Age(FromProto(operation_.ended_at()) -
                        FromProto(operation_.started_at())));
  } else {
    absl::StrAppend(&out, ", ", operation_.done(),
                    operation_.state() == v1::OPERATION_STATE_PAUSED
                        ? " done, paused"
                        : " done, still running");
  }
  absl::StrAppend(&out, "\n");
  for (const auto& [outcome, count] : CountByOutcome()) {
    const std::string word = OutcomeWord(outcome);
    absl::StrAppend(&out, "  ", count, " ",
                    colours ? Paint(word, OutcomeColour(outcome)) : word, "\n");
    if (EndedWell(outcome) || outcome == v1::HOST_OUTCOME_CANCELED) continue;
    for (const auto& [node, host] : hosts_) {
      if (host.outcome() != outcome) continue;
      absl::StrAppend(&out, "    ", HostResultLine(host, /*colours=*/false),
                      "\n");
    }
  }
  return out;
}

std::map<v1::HostOutcome, int> ResyncView::CountByOutcome() const {
  std::map<v1::HostOutcome, int> counts;
  for (const auto& [node, host] : hosts_) {
    if (host.progress() == v1::HOST_PROGRESS_DONE) ++counts[host.outcome()];
  }
  return counts;
}

std::string HostResultLine(const v1::HostResult& host, bool colours) {
  const std::string word = OutcomeWord(host.outcome());
  std::string line =
      absl::StrCat(Printable(host.node()), ": ",
                   colours ? Paint(word, OutcomeColour(host.outcome())) : word);
  if (!host.error().empty()) {
    absl::StrAppend(&line, ": ", Printable(host.error()));
  }
  if (host.differing_paths() > 0) {
    const int more = host.differing_paths() - host.first_differing_paths_size();
    absl::StrAppend(
        &line, ": ",
        Printable(absl::StrJoin(host.first_differing_paths(), ", ")),
        more > 0 ? absl::StrCat(" and ", more, " more") : "");
  }
  return line;
}

std::string OperationsTable(const v1::ResyncListResponse& response,
                            absl::Time now, const Look& look) {
  Table table({{"ID"},
               {"STATE"},
               {"MODES"},
               {"HOSTS", true},
               {"STARTED", true},
               {"TOOK", true},
               {"LEFT", true},
               {"OUTCOMES", false, /*cut=*/1},
               {"BY", false, /*cut=*/2},
               {"KEY", false, 0, /*wide=*/true},
               {"DEADLINE", false, 0, /*wide=*/true}});
  for (const v1::Operation& operation : response.operations()) {
    const absl::Time end =
        operation.has_ended_at() ? FromProto(operation.ended_at()) : now;
    const v1::ResyncProgress& progress = operation.progress();
    table.AddRow(
        {{operation.id()},
         {StateText(operation), StateTextColour(operation)},
         {ModesText(operation)},
         {HostsText(operation)},
         {AgeOf(operation.started_at(), operation.has_started_at(), now)},
         {Age(end - FromProto(operation.started_at()))},
         {progress.has_remaining() ? Age(FromProto(progress.remaining()))
                                   : "-"},
         {OutcomesText(operation)},
         {operation.started_by()},
         {operation.idempotency_key()},
         {TimeText(operation.deadline(), operation.has_deadline())}});
  }
  return table.Render(look);
}

}  // namespace rehai::cli
