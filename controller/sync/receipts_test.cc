// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/sync/receipts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/fake_clock.h"
#include "base/proto_time.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const HostId kHost{"hv1"};
const GuestId kWeb{"11111111-1111-1111-1111-111111111111"};
const GuestId kDb{"22222222-2222-2222-2222-222222222222"};

class ReceiptsTest : public testing::Test {
 protected:
  // A change by which the host has these guests, in these states.
  Change ChangeTo(Revision revision,
                  const std::map<std::string, v1::GuestState>& guests,
                  const HostId& host = kHost) {
    auto record = std::make_shared<v1::Record>();
    record->set_node(host.node);
    record->set_revision(revision);
    v1::Provenance& provenance = *record->mutable_provenance();
    *provenance.mutable_observed_at() =
        ToProto(clock_.Now() - absl::Milliseconds(3));
    *provenance.mutable_received_at() = ToProto(clock_.Now());
    for (const auto& [uuid, state] : guests) {
      v1::Guest& guest = *record->add_guests();
      guest.set_uuid(uuid);
      guest.set_name(absl::StrCat("guest-", uuid.substr(0, 1)));
      guest.set_state(state);
    }
    return {.host = host, .revision = revision, .record = std::move(record)};
  }
  void See(Revision revision,
           const std::map<std::string, v1::GuestState>& guests = {}) {
    clock_.Advance(absl::Seconds(1));
    receipts_.OnChange(ChangeTo(revision, guests));
  }
  void Reach(v1::VisibilityLevel level, Revision revision) {
    clock_.Advance(absl::Seconds(1));
    receipts_.OnProgress({{kHost, level, revision, clock_.Now()}});
  }
  v1::VisibilityLevel LevelOf(Revision revision) {
    return receipts_.Find(kHost, revision)->level();
  }
  std::vector<Revision> LastRevisions(size_t most) {
    std::vector<Revision> revisions;
    for (const v1::Receipt& receipt : receipts_.Last(kHost, most)) {
      revisions.push_back(receipt.revision());
    }
    return revisions;
  }

  FakeClock clock_;
  Receipts receipts_{clock_};
};

TEST_F(ReceiptsTest, EachLevelHasItsTime) {
  See(5);
  const absl::Time seen_at = clock_.Now();
  EXPECT_EQ(LevelOf(5), v1::VISIBILITY_LEVEL_OBSERVED);
  Reach(v1::VISIBILITY_LEVEL_WRITTEN, 5);
  EXPECT_EQ(LevelOf(5), v1::VISIBILITY_LEVEL_WRITTEN);
  Reach(v1::VISIBILITY_LEVEL_VERIFIED, 5);
  EXPECT_EQ(LevelOf(5), v1::VISIBILITY_LEVEL_VERIFIED);
  Reach(v1::VISIBILITY_LEVEL_SEARCHABLE, 5);

  const v1::Receipt receipt = *receipts_.Find(kHost, 5);
  EXPECT_EQ(receipt.level(), v1::VISIBILITY_LEVEL_SEARCHABLE);
  EXPECT_EQ(FromProto(receipt.observed_at()), seen_at - absl::Milliseconds(3));
  EXPECT_EQ(FromProto(receipt.received_at()), seen_at);
  EXPECT_EQ(FromProto(receipt.written_at()), seen_at + absl::Seconds(1));
  EXPECT_EQ(FromProto(receipt.verified_at()), seen_at + absl::Seconds(2));
  EXPECT_EQ(FromProto(receipt.searchable_at()), seen_at + absl::Seconds(3));
}

TEST_F(ReceiptsTest, ALaterRevisionCarriesTheEarlierWithIt) {
  See(5);
  See(6);
  See(7);
  Reach(v1::VISIBILITY_LEVEL_VERIFIED, 6);
  EXPECT_EQ(LevelOf(5), v1::VISIBILITY_LEVEL_VERIFIED);
  EXPECT_EQ(LevelOf(6), v1::VISIBILITY_LEVEL_VERIFIED);
  EXPECT_EQ(LevelOf(7), v1::VISIBILITY_LEVEL_OBSERVED);
  // A level includes those before it.
  EXPECT_TRUE(receipts_.Find(kHost, 5)->has_written_at());
  EXPECT_FALSE(receipts_.Find(kHost, 7)->has_written_at());
}

TEST_F(ReceiptsTest, NeitherLevelsNorTimesGoBack) {
  See(5);
  Reach(v1::VISIBILITY_LEVEL_VERIFIED, 5);
  const v1::Receipt before = *receipts_.Find(kHost, 5);
  Reach(v1::VISIBILITY_LEVEL_VERIFIED, 4);
  Reach(v1::VISIBILITY_LEVEL_WRITTEN, 5);
  Reach(v1::VISIBILITY_LEVEL_VERIFIED, 5);
  EXPECT_EQ(before.SerializeAsString(),
            receipts_.Find(kHost, 5)->SerializeAsString());
}

TEST_F(ReceiptsTest, ChefMayBeQuickerThanTheNewsOfTheChange) {
  See(5);
  Reach(v1::VISIBILITY_LEVEL_VERIFIED, 6);
  See(6);
  EXPECT_EQ(LevelOf(6), v1::VISIBILITY_LEVEL_VERIFIED);
  EXPECT_TRUE(receipts_.Find(kHost, 6)->has_verified_at());
}

TEST_F(ReceiptsTest, ChangesThatComeInTheWrongOrderAreTold) {
  See(5, {{kWeb.uuid, v1::GUEST_STATE_RUNNING}});
  See(7, {{kWeb.uuid, v1::GUEST_STATE_SHUT_OFF}});
  See(6, {{kWeb.uuid, v1::GUEST_STATE_PAUSED}});
  EXPECT_THAT(LastRevisions(10), ElementsAre(7, 6, 5));
  EXPECT_EQ(receipts_.FindOn(kHost, kWeb)->guest->state(),
            v1::GUEST_STATE_SHUT_OFF);
}

TEST_F(ReceiptsTest, TheLastChangesAreKept) {
  for (Revision revision = 1; revision <= 100; ++revision) See(revision);
  EXPECT_EQ(LastRevisions(1000).size(), Receipts::kChangesPerHost);
  EXPECT_THAT(LastRevisions(2), ElementsAre(100, 99));
  // Of an older one its level can be told.
  Reach(v1::VISIBILITY_LEVEL_VERIFIED, 50);
  EXPECT_EQ(LevelOf(1), v1::VISIBILITY_LEVEL_VERIFIED);
}

TEST_F(ReceiptsTest, AGuestHasTheRevisionInWhichItChanged) {
  See(5, {{kWeb.uuid, v1::GUEST_STATE_RUNNING},
          {kDb.uuid, v1::GUEST_STATE_RUNNING}});
  See(6, {{kWeb.uuid, v1::GUEST_STATE_RUNNING},
          {kDb.uuid, v1::GUEST_STATE_SHUT_OFF}});
  EXPECT_EQ(receipts_.FindOn(kHost, kWeb)->revision, 5);
  EXPECT_EQ(receipts_.FindOn(kHost, kDb)->revision, 6);
  EXPECT_EQ(receipts_.FindOn(kHost, "guest-2")->revision, 6);
  EXPECT_FALSE(receipts_.FindOn(kHost, "guest-3").has_value());
  EXPECT_FALSE(receipts_.FindOn(HostId{"hv2"}, kWeb).has_value());
}

TEST_F(ReceiptsTest, AGuestThatWentIsRemembered) {
  See(5, {{kWeb.uuid, v1::GUEST_STATE_RUNNING},
          {kDb.uuid, v1::GUEST_STATE_RUNNING}});
  See(6, {{kDb.uuid, v1::GUEST_STATE_RUNNING}});
  EXPECT_FALSE(receipts_.FindOn(kHost, kWeb).has_value());
  EXPECT_EQ(receipts_.FindGone(kWeb)->revision, 6);
  EXPECT_EQ(receipts_.FindGone("guest-1")->host, kHost);
  EXPECT_FALSE(receipts_.FindGone(kDb).has_value());

  receipts_.OnChange({.host = kHost, .revision = 7, .record = nullptr});
  EXPECT_EQ(receipts_.FindGone(kDb)->revision, 7);
  EXPECT_FALSE(receipts_.Find(kHost, 6).has_value());
}

TEST_F(ReceiptsTest, ARemovalThatIsToldLateTakesNothingAway) {
  See(5, {{kWeb.uuid, v1::GUEST_STATE_RUNNING}});
  // It left and came back; the two are told in the wrong order.
  See(7, {{kWeb.uuid, v1::GUEST_STATE_RUNNING}});
  receipts_.OnChange({.host = kHost, .revision = 6, .record = nullptr});
  EXPECT_TRUE(receipts_.FindOn(kHost, kWeb).has_value());
  EXPECT_FALSE(receipts_.FindGone(kWeb).has_value());
}

TEST_F(ReceiptsTest, GuestsThatWentAreForgottenAtLast) {
  See(1, {{kWeb.uuid, v1::GUEST_STATE_RUNNING}});
  See(2);
  for (size_t i = 0; i < Receipts::kGoneGuests; ++i) {
    const Revision revision = static_cast<Revision>(3 + 2 * i);
    receipts_.OnChange(
        ChangeTo(revision, {{kDb.uuid, v1::GUEST_STATE_RUNNING}}));
    receipts_.OnChange(ChangeTo(revision + 1, {}));
  }
  EXPECT_FALSE(receipts_.FindGone(kWeb).has_value());
}

TEST_F(ReceiptsTest, WhatChefHeldBeforeTheRestartCounts) {
  v1::StoredNode node;
  node.set_node(kHost.node);
  node.set_digest("abc");
  node.set_revision(5);
  receipts_.Restore({node});
  See(5);
  See(9);
  EXPECT_EQ(LevelOf(5), v1::VISIBILITY_LEVEL_VERIFIED);
  EXPECT_EQ(LevelOf(9), v1::VISIBILITY_LEVEL_OBSERVED);
}

TEST_F(ReceiptsTest, WhatIsNotFromAReadingWasNotObserved) {
  See(5);
  Change change = ChangeTo(6, {});
  clock_.Advance(absl::Seconds(9));
  receipts_.OnChange(change);
  EXPECT_FALSE(receipts_.Find(kHost, 6)->has_observed_at());
  EXPECT_EQ(FromProto(receipts_.Find(kHost, 6)->received_at()), clock_.Now());
}

TEST_F(ReceiptsTest, ListenersHearOfWhatIsNewOnly) {
  std::vector<std::string> heard;
  receipts_.AddListener(
      [&heard](const HostId& host) { heard.push_back(host.node); });
  See(5);
  Reach(v1::VISIBILITY_LEVEL_VERIFIED, 5);
  EXPECT_THAT(heard, ElementsAre("hv1", "hv1"));
  Reach(v1::VISIBILITY_LEVEL_VERIFIED, 5);
  receipts_.OnProgress(
      {{HostId{"hv2"}, v1::VISIBILITY_LEVEL_VERIFIED, 5, clock_.Now()}});
  EXPECT_THAT(heard, ElementsAre("hv1", "hv1"));
}

TEST_F(ReceiptsTest, TheNewestOfEachLevelIsTold) {
  EXPECT_THAT(receipts_.ReachedBy(kHost), IsEmpty());
  See(5);
  See(6);
  Reach(v1::VISIBILITY_LEVEL_VERIFIED, 5);
  std::vector<Revision> revisions;
  for (const v1::Reached& reached : receipts_.ReachedBy(kHost)) {
    revisions.push_back(reached.revision());
  }
  EXPECT_THAT(revisions, ElementsAre(6, 5, 5));
  EXPECT_EQ(receipts_.NewestOf(kHost), 6);
}

}  // namespace
}  // namespace rehai
