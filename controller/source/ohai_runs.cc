// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/ohai_runs.h"

#include <algorithm>
#include <iterator>

namespace rehai {

bool OhaiRuns::Add(std::vector<std::string> plugins, Done& done) {
  size_t waiting = 0;
  for (const Run& run : runs_) waiting += run.waiting.size();
  if (waiting >= kMostWaiting) return false;
  const auto first = runs_.begin() + (under_way_ == 0 ? 0 : 1);
  auto run = std::find_if(first, runs_.end(), [&](const Run& other) {
    return other.plugins == plugins;
  });
  if (run == runs_.end()) {
    runs_.push_back({.plugins = std::move(plugins), .waiting = {}});
    run = std::prev(runs_.end());
  }
  run->waiting.push_back(std::move(done));
  return true;
}

std::optional<OhaiRuns::Begun> OhaiRuns::Begin(int64_t request_id,
                                               absl::Duration deadline) {
  if (under_way_ != 0 || runs_.empty()) return std::nullopt;
  under_way_ = request_id;
  deadline_ = deadline;
  return Begun{request_id, runs_.front().plugins};
}

std::vector<OhaiRuns::Done> OhaiRuns::Ended(int64_t request_id) {
  if (under_way_ == 0 || request_id != under_way_) return {};
  return TakeFirst();
}

std::vector<OhaiRuns::Done> OhaiRuns::Expired(absl::Duration now) {
  if (under_way_ == 0 || now < deadline_) return {};
  return TakeFirst();
}

std::vector<OhaiRuns::Done> OhaiRuns::TakeAll() {
  std::vector<Done> all;
  while (!runs_.empty()) {
    std::vector<Done> first = TakeFirst();
    std::move(first.begin(), first.end(), std::back_inserter(all));
  }
  return all;
}

std::vector<OhaiRuns::Done> OhaiRuns::TakeFirst() {
  std::vector<Done> waiting = std::move(runs_.front().waiting);
  runs_.pop_front();
  under_way_ = 0;
  deadline_ = absl::InfiniteDuration();
  return waiting;
}

}  // namespace rehai
