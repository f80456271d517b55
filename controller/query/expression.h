// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_QUERY_EXPRESSION_H_
#define CONTROLLER_QUERY_EXPRESSION_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

// What a filter says, before anything is known of fields. The grammar is that
// of https://google.aip.dev/assets/misc/ebnf-filtering.txt, without functions:
//
//   expression  = sequence { AND sequence }
//   sequence    = factor { factor }            things side by side: all of them
//   factor      = term { OR term }             OR binds before AND
//   term        = [ NOT | "-" ] simple
//   simple      = restriction | "(" expression ")"
//   restriction = member [ comparator ( value | "(" expression ")" ) ]
//   member      = ( word | quoted ) { "." ( word | quoted ) }
//   comparator  = "=" | "!=" | "<" | "<=" | ">" | ">=" | ":"
//
// After a comparator a word goes up to the next space, parenthesis or quote, so
// addresses, times and CIDR blocks need no quotes. "field = (a OR b)" is
// "field = a OR field = b". In quotes, of either kind, \ takes the next
// character as it is; there it also makes a * or ? no wildcard.
namespace rehai::query {

// Limits: beyond them a filter is refused.
inline constexpr size_t kMaxFilterBytes = 8 << 10;
inline constexpr int kMaxDepth = 32;
inline constexpr int kMaxRestrictions = 256;

enum class Comparator {
  kNone,  // a word alone
  kEqual,
  kNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kHas,
};

// As it is written: "=", "!=", ...; "" for kNone.
absl::string_view ComparatorText(Comparator comparator);

struct Expression {
  enum class Kind { kAnd, kOr, kNot, kRestriction };

  Kind kind = Kind::kAnd;
  // kAnd and kOr: two or more; an empty filter is a kAnd of none. kNot: one.
  std::vector<Expression> operands;

  // Of restrictions. Members are text as it was meant, but that the first of a
  // word alone has wildcards as in text_pattern.h; so has the value.
  std::vector<std::string> member;
  // The first member was in quotes, or some of a word alone was: it is not a
  // field's name.
  bool is_quoted = false;
  Comparator comparator = Comparator::kNone;
  std::string value;

  // Where the member and the value begin, in characters from 0; for errors.
  size_t member_at = 0;
  size_t value_at = 0;

  // Wherever they stand.
  friend bool operator==(const Expression& a, const Expression& b);
};

// kInvalidArgument says what is wrong at which character, counted from 1.
absl::StatusOr<Expression> Parse(absl::string_view filter);

// A filter that Parse() makes the same expression of.
std::string Print(const Expression& expression);

// "filter: character 14: `what`".
absl::Status ErrorAt(size_t at, absl::string_view what);

}  // namespace rehai::query

#endif  // CONTROLLER_QUERY_EXPRESSION_H_
