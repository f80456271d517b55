// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/discovery/search_turns.h"

#include <algorithm>
#include <utility>

#include "absl/random/distributions.h"
#include "absl/strings/str_cat.h"

namespace rehai {
namespace {

// Why nodes that were found are no hosts: the first, and how many.
std::string Refusals(const std::vector<std::string>& refused) {
  if (refused.empty()) return "";
  if (refused.size() == 1) return refused[0];
  return absl::StrCat(refused.size(), " nodes cannot be hosts; the first is ",
                      refused[0]);
}

}  // namespace

SearchTurns::SearchTurns(Options options, std::vector<ChefSearch> searches)
    : options_(options),
      searches_(std::move(searches)),
      states_(searches_.size()) {
  for (const ChefSearch& search : searches_) {
    providers_.push_back({.name = search.name()});
  }
}

std::vector<SearchTurns::Turn> SearchTurns::Take(absl::Duration uptime,
                                                 absl::BitGenRef random) {
  std::vector<Turn> turns;
  for (size_t i = 0; i < searches_.size(); ++i) {
    State& state = states_[i];
    if (uptime < state.due) continue;
    if (state.asked != 0) {
      Fail(i,
           absl::DeadlineExceededError(
               absl::StrCat("no answer from the Chef server within ",
                            absl::FormatDuration(options_.timeout),
                            "; see whether it is "
                            "overloaded")),
           uptime, random);
      continue;
    }
    state.asked = ++last_number_;
    state.due = uptime + options_.timeout;
    turns.push_back({i, state.asked, QuestionOf(searches_[i])});
  }
  return turns;
}

void SearchTurns::Fail(size_t search, const absl::Status& why,
                       absl::Duration uptime, absl::BitGenRef random) {
  State& state = states_[search];
  state.asked = 0;
  BackoffOptions retry = options_.retry;
  retry.max = std::min(retry.max, searches_[search].interval);
  retry.min = std::min(retry.min, retry.max);
  state.due = uptime + BackoffDelay(retry, ++state.failures, random);
  providers_[search].error = std::string(why.message());
}

void SearchTurns::Finish(size_t search, int64_t number,
                         const absl::StatusOr<chef::NodeQuery::Answer>& answer,
                         absl::Duration uptime, absl::Time now,
                         absl::BitGenRef random) {
  State& state = states_[search];
  if (state.asked != number) return;  // given up meanwhile
  if (!answer.ok()) return Fail(search, answer.status(), uptime, random);
  if (answer->pages_overlap) {
    return Fail(search,
                absl::AbortedError(
                    "the search's pages overlap, so some nodes may be on "
                    "none; if this stays, split the query into several of "
                    "fewer than 1,000 nodes"),
                uptime, random);
  }
  SearchedHosts found =
      HostsOf(searches_[search], *answer, providers_[search].hosts);
  providers_[search].hosts = std::move(found.hosts);
  providers_[search].good_at = now;
  providers_[search].error = Refusals(found.refused);
  state.asked = 0;
  state.failures = 0;
  state.due =
      uptime + searches_[search].interval * absl::Uniform(random, 0.9, 1.1);
}

absl::Duration SearchTurns::NextDue() const {
  absl::Duration due = absl::InfiniteDuration();
  for (const State& state : states_) due = std::min(due, state.due);
  return due;
}

bool SearchTurns::AllAnswered() const {
  return std::all_of(providers_.begin(), providers_.end(),
                     [](const Provider& provider) {
                       return provider.good_at != absl::InfinitePast();
                     });
}

}  // namespace rehai
