// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/access/name_pattern.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace rehai {
namespace {

bool IsWild(char c) { return c != '.' && c != '/'; }

// Separators match one to one, because no star takes any, so a part between two
// of them that does not match never will. Within a part it is enough to go back
// to the last star: what an earlier one gave up, the later one would take.
bool Matches(absl::string_view pattern, absl::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = absl::string_view::npos;
  size_t star_end = 0;  // what the last star stands for ends before this
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_end = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != absl::string_view::npos && IsWild(text[star_end])) {
      t = ++star_end;
      p = star + 1;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace

bool NameMatches(absl::string_view pattern, const CertificateName& name) {
  for (const absl::string_view kind : {"CN", "DNS", "URI", "email"}) {
    absl::string_view rest = pattern;
    if (!absl::ConsumePrefix(&rest, kind) || !absl::ConsumePrefix(&rest, ":")) {
      continue;
    }
    if (kind != absl::string_view(name.kind)) return false;
    pattern = rest;
    break;
  }
  if (pattern.empty()) return false;
  if (name.kind == "DNS") {
    return Matches(absl::AsciiStrToLower(pattern),
                   absl::AsciiStrToLower(name.value));
  }
  return Matches(pattern, name.value);
}

}  // namespace rehai
