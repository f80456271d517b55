// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/query/order.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "controller/query/rows.h"
#include "rehai/v1/model.pb.h"
#include "tests/matchers.h"

namespace rehai::query {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OrderTest : public testing::Test {
 protected:
  void Add(const std::string& name, int64_t memory_kib, int id = 0) {
    v1::Guest& guest = *record_.add_guests();
    guest.set_name(name);
    guest.set_uuid(absl::StrCat("u", record_.guests_size()));
    guest.set_memory_kib(memory_kib);
    if (id != 0) guest.set_id(id);
  }

  std::vector<std::string> Sorted(const std::string& order_by) {
    const auto order = Order::Compile(order_by, Kind::kGuests);
    EXPECT_THAT(order, IsOk()) << order_by;
    if (!order.ok()) return {};
    const HostRow host{.record = &record_};
    const GuestRows columns(record_);
    std::vector<GuestRow> rows;
    for (size_t i = 0; i < columns.size(); ++i) rows.push_back(columns[i]);
    std::sort(rows.begin(), rows.end(),
              [&](const GuestRow& a, const GuestRow& b) {
                return order->CompareRows(host, &a, host, &b) < 0;
              });
    std::vector<std::string> names;
    for (const GuestRow& row : rows) {
      names.push_back(absl::StrCat(row.name(), "/", row.uuid()));
      // A place survives being written down.
      const Place place = order->PlaceOf(host, &row);
      const std::string printed = order->Print(place);
      const auto read = order->Read(printed);
      EXPECT_THAT(read, IsOk()) << printed;
      if (read.ok()) {
        EXPECT_EQ(order->CompareTo(*read, host, &row), 0) << printed;
      }
    }
    return names;
  }

  v1::Record record_;
};

TEST_F(OrderTest, GoesByItsFieldsOneAfterTheOther) {
  Add("b", 10);
  Add("a", 20);
  Add("c", 20);
  Add("a", 10, 7);
  EXPECT_THAT(Sorted(""), ElementsAre("a/u2", "a/u4", "b/u1", "c/u3"));
  EXPECT_THAT(Sorted("name"), ElementsAre("a/u2", "a/u4", "b/u1", "c/u3"));
  EXPECT_THAT(Sorted("name desc"), ElementsAre("c/u3", "b/u1", "a/u2", "a/u4"));
  EXPECT_THAT(Sorted("memory desc, name"),
              ElementsAre("a/u2", "c/u3", "a/u4", "b/u1"));
  EXPECT_THAT(Sorted(" memory asc ,uuid  desc"),
              ElementsAre("a/u4", "b/u1", "c/u3", "a/u2"));
  // What is not known comes first, and last the other way round.
  EXPECT_THAT(Sorted("id"), ElementsAre("a/u2", "b/u1", "c/u3", "a/u4"));
  EXPECT_THAT(Sorted("id desc"), ElementsAre("a/u4", "a/u2", "b/u1", "c/u3"));
}

TEST_F(OrderTest, OnlyTheOwnOrderIsNatural) {
  for (const auto& [text, natural] :
       std::vector<std::pair<std::string, bool>>{{"", true},
                                                 {"name", true},
                                                 {"name, uuid", true},
                                                 {"uuid, name", false},
                                                 {"name desc", false},
                                                 {"name, memory", false}}) {
    const auto order = Order::Compile(text, Kind::kGuests);
    ASSERT_THAT(order, IsOk());
    EXPECT_EQ(order->is_natural(), natural) << text;
  }
  EXPECT_TRUE(Order::Compile("node", Kind::kHosts)->is_natural());
  EXPECT_FALSE(Order::Compile("node desc", Kind::kHosts)->is_natural());
}

TEST_F(OrderTest, ErrorsSayWhatIsWrong) {
  for (const auto& [text, error] :
       std::vector<std::pair<std::string, std::string>>{
           {"nmae", "order_by: unknown field nmae; did you mean name?"},
           {"name up", "is no field"},
           {"name,", "is no field"},
           {",", "is no field"},
           {"mac", "mac has several values"},
           {"host.labels", "several values"},
           {"name, name desc", "name is there twice"},
           {"name,uuid,id,vcpus,memory,state,title,node,age", "more than 8"},
           {std::string(2000, 'x'), "longer than"}}) {
    EXPECT_THAT(Order::Compile(text, Kind::kGuests),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(error)))
        << text;
  }
}

TEST_F(OrderTest, APlaceThatIsNoneIsRefused) {
  const auto order = Order::Compile("memory", Kind::kGuests);
  ASSERT_THAT(order, IsOk());
  EXPECT_THAT(order->Read("1:11:a1:b"), IsOk());
  for (const char* text : {"", "1:1", "1:a1:a1:b", "9:1", "1:11:a1:bx",
                           "-1:1:11:a", ":", "99999999999999999999:1"}) {
    EXPECT_THAT(order->Read(text), StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

}  // namespace
}  // namespace rehai::query
