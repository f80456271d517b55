// Copyright 2026 The Rehai Authors
// SPDX-License-Identifier: Apache-2.0

// Heartbeats, silence, certificates, and the end of it all.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/proto_time.h"
#include "controller/source/agent_sessions.h"
#include "controller/source/agent_sessions_fixture.h"
#include "tests/matchers.h"

namespace rehai {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::SizeIs;
using Response = v1::SessionResponse;

class AgentSessionsTimeTest : public AgentSessionsTest {};

TEST_F(AgentSessionsTimeTest, AHeartbeatIsSentWhenNothingElseWas) {
  Visit visit = Speak(kHost);
  Advance(absl::Seconds(9));
  EXPECT_EQ(visit.Count(Response::kHeartbeat), 0);
  Advance(absl::Seconds(1));
  EXPECT_EQ(visit.Count(Response::kHeartbeat), 1);
  // An acknowledgement says as much.
  Advance(absl::Seconds(5));
  visit.Say(ReportOf(visit.epoch, 2, false, {3}));
  Advance(absl::Seconds(5));
  EXPECT_EQ(visit.Count(Response::kHeartbeat), 1);
  Advance(absl::Seconds(5));
  EXPECT_EQ(visit.Count(Response::kHeartbeat), 2);
}

TEST_F(AgentSessionsTimeTest, AnAgentThatSaysNothingIsGivenUp) {
  Visit visit = Speak(kHost);
  for (int i = 0; i < 29; ++i) Advance(absl::Seconds(1));
  EXPECT_EQ(visit.stream->end(), std::nullopt);
  Advance(absl::Seconds(1));
  EXPECT_THAT(
      visit.stream->end(),
      Optional(StatusIs(absl::StatusCode::kUnavailable, HasSubstr("30s"))));
  EXPECT_EQ(visit.Count(Response::kHeartbeat), 2);
  EXPECT_EQ(sessions().Status().ended_sessions().at("silent"), 1);
  // Before the transport notices: the host may be read otherwise at once.
  EXPECT_THAT(hosts_.Gone(kHost), ElementsAre(visit.epoch));
  visit.session.reset();
  EXPECT_THAT(hosts_.Gone(kHost), SizeIs(1));
}

TEST_F(AgentSessionsTimeTest, AnAgentWhoseHeartIsHeardStays) {
  Visit visit = Speak(kHost);
  for (int i = 0; i < 100; ++i) {
    Advance(absl::Seconds(10));
    visit.Say(HeartbeatOf());
  }
  EXPECT_EQ(visit.stream->end(), std::nullopt);
  EXPECT_EQ(visit.Count(Response::kHeartbeat), 100);
}

TEST_F(AgentSessionsTimeTest, AStreamWithoutHelloIsGivenUpAndHearsNothing) {
  Visit visit = Open();
  Advance(absl::Seconds(29));
  EXPECT_THAT(visit.stream->Sent(), IsEmpty());
  EXPECT_EQ(visit.stream->end(), std::nullopt);
  Advance(absl::Seconds(1));
  EXPECT_EQ(visit.EndCode(), absl::StatusCode::kUnavailable);
}

TEST_F(AgentSessionsTimeTest, NobodyIsSilentWhileItIsHeard) {
  Visit visit = Speak(kHost);
  hosts_.on_saw = [&](const HostId&) { Advance(absl::Minutes(5)); };
  visit.Say(ReportOf(visit.epoch, 2, false, {3}));
  hosts_.on_saw = [](const HostId&) {};
  EXPECT_EQ(visit.stream->end(), std::nullopt);
  Advance(absl::Seconds(29));
  EXPECT_EQ(visit.stream->end(), std::nullopt);
}

TEST_F(AgentSessionsTimeTest, ACertificateThatEndsEndsTheSession) {
  AgentPeer peer;
  peer.certificate_ends_at = clock_.Now() + absl::Seconds(25);
  Visit visit = Speak(kHost, peer);
  Advance(absl::Seconds(24));
  EXPECT_EQ(visit.stream->end(), std::nullopt);
  Advance(absl::Seconds(1));
  EXPECT_EQ(visit.EndCode(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(visit.Last(Response::kGoAway).go_away().reason(),
              HasSubstr("certificate has ended"));
  EXPECT_EQ(sessions().Status().ended_sessions().at("certificate"), 1);
}

TEST_F(AgentSessionsTimeTest, AJumpOfTheWallClockGivesNobodyUp) {
  Visit visit = Speak(kHost);
  clock_.JumpWall(absl::Hours(5));
  Advance(absl::Seconds(10));
  EXPECT_EQ(visit.stream->end(), std::nullopt);
}

TEST_F(AgentSessionsTimeTest, TheNextStepIsNeverInThePast) {
  Visit visit = Speak(kHost);
  for (int i = 0; i < 200; ++i) {
    if (i % 3 == 0) visit.Say(HeartbeatOf());
    const absl::Duration next = sessions().Tick();
    ASSERT_GT(next, clock_.Uptime());
    clock_.Advance(next - clock_.Uptime());
  }
}

TEST_F(AgentSessionsTimeTest, StopSendsEveryAgentAwaySpreadOverTime) {
  options_.sessions_per_second = 10;
  std::vector<Visit> visits;
  for (int i = 0; i < 10; ++i) {
    const HostId host{absl::StrFormat("fleet%d", i)};
    inventory_.AddHost(host, {});
    visits.push_back(Come(host));
    ASSERT_GT(visits.back().epoch, 0);
  }
  visits.push_back(Open());
  sessions().Stop();
  absl::Duration longest;
  for (int i = 0; i < 11; ++i) {
    EXPECT_EQ(visits[i].EndCode(), absl::StatusCode::kUnavailable);
    ASSERT_EQ(visits[i].Count(Response::kGoAway), 1);
    longest = std::max(
        longest,
        FromProto(
            visits[i].Last(Response::kGoAway).go_away().reconnect_after()));
  }
  EXPECT_GE(longest, absl::Seconds(1));
  EXPECT_LE(longest, absl::Seconds(2.2));
  EXPECT_EQ(sessions().Status().ended_sessions().at("stopping"), 10);
  EXPECT_EQ(sessions().Status().sessions(), 0);
  EXPECT_THAT(hosts_.Gone(HostId{"fleet0"}), SizeIs(1));

  Visit late = Open();
  EXPECT_EQ(late.EndCode(), absl::StatusCode::kUnavailable);
  late.Say(HelloOf(kHost));
  EXPECT_EQ(hosts_.AgentOf(kHost), nullptr);
}

TEST_F(AgentSessionsTimeTest, StreamsAndHostsMayOutliveTheSessions) {
  Visit visit = Come(kHost);
  const std::shared_ptr<Agent> agent = hosts_.AgentOf(kHost);
  sessions_.reset();
  EXPECT_EQ(visit.EndCode(), absl::StatusCode::kUnavailable);
  agent->AskReread(1);
  agent->Dismiss(absl::AbortedError("late"));
  visit.Say(ReportOf(visit.epoch, 1, true, {1}));
  visit.session.reset();
  agent->AskReread(2);
  EXPECT_THAT(hosts_.Gone(kHost), SizeIs(1));
  EXPECT_THAT(hosts_.Seen(kHost), IsEmpty());
}

// Many agents, each on a thread of its own, that come, speak, are superseded
// and go, while time passes and everything stops: no call of a session overlaps
// another, each end is told once, and none after Stop().
TEST_F(AgentSessionsTimeTest, ManyAtOnce) {
  options_.sessions_per_second = 1e6;
  *options_.settings.mutable_heartbeat_interval() = ToSeconds(1);
  constexpr int kThreads = 6;
  for (int i = 0; i < 3; ++i) {
    inventory_.AddHost({absl::StrFormat("fleet%d", i)}, {});
  }
  sessions().Start();
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const HostId host{absl::StrFormat("fleet%d", t % 3)};
      for (int round = 0; !stop; ++round) {
        Visit visit = Come(host);
        for (int i = 1; i <= round % 7; ++i) {
          visit.Say(ReportOf(visit.epoch, i, i == 1, {i}));
        }
        sessions().RunOhai(host, {}, [](const auto&) {});
        if (const auto agent = hosts_.AgentOf(host); agent != nullptr) {
          agent->AskReread(round);
        }
      }
    });
  }
  while (hosts_.admitted() < 300) {
    clock_.Advance(absl::Milliseconds(20));
    sessions().Agents();
    std::this_thread::yield();
  }
  sessions().Stop();
  const int64_t gone_at_stop = hosts_.admitted();
  stop = true;
  for (std::thread& thread : threads) thread.join();
  int64_t gone = 0;
  for (int i = 0; i < 3; ++i) {
    gone += hosts_.Gone({absl::StrFormat("fleet%d", i)}).size();
  }
  EXPECT_EQ(gone, gone_at_stop);
  EXPECT_EQ(gone, hosts_.admitted());
  const v1::PushStatus status = sessions().Status();
  EXPECT_EQ(status.sessions(), 0);
  int64_t ended = 0;
  for (const auto& [why, count] : status.ended_sessions()) ended += count;
  EXPECT_EQ(ended, status.opened_sessions());
}

}  // namespace
}  // namespace rehai
