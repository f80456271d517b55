// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controller/source/pull_source.h"
#include "controller/source/pull_source_fixture.h"
#include "tests/fakes/fake_dialer.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Changes, events and drops from several threads at once, on real time: in the
// end the inventory holds what the hosts hold, and every reread was answered.
TEST(PullSourceStressTest, NothingIsLostInACrowd) {
  constexpr int kHosts = 8;
  constexpr int kRounds = 60;
  Inventory inventory(Clock::Real());
  hypervisor::FakeDialer dialer;
  std::vector<FoundHost> hosts;
  for (int i = 0; i < kHosts; ++i) {
    dialer.host(UriOf(i));
    hosts.push_back(FoundAs(i));
  }
  PullSource::Options options;
  options.workers = 4;
  options.reconnect = {.min = absl::Milliseconds(1),
                       .max = absl::Milliseconds(4)};
  options.event_window = absl::Milliseconds(1);
  PullSource source(options, hosts, dialer, inventory, Clock::Real());
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

}  // namespace
}  // namespace rehai
