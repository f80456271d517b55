// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/write_log.h"

#include <algorithm>

#include "base/log.h"
#include "controller/sync/errors.h"
#include "controller/sync/outcome_class.h"

namespace rehai {
namespace {

// Paths of one difference that a dry run logs.
constexpr size_t kLoggedPaths = 50;

void LogServer(const Tried& tried, const chef::WriteResult& result,
               ServerHealth::Turn turn) {
  switch (turn) {
    case ServerHealth::Turn::kNone:
      return;
    case ServerHealth::Turn::kDown:
      return log::Error("chef server down",
                        {{"outcome", v1::WriteOutcome_Name(result.outcome)},
                         {"error", result.status.message()}});
    case ServerHealth::Turn::kRefusing:
      return log::Error("chef server refuses us",
                        {{"error", result.status.message()}});
    case ServerHealth::Turn::kBack:
      return log::Info("chef server back", {{"host", tried.host.node}});
  }
}

void LogDifferences(const Tried& tried, const chef::WriteResult& result) {
  const size_t shown = std::min(result.differences.size(), kLoggedPaths);
  for (size_t i = 0; i < shown; ++i) {
    const chef::PathDifference& difference = result.differences[i];
    log::Info("dry run: would change", {{"host", tried.host.node},
                                        {"path", difference.path},
                                        {"before", difference.before},
                                        {"after", difference.after}});
  }
  if (shown < result.differences.size()) {
    log::Info("dry run: would change more",
              {{"host", tried.host.node},
               {"paths", result.differences.size() - shown}});
  }
}

}  // namespace

void LogNews(const Tried& tried, const chef::WriteResult& result,
             const News& news) {
  LogServer(tried, result, news.server);
  if (news.trouble) {
    const bool again = IsTriedAgain(Classify(result.outcome));
    log::Warning(again ? "node write failed" : "node parked",
                 {{"host", tried.host.node},
                  {"outcome", v1::WriteOutcome_Name(result.outcome)},
                  {"revision", tried.revision},
                  {"error", result.status.message()}});
  }
  if (news.recovered) {
    log::Info("node recovered",
              {{"host", tried.host.node}, {"revision", tried.revision}});
  }
  if (news.new_overwriter) {
    log::Info("node was saved over",
              {{"host", tried.host.node},
               {"by", v1::Overwriter_Name(result.overwriter)}});
  }
  if (news.rival) {
    log::Error("another writer",
               {{"host", tried.host.node}, {"error", RivalError(tried.host)}});
  }
  if (result.restored) {
    log::Warning(
        "a chef-client save that a write of ours had rolled back was "
        "put back",
        {{"host", tried.host.node}});
  }
  if (news.new_differences) LogDifferences(tried, result);
}

}  // namespace rehai
