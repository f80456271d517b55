// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/filter.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <tuple>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/status_macros.h"
#include "base/utf8.h"
#include "controller/query/guest_fields.h"
#include "controller/query/values.h"

namespace rehai::query {
namespace {

using Shape = Expression::Kind;

constexpr size_t kExcerptBytes = 64;

bool IsOrdering(Comparator comparator) {
  return comparator == Comparator::kLess ||
         comparator == Comparator::kLessOrEqual ||
         comparator == Comparator::kGreater ||
         comparator == Comparator::kGreaterOrEqual;
}

// True if what an ordering comparator stands for is so; `order` is less than 0,
// 0 or more than 0, as what is on its left is before, as or after its right.
bool IsSo(int order, Comparator comparator) {
  switch (comparator) {
    case Comparator::kLess:
      return order < 0;
    case Comparator::kLessOrEqual:
      return order <= 0;
    case Comparator::kGreater:
      return order > 0;
    case Comparator::kGreaterOrEqual:
      return order >= 0;
    default:
      return false;
  }
}

// What asking one guest takes, about: its host has the answer; its row has what
// is asked of, a number or a text; the guest has it; there are several.
enum Cost { kOfHost, kNumberInRow, kTextInRow, kInGuest, kMany };

Cost CostOf(const Field& field) {
  switch (field.id) {
    case FieldId::kState:
    case FieldId::kVcpus:
    case FieldId::kMemory:
    case FieldId::kMissing:
      return kNumberInRow;
    case FieldId::kName:
    case FieldId::kUuid:
    case FieldId::kIp:
      return kTextInRow;
    default:
      return field.type == FieldType::kTexts ? kMany : kInGuest;
  }
}

// The members of `among` of which `holds`, which takes the index of a row.
template <typename Holds>
RowSet Where(RowSet among, const Holds& holds) {
  RowSet held = 0;
  ForEachRow(among, [&](int row) { held |= RowSet{holds(row)} << row; });
  return held;
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
    if (expression.kind != Shape::kRestriction) {
      // What is asked of most guests is what comes first.
      std::stable_sort(
          node.operands.begin(), node.operands.end(),
          [](const Node& a, const Node& b) { return a.cost < b.cost; });
      if (!node.operands.empty()) node.cost = node.operands.back().cost;
      return node;
    }
    ASSIGN_OR_RETURN(node.test, CompileTest(expression));
    const Field& field = *node.test.ref.field;
    if (node.test.ref.of_host) {
      node.test.slot = filter_.of_host_.size();
      filter_.of_host_.push_back(node.test);
    } else {
      node.cost = CostOf(field);
    }
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
        test.least = test.most = 1;
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
    SetRange(*number, test);
    return absl::OkStatus();
  }

  static void SetRange(int64_t number, Test& test) {
    constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
    constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
    test.least = test.most = number;
    switch (test.comparator) {
      case Comparator::kLess:
      case Comparator::kLessOrEqual:
        test.least = kLeast;
        break;
      case Comparator::kGreater:
      case Comparator::kGreaterOrEqual:
        test.most = kMost;
        break;
      default:
        return;
    }
    // Nothing is before the first number or after the last.
    const bool is_none =
        (test.comparator == Comparator::kLess && number == kLeast) ||
        (test.comparator == Comparator::kGreater && number == kMost);
    if (is_none) {
      test.least = kMost;
      test.most = kLeast;
    } else if (test.comparator == Comparator::kLess) {
      test.most = number - 1;
    } else if (test.comparator == Comparator::kGreater) {
      test.least = number + 1;
    }
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
};

absl::StatusOr<Filter> Filter::Compile(absl::string_view text, Kind kind) {
  ASSIGN_OR_RETURN(const Expression expression, Parse(text));
  Filter filter;
  ASSIGN_OR_RETURN(filter.root_, Compiler(kind, filter).Compile(expression));
  std::sort(filter.of_host_.begin(), filter.of_host_.end(),
            [](const Test& a, const Test& b) {
              return std::tie(a.ref.field->id, a.ref.key) <
                     std::tie(b.ref.field->id, b.ref.key);
            });
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
  const Test* before = nullptr;
  Value value;
  for (const Test& test : of_host_) {
    if (!test.HasOneValue()) {
      on_host.holds[test.slot] = test.HoldsOfMany(host, nullptr);
      continue;
    }
    const bool is_same = before != nullptr &&
                         before->ref.field == test.ref.field &&
                         before->ref.key == test.ref.key;
    if (!is_same) value = Read(test.ref, host, nullptr, now);
    before = &test;
    on_host.holds[test.slot] = test.HoldsOf(value);
  }
  on_host.verdict = VerdictOn(root_, on_host);
  return on_host;
}

RowSet Filter::Matching(const OnHost& on_host, const HostRow& host,
                        const GuestRows& rows, size_t first) const {
  const size_t size = std::min(rows.size() - first, kRowsPerBlock);
  const RowSet all = size == 0 ? 0 : ~RowSet{0} >> (kRowsPerBlock - size);
  switch (on_host.verdict) {
    case Verdict::kNo:
      return 0;
    case Verdict::kYes:
      return all;
    case Verdict::kDepends:
      break;
  }
  return Holding(root_, on_host, host, rows, first, all);
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
RowSet Filter::Holding(const Node& node, const OnHost& on_host,
                       const HostRow& host, const GuestRows& rows, size_t first,
                       RowSet among) const {
  const auto holding = [&](const Node& operand, RowSet of) {
    return of == 0 ? 0 : Holding(operand, on_host, host, rows, first, of);
  };
  switch (node.kind) {
    case Shape::kAnd: {
      RowSet all = among;
      for (const Node& operand : node.operands) all = holding(operand, all);
      return all;
    }
    case Shape::kOr: {
      RowSet any = 0;
      for (const Node& operand : node.operands) {
        any |= holding(operand, among & ~any);
      }
      return any;
    }
    case Shape::kNot:
      return among & ~holding(node.operands.front(), among);
    case Shape::kRestriction:
      break;
  }
  if (node.test.ref.of_host) return on_host.holds[node.test.slot] ? among : 0;
  return Holding(node.test, host, rows, first, among);
}

RowSet Filter::Holding(const Test& test, const HostRow& host,
                       const GuestRows& rows, size_t first, RowSet among) {
  if (!test.HasOneValue()) {
    return Where(among, [&](int index) {
      const GuestRow row = rows[first + index];
      return test.HoldsOfMany(host, &row);
    });
  }
  return VisitGuestField(test.ref.field->id, [&](const auto& read) {
    return IsText(test.ref.field->type)
               ? Where(among,
                       [&](int index) {
                         return test.HoldsOfText(read(rows[first + index]));
                       })
               : Where(among, [&](int index) {
                   return test.HoldsOfNumber(read(rows[first + index]));
                 });
  });
}

bool Filter::Test::HasOneValue() const {
  switch (ref.field->type) {
    case FieldType::kAddress:
    case FieldType::kTexts:
      return false;
    case FieldType::kLabelMap:
      return !ref.key.empty();
    default:
      return true;
  }
}

inline bool Filter::Test::HoldsOfNumber(const Value& value) const {
  if (is_presence) return value.is_known;
  return is_negative() !=
         (value.is_known && least <= value.number && value.number <= most);
}

inline bool Filter::Test::HoldsOfText(const Value& value) const {
  if (is_presence) return value.is_known;
  if (IsOrdering(comparator)) {
    return value.is_known &&
           IsSo(ref.field->type == FieldType::kVersion
                    ? CompareVersions(value.text, pattern.literal())
                    : value.text.compare(pattern.literal()),
                comparator);
  }
  // A text that is not known is an empty one; a label that is not is none.
  const bool is_there =
      value.is_known || ref.field->type != FieldType::kLabelMap;
  return is_negative() != (is_there && pattern.Matches(value.text));
}

bool Filter::Test::HoldsOf(const Value& value) const {
  return IsText(ref.field->type) ? HoldsOfText(value) : HoldsOfNumber(value);
}

bool Filter::Test::HoldsOfMany(const HostRow& host,
                               const GuestRow* guest) const {
  if (ref.field->type == FieldType::kLabelMap) {
    return is_presence ? !host.record->labels().empty()
                       : HasLabel(*host.record, pattern);
  }
  if (prefix.has_value()) {
    const auto addresses = guest->addresses();
    return is_negative() != std::any_of(addresses.begin(), addresses.end(),
                                        [this](const IpAddress& address) {
                                          return prefix->Contains(address);
                                        });
  }
  return is_negative() !=
         AnyText(ref.field->id, host, guest, [this](absl::string_view text) {
           return is_presence || pattern.Matches(text);
         });
}

}  // namespace rehai::query
