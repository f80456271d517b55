// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/filter.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "controller/query/values.h"

namespace rehai::query {
namespace {

using Shape = Expression::Kind;

constexpr size_t kExcerptBytes = 64;

bool Compares(Comparator comparator, int order) {
  switch (comparator) {
    case Comparator::kNone:
    case Comparator::kEqual:
    case Comparator::kHas:
      return order == 0;
    case Comparator::kNotEqual:
      return order != 0;
    case Comparator::kLess:
      return order < 0;
    case Comparator::kLessOrEqual:
      return order <= 0;
    case Comparator::kGreater:
      return order > 0;
    case Comparator::kGreaterOrEqual:
      return order >= 0;
  }
  return false;
}

bool IsOrdering(Comparator comparator) {
  return comparator == Comparator::kLess ||
         comparator == Comparator::kLessOrEqual ||
         comparator == Comparator::kGreater ||
         comparator == Comparator::kGreaterOrEqual;
}

int Order(int64_t a, int64_t b) {
  return static_cast<int>(a > b) - static_cast<int>(a < b);
}

// Of the label itself, or of any key of the map.
bool HasLabel(const v1::Record& record, const TextPattern& key) {
  if (key.IsLiteral()) return record.labels().contains(key.literal());
  return std::any_of(
      record.labels().begin(), record.labels().end(),
      [&key](const auto& label) { return key.Matches(label.first); });
}

std::string Shown(absl::string_view text) {
  std::string shown = Excerpt(text, kExcerptBytes);
  std::replace(shown.begin(), shown.end(), kAnyText, '*');
  std::replace(shown.begin(), shown.end(), kAnyCharacter, '?');
  return shown;
}

}  // namespace

// Makes nodes of expressions, and notes what the whole filter needs.
class Filter::Compiler {
 public:
  Compiler(Kind kind, Filter& filter) : kind_(kind), filter_(filter) {}

  // NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxDepth
  absl::StatusOr<Node> Compile(const Expression& expression) {
    Node node;
    node.kind = expression.kind;
    for (const Expression& operand : expression.operands) {
      ASSIGN_OR_RETURN(Node compiled, Compile(operand));
      node.operands.push_back(std::move(compiled));
    }
    if (expression.kind != Shape::kRestriction) return node;
    ASSIGN_OR_RETURN(node.test, CompileTest(expression));
    const Field& field = *node.test.ref.field;
    if (node.test.ref.of_host) node.test.slot = slots_++;
    filter_.uses_sync_ |=
        field.id == FieldId::kSync || field.id == FieldId::kAppliedAge;
    if (field.is_volatile && filter_.volatile_field_ == nullptr) {
      filter_.volatile_field_ = &field;
    }
    return node;
  }

 private:
  absl::StatusOr<Test> CompileTest(const Expression& restriction) {
    if (restriction.comparator == Comparator::kNone) {
      return CompileWord(restriction);
    }
    std::optional<FieldRef> ref;
    if (!restriction.is_quoted) ref = FindField(kind_, restriction.member);
    if (!ref.has_value()) {
      return ErrorAt(
          restriction.member_at,
          UnknownField(kind_, absl::StrJoin(restriction.member, ".")));
    }
    Test test;
    test.ref = *std::move(ref);
    test.comparator = restriction.comparator;
    test.is_presence = restriction.comparator == Comparator::kHas &&
                       restriction.value == absl::string_view(&kAnyText, 1);
    if (test.is_presence) return test;
    RETURN_IF_ERROR(CheckComparator(test, restriction));
    RETURN_IF_ERROR(ReadValue(restriction, test));
    return test;
  }

  absl::StatusOr<Test> CompileWord(const Expression& restriction) const {
    const std::string& word = restriction.member.front();
    if (!restriction.is_quoted) {
      const std::optional<FieldRef> ref = FindField(kind_, {word});
      if (ref.has_value() && ref->field->type == FieldType::kBool) {
        Test test;
        test.ref = *ref;
        test.number = 1;
        return test;
      }
    }
    Test test;
    test.ref = *FindField(kind_, {kind_ == Kind::kGuests ? "name" : "node"});
    test.pattern = TextPattern(word);
    if (test.pattern.IsLiteral()) test.pattern = TextPattern::Within(word);
    return test;
  }

  static absl::Status CheckComparator(const Test& test,
                                      const Expression& restriction) {
    const Field& field = *test.ref.field;
    const bool has_no_order =
        field.type == FieldType::kEnum || field.type == FieldType::kBool ||
        field.type == FieldType::kAddress || field.type == FieldType::kTexts;
    if (IsOrdering(restriction.comparator) && has_no_order) {
      return ErrorAt(restriction.member_at,
                     absl::StrCat(field.name,
                                  " has no order; compare it with "
                                  "=, != or :"));
    }
    if (field.type == FieldType::kLabelMap && test.ref.key.empty() &&
        restriction.comparator != Comparator::kHas) {
      return ErrorAt(restriction.member_at,
                     "labels are many; write labels.KEY = VALUE, or labels:KEY "
                     "for those that have one");
    }
    return absl::OkStatus();
  }

  // Puts the value into the test.
  static absl::Status ReadValue(const Expression& restriction, Test& test) {
    const Field& field = *test.ref.field;
    const std::string& value = restriction.value;
    std::optional<int64_t> number;
    absl::string_view form;
    switch (field.type) {
      case FieldType::kText:
      case FieldType::kVersion:
      case FieldType::kTexts:
      case FieldType::kLabelMap:
        return ReadText(restriction, test);
      case FieldType::kAddress:
        test.prefix = ParseIpPrefix(value);
        test.pattern = TextPattern(value);
        if (test.prefix.has_value() || !test.pattern.IsLiteral()) {
          return absl::OkStatus();
        }
        form = "an IP address; write it as 10.0.0.7, 10.0.0.0/24 or fe80::1";
        break;
      case FieldType::kEnum: {
        const absl::StatusOr<int64_t> word = ParseWord(field, value);
        if (!word.ok()) {
          return ErrorAt(restriction.value_at, word.status().message());
        }
        number = *word;
        break;
      }
      case FieldType::kBool:
        if (value == "true") number = 1;
        if (value == "false") number = 0;
        form = "true or false";
        break;
      case FieldType::kNumber:
        if (int64_t read = 0; absl::SimpleAtoi(value, &read)) number = read;
        form = "a whole number";
        break;
      case FieldType::kBytes:
        number = ParseBytes(value);
        form = "a size; write it as 4GiB, 512MiB or in bytes";
        break;
      case FieldType::kDuration:
        number = ParseNanoseconds(value);
        form = "a duration; write it as 30s, 1h30m or 7d";
        break;
      case FieldType::kTime:
        number = ParseTime(value);
        form = "a time; write it as 2026-11-26T12:00:00Z";
        break;
    }
    if (!number.has_value()) {
      return ErrorAt(restriction.value_at,
                     absl::StrCat("\"", Shown(value), "\" is not ", form));
    }
    test.number = *number;
    return absl::OkStatus();
  }

  static absl::Status ReadText(const Expression& restriction, Test& test) {
    std::string value = restriction.value;
    if (test.ref.field->id == FieldId::kMac) value = CanonicalMac(value);
    if (test.ref.field->id == FieldId::kUuid) value = CanonicalUuid(value);
    test.pattern = TextPattern(value);
    if (IsOrdering(restriction.comparator) && !test.pattern.IsLiteral()) {
      return ErrorAt(restriction.value_at,
                     absl::StrCat("\"", Shown(restriction.value),
                                  "\" has wildcards, which come in no order"));
    }
    // "labels:rack" is about keys, and those are whole.
    const bool is_key =
        test.ref.field->type == FieldType::kLabelMap && test.ref.key.empty();
    if (restriction.comparator == Comparator::kHas && !is_key &&
        test.pattern.IsLiteral()) {
      test.pattern = TextPattern::Within(value);
    }
    return absl::OkStatus();
  }

  const Kind kind_;
  Filter& filter_;
  size_t slots_ = 0;
};

absl::StatusOr<Filter> Filter::Compile(absl::string_view text, Kind kind) {
  ASSIGN_OR_RETURN(const Expression expression, Parse(text));
  Filter filter;
  ASSIGN_OR_RETURN(filter.root_, Compiler(kind, filter).Compile(expression));
  if (kind == Kind::kHosts) return filter;

  const auto take_key = [&filter](const Node& node) {
    if (node.kind != Shape::kRestriction || filter.key_.has_value()) return;
    const Test& test = node.test;
    if (test.comparator != Comparator::kEqual || test.ref.of_host) return;
    const FieldId field = test.ref.field->id;
    const bool is_text = field == FieldId::kUuid || field == FieldId::kName ||
                         field == FieldId::kMac;
    if ((is_text && test.pattern.IsLiteral()) ||
        (field == FieldId::kIp && test.prefix.has_value() &&
         test.prefix->IsAddress())) {
      const std::string& written = test.pattern.literal();
      filter.key_ = {.field = field,
                     .text = written.substr(0, written.find('/'))};
    }
  };
  take_key(filter.root_);
  if (filter.root_.kind == Shape::kAnd) {
    std::for_each(filter.root_.operands.begin(), filter.root_.operands.end(),
                  take_key);
  }
  return filter;
}

Filter::OnHost Filter::Narrow(const HostRow& host, absl::Time now) const {
  OnHost on_host;
  AnswerOn(root_, host, now, on_host);
  on_host.verdict = VerdictOn(root_, on_host);
  return on_host;
}

bool Filter::Matches(const OnHost& on_host, const HostRow& host,
                     const GuestRow& guest) const {
  if (on_host.verdict != Verdict::kDepends) {
    return on_host.verdict == Verdict::kYes;
  }
  return Holds(root_, on_host, host, guest);
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxDepth
void Filter::AnswerOn(const Node& node, const HostRow& host, absl::Time now,
                      OnHost& on_host) const {
  if (node.kind == Shape::kRestriction && node.test.ref.of_host) {
    on_host.holds[node.test.slot] = Holds(node.test, host, nullptr, now);
  }
  for (const Node& operand : node.operands) {
    AnswerOn(operand, host, now, on_host);
  }
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxDepth
Filter::Verdict Filter::VerdictOn(const Node& node,
                                  const OnHost& on_host) const {
  switch (node.kind) {
    case Shape::kRestriction:
      if (!node.test.ref.of_host) return Verdict::kDepends;
      return on_host.holds[node.test.slot] ? Verdict::kYes : Verdict::kNo;
    case Shape::kNot:
      switch (VerdictOn(node.operands.front(), on_host)) {
        case Verdict::kNo:
          return Verdict::kYes;
        case Verdict::kYes:
          return Verdict::kNo;
        case Verdict::kDepends:
          return Verdict::kDepends;
      }
      return Verdict::kDepends;
    case Shape::kAnd:
    case Shape::kOr:
      break;
  }
  const bool is_and = node.kind == Shape::kAnd;
  const Verdict decisive = is_and ? Verdict::kNo : Verdict::kYes;
  Verdict all = is_and ? Verdict::kYes : Verdict::kNo;
  for (const Node& operand : node.operands) {
    const Verdict one = VerdictOn(operand, on_host);
    if (one == decisive) return one;
    if (one == Verdict::kDepends) all = one;
  }
  return all;
}

// NOLINTNEXTLINE(misc-no-recursion): no deeper than kMaxDepth
bool Filter::Holds(const Node& node, const OnHost& on_host, const HostRow& host,
                   const GuestRow& guest) const {
  const auto holds = [&](const Node& operand) {
    return Holds(operand, on_host, host, guest);
  };
  switch (node.kind) {
    case Shape::kAnd:
      return std::all_of(node.operands.begin(), node.operands.end(), holds);
    case Shape::kOr:
      return std::any_of(node.operands.begin(), node.operands.end(), holds);
    case Shape::kNot:
      return !holds(node.operands.front());
    case Shape::kRestriction:
      break;
  }
  if (node.test.ref.of_host) return on_host.holds[node.test.slot];
  // Nothing of a guest's own changes with the time.
  return Holds(node.test, host, &guest, absl::InfinitePast());
}

bool Filter::Holds(const Test& test, const HostRow& host, const GuestRow* guest,
                   absl::Time now) {
  const Field& field = *test.ref.field;
  const bool is_negative = test.comparator == Comparator::kNotEqual;
  switch (field.type) {
    case FieldType::kAddress:
      if (test.prefix.has_value()) {
        return is_negative !=
               std::any_of(guest->addresses.begin(), guest->addresses.end(),
                           [&test](const IpAddress& address) {
                             return test.prefix->Contains(address);
                           });
      }
      [[fallthrough]];
    case FieldType::kTexts:
      return is_negative !=
             AnyText(field.id, host, guest, [&test](absl::string_view text) {
               return test.is_presence || test.pattern.Matches(text);
             });
    case FieldType::kLabelMap:
      if (test.ref.key.empty()) {
        return test.is_presence ? !host.record->labels().empty()
                                : HasLabel(*host.record, test.pattern);
      }
      break;
    default:
      break;
  }
  const Value value = Read(test.ref, host, guest, now);
  if (test.is_presence) return value.is_known;
  const bool is_text =
      field.type == FieldType::kText || field.type == FieldType::kVersion;
  // A text that is not known is an empty one; nothing else is.
  if (!value.is_known && (!is_text || IsOrdering(test.comparator))) {
    return is_negative;
  }
  if (!is_text && field.type != FieldType::kLabelMap) {
    return Compares(test.comparator, Order(value.number, test.number));
  }
  if (!IsOrdering(test.comparator)) {
    return is_negative != test.pattern.Matches(value.text);
  }
  return Compares(test.comparator,
                  field.type == FieldType::kVersion
                      ? CompareVersions(value.text, test.pattern.literal())
                      : value.text.compare(test.pattern.literal()));
}

}  // namespace rehai::query
