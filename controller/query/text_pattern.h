// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_QUERY_TEXT_PATTERN_H_
#define CONTROLLER_QUERY_TEXT_PATTERN_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace rehai::query {

// In the text of a filter's value, where a * or ? stood that was not escaped.
// Filters have no control characters, so these are free.
inline constexpr char kAnyText = '\x01';
inline constexpr char kAnyCharacter = '\x02';

// TextPattern says which texts match: kAnyText stands for any characters or
// none, kAnyCharacter for one character, everything else for itself. Takes time
// in the product of the lengths at worst; the usual forms take what a
// comparison of strings does. Immutable. Matches() allocates nothing.
class TextPattern {
 public:
  TextPattern() = default;
  explicit TextPattern(absl::string_view pattern);

  // Matches what has `pattern` anywhere in it.
  static TextPattern Within(absl::string_view pattern);

  // True if the whole of `text` is as the pattern says.
  bool Matches(absl::string_view text) const;

  // True if there are no wildcards: literal() alone matches.
  bool IsLiteral() const { return form_ == Form::kLiteral; }
  const std::string& literal() const { return literal_; }

 private:
  enum class Form { kLiteral, kPrefix, kSuffix, kAround, kWithin, kAny };

  Form form_ = Form::kLiteral;
  std::string literal_;  // the pattern without what its form says; kAny: all
  size_t star_ = 0;      // of kAround: where in the literal its star stood
};

}  // namespace rehai::query

#endif  // CONTROLLER_QUERY_TEXT_PATTERN_H_
