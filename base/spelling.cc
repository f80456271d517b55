// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "base/spelling.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/match.h"

namespace rehai {
namespace {

// Optimal string alignment distance: edits plus swaps of neighbours.
size_t Distance(absl::string_view a, absl::string_view b) {
  std::vector<std::vector<size_t>> cost(a.size() + 1,
                                        std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                             cost[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

// A word cut short, or with something added, is as near as two typing errors,
// however long the rest is.
constexpr size_t kBeginningDistance = 2;

bool IsBeginning(absl::string_view beginning, absl::string_view word) {
  return beginning.size() >= 3 && absl::StartsWith(word, beginning);
}

}  // namespace

std::string ClosestWord(absl::string_view word,
                        const std::vector<std::string>& candidates) {
  std::string closest;
  size_t fewest = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance =
        IsBeginning(word, candidate) || IsBeginning(candidate, word)
            ? kBeginningDistance
            : Distance(word, candidate);
    if (distance < fewest) {
      fewest = distance;
      closest = candidate;
    }
  }
  return closest;
}

}  // namespace rehai
