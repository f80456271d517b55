// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/record.h"

#include <gtest/gtest.h>

namespace rehai {
namespace {

v1::Guest GuestIn(v1::GuestState state) {
  v1::Guest guest;
  guest.set_state(state);
  return guest;
}

TEST(RecordTest, AGuestIsActiveWhileItHasAnInstance) {
  EXPECT_TRUE(IsActive(GuestIn(v1::GUEST_STATE_RUNNING)));
  EXPECT_TRUE(IsActive(GuestIn(v1::GUEST_STATE_PAUSED)));
  EXPECT_TRUE(IsActive(GuestIn(v1::GUEST_STATE_PM_SUSPENDED)));
  EXPECT_FALSE(IsActive(GuestIn(v1::GUEST_STATE_SHUT_OFF)));
  EXPECT_FALSE(IsActive(GuestIn(v1::GUEST_STATE_UNSPECIFIED)));
  EXPECT_FALSE(IsActive(GuestIn(v1::GUEST_STATE_CRASHED)));

  v1::Guest kept_for_its_dump = GuestIn(v1::GUEST_STATE_CRASHED);
  kept_for_its_dump.set_id(7);
  EXPECT_TRUE(IsActive(kept_for_its_dump));
}

TEST(RecordTest, FindsAGuestByItsUuidOnly) {
  v1::Record record;
  EXPECT_EQ(FindGuest(record, GuestId{"b"}), nullptr);
  for (const char* uuid : {"a", "b", "d"}) record.add_guests()->set_uuid(uuid);

  EXPECT_EQ(FindGuest(record, GuestId{"a"}), &record.guests(0));
  EXPECT_EQ(FindGuest(record, GuestId{"b"}), &record.guests(1));
  EXPECT_EQ(FindGuest(record, GuestId{"d"}), &record.guests(2));
  EXPECT_EQ(FindGuest(record, GuestId{"c"}), nullptr);
  EXPECT_EQ(FindGuest(record, GuestId{"e"}), nullptr);
}

TEST(RecordTest, AGuestIsMissingIfTheRecordSaysSo) {
  v1::Record record;
  EXPECT_FALSE(IsMissing(record, GuestId{"b"}));
  for (const char* uuid : {"a", "b", "d"}) record.add_missing_uuids(uuid);
  EXPECT_TRUE(IsMissing(record, GuestId{"a"}));
  EXPECT_TRUE(IsMissing(record, GuestId{"d"}));
  EXPECT_FALSE(IsMissing(record, GuestId{"c"}));
}

TEST(RecordTest, AnIdentityIsInDoubtForWhatBelongsToIt) {
  for (const char* type :
       {kDuplicateHostUuid, kHostUuidChanged, kNodeClaimedTwice}) {
    v1::Record record;
    record.add_conditions()->set_type(kUnreachable);
    EXPECT_FALSE(IdentityInDoubt(record));
    record.add_conditions()->set_type(type);
    EXPECT_TRUE(IdentityInDoubt(record)) << type;
  }
  v1::Record braked;
  braked.add_conditions()->set_type(kMassDisappearance);
  braked.add_conditions()->set_type(kLeftDiscovery);
  EXPECT_FALSE(IdentityInDoubt(braked));
}

}  // namespace
}  // namespace rehai
