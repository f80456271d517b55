// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "tests/fakes/fake_sink.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

bool IsGood(v1::WriteOutcome outcome) {
  return outcome == v1::WRITE_OUTCOME_WRITTEN ||
         outcome == v1::WRITE_OUTCOME_UNCHANGED ||
         outcome == v1::WRITE_OUTCOME_WOULD_WRITE;
}

}  // namespace

void FakeSink::Write(chef::NodeUpdate update,
                     absl::AnyInvocable<void(chef::WriteResult)> done) {
  const std::string node = update.node;
  {
    MutexLock lock(mu_);
    updates_.push_back(update);
    cv_.NotifyAll();
  }
  Begin(node,
        [this, update = std::move(update), done = std::move(done)]() mutable {
          chef::WriteResult result = EndWrite(update);
          Left(update.node);
          done(std::move(result));
        });
}

void FakeSink::Diff(
    chef::NodeUpdate update,
    absl::AnyInvocable<void(absl::StatusOr<std::vector<chef::PathDifference>>)>
        done) {
  Begin(update.node,
        [this, node = update.node, done = std::move(done)]() mutable {
          std::vector<chef::PathDifference> differences;
          {
            MutexLock lock(mu_);
            differences = differences_;
          }
          Left(node);
          done(std::move(differences));
        });
}

void FakeSink::Begin(const std::string& node, End end) {
  {
    MutexLock lock(mu_);
    max_in_flight_ = std::max(max_in_flight_, ++all_in_flight_);
    max_in_flight_of_a_node_ =
        std::max(max_in_flight_of_a_node_, ++in_flight_[node]);
    if (holding_) {
      held_.push_back(std::move(end));
      return;
    }
  }
  end();
}

void FakeSink::Left(const std::string& node) {
  MutexLock lock(mu_);
  --all_in_flight_;
  --in_flight_[node];
}

chef::WriteResult FakeSink::EndWrite(const chef::NodeUpdate& update) {
  MutexLock lock(mu_);
  chef::WriteResult result;
  std::deque<chef::WriteResult>& script = scripts_[update.node];
  std::string& digest = digests_[update.node];
  if (!script.empty()) {
    result = std::move(script.front());
    script.pop_front();
  } else if (all_ != v1::WRITE_OUTCOME_UNSPECIFIED) {
    result.outcome = all_;
  } else {
    result.outcome = digest == update.rendering.digest
                         ? v1::WRITE_OUTCOME_UNCHANGED
                         : v1::WRITE_OUTCOME_WRITTEN;
  }
  if (result.outcome == v1::WRITE_OUTCOME_WRITTEN) {
    digest = update.rendering.digest;
  }
  if (!IsGood(result.outcome) && result.status.ok()) {
    result.status =
        absl::UnknownError(absl::StrCat("node ", update.node, ": scripted ",
                                        v1::WriteOutcome_Name(result.outcome)));
  }
  result.finished_at = clock_.Now();
  return result;
}

void FakeSink::Script(const std::string& node, v1::WriteOutcome outcome) {
  chef::WriteResult result;
  result.outcome = outcome;
  Script(node, std::move(result));
}

void FakeSink::Script(const std::string& node, chef::WriteResult result) {
  MutexLock lock(mu_);
  scripts_[node].push_back(std::move(result));
}

void FakeSink::SetAll(v1::WriteOutcome outcome) {
  MutexLock lock(mu_);
  all_ = outcome;
}

void FakeSink::SetDifferences(std::vector<chef::PathDifference> differences) {
  MutexLock lock(mu_);
  differences_ = std::move(differences);
}

void FakeSink::Clobber(const std::string& node) {
  MutexLock lock(mu_);
  digests_[node].clear();
}

void FakeSink::Hold() {
  MutexLock lock(mu_);
  holding_ = true;
}

void FakeSink::Release() {
  std::vector<End> held;
  {
    MutexLock lock(mu_);
    holding_ = false;
    held.swap(held_);
  }
  for (End& end : held) end();
}

void FakeSink::WaitForWrites(size_t count) const {
  MutexLock lock(mu_);
  while (updates_.size() < count) cv_.Wait(mu_);
}

size_t FakeSink::write_count() const {
  MutexLock lock(mu_);
  return updates_.size();
}

std::vector<chef::NodeUpdate> FakeSink::updates() const {
  MutexLock lock(mu_);
  return updates_;
}

std::vector<chef::NodeUpdate> FakeSink::updates(const std::string& node) const {
  MutexLock lock(mu_);
  std::vector<chef::NodeUpdate> updates;
  std::copy_if(
      updates_.begin(), updates_.end(), std::back_inserter(updates),
      [&](const chef::NodeUpdate& update) { return update.node == node; });
  return updates;
}

std::string FakeSink::digest(const std::string& node) const {
  MutexLock lock(mu_);
  const auto it = digests_.find(node);
  return it == digests_.end() ? "" : it->second;
}

int FakeSink::in_flight() const {
  MutexLock lock(mu_);
  return all_in_flight_;
}

int FakeSink::max_in_flight() const {
  MutexLock lock(mu_);
  return max_in_flight_;
}

int FakeSink::max_in_flight_of_a_node() const {
  MutexLock lock(mu_);
  return max_in_flight_of_a_node_;
}

}  // namespace rehai
