// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "cli/field_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/text_format.h"
#include "rehai/v1/fleet.pb.h"
#include "tests/matchers.h"

namespace rehai::cli {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<std::string> TableOf(const char* guest,
                                    const std::vector<std::string>& paths) {
  v1::LocatedGuest located;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(guest, &located));
  return FieldTable(*v1::LocatedGuest::descriptor(), {&located}, paths, false);
}

constexpr char kGuest[] = R"pb(
  node: "hv1"
  missing: true
  guest {
    name: "web01"
    state: GUEST_STATE_SHUT_OFF
    vcpus: 2
    memory_kib: 4194304
    interfaces { mac: "52:54:00:6b:3c:58" }
  }
)pb";

TEST(FieldTableTest, AColumnForEachPath) {
  EXPECT_THAT(
      TableOf(kGuest, {"node", "guest.name", "guest.state", "guest.memory_kib",
                       "missing"}),
      IsOkAndHolds("NODE  GUEST.NAME  GUEST.STATE  GUEST.MEMORY_KIB  MISSING\n"
                   "hv1   web01       shut_off     4194304           true\n"));
}

TEST(FieldTableTest, WhatIsNoWordIsJson) {
  const auto table = TableOf(kGuest, {"guest.interfaces"});
  ASSERT_THAT(table, IsOk());
  EXPECT_THAT(*table, HasSubstr("\"mac\":\"52:54:00:6b:3c:58\""));
}

TEST(FieldTableTest, WhatIsNotThereIsEmpty) {
  EXPECT_THAT(TableOf(kGuest, {"node", "guest.id", "confirmed_at",
                               "provenance.origin", "guest.security.label"}),
              IsOkAndHolds("NODE  GUEST.ID  CONFIRMED_AT  PROVENANCE.ORIGIN  "
                           "GUEST.SECURITY.LABEL\n"
                           "hv1\n"));
}

TEST(FieldTableTest, LabelsHaveKeys) {
  v1::Host host;
  (*host.mutable_labels())["rack"] = "a1";
  const auto table = FieldTable(*v1::Host::descriptor(), {&host},
                                {"labels.rack", "labels.none"}, false);
  EXPECT_THAT(table, IsOkAndHolds("LABELS.RACK  LABELS.NONE\na1\n"));
}

TEST(FieldTableTest, AnUnknownFieldIsGuessed) {
  EXPECT_THAT(TableOf(kGuest, {"guest.nmae"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("did you mean name?")));
  EXPECT_THAT(TableOf(kGuest, {"guest.name.more"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       HasSubstr("more is no field")));
}

}  // namespace
}  // namespace rehai::cli
