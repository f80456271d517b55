// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/expression.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "controller/query/text_pattern.h"

namespace rehai::query {
namespace {

using Kind = Expression::Kind;

constexpr std::pair<Comparator, absl::string_view> kComparators[] = {
    // The longer of those that begin alike first.
    {Comparator::kNotEqual, "!="}, {Comparator::kLessOrEqual, "<="},
    {Comparator::kLess, "<"},      {Comparator::kGreaterOrEqual, ">="},
    {Comparator::kGreater, ">"},   {Comparator::kEqual, "="},
    {Comparator::kHas, ":"},
};

bool IsQuote(char c) { return c == '"' || c == '\''; }

bool EndsValue(char c) {
  return absl::ascii_isspace(static_cast<unsigned char>(c)) || c == '(' ||
         c == ')' || IsQuote(c);
}

bool EndsWord(char c) {
  return EndsValue(c) || c == '=' || c == '!' || c == '<' || c == '>' ||
         c == ':' || c == '.';
}

bool IsKeyword(absl::string_view word) {
  return word == "AND" || word == "OR" || word == "NOT";
}

// `text` with wildcards for its stars and question marks.
std::string WithWildcards(absl::string_view text) {
  std::string pattern(text);
  std::replace(pattern.begin(), pattern.end(), '*', kAnyText);
  std::replace(pattern.begin(), pattern.end(), '?', kAnyCharacter);
  return pattern;
}

std::string WithoutWildcards(absl::string_view pattern) {
  std::string text(pattern);
  std::replace(text.begin(), text.end(), kAnyText, '*');
  std::replace(text.begin(), text.end(), kAnyCharacter, '?');
  return text;
}

// Recursive descent, a function for each rule of the grammar. Gives up at the
// first error.
class Parser {
 public:
  explicit Parser(absl::string_view text) : text_(text) {}

  absl::StatusOr<Expression> ParseAll() {
    SkipSpace();
    if (AtEnd()) return Expression();
    ASSIGN_OR_RETURN(Expression all, ParseExpression());
    if (!AtEnd()) return Wrong(at_, "a ) without its (");
    return all;
  }

 private:
  // Characters before the byte `at`.
  size_t Position(size_t at) const {
    const absl::string_view before = text_.substr(0, at);
    return static_cast<size_t>(
        std::count_if(before.begin(), before.end(), [](char c) {
          // Not one that goes on with a character of several bytes.
          return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
        }));
  }

  absl::Status Wrong(size_t at, absl::string_view what) const {
    return ErrorAt(Position(at), what);
  }

  absl::StatusOr<Expression> ParseExpression() {
    std::vector<Expression> operands;
    while (true) {
      ASSIGN_OR_RETURN(Expression factor, ParseFactor());
      operands.push_back(std::move(factor));
      SkipSpace();
      if (AtEnd() || text_[at_] == ')') break;
      // Side by side is the same as AND.
      if (ConsumeKeyword("AND")) SkipSpace();
    }
    return Combined(Kind::kAnd, std::move(operands));
  }

  absl::StatusOr<Expression> ParseFactor() {
    std::vector<Expression> operands;
    while (true) {
      ASSIGN_OR_RETURN(Expression term, ParseTerm());
      operands.push_back(std::move(term));
      SkipSpace();
      if (!ConsumeKeyword("OR")) break;
      SkipSpace();
    }
    return Combined(Kind::kOr, std::move(operands));
  }

  absl::StatusOr<Expression> ParseTerm() {
    const bool negated = ConsumeKeyword("NOT") || Consume("-");
    if (!negated) return ParseSimple();
    SkipSpace();
    Expression term;
    term.kind = Kind::kNot;
    ASSIGN_OR_RETURN(Expression operand, ParseSimple());
    term.operands.push_back(std::move(operand));
    return term;
  }

  absl::StatusOr<Expression> ParseSimple() {
    if (!AtEnd() && text_[at_] == '(') return ParseComposite();
    return ParseRestriction();
  }

  absl::StatusOr<Expression> ParseComposite() {
    const size_t opened_at = at_++;
    if (++depth_ > kMaxDepth) {
      return Wrong(opened_at, absl::StrCat("more than ", kMaxDepth,
                                           " parentheses within another"));
    }
    SkipSpace();
    ASSIGN_OR_RETURN(Expression inner, ParseExpression());
    if (!Consume(")")) return Wrong(opened_at, "a ( without its )");
    --depth_;
    return inner;
  }

  absl::StatusOr<Expression> ParseRestriction() {
    Expression restriction;
    restriction.kind = Kind::kRestriction;
    restriction.member_at = Position(at_);
    if (++restrictions_ > kMaxRestrictions) {
      return Wrong(at_, absl::StrCat("more than ", kMaxRestrictions,
                                     " comparisons and words"));
    }
    // The text of a word alone: dots in it separate nothing, after all.
    std::string word;
    bool has_quotes = false;
    while (true) {
      const size_t part_at = at_;
      bool quoted = false;
      ASSIGN_OR_RETURN(std::string part, ParseText(EndsWord, quoted));
      if (!quoted && IsKeyword(part)) {
        return Wrong(part_at, absl::StrCat(part,
                                           " where a field or a word "
                                           "is expected"));
      }
      if (!quoted && restriction.member.empty() && part.front() == '-') {
        // Only behind another, or behind NOT; it could be meant either way.
        return Wrong(part_at,
                     "a second negation; put a word that begins with - in "
                     "quotes");
      }
      if (restriction.member.empty()) restriction.is_quoted = quoted;
      has_quotes |= quoted;
      absl::StrAppend(&word, restriction.member.empty() ? "" : ".", part);
      restriction.member.push_back(std::move(part));
      if (!Consume(".")) break;
    }
    const size_t end = at_;
    SkipSpace();
    const size_t comparator_at = at_;
    for (const auto& [comparator, text] : kComparators) {
      if (Consume(text)) {
        restriction.comparator = comparator;
        break;
      }
    }
    if (restriction.comparator == Comparator::kNone) {
      if (!AtEnd() && text_[comparator_at] == '!') {
        return Wrong(comparator_at, "! is no comparator; write != or NOT");
      }
      at_ = end;
      restriction.is_quoted = has_quotes;
      restriction.member = {std::move(word)};
      return restriction;
    }
    for (std::string& part : restriction.member) part = WithoutWildcards(part);
    SkipSpace();
    restriction.value_at = Position(at_);
    if (!AtEnd() && text_[at_] == '(') return ParseValues(restriction);
    bool quoted = false;
    ASSIGN_OR_RETURN(restriction.value, ParseText(EndsValue, quoted));
    return restriction;
  }

  // "field = (a OR b)".
  absl::StatusOr<Expression> ParseValues(const Expression& restriction) {
    ASSIGN_OR_RETURN(Expression values, ParseComposite());
    RETURN_IF_ERROR(Distribute(restriction, values));
    return values;
  }

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxDepth
  static absl::Status Distribute(const Expression& restriction,
                                 Expression& values) {
    if (values.kind != Kind::kRestriction) {
      for (Expression& operand : values.operands) {
        RETURN_IF_ERROR(Distribute(restriction, operand));
      }
      return absl::OkStatus();
    }
    if (values.comparator != Comparator::kNone) {
      return ErrorAt(values.member_at,
                     "a comparison among the values of another; put values in "
                     "quotes that have a comparator in them");
    }
    const size_t value_at = values.member_at;
    std::string value = std::move(values.member.front());
    values = restriction;
    values.value = std::move(value);
    values.value_at = value_at;
    return absl::OkStatus();
  }

  // A word up to what ends it, or a quoted text; with wildcards.
  absl::StatusOr<std::string> ParseText(bool (*ends)(char), bool& quoted) {
    if (AtEnd()) return Wrong(at_, "ends where more is expected");
    if (IsQuote(text_[at_])) {
      quoted = true;
      return ParseQuoted();
    }
    const size_t begin = at_;
    while (!AtEnd() && !ends(text_[at_])) {
      if (absl::ascii_iscntrl(static_cast<unsigned char>(text_[at_]))) {
        return Wrong(at_, "a control character");
      }
      ++at_;
    }
    if (at_ == begin) {
      return Wrong(at_, absl::StrCat("\"", text_.substr(at_, 1),
                                     "\" where a field or a value is "
                                     "expected"));
    }
    return WithWildcards(text_.substr(begin, at_ - begin));
  }

  absl::StatusOr<std::string> ParseQuoted() {
    const size_t opened_at = at_;
    const char quote = text_[at_++];
    std::string text;
    while (!AtEnd() && text_[at_] != quote) {
      if (absl::ascii_iscntrl(static_cast<unsigned char>(text_[at_]))) {
        return Wrong(at_, "a control character");
      }
      if (text_[at_] == '\\') {
        if (at_ + 1 == text_.size()) break;
        // As it is; a byte of a longer character is as good as the whole of it.
        ++at_;
        if (absl::ascii_iscntrl(static_cast<unsigned char>(text_[at_]))) {
          return Wrong(at_, "a control character");
        }
        text += text_[at_++];
        continue;
      }
      text += WithWildcards(text_.substr(at_++, 1));
    }
    if (AtEnd() || !Consume(absl::string_view(&quote, 1))) {
      return Wrong(opened_at, "a quote without its end");
    }
    return text;
  }

  static Expression Combined(Kind kind, std::vector<Expression> operands) {
    if (operands.size() == 1) return std::move(operands.front());
    Expression all;
    all.kind = kind;
    all.operands = std::move(operands);
    return all;
  }

  bool AtEnd() const { return at_ == text_.size(); }

  void SkipSpace() {
    while (!AtEnd() &&
           absl::ascii_isspace(static_cast<unsigned char>(text_[at_]))) {
      ++at_;
    }
  }

  bool Consume(absl::string_view text) {
    if (text_.substr(at_, text.size()) != text) return false;
    at_ += text.size();
    return true;
  }

  // Not if it is only the beginning of a word, or of a field's name.
  bool ConsumeKeyword(absl::string_view keyword) {
    const size_t end = at_ + keyword.size();
    if (end < text_.size() && !EndsValue(text_[end])) return false;
    return Consume(keyword);
  }

  const absl::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  int restrictions_ = 0;
};

// In quotes unless it is a plain word of letters and digits.
std::string PrintText(absl::string_view text, bool quoted) {
  const bool is_plain =
      !quoted && !text.empty() && !IsKeyword(text) && text.front() != '-' &&
      std::all_of(text.begin(), text.end(), [](char c) {
        return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
               c == '-' || c == kAnyText || c == kAnyCharacter;
      });
  if (is_plain) return WithoutWildcards(text);
  std::string printed = "\"";
  for (const char c : text) {
    if (c == kAnyText || c == kAnyCharacter) {
      printed += c == kAnyText ? '*' : '?';
      continue;
    }
    if (c == '"' || c == '\\' || c == '*' || c == '?') printed += '\\';
    printed += c;
  }
  return printed + "\"";
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxDepth
std::string PrintOperand(const Expression& expression) {
  if (expression.kind == Kind::kRestriction) return Print(expression);
  return absl::StrCat("(", Print(expression), ")");
}

}  // namespace

absl::string_view ComparatorText(Comparator comparator) {
  for (const auto& [known, text] : kComparators) {
    if (known == comparator) return text;
  }
  return "";
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxDepth
bool operator==(const Expression& a, const Expression& b) {
  return std::tie(a.kind, a.operands, a.member, a.is_quoted, a.comparator,
                  a.value) == std::tie(b.kind, b.operands, b.member,
                                       b.is_quoted, b.comparator, b.value);
}

absl::StatusOr<Expression> Parse(absl::string_view filter) {
  if (filter.size() > kMaxFilterBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("filter: ", filter.size(), " bytes are more than ",
                     kMaxFilterBytes, "; ask in several requests"));
  }
  if (!IsUtf8(filter)) {
    return absl::InvalidArgumentError("filter: not UTF-8");
  }
  return Parser(filter).ParseAll();
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxDepth
std::string Print(const Expression& expression) {
  switch (expression.kind) {
    case Kind::kAnd:
    case Kind::kOr:
      return absl::StrJoin(expression.operands,
                           expression.kind == Kind::kAnd ? " AND " : " OR ",
                           // NOLINTNEXTLINE(misc-no-recursion)
                           [](std::string* out, const Expression& operand) {
                             absl::StrAppend(out, PrintOperand(operand));
                           });
    case Kind::kNot:
      return absl::StrCat("NOT ", PrintOperand(expression.operands.front()));
    case Kind::kRestriction:
      break;
  }
  // A name is as it was, or it would not be one.
  std::string printed = expression.is_quoted
                            ? PrintText(expression.member.front(), true)
                            : WithoutWildcards(expression.member.front());
  for (size_t i = 1; i < expression.member.size(); ++i) {
    absl::StrAppend(&printed, ".", PrintText(expression.member[i], false));
  }
  if (expression.comparator == Comparator::kNone) return printed;
  absl::StrAppend(&printed, " ", ComparatorText(expression.comparator), " ",
                  PrintText(expression.value, false));
  return printed;
}

absl::Status ErrorAt(size_t at, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("filter: character ", at + 1, ": ", what));
}

}  // namespace rehai::query
