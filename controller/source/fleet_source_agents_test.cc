// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Who speaks for a host: its agent, or a connection.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <stop_token>
#include <thread>
#include <vector>

#include "absl/random/random.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "controller/inventory/record.h"
#include "controller/source/fleet_source_agents_fixture.h"
#include "tests/fakes/fake_dialer.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;

TEST_F(FleetSourceAgentsTest, AnAgentsFirstReportEndsTheConnection) {
  Host().SetGuest(Guest("1", "pulled"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  const int64_t session = Come();
  EXPECT_EQ(Host().open_connections(), 1) << "it has said nothing yet";
  ASSERT_THAT(See(session, Report({Guest("1", "web"), Guest("2", "db")})),
              IsOk());
  EXPECT_EQ(Record()->guests_size(), 2);
  EXPECT_EQ(Record()->provenance().kind(), v1::SOURCE_KIND_PUSH);
  EXPECT_TRUE(Host().AwaitOpenConnections(0));
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_TRUE(AwaitState(v1::CONNECTION_STATE_AGENT));
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Host().dials(), 1);
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_CURRENT);
}

TEST_F(FleetSourceAgentsTest, AHostWithoutAUriIsToldOfByItsAgentOnly) {
  StartWithoutUri();
  ASSERT_TRUE(AwaitCondition(kUnreachable, true));
  EXPECT_THAT(MessageOf(kUnreachable), HasSubstr("rehai-agent"));
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_NEVER_SEEN);
  EXPECT_TRUE(AwaitState(v1::CONNECTION_STATE_NO_URI));

  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({Guest("1", "web")})), IsOk());
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_TRUE(AwaitCondition(kUnreachable, false));

  source_->Went({NodeOf(0)}, session, absl::UnavailableError("it hung up"));
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_STALE));
  EXPECT_THAT(MessageOf(kUnreachable), HasSubstr("it hung up"));
  EXPECT_EQ(Record()->guests_size(), 1) << "silence is not absence";
  clock_.Advance(options_.unknown_after);
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_UNKNOWN));
  EXPECT_TRUE(AwaitState(v1::CONNECTION_STATE_NO_URI));
}

TEST_F(FleetSourceAgentsTest,
       ASilentAgentsHostIsDialedAfterAWhileAndGivenBack) {
  Host().SetGuest(Guest("1", "web"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({Guest("1", "web")})), IsOk());
  ASSERT_TRUE(AwaitState(v1::CONNECTION_STATE_AGENT));

  Host().SetGuest(Guest("2", "db"));
  source_->Went({NodeOf(0)}, session, absl::UnavailableError("it hung up"));
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_STALE));
  clock_.Advance(options_.fallback_after - absl::Seconds(1));
  EXPECT_EQ(Host().dials(), 1);
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(AwaitGuests(2));
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_EQ(Record()->provenance().kind(), v1::SOURCE_KIND_PULL);

  const int64_t next = Come();
  ASSERT_THAT(See(next, Report({Guest("2", "db")})), IsOk());
  EXPECT_EQ(Record()->provenance().kind(), v1::SOURCE_KIND_PUSH);
  EXPECT_TRUE(Host().AwaitOpenConnections(0));
  EXPECT_EQ(Record()->missing_uuids_size(), 1);
  // Nothing told of the other guest's end, so its host is asked once more.
  clock_.Advance(options_.move_settle);
  const std::vector<int64_t> asked = agents_.back()->AwaitRequests(1);
  ASSERT_THAT(See(next, Report({Guest("2", "db")}), asked), IsOk());
  EXPECT_EQ(Record()->guests_size(), 1);
}

// Its read may have begun before the agent's, or after: nobody knows.
TEST_F(FleetSourceAgentsTest, AReadUnderWayIsNotTakenInOnceTheAgentSpeaks) {
  Host().SetGuest(Guest("1", "web"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  Host().HoldReads();
  Host().SetGuest(Guest("1", "old"));
  Host().EmitGuestEvent({"1"});
  ASSERT_TRUE(Host().AwaitReads(2));
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({Guest("1", "new")})), IsOk());
  Host().ReleaseReads();
  ASSERT_TRUE(Host().AwaitOpenConnections(0));
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_EQ(Record()->guests(0).name(), "new");
  EXPECT_FALSE(HasCondition(*Record(), kUnreachable));
}

// As the simulation found: the report was long on its way, or its reading old.
TEST_F(FleetSourceAgentsTest, AReportThatMayBeOlderThanTheLastReadIsAskedAnew) {
  Host().SetGuest(Guest("1", "web"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  const int64_t session = Come();
  clock_.Advance(absl::Seconds(1));
  Host().SetGuest(Guest("1", "new"));
  Host().EmitGuestEvent({"1"});
  ASSERT_TRUE(Await([](const v1::Record& record) {
    return record.guests(0).name() == "new";
  }));
  clock_.Advance(absl::Seconds(1));

  ASSERT_THAT(See(session, Report({Guest("1", "old")})), IsOk());
  EXPECT_EQ(Record()->guests(0).name(), "new");
  const std::vector<int64_t> asked = agents_[0]->AwaitRequests(1);
  ASSERT_FALSE(asked.empty());
  ASSERT_THAT(See(session, Partial(Guest("1", "old"))), IsOk());
  EXPECT_EQ(Record()->guests(0).name(), "new") << "nor is a part of it";

  ASSERT_THAT(See(session, Report({Guest("1", "newest")}), asked), IsOk());
  EXPECT_EQ(Record()->guests(0).name(), "newest");
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  ASSERT_THAT(See(session, Partial(Guest("1", "next"))), IsOk());
  EXPECT_EQ(Record()->guests(0).name(), "next");
}

TEST_F(FleetSourceAgentsTest, ADialUnderWayIsGivenUpOnceTheAgentSpeaks) {
  Host().HoldDials();
  Create();
  source_->Start();
  ASSERT_TRUE(Host().AwaitDials(1));
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({Guest("1", "web")})), IsOk());
  Host().ReleaseDials();
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  EXPECT_TRUE(Host().AwaitOpenConnections(0));
  EXPECT_EQ(Host().reads(), 0);
}

TEST_F(FleetSourceAgentsTest, ARereadIsAskedOfTheAgent) {
  StartWithoutUri();
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({})), IsOk());
  Answers answers;
  source_->Reread({NodeOf(0)}, answers.Callback());
  const std::vector<int64_t> requests = agents_[0]->AwaitRequests(1);
  ASSERT_EQ(requests.size(), 1);
  ASSERT_THAT(See(session, Report({Guest("1", "web")})), IsOk());
  ASSERT_THAT(
      See(session, Report({Guest("1", "web"), Guest("2", "db")}), requests),
      IsOk());
  EXPECT_THAT(answers.Await(), ElementsAre(IsOk()));
}

TEST_F(FleetSourceAgentsTest, ARereadThatTheAgentDidNotAnswerIsAskedOfTheNext) {
  StartWithoutUri();
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({})), IsOk());
  Answers answers;
  source_->Reread({NodeOf(0)}, answers.Callback());
  ASSERT_EQ(agents_[0]->AwaitRequests(1).size(), 1);
  const int64_t next = Come();
  ASSERT_THAT(See(next, Report({})), IsOk());
  const std::vector<int64_t> requests = agents_[1]->AwaitRequests(1);
  ASSERT_EQ(requests.size(), 1);
  ASSERT_THAT(See(next, Report({}), requests), IsOk());
  EXPECT_THAT(answers.Await(), ElementsAre(IsOk()));
}

TEST_F(FleetSourceAgentsTest, ARereadDialsTheHostIfItsAgentGoes) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({})), IsOk());
  ASSERT_TRUE(AwaitState(v1::CONNECTION_STATE_AGENT));
  Answers answers;
  source_->Reread({NodeOf(0)}, answers.Callback());
  ASSERT_EQ(agents_[0]->AwaitRequests(1).size(), 1);
  source_->Went({NodeOf(0)}, session, absl::UnavailableError("it hung up"));
  EXPECT_THAT(answers.Await(), ElementsAre(IsOk())) << "without a wait";
  EXPECT_EQ(Host().dials(), 2);
}

TEST_F(FleetSourceAgentsTest, ARereadThatNobodyCanAnswerIsRefused) {
  StartWithoutUri();
  Answers refused;
  source_->Reread({NodeOf(0)}, refused.Callback());
  EXPECT_THAT(refused.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kFailedPrecondition,
                                   HasSubstr("no agent speaks for it"))));
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({})), IsOk());
  Answers abandoned;
  source_->Reread({NodeOf(0)}, abandoned.Callback());
  source_->Went({NodeOf(0)}, session, absl::UnavailableError("it hung up"));
  EXPECT_THAT(abandoned.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kUnavailable,
                                   HasSubstr("it hung up"))));
}

TEST_F(FleetSourceAgentsTest, AnAgentThatComesAndGoesIsSentAwayForAWhile) {
  options_.agent_comings = 3;
  options_.agent_coming_interval = absl::Seconds(30);
  StartWithoutUri();
  for (int i = 0; i < 3; ++i) {
    const int64_t session = Come();
    EXPECT_THAT(session, Gt(0));
    source_->Went({NodeOf(0)}, session, absl::UnavailableError("it hung up"));
  }
  EXPECT_EQ(Come(), 0);
  EXPECT_GE(last_admission_.come_back_after, absl::Seconds(30));
  EXPECT_LE(last_admission_.come_back_after, absl::Seconds(45));
  clock_.Advance(absl::Seconds(30));
  EXPECT_THAT(Come(), Gt(0));
  EXPECT_EQ(Come(), 0);
}

TEST_F(FleetSourceAgentsTest, ANewSessionEndsTheOneBefore) {
  StartWithoutUri();
  const int64_t first = Come();
  ASSERT_THAT(See(first, Report({Guest("1", "web")})), IsOk());
  const int64_t second = Come();
  EXPECT_THAT(second, Gt(first));
  EXPECT_THAT(agents_[0]->dismissed(),
              StatusIs(absl::StatusCode::kAborted, HasSubstr("second agent")));
  EXPECT_THAT(See(first, Report({})), StatusIs(absl::StatusCode::kAborted));
  source_->Went({NodeOf(0)}, first, absl::UnavailableError("it hung up"));
  ASSERT_THAT(See(second, Partial(Guest("2", "db"))), IsOk());
  EXPECT_EQ(Record()->guests_size(), 2);
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_CURRENT)
      << "there was no moment without an agent";
}

TEST_F(FleetSourceAgentsTest, ASessionResumesWhatNobodyElseChanged) {
  Host().SetGuest(Guest("1", "web"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  const int64_t first = Come();
  ASSERT_THAT(See(first, Report({Guest("1", "web")})), IsOk());
  ASSERT_TRUE(AwaitState(v1::CONNECTION_STATE_AGENT));
  source_->Went({NodeOf(0)}, first, absl::UnavailableError("it hung up"));
  const int64_t second = Come(0, first);
  EXPECT_TRUE(last_admission_.resumes);
  source_->Went({NodeOf(0)}, second, absl::UnavailableError("it hung up"));
  Come(0, first - 1);
  EXPECT_FALSE(last_admission_.resumes);

  // Now a read tells something newer.
  source_->Went({NodeOf(0)}, last_admission_.session,
                absl::UnavailableError("it hung up"));
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_STALE));
  clock_.Advance(options_.fallback_after);
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  Come(0, first);
  EXPECT_FALSE(last_admission_.resumes);
}

TEST_F(FleetSourceAgentsTest, AHostThatLeavesSendsItsAgentAway) {
  StartWithoutUri();
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({Guest("1", "web")})), IsOk());
  source_->SetHosts({});
  EXPECT_THAT(agents_[0]->dismissed(),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(See(session, Report({})), StatusIs(absl::StatusCode::kAborted));
  EXPECT_THAT(source_->Came({NodeOf(0)}, 0, agents_[0]),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(source_->Came({"nobody"}, 0, agents_[0]),
              StatusIs(absl::StatusCode::kNotFound));
  ASSERT_TRUE(AwaitCondition(kLeftDiscovery, true));
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_STALE));
  EXPECT_EQ(Record()->guests_size(), 1);

  source_->SetHosts({WithoutUri(0)});
  EXPECT_THAT(See(Come(), Report({})), IsOk());
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
}

TEST_F(FleetSourceAgentsTest, AnAgentThatCannotReadGivesWayToADial) {
  Start();
  ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({})), IsOk());
  ASSERT_TRUE(AwaitState(v1::CONNECTION_STATE_AGENT));
  source_->CannotRead({NodeOf(0)}, session,
                      absl::UnavailableError("libvirt is away"));
  ASSERT_TRUE(AwaitCondition(kUnreachable, true));
  EXPECT_EQ(Record()->presence(), v1::PRESENCE_STALE);
  EXPECT_THAT(MessageOf(kUnreachable), HasSubstr("libvirt is away"));
  Host().SetGuest(Guest("1", "web"));
  clock_.Advance(options_.fallback_after);
  ASSERT_TRUE(AwaitGuests(1));
  // And back, in the same session; but that may be older than what was read.
  ASSERT_THAT(See(session, Report({Guest("1", "web"), Guest("2", "db")})),
              IsOk());
  EXPECT_EQ(Record()->guests_size(), 1);
  const std::vector<int64_t> asked = agents_[0]->AwaitRequests(1);
  ASSERT_FALSE(asked.empty());
  ASSERT_THAT(See(session, Report({}), {asked[0] - 1}), IsOk());
  EXPECT_EQ(Record()->guests_size(), 1) << "an answer to an earlier question";
  ASSERT_THAT(
      See(session, Report({Guest("1", "web"), Guest("2", "db")}), asked),
      IsOk());
  EXPECT_EQ(Record()->guests_size(), 2);
  EXPECT_TRUE(Host().AwaitOpenConnections(0));
}

TEST_F(FleetSourceAgentsTest, WhoWaitsAtTheStopIsAnswered) {
  StartWithoutUri();
  const int64_t session = Come();
  ASSERT_THAT(See(session, Report({})), IsOk());
  Answers answers;
  source_->Reread({NodeOf(0)}, answers.Callback());
  ASSERT_EQ(agents_[0]->AwaitRequests(1).size(), 1);
  source_->Stop();
  EXPECT_THAT(answers.Await(),
              ElementsAre(StatusIs(absl::StatusCode::kCancelled)));
  EXPECT_THAT(source_->Came({NodeOf(0)}, 0, agents_[0]),
              StatusIs(absl::StatusCode::kCancelled));
}

// Whatever comes between: once the agent has spoken last, the host is as it
// said, and current.
TEST_F(FleetSourceAgentsTest, TheLastWordIsTheAgentsHoweverTheyMeet) {
  options_.fallback_after = absl::ZeroDuration();
  options_.agent_comings = 1'000'000;
  options_.event_window = absl::ZeroDuration();
  Host().SetGuest(Guest("1", "pulled"));
  Start();
  ASSERT_TRUE(AwaitGuests(1));
  std::jthread rival([&](const std::stop_token& done) {
    absl::BitGen random;
    while (!done.stop_requested()) {
      if (absl::Bernoulli(random, 0.1)) {
        Host().Drop("dropped");
      } else {
        Host().EmitGuestEvent({"1"});
      }
    }
  });
  absl::BitGen random;
  for (int i = 0; i < 300; ++i) {
    const int64_t session = Come();
    const std::string name = absl::StrCat("pushed", i);
    for (int j = absl::Uniform(random, 0, 4); j >= 0; --j) {
      ASSERT_THAT(See(session, Report({Guest("1", name)})), IsOk());
    }
    if (absl::Bernoulli(random, 0.3)) {
      source_->CannotRead({NodeOf(0)}, session, absl::UnavailableError("away"));
      ASSERT_THAT(See(session, Report({Guest("1", name)})), IsOk());
    }
    ASSERT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT)) << i;
    ASSERT_TRUE(AwaitCondition(kUnreachable, false)) << i;
    ASSERT_EQ(Record()->guests(0).name(), name);
    source_->Went({NodeOf(0)}, session, absl::UnavailableError("it hung up"));
  }
  rival.request_stop();
  rival.join();
  clock_.Advance(absl::Minutes(5));  // whatever it waits for
  EXPECT_TRUE(Await([](const v1::Record& record) {
    return record.guests(0).name() == "pulled";
  }));
  EXPECT_TRUE(AwaitPresence(v1::PRESENCE_CURRENT));
}

}  // namespace
}  // namespace rehai
