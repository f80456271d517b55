// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/resync_view.h"

#include "absl/strings/str_cat.h"
#include "base/proto_time.h"
#include "cli/table.h"
#include "cli/words.h"

namespace rehai::cli {
namespace {

bool EndedWell(v1::HostOutcome outcome) {
  return outcome == v1::HOST_OUTCOME_WRITTEN ||
         outcome == v1::HOST_OUTCOME_UNCHANGED;
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

bool ResyncView::Failed() const {
  for (const auto& [outcome, count] : CountByOutcome()) {
    if (!EndedWell(outcome)) return true;
  }
  return false;
}

std::string ResyncView::ProgressLine(absl::Time now) const {
  std::string line =
      absl::StrCat("resync ", operation_.id(), ": ", operation_.done(), "/",
                   Count(operation_.total(), "host"));
  for (const auto& [outcome, count] : CountByOutcome()) {
    absl::StrAppend(&line, ", ", count, " ", OutcomeWord(outcome));
  }
  absl::StrAppend(&line, ", ", Age(now - FromProto(operation_.started_at())));
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
    absl::StrAppend(&out, ", ", operation_.done(), " done, still running");
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
  return line;
}

}  // namespace rehai::cli
