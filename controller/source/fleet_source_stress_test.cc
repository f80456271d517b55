// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/source/fleet_source.h"
#include "controller/source/fleet_source_fixture.h"
#include "tests/fakes/fake_dialer.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Changes, events and drops from several threads at once, on real time: in the
// end the inventory holds what the hosts hold, and every reread was answered.
TEST(FleetSourceStressTest, NothingIsLostInACrowd) {
  constexpr int kHosts = 8;
  constexpr int kRounds = 60;
  Inventory inventory(Clock::Real());
  hypervisor::FakeDialer dialer;
  std::vector<FoundHost> hosts;
  for (int i = 0; i < kHosts; ++i) {
    dialer.host(UriOf(i));
    hosts.push_back(FoundAs(i));
  }
  FleetSource::Options options;
  options.workers = 4;
  options.reconnect = {.min = absl::Milliseconds(1),
                       .max = absl::Milliseconds(4)};
  options.event_window = absl::Milliseconds(1);
  options.move_settle = absl::ZeroDuration();  // a reread is the last word
  FleetSource source(options, hosts, dialer, inventory, Clock::Real());
  source.Start();

  Answers answers;
  std::vector<std::thread> actors;
  for (int i = 0; i < kHosts; ++i) {
    actors.emplace_back([&, i] {
      hypervisor::FakeHost& host = dialer.host(UriOf(i));
      for (int round = 0; round < kRounds; ++round) {
        const std::string uuid = absl::StrCat(i, "-", round % 7);
        if (round % 5 == 4) {
          host.RemoveGuest(uuid);
        } else {
          host.SetGuest(Guest(uuid, absl::StrCat("name", round)));
        }
        host.EmitGuestEvent(GuestId{uuid});
        if (round % 20 == 7) host.Drop("end of file");
        source.Reread(HostId{NodeOf(i)}, answers.Callback());
      }
    });
  }
  for (std::thread& actor : actors) actor.join();
  EXPECT_THAT(answers.Await(kHosts * kRounds), SizeIs(kHosts * kRounds));

  // A last, calm look. What a drop interrupted may still be under way.
  for (int i = 0; i < kHosts; ++i) {
    Answers last;
    source.Reread(HostId{NodeOf(i)}, last.Callback());
    ASSERT_THAT(last.Await(), ElementsAre(IsOk()));
    const RecordPtr record = inventory.Find(HostId{NodeOf(i)});
    EXPECT_EQ(record->presence(), v1::PRESENCE_CURRENT);
    // Each of the seven guests as its last round left it.
    std::map<std::string, std::string> expected;
    for (int round = 0; round < kRounds; ++round) {
      const std::string uuid = absl::StrCat(i, "-", round % 7);
      expected[uuid] = absl::StrCat("name", round);
      if (round % 5 == 4) expected.erase(uuid);
    }
    std::map<std::string, std::string> believed;
    for (const v1::Guest& guest : record->guests()) {
      believed[guest.uuid()] = guest.name();
    }
    EXPECT_EQ(believed, expected);
  }
  source.Stop();
  for (int i = 0; i < kHosts; ++i) {
    EXPECT_EQ(dialer.host(UriOf(i)).open_connections(), 0);
  }
}

// Hosts that leave, are forgotten, come back and move, from two threads at
// once: in the end those that were found last are watched, where they were
// found.
TEST(FleetSourceStressTest, HostsMayComeAndGoAllTheTime) {
  constexpr int kHosts = 8;
  constexpr int kRounds = 300;
  Inventory inventory(Clock::Real());
  hypervisor::FakeDialer dialer;
  const auto found_at = [](int i, int place) {
    FoundHost found = FoundAs(i);
    found.uri = absl::StrCat("fake://", NodeOf(i), "/", place);
    return found;
  };
  for (int i = 0; i < kHosts; ++i) {
    for (int place = 0; place < 2; ++place) {
      dialer.host(found_at(i, place).uri)
          .SetGuest(Guest(absl::StrCat(i, "-", place), "web"));
    }
  }
  FleetSource::Options options;
  options.workers = 4;
  options.spare_workers = 2;
  options.dials_per_second = 1e6;
  options.reconnect = {.min = absl::Milliseconds(1),
                       .max = absl::Milliseconds(4)};
  options.keep_departed = absl::Microseconds(200);
  // What was at the other place is gone by the first list.
  options.move_settle = absl::ZeroDuration();
  FleetSource source(options, {}, dialer, inventory, Clock::Real());
  source.Start();

  Answers answers;
  std::vector<std::thread> actors;
  for (int actor = 0; actor < 2; ++actor) {
    actors.emplace_back([&, actor] {
      for (int round = 0; round < kRounds; ++round) {
        std::vector<FoundHost> hosts;
        for (int i = 0; i < kHosts; ++i) {
          if ((round + i + actor) % 3 == 0) continue;
          hosts.push_back(found_at(i, (round / 5 + i) % 2));
        }
        source.SetHosts(hosts);
        source.Reread(HostId{NodeOf(round % kHosts)}, answers.Callback());
        source.Retry({{NodeOf(0)}, {NodeOf(1)}});
        source.Connections();
      }
    });
  }
  for (std::thread& actor : actors) actor.join();
  std::vector<FoundHost> last;
  for (int i = 0; i < kHosts; i += 2) last.push_back(found_at(i, 1));
  source.SetHosts(last);
  EXPECT_THAT(answers.Await(2 * kRounds), SizeIs(2 * kRounds));

  for (int i = 0; i < kHosts; i += 2) {
    Answers calm;
    source.Reread(HostId{NodeOf(i)}, calm.Callback());
    ASSERT_THAT(calm.Await(), ElementsAre(IsOk()));
    const RecordPtr record = inventory.Find(HostId{NodeOf(i)});
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(record->presence(), v1::PRESENCE_CURRENT);
    EXPECT_EQ(record->provenance().origin(), found_at(i, 1).uri);
    EXPECT_EQ(record->conditions_size(), 0);
    ASSERT_EQ(record->guests_size(), 1);
    EXPECT_EQ(record->guests(0).uuid(), absl::StrCat(i, "-1"));
  }
  source.Stop();
  for (int i = 0; i < kHosts; ++i) {
    for (int place = 0; place < 2; ++place) {
      EXPECT_EQ(dialer.host(found_at(i, place).uri).open_connections(), 0);
    }
  }
}

}  // namespace
}  // namespace rehai
