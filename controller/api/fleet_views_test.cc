// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/api/fleet_views.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/status/status.h"
#include "google/protobuf/text_format.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

template <typename Message>
Message FromText(const char* text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message));
  return message;
}

v1::Record SomeRecord() {
  return FromText<v1::Record>(R"pb(
    node: "hv1"
    labels { key: "rack" value: "a" }
    revision: 7
    provenance { kind: SOURCE_KIND_PULL origin: "qemu+ssh://hv1/system" }
    session: 3
    sequence: 9
    presence: PRESENCE_STALE
    confirmed_at { seconds: 100 }
    facts { hostname: "hv1.example.com" }
    guests { uuid: "u1" name: "web01" state: GUEST_STATE_RUNNING }
    guests { uuid: "u2" name: "web02" state: GUEST_STATE_PAUSED }
    guests { uuid: "u3" name: "db01" state: GUEST_STATE_RUNNING }
    conditions { type: "Unreachable" message: "no route" }
  )pb");
}

TEST(FleetViewsTest, AHostIsItsRecordWithItsGuestsCounted) {
  const auto sync = FromText<v1::SyncStatus>("state: SYNC_STATE_SYNCED");
  EXPECT_THAT(
      MakeHost(SomeRecord(), sync), EqualsProto(FromText<v1::Host>(R"pb(
        node: "hv1"
        labels { key: "rack" value: "a" }
        revision: 7
        presence: PRESENCE_STALE
        facts { hostname: "hv1.example.com" }
        guest_count: 3
        running_guest_count: 2
        provenance { kind: SOURCE_KIND_PULL origin: "qemu+ssh://hv1/system" }
        confirmed_at { seconds: 100 }
        conditions { type: "Unreachable" message: "no route" }
        sync { state: SYNC_STATE_SYNCED }
      )pb")));
}

TEST(FleetViewsTest, AHostNeverSeenHasNoFactsAndNoAge) {
  const auto record =
      FromText<v1::Record>(R"pb(node: "hv1" presence: PRESENCE_NEVER_SEEN)pb");
  const v1::Host host = MakeHost(record, v1::SyncStatus());
  EXPECT_FALSE(host.has_facts());
  EXPECT_FALSE(host.has_provenance());
  EXPECT_FALSE(host.has_confirmed_at());
}

TEST(FleetViewsTest, ALocatedGuestSaysHowFarToTrustIt) {
  const v1::Record record = SomeRecord();
  EXPECT_THAT(
      MakeLocatedGuest(record, record.guests(1)),
      EqualsProto(FromText<v1::LocatedGuest>(R"pb(
        node: "hv1"
        guest { uuid: "u2" name: "web02" state: GUEST_STATE_PAUSED }
        host_revision: 7
        presence: PRESENCE_STALE
        provenance { kind: SOURCE_KIND_PULL origin: "qemu+ssh://hv1/system" }
        confirmed_at { seconds: 100 }
      )pb")));
}

TEST(FleetViewsTest, AGuestThatTheLastCompleteListLackedIsMissing) {
  v1::Record record = SomeRecord();
  record.add_missing_uuids("u1");
  record.add_missing_uuids("u3");
  EXPECT_TRUE(MakeLocatedGuest(record, record.guests(0)).missing());
  EXPECT_FALSE(MakeLocatedGuest(record, record.guests(1)).missing());
  EXPECT_TRUE(MakeLocatedGuest(record, record.guests(2)).missing());
}

TEST(FleetViewsTest, ASerializedGuestHasAllThatALocatedGuestHas) {
  v1::Record record = SomeRecord();
  record.add_missing_uuids("u2");
  const v1::LocatedGuest located = MakeLocatedGuest(record, record.guests(1));
  std::vector<const google::protobuf::FieldDescriptor*> set;
  located.GetReflection()->ListFields(located, &set);
  ASSERT_EQ(set.size(), v1::LocatedGuest::descriptor()->field_count())
      << "else the next line proves nothing of a field that is not set";
  v1::LocatedGuest read;
  ASSERT_TRUE(
      read.ParseFromString(SerializeLocatedGuest(record, record.guests(1))));
  EXPECT_THAT(read, EqualsProto(located));

  const v1::Record bare = FromText<v1::Record>(R"pb(guests { uuid: "u1" })pb");
  ASSERT_TRUE(
      read.ParseFromString(SerializeLocatedGuest(bare, bare.guests(0))));
  EXPECT_THAT(read, EqualsProto(MakeLocatedGuest(bare, bare.guests(0))));
}

}  // namespace
}  // namespace rehai
