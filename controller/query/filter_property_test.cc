// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "controller/query/expression.h"
#include "controller/query/filter.h"
#include "controller/query/rows.h"
#include "rehai/v1/model.pb.h"
#include "tests/matchers.h"

namespace rehai::query {
namespace {

using Shape = Expression::Kind;

// Random filters over a few fields with few values, so that they hold about as
// often as not; and what they say of a guest, in the simplest way that there
// is.
class FilterPropertyTest : public testing::TestWithParam<int> {
 protected:
  size_t Pick(size_t count) {
    return std::uniform_int_distribution<size_t>(0, count - 1)(random_);
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Expression AnyExpression(int depth) {
    Expression expression;
    const size_t shape = depth == 0 ? 3 : Pick(4);
    expression.kind = std::vector<Shape>{Shape::kAnd, Shape::kOr, Shape::kNot,
                                         Shape::kRestriction}[shape];
    if (expression.kind == Shape::kRestriction) {
      expression.member = std::vector<std::vector<std::string>>{
          {"name"}, {"vcpus"}, {"node"}, {"host", "labels", "rack"}}[Pick(4)];
      expression.comparator = std::vector<Comparator>{
          Comparator::kEqual, Comparator::kNotEqual, Comparator::kLess,
          Comparator::kGreaterOrEqual}[Pick(4)];
      expression.value = absl::StrCat(Pick(3));
      return expression;
    }
    const size_t count = expression.kind == Shape::kNot ? 1 : 2 + Pick(2);
    for (size_t i = 0; i < count; ++i) {
      expression.operands.push_back(AnyExpression(depth - 1));
    }
    return expression;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  static bool Says(const Expression& expression, const v1::Record& record,
                   const v1::Guest& guest) {
    bool all = true;
    bool any = false;
    for (const Expression& operand : expression.operands) {
      const bool one = Says(operand, record, guest);
      all = all && one;
      any = any || one;
    }
    if (expression.kind == Shape::kAnd) return all;
    if (expression.kind == Shape::kOr) return any;
    if (expression.kind == Shape::kNot) return !all;

    std::string is;
    bool is_known = true;
    if (expression.member.front() == "name") is = guest.name();
    if (expression.member.front() == "node") is = record.node();
    if (expression.member.front() == "vcpus") is = absl::StrCat(guest.vcpus());
    if (expression.member.front() == "host") {
      is_known = record.labels().contains("rack");
      if (is_known) is = record.labels().at("rack");
    }
    // All are one digit, so texts and numbers have the same order.
    switch (expression.comparator) {
      case Comparator::kEqual:
        return is_known && is == expression.value;
      case Comparator::kNotEqual:
        return !is_known || is != expression.value;
      case Comparator::kLess:
        return is_known && is < expression.value;
      default:
        return is_known && is >= expression.value;
    }
  }

  std::mt19937 random_{static_cast<unsigned>(GetParam())};
};

TEST_P(FilterPropertyTest, SaysWhatTheSimplestEvaluationSays) {
  int asked = 0;
  int held = 0;
  int decided_by_host = 0;
  constexpr int kRounds = 2000;
  for (int round = 0; round < kRounds; ++round) {
    const Expression expression = AnyExpression(/*depth=*/4);
    const std::string text = Print(expression);
    const auto parsed = Parse(text);
    ASSERT_THAT(parsed, IsOk()) << text;
    ASSERT_EQ(*parsed, expression) << text;

    const auto filter = Filter::Compile(text, Kind::kGuests);
    ASSERT_THAT(filter, IsOk()) << text;
    v1::Record record;
    record.set_node(absl::StrCat(Pick(3)));
    if (Pick(3) > 0) {
      (*record.mutable_labels())["rack"] = absl::StrCat(Pick(3));
    }
    const size_t count = Pick(kRowsPerBlock + 1);
    for (size_t i = 0; i < count; ++i) {
      v1::Guest& guest = *record.add_guests();
      guest.set_name(absl::StrCat(Pick(3)));
      guest.set_vcpus(static_cast<int>(Pick(3)));
    }
    const GuestRows rows(record);
    const HostRow host{.record = &record};

    const Filter::OnHost on_host = filter->Narrow(host, absl::UnixEpoch());
    RowSet says = 0;
    for (size_t i = 0; i < count; ++i) {
      if (Says(expression, record, rows[i].guest())) says |= RowSet{1} << i;
    }
    ASSERT_EQ(filter->Matching(on_host, host, rows, 0), says) << text;
    held += std::popcount(says);
    asked += static_cast<int>(count);
    decided_by_host +=
        static_cast<int>(on_host.verdict != Filter::Verdict::kDepends);
  }
  // Or else the test shows nothing.
  EXPECT_GT(held, asked / 5);
  EXPECT_LT(held, asked * 4 / 5);
  EXPECT_GT(decided_by_host, kRounds / 20);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FilterPropertyTest, testing::Range(0, 5));

}  // namespace
}  // namespace rehai::query
