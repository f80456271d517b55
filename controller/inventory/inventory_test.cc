// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/inventory/inventory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/inventory/inventory_fixture.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(InventoryTest, AHostIsNeverSeenUntilItIsObserved) {
  inventory_.AddHost(kA, {{"rack", "r1"}});
  const RecordPtr before = inventory_.Find(kA);
  ASSERT_NE(before, nullptr);
  EXPECT_EQ(before->presence(), v1::PRESENCE_NEVER_SEEN);
  EXPECT_EQ(before->labels().at("rack"), "r1");

  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());

  EXPECT_EQ(inventory_.Find(kA)->presence(), v1::PRESENCE_CURRENT);
  EXPECT_EQ(before->presence(), v1::PRESENCE_NEVER_SEEN)
      << "a published record changed";
}

TEST_F(InventoryTest, UnknownHostsAreRefused) {
  EXPECT_EQ(inventory_.Find(kA), nullptr);
  EXPECT_THAT(See(kA, {}), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(inventory_.SetPresence(kA, v1::PRESENCE_STALE, std::nullopt),
              StatusIs(absl::StatusCode::kNotFound));
  inventory_.RemoveHost(kA);
  EXPECT_THAT(inventory_.View()->records, IsEmpty());
}

TEST_F(InventoryTest, RevisionsBeginAtTheWallClockAndGrowWithChangesOnly) {
  const Revision first = inventory_.revision();
  EXPECT_EQ(first, absl::ToUnixMicros(clock_.Now()));
  inventory_.AddHost(kA, {});
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  const RecordPtr seen = inventory_.Find(kA);
  EXPECT_GT(seen->revision(), first);

  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());

  const RecordPtr confirmed = inventory_.Find(kA);
  EXPECT_EQ(confirmed->revision(), seen->revision());
  EXPECT_EQ(inventory_.revision(), seen->revision());
  EXPECT_EQ(confirmed->confirmed_at().seconds(),
            seen->confirmed_at().seconds() + 1);
}

TEST_F(InventoryTest, ADroppedObservationChangesNothing) {
  inventory_.AddHost(kA, {});
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  const RecordPtr before = inventory_.Find(kA);
  sequence_ -= 1;
  EXPECT_THAT(See(kA, {}), StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(See(kA, {Guest("1", "x"), Guest("1", "y")}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(inventory_.Find(kA), before);
}

TEST_F(InventoryTest, NewLabelsAreAChangeAndTheSameOnesAreNot) {
  inventory_.AddHost(kA, {{"rack", "r1"}});
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  const Revision before = inventory_.revision();
  inventory_.AddHost(kA, {{"rack", "r1"}});
  EXPECT_EQ(inventory_.revision(), before);
  inventory_.AddHost(kA, {{"zone", "z"}});
  const RecordPtr record = inventory_.Find(kA);
  EXPECT_GT(record->revision(), before);
  EXPECT_EQ(record->labels().count("rack"), 0u);
  EXPECT_THAT(record->guests(), SizeIs(1));
}

TEST_F(InventoryTest, TheViewIsSharedUntilSomethingChanges) {
  inventory_.AddHost(kB, {});
  inventory_.AddHost(kA, {});
  const auto view = inventory_.View();
  EXPECT_EQ(inventory_.View(), view);
  EXPECT_EQ(view->revision, inventory_.revision());
  EXPECT_THAT(view->records,
              ElementsAre(inventory_.Find(kA), inventory_.Find(kB)));

  ASSERT_THAT(See(kA, {}), IsOk());
  const auto changed = inventory_.View();
  EXPECT_NE(changed, view);
  ASSERT_THAT(See(kA, {}), IsOk());
  EXPECT_NE(inventory_.View(), changed) << "the view shows an outdated age";
}

TEST_F(InventoryTest, FindsGuestsByUuidAndName) {
  inventory_.AddHost(kA, {});
  inventory_.AddHost(kB, {});
  ASSERT_THAT(See(kA, {Guest("1", "web"), Guest("2", "db")}), IsOk());
  ASSERT_THAT(See(kB, {Guest("3", "web")}), IsOk());

  const auto db = inventory_.FindGuest(GuestId{"2"});
  ASSERT_TRUE(db.has_value());
  EXPECT_EQ(db->guest->name(), "db");
  EXPECT_EQ(db->record, inventory_.Find(kA));
  EXPECT_THAT(inventory_.FindGuestsByName("web"), SizeIs(2));
  EXPECT_THAT(inventory_.FindGuestsByName("nobody"), IsEmpty());

  ASSERT_THAT(See(kA, {Guest("1", "renamed")}), IsOk());
  EXPECT_EQ(inventory_.FindGuest(GuestId{"2"}), std::nullopt);
  EXPECT_THAT(inventory_.FindGuestsByName("db"), IsEmpty());
  EXPECT_THAT(inventory_.FindGuestsByName("renamed"), SizeIs(1));
  EXPECT_THAT(inventory_.FindGuestsByName("web"), SizeIs(1));
}

TEST_F(InventoryTest, AMovedGuestIsOneGuest) {
  inventory_.AddHost(kA, {});
  inventory_.AddHost(kB, {});
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  // Its new host knows it first, then the old one sees it stop, later it goes.
  ASSERT_THAT(See(kB, {Guest("1", "web")}), IsOk());
  EXPECT_EQ(Where("1"), "b");
  ASSERT_THAT(See(kA, {Guest("1", "web", v1::GUEST_STATE_SHUT_OFF)}), IsOk());
  EXPECT_EQ(Where("1"), "b") << "the definition left behind won";
  EXPECT_THAT(inventory_.FindGuestsByName("web"), SizeIs(1));
  ASSERT_THAT(See(kA, {}), IsOk());
  EXPECT_EQ(Where("1"), "b");
  EXPECT_THAT(inventory_.FindGuestsByName("web"), SizeIs(1));
}

TEST_F(InventoryTest, AGuestOffEverywhereIsWhereItWasSeenLast) {
  inventory_.AddHost(kA, {});
  inventory_.AddHost(kB, {});
  const v1::Guest off = Guest("1", "web", v1::GUEST_STATE_SHUT_OFF);
  ASSERT_THAT(See(kA, {off}), IsOk());
  ASSERT_THAT(See(kB, {off}), IsOk());
  EXPECT_EQ(Where("1"), "b");
  ASSERT_THAT(See(kA, {off}), IsOk());
  EXPECT_EQ(Where("1"), "a");
}

TEST_F(InventoryTest, AnOutdatedNameOnAnotherHostFindsNothing) {
  inventory_.AddHost(kA, {});
  inventory_.AddHost(kB, {});
  ASSERT_THAT(See(kA, {Guest("1", "old", v1::GUEST_STATE_SHUT_OFF)}), IsOk());
  ASSERT_THAT(See(kB, {Guest("1", "new")}), IsOk());
  EXPECT_THAT(inventory_.FindGuestsByName("old"), IsEmpty());
  EXPECT_THAT(inventory_.FindGuestsByName("new"), SizeIs(1));
}

TEST_F(InventoryTest, AHostThatLeavesTakesItsGuestsAlong) {
  inventory_.AddHost(kA, {});
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  inventory_.RemoveHost(kA);
  EXPECT_EQ(inventory_.Find(kA), nullptr);
  EXPECT_EQ(Where("1"), "");
  EXPECT_THAT(inventory_.FindGuestsByName("web"), IsEmpty());

  inventory_.AddHost(kA, {});
  EXPECT_EQ(inventory_.Find(kA)->presence(), v1::PRESENCE_NEVER_SEEN);
  EXPECT_THAT(inventory_.Find(kA)->guests(), IsEmpty());
}

TEST_F(InventoryTest, ListenersHearChangesOutsideTheLock) {
  std::vector<Change> heard;
  inventory_.AddListener([&](const Change& change) {
    EXPECT_EQ(inventory_.revision(), change.revision);  // would deadlock inside
    heard.push_back(change);
  });
  inventory_.AddHost(kA, {});
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());  // confirms
  ASSERT_THAT(inventory_.SetPresence(kA, v1::PRESENCE_STALE, std::nullopt),
              IsOk());
  ASSERT_THAT(inventory_.SetPresence(kA, v1::PRESENCE_STALE, std::nullopt),
              IsOk());
  inventory_.RemoveHost(kA);

  ASSERT_THAT(heard, SizeIs(4));
  EXPECT_EQ(heard[1].record->guests_size(), 1);
  EXPECT_EQ(heard[2].record->presence(), v1::PRESENCE_STALE);
  EXPECT_EQ(heard[3].record, nullptr);
  for (size_t i = 1; i < heard.size(); ++i) {
    EXPECT_EQ(heard[i].revision, heard[i - 1].revision + 1);
  }
}

TEST_F(InventoryTest, ChangesComeInOrderAndOncePerHost) {
  const Revision start = inventory_.revision();
  inventory_.AddHost(kA, {});
  inventory_.AddHost(kB, {});
  ASSERT_THAT(See(kA, {Guest("1", "web")}), IsOk());
  inventory_.RemoveHost(kB);

  const auto all = inventory_.ChangesAfter(start, 10);
  ASSERT_THAT(all, IsOk());
  ASSERT_THAT(all->changes, SizeIs(2));
  EXPECT_EQ(all->changes[0].host, kA);
  EXPECT_EQ(all->changes[0].record, inventory_.Find(kA));
  EXPECT_EQ(all->changes[1].host, kB);
  EXPECT_EQ(all->changes[1].record, nullptr);
  EXPECT_EQ(all->through, inventory_.revision());

  const auto one = inventory_.ChangesAfter(start, 1);
  ASSERT_THAT(one, IsOk());
  ASSERT_THAT(one->changes, SizeIs(1));
  EXPECT_EQ(one->through, all->changes[0].revision);
  const auto rest = inventory_.ChangesAfter(one->through, 10);
  ASSERT_THAT(rest, IsOk());
  EXPECT_THAT(rest->changes, SizeIs(1));

  const auto none = inventory_.ChangesAfter(all->through, 10);
  ASSERT_THAT(none, IsOk());
  EXPECT_THAT(none->changes, IsEmpty());
  EXPECT_EQ(none->through, all->through);
  const auto nothing_asked = inventory_.ChangesAfter(start, 0);
  ASSERT_THAT(nothing_asked, IsOk());
  EXPECT_EQ(nothing_asked->through, start);
}

TEST_F(InventoryTest, AReturnedHostIsNotAlsoToldAsRemoved) {
  inventory_.AddHost(kA, {});
  const Revision before = inventory_.revision();
  inventory_.RemoveHost(kA);
  inventory_.AddHost(kA, {});
  const auto changes = inventory_.ChangesAfter(before, 10);
  ASSERT_THAT(changes, IsOk());
  ASSERT_THAT(changes->changes, SizeIs(1));
  EXPECT_NE(changes->changes[0].record, nullptr);
}

TEST_F(InventoryTest, RevisionsOfAnotherRunAreOutOfRange) {
  EXPECT_THAT(inventory_.ChangesAfter(inventory_.revision() - 1, 10),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(inventory_.ChangesAfter(inventory_.revision() + 1, 10),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(inventory_.ChangesAfter(inventory_.revision(), 10), IsOk());
}

TEST_F(InventoryTest, ForgottenRemovalsAreOutOfRangeAndNeverMissed) {
  const Revision start = inventory_.revision();
  inventory_.AddHost(kA, {});
  const Revision with_a = inventory_.revision();
  inventory_.RemoveHost(kA);
  const Revision without_a = inventory_.revision();
  ASSERT_THAT(inventory_.ChangesAfter(with_a, 10), IsOk());

  // Far more hosts leave than anybody remembers.
  for (int i = 0; i < 2000; ++i) {
    const HostId host{absl::StrCat("passing", i)};
    inventory_.AddHost(host, {});
    inventory_.RemoveHost(host);
  }

  EXPECT_THAT(inventory_.ChangesAfter(start, 10),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(inventory_.ChangesAfter(with_a, 10),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(inventory_.ChangesAfter(without_a, 10),
              StatusIs(absl::StatusCode::kOutOfRange));
  const auto recent = inventory_.ChangesAfter(inventory_.revision() - 100, 500);
  ASSERT_THAT(recent, IsOk());
  EXPECT_THAT(recent->changes, SizeIs(50));
}

TEST_F(InventoryTest, ManyThreadsSeeOneGrowingHistory) {
  constexpr int kWriters = 3;
  constexpr int kRounds = 300;
  std::atomic<int> heard = 0;
  inventory_.AddListener([&](const Change&) { ++heard; });
  const Revision start = inventory_.revision();
  for (int w = 0; w < kWriters; ++w) {
    inventory_.AddHost(HostId{absl::StrCat("host", w)}, {});
  }

  std::atomic<bool> writing = true;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([this, w] {
      const std::string node = absl::StrCat("host", w);
      for (int round = 1; round <= kRounds; ++round) {
        v1::Observation observation;
        observation.set_node(node);
        observation.set_sequence(round);
        observation.set_full(true);
        // One guest wanders over the hosts, another changes its name.
        if (round % kWriters == w) *observation.add_guests() = Guest("0", "go");
        *observation.add_guests() = Guest(node, absl::StrCat("name", round));
        EXPECT_THAT(inventory_.Observe(observation), IsOk());
      }
    });
  }
  std::thread reader([&] {
    Revision seen = start;
    while (writing) {
      const auto changes = inventory_.ChangesAfter(seen, 2);
      ASSERT_THAT(changes, IsOk());
      for (const Change& change : changes->changes) {
        EXPECT_GT(change.revision, seen);
        seen = change.revision;
      }
      const auto view = inventory_.View();
      for (const RecordPtr& record : view->records) {
        EXPECT_LE(record->revision(), view->revision);
      }
      if (const auto place = inventory_.FindGuest(GuestId{"0"})) {
        EXPECT_EQ(place->guest->name(), "go");
      }
      inventory_.FindGuestsByName("name7");
    }
  });
  for (std::thread& writer : writers) writer.join();
  writing = false;
  reader.join();

  EXPECT_EQ(heard, kWriters * (1 + kRounds));
  EXPECT_EQ(inventory_.revision(), start + kWriters * (1 + kRounds));
}

}  // namespace
}  // namespace rehai
