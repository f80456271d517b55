// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_QUERY_FILTER_H_
#define CONTROLLER_QUERY_FILTER_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/ip_address.h"
#include "controller/query/expression.h"
#include "controller/query/fields.h"
#include "controller/query/rows.h"
#include "controller/query/text_pattern.h"

namespace rehai::query {

// Filter is a compiled filter expression (expression.h has the grammar,
// fields.h the fields, docs/query.md both in words).
//
// - A comparison with what is not known is false, but that != is true.
// - Of a field with several values, = and : are true if one of them matches,
//   and != if none does.
// - A word alone is a bool field, or else part of a guest's name or a host's
//   node; with wildcards it is the whole of that.
//
// Pure and immutable: threads may share one. Questions allocate nothing.
class Filter {
 public:
  // kInvalidArgument says what is wrong, and at which character.
  static absl::StatusOr<Filter> Compile(absl::string_view text, Kind kind);

  // Matches everything.
  Filter() = default;

  // What the filter says of a guest when no more is known than its host.
  enum class Verdict { kNo, kYes, kDepends };

  // A host's own answers, found once for all of its guests.
  struct OnHost {
    Verdict verdict = Verdict::kYes;
    std::bitset<kMaxRestrictions> holds;  // by Test::slot
  };
  OnHost Narrow(const HostRow& host, absl::Time now) const;

  // Of a block of a host's guests, those that match: each test is made of all
  // that are still in question before the next one is. `on_host` is what
  // Narrow() gave for the host; the block begins with the row `first`.
  RowSet Matching(const OnHost& on_host, const HostRow& host,
                  const GuestRows& rows, size_t first) const;

  // True if a host matches, of a filter over hosts.
  bool MatchesHost(const HostRow& host, absl::Time now) const {
    return Narrow(host, now).verdict == Verdict::kYes;
  }

  // True if HostRow::sync is to be there.
  bool uses_sync() const { return uses_sync_; }

  // The first field that changes without a change of the host's record, or
  // null.
  const Field* volatile_field() const { return volatile_field_; }

  // What every match has, if the filter says so: something to look up in an
  // index rather than go through the fleet. The matches still have to be asked
  // for.
  struct Key {
    FieldId field;     // kUuid, kName, kMac or kIp
    std::string text;  // as the index has it; of kIp as it was written
  };
  const std::optional<Key>& key() const { return key_; }

 private:
  struct Test {
    FieldRef ref;
    Comparator comparator = Comparator::kEqual;
    bool is_presence = false;  // "field:*"
    TextPattern pattern;
    // What a number has to be, or with != must not be, both ends included.
    int64_t least = 0;
    int64_t most = 0;
    std::optional<IpPrefix> prefix;
    size_t slot = 0;  // of a host's field: its place in OnHost

    bool is_negative() const { return comparator == Comparator::kNotEqual; }
    bool HasOneValue() const;
    bool HoldsOf(const Value& value) const;
    bool HoldsOfNumber(const Value& value) const;
    bool HoldsOfText(const Value& value) const;
    bool HoldsOfMany(const HostRow& host, const GuestRow* guest) const;
  };
  struct Node {
    Expression::Kind kind = Expression::Kind::kAnd;
    std::vector<Node> operands;  // the cheap ones first
    int cost = 0;                // of the dearest test in it
    Test test;
  };
  class Compiler;

  Verdict VerdictOn(const Node& node, const OnHost& on_host) const;
  RowSet Holding(const Node& node, const OnHost& on_host, const HostRow& host,
                 const GuestRows& rows, size_t first, RowSet among) const;
  static RowSet Holding(const Test& test, const HostRow& host,
                        const GuestRows& rows, size_t first, RowSet among);

  Node root_;
  std::vector<Test> of_host_;  // those of one field side by side
  bool uses_sync_ = false;
  const Field* volatile_field_ = nullptr;
  std::optional<Key> key_;
};

}  // namespace rehai::query

#endif  // CONTROLLER_QUERY_FILTER_H_
