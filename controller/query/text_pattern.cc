// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/text_pattern.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/utf8.h"

namespace rehai::query {
namespace {

bool HasWildcard(absl::string_view pattern) {
  return pattern.find(kAnyText) != absl::string_view::npos ||
         pattern.find(kAnyCharacter) != absl::string_view::npos;
}

// How many bytes the character there has; of what is not UTF-8, one.
size_t CharacterAt(absl::string_view text, size_t at) {
  return std::max(CharacterLength(text.substr(at)), size_t{1});
}

bool MatchesAny(absl::string_view pattern, absl::string_view text) {
  // Only the last star ever needs to take more: what an earlier one took let
  // everything up to the later one match, and the later one can take the rest.
  constexpr size_t kNone = absl::string_view::npos;
  size_t star = kNone;  // where the last star stands in the pattern
  size_t star_end = 0;  // where in the text what it takes ends
  size_t p = 0;
  size_t t = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == kAnyText) {
      star = p++;
      star_end = t;
    } else if (p < pattern.size() && pattern[p] == kAnyCharacter) {
      ++p;
      t += CharacterAt(text, t);
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != kNone) {
      p = star + 1;
      t = star_end += CharacterAt(text, star_end);
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == kAnyText) ++p;
  return p == pattern.size();
}

}  // namespace

TextPattern::TextPattern(absl::string_view pattern) {
  absl::string_view rest = pattern;
  const bool starts_open = absl::ConsumePrefix(&rest, "\x01");
  const bool ends_open = absl::ConsumeSuffix(&rest, "\x01");
  if (HasWildcard(rest)) {
    const size_t star = rest.find(kAnyText);
    if (!starts_open && !ends_open && star != absl::string_view::npos &&
        !HasWildcard(rest.substr(0, star)) &&
        !HasWildcard(rest.substr(star + 1))) {
      form_ = Form::kAround;
      star_ = star;
      literal_ = absl::StrCat(rest.substr(0, star), rest.substr(star + 1));
      return;
    }
    form_ = Form::kAny;
    rest = pattern;
  } else if (starts_open) {
    // A star alone is any end of nothing.
    form_ = ends_open ? Form::kWithin : Form::kSuffix;
  } else if (ends_open) {
    form_ = Form::kPrefix;
  }
  literal_ = std::string(rest);
}

TextPattern TextPattern::Within(absl::string_view pattern) {
  return TextPattern(absl::StrCat("\x01", pattern, "\x01"));
}

bool TextPattern::Matches(absl::string_view text) const {
  switch (form_) {
    case Form::kLiteral:
      return text == literal_;
    case Form::kPrefix:
      return absl::StartsWith(text, literal_);
    case Form::kSuffix:
      return absl::EndsWith(text, literal_);
    case Form::kAround: {
      const absl::string_view literal = literal_;
      return text.size() >= literal.size() &&
             absl::StartsWith(text, literal.substr(0, star_)) &&
             absl::EndsWith(text, literal.substr(star_));
    }
    case Form::kWithin:
      return absl::StrContains(text, literal_);
    case Form::kAny:
      return MatchesAny(literal_, text);
  }
  return false;
}

}  // namespace rehai::query
