// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/planner.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "chef/node_change.h"
#include "chef/rendering.h"
#include "controller/inventory/record.h"
#include "rehai/v1/model.pb.h"

namespace rehai {
namespace {

const chef::RenderingOptions kOptions;

// A host with one running guest.
v1::Record SomeRecord() {
  v1::Record record;
  record.set_node("hv1");
  record.set_revision(7);
  record.mutable_provenance()->set_kind(v1::SOURCE_KIND_PULL);
  record.mutable_provenance()->set_origin("qemu+ssh://hv1/system");
  record.mutable_provenance()->mutable_observed_at()->set_seconds(1795527759);
  record.mutable_provenance()->mutable_observed_at()->set_nanos(5);
  record.set_presence(v1::PRESENCE_CURRENT);
  record.mutable_facts()->set_hostname("hv1.example.com");
  v1::Guest& guest = *record.add_guests();
  guest.set_uuid("11111111-1111-1111-1111-111111111111");
  guest.set_name("web01");
  guest.set_state(v1::GUEST_STATE_RUNNING);
  return record;
}

// What Chef holds once `record` is written.
Applied AppliedOf(const v1::Record& record) {
  return {.digest = UpdateOf(record, kOptions).rendering.digest,
          .revision = record.revision()};
}

TEST(PlannerTest, NothingObservedNothingToWrite) {
  v1::Record known;
  known.set_node("hv1");
  known.set_revision(1);
  known.set_presence(v1::PRESENCE_NEVER_SEEN);
  EXPECT_EQ(Plan(known, {}, /*in_doubt=*/true, kOptions), std::nullopt);
}

TEST(PlannerTest, AHostSeenOnlyInPartsIsNotWritten) {
  v1::Record record = SomeRecord();
  record.clear_facts();
  EXPECT_FALSE(IsObserved(record));
  EXPECT_EQ(Plan(record, {}, /*in_doubt=*/true, kOptions), std::nullopt);
}

TEST(PlannerTest, WritesWhatChefHasNotConfirmed) {
  const v1::Record record = SomeRecord();
  const std::optional<chef::NodeUpdate> update =
      Plan(record, {}, /*in_doubt=*/false, kOptions);
  ASSERT_TRUE(update.has_value());
  EXPECT_EQ(update->node, "hv1");
  EXPECT_FALSE(update->rendering.subtrees.empty());
}

TEST(PlannerTest, AConfirmedRenderingIsNotWrittenAgain) {
  const v1::Record record = SomeRecord();
  EXPECT_EQ(Plan(record, AppliedOf(record), /*in_doubt=*/false, kOptions),
            std::nullopt);
}

TEST(PlannerTest, AConfirmedRenderingInDoubtIsWritten) {
  const v1::Record record = SomeRecord();
  EXPECT_TRUE(
      Plan(record, AppliedOf(record), /*in_doubt=*/true, kOptions).has_value());
}

TEST(PlannerTest, AChangedGuestIsWritten) {
  v1::Record record = SomeRecord();
  const Applied applied = AppliedOf(record);
  record.mutable_guests(0)->set_state(v1::GUEST_STATE_SHUT_OFF);
  EXPECT_TRUE(Plan(record, applied, /*in_doubt=*/false, kOptions).has_value());
}

TEST(PlannerTest, ChangedPresenceIsNotWritten) {
  v1::Record record = SomeRecord();
  const Applied applied = AppliedOf(record);
  for (const v1::Presence presence :
       {v1::PRESENCE_STALE, v1::PRESENCE_UNKNOWN, v1::PRESENCE_CURRENT}) {
    SCOPED_TRACE(v1::Presence_Name(presence));
    record.set_presence(presence);
    record.set_revision(record.revision() + 1);
    record.add_conditions()->set_type("Unreachable");
    EXPECT_EQ(Plan(record, applied, /*in_doubt=*/false, kOptions),
              std::nullopt);
  }
}

// Promise of the identity: a node is never written with another host's guests.
TEST(PlannerTest, NothingIsWrittenWhileTheIdentityIsInDoubt) {
  for (const char* type :
       {kDuplicateHostUuid, kHostUuidChanged, kNodeClaimedTwice}) {
    SCOPED_TRACE(type);
    v1::Record record = SomeRecord();
    const Applied applied = AppliedOf(record);
    record.add_conditions()->set_type(type);
    EXPECT_EQ(Plan(record, applied, /*in_doubt=*/true, kOptions), std::nullopt);
    record.mutable_guests(0)->set_name("changed");
    EXPECT_EQ(Plan(record, applied, /*in_doubt=*/false, kOptions),
              std::nullopt);
    record.clear_conditions();
    EXPECT_TRUE(
        Plan(record, applied, /*in_doubt=*/false, kOptions).has_value());
  }
}

TEST(PlannerTest, OtherConditionsHoldNoWrite) {
  v1::Record record = SomeRecord();
  for (const char* type : {kUnreachable, kMassDisappearance, kLeftDiscovery}) {
    record.add_conditions()->set_type(type);
  }
  EXPECT_TRUE(Plan(record, {}, /*in_doubt=*/false, kOptions).has_value());
}

TEST(PlannerTest, StampSaysWhatWhenAndFromWhom) {
  const v1::Record record = SomeRecord();
  chef::NodeUpdate update = UpdateOf(record, kOptions);
  EXPECT_EQ(update.stamp.digest, update.rendering.digest);
  EXPECT_EQ(update.stamp.revision, 7);
  EXPECT_EQ(update.stamp.observed_at,
            absl::FromUnixSeconds(1795527759) + absl::Nanoseconds(5));
  EXPECT_EQ(update.stamp.source, "pull qemu+ssh://hv1/system");

  v1::Record pushed = record;
  pushed.mutable_provenance()->set_kind(v1::SOURCE_KIND_PUSH);
  pushed.mutable_provenance()->set_origin("agent hv1");
  EXPECT_EQ(UpdateOf(pushed, kOptions).stamp.source, "push agent hv1");
}

}  // namespace
}  // namespace rehai
