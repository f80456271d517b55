// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/glob.h"

#include <cstddef>

namespace rehai {

bool GlobMatches(absl::string_view pattern, absl::string_view text) {
  // Only the last star ever needs to take more: what an earlier one took let
  // everything up to the later one match, and the later one can take the rest.
  constexpr size_t kNone = absl::string_view::npos;
  size_t star = kNone;  // where the last star stands in the pattern
  size_t star_end = 0;  // where in the text what it takes ends
  size_t p = 0;
  size_t t = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_end = t;
    } else if (p < pattern.size() &&
               (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != kNone) {
      p = star + 1;
      t = ++star_end;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace rehai
