// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "controller/query/expression.h"
#include "controller/query/filter.h"
#include "controller/query/order.h"
#include "controller/query/rows.h"
#include "rehai/v1/model.pb.h"
#include "tests/fuzz/property.h"

namespace rehai {
namespace {

v1::Record SomeRecord() {
  v1::Record record;
  record.set_node("hv1");
  (*record.mutable_labels())["rack"] = "a1";
  record.mutable_facts()->set_hypervisor_version("7.2.11");
  v1::Guest& guest = *record.add_guests();
  guest.set_name("web-01");
  guest.set_uuid("6b29fc40-ca47-1067-b31d-00dd010662da");
  guest.set_state(v1::GUEST_STATE_RUNNING);
  v1::Interface& interface = *guest.add_interfaces();
  interface.set_mac("52:54:00:6b:3c:58");
  interface.add_addresses("10.0.0.7/24");
  return record;
}

// What does not hold of the input as a filter over `kind`.
std::string BrokenFilter(absl::string_view input, const std::string& printed,
                         query::Kind kind) {
  const auto filter = query::Filter::Compile(input, kind);
  const auto again = query::Filter::Compile(printed, kind);
  if (filter.ok() != again.ok()) return "what is printed compiles otherwise";
  if (!filter.ok()) {
    if (filter.status().code() != absl::StatusCode::kInvalidArgument) {
      return "an error of another code";
    }
    return BrokenError(filter.status());
  }
  static const v1::Record& record = *new v1::Record(SomeRecord());
  static const query::GuestRows& rows = *new query::GuestRows(record);
  const query::HostRow host{.record = &record, .running_guests = 1};
  const auto on_host = filter->Narrow(host, absl::UnixEpoch());
  const auto again_on_host = again->Narrow(host, absl::UnixEpoch());
  if (on_host.verdict != again_on_host.verdict ||
      (kind == query::Kind::kGuests &&
       filter->Matching(on_host, host, rows, 0) !=
           again->Matching(again_on_host, host, rows, 0))) {
    return "what is printed matches otherwise";
  }
  return "";
}

// What does not hold of the input as an order over guests, and of a place in it
// that a page token had.
std::string BrokenOrder(absl::string_view input) {
  const auto order = query::Order::Compile(input, query::Kind::kGuests);
  if (!order.ok()) return BrokenError(order.status());
  static const v1::Record& record = *new v1::Record(SomeRecord());
  const query::HostRow host{.record = &record, .running_guests = 1};
  static const query::GuestRows& rows = *new query::GuestRows(record);
  const query::GuestRow row = rows[0];
  const std::string place = order->Print(order->PlaceOf(host, &row));
  const auto read = order->Read(place);
  if (!read.ok() || order->CompareTo(*read, host, &row) != 0) {
    return "a place that is lost when it is written down";
  }
  return "";
}

}  // namespace

// The input is a filter, an order, and a place in the natural order.
//   - What is no filter is refused, in words.
//   - A filter that is printed is the same expression, compiles as before and
//     matches the same.
//   - A place in an order survives being written down; what is no place is
//     refused.
std::string BrokenProperty(absl::string_view input) {
  std::string broken = BrokenOrder(input);
  if (!broken.empty()) return broken;
  const auto natural = query::Order::Compile("", query::Kind::kGuests);
  const auto place = natural->Read(input);
  if (place.ok()) {
    const std::string written = natural->Print(*place);
    const auto read = natural->Read(written);
    if (!read.ok() || natural->Print(*read) != written) {
      return "a place that is lost when it is written down";
    }
  } else {
    broken = BrokenError(place.status());
    if (!broken.empty()) return broken;
  }

  const auto expression = query::Parse(input);
  if (!expression.ok()) {
    if (expression.status().code() != absl::StatusCode::kInvalidArgument) {
      return "an error of another code";
    }
    return BrokenError(expression.status());
  }
  const std::string printed = query::Print(*expression);
  if (!CanBeSent(printed)) return "printed, it is not UTF-8";
  // Quotes and parentheses may make it too long.
  if (printed.size() > query::kMaxFilterBytes) return "";
  const auto again = query::Parse(printed);
  if (!again.ok()) return "what is printed is refused";
  if (!(*again == *expression)) return "what is printed is something else";
  broken = BrokenFilter(input, printed, query::Kind::kGuests);
  if (!broken.empty()) return broken;
  return BrokenFilter(input, printed, query::Kind::kHosts);
}

}  // namespace rehai
