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
         outcome == v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED ||
         outcome == v1::WRITE_OUTCOME_UNCHANGED ||
         outcome == v1::WRITE_OUTCOME_WOULD_WRITE;
}

// Nodes in a page of search results.
constexpr int kPageRows = chef::NodeSearch::kPageRows;

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

chef::NodeMarks& FakeSink::MarksOf(const std::string& node) {
  auto [it, is_new] = marks_.try_emplace(node);
  if (is_new) it->second.ohai_time = "1000";
  return it->second;
}

chef::WriteResult FakeSink::Unscripted(const chef::NodeUpdate& update,
                                       const chef::NodeMarks& found) {
  chef::WriteResult result;
  if (all_ != v1::WRITE_OUTCOME_UNSPECIFIED) {
    result.outcome = all_;
    return result;
  }
  result.ohai_outdated =
      !update.ohai.empty() &&
      chef::CompareOhaiTimes(found.ohai_time, update.ohai_time) > 0;
  const bool has_new_ohai = !result.ohai_outdated && TakeOhai(update);
  if (found.digest == update.rendering.digest && !has_new_ohai) {
    result.outcome = v1::WRITE_OUTCOME_UNCHANGED;
    return result;
  }
  result.overwriter = chef::WhoOverwrote(update.confirmed, found);
  result.outcome = result.overwriter == v1::OVERWRITER_UNSPECIFIED
                       ? v1::WRITE_OUTCOME_WRITTEN
                       : v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED;
  return result;
}

bool FakeSink::TakeOhai(const chef::NodeUpdate& update) {
  bool is_new = false;
  for (const chef::Subtree& tree : update.ohai) {
    std::string& held = ohai_[update.node][tree.path.back()];
    is_new |= held != *tree.json;
    held = *tree.json;
  }
  return is_new;
}

chef::WriteResult FakeSink::EndWrite(const chef::NodeUpdate& update) {
  MutexLock lock(mu_);
  chef::NodeMarks& marks = MarksOf(update.node);
  const chef::NodeMarks found = marks;
  std::deque<chef::WriteResult>& script = scripts_[update.node];
  chef::WriteResult result;
  if (script.empty()) {
    result = Unscripted(update, found);
  } else {
    result = std::move(script.front());
    script.pop_front();
  }
  result.finished_at = clock_.Now();
  ++result.cost.requests;
  const bool written =
      result.outcome == v1::WRITE_OUTCOME_WRITTEN ||
      result.outcome == v1::WRITE_OUTCOME_CLOBBERED_AND_REPAIRED;
  if (written) ++result.cost.requests;
  if (written && result.window_begin == absl::InfinitePast()) {
    result.window_begin = clock_.Now();
    result.window_end = clock_.Now();
  }
  if (written || result.outcome == v1::WRITE_OUTCOME_UNCHANGED) {
    marks.digest = update.rendering.digest;
    if (written) marks.revision = update.stamp.revision;
    result.found = found;
    result.confirmed = marks;
  }
  if (!IsGood(result.outcome) && result.status.ok()) {
    result.status =
        absl::UnknownError(absl::StrCat("node ", update.node, ": scripted ",
                                        v1::WriteOutcome_Name(result.outcome)));
  }
  return result;
}

void FakeSink::Read(
    std::string node,
    absl::AnyInvocable<void(absl::StatusOr<std::string>)> done) {
  Begin(node, [this, node, done = std::move(done)]() mutable {
    absl::StatusOr<std::string> document =
        absl::NotFoundError(absl::StrCat("node ", node, ": not there"));
    {
      MutexLock lock(mu_);
      const auto it = documents_.find(node);
      if (it != documents_.end()) document = it->second;
    }
    Left(node);
    done(std::move(document));
  });
}

void FakeSink::Search(
    int expected,
    absl::AnyInvocable<void(absl::StatusOr<chef::NodeSearch::Answer>)> done) {
  {
    MutexLock lock(mu_);
    ++search_count_;
    searched_for_ = expected;
  }
  Begin("", [this, expected, done = std::move(done)]() mutable {
    absl::StatusOr<chef::NodeSearch::Answer> answer;
    {
      MutexLock lock(mu_);
      answer = EndSearch(expected);
    }
    Left("");
    done(std::move(answer));
  });
}

absl::StatusOr<chef::NodeSearch::Answer> FakeSink::EndSearch(int expected) {
  if (!search_.ok()) {
    ++search_requests_;
    return search_;
  }
  chef::NodeSearch::Answer answer;
  answer.searches = std::max(1, (expected + kPageRows - 1) / kPageRows);
  search_requests_ += answer.searches;
  for (const auto& [node, marks] : marks_) {
    if (marks.digest.empty() || hidden_.count(node) > 0) continue;
    answer.nodes.push_back({node, marks});
  }
  return answer;
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

void FakeSink::SetDocument(const std::string& node, std::string document) {
  MutexLock lock(mu_);
  documents_[node] = std::move(document);
}

void FakeSink::Clobber(const std::string& node) {
  MutexLock lock(mu_);
  MarksOf(node) = {.ohai_time = absl::StrCat(2000 + ++saves_), .digest = ""};
}

void FakeSink::SetMarks(const std::string& node, chef::NodeMarks marks) {
  MutexLock lock(mu_);
  MarksOf(node) = std::move(marks);
}

void FakeSink::SetSearch(absl::Status status) {
  MutexLock lock(mu_);
  search_ = std::move(status);
}

void FakeSink::HideFromSearch(const std::string& node) {
  MutexLock lock(mu_);
  hidden_.insert(node);
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
  return marks(node).digest;
}

chef::NodeMarks FakeSink::marks(const std::string& node) const {
  MutexLock lock(mu_);
  const auto it = marks_.find(node);
  return it == marks_.end() ? chef::NodeMarks() : it->second;
}

size_t FakeSink::search_count() const {
  MutexLock lock(mu_);
  return search_count_;
}

int FakeSink::search_requests() const {
  MutexLock lock(mu_);
  return search_requests_;
}

int FakeSink::searched_for() const {
  MutexLock lock(mu_);
  return searched_for_;
}

std::map<std::string, std::string> FakeSink::ohai(
    const std::string& node) const {
  MutexLock lock(mu_);
  const auto it = ohai_.find(node);
  return it == ohai_.end() ? std::map<std::string, std::string>() : it->second;
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
