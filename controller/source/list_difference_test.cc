// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/list_difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Guest Running(const std::string& uuid) {
  v1::Guest guest;
  guest.set_uuid(uuid);
  guest.set_name("name-" + uuid);
  guest.set_id(7);
  guest.set_state(v1::GUEST_STATE_RUNNING);
  return guest;
}

class ListDifferenceTest : public testing::Test {
 protected:
  // A guest that was believed, and as it is listed now.
  v1::Guest& Listed(const std::string& uuid) {
    *before_.add_guests() = Running(uuid);
    *seen_.add_guests() = Running(uuid);
    return *seen_.mutable_guests()->rbegin();
  }

  ListDifference Compare() { return CompareLists(before_, seen_); }

  v1::Record before_;
  v1::Observation seen_;
};

TEST_F(ListDifferenceTest, ListsThatAgreeDoNotDiffer) {
  Listed("1");
  EXPECT_THAT(Compare().lacking, IsEmpty());
  EXPECT_THAT(Compare().eventful, IsEmpty());
}

TEST_F(ListDifferenceTest, WhoAppearedOrIsLackingWasToBeToldOf) {
  *before_.add_guests() = Running("old");
  *seen_.add_guests() = Running("new");
  EXPECT_THAT(Compare().lacking, ElementsAre(GuestId{"old"}));
  EXPECT_THAT(Compare().eventful, ElementsAre(GuestId{"new"}, GuestId{"old"}));
}

TEST_F(ListDifferenceTest, StateIdAndNameChangeWithAnEvent) {
  Listed("1").set_state(v1::GUEST_STATE_PAUSED);
  Listed("2").set_id(8);
  Listed("3").clear_id();
  Listed("4").set_name("renamed");
  EXPECT_THAT(Compare().eventful, ElementsAre(GuestId{"1"}, GuestId{"2"},
                                              GuestId{"3"}, GuestId{"4"}));
  EXPECT_THAT(Compare().lacking, IsEmpty());
}

TEST_F(ListDifferenceTest, DefinitionsMayChangeWithoutAnEvent) {
  v1::Guest& guest = Listed("1");
  guest.set_autostart(true);
  guest.set_max_vcpus(8);
  guest.set_cpu_time_ns(5);
  EXPECT_THAT(Compare().eventful, IsEmpty());
}

TEST_F(ListDifferenceTest, AGuestThatCouldNotBeReadIsNotLacking) {
  *before_.add_guests() = Running("1");
  seen_.add_unread_uuids("1");
  EXPECT_THAT(Compare().lacking, IsEmpty());
  EXPECT_THAT(Compare().eventful, IsEmpty());
}

TEST_F(ListDifferenceTest, AGuestThatWasLackingAlreadyIsNoNews) {
  *before_.add_guests() = Running("1");
  before_.add_missing_uuids("1");
  EXPECT_THAT(Compare().lacking, ElementsAre(GuestId{"1"}));
  EXPECT_THAT(Compare().eventful, IsEmpty());
}

}  // namespace
}  // namespace rehai
