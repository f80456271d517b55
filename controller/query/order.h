// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#ifndef CONTROLLER_QUERY_ORDER_H_
#define CONTROLLER_QUERY_ORDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "controller/query/fields.h"
#include "controller/query/rows.h"

namespace rehai::query {

// An entry's place in an order: its values in the order's fields, one after the
// other. Lives as long as its row.
using Place = std::vector<Value>;

// Order is an order_by: fields, each up or down. What is not known comes first,
// so last in "desc". Its last fields make it total: a guest's name and UUID, a
// host's node. Pure and immutable.
//
// Ages are compared by when they began, so that the same fleet has the same
// order at every time.
class Order {
 public:
  // "memory desc, name"; "" is the kind's own. At most 8 fields.
  // kInvalidArgument: no such field, one without an order, or one twice.
  static absl::StatusOr<Order> Compile(absl::string_view text, Kind kind);

  // True if this is the kind's own order, by (name, UUID) or by node.
  bool is_natural() const { return is_natural_; }

  // True if HostRow::sync is to be there.
  bool uses_sync() const;

  // `guest` is null for hosts.
  Place PlaceOf(const HostRow& host, const GuestRow* guest) const;

  // Less than 0, 0 or more than 0, as the row comes before, at or after the
  // place; and as row `a` comes before, with or after row `b`. Allocate
  // nothing.
  int CompareTo(const Place& place, const HostRow& host,
                const GuestRow* guest) const;
  int CompareRows(const HostRow& host_a, const GuestRow* a,
                  const HostRow& host_b, const GuestRow* b) const;

  // A place as text for a page token, and back; the values' texts are in
  // `text`. kInvalidArgument: it is none of this order's.
  std::string Print(const Place& place) const;
  absl::StatusOr<Place> Read(absl::string_view text) const;

 private:
  struct Step {
    FieldRef ref;
    bool is_descending = false;
  };

  int CompareValues(const Step& step, const Value& a, const Value& b) const;

  std::vector<Step> steps_;
  bool is_natural_ = true;
};

}  // namespace rehai::query

#endif  // CONTROLLER_QUERY_ORDER_H_
