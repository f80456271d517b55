// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/fleet_narrator.h"

#include <cstdint>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/words.h"

namespace rehai::cli {

void FleetNarrator::BeginStream(bool whole_state) {
  filling_ = whole_state && !introduced_;
  unconfirmed_.clear();
  if (!whole_state) return;
  for (const auto& [node, record] : known_) unconfirmed_.insert(node);
}

std::vector<NarratedLine> FleetNarrator::Take(
    const v1::FleetWatchResponse& step) {
  std::vector<NarratedLine> lines;
  switch (step.kind()) {
    case v1::FleetWatchResponse::KIND_HOST_CHANGED:
      TakeChanged(step.record(), lines);
      break;
    case v1::FleetWatchResponse::KIND_HOST_REMOVED:
      TakeRemoved(step.record().node(), lines);
      break;
    case v1::FleetWatchResponse::KIND_SYNCED:
      TakeSynced(lines);
      break;
    default:  // a newer controller's
      break;
  }
  return lines;
}

void FleetNarrator::TakeChanged(const v1::Record& record,
                                std::vector<NarratedLine>& lines) {
  const std::string& node = record.node();
  unconfirmed_.erase(node);
  const auto known = known_.find(node);
  if (known != known_.end()) {
    for (ChangeLine& change : DescribeChange(known->second, record)) {
      lines.push_back({node, std::move(change)});
    }
  } else if (!filling_) {
    lines.push_back(
        {node,
         {absl::StrCat("host, ", PresenceWord(record.presence()), ", ",
                       Count(record.guests_size(), "guest"))}});
  }
  known_[node] = record;
}

void FleetNarrator::TakeRemoved(const std::string& node,
                                std::vector<NarratedLine>& lines) {
  known_.erase(node);
  unconfirmed_.erase(node);
  lines.push_back({node, {"host removed", Colour::kRed}});
}

void FleetNarrator::TakeSynced(std::vector<NarratedLine>& lines) {
  for (const std::string& node : std::set<std::string>(unconfirmed_)) {
    TakeRemoved(node, lines);
  }
  if (!introduced_) {
    int64_t guests = 0;
    for (const auto& [node, record] : known_) guests += record.guests_size();
    lines.push_back(
        {"",
         {filling_ ? absl::StrCat("watching ", Count(known_.size(), "host"),
                                  ", ", Count(guests, "guest"))
                   : "watching",
          Colour::kDim}});
  }
  introduced_ = true;
  filling_ = false;
}

}  // namespace rehai::cli
