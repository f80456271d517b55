// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

#include "controller/source/pull_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/fake_clock.h"
#include "base/mutex.h"
#include "tests/fakes/fake_dialer.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kPatience = absl::Seconds(30);

std::string NodeOf(int i) { return absl::StrCat("hv", i); }
std::string UriOf(int i) { return absl::StrCat("fake://", NodeOf(i), "/"); }

v1::Guest Guest(const std::string& uuid, const std::string& name) {
  v1::Guest guest;
  guest.set_uuid(uuid);
  guest.set_name(name);
  guest.set_state(v1::GUEST_STATE_RUNNING);
  return guest;
}

// What Reread() said to one caller or several.
class Answers {
 public:
  // Counts the answers of one call to Reread().
  absl::AnyInvocable<void(absl::Status)> Callback() {
    return [this](absl::Status status) {
      MutexLock lock(mu_);
      statuses_.push_back(std::move(status));
      changed_.NotifyAll();
    };
  }

  // The first `count` answers, and any beyond.
  std::vector<absl::Status> Await(size_t count = 1) {
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    MutexLock lock(mu_);
    while (statuses_.size() < count && Clock::Real().Uptime() < deadline) {
      Clock::Real().WaitUntil(deadline, mu_, changed_);
    }
    return statuses_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::vector<absl::Status> statuses_ ABSL_GUARDED_BY(mu_);
};

class PullSourceTest : public testing::Test {
 protected:
  PullSourceTest() {
    options_.workers = 3;
    options_.reconnect = {.min = absl::Seconds(1), .max = absl::Seconds(60)};
    options_.relist_interval = absl::Hours(24);
    inventory_.AddListener([this](const Change&) { Notify(); });
  }
  ~PullSourceTest() override {
    // A test that failed half-way must not hang for what it holds.
    for (int i = 0; i < created_; ++i) {
      Host(i).ReleaseDials();
      Host(i).ReleaseReads();
    }
    source_.reset();
  }

  hypervisor::FakeHost& Host(int i = 0) { return dialer_.host(UriOf(i)); }

  // Makes a source of hosts 0 to `count`-1, which the dialer knows.
  void Create(int count = 1) {
    created_ = count;
    std::vector<PullHost> hosts;
    for (int i = 0; i < count; ++i) {
      Host(i);
      hosts.push_back({.host = {NodeOf(i)}, .uri = UriOf(i), .labels = {}});
    }
    source_ = std::make_unique<PullSource>(options_, std::move(hosts), dialer_,
                                           inventory_, clock_);
  }
  void Start(int count = 1) {
    Create(count);
    source_->Start();
  }

  RecordPtr Record(int i = 0) { return inventory_.Find(HostId{NodeOf(i)}); }

  // Waits until `condition` holds of the host's record.
  bool Await(const std::function<bool(const v1::Record&)>& condition,
             int i = 0) {
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    MutexLock lock(mu_);
    while (!condition(*Record(i))) {
      if (Clock::Real().Uptime() >= deadline) return false;
      // A confirmation changes a record without a word to listeners.
      changed_.WaitFor(mu_, absl::Milliseconds(1));
    }
    return true;
  }
  bool AwaitPresence(v1::Presence presence, int i = 0) {
    return Await([&](const v1::Record& r) { return r.presence() == presence; },
                 i);
  }
  bool AwaitGuests(int count, int i = 0) {
    return Await([&](const v1::Record& r) { return r.guests_size() == count; },
                 i);
  }

  // Lets time pass, step by step, until that many dials have begun.
  bool AdvanceUntilDialed(int count) {
    const absl::Duration deadline = Clock::Real().Uptime() + kPatience;
    while (!Host().AwaitDials(count, absl::Milliseconds(1))) {
      if (Clock::Real().Uptime() >= deadline) return false;
      clock_.Advance(absl::Seconds(1));
    }
    return true;
  }

  void Notify() {
    MutexLock lock(mu_);
    changed_.NotifyAll();
  }

  PullSource::Options options_;
  FakeClock clock_;
  Inventory inventory_{clock_};
  hypervisor::FakeDialer dialer_;
  int created_ = 0;  // hosts
  Mutex mu_;
  CondVar changed_;
  std::unique_ptr<PullSource> source_;
};

TEST_F(PullSourceTest, HostsAreInTheFleetBeforeAnythingIsDialed) {
  Create(2);
  ASSERT_THAT(inventory_.View()->records, SizeIs(2));
  EXPECT_EQ(Record(1)->presence(), v1::PRESENCE_NEVER_SEEN);
  EXPECT_EQ(Host(1).dials(), 0);
}

TEST_F(PullSourceTest, ReadsEverythingAfterADial) {
  Host().SetGuest(Guest("1", "web"));
  v1::HostFacts facts;
  facts.set_hostname("hv0.example.com");
  Host().SetFacts(facts);
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));

  EXPECT_TRUE(Host().last_request().everything);
  const RecordPtr record = Record();
  ASSERT_EQ(record->guests_size(), 1);
  EXPECT_EQ(record->guests(0).name(), "web");
  EXPECT_EQ(record->facts().hostname(), "hv0.example.com");
  EXPECT_EQ(record->provenance().kind(), v1::SOURCE_KIND_PULL);
  EXPECT_EQ(record->provenance().origin(), "fake://hv0/");
}

TEST_F(PullSourceTest, WhatIsShownOfAUriHoldsNoSecret) {
  const std::string uri = "fake+ssh://me:secret@hv0/system?keyfile=/etc/key";
  dialer_.host(uri);
  source_ = std::make_unique<PullSource>(
      options_, std::vector<PullHost>{{{NodeOf(0)}, uri, {}}}, dialer_,
      inventory_, clock_);
  source_->Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_EQ(Record()->provenance().origin(), "fake+ssh://me@hv0/system");
}

TEST_F(PullSourceTest, AnEventReadsTheGuestItNames) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().SetGuest(Guest("1", "web"));
  Host().EmitGuestEvent(GuestId{"1"});
  clock_.Advance(options_.event_window);

  ASSERT_TRUE(AwaitGuests(1));
  EXPECT_FALSE(Host().last_request().everything);
  EXPECT_THAT(Host().last_request().changed, ElementsAre(GuestId{"1"}));
  EXPECT_EQ(Host().dials(), 1);
  EXPECT_EQ(Host().reads(), 2);
}

TEST_F(PullSourceTest, AnEventDuringAReadIsNotLost) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().HoldReads();
  Host().EmitGuestEvent(GuestId{"1"});
  clock_.Advance(options_.event_window);
  ASSERT_TRUE(Host().AwaitReads(2));  // it looks before the guest is there
  Host().SetGuest(Guest("1", "web"));
  Host().EmitGuestEvent(GuestId{"1"});
  clock_.Advance(options_.event_window);
  Host().ReleaseReads();
  EXPECT_TRUE(AwaitGuests(1));
}

TEST_F(PullSourceTest, AHostEventReadsTheHostsFacts) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  v1::HostFacts facts;
  facts.add_networks()->set_name("lab");
  Host().SetFacts(facts);
  Host().EmitHostEvent();
  clock_.Advance(options_.event_window);
  EXPECT_TRUE(Await(
      [](const v1::Record& r) { return r.facts().networks_size() == 1; }));
  EXPECT_TRUE(Host().last_request().host);
}

TEST_F(PullSourceTest, ARelistFindsWhatNoEventTold) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().SetGuest(Guest("1", "web"));
  clock_.Advance(options_.relist_interval);
  ASSERT_TRUE(AwaitGuests(1));
  EXPECT_TRUE(Host().last_request().everything);
}

TEST_F(PullSourceTest, VolatileValuesAreNewsOncePerInterval) {
  options_.volatile_interval = absl::Hours(1);
  options_.relist_interval = absl::Minutes(1);
  const auto use_cpu = [this](uint64_t time) {
    v1::Guest guest = Guest("1", "web");
    guest.set_id(3);
    guest.set_cpu_time_ns(time);
    Host().SetGuest(guest);
  };
  const auto shows = [this](uint64_t time) {
    return Await([time](const v1::Record& r) {
      return r.guests_size() == 1 && r.guests(0).cpu_time_ns() == time;
    });
  };
  use_cpu(1);
  Start();
  ASSERT_TRUE(shows(1));
  const Revision revision = Record()->revision();
  use_cpu(2);
  clock_.Advance(absl::Minutes(1));
  ASSERT_TRUE(Host().AwaitReads(2));
  if (!Host().last_request().volatile_values) {  // else its hour has come
    const int64_t sequence = 2;
    ASSERT_TRUE(
        Await([](const v1::Record& r) { return r.sequence() >= sequence; }));
    EXPECT_EQ(Record()->revision(), revision);
    clock_.Advance(absl::Hours(1));
  }
  EXPECT_TRUE(shows(2));
}

TEST_F(PullSourceTest, AnUnreadGuestKeepsWhatWasBelieved) {
  Host().SetGuest(Guest("1", "web"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  Host().SetUnreadable("1");
  Host().SetGuest(Guest("2", "db"));
  Host().EmitGuestEvent(GuestId{"2"});
  clock_.Advance(options_.event_window);
  EXPECT_TRUE(AwaitGuests(2));
}

TEST_F(PullSourceTest, AnObservationIsAsOldAsItsReadsBegin) {
  const absl::Time begin = clock_.Now();
  Host().HoldReads();
  Start();
  ASSERT_TRUE(Host().AwaitReads(1));
  clock_.Advance(absl::Seconds(7));
  Host().ReleaseReads();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_EQ(Record()->provenance().observed_at().seconds(),
            absl::ToUnixSeconds(begin));
  EXPECT_EQ(Record()->provenance().received_at().seconds(),
            absl::ToUnixSeconds(begin) + 7);
}

TEST_F(PullSourceTest, AHostNeverReachedSaysWhy) {
  Host().FailDials(absl::UnavailableError("hv0: refused; is sshd up?"));
  Start();
  ASSERT_TRUE(
      Await([](const v1::Record& r) { return r.conditions_size() == 1; }));
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_NEVER_SEEN);
  EXPECT_EQ(Record()->conditions(0).type(), "Unreachable");
  EXPECT_EQ(Record()->conditions(0).message(), "hv0: refused; is sshd up?");

  Host().AllowDials();
  clock_.Advance(options_.reconnect.min);
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_THAT(Record()->conditions(), IsEmpty());
}

TEST_F(PullSourceTest, AUriThatCanNeverWorkIsDialedSeldom) {
  Host(0).FailDials(absl::InvalidArgumentError("hv0: no such driver"));
  Host(1).FailDials(absl::UnavailableError("hv1: refused"));
  Start(2);
  ASSERT_TRUE(
      Await([](const v1::Record& r) { return r.conditions_size() == 1; }, 0));
  ASSERT_TRUE(
      Await([](const v1::Record& r) { return r.conditions_size() == 1; }, 1));
  // Both have had their chance when the second has been dialed again.
  clock_.Advance(options_.reconnect.max / 2 - absl::Seconds(1));
  ASSERT_TRUE(Host(1).AwaitDials(2));
  EXPECT_EQ(Host(0).dials(), 1);
  clock_.Advance(options_.reconnect.max / 2 + absl::Seconds(1));
  EXPECT_TRUE(Host(0).AwaitDials(2));
}

TEST_F(PullSourceTest, ALostHostIsStaleKeepsItsGuestsAndComesBack) {
  Host().SetGuest(Guest("1", "web"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  const RecordPtr before = Record();

  Host().FailDials(absl::UnavailableError("hv0: refused"));
  Host().Drop("end of file");
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_STALE));
  ASSERT_EQ(Record()->conditions_size(), 1);
  EXPECT_THAT(Record()->conditions(0).message(), HasSubstr("end of file"));
  EXPECT_EQ(Record()->guests_size(), 1);
  EXPECT_EQ(Host().open_connections(), 0);

  Host().AllowDials();
  Host().RemoveGuest("1");
  clock_.Advance(options_.reconnect.min);
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_THAT(Record()->guests(), IsEmpty());
  EXPECT_GT(Record()->session(), before->session());
}

TEST_F(PullSourceTest, AFailedReadClosesTheConnection) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().FailReads(absl::UnavailableError("hv0: no answer"));
  Host().EmitGuestEvent(GuestId{"1"});
  clock_.Advance(options_.event_window);
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_STALE));
  EXPECT_EQ(Record()->conditions(0).message(), "hv0: no answer");
  EXPECT_EQ(Host().open_connections(), 0);

  Host().AllowReads();
  clock_.Advance(options_.reconnect.min);
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
}

TEST_F(PullSourceTest, AHostDownForLongIsUnknownUntilItIsBack) {
  Host().SetGuest(Guest("1", "web"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  Host().FailDials(absl::UnavailableError("hv0: refused"));
  Host().Drop("end of file");
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_STALE));
  clock_.Advance(options_.unknown_after);
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_UNKNOWN));
  EXPECT_EQ(Record()->guests_size(), 1);
  EXPECT_EQ(Record()->conditions_size(), 1);

  // Another failure does not make it less unknown.
  const int dials = Host().dials();
  ASSERT_TRUE(AdvanceUntilDialed(dials + 2));
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_UNKNOWN);

  Host().AllowDials();
  ASSERT_TRUE(AdvanceUntilDialed(dials + 3));
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
}

TEST_F(PullSourceTest, HangingHostsLeaveWorkersToThoseThatAnswer) {
  options_.workers = 4;
  constexpr int kHosts = 9;
  for (int i = 1; i < kHosts; ++i) {
    i % 2 == 0 ? Host(i).HoldDials() : Host(i).HoldReads();
  }
  Start(kHosts);
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, 0));
  ASSERT_TRUE(Host(1).AwaitReads(1));
  ASSERT_TRUE(Host(2).AwaitDials(1));
  for (int round = 1; round <= 10; ++round) {
    Host(0).SetGuest(Guest(absl::StrCat(round), "web"));
    Host(0).EmitGuestEvent(GuestId{absl::StrCat(round)});
    clock_.Advance(options_.event_window);
    ASSERT_TRUE(AwaitGuests(round, 0));
  }
  int hanging = 0;
  for (int i = 1; i < kHosts; ++i) {
    hanging += i % 2 == 0 ? Host(i).dials() : Host(i).reads();
  }
  EXPECT_EQ(hanging, options_.workers - 2);

  for (int i = 1; i < kHosts; ++i) {
    Host(i).ReleaseDials();
    Host(i).ReleaseReads();
  }
  for (int i = 1; i < kHosts; ++i) {
    EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, i));
  }
}

TEST_F(PullSourceTest, OneWorkerServesManyHosts) {
  options_.workers = 1;
  Start(20);
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, i));
  }
}

TEST_F(PullSourceTest, ARereadIsAnsweredWhenItIsMerged) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().SetGuest(Guest("1", "web"));
  Answers answers;
  int guests = -1;
  auto done = answers.Callback();
  source_->Reread(HostId{NodeOf(0)}, [&](absl::Status status) {
    guests = Record()->guests_size();
    done(std::move(status));
  });
  EXPECT_THAT(answers.Await(), ElementsAre(IsOk()));
  EXPECT_EQ(guests, 1);
  EXPECT_TRUE(Host().last_request().everything);
}

TEST_F(PullSourceTest, ARereadOfAnUnknownHostIsNotFound) {
  Start();
  Answers answers;
  source_->Reread(HostId{"nobody"}, answers.Callback());
  EXPECT_THAT(answers.Await(), ElementsAre(StatusIs(absl::StatusCode::kNotFound,
                                                    HasSubstr("nobody"))));
}

TEST_F(PullSourceTest, ARereadDialsAtOnceAndFailsWithTheDial) {
  Host().FailDials(absl::UnauthenticatedError("hv0: key refused"));
  Start();
  ASSERT_TRUE(
      Await([](const v1::Record& r) { return r.conditions_size() == 1; }));
  Answers answers;
  source_->Reread(HostId{NodeOf(0)}, answers.Callback());
  EXPECT_THAT(answers.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kUnauthenticated)));
  EXPECT_EQ(Host().dials(), 2);

  Host().AllowDials();
  Answers later;
  source_->Reread(HostId{NodeOf(0)}, later.Callback());
  EXPECT_THAT(later.Await(), ElementsAre(IsOk()));
}

TEST_F(PullSourceTest, ARereadFailsWithItsRead) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().FailReads(absl::UnavailableError("hv0: no answer"));
  Answers answers;
  source_->Reread(HostId{NodeOf(0)}, answers.Callback());
  EXPECT_THAT(answers.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kUnavailable)));
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_STALE);
}

TEST_F(PullSourceTest, RereadsDuringAReadShareTheNextOne) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().HoldReads();
  Answers first;
  source_->Reread(HostId{NodeOf(0)}, first.Callback());
  ASSERT_TRUE(Host().AwaitReads(2));
  Host().SetGuest(Guest("1", "web"));
  Answers later;
  for (int i = 0; i < 5; ++i) {
    source_->Reread(HostId{NodeOf(0)}, later.Callback());
  }
  Host().ReleaseReads();
  EXPECT_THAT(later.Await(5), SizeIs(5));
  EXPECT_THAT(later.Await(5), Each(IsOk()));
  EXPECT_THAT(first.Await(), SizeIs(1));
  EXPECT_EQ(Host().reads(), 3);
  EXPECT_EQ(Record()->guests_size(), 1);
}

TEST_F(PullSourceTest, ARereadOfAConnectionFoundDeadDialsAgain) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().HoldReads();
  Answers first;
  source_->Reread(HostId{NodeOf(0)}, first.Callback());
  ASSERT_TRUE(Host().AwaitReads(2));
  Answers later;
  source_->Reread(HostId{NodeOf(0)}, later.Callback());
  Host().Drop("end of file");
  Host().ReleaseReads();
  EXPECT_THAT(first.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kUnavailable)));
  EXPECT_THAT(later.Await(), ElementsAre(IsOk()));
  EXPECT_EQ(Host().dials(), 2);
}

TEST_F(PullSourceTest, StopClosesEveryConnection) {
  constexpr int kHosts = 10;
  Start(kHosts);
  for (int i = 0; i < kHosts; ++i) {
    ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT, i));
  }
  source_->Stop();
  for (int i = 0; i < kHosts; ++i) EXPECT_EQ(Host(i).open_connections(), 0);
  source_->Stop();
}

TEST_F(PullSourceTest, StopCancelsRereadsThatHaveNotBegun) {
  Host().HoldDials();
  Start();
  ASSERT_TRUE(Host().AwaitDials(1));
  Answers answers;
  source_->Reread(HostId{NodeOf(0)}, answers.Callback());
  std::thread stopper([this] { source_->Stop(); });
  EXPECT_THAT(answers.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kCancelled)))
      << "it waited for the dial";
  Host().ReleaseDials();
  stopper.join();
  EXPECT_EQ(Host().open_connections(), 0);

  Answers late;
  source_->Reread(HostId{NodeOf(0)}, late.Callback());
  EXPECT_THAT(late.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kCancelled)));
  EXPECT_THAT(answers.Await(), SizeIs(1));
}

TEST_F(PullSourceTest, StopLetsAReadUnderWayAnswer) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Host().HoldReads();
  Answers under_way;
  source_->Reread(HostId{NodeOf(0)}, under_way.Callback());
  ASSERT_TRUE(Host().AwaitReads(2));
  Answers waiting;
  source_->Reread(HostId{NodeOf(0)}, waiting.Callback());
  std::thread stopper([this] { source_->Stop(); });
  EXPECT_THAT(waiting.Await(), SizeIs(1));
  Host().ReleaseReads();
  stopper.join();
  EXPECT_THAT(under_way.Await(), ElementsAre(IsOk()));
  EXPECT_EQ(Host().reads(), 2);
}

TEST_F(PullSourceTest, ASourceNeverStartedStopsToo) {
  Create();
  Answers answers;
  source_->Reread(HostId{NodeOf(0)}, answers.Callback());
  source_.reset();
  EXPECT_THAT(answers.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kCancelled)));
}

// Changes, events and drops from several threads at once, on real time: in the
// end the inventory holds what the hosts hold, and every reread was answered.
TEST(PullSourceStressTest, NothingIsLostInACrowd) {
  constexpr int kHosts = 8;
  constexpr int kRounds = 60;
  Inventory inventory(Clock::Real());
  hypervisor::FakeDialer dialer;
  std::vector<PullHost> hosts;
  for (int i = 0; i < kHosts; ++i) {
    dialer.host(UriOf(i));
    hosts.push_back({.host = {NodeOf(i)}, .uri = UriOf(i), .labels = {}});
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
